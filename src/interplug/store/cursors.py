"""How far each reader of the change log is, and what stands in its way.

A cursor is the number below which nothing is unsent, per connection and module; the caller moves many of them in one transaction
about once a second. What a partner refuses is taken out of its way into `refused`, with the reason and its own retry. What a cursor
cannot see (a new partner, another visibility, another version) is a `resync` row: how far it has got, and its goal. A partner that
fails is left alone for a while: its `pause` row says since when, how long still, and why. Where a receiver
serves what it was given (the Location of a CDR) is kept as a delivery, and stays when the reader is gone: it is evidence.
"""

from collections.abc import Iterable

import msgspec

from interplug.store.database import Database

LOG = "*"
"""The cursor of a connection that covers the whole log."""
VERSION = "version"
"""No place in the log, but the version in which the partner was told of everything below its cursor."""
TARIFFS_MOVED = "tariffs moved"
"""How far `sync.naming` is; a cursor of our own."""
TARIFFS_VALID = "tariffs valid"
"""No place in the log, but the time up to which `sync.validity` has followed the Tariffs."""
RETRY = "retry"
"""The generation that `hasten` moves."""
MOVE = "insert into cursor (connection, module, no) values (?, ?, ?) on conflict (connection, module) do update set no = excluded.no"
GET = "select no from cursor where connection = ? and module = ?"
ALL = "select connection, module, no from cursor order by connection, module"
REFUSED = "connection, object, evse, module, reason, status, since, attempts, next_at, changed_no"
REFUSE = f"""
insert into refused ({REFUSED}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (connection, object, evse) do update set
  reason = excluded.reason, status = excluded.status, attempts = refused.attempts + excluded.attempts, next_at = excluded.next_at,
  changed_no = excluded.changed_no"""
REFUSED_BY = f"select {REFUSED} from refused where connection = ? order by since, object, evse"
REFUSED_ALL = f"select {REFUSED} from refused order by connection, since, object, evse"
HASTEN = "update refused set next_at = 0 where connection = ?"
HASTEN_PAUSE = "update pause set until = 0 where connection = ?"
HASTENED = "insert into counter (name, no) values (?, 1) on conflict (name) do update set no = counter.no + 1"
ACCEPT = "delete from refused where connection = ? and object = ? and evse = ?"
DELIVERED = """
insert into delivered (connection, object, url, at) values (?, ?, ?, ?)
on conflict (connection, object) do update set url = excluded.url, at = excluded.at"""
DELIVERED_AT = "select url from delivered where connection = ? and object = ?"
RESYNC = """
insert into resync (connection, module, reached, goal) values (?, ?, ?, ?)
on conflict (connection, module) do update set reached = excluded.reached, goal = excluded.goal"""
RESYNCS = (
    "select connection, module, reached, goal from resync where cast(? as bigint) is null or connection = ? order by connection, module"
)
FINISHED = "delete from resync where connection = ? and module = ?"
PAUSE = """
insert into pause (connection, failures, until, why, since) values (?, ?, ?, ?, ?) on conflict (connection) do update set
  failures = excluded.failures, until = excluded.until, why = excluded.why, since = excluded.since"""
PAUSES = "select connection, failures, until, why, since from pause order by connection"
WELL = "delete from pause where connection = ?"
REFUSED_COUNTS = "select connection, module, count(*) from refused group by connection, module"
FORGET = tuple(
    f"delete from {table} where connection = ?" for table in ("cursor", "refused", "resync", "pause", "pull", "pull_page", "absent")
)


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An object (or EVSE, then `evse` is its uid) that a partner would not take. `status` is its HTTP or OCPI code; `since` stays what
    it was first, `attempts` adds up."""

    connection: int
    pk: int
    evse: str
    module: str
    reason: str
    status: int
    since: int
    attempts: int
    next_at: int
    changed_no: int


class Resync(msgspec.Struct, frozen=True, gc=False):
    connection: int
    module: str
    reached: int
    goal: int


class Pause(msgspec.Struct, frozen=True, gc=False):
    """A partner that failed `failures` times in a row, the first time at `since`, and is asked again at `until`."""

    connection: int
    failures: int
    until: int
    why: str
    since: int


class Cursors:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, connection: int, module: str) -> int | None:
        row = await self._db.one(GET, connection, module)
        return None if row is None else int(row[0])

    async def all(self) -> dict[tuple[int, str], int]:
        return {(row[0], row[1]): row[2] for row in await self._db.all(ALL)}

    async def move(self, cursors: Iterable[tuple[int, str, int]]) -> None:
        """(connection, module, number), all at once."""
        await self._db.many(MOVE, list(cursors))

    async def forget(self, connection: int) -> None:
        """Everything about a reader that is no more."""
        for sql in FORGET:
            await self._db.execute(sql, connection)

    async def refuse(self, refused: Refused) -> None:
        await self._db.execute(REFUSE, *msgspec.structs.astuple(refused))

    async def refused(self, connection: int | None = None) -> list[Refused]:
        rows = await self._db.all(REFUSED_ALL) if connection is None else await self._db.all(REFUSED_BY, connection)
        return [Refused(*row) for row in rows]

    async def refused_counts(self) -> dict[tuple[int, str], int]:
        """By connection and module."""
        return {(row[0], row[1]): row[2] for row in await self._db.all(REFUSED_COUNTS)}

    async def hasten(self, connection: int) -> None:
        """What a partner refused is tried again at once, and so is a partner that is left alone: something has changed there."""
        await self._db.execute(HASTEN, connection)
        await self._db.execute(HASTEN_PAUSE, connection)
        await self._db.execute(HASTENED, RETRY)

    async def accept(self, connection: int, pk: int, evse: str = "") -> bool:
        """Taken at last, or no longer to be sent."""
        return await self._db.execute(ACCEPT, connection, pk, evse) > 0

    async def delivered(self, connection: int, pk: int, url: str, at: int) -> None:
        """The partner has an object of ours, and serves it there from now on (the Location of a CDR, 10.2.2); empty: it did not say."""
        await self._db.execute(DELIVERED, connection, pk, url, at)

    async def delivered_at(self, connection: int, pk: int) -> str | None:
        row = await self._db.one(DELIVERED_AT, connection, pk)
        return None if row is None else str(row[0])

    async def resync(self, resync: Resync) -> None:
        """Begins one, or notes how far it is; `finished` ends it."""
        await self._db.execute(RESYNC, *msgspec.structs.astuple(resync))

    async def resyncs(self, connection: int | None = None) -> list[Resync]:
        return [Resync(*row) for row in await self._db.all(RESYNCS, connection, connection)]

    async def finished(self, connection: int, module: str) -> None:
        await self._db.execute(FINISHED, connection, module)

    async def pause(self, pauses: Iterable[Pause]) -> None:
        await self._db.many(PAUSE, [msgspec.structs.astuple(one) for one in pauses])

    async def well(self, connections: Iterable[int]) -> None:
        """These partners answer again."""
        await self._db.many(WELL, [(connection,) for connection in connections])

    async def pauses(self) -> dict[int, Pause]:
        return {row[0]: Pause(*row) for row in await self._db.all(PAUSES)}
