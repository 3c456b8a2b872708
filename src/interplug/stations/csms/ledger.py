"""Carries what a station told from the inbox into the book, in its order, one after the other.

The inbox comes first: what an ended process had received and not carried is carried before anything new. Messages that only continue
the same transaction are carried together, so a station that sends faster than the book can be written costs no more. What cannot be
understood is left in the inbox as evidence and stops nothing; a database that is away is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec

from interplug.modules.node import Node
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Received

from .events import INVALID, Admission, Told

log = logging.getLogger(__name__)
AGAIN = 1.0
"""Seconds until a database that was away is asked again."""
AT_ONCE = 200
BEAT = 0.5
"""Seconds between two times that what only continues a transaction is carried."""

T = TypeVar("T")
Carry = Callable[[Told], Awaitable[Admission]]
Read = Callable[[Received], Told | None]


class Entry(NamedTuple):
    no: int
    told: Told | None
    answer: asyncio.Future[Admission] | None = None


class Ledger:
    def __init__(self, node: Node, station: StationRow, read: Read, carry: Carry) -> None:
        self._node, self._station, self._read, self._carry = node, station, read, carry
        self._entries: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._caught_up = asyncio.Event()
        self._urgent = asyncio.Event()
        self._carried_at = -BEAT
        self.lost = asyncio.Event()
        """Another connection of the station has taken over."""

    def put(self, no: int, told: Told | None) -> None:
        if told is not None and told.kind != "went on":
            self._urgent.set()
        self._entries.put_nowait(Entry(no, told))

    def note(self, told: Told) -> None:
        """What no message of the inbox says; it is carried in its turn, and gone with this process."""
        self._entries.put_nowait(Entry(0, told))

    def ask(self, no: int, told: Told | None) -> asyncio.Future[Admission]:
        """What is to be answered, as soon as it is carried."""
        answer: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        if self.lost.is_set():
            answer.cancel()
        self._urgent.set()
        self._entries.put_nowait(Entry(no, told, answer))
        return answer

    def end(self) -> None:
        """`run` ends when everything is carried."""
        self._urgent.set()
        self._entries.put_nowait(None)

    def lose(self) -> None:
        """Another connection has taken over: nothing more is carried."""
        self.lost.set()
        self._urgent.set()

    async def carried(self) -> None:
        """Waits until everything that was put in by now is in the book."""
        self._urgent.set()
        await self._caught_up.wait()
        await self._entries.join()

    async def run(self, until: int) -> None:
        """`until`: the number in the inbox up to which others have received."""
        try:
            await self._catch_up(until)
            self._caught_up.set()
            ending = False
            while not ending and not self.lost.is_set():
                first = await self._entries.get()
                await self._others()
                batch = [first, *self._rest()]
                ending = None in batch
                await self._take([entry for entry in batch if entry is not None])
                for _ in batch:
                    self._entries.task_done()
        finally:
            self.lost.set()
            for entry in self._rest():
                if entry is not None and entry.answer is not None:
                    entry.answer.cancel()

    async def _others(self) -> None:
        """A station that tells more than once in a BEAT is carried once in it, unless something waits for that."""
        now = asyncio.get_running_loop().time
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._carried_at + BEAT - now()):
                await self._urgent.wait()
        self._urgent.clear()
        self._carried_at = now()

    def _rest(self) -> list[Entry | None]:
        found = []
        while not self._entries.empty():
            found.append(self._entries.get_nowait())
        return found

    async def _catch_up(self, until: int) -> None:
        station = self._station.id
        while waiting := await self._patiently(lambda: self._node.store.read(lambda tx: tx.ocpp.waiting(station, until, AT_ONCE))):
            log.info("station %s: %d messages that were not carried into the book yet", station, len(waiting))
            await self._take([Entry(one.no, self._read(one)) for one in waiting])
            if self.lost.is_set():
                return

    async def _take(self, entries: list[Entry]) -> None:
        for entry in _together(entries):
            admission = await self._one(entry)
            if entry.answer is not None and not entry.answer.done():
                entry.answer.set_result(admission)
        number, station = max((entry.no for entry in entries), default=0), self._station
        if number and not await self._patiently(
            lambda: self._node.store.write(lambda tx: tx.charging_stations.reach(station.id, station.epoch, number))
        ):
            self.lost.set()

    async def _one(self, entry: Entry) -> Admission:
        told = entry.told
        if told is None:
            return INVALID
        try:
            return await self._patiently(lambda: self._carry(told))
        except Exception:
            log.exception("station %s: message %d of the inbox could not be carried into the book", self._station.id, entry.no)
            return INVALID

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except OSError as error:
                log.warning("station %s: %s; tried again", self._station.id, error)
                await asyncio.sleep(AGAIN)


def _together(entries: list[Entry]) -> list[Entry]:
    """Neighbours that only continue the same transaction, as one, which happened when the first of them did: what it says of the
    phase is true from then on."""
    found: list[Entry] = []
    for entry in entries:
        before = found[-1] if found else None
        if before is not None and before.told is not None and entry.told is not None and _continues(before.told, entry.told):
            told = msgspec.structs.replace(
                before.told, samples=before.told.samples + entry.told.samples, signed=before.told.signed + entry.told.signed
            )
            found[-1] = Entry(entry.no, told)
        else:
            found.append(entry)
    return found


def _continues(before: Told, told: Told) -> bool:
    same = (before.number, before.evse, before.phase, before.state) == (told.number, told.evse, told.phase, told.state)
    same = same and bool(told.number)
    return same and before.kind == told.kind == "went on" and before.token is None and told.token is None
