"""What the list and the page of a station show, read from the store as it is now.

A status is shown with the time at which it was told and with the last contact to who told it: it is as old as that. A start
button is there only where a start can be asked for; everywhere else stands why not. The same station may be known from several
partners: each copy is listed, with its source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from interplug.drivers.drives import NotPossible, Plug, startable, tariffs_of, token_of
from interplug.drivers.hours import in_words
from interplug.drivers.offers import known
from interplug.drivers.places import operator_of, place_of, watts
from interplug.drivers.receipt import Amount
from interplug.model.types import fold, format_time, parse_time
from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.places import Place, Search
from interplug.store.tx import Tx
from interplug.web import wording

from .prices import Prices

Document = dict[str, Any]
PAGE = 50
QUIET = 15 * 60
"""Seconds without a word from an operator after which the page warns."""
HIDDEN = ("REMOVED", "PLANNED")


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


@dataclass(slots=True, frozen=True)
class Connector:
    id: str
    plug: str
    format: str
    watts: int
    price: str
    """In words; empty where the operator's price would be the driver's and it has told none."""
    on_top: str
    """What is added to the operator's price, for where that is not known."""
    price_key: str
    """Changes with the price: who starts says which one was shown."""
    why_not: str
    """Why it cannot be started from here; empty: it can."""
    hold: Amount | None = None
    """What is held on the driver's card before the start."""

    def document(self) -> Document:
        return {
            "id": self.id,
            "plug": self.plug,
            "format": self.format,
            "max_kw": self.watts / 1000,
            "price": self.price or None,
            "on_top": None if self.price else self.on_top or None,
            "price_key": self.price_key,
            "startable": not self.why_not,
            "why_not": self.why_not or None,
            "hold": None if self.hold is None else {"currency": self.hold.currency, "amount": self.hold.shown},
        }


@dataclass(slots=True, frozen=True)
class Evse:
    uid: str
    name: str
    evse_id: str
    status: str
    told: int
    connectors: tuple[Connector, ...]

    def document(self) -> Document:
        return {
            "uid": self.uid,
            "evse_id": self.evse_id or None,
            "name": self.name,
            "status": self.status,
            "status_text": wording.status(self.status).text,
            "last_updated": format_time(self.told),
            "connectors": [connector.document() for connector in self.connectors],
        }


@dataclass(slots=True, frozen=True)
class Station:
    pk: int
    key: tuple[str, str, str]
    name: str
    address: str
    operator: str
    contact: Contact
    hours: str
    evses: tuple[Evse, ...]

    def document(self) -> Document:
        return {
            "id": self.pk,
            "location": dict(zip(("country_code", "party_id", "id"), self.key, strict=True)),
            "name": self.name,
            "address": self.address,
            "operator": self.operator,
            "partner": self.contact.partner,
            "heard_at": format_time(self.contact.heard),
            "silent_since": format_time(self.contact.silent) if self.contact.silent else None,
            "evses": [evse.document() for evse in self.evses],
        }


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
        found = [stored for pk in numbers if (stored := await tx.objects.get_pk(pk)) is not None and _public(stored)]
        whose = node.directory.by_id
        places = [place for one in found if (place := place_of(one, operator_of(one, whose(one.key.source)))) is not None]
        return {row.place.pk: row for row in await _rows(tx, node, places)}

    return await node.store.read(work)


async def _rows(tx: Tx, node: Node, places: list[Place]) -> tuple[Row, ...]:
    contacts = {source: await contact_of(tx, node, source, 0) for source in {place.source for place in places}}
    return tuple(Row(place, contacts[place.source].partner, contacts[place.source].silent) for place in places)


def _public(stored: Stored) -> bool:
    return stored.key.module == "locations" and stored.key.source != OWN


async def contact_of(tx: Tx, node: Node, source: int, otherwise: int) -> Contact:
    """The last contact with a partner; `otherwise` is when it was heard at the latest, if the log does not tell."""
    connection = node.directory.by_id(source)
    heard, silent = await tx.pulses.contact(source)
    partner = "a former partner" if connection is None else connection.partner
    return Contact(partner, max(heard, otherwise), silent)


# --- one station


async def station(node: Node, pk: int, driver: str = "") -> Station | None:
    """With the prices for this driver; None where there is no such station, or none that drivers may see."""

    async def work(tx: Tx) -> tuple[Stored, Contact, Prices] | None:
        stored = await tx.objects.get_pk(pk)
        if stored is None or not _public(stored) or place_of(stored) is None:
            return None
        evses = stored.document["evses"]
        names = {name for evse in evses for connector in evse["connectors"] for name in connector.get("tariff_ids") or ()}
        tariffs = {fold(tariff["id"]): tariff for tariff in await tariffs_of(tx, stored.key, sorted(names))}
        offers = [known(document) for document in await tx.offers.all()]
        token = await token_of(tx, node, await tx.drivers.driver(driver)) if driver else None
        contact = await contact_of(tx, node, stored.key.source, stored.received_at)
        return stored, contact, Prices(node, tariffs, offers, token)

    read = await node.store.read(work)
    return None if read is None else _station(node, *read)


def _station(node: Node, stored: Stored, contact: Contact, prices: Prices) -> Station:
    document, key = stored.document, stored.key
    evses = [evse for evse in document["evses"] if evse["status"] not in HIDDEN]
    names = _names(evses)
    return Station(
        pk=stored.pk,
        key=(key.country, key.party, key.id),
        name=document.get("name") or document["address"],
        address=", ".join(part for part in (document["address"], document.get("postal_code"), document["city"]) if part),
        operator=operator_of(stored, node.directory.by_id(key.source)) or contact.partner,
        contact=contact,
        hours=in_words(document, node.clock()),
        evses=tuple(_evse(node, stored, evse, name, prices) for evse, name in zip(evses, names, strict=True)),
    )


def _names(evses: list[Document]) -> list[str]:
    """What stands on each charge point; with its place in the list where several bear the same, or none bears anything."""
    painted = [evse.get("physical_reference") or "" for evse in evses]
    return [
        name if name and painted.count(name) == 1 else f"{name} ({place})" if name else str(place) for place, name in enumerate(painted, 1)
    ]


def _evse(node: Node, stored: Stored, evse: Document, name: str, prices: Prices) -> Evse:
    return Evse(
        uid=evse["uid"],
        name=name,
        evse_id=evse.get("evse_id") or "",
        status=evse["status"],
        told=parse_time(evse["last_updated"]),
        connectors=tuple(_connector(node, Plug(stored, evse, connector), prices) for connector in evse["connectors"]),
    )


def _connector(node: Node, plug: Plug, prices: Prices) -> Connector:
    deal = prices.of(plug)
    return Connector(
        id=plug.connector["id"],
        plug=plug.connector["standard"],
        format=plug.connector["format"],
        watts=watts(plug.connector),
        price=deal.price,
        on_top=deal.on_top,
        price_key=deal.key,
        why_not=_why_not(node, plug),
        hold=prices.hold(plug),
    )


def _why_not(node: Node, plug: Plug) -> str:
    try:
        startable(node, plug)
    except NotPossible as reason:
        return str(reason)
    return ""
