"""The change log: not a table of its own but the rows themselves, read in the order of their newest numbers.

Because a row keeps only its latest numbers the log compacts itself: however long a reader was away, it meets each object and each
EVSE once, in its newest form. What cannot be read off the row, the audiences that an object has left since, is kept in `visibility`.
"""

from interplug.store.bodies import LOCATIONS
from interplug.store.database import Database, Row
from interplug.store.heads import spelled
from interplug.store.keys import Change, What

OBJECTS = """
select o.log_no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, o.created_no, o.body_no, o.audience_no
from object o where o.log_no > ? order by o.log_no limit ?"""
OBJECTS_OF = OBJECTS.replace("where", "where o.module = ? and")
EVSES = """
select e.changed_no, o.pk, o.module, o.source, o.kind, o.spelling, o.audience, e.created_no, e.body_no, e.spelling
from evse e join object o on o.pk = e.object where e.changed_no > ? order by e.changed_no limit ?"""
LEFT = "select was from visibility where object = ? and no > ? order by no"
FORGET = "delete from visibility where no < ?"


class Changes:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def after(self, number: int, limit: int, module: str | None) -> list[Change]:
        if module is None:
            rows = await self._db.all(OBJECTS, number, limit)
        else:
            rows = await self._db.all(OBJECTS_OF, module, number, limit)
        found = [await self._object(row, number) for row in rows]
        if module in (None, LOCATIONS):
            found += [_evse(row, number) for row in await self._db.all(EVSES, number, limit)]
            found.sort(key=lambda change: change.no)
        return found[:limit]

    async def forget(self, below: int) -> int:
        return await self._db.execute(FORGET, below)

    async def _object(self, row: Row, number: int) -> Change:
        no, pk, module, source, kind, spelling, audience, created_no, body_no, audience_no = row
        what: What = "new" if created_no > number else "body" if body_no > number else "audience"
        was = await self._db.all(LEFT, pk, number) if audience_no > number else ()
        key = spelled(spelling, module, source, kind)
        return Change(no, module, pk, key, None, what, audience, source, created_no, body_no, tuple(one[0] for one in was))


def _evse(row: Row, number: int) -> Change:
    no, pk, module, source, kind, spelling, audience, created_no, body_no, uid = row
    what: What = "new" if created_no > number else "body" if body_no > number else "status"
    key = spelled(spelling, module, source, kind)
    return Change(no, module, pk, key, uid, what, audience, source, created_no, body_no)
