"""Where messages about transactions are put on disk before they are answered: one inbox for all stations of a process.

What arrives while one group is being written is the next group: a row, packed together, and all of it is answered after its commit. The
more there is to do, the larger the groups and the less a message costs; a single one waits for nobody. Of a station only the newest
connection receives anything, whatever process has it; the others of its group do not notice.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from interplug.store.ocpp import Message
from interplug.store.store import Store
from interplug.store.tx import Tx

GROUP = 256
"""Most messages of a row."""
NUMBERS = "ocpp inbox"


class Arrived(NamedTuple):
    epoch: int
    message: Message
    number: asyncio.Future[int]


class Inbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._arrived: list[Arrived] = []
        self._writing: asyncio.Task[None] | None = None

    async def receive(self, epoch: int, message: Message) -> int:
        """Its number, once it is on disk; 0: the connection that it came over is not the station's newest any more. A station is
        answered before its next message is received."""
        number: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._arrived.append(Arrived(epoch, message, number))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await number

    async def _write(self) -> None:
        try:
            while self._arrived:
                group, self._arrived = self._arrived[:GROUP], self._arrived[GROUP:]
                await self._write_group(group)
        finally:
            self._writing = None

    async def _write_group(self, group: list[Arrived]) -> None:
        try:
            numbers = await self._store.write(lambda tx: _receive(tx, group))
        except BaseException as error:
            for one in group:
                if not one.number.done():
                    one.number.set_exception(error) if isinstance(error, Exception) else one.number.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for one, number in zip(group, numbers, strict=True):
            if not one.number.done():
                one.number.set_result(number)


async def _receive(tx: Tx, group: list[Arrived]) -> list[int]:
    no = await tx.bump(NUMBERS)
    lines = [(one.message.station, one.epoch) for one in group]
    newest = await tx.charging_stations.tell(lines, no)
    messages = [one.message for one, line in zip(group, lines, strict=True) if line in newest]
    if messages:
        await tx.ocpp.receive(no, messages)
    return [no if line in newest else 0 for line in lines]
