"""What stations said: the inbox of what has to be carried into the book, every frame of the last weeks, and transactions.

The inbox is written before a station hears that its message has arrived, and is never changed; how far it is carried into the book
is one number of the station (`charging_stations.reached`). It stays as evidence. All other frames are kept in groups, compressed,
a row for a group: a crash may cost the last seconds of them and nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row

RECEIVE = """
insert into ocpp_inbox (station, version, at, raw)
select id, ?, ?, ? from charging_station where id = ? and epoch = ? returning no"""
WAITING = """
select i.no, i.version, i.at, i.raw from ocpp_inbox i join charging_station s on s.id = i.station
where i.station = ? and i.no > s.reached and i.no <= ? order by i.no limit ?"""
NEWEST = "select coalesce(max(no), 0) from ocpp_inbox where station = ?"
KEPT = "select no, version, at, raw from ocpp_inbox where station = ? and at >= ? order by no desc limit ?"
FORGET_INBOX = """
delete from ocpp_inbox where at < ? and no <= coalesce((select reached from charging_station s where s.id = station), no)"""
ADD_FRAMES = "insert into ocpp_frames (station, until, doc) values (?, ?, ?)"
FRAMES = "select doc from ocpp_frames where station = ? and until >= ? order by no desc limit ?"
FORGET_FRAMES = "delete from ocpp_frames where until < ?"
COLUMNS = "station, number, evse, connector, session, token, begun_at, ended_at, heard_at, doc"
SAVE = f"""
insert into ocpp_transaction ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (station, number) do update set
  evse = excluded.evse, connector = excluded.connector, session = excluded.session, token = excluded.token,
  begun_at = excluded.begun_at, ended_at = excluded.ended_at, heard_at = excluded.heard_at, doc = excluded.doc"""
GET = f"select {COLUMNS} from ocpp_transaction where station = ? and number = ?"
OPEN = f"select {COLUMNS} from ocpp_transaction where station = ? and ended_at = 0 order by begun_at"
ALL_OPEN = f"select {COLUMNS} from ocpp_transaction where ended_at = 0 order by station, begun_at"
OF_SESSION = f"select {COLUMNS} from ocpp_transaction where session = ?"
BEGUN = f"select {COLUMNS} from ocpp_transaction where station = ? and evse = ? and token = ? and begun_at >= ? order by begun_at desc"
HOLD = """
insert into ocpp_reservation (number, station, evse, connection, reservation, session, token, until) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (number) do update set evse = excluded.evse, until = excluded.until, session = excluded.session"""
HOLDS = "select number, station, evse, connection, reservation, session, token, until from ocpp_reservation"
RELEASE = "delete from ocpp_reservation where number = ?"


class Received(NamedTuple):
    """A message in the inbox: its number, the version that the station spoke, when it came, and its text."""

    no: int
    version: str
    at: int
    raw: str


class Frame(msgspec.Struct, array_like=True, gc=False):
    at: int
    incoming: bool
    text: str


class Transaction(msgspec.Struct, kw_only=True):
    """A transaction of a station. `number` is the station's name for it; `doc` is what `stations.csms` remembers of it, as JSON."""

    station: str
    number: str
    evse: int
    connector: int
    session: str = ""
    """Our Session; empty: nobody pays for it."""
    token: str = ""
    begun_at: int
    ended_at: int = 0
    heard_at: int = 0
    doc: bytes = b"{}"


class Hold(msgspec.Struct, frozen=True, gc=False):
    """A reservation at a station, by the number that the station knows it by."""

    number: int
    station: str
    evse: int
    connection: int
    reservation: str
    session: str
    token: str
    until: int


class Ocpp:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- the inbox

    async def receive(self, station: str, epoch: int, version: str, at: int, raw: str) -> int:
        """Its number; 0: the connection that it came over is not the station's newest any more."""
        row = await self._db.one(RECEIVE, version, at, zlib.compress(raw.encode(), 1), station, epoch)
        return 0 if row is None else int(row[0])

    async def newest(self, station: str) -> int:
        row = await self._db.one(NEWEST, station)
        return 0 if row is None else int(row[0])

    async def waiting(self, station: str, until: int, limit: int) -> list[Received]:
        """What is not carried into the book yet, up to that number, in its order."""
        return [_received(row) for row in await self._db.all(WAITING, station, until, limit)]

    async def received(self, station: str, since: int, limit: int) -> list[Received]:
        """The newest first."""
        return [_received(row) for row in await self._db.all(KEPT, station, since, limit)]

    # --- every other frame

    async def add_frames(self, station: str, frames: list[Frame]) -> None:
        await self._db.execute(ADD_FRAMES, station, frames[-1].at, zlib.compress(msgspec.msgpack.encode(frames), 6))

    async def frames(self, station: str, since: int, groups: int) -> list[Frame]:
        """In their order, of at most so many groups."""
        rows = await self._db.all(FRAMES, station, since, groups)
        unpacked = (msgspec.msgpack.decode(zlib.decompress(bytes(row[0])), type=list[Frame]) for row in rows)
        return sorted((frame for frames in unpacked for frame in frames), key=lambda frame: frame.at)

    async def forget(self, before: int) -> None:
        """Retention; what is not in the book yet stays."""
        await self._db.execute(FORGET_INBOX, before)
        await self._db.execute(FORGET_FRAMES, before)

    # --- transactions

    async def save(self, transaction: Transaction) -> None:
        transaction.token = fold(transaction.token)
        await self._db.execute(SAVE, *msgspec.structs.astuple(transaction))

    async def transaction(self, station: str, number: str) -> Transaction | None:
        return next(iter(_transactions([row] if (row := await self._db.one(GET, station, number)) else [])), None)

    async def open(self, station: str) -> list[Transaction]:
        return _transactions(await self._db.all(OPEN, station))

    async def all_open(self) -> list[Transaction]:
        return _transactions(await self._db.all(ALL_OPEN))

    async def of_session(self, session: str) -> Transaction | None:
        return next(iter(_transactions(await self._db.all(OF_SESSION, session))), None)

    async def begun(self, station: str, evse: int, token: str, since: int) -> list[Transaction]:
        """Of that token at that EVSE, the newest first."""
        return _transactions(await self._db.all(BEGUN, station, evse, fold(token), since))

    # --- reservations

    async def hold(self, hold: Hold) -> None:
        values = (hold.number, hold.station, hold.evse, hold.connection, fold(hold.reservation), hold.session, fold(hold.token), hold.until)
        await self._db.execute(HOLD, *values)

    async def holds(self) -> list[Hold]:
        """All of them: they are few, and none lasts long."""
        return [Hold(*row) for row in await self._db.all(HOLDS)]

    async def release(self, number: int) -> None:
        await self._db.execute(RELEASE, number)


def _received(row: Row) -> Received:
    return Received(row[0], row[1], row[2], zlib.decompress(bytes(row[3])).decode())


TRANSACTION = tuple(Transaction.__struct_fields__)


def _transactions(rows: Iterable[Row]) -> list[Transaction]:
    return [Transaction(**dict(zip(TRANSACTION, row, strict=True))) for row in rows]
