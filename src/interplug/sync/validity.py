"""Tariffs of ours that begin or cease to be valid: nobody changes them at that moment, and yet partners of a version that knows no
validity see another Tariff, or none.

So a Tariff whose time has come counts as changed then, with the EVSEs that name it: both are pushed, and in lists by date. Nothing is
done where every partner's version can say from when to when a Tariff is valid. How far the time was followed is kept, so what began
while nothing ran is found later; which Tariffs there are is read off the change log by each process anew.
"""

from __future__ import annotations

import asyncio

from interplug.model.types import parse_time
from interplug.modules.node import Node
from interplug.store.cursors import TARIFFS_VALID
from interplug.store.keys import OWN, Change
from interplug.store.tx import Tx
from interplug.versions import chain

from .naming import renew_naming

READ = 500
"""Changes of Tariffs that are read at a time."""
ROUND = 1.0
"""Seconds between two looks at the clock."""


class Validity:
    def __init__(self, node: Node) -> None:
        self.node = node
        self._seen = 0
        self._turns: dict[int, tuple[str, tuple[int, ...]]] = {}
        """By pk: the id of a Tariff and the moments at which it begins and ends to be valid."""

    async def run(self) -> None:
        while True:
            if not await self.turn():
                await asyncio.sleep(ROUND)

    async def turn(self) -> bool:
        """Follows the log, or the clock; False: nothing was due."""
        changes, reached, more = await self.node.store.news(self._seen, READ, ("tariffs",))
        await self.node.store.read(lambda tx: self._note(tx, changes))
        self._seen = reached
        return more or await self._follow()

    async def _note(self, tx: Tx, changes: list[Change]) -> None:
        for pk in {change.pk for change in changes if change.source == OWN}:
            stored = await tx.objects.get_pk(pk)
            said = [stored.document.get(f"{end}_date_time") for end in ("start", "end")] if stored is not None else []
            moments = tuple(parse_time(one) for one in said if one)
            self._turns.pop(pk, None)
            if stored is not None and moments:
                self._turns[pk] = stored.key.id, moments

    async def _follow(self) -> bool:
        now = self.node.clock()
        after = await self.node.store.read(lambda tx: tx.cursors.get(OWN, TARIFFS_VALID))
        due = {pk: name for pk, (name, moments) in self._turns.items() if any((after or now) < one <= now for one in moments)}
        if due and any(chain.needs("tariff", one.speaks.number) for one in self.node.directory.all(registered=True)):
            await self.node.store.write(lambda tx: self._renew(tx, list(due)))
            await renew_naming(self.node, set(due.values()))
        if due or after is None:
            await self.node.store.write(lambda tx: tx.cursors.move([(OWN, TARIFFS_VALID, now)]))
        return bool(due)

    async def _renew(self, tx: Tx, pks: list[int]) -> None:
        for pk in pks:
            await tx.objects.renew(pk, told=True)
