"""CDRs of ours that do not leave, and what people noted about any CDR.

While a CDR is held its row says who may see it once it is released, and whether it could be seen before. Notes are append-only: what was
done (held, released, disputed, settled), why, by whom and when.
"""

import msgspec

from interplug.store.database import Database

HOLD = "insert into hold (object, audience, shown) values (?, ?, ?) on conflict (object) do update set audience = excluded.audience"
GET = "select object, audience, shown from hold where object = ?"
RELEASE = "delete from hold where object = ?"
COUNT = "select count(*) from hold"
NOTE = "insert into cdr_note (object, what, reason, who, at) values (?, ?, ?, ?, ?)"
NOTES = "select object, what, reason, who, at from cdr_note where object = ? order by pk"
STATE = "select what from cdr_note where object = ? and what in ('disputed', 'settled') order by pk desc limit 1"
DISPUTED = """
select count(*) from cdr_note n where n.what = 'disputed'
  and not exists (select 1 from cdr_note m where m.object = n.object and m.what in ('disputed', 'settled') and m.pk > n.pk)"""


class Hold(msgspec.Struct, frozen=True, gc=False):
    object: int
    audience: int
    shown: bool


class Note(msgspec.Struct, frozen=True, gc=False):
    object: int
    what: str
    reason: str
    who: str
    at: int


class Holds:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def hold(self, hold: Hold) -> None:
        await self._db.execute(HOLD, hold.object, hold.audience, int(hold.shown))

    async def get(self, object: int) -> Hold | None:
        row = await self._db.one(GET, object)
        return None if row is None else Hold(row[0], row[1], bool(row[2]))

    async def release(self, object: int) -> bool:
        return await self._db.execute(RELEASE, object) > 0

    async def count(self) -> int:
        row = await self._db.one(COUNT)
        return 0 if row is None else int(row[0])

    async def note(self, note: Note) -> None:
        await self._db.execute(NOTE, *msgspec.structs.astuple(note))

    async def notes(self, object: int) -> list[Note]:
        """In the order in which they were made."""
        return [Note(*row) for row in await self._db.all(NOTES, object)]

    async def in_dispute(self, object: int) -> bool:
        row = await self._db.one(STATE, object)
        return row is not None and row[0] == "disputed"

    async def disputed(self) -> int:
        """How many CDRs are in dispute."""
        row = await self._db.one(DISPUTED)
        return 0 if row is None else int(row[0])
