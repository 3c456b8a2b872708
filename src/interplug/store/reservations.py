"""Reservations of drivers at plugs of partners. States and events are those of `drivers/reserving.py`; this file knows none by name."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interplug.store import at_plug
from interplug.store.at_plug import AtPlug
from interplug.store.database import Database, Numbers, Row, of_row

COLUMNS = f"{at_plug.COLUMNS}, cancel_command, drive, until"
ADD = f"insert into reservation ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE = "update reservation set state = ?, reason = ?, command = ?, cancel_command = ?, drive = ?, deadline = ? where id = ?"
GET = f"select {COLUMNS} from reservation where id = ?"
LIKE = f"select {COLUMNS} from reservation where id >= ? and id < ? order by id limit 10"
OF_DRIVER = f"select {COLUMNS} from reservation where driver = ? order by created_at desc limit ?"
IN_STATE = f"select {COLUMNS} from reservation where state = ? order by created_at"


class Reservation(AtPlug, kw_only=True):
    """`until` is when it ends by itself; `drive` that which was started from it."""

    cancel_command: str = ""
    drive: str = ""
    until: int


class Reservations:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add(self, one: Reservation) -> None:
        self._numbers.take()
        await self._db.execute(ADD, *msgspec.structs.astuple(one))

    async def update(self, one: Reservation) -> None:
        """Takes a change number, so that a page that waits for the log sees it."""
        self._numbers.take()
        values = (one.state, one.reason, one.command, one.cancel_command, one.drive, one.deadline)
        await self._db.execute(UPDATE, *values, one.id)

    async def get(self, id: str) -> Reservation | None:
        row = await self._db.one(GET, id)
        return None if row is None else of_row(Reservation, row)

    async def like(self, beginning: str) -> list[Reservation]:
        """Those whose id, which is hexadecimal, begins so."""
        return _reservations(await self._db.all(LIKE, beginning, f"{beginning}g"))

    async def of_driver(self, driver: str, limit: int = 20) -> list[Reservation]:
        """The newest first."""
        return _reservations(await self._db.all(OF_DRIVER, driver, limit))

    async def in_states(self, states: Sequence[str]) -> list[Reservation]:
        return [one for state in states for one in _reservations(await self._db.all(IN_STATE, state))]


def _reservations(rows: Sequence[Row]) -> list[Reservation]:
    return [of_row(Reservation, row) for row in rows]
