"""Counts of things that happened and left no row: arrivals that were stale, and the like."""

from interplug.store.database import Database

COUNT = "insert into tally (what, module, source, n) values (?, ?, ?, 1) on conflict (what, module, source) do update set n = tally.n + 1"
READ = "select n from tally where what = ? and module = ? and source = ?"


class Tallies:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def count(self, what: str, module: str, source: int) -> None:
        await self._db.execute(COUNT, what, module, source)

    async def read(self, what: str, module: str, source: int) -> int:
        row = await self._db.one(READ, what, module, source)
        return 0 if row is None else int(row[0])
