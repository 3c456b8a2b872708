"""Following drives: what the change log, the commands and the clock say about those that are not over.

A reader of the change log like any other: it has a cursor, so a restart goes on where the last process stopped. Sessions are read here,
CDRs where they are billed.
"""

from __future__ import annotations

from interplug.model.said import said
from interplug.modules import asking
from interplug.modules.node import Node
from interplug.store.commands import Command
from interplug.store.drivers import Drive
from interplug.store.keys import Stored
from interplug.store.tx import Tx

from .answers import NOT_CONFIRMED
from .drives import PATIENCE, answered, event_of, happened, move, stop
from .matching import drive_of
from .plugs import NotPossible
from .reader import Reader
from .receipt import reading_of
from .states import ACCEPTED, ASKED, CHARGING, OPEN, STOPPING, UNSURE, advance
from .tapping import begun_with_card

SESSION_EVENTS = {"ACTIVE": "charging", "COMPLETED": "ended", "INVALID": "invalid"}
INVALID = said("The operator has declared this charge invalid, and does not mean to bill it. Look whether your car still charges.")
NEVER_CONFIRMED = said("The operator never confirmed that charging began.")
SPACING = 5 * 1_000_000
"""Between two readings that are kept of a drive, at least."""


class Follower:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.reader = Reader(node, "drives", "sessions", self._take)

    async def run(self) -> None:
        """Until cancelled."""
        await self.reader.start()
        while True:
            await self.tick()
            await self.node.store.changed(self.reader.position, 1.0)

    async def tick(self) -> None:
        await self.reader.read()
        await self._commands()
        await self._unwanted()
        await self._clock()

    async def _take(self, tx: Tx, stored: Stored) -> None:
        drive = await drive_of(tx, stored) or await begun_with_card(tx, self.node, stored)
        if drive is not None:
            event = SESSION_EVENTS.get(stored.document["status"], "")
            await move(tx, self.node, drive, event, INVALID if event == "invalid" else "", session=stored.pk)
            await tx.payments.look(drive.id)
            await self._note(tx, drive, stored)

    async def _note(self, tx: Tx, drive: Drive, stored: Stored) -> None:
        """The course of the drive: only some of what is told stays in the Session itself."""
        reading = reading_of(stored.document)
        last = await tx.drivers.last_reading(drive.id)
        if last is None or reading.at >= last.at + SPACING or (reading.at > last.at and stored.document["status"] != "ACTIVE"):
            await tx.drivers.note(drive.id, reading)

    # --- commands and the clock

    async def _commands(self) -> None:
        for drive in await self.node.store.read(lambda tx: tx.drivers.in_states((ASKED, ACCEPTED, UNSURE, CHARGING, STOPPING))):
            name = drive.stop_command if drive.state in (CHARGING, STOPPING) else drive.command
            row = await asking.status(self.node, name) if name else None
            event = event_of(self.node, row) if row is not None else ""
            if row is None or advance(drive.state, event) is None or event == "accepted":
                continue
            if not (drive.state == UNSURE and self._old(drive, event, row)):
                await answered(self.node, drive.id, row)

    def _old(self, drive: Drive, event: str, row: Command) -> bool:
        """Known when the drive became unsure: else a station that said yes would be believed for ever."""
        since = drive.deadline - int(PATIENCE * self.node.speed * 1_000_000)
        return event == "late" or (event == "succeeded" and row.finished_at < since)

    async def _unwanted(self) -> None:
        """What was given up and has begun all the same is stopped, once; the driver may try again."""
        for drive in await self.node.store.read(lambda tx: tx.drivers.in_states((CHARGING,))):
            if drive.unwanted and not drive.stop_command:
                try:
                    await stop(self.node, drive)
                except NotPossible as error:
                    await happened(self.node, drive.id, "", str(error), unwanted=0)

    async def _clock(self) -> None:
        now = self.node.clock()
        for drive in await self.node.store.read(lambda tx: tx.drivers.in_states(OPEN)):
            event, reason = ("over", NEVER_CONFIRMED) if drive.state == UNSURE else ("late", NOT_CONFIRMED)
            # One that waits for its payment ends with that; one that charges, when the operator says so.
            if now >= drive.deadline and advance(drive.state, event) is not None:
                await happened(self.node, drive.id, event, reason)
