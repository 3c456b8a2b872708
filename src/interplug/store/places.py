"""The stations as drivers find them: one small row a Location, made from its document by a reader of the change log.

Nothing here is truth: a row is made anew whenever its Location or one of its EVSEs changes, and the station's own page reads the
Location itself. What filters look at is the *kind* of a place, of which there are few; who wants what is free now looks at the kind that
the place would be if it had only the plugs that are free. The map zoomed out shows cells: how many places of each kind, and of all, are
in a square of the earth, how many of their EVSEs are free, and how many places have something free, each counted under the kind of that.
Each change is counted there at once. `finding.py` asks what is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from interplug.store.database import Database
from interplug.store.earth import BAND, CELL, LEVELS, WORLD

POWERS = (11_000, 22_000, 50_000, 150_000)
PRICES = (30, 40, 50, 60, 70, 80, 100)
"""A kind knows the power and the price of a plug only as the step that it reaches: in watts, and in cents for a kWh at most."""
DEARER = 1_000_000
UNKNOWN = 0
ALL = 0
"""The kind under which a cell counts the places of all kinds together."""

COLUMNS = "object, source, name, address, city, operator, words, plugs, evses, free, watts, heard_at, x, y, band, kind, free_kind"
NAMES = COLUMNS.split(", ")
PUT = f"""
insert into place ({COLUMNS}) values ({", ".join("?" * len(NAMES))}) on conflict (object) do update set
  {", ".join(f"{name} = excluded.{name}" for name in NAMES[1:])}"""
DROP = "delete from place where object = ?"
BEFORE = "select x, y, kind, free_kind, evses, free from place where object = ? and band >= 0"
KIND = "select id from place_kind where spelled = ?"
NEW_KIND = """
insert into place_kind (id, spelled, operator, accessible, hours)
select coalesce(max(id), 0) + 1, ?, ?, ?, ? from place_kind returning id"""
SOCKET = "insert into place_socket (kind, plug, watts, price) values (?, ?, ?, ?)"
HOURS = "select id from place_hours where spelled = ?"
NEW_HOURS = "insert into place_hours (id, spelled, open) select coalesce(max(id), 0) + 1, ?, ? from place_hours returning id"
ALL_HOURS = "select id, spelled, open from place_hours"
SET_OPEN = "update place_hours set open = ? where id = ?"
COUNTED = "zoom, y, x, kind, places, evses, free, available, sum_x, sum_y"
SUMS = COUNTED.split(", ")[4:]
COUNT = f"""
insert into place_cell ({COUNTED}) values ({", ".join("?" * 10)}) on conflict (zoom, y, x, kind) do update set
  {", ".join(f"{name} = place_cell.{name} + excluded.{name}" for name in SUMS)}"""
EMPTY = "delete from place_cell where zoom = ? and y = ? and x = ? and kind = ? and places <= 0 and available <= 0"
EVSES = "select evse, rank from place_evse where object = ?"
PUT_EVSE = "insert into place_evse (evse, object, rank) values (?, ?, ?) on conflict (evse, object) do update set rank = excluded.rank"
DROP_EVSE = "delete from place_evse where evse = ? and object = ?"
HOLDERS = "select object from place_evse where evse = ? order by rank, object"
RIVALS = """
select mine.evse from place_evse mine join place_evse other on other.evse = mine.evse
where mine.object = ? and (other.rank < mine.rank or (other.rank = mine.rank and other.object < mine.object))"""
COPIES = """
select distinct other.object, other.rank from place_evse mine join place_evse other on other.evse = mine.evse
where mine.object = ? and other.object <> mine.object order by other.rank, other.object"""
TARIFFS = "select tariff from place_tariff where object = ?"
PUT_TARIFF = "insert into place_tariff (tariff, object) values (?, ?)"
DROP_TARIFF = "delete from place_tariff where tariff = ? and object = ?"
NAMING = "select object from place_tariff where tariff = ?"


Socket = tuple[str, int, int]


class Kind(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What of a place filters look at. `sockets`: of each plug the standard, the step of the power and that of the price; `hours`: the
    opening times, spelled; empty where it tells none."""

    operator: str
    sockets: tuple[Socket, ...]
    accessible: bool = False
    hours: str = ""


class Kinds(msgspec.Struct, frozen=True):
    """Of a place with all its plugs, and with those alone that are free; None: none is."""

    all: Kind
    free: Kind | None


class Place(msgspec.Struct, frozen=True, gc=False):
    """`watts` is the most of any Connector, `free` how many EVSEs are AVAILABLE, `heard_at` when we last heard of it; `x` and `y` are
    its place on the map of the world (`earth.py`)."""

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
    x: int
    y: int


Counts = dict[tuple[int, int, int, int], list[int]]
"""By zoom, y, x and kind: what is added to `SUMS`."""
NOTHING = 0
"""The kind of what is free where nothing is."""


