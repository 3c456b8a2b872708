"""Ahead: what partners will ask for in their versions is translated when it has changed, not while they wait.

Translating an object to an older version takes ten times as long as reading an earlier translation of it, and a partner asks for
whole lists. So for each version that a registered partner speaks this loop follows the change log and keeps the renditions of what
lists hold, a few objects at a time, so that requests hardly notice. It knows nothing about what they say: `feed.rendition` makes
them, and whoever asks before this loop has come so far makes them just the same. An object that changes often is made at most once
a round. Sessions and CDRs are left out: what older versions say of those depends on more than the object.
"""

from __future__ import annotations

import asyncio

from interplug.store.keys import Change
from interplug.store.tx import Tx

from . import feed
from .node import Node

KINDS = ("location", "tariff", "token")
READ = 200
"""Changes that are read at a time."""
PART = 10
"""Objects that are translated without a pause: a request waits about a millisecond for them."""
PAUSE = 0.01
ROUND = 1.0
"""Seconds between looks at the log when there was nothing to do."""


class Ahead:
    def __init__(self, node: Node) -> None:
        self.node = node
        self._kinds = {module.id: module.kind for module in node.modules if module.kind in KINDS}
        self._reached: dict[str, int] = {}
        """How far in the log, by version. A process that begins walks the whole log once; what is kept already is passed over."""

    async def run(self) -> None:
        while True:
            if not await self.turn():
                await asyncio.sleep(ROUND)

    async def turn(self) -> bool:
        """The next part of the log for each version that is spoken; False: there was none."""
        spoken = {one.version for one in self.node.directory.all(registered=True) if one.version is not None}
        return any([await self._follow(version) for version in sorted(spoken)])

    async def _follow(self, version: str) -> bool:
        after = self._reached.get(version, 0)
        changes, reached, _ = await self.node.store.news(after, READ, own=True)
        lacking = await self.node.store.read(lambda tx: self._lacking(tx, version, changes))
        for start in range(0, len(lacking), PART):
            await self._make(version, lacking[start : start + PART])
            await asyncio.sleep(PAUSE)
        self._reached[version] = reached
        return bool(changes)

    async def _lacking(self, tx: Tx, version: str, changes: list[Change]) -> list[tuple[int, str]]:
        own = {one.pk: self._kinds[one.module] for one in changes if one.audience >= 0 and one.module in self._kinds}
        return [(pk, kind) for pk, kind in own.items() if await tx.objects.lacks(pk, version)]

    async def _make(self, version: str, objects: list[tuple[int, str]]) -> None:
        made: feed.Kept = []

        async def work(tx: Tx) -> None:
            for pk, kind in objects:
                await feed.rendition(tx, self.node, version, kind, pk, made)

        await self.node.store.read(work)
        if made:
            await self.node.store.write(lambda tx: tx.objects.keep(made))
