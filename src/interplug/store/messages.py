"""The message log: what was said to whom, in both directions, for people who look for a fault.

Messages are packed in groups, a row for a group, apart from the transactions of the requests: written one by one, with an index for
each way to look for them, they cost more than many of the requests that they tell of. So a search reads groups, newest first, about a
million messages in a second or two; only the last contact with each partner, which pages ask for, has a row of its own. A crash may
cost the last second of the log and nothing else.

No token is ever in it. Headers that carry one keep their name and scheme; of a body that might hold one (credentials), the tokens are
masked where it can be read, and nothing is kept of it where it cannot. Masking comes before cutting.
"""

import asyncio
import contextvars
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.store.database import Database

log = logging.getLogger(__name__)

MASK = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
GROUP = 64
"""Most messages of a row."""
AT_ONCE = 16
"""Rows that a search reads at a time."""
NEXT = "select number + n from message order by number desc limit 1"
ADD = "insert into message (number, n, until, doc) values (?, ?, ?, ?)"
GROUPS = "select number, doc from message where number < ? order by number desc limit ?"
SINCE = "select number, doc from message where number > ? and until >= ? order by number limit ?"
CONTACT = "select heard_at, silent_since from contact where connection = ?"
HEARD = """
insert into contact (connection, heard_at, silent_since) values (?, ?, ?) on conflict (connection) do update set
  heard_at = case when excluded.heard_at > contact.heard_at then excluded.heard_at else contact.heard_at end,
  silent_since = case when excluded.heard_at = 0 and contact.silent_since > 0 then contact.silent_since else excluded.silent_since end"""
FORGET_OLD = "delete from message where until < ?"
FORGET_MANY = "delete from message where number + n <= (select max(number) from message) - ?"
NEWEST = 2**62
LONG = 65_536
MOST = 10_000
"""Messages that are told at a time."""
STRING_TOKEN = re.compile(rb'"token"\s*:\s*"')
ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


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


class Contact(NamedTuple):
    """When a partner was last heard, and since when it has not answered us since then; 0: not known, or it has."""

    heard: int = 0
    silent: int = 0


class Group(NamedTuple):
    """Messages as they are written: how many, when the newest was, what they tell of each connection, and their bytes."""

    n: int
    until: int
    contacts: dict[int, Contact]
    doc: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


def pack(messages: Sequence[Message], body_limit: int = 4096) -> Group:
    """Takes the messages over: what may not be kept of them is taken out, and bodies are cut."""
    contacts: dict[int, Contact] = {}
    for message in messages:
        message.headers = {name: masked(name, value) for name, value in message.headers.items()}
        message.body, message.answer = shown(message.body, message.url)[:body_limit], shown(message.answer, message.url)[:body_limit]
        before = contacts.get(message.connection, NO_CONTACT)
        if message.direction == "in" or 0 < message.http < 500:
            contacts[message.connection] = Contact(message.started_at)
        elif not before.silent:
            contacts[message.connection] = Contact(before.heard, message.started_at)
    return Group(len(messages), max(message.started_at for message in messages), contacts, _encode(messages))


NO_CONTACT = Contact()


class Messages:
    """The log as it is searched; entries come through `MessageLog`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, groups: Sequence[Group]) -> None:
        row = await self._db.one(NEXT)
        number = 1 if row is None else int(row[0])
        for group in groups:
            await self._db.execute(ADD, number, group.n, group.until, group.doc)
            for connection, contact in group.contacts.items():
                await self._db.execute(HEARD, connection, *contact)
            number += group.n

    async def search(
        self,
        *,
        correlation_id: str | None = None,
        connection: int | None = None,
        url: str | None = None,
        before: int = NEWEST,
        limit: int = 100,
    ) -> list[Message]:
        """Newest first; `url` is a part of it, whatever the case, `before` the number of the last one seen."""
        part = None if url is None else url.lower()
        found: list[Message] = []
        async for message in self._backwards(before):
            if (
                (correlation_id is None or message.correlation_id == correlation_id)
                and (connection is None or message.connection == connection)
                and (part is None or part in message.url.lower())
            ):
                found.append(message)
                if len(found) == limit:
                    break
        return found

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

    async def _backwards(self, before: int) -> AsyncIterator[Message]:
        while rows := await self._db.all(GROUPS, before, AT_ONCE):
            for number, doc in rows:
                messages = _decode(doc)
                for place in range(len(messages) - 1, -1, -1):
                    if number + place < before:
                        messages[place].number = number + place
                        yield messages[place]
            before = rows[-1][0]

    async def contact(self, connection: int) -> Contact:
        row = await self._db.one(CONTACT, connection)
        return NO_CONTACT if row is None else Contact(*row)

    async def forget(self, *, before: int, most: int) -> None:
        """Retention by age and by count, by whole groups."""
        await self._db.execute(FORGET_OLD, before)
        await self._db.execute(FORGET_MANY, most)


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
        await self.flush()


def masked(name: str, value: str) -> str:
    if name.lower() not in SECRET_HEADERS:
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {MASK}" if rest else MASK


def shown(body: bytes, url: str) -> bytes:
    """The body as it may be kept. OCPI's Token objects are no secrets; a field `token` that holds a string is one."""
    plain = ESCAPE.sub(_letter, body) if b"\\" in body else body
    if "credentials" not in url and (b'"token"' not in plain or not STRING_TOKEN.search(plain)):
        return body
    try:
        document = decode_json(body) if body else None
    except BadJson:
        return b"(not kept: it may hold a token)"
    return body if document is None or not _mask(document) else encode_json(document)


def _letter(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)])


def _mask(value: Any) -> bool:
    """Masks tokens in place; whether there were any."""
    here = isinstance(value, dict) and isinstance(value.get("token"), str)
    if here:
        value["token"] = MASK
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        here = _mask(item) or here
    return here