class Places:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def level(self, places: Iterable[tuple[int, Place | None, Kinds | None]], opened: dict[str, bool]) -> None:
        """Each place as it is now; None: it is not to be found any more. `opened`: which opening times are open now."""
        counts: Counts = {}
        for pk, place, kinds in places:
            before = await self._db.one(BEFORE, pk)
            if place is None or kinds is None:
                await self._db.execute(DROP, pk)
                after = None
            else:
                kind = await self._kind(kinds.all, opened)
                free = NOTHING if kinds.free is None else kind if kinds.free == kinds.all else await self._kind(kinds.free, opened)
                await self._db.execute(PUT, *msgspec.structs.astuple(place), place.y >> BAND, kind, free)
                after = place.x, place.y, kind, free, place.evses, place.free
            if before is None or tuple(before) != after:
                _count(counts, before, -1)
                _count(counts, after, 1)
        changed = {cell: sums for cell, sums in counts.items() if any(sums)}
        await self._db.many(COUNT, [(*cell, *sums) for cell, sums in changed.items()])
        await self._db.many(EMPTY, [cell for cell, sums in changed.items() if sums[0] < 0 or sums[3] < 0])

    async def _kind(self, kind: Kind, opened: dict[str, bool]) -> int:
        spelled = msgspec.json.encode(kind).decode()
        found = await self._db.one(KIND, spelled)
        if found is None:
            hours = await self._hours(kind.hours, opened) if kind.hours else 0
            found = await self._db.one(NEW_KIND, spelled, kind.operator, int(kind.accessible), hours)
            assert found is not None
            await self._db.many(SOCKET, [(found[0], *socket) for socket in kind.sockets])
        return int(found[0])

    async def _hours(self, spelled: str, opened: dict[str, bool]) -> int:
        found = await self._db.one(HOURS, spelled) or await self._db.one(NEW_HOURS, spelled, int(opened[spelled]))
        assert found is not None
        return int(found[0])

    async def hours(self) -> list[tuple[int, str, bool]]:
        """All opening times: number, spelled, and whether they count as open."""
        return [(number, spelled, bool(opened)) for number, spelled, opened in await self._db.all(ALL_HOURS)]

    async def open(self, number: int, *, opened: bool) -> None:
        await self._db.execute(SET_OPEN, int(opened), number)

    # --- copies

    async def hold(self, pk: int, evses: dict[str, int]) -> set[int]:
        """A Location has these EVSEs, by evse_id with the rank of who tells of them. Whose places are other ones now."""
        known: dict[str, int] = dict(await self._db.all(EVSES, pk))  # type: ignore[arg-type]
        changed = {evse for evse in known.keys() | evses.keys() if known.get(evse) != evses.get(evse)}
        for evse in changed:
            if evse in evses:
                await self._db.execute(PUT_EVSE, evse, pk, evses[evse])
            else:
                await self._db.execute(DROP_EVSE, evse, pk)
        return {other for evse in changed for other in await self.telling_of(evse)} - {pk}

    async def telling_of(self, evse: str) -> list[int]:
        """The Locations that an EVSE stands in, by its evse_id without signs in small letters; the preferred ones first."""
        return [row[0] for row in await self._db.all(HOLDERS, evse)]

    async def shown_elsewhere(self, pk: int) -> frozenset[str]:
        """The EVSEs of a Location that are told of by somebody who goes before it."""
        return frozenset(row[0] for row in await self._db.all(RIVALS, pk))

    async def copies(self, pk: int) -> list[int]:
        """The Locations that tell of the same EVSEs, the preferred ones first."""
        return list(dict.fromkeys(row[0] for row in await self._db.all(COPIES, pk)))

    # --- prices

    async def priced_by(self, pk: int, tariffs: set[str]) -> None:
        known = {row[0] for row in await self._db.all(TARIFFS, pk)}
        await self._db.many(DROP_TARIFF, [(tariff, pk) for tariff in known - tariffs])
        await self._db.many(PUT_TARIFF, [(tariff, pk) for tariff in tariffs - known])

    async def naming(self, tariff: str) -> list[int]:
        """The Locations at which a Tariff is named."""
        return [row[0] for row in await self._db.all(NAMING, tariff)]


def _count(counts: Counts, row: Sequence[int] | None, sign: int) -> None:
    """What a place adds to its cells: itself under its kind, and that something is free there under the kind of that."""
    if row is None:
        return
    x, y, kind, free_kind, evses, free = row
    whole, available = [sign, sign * evses, sign * free, 0, sign * x, sign * y], [0, 0, 0, sign, 0, 0]
    added = [(kind, whole), (ALL, whole), *([(free_kind, available), (ALL, available)] if free else [])]
    for zoom in LEVELS:
        side = WORLD - zoom - CELL
        for counted, sums in added:
            cell = zoom, y >> side, x >> side, counted
            counts[cell] = [was + one for was, one in zip(counts[cell], sums, strict=True)] if cell in counts else sums
