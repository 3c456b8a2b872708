"""The record of what the status of each own EVSE was, and since when. `locations` writes it, in the transaction of the change; what is too
old is forgotten, but for the last status before, so that it is known what still held.
"""

from __future__ import annotations

from typing import NamedTuple

from interplug.store.database import Database

RECORD = "insert into evse_status (object, uid, status, at) values (?, ?, ?, ?)"
"""`uid` folded."""
OF_OBJECT = """
select s.uid, s.status, s.at from evse_status s where s.object = ?
  and s.no >= coalesce((select max(b.no) from evse_status b where b.object = s.object and b.uid = s.uid and b.at <= ?), 0)
order by s.no desc"""
BEGINS = "select uid, min(at) from evse_status where object = ? group by uid"
FORGET = """
delete from evse_status where at < ? and exists (
  select 1 from evse_status n where n.object = evse_status.object and n.uid = evse_status.uid and n.at <= ? and n.no > evse_status.no)"""


class Turn(NamedTuple):
    """From `at` on the status is this."""

    at: int
    status: str


class Statuses:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, object: int, start: int) -> dict[str, list[Turn]]:
        """By folded uid, in their order: what held when that time began, and all changes since. Where a clock was set back, what was
        written before that came no later than what was written after it."""
        found: dict[str, list[Turn]] = {}
        for uid, status, at in await self._db.all(OF_OBJECT, object, start):
            turns = found.setdefault(uid, [])
            turns.append(Turn(min(at, turns[-1].at) if turns else at, status))
        return {uid: turns[::-1] for uid, turns in found.items()}

    async def begins(self, object: int) -> dict[str, int]:
        """Since when there is a record of each EVSE."""
        return {row[0]: row[1] for row in await self._db.all(BEGINS, object)}

    async def forget(self, before: int) -> int:
        """Retention; how many were removed."""
        return await self._db.execute(FORGET, before, before)
