"""Pages of our own objects in the order of creation, with an exact total. (Nobody reads a partner's objects here page by page, so the
indexes for walking are of our own alone, and what partners send costs nothing in them.)

A feed is one (module, source, party, audience, versions that cannot say it). A reader usually sees one or a few of them, sometimes
hundreds. Paging is by key on `created_no`, which never changes: what is created during a crawl comes last, what changes keeps its
place, so nothing is lost or repeated, and the last page costs what the first does. Ways to walk, all with the same result: one feed
by its index; several that hold at least one in SPARSE objects of the module by the module's index, filtered; sparser ones by a limited
reading of each, united; and where few rows lie between two dates, by the index on dates, sorted.

An offset is turned into a key first. Marks remember every STEP-th key of a walk in this process; they hold until an object enters or
leaves one of the feeds out of order (`moved_no`), so that a deep offset skips at most STEP keys once the way there is known.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from interplug.model.types import fold
from interplug.store.bodies import body_id
from interplug.store.database import Database, Row
from interplug.store.keys import Page, PageQuery
from interplug.store.pages import Known, Pages, Place, State
from interplug.store.withheld import bit

STEP = 256
REMEMBERED = 64
SPARSE = 10
FEW_ROWS = 2000
AUDIENCES = "select distinct audience from feed where module = ? and source = ? and audience >= 0 and n > 0 order by audience"
AUDIENCE_COUNTS = "select audience, module, sum(n) from feed where audience > 0 and source = 0 group by audience, module having sum(n) > 0"
OWNERS = "select distinct country, party from feed where module = ? and source = ? and audience >= 0 and n > 0"
COUNTS = "select module, source, sum(n) from feed where audience >= 0 group by module, source having sum(n) > 0 order by module, source"
PAGE_ROWS = "b.bytes, o.pk, o.created_no"


class Walk(msgspec.Struct, frozen=True):
    """Which rows, how many, and in which way they are read."""

    feeds: tuple[int, ...]
    total: int
    moved_no: int
    dates: tuple[int, int] | None
    way: str
    first_no: int = 0
    """No row stands before this key."""


class Marks(msgspec.Struct):
    moved_no: int
    keys: list[int]


class Feeds:
    def __init__(self, db: Database, *, marking: bool) -> None:
        self._db = db
        self._marks: OrderedDict[tuple[int, ...], Marks] | None = OrderedDict() if marking else None

    async def page(self, query: PageQuery, pages: Pages | None = None) -> Page:
        walk = await self._walk(query)
        if walk is None:
            return Page([], [], query.after or 0, 0, False)
        start = max(query.after or 0, walk.first_no - 1)
        if query.offset:
            reached = await self._seek(walk, query, start)
            if reached is None:
                return Page([], [], start, walk.total, False)
            start = reached
        if pages is None or walk.dates is not None:
            return await self._read(walk, query, start)
        place = walk.feeds, walk.moved_no, start, query.limit, query.version
        return await self._again(walk, query, place, pages)

    async def _again(self, walk: Walk, query: PageQuery, place: Place, pages: Pages) -> Page:
        """From memory where nothing in the page is another since it was read."""
        start, known = place[2], pages.get(place)
        if known is None:
            pages.keep(place, Known())
            return await self._read(walk, query, start)
        state = await self._state(walk, query, start)
        if known.joined is not None and known.state == state:
            return Page(known.pks, [], known.last_no, walk.total, state[0] > query.limit, known.joined)
        found = await self._read(walk, query, start)
        if known.state in (None, state) and None not in found.bodies:
            pages.keep(place, Known(state, found.pks, found.last_no, b",".join(filter(None, found.bodies))))
        else:
            pages.keep(place, Known(state))
        return found

    async def _state(self, walk: Walk, query: PageQuery, start: int) -> State:
        keys, values = _keys(walk, query, start, query.limit + 1)
        row = await self._db.one(f"select count(*), max(o.changed_no) from ({keys}) k join object o on o.pk = k.pk", *values)
        assert row is not None
        return int(row[0]), int(row[1] or 0)

    async def _read(self, walk: Walk, query: PageQuery, start: int) -> Page:
        rows = await self._rows(walk, query, start)
        more = len(rows) > query.limit
        shown = rows[: query.limit] if more else rows
        return Page([row[1] for row in shown], [row[0] for row in shown], shown[-1][2] if shown else start, walk.total, more)

    async def audiences(self, module: str, source: int) -> list[int]:
        return [row[0] for row in await self._db.all(AUDIENCES, module, source)]

    async def owners(self, module: str, source: int) -> set[tuple[str, str]]:
        return {(row[0], row[1]) for row in await self._db.all(OWNERS, module, source)}

    async def counts(self) -> dict[tuple[str, int], int]:
        """How many objects there are of each module and source."""
        return {(row[0], row[1]): row[2] for row in await self._db.all(COUNTS)}

    async def audience_counts(self) -> dict[int, dict[str, int]]:
        """How many of our own objects of each module are for one audience alone."""
        found: dict[int, dict[str, int]] = {}
        for audience, module, n in await self._db.all(AUDIENCE_COUNTS):
            found.setdefault(int(audience), {})[str(module)] = int(n)
        return found

    async def _walk(self, query: PageQuery) -> Walk | None:
        sql, values = _choose_feeds(query)
        found = await self._db.all(sql, *values)
        if not found:
            return None
        feeds = tuple(row[0] for row in found)
        total, moved_no = sum(row[1] for row in found), max(row[2] for row in found)
        if query.date_from is None and query.date_to is None:
            return Walk(feeds, total, moved_no, None, await self._way(query, feeds, total))
        dates = (query.date_from or 0, 2**62 if query.date_to is None else query.date_to)
        matching, first_no = (query.total, 0) if query.total is not None else await self._count(feeds, dates)
        way = "dated" if matching <= FEW_ROWS else await self._way(query, feeds, total)
        return Walk(feeds, matching, moved_no, dates, way, first_no)

    async def _way(self, query: PageQuery, feeds: tuple[int, ...], total: int) -> str:
        if len(feeds) == 1:
            return "one"
        row = await self._db.one("select sum(n) from feed where module = ? and source = 0", query.module)
        return "module" if row is not None and total * SPARSE >= row[0] else "united"

    async def _count(self, feeds: tuple[int, ...], dates: tuple[int, int]) -> tuple[int, int]:
        """How many rows lie between the dates, and the key of the first. What is new was mostly created late: a walk in the order
        of creation that knows where to begin does not read the old in vain."""
        where = f"source < 1 and feed in ({_marks(feeds)}) and last_updated >= ? and last_updated < ?"
        row = await self._db.one(f"select count(*), min(created_no) from object where {where}", *feeds, *dates)
        assert row is not None
        return int(row[0]), int(row[1] or 0)

    async def _rows(self, walk: Walk, query: PageQuery, start: int) -> Sequence[Row]:
        place, slots = body_id(query.module, query.version)
        keys, values = _keys(walk, query, start, query.limit + 1)
        if walk.way == "one" and walk.dates is None:
            sql = f"""select {PAGE_ROWS} from object o left join body b on b.id = {place}
                where o.source < 1 and o.feed = ? and o.created_no > ? order by o.created_no limit ?"""
            return await self._db.all(sql, *slots, *values)
        sql = f"""select {PAGE_ROWS} from ({keys}) k join object o on o.pk = k.pk
            left join body b on b.id = {place} order by o.created_no"""
        # The values of the derived table stand before those of the join in the text.
        return await self._db.all(sql, *values, *slots)

    async def _seek(self, walk: Walk, query: PageQuery, start: int) -> int | None:
        """The key of the last row before the offset; None when the offset is beyond the end."""
        left = query.offset
        if start == 0 and walk.dates is None and self._marks is not None:
            start, left = await self._from_marks(walk, query, self._marks)
        return start if left == 0 else await self._skip(walk, query, start, left)

    async def _skip(self, walk: Walk, query: PageQuery, start: int, count: int) -> int | None:
        # The last value of every way is the number of rows wanted in the end.
        sql, values = _keys(walk, query, start, count)
        row = await self._db.one(f"{sql} offset ?", *values[:-1], 1, count - 1)
        return None if row is None else int(row[0])

    async def _from_marks(self, walk: Walk, query: PageQuery, known: OrderedDict[tuple[int, ...], Marks]) -> tuple[int, int]:
        marks = known.get(walk.feeds)
        if marks is None or marks.moved_no != walk.moved_no:
            marks = known[walk.feeds] = Marks(walk.moved_no, [0])
        known.move_to_end(walk.feeds)
        if len(known) > REMEMBERED:
            known.popitem(last=False)
        wanted = min(query.offset, walk.total) // STEP
        while len(marks.keys) <= wanted:
            reached = await self._skip(walk, query, marks.keys[-1], STEP)
            if reached is None:
                break
            marks.keys.append(reached)
        place = min(wanted, len(marks.keys) - 1)
        return marks.keys[place], query.offset - place * STEP


def _marks(values: tuple[int, ...]) -> str:
    return ", ".join("?" * len(values))


def _choose_feeds(query: PageQuery) -> tuple[str, list[object]]:
    sql = f"""select pk, n, moved_no from feed
        where module = ? and source = 0 and audience in ({_marks(query.audiences)}) and n > 0 and (withheld & ?) = 0"""
    values: list[object] = [query.module, *query.audiences, bit(query.version)]
    if query.party is not None:
        sql += " and country = ? and party = ?"
        values += [fold(query.party[0]), fold(query.party[1])]
    return sql + " order by pk", values


def _keys(walk: Walk, query: PageQuery, start: int, limit: int) -> tuple[str, list[object]]:
    """A statement for the (created_no, pk) of at most `limit` rows after `start`, and its values."""
    dated = "" if walk.dates is None else " and last_updated >= ? and last_updated < ?"
    dates: list[object] = list(walk.dates or ())
    if walk.way == "dated":
        # Few rows lie between the dates: find those by the index on dates, then sort; `+` keeps the planner from the other index.
        sql = f"select created_no, pk from object where source < 1 and feed in ({_marks(walk.feeds)}){dated} and created_no + 0 > ?"
        sql += " order by created_no limit ?"
        return sql, [*walk.feeds, *dates, start, limit]
    if walk.way == "module":
        sql = f"""select created_no, pk from object where module = ? and source < 1 and created_no > ?
            and feed in ({_marks(walk.feeds)}){dated} order by created_no limit ?"""
        return sql, [query.module, start, *walk.feeds, *dates, limit]
    one = f"select created_no, pk from object where source < 1 and feed = ? and created_no > ?{dated} order by created_no limit ?"
    if walk.way == "one":
        return one, [walk.feeds[0], start, *dates, limit]
    sql = f"""select o.created_no, o.pk from feed f join object o on o.pk in (select i.pk from object i
        where i.source < 1 and i.feed = f.pk and i.created_no > ?{dated.replace("last", "i.last")} order by i.created_no limit ?)
        where f.pk in ({_marks(walk.feeds)}) order by o.created_no limit ?"""
    return sql, [start, *dates, limit, *walk.feeds, limit]
