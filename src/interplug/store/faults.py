"""What is wrong with stations: a log of faults that open and close. Rows are never removed, so uptime can be counted years later.

A fault is known by station, EVSE, connector and code while it is open; told again, it is the same one.
"""

from __future__ import annotations

import msgspec

from interplug.store.database import Database, Row

COLUMNS = "no, station, evse, connector, code, severity, vendor_code, info, source, opened_at, closed_at"
OPEN = """
insert into fault (station, evse, connector, code, severity, vendor_code, info, source, opened_at, closed_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"""
SAME = f"select {COLUMNS} from fault where closed_at = 0 and station = ? and evse = ? and connector = ? and code = ?"
CLOSE = "update fault set closed_at = ? where no = ?"
OF_STATION = f"select {COLUMNS} from fault where closed_at = 0 and station = ? order by no"
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


NAMES = tuple(Fault.__struct_fields__)


def _fault(row: Row) -> Fault:
    return Fault(**dict(zip(NAMES, row, strict=True)))
