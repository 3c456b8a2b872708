"""`/health/ready`: whether this node can do its work, told as it is.

Ready means: the database takes a write to the disk, every loop lives, there is room on the disk, and nobody has told the node to stop.
Anybody may ask, as often as they like, so an answer holds for a second.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping

from interplug.modules.node import Node
from interplug.store.urls import SqliteFile

HOLDS = 1.0
PATIENCE = 2.0
"""Seconds that a write may take."""


class Readiness:
    """`loops` tells what is wrong with them, by name; `timer` runs in seconds."""

    def __init__(self, node: Node, loops: Callable[[], Mapping[str, str]], *, timer: Callable[[], float] = time.monotonic) -> None:
        self.node, self.loops, self.timer = node, loops, timer
        self.stopping = False
        self._looking = asyncio.Lock()
        self._known: dict[str, str] = {}
        self._until = 0.0

    async def missing(self) -> dict[str, str]:
        """What is not ready, by name, with the reason."""
        async with self._looking:
            if self.timer() >= self._until:
                self._known = self._disk() | await self._store()
                self._until = self.timer() + HOLDS
        known = {**self.loops(), **self._known}
        return {"server": "is told to stop", **known} if self.stopping else known

    def _disk(self) -> dict[str, str]:
        place = self.node.store.place
        if not isinstance(place, SqliteFile):
            return {}  # the disk is the server's
        least = self.node.settings.store.least_free
        free = shutil.disk_usage(place.path.parent).free
        return {"disk": f"{free // 1_000_000} MB are free, store.least_free is {least // 1_000_000} MB"} if free < least else {}

    async def _store(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.node.store.write(lambda tx: tx.bump("alive"))
        except Exception as error:  # noqa: BLE001 (whatever it is, readiness is there to say it)
            return {"store": f"takes no transaction: {type(error).__name__}"}
        return {}
