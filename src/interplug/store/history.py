"""History is evidence: append-only, in the transaction of the change itself.

Tariffs, CDRs and what was captured for them keep every version, our own and received; Sessions each change of state and each new charging
period. What is kept is the document as it arrived, byte for byte, its hash, the connection and the times. Nothing here is updated; only
retention removes.
"""

import hashlib
from typing import Any

import msgspec

from interplug.store.bodies import NEWEST
from interplug.store.database import Database, Row
from interplug.store.keys import Evidence, Key

EVERY = frozenset({"tariffs", "cdrs", "financial-advice-confirmations"})
ADD = """
insert into history (module, id, source, country, party, kind, no, why, connection, version, received_at, sha256, doc)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
COLUMNS = "no, why, connection, version, received_at, sha256, doc"
WHERE_KEY = "module = ? and id = ? and source = ? and country = ? and party = ? and kind = ?"
ALL = f"select {COLUMNS} from history where {WHERE_KEY} order by pk"
AT = f"select {COLUMNS} from history where {WHERE_KEY} and received_at <= ? order by received_at desc, pk desc limit 1"
FORGET = "delete from history where module = ? and received_at < ?"


class Version(msgspec.Struct, frozen=True, gc=False):
    """One state of an object; `document` as it arrived, in the OCPI version `version`."""

    no: int
    why: str
    connection: int
    version: str
    received_at: int
    sha256: bytes
    document: bytes


class History:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def record(
        self, key: Key, no: int, old: dict[str, Any] | None, document: dict[str, Any], raw: bytes, now: int, evidence: Evidence | None
    ) -> None:
        why = reason(key.module, old, document)
        if why is not None:
            await self.add(key, no, why, evidence or Evidence(raw, 0, NEWEST, now))

    async def add(self, key: Key, no: int, why: str, evidence: Evidence) -> None:
        """Also for what did not become the stored document: a CDR that contradicts the one we hold."""
        digest = hashlib.sha256(evidence.raw).digest()
        values = (no, why, evidence.connection, evidence.version, evidence.received_at, digest, evidence.raw)
        await self._db.execute(ADD, *key.folded(), *values)

    async def mark(self, key: Key, no: int, why: str, evidence: Evidence) -> None:
        """That an object of which every version is kept was removed (then nothing may have been said of it), or is there again."""
        if key.module in EVERY:
            await self.add(key, no, why, evidence)

    async def versions_of(self, key: Key) -> list[Version]:
        return [version(row) for row in await self._db.all(ALL, *key.folded())]

    async def at(self, key: Key, time: int) -> Version | None:
        """As it was known at that time."""
        row = await self._db.one(AT, *key.folded(), time)
        return None if row is None else version(row)

    async def forget(self, module: str, before: int) -> int:
        """Retention; how many were removed."""
        return await self._db.execute(FORGET, module, before)


def version(row: Row) -> Version:
    no, why, connection, spelled, received_at, digest, raw = row
    return Version(no, why, connection, spelled, received_at, bytes(digest), bytes(raw))


def reason(module: str, old: dict[str, Any] | None, new: dict[str, Any]) -> str | None:
    """Why this state is kept; None when it need not be."""
    if module in EVERY:
        return "new" if old is None else "changed"
    if module != "sessions":
        return None
    if old is None:
        return "new"
    if old.get("status") != new.get("status"):
        return "status"
    return "period" if starts(new) - starts(old) else None


def starts(session: dict[str, Any]) -> set[str]:
    return {str(period.get("start_date_time")) for period in session.get("charging_periods") or ()}
