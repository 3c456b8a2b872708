"""Charging stations that speak OCPP: who they are, where they stand, and which process holds their line.

`epoch` counts the connections of a station. Whoever writes for one of them says which it is, and a row that has gone on to the
next tells the late process that it has lost (`lives`). What the numbers of a station's EVSEs and connectors mean in OCPI stands in
`outlets`. Besides: the last status of each connector, the short names of tokens that do not fit into an idTag, and the calls that
one process asks another one to make.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row

COLUMNS = (
    "id, state, profile, password, country, party, place, outlets, version, about, epoch, holder, since, heard_at, reached, created_at, "
    "told, owed"
)
ADD = f"insert into charging_station ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing"
GET = f"select {COLUMNS} from charging_station where id = ?"
ALL = f"select {COLUMNS} from charging_station order by id"
AT = f"select {COLUMNS} from charging_station where place = ? and state = 'adopted' order by id"
OFFERED = "select count(*) from charging_station where state = 'offered' and (holder <> '' or heard_at >= ?)"
GIVE_UP = "delete from charging_station where state = 'offered' and holder = '' and heard_at < ?"
CHANGE = """
update charging_station set state = ?, profile = ?, password = ?, country = ?, party = ?, place = ?, outlets = ? where id = ?"""
ABOUT = "update charging_station set about = ? where id = ? and epoch = ?"
REMOVE = "delete from charging_station where id = ?"
CONNECT = """
update charging_station set epoch = epoch + 1, holder = ?, version = ?, since = ?, heard_at = ?, profile = ? where id = ?
returning epoch, told"""
DISCONNECT = "update charging_station set holder = '', since = ?, heard_at = ? where id = ? and epoch = ?"
LIVES = "select 1 from charging_station where id = ? and epoch = ?"
TOLD = """
with said (station, line) as (values {}) update charging_station
set owed = case when told > reached then owed else ? end, told = ? from said where id = station and epoch = line returning id, epoch"""
REACHED = "update charging_station set reached = case when reached < ? then ? else reached end where id = ? and epoch = ?"
HEARD = "update charging_station set heard_at = ? where holder = ?"
LEFT = "update charging_station set holder = '', since = ? where holder <> ''"
SILENT = (
    f"select {COLUMNS} from charging_station where state = 'adopted' and epoch > 0"
    " and (holder = '' and since <= ? or holder <> '' and heard_at <= ?)"
)
STATUS = """
insert into ocpp_outlet (station, evse, connector, status, error, at) values (?, ?, ?, ?, ?, ?)
on conflict (station, evse, connector) do update set status = excluded.status, error = excluded.error, at = excluded.at"""
STATUSES = "select station, evse, connector, status, error, at from ocpp_outlet where station = ? order by evse, connector"
FORGET_STATUSES = "delete from ocpp_outlet where station = ?"
ALIAS = "insert into ocpp_alias (alias, uid, type) values (?, ?, ?) on conflict (alias) do nothing"
ALIASED = "select uid, type from ocpp_alias where alias = ?"
ASK = "insert into ocpp_call (id, station, action, payload, priority, deadline, state, answer) values (?, ?, ?, ?, ?, ?, 'waiting', ?)"
ASKED = """
select c.id, c.station, c.action, c.payload, c.priority, c.deadline from ocpp_call c
join charging_station s on s.id = c.station where c.state = 'waiting' and s.holder = ?"""
TAKE = "update ocpp_call set state = 'taken' where id = ? and state = 'waiting'"
ANSWER = "update ocpp_call set state = 'done', answer = ? where id = ?"
ANSWERED = "select answer from ocpp_call where id = ? and state = 'done'"
FORGET_CALLS = "delete from ocpp_call where deadline < ?"

Line = tuple[str, int]
"""A station, and which of its connections."""


class Outlet(msgspec.Struct, frozen=True):
    """A connector as OCPP numbers it, and what it is in OCPI. In 1.6 `evse` is the connectorId, and `connector` is 1."""

    evse: int
    connector: int
    evse_uid: str
    connector_id: str


class StationRow(msgspec.Struct, kw_only=True):
    id: str
    state: str = "adopted"
    """offered: it has connected and waits for a person; adopted: it is ours."""
    profile: int = 1
    """The security profile below which it is not let in; 0: without any password."""
    password: str = ""
    country: str = ""
    party: str = ""
    place: str = ""
    """The id of the own Location, folded."""
    outlets: list[Outlet] = []
    version: str = ""
    about: dict[str, str] = {}
    epoch: int = 0
    holder: str = ""
    """The process that has its socket; empty: it is not connected."""
    since: int = 0
    heard_at: int = 0
    reached: int = 0
    """The number in the inbox up to which everything is carried into the book."""
    created_at: int = 0
    told: int = 0
    """The number of its newest message in the inbox."""
    owed: int = 0
    """That of the first message that came when everything before it was carried."""

    def connected(self, heard_since: int) -> bool:
        """A process that has died without a word still stands there as its holder."""
        return bool(self.holder) and self.heard_at >= heard_since


class Status(msgspec.Struct, frozen=True, gc=False):
    station: str
    evse: int
    connector: int
    status: str
    error: str
    at: int


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A call that one process asks the process to make which has the socket. `deadline` is of the node's clock."""

    id: str
    station: str
    action: str
    payload: bytes
    priority: int
    deadline: int


_outlets = msgspec.json.Decoder(list[Outlet]).decode
_about = msgspec.json.Decoder(dict[str, str]).decode
FIELDS = tuple(StationRow.__struct_fields__)


