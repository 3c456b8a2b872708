"""What is settled when a Session of ours begins, and holds until its CDR: the place, its time zone, the tariff, and what the meter showed.

A CDR shows the values valid when the session started, whatever is edited meanwhile (10.3.1, CDR-026), so they are copied
then. The tariff is the first of the Connector's that this partner can see, that is valid now, and that is meant for drivers with a
contract (REGULAR, or without a type: 11.3.1), or for one who pays at a terminal; profiles are chosen otherwise than by roaming.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from interplug.model.types import decode_json, encode_json, fold, parse_time
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import Cutter, TariffError, compile_tariff

Document = dict[str, Any]
# Longest texts of a CdrLocation; those of a Location have grown since (CDR-054).
LENGTHS = {"name": 255, "address": 45, "city": 45, "postal_code": 10, "state": 20, "country": 3}


class NoPlace(LookupError):
    """There is no such Location, EVSE or Connector of ours."""


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    place: dict[str, Any]
    """A CdrLocation."""
    time_zone: str | None = None
    tariff: dict[str, Any] | None = None
    currency: str = "EUR"
    home: bool = False
    """The driver's own charger, whose energy the driver is paid back (CDR-023)."""
    begun_at: int = 0
    begun_kwh: Decimal | None = None
    """When the charge began, and what its meter showed then. None: a mere reservation, or it began on an older release and counts from its
    first reading."""

    def raw(self) -> bytes:
        return encode_json(msgspec.structs.asdict(self))

    @classmethod
    def read(cls, raw: bytes) -> Pinned:
        return msgspec.convert(decode_json(raw), cls)

    def begun(self, at: int, kwh: Decimal) -> Pinned:
        return msgspec.structs.replace(self, begun_at=at, begun_kwh=kwh)


class Place(msgspec.Struct, frozen=True):
    """A Connector of ours and where it stands."""

    key: Key
    location: dict[str, Any]
    evse: dict[str, Any]
    connector: dict[str, Any]


async def find_place(tx: Tx, location_id: str, evse_uid: str, connector_id: str | None) -> Place:
    """The Connector; without an id the first. A Location id can stand under several parties of ours: the EVSE decides."""
    for stored in await tx.objects.find_id("locations", location_id, OWN):
        for evse in stored.document.get("evses") or ():
            if fold(evse["uid"]) == fold(evse_uid) and evse["status"] != "REMOVED":
                for connector in evse["connectors"]:
                    if connector_id is None or fold(connector["id"]) == fold(connector_id):
                        return Place(stored.key, stored.document, evse, connector)
    raise NoPlace(f"Connector {connector_id} of EVSE {evse_uid} at Location {location_id} is not ours")


async def pin(tx: Tx, place: Place, audiences: tuple[int, ...], now: int, *, home: bool = False, ad_hoc: bool = False) -> Pinned:
    tariff = await find_tariff(tx, place, audiences, now, ad_hoc=ad_hoc)
    currency = tariff["currency"] if tariff is not None else "EUR"
    return Pinned(place=cdr_location(place), time_zone=place.location.get("time_zone"), tariff=tariff, currency=currency, home=home)


async def find_tariff(tx: Tx, place: Place, audiences: tuple[int, ...], now: int, *, ad_hoc: bool = False) -> Document | None:
    """The Tariff that a charge at this place has from `now` on (microseconds): of those that the Connector names the first that these
    audiences see, that is valid and can be priced. None: no price."""
    found = [await _tariff(tx, place.key, named) for named in place.connector.get("tariff_ids") or ()]
    seen = [one.document for one in found if one is not None and one.audience in audiences and _valid(one.document, now)]
    # Who pays at a terminal gets the price for that before one for all (11.3.1); with a contract the first of either is as good.
    for kinds in (("AD_HOC_PAYMENT",), (None,)) if ad_hoc else ((None, "REGULAR"),):
        for tariff in seen:
            if tariff.get("type") in kinds and _readable(tariff, place):
                return tariff
    return None


async def _tariff(tx: Tx, place: Key, id: str) -> Stored | None:
    own = await tx.objects.get(Key("tariffs", OWN, place.country, place.party, id))
    if own is not None:
        return own
    others = await tx.objects.find_id("tariffs", id, OWN)
    return others[0] if others else None


def _valid(tariff: Document, now: int) -> bool:
    start, end = (parse_time(tariff[name]) if tariff.get(name) else None for name in ("start_date_time", "end_date_time"))
    return (start is None or start <= now) and (end is None or now < end)


def _readable(tariff: Document, place: Place) -> bool:
    """One that we could not price with would leave the driver without a price, or us without a CDR."""
    try:
        cutter(tariff, place.location.get("time_zone"))
    except (TariffError, ValueError):
        return False
    return True


def cutter(tariff: Document | None, zone: str | None) -> Cutter:
    """What makes charging periods of readings, for this tariff."""
    return Cutter(compile_tariff(tariff, "2.3.0") if tariff is not None else None, zone)


def evse_id(place: Place) -> str:
    """An EVSE has to be named by its eMI3 id in a CDR (CDR-052); one that has none gets that of its party and uid."""
    uid = "".join(letter for letter in place.evse["uid"].upper() if letter.isalnum() or letter == "*")
    return f"{place.key.country}*{place.key.party}*E{uid}"


def cdr_location(place: Place) -> Document:
    location, connector = place.location, place.connector
    texts = {name: location[name][:longest] for name, longest in LENGTHS.items() if location.get(name)}
    return {
        "id": location["id"],
        **texts,
        "coordinates": {name: location["coordinates"][name] for name in ("latitude", "longitude")},
        "evse_uid": place.evse["uid"],
        "evse_id": place.evse.get("evse_id") or evse_id(place),
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }
