"""Live pages: server-sent events, woken by the change log.

One reader per process waits for the log and wakes those streams that asked for what it names, and no others; a stream then looks at its
own view and sends the parts that have changed, at once and in one piece, and nothing when nothing has. What many pages show alike is
looked up and written once for all of them (`once.py`). What the log does not tell (when a partner was last heard) is looked at with each
heartbeat. Ages and durations are counted on by the page itself (`live.js`), so time alone sends nothing.

The number of streams is bounded, for the process, for each address and for each visitor. A stream ends after a while; the browser comes
back by itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from interplug.model.types import fold
from interplug.modules.node import Node

BEAT = 10.0
"""Seconds after which a stream looks again, and says that it is still there."""
LONGEST = 1800.0
"""Seconds that a stream lives."""
SPACING = 0.25
"""Seconds between two looks at the log, at least."""
AT_ONCE = 100
"""Streams that are woken before others have their turn: partners, too, want an answer."""
MOST = 1000
MOST_OF_ONE = 8
MOST_OF_ADDRESS = 250
CHUNK = 1000
KIND = "text/event-stream"
HEADERS = [(b"content-type", KIND.encode() + b"; charset=utf-8"), (b"x-accel-buffering", b"no")]
OVER = "over"
"""The event after which there is nothing more to tell."""
PROOF = secrets.token_hex(16)
"""Stands in what many pages share where each has the proof of its own visitor."""


class TooMany(Exception):
    """No more streams, for this visitor or for this process."""


class Part(NamedTuple):
    """A part of a page: the event that replaces it, what it shows, and how that is written; as bytes it is a whole event already."""

    event: str
    value: object
    html: Callable[[], str | bytes]

    def written(self) -> bytes:
        html = self.html()
        return html if isinstance(html, bytes) else event(self.event, html)


Topic = int | tuple[str, str] | tuple[int, str]
"""What a stream can ask to hear of: the number of an object, that of a Location with the folded uid of one of its EVSEs, ("drive", id), or
("driver", id): any drive of theirs."""
Topics = Callable[[], frozenset[Topic] | None]
"""They may become others with a look. None: the stream is woken whenever anything changed."""
Look = Callable[[], Awaitable[list[Part]]]
Changed = Callable[[set[Topic]], Awaitable[list[Part]]]
"""A look at what has changed alone; parts that it does not name are as they were."""
Moved = Callable[[], Awaitable[object]]
"""A cheaper look: as long as its answer stays the same, there is nothing new to see."""


def always(topics: Iterable[Topic]) -> Topics:
    """The same from the beginning to the end."""
    found = frozenset(topics)
    return lambda: found


def anything() -> None:
    return None


class Watch:
    """A stream that waits, until something that it wants to hear of has changed or its time has come."""

    def __init__(self, topics: frozenset[Topic] | None) -> None:
        self.topics = topics
        self.over = False
        self.due = False
        """A while has passed."""
        self._news: set[Topic] = set()
        self._woken = False
        self._waiter: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(BEAT, self._beat)

    def hears(self, changed: set[Topic]) -> bool:
        """Whether it is woken by this."""
        if self.topics is not None:
            news = self.topics & changed
            if not news:
                return False
            self._news |= news
        self.wake()
        return True

    def turn(self, topics: frozenset[Topic] | None) -> None:
        """To other topics; what happened to them since the stream looked is seen by looking again."""
        if topics != self.topics:
            self.topics = topics
            self.wake()

    def wake(self) -> None:
        self._woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def news(self) -> set[Topic]:
        """Of the topics, those that have changed since it was asked last."""
        if not self._woken:
            self._waiter = self._loop.create_future()
            await self._waiter
            self._waiter = None
        news, self._news, self._woken = self._news, set(), False
        return news

    def end(self) -> None:
        self.over = True
        self._timer.cancel()
        self.wake()

    def _beat(self) -> None:
        self.due = True
        self._timer = self._loop.call_later(BEAT, self._beat)
        self.wake()


class Streams:
    def __init__(self, node: Node) -> None:
        self._store = node.store
        self._watches: set[Watch] = set()
        self._visitors: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._ending = False

    async def run(self) -> None:
        """Until cancelled: reads the log once for all streams."""
        position = await self._store.look()
        while True:
            head = await self._store.changed(position, BEAT)
            if not self._watches:
                position = head
            elif head > position:
                position = await self._read(position)
            await asyncio.sleep(SPACING)

    async def _read(self, position: int) -> int:
        """Wakes who wants to hear of what the log says after a number; the number up to which it was read."""
        changed: set[Topic] = set()
        reached, more = position, True
        while more:
            changes, reached, more = await self._store.news(reached, CHUNK)
            changed.update(change.pk for change in changes)
            changed.update((change.pk, fold(change.evse_uid)) for change in changes if change.evse_uid is not None)
        # After the log: a drive that has moved meanwhile wakes its pages twice rather than not at all.
        for drive, driver in await self._store.read(lambda tx: tx.drivers.changed(position), snapshot=False):
            changed |= {("drive", drive), ("driver", driver)}
        await self._wake(changed)
        return reached

    async def _wake(self, changed: set[Topic]) -> None:
        woken = 0
        for watch in list(self._watches):
            if watch.hears(changed):
                woken += 1
                if woken % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def end(self) -> None:
        """The process is told to stop: streams say goodbye, and none begins."""
        self._ending = True
        for watch in self._watches:
            watch.end()

    @contextmanager
    def watch(self, who: tuple[str, str], topics: frozenset[Topic] | None) -> Iterator[Watch]:
        """`who` is the visitor and the address."""
        visitor, address = who
        crowded = self._visitors[visitor] >= MOST_OF_ONE or self._addresses[address] >= MOST_OF_ADDRESS
        if self._ending or crowded or len(self._watches) >= MOST:
            raise TooMany
        watch = Watch(topics)
        self._watches.add(watch)
        self._visitors[visitor] += 1
        self._addresses[address] += 1
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            watch.end()
            for counter, name in ((self._visitors, visitor), (self._addresses, address)):
                counter[name] -= 1
                if not counter[name]:
                    del counter[name]


@dataclass(slots=True, frozen=True)
class Stream:
    """The answer to who asks for a stream. `TooMany` is raised before anything was sent."""

    streams: Streams
    who: tuple[str, str]
    topics: Topics
    look: Look
    moved: Moved | None = None
    changed: Changed | None = None
    proof: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await Response(media_type=KIND)(scope, receive, send)
            return
        with self.streams.watch(self.who, self.topics()) as watch:
            listening = asyncio.ensure_future(_until_gone(receive, watch))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await self._tell(watch, send)
                await send({"type": "http.response.body", "body": b""})
            finally:
                listening.cancel()

    async def _tell(self, watch: Watch, send: Send) -> None:
        """What the page shows may be older than the stream, so it begins with every part."""
        shown: dict[str, object] = {}
        seen: object = self
        news: set[Topic] = set()
        timer = asyncio.get_running_loop().time
        end = timer() + LONGEST
        while not watch.over and timer() < end:
            due, watch.due = watch.due, False
            before, seen = seen, await self.moved() if self.moved is not None else None
            parts = await self._parts(news, first=not shown) if self.moved is None or seen != before else ()
            new = [part for part in parts if part.event not in shown or shown[part.event] != part.value]
            if new:
                shown.update([part[:2] for part in new])
                told = b"".join([part.written() for part in new])
                await send(_body(told.replace(PROOF.encode(), self.proof.encode()) if self.proof else told))
                if OVER in shown:
                    return
            elif due:
                await send(_body(BEATEN))
            watch.turn(self.topics())
            news = await watch.news()

    async def _parts(self, news: set[Topic], *, first: bool) -> list[Part]:
        if self.changed is None or first:
            return await self.look()
        return await self.changed(news) if news else []


def _body(data: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _until_gone(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.end()


def event(name: str, html: str) -> bytes:
    data = "\n".join(f"data: {line}" for line in html.splitlines() or [""])
    return f"event: {name}\n{data}\n\n".encode()


BEATEN = event("beat", "")
