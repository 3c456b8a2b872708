"""Following drives: what the change log, the commands and the clock say about those that are not over.

A reader of the change log like any other: it has a cursor, so a restart goes on where the last process stopped. Each Session and
CDR that a partner brings is matched with a drive: by authorization_reference where the CPO gives it back, else by the
driver's Token and the EVSE, begun not before the drive (2.1.1 knows no reference).
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold, parse_time
from interplug.modules import commands
from interplug.modules.node import Node
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Change, Stored
from interplug.store.tx import Tx

from .drives import events, happened, in_words, move
from .states import ACCEPTED, ASKED, OPEN, STOPPING, UNSURE, WAITING

Document = dict[str, Any]
READER = (0, "drives")
"""The name of this reader among the cursors."""
CHUNK = 200
EARLY = 5 * 60 * 1_000_000
"""Clocks differ: a Session may say that it began so much before it was asked for."""
NOT_CONFIRMED = "The operator has not confirmed that charging began. If it does, you see it here."
SESSION_EVENTS = {"ACTIVE": "charging", "COMPLETED": "ended", "INVALID": "invalid"}


class Follower:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.position = 0

    async def run(self) -> None:
        """Until cancelled."""
        await self.start()
        while True:
            await self.tick()
            await self.node.store.changed(self.position, 1.0)

    async def start(self) -> None:
        reached = await self.node.store.read(lambda tx: tx.cursors.get(*READER))
        self.position = reached or 0

    async def tick(self) -> None:
        await self._read()
        await self._commands()
        await self._clock()

    # --- the change log

    async def _read(self) -> None:
        more = True
        while more:
            changes, reached, more = await self.node.store.news(self.position, CHUNK)
            news = [change for change in changes if change.source != OWN and change.module in ("sessions", "cdrs")]
            if news:
                await self.node.store.write(lambda tx, news=news, reached=reached: self._note(tx, news, reached))  # type: ignore[misc]
            self.position = reached

    async def _note(self, tx: Tx, news: list[Change], reached: int) -> None:
        for change in news:
            stored = await tx.objects.get_pk(change.pk)
            drive = await self._drive(tx, stored) if stored is not None else None
            if stored is None or drive is None:
                continue
            if change.module == "cdrs":
                await move(tx, self.node, drive, "billed", cdr=stored.pk)
            else:
                await move(tx, self.node, drive, SESSION_EVENTS.get(stored.document["status"], ""), session=stored.pk)
        await tx.cursors.move([(*READER, reached)])

    async def _drive(self, tx: Tx, stored: Stored) -> Drive | None:
        """The drive that a Session or a CDR belongs to."""
        document, source = stored.document, stored.key.source
        reference = document.get("authorization_reference")
        named = await tx.drivers.get(reference) if reference else None
        if named is not None:
            return named if named.connection == source else None
        token = document["cdr_token"]
        driver = await tx.drivers.with_token(token["uid"]) or await tx.drivers.with_contract(token["contract_id"])
        if driver is None:
            return None
        drives = await tx.drivers.of_driver(driver.id)
        return next((drive for drive in drives if drive.connection == source and _fits(drive, stored)), None)

    # --- commands and the clock

    async def _commands(self) -> None:
        for drive in await self.node.store.read(lambda tx: tx.drivers.in_states((ASKED, ACCEPTED, UNSURE, STOPPING))):
            starts = drive.state != STOPPING
            name = drive.command if starts else drive.stop_command
            row = await commands.status(self.node, name) if name else None
            event = events(starts, row.state) if row is not None else ""
            if row is not None and event and not (event == "accepted" or (event == "late" and drive.state == UNSURE)):
                reason = "" if event == "succeeded" else in_words(row.command, row.result, row.message)
                await happened(self.node, drive.id, event, reason)

    async def _clock(self) -> None:
        now = self.node.clock()
        for drive in await self.node.store.read(lambda tx: tx.drivers.in_states(OPEN)):
            if now < drive.deadline:
                continue
            if drive.state == UNSURE:
                await happened(self.node, drive.id, "over", "The operator never confirmed that charging began.")
            else:
                await happened(self.node, drive.id, "late", NOT_CONFIRMED)


def _fits(drive: Drive, stored: Stored) -> bool:
    document = stored.document
    if stored.key.module == "sessions":
        evse, known, number = document["evse_uid"], drive.session, stored.pk
    else:
        evse, known, number = document["cdr_location"]["evse_uid"], drive.cdr, stored.pk
    if known:
        return known == number
    return drive.state in WAITING and fold(evse) == fold(drive.evse) and parse_time(document["start_date_time"]) >= drive.created_at - EARLY
