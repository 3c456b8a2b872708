"""The CSMS of a node as one thing: its door, the stations that are in, and what the node's loops have to run of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from interplug.modules.node import Node

from .authority import Authority
from .commands import Commands
from .desk import Desk
from .hall import Hall
from .lines import Lines
from .server import Door
from .watch import Watch

LOOK = 0.2
"""Seconds between looks for calls that other processes want."""
SELDOM = 10
FLUSH = 50


class Csms:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.desk = Desk(node)
        self.hall = Hall(node, self.desk)
        self.lines = Lines(node, self.hall)
        self.commands = Commands(node, self.desk, self.lines)
        self.door = Door(self.hall)
        self.silence = Watch(self.desk)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Stations can connect. Raises BadSettings."""
        Authority.read(self.node.settings.stations)
        if not self.node.store.place.shared:
            await self.node.store.write(lambda tx: tx.charging_stations.alone(self.node.clock()))
        async with self.door.open():
            try:
                yield
            finally:
                await self.hall.close()
                await self.desk.settling.end()

    async def watch(self) -> None:
        """What only one process has to do."""
        await self.silence.run()

    async def run(self) -> None:
        """What has to be looked at in every process that stations connect to, until it is cancelled."""
        for turn in count():
            await self.lines.look()
            if turn % SELDOM == 0:
                await self.hall.look()
            if turn % FLUSH == 0:
                self.hall.flush()
                self.door.look()
            await asyncio.sleep(LOOK)
