"""The message log: what was said to whom, in both directions, for people who look for a fault.

Messages are packed in groups, a row for a group, apart from the transactions of the requests: written one by one, with an index for
each way to look for them, they cost more than many of the requests that they tell of. So a search reads groups, newest first, about a
million messages in a second or two; only what is asked for all the time has rows of its own: the last contact with each partner, and how
many requests of each hour went well (`pulse`). A crash may cost the last second of the log and nothing else.

No token is ever in it (`masking.py`). Masking comes before cutting.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from interplug.store.database import Database
from interplug.store.masking import Secret, masked, shown, spoken
from interplug.store.pulses import HOUR, Beats, Pulses
from interplug.telemetry.figures import well

log = logging.getLogger(__name__)

GROUP = 64
"""Most messages of a row."""
AT_ONCE = 16
"""Rows that a search reads at a time."""
NEXT = "select number + n from message order by number desc limit 1"
ADD = "insert into message (number, n, until, doc) values (?, ?, ?, ?)"
GROUPS = "select number, doc, until from message where number < ? order by number desc limit ?"
REACHED = "select number + n from message where until <= ? order by until desc limit 1"
OLDEST = "select number + n from message order by number limit 1"
SINCE = "select number, doc from message where number > ? and until >= ? order by number limit ?"
FORGET_OLD = "delete from message where until < ?"
FORGET_MANY = """
delete from message where number <= (select max(number) from message) - ? and number + n <= (select max(number) from message) - ?"""
# The first comparison finds them by the key, the second leaves the group that is only partly beyond.
NEWEST = 2**62
SLOW = HOUR
"""Messages stand in the order in which they ended; none lasts so long."""
LONG = 65_536
LONGEST_TOKEN = 128
"""Bytes beyond the cut that are looked at, so that no half of a token is left before it."""
MOST = 10_000
"""Messages that are told at a time."""


class Message(msgspec.Struct, array_like=True, gc=False):
    """One request and its answer. `direction` is "in" or "out"; `http` 0 means that no answer came; `connection` 0 that of nobody known."""

    direction: str
    connection: int
    method: str
    url: str
    http: int
    ocpi: int
    request_id: str
    correlation_id: str
    started_at: int
    took_us: int
    headers: dict[str, str] = {}
    body: bytes = b""
    answer: bytes = b""
    number: int = 0
    """Its place in the log; known of what was read from there."""

    @property
    def well(self) -> bool:
        return well(self.http, self.ocpi)


class Group(NamedTuple):
    """Messages as they are written: how many, when the newest was, what they tell of each connection, and their bytes."""

    n: int
    until: int
    beats: Beats
    doc: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


def pack(messages: Sequence[Message], body_limit: int = 4096) -> Group:
    """Takes the messages over: what may not be kept of them is taken out, and bodies are cut."""
    beats = Beats()
    secrets = [spoken(message.headers) for message in messages]
    for message in messages:
        message.headers = masked(message.headers)
        message.body = shown(message.body, message.url)[: body_limit + LONGEST_TOKEN]
        message.answer = shown(message.answer, message.url)[: body_limit + LONGEST_TOKEN]
        incoming, http = message.direction == "in", message.http
        beats.count(message.connection, message.started_at, incoming, incoming or 0 < http < 500, well(http, message.ocpi))
    until = max(message.started_at for message in messages)
    beats.hour = until // HOUR
    doc = _encode(messages)
    if any(secret.stands_in(doc) for secret in set(secrets)):  # one look for all that is in them
        for message, secret in zip(messages, secrets, strict=True):
            _blank(message, secret)
    for message in messages:
        message.body, message.answer = message.body[:body_limit], message.answer[:body_limit]
    return Group(len(messages), until, beats, _encode(messages))


def _blank(message: Message, secret: Secret) -> None:
    message.headers = {name: secret.blank(value) for name, value in message.headers.items()}
    message.url, message.request_id = secret.blank(message.url), secret.blank(message.request_id)
    message.correlation_id = secret.blank(message.correlation_id)
    message.body, message.answer = secret.blank_bytes(message.body), secret.blank_bytes(message.answer)


class Messages:
    """The log as it is searched; entries come through `MessageLog`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pulses = Pulses(db)

    async def add(self, groups: Sequence[Group]) -> None:
        row = await self._db.one(NEXT)
        number = 1 if row is None else int(row[0])
        for group in groups:
            await self._db.execute(ADD, number, group.n, group.until, group.doc)
            number += group.n
        await self._pulses.add([group.beats for group in groups])

    async def search(
        self,
        *,
        correlation_id: str | None = None,
        connection: int | None = None,
        url: str | None = None,
        direction: str | None = None,
        status: int | None = None,
        failed: bool = False,
        since: int = 0,
        until: int = NEWEST,
        before: int = NEWEST,
        limit: int = 100,
    ) -> list[Message]:
        """Newest first. `url` is a part of it, whatever the case; `status` that of HTTP or of OCPI; `failed`: what did not go well;
        `since` and `until` bound when it began, `until` itself left out; `before` is the number of the last one seen."""
        part = None if url is None else url.lower()
        found: list[Message] = []
        if until < NEWEST:
            before = min(before, await self._reached(until + SLOW))
        async for message in self._backwards(before, since - SLOW):
            if (
                since <= message.started_at < until
                and (correlation_id is None or message.correlation_id == correlation_id)
                and (connection is None or message.connection == connection)
                and (direction is None or message.direction == direction)
                and (status is None or status in (message.http, message.ocpi))
                and not (failed and message.well)
                and (part is None or part in message.url.lower())
            ):
                found.append(message)
                if len(found) == limit:
                    break
        return found

    async def _reached(self, time: int) -> int:
        """The number that the log had reached by then, or a later one."""
        row = await self._db.one(REACHED, time) or await self._db.one(OLDEST)
        return NEWEST if row is None else int(row[0])

    async def naming(self, connection: int, since: int, texts: Sequence[str]) -> list[Message]:
        """What was said with this partner since then where one of these texts stands in the URL, the request or the answer; the oldest
        first, at most MOST."""
        spelled = [(text.lower(), text.encode()) for text in texts]
        found: list[Message] = []
        after = 0
        while rows := await self._db.all(SINCE, after, since, AT_ONCE):
            for number, doc in rows:
                for place, message in enumerate(_decode(doc)):
                    if message.connection == connection and message.started_at >= since and _names(message, spelled):
                        message.number = number + place
                        found.append(message)
            if len(found) >= MOST:
                break
            after = rows[-1][0]
        return found[:MOST]

    async def _backwards(self, before: int, oldest: int) -> AsyncIterator[Message]:
        while rows := await self._db.all(GROUPS, before, AT_ONCE):
            for number, doc, until in rows:
                if until < oldest:
                    return
                messages = _decode(doc)
                for place in range(len(messages) - 1, -1, -1):
                    if number + place < before:
                        messages[place].number = number + place
                        yield messages[place]
            before = rows[-1][0]

    async def forget(self, *, before: int, most: int) -> None:
        """Retention by age and by count, by whole groups."""
        await self._db.execute(FORGET_OLD, before)
        await self._db.execute(FORGET_MANY, most, most)


