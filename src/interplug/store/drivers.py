"""Drivers and their drives. States and events are those of `drivers/states.py`; this file knows none of them by name.

A drive is a row before its command goes out. It points at the partner's Session and CDR by their numbers in the store, so a
page reads them as they are now. `shown` and `offer` are what the price before the start was made of (the operator's Tariffs, our
offer), kept as evidence and as what the drive costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from interplug.model.types import fold
from interplug.store import at_plug
from interplug.store.at_plug import AtPlug
from interplug.store.database import Database, Numbers, Row, of_row

DRIVER = "id, token_uid, contract_id, created_at"
NEW_DRIVER = f"insert into driver ({DRIVER}) values (?, ?, ?, ?)"
GET_DRIVER = f"select {DRIVER} from driver where id = ?"
OWN_TOKEN = f"select {DRIVER} from driver where token_uid = ?"
OWN_CONTRACT = f"select {DRIVER} from driver where contract_id = ?"
OTHER_TOKEN = f"select {DRIVER} from driver where id in (select driver from card where uid = ?)"
OTHER_CONTRACT = f"select {DRIVER} from driver where id in (select driver from card where contract_id = ?)"
RENAME = "update driver set id = ? where id = ?"
HAND_OVER = tuple(f"update {table} set driver = ? where driver = ?" for table in ("drive", "reservation", "browser"))
REMOVE = "delete from driver where id = ?"
DRIVE = f"{at_plug.COLUMNS}, stop_command, session, cdr, token, terminal, unwanted"
NEW_DRIVE = f"insert into drive ({DRIVE}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE = (
    "update drive set state = ?, reason = ?, command = ?, stop_command = ?, session = ?, cdr = ?, deadline = ?, unwanted = ? where id = ?"
)
CHANGED = "select id, driver from drive where changed_no > ?"
CHANGE = "update drive set changed_no = ? where id = ?"
COMMANDED = "update drive set changed_no = ? where command = ? or stop_command = ?"
GET_DRIVE = f"select {DRIVE} from drive where id = ?"
OF_DRIVER = f"select {DRIVE} from drive where driver = ? order by created_at desc limit ?"
FOUND = "from drive where driver = ? and created_at >= ? and created_at < ?"
PLACES = "select distinct connection, country, party, place from drive where driver = ?"
OF_CDR = f"select {DRIVE} from drive where id = ? or cdr = ?"
OF_TERMINAL = f"select {DRIVE} from drive where terminal = ? order by created_at desc, id limit ?"
AT_TERMINALS = f"select {DRIVE} from drive where state = ? and connection = ? and terminal > 0"
IN_STATE = f"select {DRIVE} from drive where state = ? order by created_at"
LIKE = f"select {DRIVE} from drive where id >= ? and id < ? order by id limit 10"
READING = "at, kwh, power, soc"
NOTE = f"insert into drive_reading (drive, {READING}) values (?, ?, ?, ?, ?) on conflict (drive, at) do nothing"
LAST_READING = f"select {READING} from drive_reading where drive = ? order by at desc limit 1"
COURSE = f"select {READING} from drive_reading where drive = ? order by at"
FORGET_READINGS = "delete from drive_reading where at < ?"


class Driver(msgspec.Struct, frozen=True):
    id: str
    token_uid: str
    contract_id: str
    created_at: int


class Drive(AtPlug, kw_only=True):
    """`session`, `cdr` and `terminal` are numbers of objects, 0 where there is none; `token` is the folded uid of the card that it was
    begun with, empty where it was begun on the page. `terminal`: a bank card was presented there, by nobody whom we know, so `driver` is
    empty."""

    stop_command: str = ""
    session: int = 0
    cdr: int = 0
    token: str = ""
    terminal: int = 0
    unwanted: int = 0
    """When the driver said that it is not wanted any more, before it had begun."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which drives of a driver are looked for. `token`: of a card, or empty for those of the page; None: all. `places`: connection,
    country, party and id of Locations; None: anywhere."""

    since: int = 0
    until: int = 2**62
    token: str | None = None
    places: Sequence[tuple[int, str, str, str]] | None = None


class Reading(msgspec.Struct, frozen=True):
    """What a Session said at one moment; power in kW and state of charge in percent are None where it does not tell them."""

    at: int
    kwh: Decimal
    power: Decimal | None = None
    soc: Decimal | None = None


class Drivers:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add_driver(self, driver: Driver) -> None:
        await self._db.execute(NEW_DRIVER, *msgspec.structs.astuple(driver))

    async def driver(self, id: str) -> Driver | None:
        return _driver(await self._db.one(GET_DRIVER, id))

    async def with_token(self, uid: str) -> Driver | None:
        """Of the page, or one of the driver's cards."""
        return _driver(await self._db.one(OWN_TOKEN, uid) or await self._db.one(OTHER_TOKEN, fold(uid)))

    async def with_contract(self, contract_id: str) -> Driver | None:
        return _driver(await self._db.one(OWN_CONTRACT, contract_id) or await self._db.one(OTHER_CONTRACT, contract_id))

    async def rename(self, id: str, to: str) -> None:
        """With drives and reservations."""
        await self._db.execute(RENAME, to, id)
        await self._give(id, to)

    async def hand_over(self, driver: str, to: str) -> None:
        """All drives and reservations of one driver to another; the first is no more."""
        await self._give(driver, to)
        await self._db.execute(REMOVE, driver)

    async def _give(self, driver: str, to: str) -> None:
        for statement in HAND_OVER:
            await self._db.execute(statement, to, driver)

    async def add(self, drive: Drive) -> None:
        await self._db.execute(NEW_DRIVE, *msgspec.structs.astuple(drive))
        await self.touch(drive.id)

    async def touch(self, id: str) -> None:
        """It, or what belongs to it, has changed: it takes a change number, so that a page that waits for the log sees it."""
        await self._db.execute(CHANGE, self._numbers.take(), id)

    async def changed(self, after: int) -> list[tuple[str, str]]:
        """The drives that have changed after a number of the log, and whose they are."""
        return [(row[0], row[1]) for row in await self._db.all(CHANGED, after)]

    async def update(self, drive: Drive) -> None:
        values = (drive.state, drive.reason, drive.command, drive.stop_command, drive.session, drive.cdr, drive.deadline, drive.unwanted)
        await self._db.execute(UPDATE, *values, drive.id)
        await self.touch(drive.id)

    async def get(self, id: str) -> Drive | None:
        row = await self._db.one(GET_DRIVE, id)
        return None if row is None else of_row(Drive, row)

    async def of_cdr(self, cdr: int, reference: str) -> Drive | None:
        """The drive that was billed with this CDR, or that its authorisation names."""
        found = _drives(await self._db.all(OF_CDR, reference, cdr))
        return found[0] if found else None

    async def of_driver(self, driver: str, limit: int = 20) -> list[Drive]:
        """The newest first."""
        return _drives(await self._db.all(OF_DRIVER, driver, limit))

    async def found(self, driver: str, wanted: Wanted, limit: int, offset: int = 0) -> tuple[int, list[Drive]]:
        """How many there are, and a page of them, the newest first."""
        where, values = FOUND, [driver, wanted.since, wanted.until]
        if wanted.token is not None:
            where, values = f"{where} and token = ?", [*values, wanted.token]
        if wanted.places is not None:
            one = "(connection = ? and country = ? and party = ? and place = ?)"
            where = f"{where} and ({' or '.join([one] * len(wanted.places)) or '1 = 0'})"
            values += [value for place in wanted.places for value in place]
        row = await self._db.one(f"select count(*) {where}", *values)
        rows = await self._db.all(f"select {DRIVE} {where} order by created_at desc, id limit ? offset ?", *values, limit, offset)
        return 0 if row is None else int(row[0]), _drives(rows)

    async def places(self, driver: str) -> list[tuple[int, str, str, str]]:
        """Where the driver has charged: connection, country, party and id of Locations."""
        return [(int(row[0]), row[1], row[2], row[3]) for row in await self._db.all(PLACES, driver)]

    async def of_terminal(self, terminal: int, limit: int) -> list[Drive]:
        """The newest first."""
        return _drives(await self._db.all(OF_TERMINAL, terminal, limit))

    async def at_terminals(self, states: Sequence[str], connection: int) -> list[Drive]:
        """Begun at any terminal, at an operator's stations."""
        return [drive for state in states for drive in _drives(await self._db.all(AT_TERMINALS, state, connection))]

    async def in_states(self, states: Sequence[str]) -> list[Drive]:
        return [drive for state in states for drive in _drives(await self._db.all(IN_STATE, state))]

    async def like(self, beginning: str) -> list[Drive]:
        """Those whose id, which is hexadecimal, begins so."""
        return _drives(await self._db.all(LIKE, beginning, f"{beginning}g"))

    # --- the course of a drive

    async def note(self, drive: str, reading: Reading) -> None:
        said = ["" if value is None else f"{value:f}" for value in (reading.kwh, reading.power, reading.soc)]
        await self._db.execute(NOTE, drive, reading.at, *said)

    async def last_reading(self, drive: str) -> Reading | None:
        row = await self._db.one(LAST_READING, drive)
        return None if row is None else _reading(row)

    async def course(self, drive: str) -> list[Reading]:
        """In their order."""
        return [_reading(row) for row in await self._db.all(COURSE, drive)]

    async def forget_readings(self, before: int) -> None:
        await self._db.execute(FORGET_READINGS, before)


def _reading(row: Row) -> Reading:
    at, kwh, power, soc = row
    return Reading(int(at), Decimal(kwh), Decimal(power) if power else None, Decimal(soc) if soc else None)


def _driver(row: Row | None) -> Driver | None:
    return None if row is None else Driver(*row)


def _drives(rows: Sequence[Row]) -> list[Drive]:
    return [of_row(Drive, row) for row in rows]
