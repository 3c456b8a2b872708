"""The page of one station, read from the store as it is now.

A status is shown with the time at which it was told and with the last contact to who told it: it is as old as that. A start
button is there only where a start can be asked for; everywhere else stands why not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interplug.drivers import reserving
from interplug.drivers.estimate import Estimate, Wish
from interplug.drivers.locations import address_of, operator_of, place_of
from interplug.drivers.offers import known
from interplug.drivers.plugs import NotPossible, Plug, startable, tariffs_of
from interplug.drivers.receipt import Amount
from interplug.drivers.tokens import token_of
from interplug.model.power import watts_of
from interplug.model.types import fold, format_time, parse_time
from interplug.modules.node import Node
from interplug.store.keys import Stored
from interplug.store.reservations import Reservation
from interplug.store.tx import Tx
from interplug.web import wording
from interplug.web.languages import _

from .about import About, about, texts
from .prices import Prices
from .stations import Contact, contact_of, public

Document = dict[str, Any]
HIDDEN = ("REMOVED", "PLANNED")


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
    vat: tuple[Decimal, ...]
    """Rates that are in the price, in percent; none where its taxes are not known."""
    price_key: str
    """Changes with the price: who starts says which one was shown."""
    why_not: str
    """Why it cannot be started from here; empty: it can."""
    hold: Amount | None = None
    """What is held on the driver's card before the start."""
    estimate: Estimate | None = None
    """Of what the driver wants to charge."""
    reservable: bool = False
    reserving: str = ""
    """What reserving costs, in words; empty where the price says nothing of it."""

    def document(self) -> Document:
        return {
            "id": self.id,
            "plug": self.plug,
            "format": self.format,
            "max_kw": self.watts / 1000,
            "price": self.price or None,
            "on_top": None if self.price else self.on_top or None,
            "vat": list(self.vat),
            "price_key": self.price_key,
            "startable": not self.why_not,
            "why_not": self.why_not or None,
            "hold": None if self.hold is None else {"currency": self.hold.currency, "amount": self.hold.shown},
            "estimate": None if self.estimate is None else _estimated(self.estimate),
            "reservable": self.reservable,
        }


@dataclass(slots=True, frozen=True)
class Evse:
    uid: str
    name: str
    evse_id: str
    status: str
    told: int
    connectors: tuple[Connector, ...]
    where: tuple[str, ...] = ()
    """Its floor, and how one finds it."""

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
    source: int
    """The connection that tells of it."""
    key: tuple[str, str, str]
    name: str
    address: str
    operator: str
    contact: Contact
    about: About
    evses: tuple[Evse, ...]

    def holds(self, kept: Reservation | None, evse: Evse) -> bool:
        """Whether the visitor's reservation is of this charge point."""
        return kept is not None and (kept.connection, kept.place, kept.evse) == (self.source, self.key[2], evse.uid)

    def connector(self, uid: str, id: str) -> Connector | None:
        return next((one for evse in self.evses if evse.uid == uid for one in evse.connectors if one.id == id), None)

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
            **self.about.document(),
            "evses": [evse.document() for evse in self.evses],
        }


async def station(node: Node, pk: int, driver: str = "", wish: Wish | None = None) -> Station | None:
    """With the prices for this driver; None where there is no such station, or none that drivers may see."""

    async def work(tx: Tx) -> tuple[Stored, Contact, Prices] | None:
        stored = await tx.objects.get_pk(pk)
        if stored is None or not public(stored) or place_of(stored) is None:
            return None
        evses = stored.document["evses"]
        names = {name for evse in evses for connector in evse["connectors"] for name in connector.get("tariff_ids") or ()}
        tariffs = {fold(tariff["id"]): tariff for tariff in await tariffs_of(tx, stored.key, sorted(names))}
        offers = [known(document) for document in await tx.offers.all()]
        token = await token_of(tx, node, await tx.drivers.driver(driver)) if driver else None
        contact = await contact_of(tx, node, stored.key.source, stored.received_at)
        return stored, contact, Prices(node, tariffs, offers, token, wish)

    read = await node.store.read(work)
    return None if read is None else _station(node, *read)


def _station(node: Node, stored: Stored, contact: Contact, prices: Prices) -> Station:
    document, key = stored.document, stored.key
    evses = [evse for evse in document["evses"] if evse["status"] not in HIDDEN]
    names = _names(evses)
    return Station(
        pk=stored.pk,
        source=key.source,
        key=(key.country, key.party, key.id),
        name=document.get("name") or document["address"],
        address=address_of(document),
        operator=operator_of(stored, node.directory.by_id(key.source)) or contact.partner,
        contact=contact,
        about=about(document, node.settings.help, node.clock()),
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
        where=tuple(_where(evse)),
    )


def _where(evse: Document) -> list[str]:
    level = [_("Level %(level)s") % {"level": evse["floor_level"]}] if evse.get("floor_level") else []
    return [*level, *texts(evse.get("directions"))]


def _connector(node: Node, plug: Plug, prices: Prices) -> Connector:
    deal = prices.of(plug)
    return Connector(
        id=plug.connector["id"],
        plug=plug.connector["standard"],
        format=plug.connector["format"],
        watts=watts_of(plug.connector),
        price=deal.price,
        on_top=deal.on_top,
        vat=deal.tax_rates,
        price_key=deal.key,
        why_not=_why_not(node, plug),
        hold=prices.hold(plug),
        estimate=prices.estimate(plug),
        reservable=reserving.possible(node, plug),
        reserving=reserving.price(deal),
    )


def _why_not(node: Node, plug: Plug) -> str:
    try:
        startable(node, plug)
    except NotPossible as reason:
        return str(reason)
    return ""


def _estimated(found: Estimate) -> Document:
    total = found.total
    return {
        "kwh": found.kwh,
        "kw": found.kw,
        "minutes": found.seconds // 60,
        "idle_minutes": found.idle,
        "currency": total.currency,
        "before_taxes": total.net,
        "after_taxes": total.gross,
        "lines": list(found.lines),
    }
