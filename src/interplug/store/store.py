"""The store as everybody else sees it: write, read, and wait for the log to move.

A transaction is `async def work(tx) -> T`. `write` returns after the commit: what it returned for cannot be lost. `read` sees one
snapshot; `snapshot=False` is for work of a single statement, which needs none. Nothing but statements may be awaited inside. `head` is
the newest change number that this process knows of; `changed` waits until it passes a number, woken at once by commits of this process
and by a look every POLL seconds at those of others.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from interplug.store.keys import Change
from interplug.store.messages import MessageLog
from interplug.store.urls import Place, place_of

T = TypeVar("T")
POLL = 0.2


def now_us() -> int:
    return time.time_ns() // 1000


class Store:
    def __init__(self, place: Place, clock: Callable[[], int], message_body: int) -> None:
        self._waiters: set[asyncio.Future[None]] = set()
        self.clock = clock
        self.place = place
        self.head = 0
        self._engine = place.engine(clock, self._committed)
        self.write = self._engine.write
        self.read = self._engine.read
        self.writing = self._engine.writing
        self.failures = self._engine.failures
        self.end_within = self._engine.end_within
        self.messages = MessageLog(self.write, body_limit=message_body)

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], int] = now_us, message_body: int = 4096) -> "Store":
        place = place_of(url)
        place.prepare()
        return cls(place, clock, message_body)

    async def changed(self, after: int, timeout: float) -> int:  # noqa: ASYNC109 (the head is an answer, too)
        """The head, as soon as it is beyond `after`, or after `timeout` seconds as it is then."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            if self.head > after:
                return self.head
            waiter = loop.create_future()
            self._waiters.add(waiter)
            try:
                # Looked after it was added: a commit in between wakes the waiter.
                if await self.look() > after or (left := end - loop.time()) <= 0:
                    return self.head
                await asyncio.wait([waiter], timeout=min(left, POLL))
            finally:
                self._waiters.discard(waiter)

    async def news(
        self, after: int, limit: int, modules: Collection[str] | None = None, *, own: bool = False
    ) -> tuple[list[Change], int, bool]:
        """For a reader of the log (of some modules, or of our own objects alone) that has seen everything up to `after`: at most `limit`
        changes, the number up to which it has then seen everything, and whether there is more."""
        head = self.head if self.head > after else await self.look()
        changes = await self.read(lambda tx: tx.objects.changes(after, limit, modules, own=own))
        if len(changes) == limit:
            return changes, changes[-1].no, True
        return changes, max(head, changes[-1].no if changes else after), False

    @property
    def waiting(self) -> int:
        """Transactions that wait to be written."""
        return self._engine.waiting

    async def look(self) -> int:
        """Reads the head from the database, where other processes write too."""
        self.head = max(self.head, await self._engine.head())
        return self.head

    async def close(self) -> None:
        await self.messages.close()
        await self._engine.close()

    def _committed(self, number: int) -> None:
        self.head = max(self.head, number)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
