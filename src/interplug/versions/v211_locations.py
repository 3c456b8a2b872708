"""Locations of 2.1.1, alone and inside its Sessions and CDRs.

`type` and `postal_code` are required, the address is short, a Connector has one tariff and other names for its limits, and the enums are
shorter. A Location inside a Session or CDR holds only the EVSE and the Connector that were used.
"""

from typing import Any

from interplug.model import locations
from interplug.model.types import fold

from . import v221
from .facts import REMOVE, WITHHELD, Document, Facts
from .lens import every, fields, known, lens, only, some, spelled
from .spelling import POSITION_6, POSITIONS_6, whole_seconds
from .tariffs_shown import one_tariff

CAPABILITIES = frozenset(
    ["CHARGING_PROFILE_CAPABLE", "CREDIT_CARD_PAYABLE", "REMOTE_START_STOP_CAPABLE", "RESERVABLE", "RFID_READER", "UNLOCK_CAPABLE"]
)
STANDARDS = v221.STANDARDS - frozenset(
    [
        "CHAOJI",
        "DOMESTIC_M",
        "DOMESTIC_N",
        "DOMESTIC_O",
        "GBT_AC",
        "GBT_DC",
        "NEMA_5_20",
        "NEMA_6_30",
        "NEMA_6_50",
        "NEMA_10_30",
        "NEMA_10_50",
        "NEMA_14_30",
        "NEMA_14_50",
        "PANTOGRAPH_BOTTOM_UP",
        "PANTOGRAPH_TOP_DOWN",
    ]
)
FACILITIES = v221.FACILITIES - {"BIKE_SHARING", "TRAM_STOP", "METRO_STATION", "PARKING_LOT"}
TYPES = frozenset(["ON_STREET", "PARKING_GARAGE", "UNDERGROUND_GARAGE", "PARKING_LOT", "OTHER", "UNKNOWN"])
PHASES = {"AC_2_PHASE": "AC_1_PHASE", "AC_2_PHASE_SPLIT": "AC_1_PHASE"}
ADDRESS_LENGTH = 45


