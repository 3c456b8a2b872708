"""Problems that drivers report at stations of partners. What the kinds are is the business of the pages."""

from __future__ import annotations

import msgspec

from interplug.store.database import Database, Numbers, Row, of_row

COLUMNS = "id, connection, country, party, place, name, evse, evse_id, kind, said, drive, alert, created_at, closed_at, closed_by"
ADD = f"insert into problem ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
GET = f"select {COLUMNS} from problem where id = ?"
LIST = f"select {COLUMNS} from problem where ? = 1 or closed_at = 0 order by closed_at <> 0, created_at desc, id limit ?"
CLOSE = "update problem set closed_at = ?, closed_by = ? where id = ? and closed_at = 0"
LEFT = "select count(*) from problem where alert = ? and closed_at = 0"
FORGET = "delete from problem where closed_at <> 0 and closed_at < ?"


class Problem(msgspec.Struct, kw_only=True):
    """`id` is what the driver quotes; `name` that of the Location; `evse` is empty where the whole station is meant; `said` are the
    driver's own words."""

    id: str
    connection: int
    country: str
    party: str
    place: str
    name: str
    evse: str = ""
    evse_id: str = ""
    kind: str
    said: str = ""
    drive: str = ""
    alert: int = 0
    created_at: int
    closed_at: int = 0
    closed_by: str = ""


class Problems:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add(self, problem: Problem) -> None:
        self._numbers.take()
        await self._db.execute(ADD, *msgspec.structs.astuple(problem))

    async def get(self, id: str) -> Problem | None:
        row = await self._db.one(GET, id)
        return None if row is None else _problem(row)

    async def list(self, *, closed: bool = False, limit: int = 200) -> list[Problem]:
        """Those that are open, the newest first, and then those that are `closed`."""
        return [_problem(row) for row in await self._db.all(LIST, int(closed), limit)]

    async def close(self, id: str, by: str, at: int) -> bool:
        self._numbers.take()
        return await self._db.execute(CLOSE, at, by, id) > 0

    async def left(self, alert: int) -> int:
        """How many of an alert are open."""
        row = await self._db.one(LEFT, alert)
        return 0 if row is None else int(row[0])

    async def forget(self, before: int) -> None:
        await self._db.execute(FORGET, before)


def _problem(row: Row) -> Problem:
    return of_row(Problem, row)
