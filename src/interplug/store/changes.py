"""The change log: not a table of its own but the rows themselves, read in the order of their newest numbers.

Because a row keeps only its latest numbers the log compacts itself: however long a reader was away, it meets each object in its newest
form, and each EVSE at most twice: where its body and where its status changed last. What cannot be read off the row, the audiences that
an object has left, is kept in `visibility` and stands in the log where it happened. So a reader may stop anywhere and go on from there:
what it is told after a number never depends on what it was told before.
"""

from collections.abc import Collection
from functools import cache

from interplug.store.bodies import LOCATIONS
from interplug.store.database import Database, Row
from interplug.store.heads import spelled
from interplug.store.keys import Change, What

OBJECTS = """
select o.log_no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, o.created_no, o.body_no, o.audience_no
from object o where o.log_no > ? order by o.log_no limit ?"""
EVSES = """
select e.changed_no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, e.created_no, e.body_no, e.spelling
from evse e join object o on o.pk = e.object where e.changed_no > ? order by e.changed_no limit ?"""
BODIES = """
select e.body_no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, e.created_no, e.body_no, e.spelling
from evse e join object o on o.pk = e.object
where e.body_no > ? and e.body_no > 0 and e.body_no < e.changed_no order by e.body_no limit ?"""
MOVES = """
select v.no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, o.created_no, o.body_no, v.was
from visibility v cross join object o where v.no > ? and o.pk = v.object and v.no < o.log_no order by v.no limit ?"""
# `cross join` keeps SQLite from beginning with the objects.
LEFT = "select was from visibility where object = ? and no = ?"
FORGET = "delete from visibility where no < ?"


class Changes:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def after(self, number: int, limit: int, modules: Collection[str] | None, *, own: bool) -> list[Change]:
        found: list[Change] = []
        for of in [()] if modules is None else [(one,) for one in modules]:
            rows = await self._db.all(_those(OBJECTS, own=own, of=bool(of)), *of, number, limit)
            found += [await self._object(row, number) for row in rows]
            found += [_move(row) for row in await self._db.all(_those(MOVES, own=own, of=bool(of)), *of, number, limit)]
        if modules is None or LOCATIONS in modules:
            found += [_evse(row) for sql in (EVSES, BODIES) for row in await self._db.all(_those(sql, own=own), number, limit)]
        found.sort(key=lambda change: change.no)
        return found[:limit]

    async def forget(self, below: int) -> int:
        return await self._db.execute(FORGET, below)

    async def _object(self, row: Row, number: int) -> Change:
        no, pk, module, source, kind, spelling, audience, created_no, body_no, audience_no = row
        what: What = "new" if created_no > number else "body" if body_no > number else "audience"
        was = await self._db.all(LEFT, pk, no) if audience_no == no else ()
        key = spelled(spelling, module, source, kind)
        return Change(no, module, pk, key, None, what, audience, source, created_no, body_no, tuple(one[0] for one in was))


@cache
def _those(sql: str, *, own: bool, of: bool = False) -> str:
    """The statement for our own objects alone, or for one module."""
    # `+ 0` keeps SQLite from the indexes of our own objects, which are not in the order of the log.
    return sql.replace("where", f"where {'o.module = ? and ' * of}{'o.source + 0 = 0 and ' * own}", 1)


def _evse(row: Row) -> Change:
    no, pk, module, source, kind, spelling, audience, created_no, body_no, uid = row
    what: What = "new" if created_no == no else "body" if body_no == no else "status"
    key = spelled(spelling, module, source, kind)
    return Change(no, module, pk, key, uid, what, audience, source, created_no, body_no)


def _move(row: Row) -> Change:
    no, pk, module, source, kind, spelling, audience, created_no, body_no, was = row
    key = spelled(spelling, module, source, kind)
    return Change(no, module, pk, key, None, "audience", audience, source, created_no, body_no, (was,))
