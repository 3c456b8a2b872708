"""The message log: what was said to whom, in both directions, for people who look for a fault.

It is written in groups, apart from the transactions of the requests: a crash may cost the last second of the log and nothing else.
No token is ever in it. Headers that carry one keep their name and scheme; of a body that might hold one (credentials), the tokens are
masked where it can be read, and nothing is kept of it where it cannot. Masking comes before cutting.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any, Protocol

import msgspec

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.store.database import Database

MASK = "***"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
COLUMNS = "direction, connection, method, url, http, ocpi, request_id, correlation_id, started_at, took_us, head, body, answer"
ADD = f"insert into message ({COLUMNS}) values "
ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
AT_ONCE = 32
"""Rows of one statement. Each statement hands the interpreter over to the thread that answers requests, and has to win it back."""
CONTACT = "select direction, http, started_at from message where connection = ? order by started_at desc limit 20"
FORGET_OLD = "delete from message where started_at < ?"
FORGET_MANY = "delete from message where pk <= (select max(pk) from message) - ?"
NEWEST = 2**62
LONG = 65_536
MOST = 10_000
"""Messages that are looked through at a time."""
STRING_TOKEN = re.compile(rb'"token"\s*:\s*"')
ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


class Message(msgspec.Struct, gc=False):
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
    pk: int = 0


class Messages:
    """The log as it is searched; entries come through `MessageLog`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, messages: Sequence[Message], body_limit: int) -> None:
        for start in range(0, len(messages), AT_ONCE):
            rows = [_values(message, body_limit) for message in messages[start : start + AT_ONCE]]
            await self._db.execute(ADD + ", ".join([ROW] * len(rows)), *chain.from_iterable(rows))

    async def search(
        self,
        *,
        correlation_id: str | None = None,
        connection: int | None = None,
        url: str | None = None,
        before: int = NEWEST,
        limit: int = 100,
    ) -> list[Message]:
        """Newest first; `url` is a part of it, `before` the pk of the last one seen."""
        where, values = ["pk < ?"], [before]
        given: list[tuple[str, Any]] = [("correlation_id = ?", correlation_id), ("connection = ?", connection)]
        given.append(("url like ? escape '!'", None if url is None else f"%{_literally(url)}%"))
        for condition, value in given:
            if value is not None:
                where.append(condition)
                values.append(value)
        sql = f"select {COLUMNS}, pk from message where {' and '.join(where)} order by pk desc limit ?"
        return [_message(row) for row in await self._db.all(sql, *values, limit)]

    async def naming(self, connection: int, since: int, texts: Sequence[str]) -> list[Message]:
        """What was said with this partner since then where one of these texts stands in the URL, the request or the answer."""
        one = "url like ? escape '!' or instr(body, ?) > 0 or instr(answer, ?) > 0"
        values = [value for text in texts for value in (f"%{_literally(text)}%", text.encode(), text.encode())]
        where = f"connection = ? and started_at >= ? and ({' or '.join([one] * len(texts))})"
        sql = f"select {COLUMNS}, pk from message where {where} order by pk limit ?"
        return [_message(row) for row in await self._db.all(sql, connection, since, *values, MOST)]

    async def contact(self, connection: int) -> tuple[int, int]:
        """When the partner was last heard, and since when it has not answered us; 0: not among the newest entries."""
        heard = silent = 0
        for direction, http, at in await self._db.all(CONTACT, connection):
            if direction == "in" or 0 < http < 500:
                heard = at
                break
            silent = at
        return heard, silent

    async def forget(self, *, before: int, most: int) -> int:
        """Retention by age and by count; how many were removed."""
        return await self._db.execute(FORGET_OLD, before) + await self._db.execute(FORGET_MANY, most)


class _Places(Protocol):
    messages: Messages


class MessageLog:
    """The buffer in front. `add` costs an append; a flush follows within `wait` seconds, or when many have come together."""

    def __init__(self, write: Callable[[Callable[[Any], Any]], Awaitable[None]], *, body_limit: int = 4096, wait: float = 0.5) -> None:
        self._write = write
        self._buffer: list[Message] = []
        self._flushing: asyncio.Task[None] | None = None
        self.body_limit = body_limit
        self.wait = wait

    def add(self, message: Message) -> None:
        message.body, message.answer = self._bounded(message.body), self._bounded(message.answer)
        self._buffer.append(message)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._soon())

    def _bounded(self, body: bytes) -> bytes:
        """A long body is let go at once. What is left of it is no JSON, so nothing of it is kept if a token may be in it."""
        return body if len(body) <= LONG else body[: self.body_limit]

    async def _soon(self) -> None:
        while self._buffer:
            await asyncio.sleep(self.wait)
            await self.flush()

    async def flush(self) -> None:
        messages, self._buffer = self._buffer, []

        async def work(tx: _Places) -> None:
            await tx.messages.add(messages, self.body_limit)

        if messages:
            await self._write(work)

    async def close(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self.flush()


def _values(message: Message, body_limit: int) -> tuple[object, ...]:
    body, answer = (shown(part, message.url)[:body_limit] for part in (message.body, message.answer))
    head = encode_json({name: masked(name, value) for name, value in message.headers.items()}).decode()
    return (*msgspec.structs.astuple(message)[:10], head, body, answer)


def _message(row: Sequence[Any]) -> Message:
    values = [*row[:10], msgspec.json.decode(row[10]), *row[11:]]
    return Message(*values)


def masked(name: str, value: str) -> str:
    if name.lower() not in SECRET_HEADERS:
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {MASK}" if rest else MASK


def shown(body: bytes, url: str) -> bytes:
    """The body as it may be kept. OCPI's Token objects are no secrets; a field `token` that holds a string is one."""
    plain = ESCAPE.sub(_letter, body) if b"\\u00" in body else body
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


def _literally(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
