"""The answers that POSTs were given, so that a repeated POST repeats its answer and is not carried out twice.

A POST is known by connection and X-Request-ID. The hash of its body is kept with it: the same id with another body is another
request, and no business of this table. Answers are kept for a day.
"""

import hashlib

import msgspec

from interplug.store.database import Database

DAY = 86_400_000_000
KEEP = """
insert into reply (connection, request_id, sha256, http, headers, body, kept_at) values (?, ?, ?, ?, ?, ?, ?)
on conflict (connection, request_id) do nothing"""
FIND = "select sha256, http, headers, body, kept_at from reply where connection = ? and request_id = ?"
FORGET = "delete from reply where kept_at < ?"


class Reply(msgspec.Struct, frozen=True, gc=False):
    """`same` is whether the request now asked about had the body that was answered."""

    same: bool
    http: int
    headers: dict[str, str]
    body: bytes


class Replies:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, connection: int, request_id: str, request_body: bytes, now: int) -> Reply | None:
        row = await self._db.one(FIND, connection, request_id)
        if row is None or row[4] < now - DAY:
            return None
        headers: dict[str, str] = msgspec.json.decode(row[2])
        return Reply(bytes(row[0]) == digest(request_body), row[1], headers, bytes(row[3]))

    async def keep(
        self, connection: int, request_id: str, request_body: bytes, http: int, headers: dict[str, str], body: bytes, now: int
    ) -> bool:
        """In the transaction that carries the POST out. False: another was first, and its answer stands."""
        spelled = msgspec.json.encode(headers).decode()
        return await self._db.execute(KEEP, connection, request_id, digest(request_body), http, spelled, body, now) > 0

    async def forget(self, now: int) -> int:
        return await self._db.execute(FORGET, now - DAY)


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