class ChargingStations:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- who they are

    async def add(self, row: StationRow) -> bool:
        """False: there is one of that name."""
        values = msgspec.structs.asdict(row)
        values |= {"outlets": msgspec.json.encode(row.outlets), "about": msgspec.json.encode(row.about), "place": fold(row.place)}
        return await self._db.execute(ADD, *(values[name] for name in FIELDS)) > 0

    async def get(self, id: str) -> StationRow | None:
        row = await self._db.one(GET, id)
        return None if row is None else _station(row)

    async def all(self) -> list[StationRow]:
        return [_station(row) for row in await self._db.all(ALL)]

    async def at(self, place: str) -> list[StationRow]:
        """Those that stand at a Location of ours."""
        return [_station(row) for row in await self._db.all(AT, fold(place))]

    async def offered(self, heard_since: int = 0) -> int:
        """How many wait; of those that are away the ones that were heard of since then."""
        row = await self._db.one(OFFERED, heard_since)
        return 0 if row is None else int(row[0])

    async def give_up(self, before: int) -> None:
        """Those that waited and were last heard of before then."""
        await self._db.execute(GIVE_UP, before)

    async def change(self, row: StationRow) -> None:
        """What a person decides about it; what its connection says stays."""
        outlets = msgspec.json.encode(row.outlets)
        await self._db.execute(CHANGE, row.state, row.profile, row.password, row.country, row.party, fold(row.place), outlets, row.id)

    async def about(self, id: str, epoch: int, about: dict[str, str]) -> None:
        await self._db.execute(ABOUT, msgspec.json.encode(about), id, epoch)

    async def remove(self, id: str) -> bool:
        await self._db.execute(FORGET_STATUSES, id)
        return await self._db.execute(REMOVE, id) > 0

    # --- their lines

    async def connect(self, id: str, holder: str, version: str, profile: int, now: int) -> tuple[int, int]:
        """The epoch of the connection that begins, and the number up to which earlier ones have received: they have lost, and receive no
        more. Epoch 0: there is no such station."""
        row = await self._db.one(CONNECT, holder, version, now, now, profile, id)
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def disconnect(self, id: str, epoch: int, now: int) -> None:
        await self._db.execute(DISCONNECT, now, now, id, epoch)

    async def lives(self, id: str, epoch: int) -> bool:
        """Whether that connection is still the station's newest."""
        return await self._db.one(LIVES, id, epoch) is not None

    async def tell(self, lines: Sequence[Line], number: int) -> set[Line]:
        """The newest message in the inbox of each of these stations has that number. Those whose connection is the newest, too."""
        size = 1 << (len(lines) - 1).bit_length()  # few statements are enough for groups of any size
        said = itertools.chain.from_iterable([*lines, *[lines[0]] * (size - len(lines))])
        return {(row[0], row[1]) for row in await self._db.all(_told(size), *said, number, number)}

    async def reach(self, id: str, epoch: int, number: int) -> bool:
        """False: that connection is not the station's newest any more."""
        return await self._db.execute(REACHED, number, number, id, epoch) > 0

    async def heard(self, holder: str, now: int) -> None:
        """The process lives, and with it every line that it has."""
        await self._db.execute(HEARD, now, holder)

    async def alone(self, now: int) -> None:
        """Every process that had lines has ended."""
        await self._db.execute(LEFT, now)

    async def silent(self, gone_since: int, unheard_since: int) -> list[StationRow]:
        """Those that have been here and left before then, and those whose process has not shown since then that it lives."""
        return [_station(row) for row in await self._db.all(SILENT, gone_since, unheard_since)]

    # --- what their connectors are doing

    async def status(self, status: Status) -> None:
        await self._db.execute(STATUS, *msgspec.structs.astuple(status))

    async def statuses(self, id: str) -> list[Status]:
        return [Status(*row) for row in await self._db.all(STATUSES, id)]

    # --- short names of tokens

    async def alias(self, alias: str, uid: str, type: str) -> None:
        await self._db.execute(ALIAS, fold(alias), uid, type)

    async def aliased(self, alias: str) -> tuple[str, str] | None:
        row = await self._db.one(ALIASED, fold(alias))
        return None if row is None else (str(row[0]), str(row[1]))

    # --- calls from one process to another

    async def ask(self, asked: Asked) -> None:
        await self._db.execute(ASK, *msgspec.structs.astuple(asked), b"")

    async def asked(self, holder: str) -> Sequence[Asked]:
        return [Asked(row[0], row[1], row[2], bytes(row[3]), row[4], row[5]) for row in await self._db.all(ASKED, holder)]

    async def take(self, ids: Iterable[str]) -> list[str]:
        """Those that nobody has taken yet."""
        return [one for one in ids if await self._db.execute(TAKE, one)]

    async def answer(self, id: str, said: bytes) -> None:
        await self._db.execute(ANSWER, said, id)

    async def answered(self, id: str) -> bytes | None:
        row = await self._db.one(ANSWERED, id)
        return None if row is None else bytes(row[0])

    async def forget_calls(self, before: int) -> None:
        await self._db.execute(FORGET_CALLS, before)


@functools.cache
def _told(count: int) -> str:
    return TOLD.format(", ".join(["(cast(? as text), cast(? as bigint))"] * count))


def _station(row: Row) -> StationRow:
    values = dict(zip(FIELDS, row, strict=True))
    values["outlets"], values["about"] = _outlets(values["outlets"]), _about(values["about"])
    return StationRow(**values)
