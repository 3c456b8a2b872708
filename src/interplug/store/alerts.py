"""Alerts: what a person should know of the fault log, and what has to be told of it to whom.

An alert is one thing that is wrong at one place, for as long as it comes and goes; the faults that belong to it name it. Messages are
written in the transaction that opens or closes an alert, and stay until they are sent; of one alert they go to one target in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Numbers, Row, of_row

COLUMNS = (
    "no, station, evse, connector, code, severity, vendor_code, info, source, country, party, place, evse_uid, times, opened_at, "
    "quiet_at, closed_at, acked_by, acked_at"
)
OPEN = f"""
insert into alert ({COLUMNS.removeprefix("no, ")})
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning no"""
SAME = f"select {COLUMNS} from alert where closed_at = 0 and station = ? and evse = ? and connector = ? and code = ?"
GET = f"select {COLUMNS} from alert where no = ?"
UPDATE = "update alert set severity = ?, vendor_code = ?, info = ?, times = ?, quiet_at = ?, closed_at = ? where no = ?"
ACKNOWLEDGE = "update alert set acked_by = ?, acked_at = ? where no = ? and acked_at = 0"
STANDING = f"""
select {COLUMNS}, (select count(*) from fault f where f.alert = alert.no and f.closed_at = 0),
  coalesce((select max(f.closed_at) from fault f where f.alert = alert.no), 0)
from alert where closed_at = 0 and source <> 'driver' order by no"""
LIST = f"""
select {COLUMNS} from alert
where (? = 1 or closed_at = 0) and (? = '' or station = ?) and (? = '' or place = ?) order by closed_at <> 0, no desc limit ? offset ?"""
ALL = "select count(*) from alert"
COUNTS = "select severity, count(*) from alert where closed_at = 0 group by severity"
MOVED = "insert into counter (name, no) values ('alerts', 1) on conflict (name) do update set no = counter.no + 1"
STATE = "select no from counter where name = 'alerts'"
FORGET = "delete from alert where closed_at <> 0 and closed_at < ?"
MESSAGE = "no, alert, target, event, doc, tries, due_at, error, sent_at"
SAY = f"insert into alert_message ({MESSAGE.removeprefix('no, ')}) values (?, ?, ?, ?, 0, 0, '', 0)"
DUE = f"""
select {MESSAGE} from alert_message m where m.sent_at = 0 and m.target = ? and m.due_at <= ? and not exists (
  select 1 from alert_message e
  where e.alert = m.alert and e.target = m.target and e.no < m.no and e.sent_at = 0 and e.due_at > ?)
