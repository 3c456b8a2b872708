"""Commands and other calls, in both directions: what was asked, in which state it is, until when, and how it ended.

A row is written before anything goes over the network, and it is never deleted by a result: it is also what the rule of
fifteen minutes looks at (13.3.5), what a late CANCELED_RESERVATION finds its `response_url` in, and what the driver's page
reads. States and events are those of `modules/command_states.py`; this file knows none of them by name. Ids of places,
tokens and reservations are kept folded for look-ups, the document keeps their spelling.
"""

from collections.abc import Sequence

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Numbers, Row, of_row
from interplug.store.drivers import COMMANDED

COLUMNS = (
    "id, direction, connection, version, command, state, document, response_url, ours, theirs, place, evse, connector, token, reservation, "
    "created_at, deadline, answered, result, message, finished_at, changed_no, session, relay, found"
)
INSERT = f"insert into command ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE = (
    "update command set state = ?, deadline = ?, answered = ?, result = ?, message = ?, finished_at = ?, relay = ?, found = ?, "
    "changed_no = ? where id = ?"
)
GET = f"select {COLUMNS} from command where id = ?"
OPEN = f"select {COLUMNS} from command where state = ? order by deadline"
WORKING = f"select {COLUMNS} from command where evse = ? and place = ? and direction = 'in' and finished_at = 0"
AT_EVSE = f"select {COLUMNS} from command where evse = ? and place = ? and direction = 'in' and created_at >= ? order by created_at desc"
NEWEST = (
    f"select {COLUMNS} from command where (cast(? as bigint) is null or connection = ?) and created_at <= ? "
    "order by created_at desc, id limit ?"
)
BETWEEN = f"select {COLUMNS} from command where connection = ? and created_at >= ? and created_at <= ? order by created_at, id"
RESERVATION = (
    f"select {COLUMNS} from command where reservation = ? and connection = ? and command = 'RESERVE_NOW' and direction = ? "
    "order by created_at desc limit 1"
)
LAST = (
    f"select {COLUMNS} from command where session = ? and connection = ? and command = ? and direction = ? order by created_at desc limit 1"
)
FORGET = "delete from command where created_at < ? and state not in ({})"
NUMBER = "select number from reservation_number where connection = ? and reservation = ?"
NEW_NUMBER = """
insert into reservation_number (connection, reservation, number)
select ?, ?, coalesce(max(number), 0) + 1 from reservation_number where connection = ?"""


class Command(msgspec.Struct, kw_only=True):
    """`direction` is "in" (we are the CPO) or "out" (we are the eMSP). `answered` is the answer at once, `result` the later one."""

    id: str
    direction: str
    connection: int
    version: str
    command: str
    state: str
    document: bytes
    """The newest form, without `response_url`."""
    response_url: str
    ours: str = ""
    """The party of ours that it concerns, and the partner's, as `NL-ABC`: whom the routing headers name."""
    theirs: str = ""
    place: str = ""
    evse: str = ""
    connector: str = ""
    token: str = ""
    reservation: str = ""
    created_at: int
    deadline: int
    answered: str = ""
    result: str = ""
    message: str = ""
    finished_at: int = 0
    changed_no: int = 0
    session: str = ""
    """The Session whose charging profile it is about; folded, as are the ids above."""
    relay: str = ""
    """The call on our other side, where we stand between an SCSP and a CPO: what one is told the other is told (15.1.2)."""
    found: bytes = b""
    """What came with the result."""


class Commands:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add(self, command: Command) -> None:
        command.place, command.evse = fold(command.place), fold(command.evse)
        command.connector, command.token, command.reservation = fold(command.connector), fold(command.token), fold(command.reservation)
        command.session = fold(command.session)
        command.changed_no = self._numbers.take()
        await self._db.execute(INSERT, *msgspec.structs.astuple(command))

    async def update(self, command: Command) -> None:
        """State, deadline, answers and results; takes a change number, so that those who wait for the log see it."""
        command.changed_no = self._numbers.take()
        values = (command.state, command.deadline, command.answered, command.result, command.message, command.finished_at)
        await self._db.execute(UPDATE, *values, command.relay, command.found, command.changed_no, command.id)
        if command.command in ("START_SESSION", "STOP_SESSION"):
            await self._db.execute(COMMANDED, command.changed_no, command.id, command.id)

    async def get(self, id: str) -> Command | None:
        return _command(await self._db.one(GET, id))

    async def in_state(self, state: str) -> list[Command]:
        """The next deadline first."""
        return _commands(await self._db.all(OPEN, state))

    async def newest(self, connection: int | None, limit: int, until: int = 2**62) -> list[Command]:
        """Of both directions, the newest first."""
        return _commands(await self._db.all(NEWEST, connection, connection, until, limit))

    async def between(self, connection: int, since: int, until: int) -> list[Command]:
        """Of both directions, in the order in which they were given."""
        return _commands(await self._db.all(BETWEEN, connection, since, until))

    async def received_at(self, place: str, evse: str, since: int) -> list[Command]:
        """Commands for an EVSE that partners have sent since then, the newest first."""
        return _commands(await self._db.all(AT_EVSE, fold(evse), fold(place), since))

    async def working_at(self, place: str, evse: str) -> list[Command]:
        """Commands for an EVSE that partners have sent and that are not finished."""
        return _commands(await self._db.all(WORKING, fold(evse), fold(place)))

    async def reservation(self, connection: int, reservation: str, direction: str) -> Command | None:
        """The newest RESERVE_NOW for that reservation id of that partner."""
        return _command(await self._db.one(RESERVATION, fold(reservation), connection, direction))

    async def last(self, session: str, connection: int, command: str, direction: str) -> Command | None:
        """The newest call of that kind about a Session with that partner."""
        return _command(await self._db.one(LAST, fold(session), connection, command, direction))

    async def forget(self, open: Sequence[str], before: int) -> int:
        """Retention; those in an open state stay."""
        return await self._db.execute(FORGET.format(", ".join("?" * len(open))), before, *open)

    async def reservation_number(self, connection: int, reservation: str) -> int:
        """The number by which a partner of 2.1.1 knows a reservation whose id is text."""
        row = await self._db.one(NUMBER, connection, fold(reservation))
        if row is None:
            await self._db.execute(NEW_NUMBER, connection, fold(reservation), connection)
            row = await self._db.one(NUMBER, connection, fold(reservation))
        assert row is not None
        return int(row[0])


def _commands(rows: Sequence[Row]) -> list[Command]:
    return [of_row(Command, row) for row in rows]


def _command(row: Row | None) -> Command | None:
    return None if row is None else _commands([row])[0]
