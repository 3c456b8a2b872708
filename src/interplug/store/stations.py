"""Our own charging: the row behind each Session of ours, and the readings of its meter.

The Session that partners see is an object like any other; here stands what it is made from. Readings are added and never
changed: the same reading twice is one, so a station may repeat itself after a crash. `pinned` is what was valid when the
Session began (tariffs, place, token) as JSON, opaque here. States are those of `modules/session_states.py`; this file knows
none of them by name.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row, of_row

COLUMNS = "id, country, party, place, evse, connection, state, reservation, reserved_until, begun_at, heard_at, pinned"
INSERT = f"insert into charge ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE = "update charge set evse = ?, state = ?, reserved_until = ?, heard_at = ?, pinned = ? where id = ?"
GET = f"select {COLUMNS} from charge where id = ?"
IN_STATE = f"select {COLUMNS} from charge where state = ? order by heard_at"
AT = f"select {COLUMNS} from charge where place = ? and evse = ? and country = ? and party = ? and state in (?, ?)"
RESERVATION = f"select {COLUMNS} from charge where reservation = ? and connection = ? and state = ?"
READ = """
insert into reading (charge, at, kwh, phase, power, current, soc, received_at) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (charge, at) do nothing"""
READINGS = "select at, kwh, phase, power, current, soc from reading where charge = ? and at > ? order by at"
COUNT = "select count(*) from reading where charge = ? and at <= ?"
FORGET = "delete from reading where charge in (select id from charge where state in (?, ?) and heard_at < ?)"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What the meter says at a moment: kWh as it counts them, of its life or of this charge alone, and what goes on from here to the next
    reading. The energy of a Session is the difference to what it showed at the beginning, which is settled there and not by a reading.

    `phase` is charging, parked or reserved; power in watts and current in amperes are sums of the phases; soc is per cent.
    """

    at: int
    kwh: Decimal
    phase: str = "charging"
    power: Decimal | None = None
    current: Decimal | None = None
    soc: Decimal | None = None


class Charge(msgspec.Struct, kw_only=True):
    """The row behind a Session. `connection` 0: a driver of our own, whom no partner pays for."""

    id: str
    country: str
    party: str
    place: str
    """The id of the Location, folded as is the uid of the EVSE."""
    evse: str
    connection: int
    state: str
    reservation: str = ""
    reserved_until: int = 0
    begun_at: int
    heard_at: int
    """When the station was last heard of it."""
    pinned: bytes


class Stations:
    def __init__(self, db: Database) -> None:
        self._db = db

    # --- charges

    async def add(self, charge: Charge) -> None:
        charge.reservation, charge.evse, charge.place = fold(charge.reservation), fold(charge.evse), fold(charge.place)
        await self._db.execute(INSERT, *msgspec.structs.astuple(charge))

    async def update(self, charge: Charge) -> None:
        values = (fold(charge.evse), charge.state, charge.reserved_until, charge.heard_at, charge.pinned)
        await self._db.execute(UPDATE, *values, charge.id)

    async def get(self, id: str) -> Charge | None:
        row = await self._db.one(GET, id)
        return None if row is None else of_row(Charge, row)

    async def in_state(self, state: str) -> list[Charge]:
        """The one longest unheard of first."""
        return _charges(await self._db.all(IN_STATE, state))

    async def at_evse(self, country: str, party: str, place: str, evse: str, states: tuple[str, str]) -> list[Charge]:
        return _charges(await self._db.all(AT, fold(place), fold(evse), country, party, *states))

    async def reservations(self, connection: int, reservation: str, state: str) -> list[Charge]:
        """Of one partner, by the id that the partner gave."""
        return _charges(await self._db.all(RESERVATION, fold(reservation), connection, state))

    # --- readings

    async def read(self, charge: str, readings: Iterable[Reading], now: int) -> int:
        """How many of them were new."""
        return sum([await self._db.execute(READ, charge, one.at, *_spelled(one), now) for one in readings])

    async def readings(self, charge: str, after: int = 0) -> list[Reading]:
        """In the order of their own time, however late they came."""
        return [_reading(row) for row in await self._db.all(READINGS, charge, after)]

    async def count(self, charge: str, until: int) -> int:
        row = await self._db.one(COUNT, charge, until)
        return 0 if row is None else int(row[0])

    async def forget(self, states: tuple[str, str], before: int) -> int:
        """Retention: the readings of charges that are in one of these states and were last heard of before then."""
        return await self._db.execute(FORGET, *states, before)


def _charges(rows: Iterable[Row]) -> list[Charge]:
    return [of_row(Charge, row) for row in rows]


def _spelled(reading: Reading) -> tuple[str, ...]:
    rest = (reading.power, reading.current, reading.soc)
    return str(reading.kwh), reading.phase, *("" if value is None else str(value) for value in rest)


def _reading(row: Row) -> Reading:
    at, kwh, phase, *rest = row
    return Reading(at, Decimal(kwh), phase, *(Decimal(text) if text else None for text in rest))
