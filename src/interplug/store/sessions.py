"""Who is signed in: one table for each kind of people. The key of a session is known by its MAC only; who signs out, loses the account or
gets another password is signed in no longer, in every process at once."""

from __future__ import annotations

from interplug.store.database import Database


class Sessions:
    """`table` has the columns id, `who`, begun_at and until."""

    def __init__(self, db: Database, table: str, who: str) -> None:
        self._db = db
        self._table, self._who = table, who

    async def begin(self, session: str, who: str, now: int, until: int) -> None:
        await self._db.execute(f"delete from {self._table} where until <= ?", now)
        await self._db.execute(
            f"insert into {self._table} (id, {self._who}, begun_at, until) values (?, ?, ?, ?)", session, who, now, until
        )

    async def who(self, session: str, now: int) -> str | None:
        row = await self._db.one(f"select {self._who} from {self._table} where id = ? and until > ?", session, now)
        return None if row is None else str(row[0])

    async def count(self, who: str, now: int) -> int:
        row = await self._db.one(f"select count(*) from {self._table} where {self._who} = ? and until > ?", who, now)
        return 0 if row is None else int(row[0])

    async def end(self, session: str) -> None:
        await self._db.execute(f"delete from {self._table} where id = ?", session)

    async def end_all(self, who: str, but: str = "") -> None:
        await self._db.execute(f"delete from {self._table} where {self._who} = ? and id <> ?", who, but)
