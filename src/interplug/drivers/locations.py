"""What a Location is to a driver: which EVSEs are shown, who runs it, how strong it is, and the row that it is found by."""

from __future__ import annotations

from typing import Any

from interplug.model.power import watts_of
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.earth import point
from interplug.store.finding import folded
from interplug.store.keys import Stored
from interplug.store.places import Place

Document = dict[str, Any]
HIDDEN = ("REMOVED", "PLANNED")
AVAILABLE = "AVAILABLE"
DISABLED = "DISABLED"


def evses_of(document: Document) -> list[Document]:
    """The EVSEs that drivers are shown."""
    return [evse for evse in document.get("evses") or () if evse["status"] not in HIDDEN]


def evses_here(document: Document, elsewhere: frozenset[str]) -> list[Document]:
    """Without those that are shown at other Locations."""
    return [evse for evse in evses_of(document) if not evse.get("evse_id") or evse_name(evse) not in elsewhere]


def shown(stored: Stored) -> bool:
    document = stored.document
    return stored.key.module == "locations" and stored.audience >= 0 and document.get("publish", True) and bool(evses_of(document))


def evse_name(evse: Document) -> str:
    """An evse_id as it is compared: written with and without its separators."""
    return folded(evse["evse_id"]).replace(" ", "")


def operator_of(stored: Stored, connection: Connection | None) -> str:
    """Who runs a Location: as it says, else the party of that name in the partner's credentials (8.3.1); a hub's own name is none."""
    said = (stored.document.get("operator") or {}).get("name")
    if said or connection is None:
        return said or ""
    owner = Party(stored.key.country, stored.key.party).key
    names = (party.business_details.get("name") for party in connection.parties if party.role == "CPO" and party.party.key == owner)
    return next((name for name in names if name), "")


def address_of(document: Document) -> str:
    """In one line."""
    town = " ".join(part for part in (document.get("postal_code"), document["city"]) if part)
    return ", ".join(part for part in (document["address"], town) if part)


def place_of(stored: Stored, operator: str = "", elsewhere: frozenset[str] = frozenset()) -> Place | None:
    """The row of a Location; None where drivers are not to find it. `elsewhere`: EVSEs that are shown at other Locations."""
    if not shown(stored):
        return None
    document = stored.document
    evses = evses_here(document, elsewhere)
    if not evses:
        return None
    connectors = [connector for evse in evses for connector in evse["connectors"]]
    name = document.get("name") or document["address"]
    told = (name, document["address"], document["city"], document.get("postal_code", ""), operator, stored.key.id)
    names = [part for evse in evses if evse.get("evse_id") for part in (folded(evse["evse_id"]), evse_name(evse))]
    x, y = point(float(document["coordinates"]["longitude"]), float(document["coordinates"]["latitude"]))
    return Place(
        pk=stored.pk,
        source=stored.key.source,
        name=name.strip(),
        address=document["address"],
        city=document["city"].strip(),
        operator=operator,
        words=" ".join(dict.fromkeys(" ".join((*map(folded, told), *names)).split())),
        plugs="".join(f",{standard}" for standard in sorted({connector["standard"] for connector in connectors})) + ",",
        evses=len(evses),
        free=sum(evse["status"] == AVAILABLE for evse in evses),
        watts=max(watts_of(connector) for connector in connectors),
        heard_at=stored.received_at,
        x=x,
        y=y,
    )


def accessible(document: Document) -> bool:
    """Whether a place for people with a disability is told of; that nothing is told means nothing."""
    if any(DISABLED in place["vehicle_types"] for place in document.get("parking_places") or ()):
        return True
    return any(DISABLED in (evse.get("parking_restrictions") or ()) for evse in evses_of(document))