def _names(message: Message, texts: Sequence[tuple[str, bytes]]) -> bool:
    return any(text in message.url.lower() or raw in message.body or raw in message.answer for text, raw in texts)


class _Places(Protocol):
    messages: Messages


class MessageLog:
    """The buffer in front. `add` costs an append, and the packing of a group where one is full; a flush follows within `wait` seconds."""

    def __init__(self, write: Callable[[Callable[[Any], Any]], Awaitable[None]], *, body_limit: int = 4096, wait: float = 0.5) -> None:
        self._write = write
        self._open: list[Message] = []
        self._full: list[Group] = []
        self._flushing: asyncio.Task[None] | None = None
        self.body_limit = body_limit
        self.wait = wait
        self.logged = self.lost = 0

    def add(self, message: Message) -> None:
        message.body, message.answer = self._bounded(message.body), self._bounded(message.answer)
        self.logged += 1
        self._open.append(message)
        if len(self._open) == GROUP:
            self._pack()
        if self._flushing is None or self._flushing.done():
            # In a context of its own: it is no part of the request that happened to start it.
            self._flushing = asyncio.get_running_loop().create_task(self._soon(), context=contextvars.Context())

    def _bounded(self, body: bytes) -> bytes:
        """A long body is let go at once. What is left of it is no JSON, so nothing of it is kept if a token may be in it."""
        return body if len(body) <= LONG else body[: self.body_limit]

    def _pack(self) -> None:
        if self._open:
            self._full.append(pack(self._open, self.body_limit))
            self._open = []

    async def _soon(self) -> None:
        while self._open or self._full:
            await asyncio.sleep(self.wait)
            await self._flush()

    async def _flush(self) -> None:
        try:
            await self.flush()
        except Exception as error:  # noqa: BLE001 (a log that cannot be written stops nobody)
            log.warning("%d messages of the log are lost so far: %s", self.lost, error)

    async def flush(self) -> None:
        self._pack()
        groups, self._full = self._full, []

        async def work(tx: _Places) -> None:
            await tx.messages.add(groups)

        try:
            if groups:
                await self._write(work)
        except Exception:
            # A database that takes nothing may not fill the memory; whoever asked for the write hears of it.
            self.lost += sum(group.n for group in groups)
            raise

    async def close(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._flush()