def same_id(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and fold(one) == fold(other)


# --- Down ---------------------------------------------------------------------------------------------------------------------------------


def hours_down(document: Document, out: Document, facts: Facts) -> Document:
    """2.1.1 has either regular_hours or twentyfourseven."""
    if not out.get("regular_hours") or "twentyfourseven" not in out:
        return out
    unsaid = "regular_hours" if out["twentyfourseven"] else "twentyfourseven"
    return {key: value for key, value in out.items() if key != unsaid}


def startable(document: Document, out: Document, facts: Facts) -> Document:
    """An EVSE that must be told which Connector to start cannot be started by 2.1.1, which has no word for that, unless it has just one."""
    capabilities = out.get("capabilities")
    if not capabilities or "START_SESSION_CONNECTOR_REQUIRED" not in (document.get("capabilities") or ()):
        return out
    if len(document.get("connectors") or ()) < 2:
        return out
    return {**out, "capabilities": [value for value in capabilities if value != "REMOTE_START_STOP_CAPABLE"]}


def standard(value: str, facts: Facts) -> Any:
    return value if value in STANDARDS else WITHHELD


def address(text: str, facts: Facts) -> str:
    return text if len(text) <= ADDRESS_LENGTH else text[:ADDRESS_LENGTH].rstrip()


PERIOD = lens(each={"period_begin": whole_seconds, "period_end": whole_seconds})
HOURS = lens(each={"exceptional_openings": every(PERIOD), "exceptional_closings": every(PERIOD)}, whole=hours_down)
ENERGY_MIX = lens(each={"environ_impact": every(lens(rename={"category": "source"}))})
CONNECTOR = lens(
    fields(locations.Connector, "capabilities", "max_electric_power"),
    rename={"max_voltage": "voltage", "max_amperage": "amperage", "tariff_ids": "tariff_id"},
    each={"standard": standard, "power_type": spelled(PHASES), "tariff_id": one_tariff, "last_updated": whole_seconds},
)
EVSE = lens(
    fields(locations.EVSE, "parking", "accepted_service_providers"),
    each={
        "status_schedule": every(PERIOD),
        "capabilities": known(CAPABILITIES),
        "connectors": some(CONNECTOR),
        "coordinates": POSITION_6,
        "last_updated": whole_seconds,
    },
    whole=startable,
)
LOCATION = lens(
    fields(
        locations.Location,
        "country_code",
        "party_id",
        "publish",
        "publish_allowed_to",
        "state",
        "parking_places",
        "help_phone",
    ),
    rename={"parking_type": "type"},
    each={
        "type": only(TYPES, "OTHER"),
        "address": address,
        "coordinates": POSITION_6,
        "related_locations": POSITIONS_6,
        "evses": every(EVSE),
        "facilities": known(FACILITIES),
        "opening_times": HOURS,
        "energy_mix": ENERGY_MIX,
        "last_updated": whole_seconds,
    },
)


def fill_location(document: Document, facts: Facts, patch: bool = False) -> Document:
    """Two fields that 2.1.1 requires. In a patch they are filled only where it takes them away."""
    fillers = {"type": "UNKNOWN", "postal_code": facts.postal_code_filler}
    absent = (REMOVE,) if patch else (None, REMOVE)
    missing = {key: filler for key, filler in fillers.items() if document.get(key) in absent}
    return {**document, **missing} if missing else document


# --- Up -----------------------------------------------------------------------------------------------------------------------------------


def hours_up(document: Document, out: Document, facts: Facts) -> Document:
    if out.get("regular_hours") and out.get("twentyfourseven") is None:
        return {**out, "twentyfourseven": False}
    return out


def parking_type(value: Any, facts: Facts) -> Any:
    """OTHER stays, as a custom value: were it taken away, it would come back as UNKNOWN."""
    return REMOVE if value == "UNKNOWN" else value


def postal_code(value: Any, facts: Facts) -> Any:
    return REMOVE if value == facts.postal_code_filler else value


def listed(id: Any, facts: Facts) -> Any:
    return [id] if isinstance(id, str) else id


ENERGY_MIX_UP = lens(each={"environ_impact": every(lens(rename={"source": "category"}))})
CONNECTOR_UP = lens(
    rename={"voltage": "max_voltage", "amperage": "max_amperage", "tariff_id": "tariff_ids"},
    each={"tariff_ids": listed},
)
EVSE_UP = lens(each={"connectors": every(CONNECTOR_UP)})
LOCATION_UP = lens(
    rename={"type": "parking_type"},
    each={
        "parking_type": parking_type,
        "postal_code": postal_code,
        "evses": every(EVSE_UP),
        "opening_times": lens(whole=hours_up),
        "energy_mix": ENERGY_MIX_UP,
    },
)

# --- Inside Sessions and CDRs -------------------------------------------------------------------------------------------------------------


def used_part(location: Document, evse_uid: Any, connector_id: Any) -> Document:
    """The Location with only the EVSE and Connector that were used."""
    used: list[Document] = []
    for evse in location.get("evses") or ():
        if same_id(evse.get("uid"), evse_uid):
            parts = [part for part in evse.get("connectors") or () if same_id(part.get("id"), connector_id)]
            used = [{**evse, "connectors": parts}] if parts else []
    return {**location, "evses": used}


def embedded(location: Document, evse_uid: Any, connector_id: Any, facts: Facts) -> Document:
    """That part of a Location of the newest form, as 2.1.1 says it. Private ones too: the driver stands there already."""
    part = v221.LOCATION(used_part(location, evse_uid, connector_id), facts)
    return fill_location(LOCATION(part, facts), facts)


def only_id(items: Any, key: str) -> Any:
    """The id of the first of `items`; a 2.1.1 Session or CDR holds exactly one EVSE and one Connector."""
    first = first_of(items)
    return first.get(key) or "#NA"


def first_of(items: Any) -> Document:
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
