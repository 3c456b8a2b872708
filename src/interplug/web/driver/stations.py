"""What the list of stations shows, read from the store as it is now: each with the time at which it was told.

The same station may be known from several partners: each copy is listed, with its source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from interplug.drivers.places import operator_of, place_of
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.places import Place, Search
from interplug.store.tx import Tx

Document = dict[str, Any]
PAGE = 50
QUIET = 15 * 60
"""Seconds without a word from an operator after which the page warns."""


@dataclass(slots=True, frozen=True)
class Contact:
    """When who tells of a station was last heard, and since when it does not answer; 0: not known, or it does."""

    partner: str
    heard: int
    silent: int


@dataclass(slots=True, frozen=True)
class Row:
    place: Place
    partner: str
    silent: int

    @property
    def operator(self) -> str:
        return self.place.operator or self.partner

    def document(self) -> Document:
        place = self.place
        return {
            "id": place.pk,
            "name": place.name,
            "address": place.address,
            "city": place.city,
            "operator": self.operator,
            "partner": self.partner,
            "evses": place.evses,
            "free": place.free,
            "max_kw": place.watts / 1000,
            "heard_at": format_time(place.heard_at),
        }


@dataclass(slots=True, frozen=True)
class Found:
    """One page of the list."""

    search: Search
    page: int
    total: int
    rows: tuple[Row, ...]
    plugs: tuple[str, ...]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


# --- the list


class Listing:
    """The list, page by page. How many there are, and with which plugs, is looked at again only after a while: it takes a walk over
    all stations. That there are none is never taken from memory."""

    KEPT = 2.0
    MOST = 200

    def __init__(self, node: Node, timer: Callable[[], float]) -> None:
        self._node, self._timer = node, timer
        self._counted: dict[Search, tuple[float, int]] = {}
        self._plugs: tuple[float, tuple[str, ...]] = (float("-inf"), ())

    async def find(self, search: Search, page: int) -> Found:
        return await self._node.store.read(lambda tx: self._find(tx, search, page))

    async def _find(self, tx: Tx, search: Search, page: int) -> Found:
        total, plugs = await self._total(tx, search), await self._all_plugs(tx)
        number = min(max(1, page), max(1, -(-total // PAGE)))
        places = await tx.places.find(search, PAGE, (number - 1) * PAGE) if total else []
        return Found(search, number, total, await _rows(tx, self._node, places), plugs)

    async def _total(self, tx: Tx, search: Search) -> int:
        at, total = self._counted.get(search, (float("-inf"), 0))
        if not total or self._timer() > at + self.KEPT:
            total = await tx.places.count(search)
            if len(self._counted) >= self.MOST:
                self._counted.clear()
            self._counted[search] = self._timer(), total
        return total

    async def _all_plugs(self, tx: Tx) -> tuple[str, ...]:
        at, plugs = self._plugs
        if not plugs or self._timer() > at + self.KEPT:
            plugs = tuple(await tx.places.plugs())
            self._plugs = self._timer(), plugs
        return plugs


async def rows(node: Node, numbers: Iterable[int]) -> dict[int, Row]:
    """The rows of these Locations as they are now, made from the Locations themselves; without those that are gone."""

    async def work(tx: Tx) -> dict[int, Row]:
        found = [stored for pk in numbers if (stored := await tx.objects.get_pk(pk)) is not None and public(stored)]
        whose = node.directory.by_id
        places = [place for one in found if (place := place_of(one, operator_of(one, whose(one.key.source)))) is not None]
        return {row.place.pk: row for row in await _rows(tx, node, places)}

    return await node.store.read(work)


async def _rows(tx: Tx, node: Node, places: list[Place]) -> tuple[Row, ...]:
    contacts = {source: await contact_of(tx, node, source, 0) for source in {place.source for place in places}}
    return tuple(Row(place, contacts[place.source].partner, contacts[place.source].silent) for place in places)


def public(stored: Stored) -> bool:
    return stored.key.module == "locations" and stored.key.source != OWN


async def contact_of(tx: Tx, node: Node, source: int, otherwise: int) -> Contact:
    """The last contact with a partner; `otherwise` is when it was heard at the latest, if the log does not tell."""
    connection = node.directory.by_id(source)
    heard, silent = await tx.pulses.contact(source)
    partner = "a former partner" if connection is None else connection.partner
    return Contact(partner, max(heard, otherwise), silent)
