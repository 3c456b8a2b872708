"""The list of stations as drivers search it: one small row a Location, made from its document by a reader of the change log.

Nothing here is truth: a row is made anew whenever its Location or one of its EVSEs changes, and the station's own page reads the
Location itself. `words` holds what can be searched, folded; `plugs` the standards of its Connectors between commas.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interplug.store.database import Database

COLUMNS = "object, source, name, address, city, operator, words, plugs, evses, free, watts, heard_at"
PUT = f"""
insert into place ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (object) do update set
  name = excluded.name, address = excluded.address, city = excluded.city, operator = excluded.operator, words = excluded.words,
  plugs = excluded.plugs, evses = excluded.evses, free = excluded.free, watts = excluded.watts, heard_at = excluded.heard_at"""
DROP = "delete from place where object = ?"
WORD = "words like ? escape '\\'"
REST = "plugs like ? and free >= ? and watts >= ?"
FOUND = f"select {COLUMNS} from place where {{where}} order by city, name, object limit ? offset ?"
COUNT = "select count(*) from place where {where}"
WORDS = 8
"""Words of a search that count."""
PLUGS = "select distinct plugs from place"


class Place(msgspec.Struct, frozen=True, gc=False):
    """`watts` is the most of any Connector, `free` how many EVSEs are AVAILABLE, `heard_at` when we last heard of it."""

    pk: int
    source: int
    name: str
    address: str
    city: str
    operator: str
    words: str
    plugs: str
    evses: int
    free: int
    watts: int
    heard_at: int


class Search(msgspec.Struct, frozen=True):
    text: str = ""
    plug: str = ""
    free: bool = False
    watts: int = 0

    def where(self) -> tuple[str, tuple[object, ...]]:
        """The condition and its values: every word of the text stands somewhere in the words of the station."""
        text = self.text.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        words = [f"%{word}%" for word in text.split()[:WORDS]]
        condition = " and ".join([WORD] * len(words) + [REST])
        return condition, (*words, f"%,{self.plug},%" if self.plug else "%", int(self.free), self.watts)


class Places:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, place: Place) -> None:
        await self._db.execute(PUT, *msgspec.structs.astuple(place))

    async def drop(self, pk: int) -> None:
        await self._db.execute(DROP, pk)

    async def find(self, search: Search, limit: int, offset: int) -> list[Place]:
        where, values = search.where()
        rows: Sequence[Sequence[object]] = await self._db.all(FOUND.format(where=where), *values, limit, offset)
        return [Place(*row) for row in rows]  # type: ignore[arg-type]

    async def count(self, search: Search) -> int:
        where, values = search.where()
        row = await self._db.one(COUNT.format(where=where), *values)
        return 0 if row is None else int(row[0])

    async def plugs(self) -> list[str]:
        """Every plug standard that there is."""
        rows = await self._db.all(PLUGS)
        return sorted({plug for row in rows for plug in row[0].split(",") if plug})