order by m.no limit ?"""
OF_ALERT = f"select {MESSAGE} from alert_message where alert = ? order by no"
SENT = "update alert_message set sent_at = ?, tries = tries + 1, error = '' where no = ?"
FAILED = "update alert_message set tries = tries + 1, due_at = ?, error = ? where no = ?"
UNSENT = "select target, count(*) from alert_message where sent_at = 0 group by target"
DROP = "delete from alert_message where sent_at = 0 and target = ?"
FORGET_MESSAGES = "delete from alert_message where sent_at <> 0 and sent_at < ?"


class Alert(msgspec.Struct, kw_only=True):
    """Where and what as in the first fault; `vendor_code` and `info` are those of the newest. `place` is the id of the Location,
    folded; `evse_uid` is empty where the whole station is meant."""

    no: int = 0
    station: str
    evse: int
    connector: int
    code: str
    severity: str
    vendor_code: str
    info: str
    source: str
    country: str = ""
    party: str = ""
    place: str = ""
    evse_uid: str = ""
    times: int = 1
    """How often it came."""
    opened_at: int
    quiet_at: int = 0
    """Since when it was seen to be gone; 0: it is there."""
    closed_at: int = 0
    acked_by: str = ""
    acked_at: int = 0


class Standing(NamedTuple):
    """An open alert, whether a fault of it is open, and when the last one closed."""

    alert: Alert
    there: bool
    gone_at: int


class Message(NamedTuple):
    no: int
    alert: int
    target: str
    event: str
    doc: bytes
    tries: int
    due_at: int
    error: str
    sent_at: int


class Alerts:
    """What changes an alert takes a change number, so that a page which waits for the log sees it."""

    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def open(self, alert: Alert) -> int:
        await self._moved()
        alert.place = fold(alert.place)
        row = await self._db.one(OPEN, *msgspec.structs.astuple(alert)[1:])
        assert row is not None
        alert.no = int(row[0])
        return alert.no

    async def same(self, station: str, evse: int, connector: int, code: str) -> Alert | None:
        """The open alert about the same thing."""
        row = await self._db.one(SAME, station, evse, connector, code)
        return None if row is None else _alert(row)

    async def get(self, no: int) -> Alert | None:
        row = await self._db.one(GET, no)
        return None if row is None else _alert(row)

    async def update(self, alert: Alert) -> None:
        await self._moved()
        said = (alert.severity, alert.vendor_code, alert.info, alert.times, alert.quiet_at, alert.closed_at)
        await self._db.execute(UPDATE, *said, alert.no)

    async def acknowledge(self, no: int, by: str, at: int) -> bool:
        """False: it is not there, or somebody has done so already."""
        await self._moved()
        return await self._db.execute(ACKNOWLEDGE, by, at, no) > 0

    async def _moved(self) -> None:
        self._numbers.take()
        await self._db.execute(MOVED)

    async def state(self) -> int:
        """Another one after each change of an alert."""
        row = await self._db.one(STATE)
        return 0 if row is None else int(row[0])

    async def standing(self) -> list[Standing]:
        """Those that follow the fault log. What a driver has reported stays until somebody closes it."""
        return [Standing(_alert(row[:-2]), row[-2] > 0, int(row[-1])) for row in await self._db.all(STANDING)]

    async def list(self, *, closed: bool = False, station: str = "", place: str = "", limit: int = 1000, skip: int = 0) -> list[Alert]:
        """Those that are open, the newest first, and then those that are `closed`."""
        place = fold(place)
        return [_alert(row) for row in await self._db.all(LIST, int(closed), station, station, place, place, limit, skip)]

    async def count(self) -> int:
        """All that there are, closed ones too."""
        row = await self._db.one(ALL)
        return 0 if row is None else int(row[0])

    async def counts(self) -> dict[str, int]:
        """How many are open, by severity."""
        return {str(severity): int(n) for severity, n in await self._db.all(COUNTS)}

    async def forget(self, before: int) -> None:
        """Retention; what is not told yet stays."""
        await self._db.execute(FORGET, before)
        await self._db.execute(FORGET_MESSAGES, before)

    # --- what is told of them

    async def say(self, alert: int, target: str, event: str, doc: bytes) -> None:
        await self._db.execute(SAY, alert, target, event, doc)

    async def due(self, target: str, now: int, limit: int) -> Sequence[Message]:
        """What may go next, in its order: nothing of an alert of which something earlier has to wait."""
        return [_message(row) for row in await self._db.all(DUE, target, now, now, limit)]

    async def messages(self, alert: int) -> Sequence[Message]:
        return [_message(row) for row in await self._db.all(OF_ALERT, alert)]

    async def sent(self, no: int, at: int) -> None:
        await self._db.execute(SENT, at, no)

    async def failed(self, no: int, error: str, due_at: int) -> None:
        await self._db.execute(FAILED, due_at, error, no)

    async def unsent(self) -> dict[str, int]:
        """By target."""
        return {str(target): int(n) for target, n in await self._db.all(UNSENT)}

    async def drop(self, target: str) -> int:
        """What was for a target that is no more."""
        return await self._db.execute(DROP, target)


def _alert(row: Row) -> Alert:
    return of_row(Alert, row)


def _message(row: Row) -> Message:
    return Message._make((*row[:4], bytes(row[4]), *row[5:]))
