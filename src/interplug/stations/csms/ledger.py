"""Carries what a station told from the inbox into the book, in its order, one after the other.

The inbox comes first: what an ended process had received and not carried is carried before anything new. Messages that only continue
the same transaction are carried together, so a station that sends faster than the book can be written costs no more. What cannot be
understood is left in the inbox as evidence and stops nothing; a database that is away is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from interplug.modules.node import Node
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Message

from .events import INVALID, Admission, Superseded, Told

log = logging.getLogger(__name__)
AGAIN = 1.0
"""Seconds until a database that was away is asked again."""
AT_ONCE = 200
"""Groups of the inbox that are looked through at a time for what an ended process has left."""
BEAT = 0.5
"""Seconds between two times that what only continues a transaction is carried, more or less."""
PAUSE = 0.1
"""Seconds without a word after which it is carried all the same."""

T = TypeVar("T")
Carry = Callable[[Told], Awaitable[Admission]]
Saying = tuple[Told | None, int, asyncio.Future[Admission] | None]
"""What was told, its number in the inbox, and who waits for an answer."""
Read = Callable[[Message], Told | None]


class Entry(NamedTuple):
    no: int
    said: Message | Told
    answer: asyncio.Future[Admission] | None = None


class Ledger:
    def __init__(self, node: Node, station: StationRow, read: Read, carry: Carry) -> None:
        self._node, self._station, self._read, self._carry = node, station, read, carry
        self._entries: list[Entry | None] = []
        """A list, for a queue costs as much for each message as all that is done with it here."""
        self._taking = False
        self._caught_up, self._taken = asyncio.Event(), asyncio.Event()
        self._urgent = False
        self._wake = asyncio.Event()
        self._beat = BEAT * (0.75 + hash(station.id) % 128 / 256)  # thousands that are in at once do not all come in the same moment
        self._carried_at = -BEAT
        self.lost = asyncio.Event()
        """Another connection of the station has taken over."""

    def put(self, no: int, message: Message, *, urgent: bool) -> None:
        if urgent:
            self._hurry()
        self._add(Entry(no, message))

    def note(self, told: Told) -> None:
        """What no message of the inbox says; it is carried in its turn, and gone with this process."""
        self._add(Entry(0, told))

    def ask(self, no: int, message: Message) -> asyncio.Future[Admission]:
        """What is to be answered, as soon as it is carried."""
        answer: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        if self.lost.is_set():
            answer.cancel()
        self._hurry()
        self._add(Entry(no, message, answer))
        return answer

    def end(self) -> None:
        """`run` ends when everything is carried."""
        self._hurry()
        self._add(None)

    def lose(self) -> None:
        """Another connection has taken over: nothing more is carried."""
        self.lost.set()
        self._hurry()

    async def carried(self) -> None:
        """Waits until everything that was put in by now is in the book."""
        self._hurry()
        await self._caught_up.wait()
        while self._entries or self._taking:
            self._taken.clear()
            await self._taken.wait()

    async def run(self, until: int) -> None:
        """`until`: the number in the inbox up to which others have received."""
        try:
            await self._catch_up(until)
            self._caught_up.set()
            ending = False
            while not ending and not self.lost.is_set():
                while not self._entries:
                    self._wake.clear()
                    await self._wake.wait()
                await self._others()
                batch, self._entries, self._taking = self._entries, [], True
                ending = None in batch
                await self._take([entry for entry in batch if entry is not None])
                self._taking = False
                self._taken.set()
        finally:
            self.lost.set()
            left, self._entries, self._taking = self._entries, [], False
            self._taken.set()
            for entry in left:
                if entry is not None and entry.answer is not None:
                    entry.answer.cancel()

    async def _others(self) -> None:
        """A station that tells one thing after the other is carried once in a BEAT, or when it pauses, unless something waits for it."""
        loop, there = asyncio.get_running_loop(), -1
        while loop.time() < self._carried_at + self._beat and len(self._entries) != there and not self._urgent:
            there = len(self._entries)
            self._wake.clear()
            pause = loop.call_later(PAUSE, self._wake.set)
            await self._wake.wait()
            pause.cancel()
        self._urgent = False
        self._carried_at = loop.time()

    def _add(self, entry: Entry | None) -> None:
        if not self._entries:
            self._wake.set()
        self._entries.append(entry)

    def _hurry(self) -> None:
        """Something waits."""
        self._urgent = True
        self._wake.set()

    async def _catch_up(self, until: int) -> None:
        station = self._station.id
        while waiting := await self._patiently(lambda: self._node.store.read(lambda tx: tx.ocpp.waiting(station, until, AT_ONCE))):
            log.info("station %s: %d messages that were not carried into the book yet", station, len(waiting))
            await self._take([Entry(one.no, one.message) for one in waiting])
            if self.lost.is_set():
                return

    async def _take(self, entries: list[Entry]) -> None:
        for told, no, answer in _together((self._told(entry), entry.no, entry.answer) for entry in entries):
            admission = INVALID if told is None else await self._one(told, no)
            if answer is not None and not answer.done():
                answer.cancel() if admission is None else answer.set_result(admission)
        number, station = max((entry.no for entry in entries), default=0), self._station
        if number and not await self._patiently(
            lambda: self._node.store.write(lambda tx: tx.charging_stations.reach(station.id, station.epoch, number))
        ):
            self.lost.set()

    def _told(self, entry: Entry) -> Told | None:
        if isinstance(entry.said, Told):
            return entry.said
        try:
            return self._read(entry.said)
        except Exception:
            log.exception("station %s: message %d of the inbox could not be read", self._station.id, entry.no)
            return None

    async def _one(self, told: Told, no: int) -> Admission | None:
        """None: it is left to the connection that has taken over."""
        try:
            return None if self.lost.is_set() else await self._patiently(lambda: self._carry(told))
        except Superseded:
            self.lost.set()
            return None
        except Exception:
            log.exception("station %s: message %d of the inbox could not be carried into the book", self._station.id, no)
            return INVALID

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except OSError as error:
                log.warning("station %s: %s; tried again", self._station.id, error)
                await asyncio.sleep(AGAIN)


def _together(entries: Iterable[Saying]) -> Iterator[Saying]:
    """Neighbours that only continue the same transaction, as one, which happened when the first of them did: what it says of the
    phase is true from then on."""
    waiting: list[Told] = []
    number = 0
    for told, no, answer in entries:
        goes_on = told if told is not None and answer is None and _goes_on(told) else None
        if waiting and (goes_on is None or not _same(waiting[-1], goes_on)):
            yield _joined(waiting), number, None
            waiting = []
        if goes_on is None:
            yield told, no, answer
        else:
            waiting.append(goes_on)
            number = no
    if waiting:
        yield _joined(waiting), number, None


def _joined(tellings: list[Told]) -> Told:
    if len(tellings) == 1:
        return tellings[0]
    samples = tuple(sample for told in tellings for sample in told.samples)
    return msgspec.structs.replace(tellings[0], samples=samples, signed=tuple(one for told in tellings for one in told.signed))


def _goes_on(told: Told) -> bool:
    return told.kind == "went on" and told.token is None and bool(told.number)


def _same(before: Told, told: Told) -> bool:
    return before.number == told.number and before.evse == told.evse and before.phase == told.phase
