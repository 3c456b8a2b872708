"""What stations said: the inbox of what has to be carried into the book, every frame of the last weeks, and transactions.

The inbox is written before a station hears that its message has arrived, and is never changed: a row for all messages that came while
the row before was being written, of whatever stations, at most one of each. The row's number is that of its messages; how far a station
is carried into the book is one number of the station, and so are its newest and its oldest that is not (`charging_stations`). The inbox
stays as evidence. All other frames are kept in groups of a station: a crash may cost the last seconds of them and nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row, of_row

RECEIVE = "insert into ocpp_inbox (no, until, doc) values (?, ?, ?)"
OWED = "select case when owed > reached then owed else reached + 1 end from charging_station where id = ?"
GROUPS = "select no, doc from ocpp_inbox where no >= ? and no <= ? order by no limit ?"
SINCE = "select coalesce(min(no), 0) from ocpp_inbox where until >= ?"
NEWEST_GROUPS = "select no, doc from ocpp_inbox where no >= ? and no <= ? order by no desc limit ?"
ALL_OWED = "select owed, told from charging_station where told > reached order by owed"
FORGET_INBOX = "delete from ocpp_inbox where until < ? and no > ? and no < ?"
ADD_FRAMES = "insert into ocpp_frames (station, until, doc) values (?, ?, ?)"
BEYOND = "select coalesce(min(no), ?) from {} where until > ?"
FRAMES = "select no, doc from ocpp_frames where station = ? and until >= ? and no <= ? order by no desc limit ?"
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
on conflict (number) do update set station = excluded.station, evse = excluded.evse, until = excluded.until, session = excluded.session"""
HOLDS = "select number, station, evse, connection, reservation, session, token, until from ocpp_reservation"
RELEASE = "delete from ocpp_reservation where number = ?"
NEWEST = 2**62
AT_ONCE = 500
"""Groups that a search reads at a time."""


class Message(NamedTuple):
    """What a station said of a transaction: the version that it spoke, when it came, and its text."""

    station: str
    version: str
    at: int
    raw: str


class Received(NamedTuple):
    """A message in the inbox, and its number there."""

    no: int
    message: Message


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

    async def receive(self, no: int, messages: Sequence[Message]) -> None:
        """A group, of each station one message at most; `no` is higher than any before."""
        await self._db.execute(RECEIVE, no, max(one.at for one in messages), zlib.compress(_encode(messages), 1))

    async def waiting(self, station: str, until: int, most: int) -> list[Received]:
        """What is not carried into the book yet, up to that number, in its order: the next of it, from at most so many groups."""
        row = await self._db.one(OWED, station)
        after = 0 if row is None else int(row[0])
        while rows := await self._db.all(GROUPS, after, until, most):
            if found := _received(rows, station):
                return found
            after = rows[-1][0] + 1
        return []

    async def received(self, station: str, since: int, limit: int, until: int = NEWEST) -> list[Received]:
        """The newest first."""
        row = await self._db.one(SINCE, since)
        first, last, found = 0 if row is None else int(row[0]), await self._last("ocpp_inbox", until), list[Received]()
        while len(found) < limit and (rows := await self._db.all(NEWEST_GROUPS, first, last, AT_ONCE)):
            found += [one for one in _received(rows, station) if since <= one.message.at <= until]
            last = rows[-1][0] - 1
        return found[:limit]

    async def _last(self, table: str, until: int) -> int:
        """The group in which there may be the newest of what came by then."""
        row = await self._db.one(BEYOND.format(table), NEWEST, until)
        return NEWEST if row is None else int(row[0])

    # --- every other frame

    async def add_frames(self, station: str, frames: list[Frame]) -> None:
        await self._db.execute(ADD_FRAMES, station, frames[-1].at, zlib.compress(msgspec.msgpack.encode(frames), 1))

    async def frames(self, station: str, since: int, limit: int, until: int = NEWEST) -> list[Frame]:
        """The newest first."""
        last, found = await self._last("ocpp_frames", until), list[Frame]()
        while len(found) < limit and (rows := await self._db.all(FRAMES, station, since, last, AT_ONCE)):
            for no, doc in rows:
                frames = msgspec.msgpack.decode(zlib.decompress(bytes(doc)), type=list[Frame])
                found += [one for one in reversed(frames) if since <= one.at <= until]
                last = no - 1
        return found[:limit]

    async def forget(self, before: int) -> None:
        """Retention; what is not in the book yet stays."""
        after = 0
        for owed, told in await self._db.all(ALL_OWED):
            await self._db.execute(FORGET_INBOX, before, after, owed)
            after = max(after, told)
        await self._db.execute(FORGET_INBOX, before, after, NEWEST)
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


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


def _received(rows: Iterable[Row], station: str) -> list[Received]:
    groups = ((row[0], _decode(zlib.decompress(bytes(row[1])))) for row in rows)
    return [Received(no, message) for no, messages in groups for message in messages if message.station == station]


def _transactions(rows: Iterable[Row]) -> list[Transaction]:
    return [of_row(Transaction, row) for row in rows]
