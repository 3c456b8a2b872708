"""What partners would not take: listed with the reason, out of the way of everything else, and tried again.

An object that changes is tried by itself, for the log names it; one that does not is tried after an hour, then after two, up to a day
(one that only failed, while others passed: after ten seconds, then twenty, up to an hour), and at once when somebody asks for it
(`interplug partner retry`). What is known here is what the database says, read again when somebody else has written there. The time
of the next attempt is written for whoever asks and for the next process; this one counts seconds, so that a clock that is set back
delays nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.store.cursors import RETRY, Refused
from interplug.store.tx import Tx

from .decide import Decision, retry_refused
from .item import Item

log = logging.getLogger(__name__)


class Refusals:
    def __init__(self, node: Node, timer: Callable[[], float]) -> None:
        self.node, self.timer = node, timer
        self._known: dict[int, dict[int, Refused]] = {}
        self._due: dict[tuple[int, int], float] = {}
        """When each is to be tried again, by `timer`."""
        self._generation = -1

    async def load(self) -> None:
        async def work(tx: Tx) -> tuple[int, list[Refused]]:
            return await tx.generation(RETRY), await tx.cursors.refused()

        self._generation, rows = await self.node.store.read(work)
        self._known, self._due = {}, {}
        now, clock = self.timer(), self.node.clock()
        for row in rows:
            self._known.setdefault(row.connection, {})[row.pk] = row
            # No longer than it was put aside for, whatever has become of the clock since.
            left = min((row.next_at - clock) / 1_000_000 / self.node.speed, retry_refused(row.status, row.attempts - 1))
            self._due[row.connection, row.pk] = now + left

    async def asked(self) -> bool:
        """Whether somebody wants something to be tried again; what is due then is known."""
        if await self.node.store.read(lambda tx: tx.generation(RETRY), snapshot=False) == self._generation:
            return False
        await self.load()
        return True

    def due(self, connection: int, most: int) -> list[Refused]:
        """What is to be tried again now."""
        now = self.timer()
        return [row for row in self._known.get(connection, {}).values() if self._due[connection, row.pk] <= now][:most]

    def lists(self, connection: int, pk: int) -> bool:
        return pk in self._known.get(connection, {})

    async def accepted(self, connection: int, pk: int) -> None:
        """The object is level; if it was refused before, it is no longer."""
        if self._known.get(connection, {}).pop(pk, None) is not None:
            await self.node.store.write(lambda tx: tx.cursors.accept(connection, pk))

    async def refuse(self, connection: Connection, item: Item, decision: Decision) -> None:
        known = self._known.setdefault(connection.id, {})
        before = known.get(item.pk)
        attempts = before.attempts if before is not None else 0
        seconds = retry_refused(decision.status, attempts)
        refused = Refused(
            connection=connection.id,
            pk=item.pk,
            evse="",
            module=item.key.module,
            reason=decision.why[:500],
            status=decision.status,
            since=before.since if before is not None else self.node.clock(),
            attempts=1,
            next_at=self.node.after(seconds),
            changed_no=item.since,
        )
        known[item.pk] = msgspec.structs.replace(refused, attempts=attempts + 1)
        self._due[connection.id, item.pk] = self.timer() + seconds
        log.warning("%s refuses %s: %s", connection.partner, item.key, refused.reason)
        await self.node.store.write(lambda tx: tx.cursors.refuse(refused))
