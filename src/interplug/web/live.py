"""Live pages: server-sent events, woken by the change log.

One reader per process waits for the log and wakes those streams whose objects it names; a stream then looks at its own view and sends
the parts that have changed, and nothing when nothing has. What the log does not tell (when a partner was last heard) is
looked at with each heartbeat. Ages and durations are counted on by the page itself (`live.js`), so time alone sends nothing.

The number of streams is bounded, for the process, for each address and for each visitor. A stream ends after a while; the browser comes
back by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from interplug.modules.node import Node

BEAT = 10.0
"""Seconds after which a stream says that it is still there, and looks again."""
LONGEST = 1800.0
"""Seconds that a stream lives."""
SPACING = 0.25
"""Seconds between two looks of one stream, at least."""
MOST = 1000
MOST_OF_ONE = 8
MOST_OF_ADDRESS = 250
CHUNK = 1000
KIND = "text/event-stream"
OVER = "over"
"""The event after which there is nothing more to tell."""


class TooMany(Exception):
    """No more streams, for this visitor or for this process."""


@dataclass(slots=True, frozen=True)
class Part:
    """A part of a page: the event that replaces it, what it shows, and how that is written."""

    event: str
    value: object
    html: Callable[[], str]


Look = Callable[[], Awaitable[list[Part]]]
Changed = Callable[[frozenset[int]], Awaitable[list[Part]]]
"""A look at what has changed alone; parts that it does not name are as they were."""
Moved = Callable[[], Awaitable[object]]
"""A cheaper look: as long as its answer stays the same, there is nothing new to see."""


@dataclass(slots=True, eq=False)
class Watch:
    """A stream that waits. `objects` are those whose changes it wants to hear of; None: it looks whenever anything changed."""

    objects: frozenset[int] | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    news: set[int] = field(default_factory=set)
    """Of `objects`, those that have changed since the last look."""


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
                changes, position, _ = await self._store.news(position, CHUNK)
                self._wake({change.pk for change in changes})
            await asyncio.sleep(SPACING)

    def _wake(self, changed: Collection[int]) -> None:
        for watch in self._watches:
            if watch.objects is None:
                watch.woken.set()
            elif news := watch.objects.intersection(changed):
                watch.news |= news
                watch.woken.set()

    def end(self) -> None:
        """The process is told to stop: streams say goodbye, and none begins."""
        self._ending = True
        for watch in self._watches:
            watch.woken.set()

    @contextmanager
    def watch(self, who: tuple[str, str], objects: Collection[int] | None) -> Iterator[Watch]:
        """`who` is the visitor and the address."""
        visitor, address = who
        crowded = self._visitors[visitor] >= MOST_OF_ONE or self._addresses[address] >= MOST_OF_ADDRESS
        if self._ending or crowded or len(self._watches) >= MOST:
            raise TooMany
        watch = Watch(None if objects is None else frozenset(objects))
        self._watches.add(watch)
        self._visitors[visitor] += 1
        self._addresses[address] += 1
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            for counter, name in ((self._visitors, visitor), (self._addresses, address)):
                counter[name] -= 1
                if not counter[name]:
                    del counter[name]

    async def follow(self, watch: Watch, look: Look, moved: Moved | None, changed: Changed | None = None) -> AsyncIterator[bytes]:
        """The bytes of one stream. What the page shows may be older than the stream, so it begins with every part."""
        shown: dict[str, object] = {}
        seen: object = self
        timer = asyncio.get_running_loop().time
        end = timer() + LONGEST
        while not self._ending and timer() < end:
            looked = timer()
            watch.woken.clear()
            news, watch.news = frozenset(watch.news), set()
            before, seen = seen, await moved() if moved is not None else None
            for part in await self._looked(look, changed, news, first=not shown) if moved is None or seen != before else ():
                if part.event in shown and shown[part.event] == part.value:
                    continue
                shown[part.event] = part.value
                yield event(part.event, part.html())
                if part.event == OVER:
                    return
            if not await _woken(watch):
                yield event("beat", "")
            await asyncio.sleep(max(0.0, looked + SPACING - timer()))

    async def _looked(self, look: Look, changed: Changed | None, news: frozenset[int], *, first: bool) -> list[Part]:
        if changed is None or first:
            return await look()
        return await changed(news) if news else []


@dataclass(slots=True, frozen=True)
class Stream:
    """The answer to who asks for a stream. `TooMany` is raised before anything was sent."""

    streams: Streams
    who: tuple[str, str]
    objects: Collection[int] | None
    look: Look
    moved: Moved | None = None
    changed: Changed | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await Response(media_type=KIND)(scope, receive, send)
            return
        with self.streams.watch(self.who, self.objects) as watch:
            events = self.streams.follow(watch, self.look, self.moved, self.changed)
            answer = StreamingResponse(events, media_type=KIND, headers={"x-accel-buffering": "no"})
            await answer(scope, receive, send)


async def _woken(watch: Watch) -> bool:
    try:
        async with asyncio.timeout(BEAT):
            await watch.woken.wait()
    except TimeoutError:
        return False
    return True


def event(name: str, html: str) -> bytes:
    data = "\n".join(f"data: {line}" for line in html.splitlines() or [""])
    return f"event: {name}\n{data}\n\n".encode()
