"""What is wrong with stations: a log of faults that open and close. Rows are never removed, so uptime can be counted years later.

A fault is known by station, EVSE, connector and code while it is open; told again, it is the same one. Each belongs to an alert as soon
as alerts have followed. Beside it: how often in a row a start has failed at an EVSE.
"""

from __future__ import annotations

import msgspec

from interplug.store.database import Database, Row, of_row

COLUMNS = "no, station, evse, connector, code, severity, vendor_code, info, source, opened_at, closed_at"
OPEN = """
insert into fault (station, evse, connector, code, severity, vendor_code, info, source, opened_at, closed_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"""
SAME = f"select {COLUMNS} from fault where closed_at = 0 and station = ? and evse = ? and connector = ? and code = ?"
CLOSE = "update fault set closed_at = ? where no = ?"
OF_STATION = f"select {COLUMNS} from fault where closed_at = 0 and station = ? order by no"
DERIVED = f"select {COLUMNS} from fault where closed_at = 0 and code = ? and source = 'derived' order by no"
CLOSE_ALL = "update fault set closed_at = ? where closed_at = 0 and station = ?"
UNFOLLOWED = f"select {COLUMNS} from fault where alert = 0 order by no limit ?"
FOLLOW = "update fault set alert = ? where no = ?"
OF_ALERT = f"select {COLUMNS} from fault where alert = ? order by no desc limit ?"
FAILED = """
insert into failed_start (station, evse, times, since) values (?, ?, 1, ?)
on conflict (station, evse) do update set times = failed_start.times + 1 returning times, since"""
HAS_FAILED = "select 1 from failed_start where station = ? and evse = ?"
WORKED = "delete from failed_start where station = ? and evse = ?"
FORGET_FAILED = "delete from failed_start where station = ?"
SINCE = f"select {COLUMNS} from fault where closed_at = 0 or closed_at >= ? order by no"


class Fault(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`evse` and `connector` 0: the whole station, the whole EVSE. `code` is normalised, `vendor_code` and `info` are as the station
    said them; `source` is what told of it (status, event, derived)."""

    no: int = 0
    station: str
    evse: int = 0
    connector: int = 0
    code: str
    severity: str
    vendor_code: str = ""
    info: str = ""
    source: str
    opened_at: int
    closed_at: int = 0


class Faults:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def open(self, fault: Fault) -> bool:
        """False: it is open already."""
        if await self._db.one(SAME, fault.station, fault.evse, fault.connector, fault.code) is not None:
            return False
        said = (fault.code, fault.severity, fault.vendor_code, fault.info, fault.source, fault.opened_at)
        await self._db.execute(OPEN, fault.station, fault.evse, fault.connector, *said)
        return True

    async def close(self, no: int, at: int) -> None:
        await self._db.execute(CLOSE, at, no)

    async def of_station(self, station: str) -> list[Fault]:
        """Those that are open."""
        return [_fault(row) for row in await self._db.all(OF_STATION, station)]

    async def since(self, at: int) -> list[Fault]:
        """Those that are open, and those that were closed since then."""
        return [_fault(row) for row in await self._db.all(SINCE, at)]

    async def derived(self, code: str) -> list[Fault]:
        """Those of that code that are open and that no station has told of."""
        return [_fault(row) for row in await self._db.all(DERIVED, code)]

    async def gone(self, station: str, at: int) -> None:
        """The station is ours no longer: nothing is wrong with it any more."""
        await self._db.execute(CLOSE_ALL, at, station)
        await self._db.execute(FORGET_FAILED, station)

    # --- the alert that they belong to

    async def unfollowed(self, limit: int) -> list[Fault]:
        return [_fault(row) for row in await self._db.all(UNFOLLOWED, limit)]

    async def follow(self, no: int, alert: int) -> None:
        await self._db.execute(FOLLOW, alert, no)

    async def of_alert(self, alert: int, limit: int) -> list[Fault]:
        """The newest first."""
        return [_fault(row) for row in await self._db.all(OF_ALERT, alert, limit)]

    # --- starts that failed

    async def failed_start(self, station: str, evse: int, at: int) -> tuple[int, int]:
        """How many in a row by now, and since when."""
        row = await self._db.one(FAILED, station, evse, at)
        assert row is not None
        return int(row[0]), int(row[1])

    async def has_failed(self, station: str, evse: int) -> bool:
        return await self._db.one(HAS_FAILED, station, evse) is not None

    async def started(self, station: str, evse: int) -> None:
        await self._db.execute(WORKED, station, evse)


def _fault(row: Row) -> Fault:
    return of_row(Fault, row)
