"""Searching the places of `places.py`: by words, by what a driver needs, near a point, in a part of the map.

A search costs what it shows and not what there is. Words are looked up in an index. Filters are answered for the few kinds of places
once, and each place knows its kind; one that asks for what is free now goes by the plugs that are. What is near is looked for in rings,
each wider than the last. At most MOST of what many words fit is put in order; then `more` says that there are others.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from interplug.store.database import Database, Row
from interplug.store.earth import BAND, CELL, WORLD, Box, around
from interplug.store.places import ALL, COLUMNS, UNKNOWN, Place

MOST = 1000
WORDS = 8
"""Words of a search that count."""
LONGEST = 60
"""Signs of a word that count."""
RINGS = (1_500.0, 6_000.0, 25_000.0, 100_000.0, 400_000.0)
"""Metres."""
HIGHEST = 64
"""Bands of a box that are named one by one; higher ones are read from the first to the last."""

NO_WORD = re.compile(r"[\W_]+")

PLACE = ", ".join(f"p.{name}" for name in COLUMNS.split(", ")[:14])
LIST = f"select {PLACE} from place p where {{where}} order by {{order}} limit ? offset ?"
WORDED = f"""
select {PLACE}, count(*) over () from
(select * from place where object in
  (select w.rowid from place_words w join place q on q.object = w.rowid where {{where}} limit {MOST + 1})) p
