"""The stations that a search finds, as rows of a list and as points of the map. Both are the same search.

What can be chosen (plugs, operators) and how many places there are is looked at again only after a while.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from interplug.drivers.locations import operator_of, place_of
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.earth import Box, degrees, metres
from interplug.store.finding import Search
from interplug.store.places import Place
from interplug.store.tx import Tx

from .stations import contact_of, public

Document = dict[str, Any]
PAGE = 20


@dataclass(slots=True, frozen=True)
class Row:
    place: Place
    partner: str
    silent: int
    away: int | None = None
    """Metres, where it is asked what is near."""

    def seen_from(self, near: tuple[int, int] | None) -> Row:
        return self if near is None else replace(self, away=_away(self.place, near))

    @property
    def operator(self) -> str:
        return self.place.operator or self.partner

    def document(self) -> Document:
        place = self.place
        longitude, latitude = degrees(place.x, place.y)
        return {
            "id": place.pk,
            "name": place.name,
            "address": place.address,
            "city": place.city,
            "longitude": longitude,
            "latitude": latitude,
            "metres": self.away,
            "operator": self.operator,
            "partner": self.partner,
            "evses": place.evses,
            "free": place.free,
            "max_kw": place.watts / 1000,
            "heard_at": format_time(place.heard_at),
        }


@dataclass(slots=True, frozen=True)
class Choice:
    """What can be asked for."""

    plugs: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Found:
    """One page of the list. `more`: there are others than the `total`."""

    search: Search
    near: tuple[int, int] | None
    page: int
    total: int
    more: bool
    rows: tuple[Row, ...]
    box: Box | None = None
    """Of the part of the map that is shown, where it is one."""

    @property
    def first(self) -> int:
        """The place in the whole list of the first row."""
        return (self.page - 1) * PAGE + 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    def document(self) -> Document:
        return {
            "total": self.total,
            "more": self.more,
            "page": self.page,
            "pages": self.pages,
            "stations": [row.document() for row in self.rows],
        }


class Listing:
    KEPT = 5.0

    def __init__(self, node: Node, timer: Callable[[], float]) -> None:
        self._node, self._timer = node, timer
        self._choice, self._looked = Choice(), float("-inf")

    async def find(self, search: Search, page: int, near: tuple[int, int] | None = None) -> Found:
        return await self._node.store.read(lambda tx: self._find(tx, search, page, near))

    async def _find(self, tx: Tx, search: Search, page: int, near: tuple[int, int] | None) -> Found:
        number = max(1, page)
        listed = await tx.finding.find(search, PAGE, (number - 1) * PAGE, near)
        last = max(1, -(-listed.total // PAGE))
        if number > last or (not listed.places and number > 1):
            number = min(number, last) if listed.total else 1
            listed = await tx.finding.find(search, PAGE, (number - 1) * PAGE, near)
        return Found(search, near, number, listed.total, listed.more, await rows_of(tx, self._node, listed.places, near))

    async def inside(self, search: Search, box: Box) -> Found:
        """The rows beside the map: what is nearest to its middle."""

        async def work(tx: Tx) -> Found:
            places = await tx.finding.inside(search, box, PAGE + 1)
            rows = await rows_of(tx, self._node, places[:PAGE], None)
            return Found(search, None, 1, len(rows), len(places) > PAGE, rows, box)

        return await self._node.store.read(work)

    async def choice(self) -> Choice:
        """That there is nothing is never taken from memory."""
        if not self._choice.plugs or self._timer() > self._looked + self.KEPT:

            async def work(tx: Tx) -> Choice:
                return Choice(tuple(await tx.finding.plugs()), tuple(name for name, _ in await tx.finding.operators()))

            self._choice, self._looked = await self._node.store.read(work), self._timer()
        return self._choice


async def rows(node: Node, numbers: Iterable[int]) -> dict[int, Row]:
    """The rows of these Locations as they are now, made from the Locations themselves; without those that are gone."""

    async def work(tx: Tx) -> dict[int, Row]:
        places = [place for pk in numbers if (place := await _now(tx, node, pk)) is not None]
        return {row.place.pk: row for row in await rows_of(tx, node, places, None)}

    return await node.store.read(work)


async def copies_of(node: Node, pk: int) -> list[Row]:
    """The other Locations that tell of the same EVSEs, the preferred ones first."""

    async def work(tx: Tx) -> list[Row]:
        found = [stored for other in await tx.places.copies(pk) if (stored := await tx.objects.get_pk(other)) is not None]
        whose = node.directory.by_id
        places = [place for one in found if public(one) and (place := place_of(one, operator_of(one, whose(one.key.source)))) is not None]
        return list(await rows_of(tx, node, places, None))

    return await node.store.read(work)


async def _now(tx: Tx, node: Node, pk: int) -> Place | None:
    stored = await tx.objects.get_pk(pk)
    if stored is None or not public(stored):
        return None
    operator = operator_of(stored, node.directory.by_id(stored.key.source))
    # A copy that is asked for by its number, as a favourite is, is shown as it is.
    return place_of(stored, operator, await tx.places.shown_elsewhere(pk)) or place_of(stored, operator)


async def rows_of(tx: Tx, node: Node, places: Iterable[Place], near: tuple[int, int] | None) -> tuple[Row, ...]:
    found = list(places)
    contacts = {source: await contact_of(tx, node, source, 0) for source in {place.source for place in found}}
    return tuple(Row(one, contacts[one.source].partner, contacts[one.source].silent, _away(one, near)) for one in found)


def _away(place: Place, near: tuple[int, int] | None) -> int | None:
    if near is None:
        return None
    return round(math.hypot(place.x - near[0], place.y - near[1]) * metres((place.y + near[1]) // 2))
