"""Sessions, CDRs and Tariffs of 2.1.1.

They name a Token by its auth_id and hold a whole Location; money is the net number; periods know five dimensions and no tariff; a credit
CDR cannot be said at all. The documents are in 2.2.1 form on the newer side.
"""

from typing import Any

from interplug.model import cdrs, sessions, tariffs

from . import charges
from .facts import WITHHELD, Document, Facts
from .lens import every, fields, lens, only, spelled
from .spelling import POSITION_6, whole_seconds
from .tariffs_shown import shown
from .v211_locations import (
    ENERGY_MIX,
    ENERGY_MIX_UP,
    PHASES,
    STANDARDS,
    TYPES,
    address,
    embedded,
    first_of,
    only_id,
    same_id,
    used_part,
)
from .v211_tokens import cdr_token, contract

DIMENSIONS = frozenset(["ENERGY", "MAX_CURRENT", "MIN_CURRENT", "PARKING_TIME", "TIME"])
CDR_ID_LENGTH = 36

PERIOD = lens(
    fields(cdrs.ChargingPeriod, "tariff_id"),
    each={"start_date_time": whole_seconds, "dimensions": charges.dimensions(DIMENSIONS)},
)
# FLAT, which 2.1.1 alone has, is a price and no volume.
PERIOD_UP = lens(each={"dimensions": charges.dimensions(DIMENSIONS)})
METHOD = only(frozenset({"AUTH_REQUEST", "WHITELIST"}), "AUTH_REQUEST")


# --- Tariffs (11) -------------------------------------------------------------------------------------------------------------------------


ELEMENT = lens(
    fields(tariffs.TariffElement),
    each={
        "restrictions": charges.conditional(fields(tariffs.TariffRestrictions, "reservation", "min_current", "max_current")),
        "price_components": every(lens(fields(tariffs.PriceComponent, "vat"))),
    },
)
# As it stands in a CDR: whichever was charged, still valid or not.
TARIFF = lens(
    fields(
        tariffs.Tariff,
        "tax_included",
        "country_code",
        "party_id",
        "type",
        "min_price",
        "max_price",
        "start_date_time",
        "end_date_time",
    ),
    each={"elements": charges.elements(ELEMENT), "energy_mix": ENERGY_MIX, "last_updated": whole_seconds},
)


def current(document: Document, facts: Facts) -> Any:
    """As it stands in the list of Tariffs."""
    return TARIFF(document, facts) if shown(document, facts) else WITHHELD


TARIFF_UP = lens(each={"energy_mix": ENERGY_MIX_UP})

# --- Sessions (9) -------------------------------------------------------------------------------------------------------------------------


def session_down(document: Document, out: Document, facts: Facts) -> Any:
    """The three ids become a Location. In a patch they may come singly, and then say nothing to 2.1.1."""
    place = [document.get(key) for key in ("location_id", "evse_uid", "connector_id")]
    if None in place:
        return out
    if facts.location is None or not same_id(facts.location.get("id"), place[0]):
        return WITHHELD
    return {**out, "location": embedded(facts.location, place[1], place[2], facts)}


def session_up(document: Document, out: Document, facts: Facts) -> Document:
    location = out.get("location")
    if not isinstance(location, dict):
        return out
    evses = location.get("evses")
    rest = {key: value for key, value in out.items() if key != "location"}
    return {
        **rest,
        "location_id": location.get("id"),
        "evse_uid": only_id(evses, "uid"),
        "connector_id": only_id(first_of(evses).get("connectors"), "id"),
    }


SESSION = lens(
    fields(sessions.Session, "country_code", "party_id", "authorization_reference", "location_id", "evse_uid", "connector_id"),
    rename={"start_date_time": "start_datetime", "end_date_time": "end_datetime", "cdr_token": "auth_id"},
    each={
        "start_datetime": whole_seconds,
        "end_datetime": whole_seconds,
        "auth_id": contract,
        "auth_method": METHOD,
        "charging_periods": every(PERIOD),
        "total_cost": charges.net_only,
        "status": spelled({"RESERVATION": "PENDING"}),
        "last_updated": whole_seconds,
    },
    whole=session_down,
)
SESSION_UP = lens(
    rename={"start_datetime": "start_date_time", "end_datetime": "end_date_time", "auth_id": "cdr_token"},
    each={"cdr_token": cdr_token, "charging_periods": every(PERIOD_UP), "total_cost": charges.from_net},
    whole=session_up,
)