order by {{order}} limit ? offset ?"""
MATCHING = "place_words match ?"
BY_NAME = "p.city, p.name, p.object"
BY_TOWN = "case when lower(p.city) = ? then 0 else 1 end, p.city, p.name, p.object"
BY_DISTANCE = "(p.x - ?) * (p.x - ?) + (p.y - ?) * (p.y - ?), p.object"
INSIDE = "p.x between ? and ? and p.y between ? and ?"
BANDS = "p.band in ({marks})"
HEIGHT = "p.band between ? and ?"
WORDS_OF = f"p.object in (select w.rowid from place_words w where {MATCHING})"
WORD = "' ' || p.words like ? escape '\\'"
TOTAL = "select coalesce(sum({count}), 0) from place_cell c where c.zoom = 3 and c.kind {kinds}"
CELLS = """
select sum(c.sum_x), sum(c.sum_y), sum(c.places), sum({count}), sum(c.evses), sum(c.free) from place_cell c
where c.zoom = ? and c.y between ? and ? and c.x between ? and ? and c.kind {kinds} group by c.y, c.x having sum({count}) > 0"""
POINTS = "select p.object, p.x, p.y, p.free, p.evses from place p where {where} limit ?"
NUMBERS = "select p.object, p.x, p.y, p.free, p.evses from place p where p.object = ?"
KINDS = "(select k.id from place_kind k where {where})"
SOCKETS = "exists (select 1 from place_socket s where s.kind = k.id{conditions})"
OPEN = "(k.hours = 0 or exists (select 1 from place_hours h where h.id = k.hours and h.open = 1))"
PLUGS = """
select distinct s.plug from place_socket s where s.kind in (select c.kind from place_cell c where c.zoom = 3) order by s.plug"""
OPERATORS = """
select k.operator, sum(c.places) from place_cell c join place_kind k on k.id = c.kind where c.zoom = 3 and k.operator <> ''
group by k.operator order by k.operator"""


def folded(text: str) -> str:
    """Words as they are looked up: no accents, no capitals, nothing but letters and digits."""
    plain = text.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain).casefold())
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return NO_WORD.sub(" ", plain).strip()


class Search(msgspec.Struct, frozen=True):
    """`watts` and `price` (cents for a kWh) are steps of `places.py`."""

    text: str = ""
    plug: str = ""
    free: bool = False
    watts: int = 0
    operator: str = ""
    price: int = 0
    open: bool = False
    accessible: bool = False

    @property
    def words(self) -> list[str]:
        return [word[:LONGEST] for word in folded(self.text).split()[:WORDS]]

    @property
    def narrowed(self) -> bool:
        """Whether it leaves out anything."""
        return self != Search()


class Listed(msgspec.Struct, frozen=True):
    """Places in order. `total`: how many fit, MOST where `more` says that there are others."""

    places: list[Place]
    total: int
    more: bool = False


class Cluster(msgspec.Struct, frozen=True, array_like=True):
    """Places that lie together: where their middle is, how many, and of their EVSEs how many are free."""

    x: int
    y: int
    places: int
    evses: int
    free: int


class Point(msgspec.Struct, frozen=True, array_like=True):
    pk: int
    x: int
    y: int
    free: int
    evses: int


Condition = tuple[str, tuple[object, ...]]


class Finding:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, search: Search, limit: int, offset: int = 0, near: tuple[int, int] | None = None) -> Listed:
        """`near`: the nearest first; else by town and name."""
        if not search.text.strip():
            total = await self.total(search)
            places = await self._near(search, near, limit, offset) if near else await self._by_name(search, total, limit, offset)
            return Listed(places, total)
        if not search.words:
            return Listed([], 0)
        found = await self._worded(search, limit, offset, near)
        if near and found.more:
            return Listed(await self._near(search, near, limit, offset), found.total, more=True)
        return found

    async def inside(self, search: Search, box: Box, limit: int) -> list[Place]:
        """What lies in a part of the map, what is nearest to its middle first."""
        return await self._near(search, box.centre, limit, 0, box)

    async def _worded(self, search: Search, limit: int, offset: int, near: tuple[int, int] | None) -> Listed:
        where, values = _all((MATCHING, (_prefixes(search),)), *_filters(search, "+q.kind"))
        order: Condition = (BY_DISTANCE, (near[0], near[0], near[1], near[1])) if near else (BY_TOWN, (search.text.strip().lower(),))
        rows = await self._db.all(WORDED.format(where=where, order=order[0]), *values, *order[1], limit, min(offset, MOST))
        total = rows[0][14] if rows else 0
        return Listed([_place(row) for row in rows], min(total, MOST), total > MOST)

    async def _by_name(self, search: Search, total: int, limit: int, offset: int) -> list[Place]:
        """In the order of an index; where few fit they are fetched and put in order instead."""
        dense = total > MOST
        where, values = _all(*_filters(search, "+p.kind" if dense else "p.kind"))
        order = BY_NAME if dense else BY_NAME.replace("p.city", "p.city || ''")
        rows = await self._db.all(LIST.format(where=where, order=order), *values, limit, offset) if total else ()
        return [_place(row) for row in rows]

    async def _near(self, search: Search, near: tuple[int, int], limit: int, offset: int, box: Box | None = None) -> list[Place]:
        words = [(WORD, (f"% {word}%",)) for word in search.words]
        order = BY_DISTANCE, (near[0], near[0], near[1], near[1])
        rows: Sequence[Row] = ()
        for ring in [*(around(*near, reach) for reach in RINGS), None]:
            part = ring if box is None else box if ring is None else ring.within(box)
            inside = [] if part is None else _inside(part)
            where, values = _all(*inside, *_filters(search, "+p.kind" if inside else "p.kind"), *words)
            rows = await self._db.all(LIST.format(where=where, order=order[0]), *values, *order[1], limit, offset)
            # In the corners of a ring lies what is farther than what lies outside of it: what is shown has to be within the circle.
            whole = ring is None or part == box
            if whole or (len(rows) == limit and _distance(rows[-1], near) <= (near[0] - ring.x0) ** 2):  # type: ignore[union-attr]
                break
        return [_place(row) for row in rows]

    async def total(self, search: Search) -> int:
        """How many fit, without regard to words."""
        kinds, values = _kinds(search)
        row = await self._db.one(TOTAL.format(count=_counted(search), kinds=f"in {kinds}" if kinds else f"= {ALL}"), *values)
        return 0 if row is None else int(row[0])

    # --- the map

    async def clusters(self, search: Search, box: Box, zoom: int) -> list[Cluster]:
        kinds, values = _kinds(search)
        side = WORLD - zoom - CELL
        statement = CELLS.format(count=_counted(search), kinds=f"in {kinds}" if kinds else f"= {ALL}")
        rows = await self._db.all(statement, zoom, box.y0 >> side, box.y1 >> side, box.x0 >> side, box.x1 >> side, *values)
        return [Cluster(x // whole, y // whole, count, evses, free) for x, y, whole, count, evses, free in rows]

    async def points(self, search: Search, box: Box, limit: int) -> list[Point]:
        if search.text.strip() and not search.words:
            return []
        inside = [(WORDS_OF, (_prefixes(search),)), _edges(box)] if search.words else _inside(box)
        where, values = _all(*inside, *_filters(search, "+p.kind"))
        return [Point(*row) for row in await self._db.all(POINTS.format(where=where), *values, limit)]

    async def among(self, numbers: Iterable[int]) -> list[Point]:
        rows = [await self._db.one(NUMBERS, pk) for pk in numbers]
        return [Point(*row) for row in rows if row is not None]

    # --- what can be chosen

    async def plugs(self) -> list[str]:
        """Every plug standard that there is."""
        return [row[0] for row in await self._db.all(PLUGS)]

    async def operators(self) -> list[tuple[str, int]]:
        """Every operator, and how many places it has."""
        return [(name, int(count)) for name, count in await self._db.all(OPERATORS) if count > 0]


def _place(row: Row) -> Place:
    return Place(*row[:14])


def _distance(row: Row, near: tuple[int, int]) -> int:
    return int((row[12] - near[0]) ** 2 + (row[13] - near[1]) ** 2)


def _counted(search: Search) -> str:
    return "c.available" if search.free else "c.places"


def _all(*conditions: Condition) -> Condition:
    return " and ".join(text for text, _ in conditions) or "1 = 1", tuple(value for _, values in conditions for value in values)


def _filters(search: Search, kind: str) -> Sequence[Condition]:
    """`kind`: the column; with a + before it no index of it is used, where another one leads to what is shown."""
    table, column = kind.split(".")
    kinds, values = _kinds(search)
    if not kinds:
        return [(f"{table.lstrip('+')}.free > 0", ())] if search.free else []
    return [(f"{table}.{'free_kind' if search.free else column} in {kinds}", values)]


def _kinds(search: Search) -> Condition:
    """The kinds of places that a search asks for; empty: all."""
    sockets: list[Condition] = []
    if search.plug:
        sockets.append((" and s.plug = ?", (search.plug,)))
    if search.watts:
        sockets.append((" and s.watts >= ?", (search.watts,)))
    if search.price:
        sockets.append((f" and s.price > {UNKNOWN} and s.price <= ?", (search.price,)))
    wanted: list[Condition] = []
    if sockets:
        conditions = "".join(text for text, _ in sockets)
        wanted.append((SOCKETS.format(conditions=conditions), tuple(value for _, values in sockets for value in values)))
    if search.operator:
        wanted.append(("k.operator = ?", (search.operator,)))
    if search.accessible:
        wanted.append(("k.accessible = 1", ()))
    if search.open:
        wanted.append((OPEN, ()))
    where, values = _all(*wanted)
    return (KINDS.format(where=where), values) if wanted else ("", ())


def _inside(box: Box) -> list[Condition]:
    first, last = box.y0 >> BAND, box.y1 >> BAND
    bands: Any = range(first, last + 1)
    named = (BANDS.format(marks=", ".join("?" * len(bands))), tuple(bands)) if 0 < len(bands) <= HIGHEST else (HEIGHT, (first, last))
    return [named, _edges(box)]


def _edges(box: Box) -> Condition:
    return INSIDE, (box.x0, box.x1, box.y0, box.y1)


def _prefixes(search: Search) -> str:
    return " ".join(f"{word}*" for word in search.words)