# --- CDRs (10) ----------------------------------------------------------------------------------------------------------------------------


LIKENESS = charges.standing_in(STANDARDS)


def cdr_down(document: Document, out: Document, facts: Facts) -> Any:
    """A credit CDR has no form in 2.1.1, and an id longer than 36 belongs to one; neither is ever bent into shape."""
    if document.get("credit") or len(document.get("id") or "") > CDR_ID_LENGTH:
        return WITHHELD
    place = document.get("cdr_location")
    if not isinstance(place, dict):
        return out
    return {**out, "location": cdr_location_down(LIKENESS(place, place, facts), out.get("last_updated"), facts)}


def cdr_location_down(place: Document, last_updated: Any, facts: Facts) -> Document:
    """The Location as the CDR tells it. What only the Location itself knows comes from there, else it is said to be unknown."""
    known = facts.location if facts.location is not None and same_id(facts.location.get("id"), place.get("id")) else {}
    evse = first_of(used_part(known, place["evse_uid"], place["connector_id"])["evses"])
    part = first_of(evse.get("connectors"))
    connector = {
        "id": place["connector_id"],
        "standard": place["connector_standard"],
        "format": place["connector_format"],
        "power_type": PHASES.get(place["connector_power_type"], place["connector_power_type"]),
        "voltage": part.get("max_voltage", 0),
        "amperage": part.get("max_amperage", 0),
        "last_updated": whole_seconds(part.get("last_updated", last_updated), facts),
    }
    station = {
        "uid": place["evse_uid"],
        "status": evse.get("status", "UNKNOWN"),
        "connectors": [connector],
        "last_updated": whole_seconds(evse.get("last_updated", last_updated), facts),
    }
    if place.get("evse_id") not in (None, "#NA"):
        station["evse_id"] = place["evse_id"]
    return {
        "id": place["id"],
        "type": only(TYPES, "OTHER")(known.get("parking_type") or "UNKNOWN", facts),
        **{key: place[key] for key in ("name", "city", "country") if place.get(key) is not None},
        "address": address(place["address"], facts),
        "postal_code": place.get("postal_code") or facts.postal_code_filler,
        "coordinates": POSITION_6(place["coordinates"], facts),
        "evses": [station],
        "last_updated": whole_seconds(known.get("last_updated", last_updated), facts),
    }


def cdr_location_up(location: Any, facts: Facts) -> Any:
    if not isinstance(location, dict):
        return location
    evse = first_of(location.get("evses"))
    connector = first_of(evse.get("connectors"))
    kept = {key: location[key] for key in ("id", "name", "address", "city", "country", "coordinates") if location.get(key) is not None}
    if location.get("postal_code") not in (None, facts.postal_code_filler):
        kept["postal_code"] = location["postal_code"]
    words = {f"connector_{key}": connector[key] for key in ("standard", "format", "power_type") if key in connector}
    return {
        **kept,
        "evse_uid": evse.get("uid") or "#NA",
        "evse_id": evse.get("evse_id") or "#NA",
        "connector_id": connector.get("id") or "#NA",
        **words,
    }


_LATER = ("session_id", "authorization_reference", "signed_data", "invoice_reference_id", "home_charging_compensation")
CDR = lens(
    fields(cdrs.CDR, "country_code", "party_id", "cdr_location", "credit", "credit_reference_id", *_LATER, *charges.COSTS[1:]),
    rename={"end_date_time": "stop_date_time", "cdr_token": "auth_id"},
    each={
        "start_date_time": whole_seconds,
        "stop_date_time": whole_seconds,
        "auth_id": contract,
        "auth_method": METHOD,
        "tariffs": every(TARIFF),
        "charging_periods": every(PERIOD),
        "total_cost": charges.net_only,
        "last_updated": whole_seconds,
    },
    whole=cdr_down,
)
CDR_UP = lens(
    rename={"stop_date_time": "end_date_time", "auth_id": "cdr_token", "location": "cdr_location"},
    each={
        "cdr_token": cdr_token,
        "cdr_location": cdr_location_up,
        "tariffs": every(TARIFF_UP),
        "charging_periods": every(PERIOD_UP),
        "total_cost": charges.from_net,
    },
)
