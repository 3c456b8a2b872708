"""What does not survive the way from one version to its neighbour, for the docs and the console.

A row says, in the words of the version we come from, which field of which kind of object the other version cannot hold, and what is done.
`$` is the object itself: it is withheld. A path may hold `*`; `[]` stands for every item of a list. Objects inside others are listed
once, under their own kind; `INSIDE` says where they occur. Two versions apart means both links. tests/versions/test_losses.py holds that
random documents lose nothing that is not listed here, and that every row is real.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple


class Loss(NamedTuple):
    kind: str
    source: str
    target: str
    path: str
    what: str
    why: str


# Where the objects of one kind hold objects of another.
INSIDE: dict[str, dict[str, str]] = {
    "location": {"evses[]": "evse"},
    "evse": {"connectors[]": "connector"},
    "session": {"charging_periods[]": "charging_period"},
    "cdr": {"charging_periods[]": "charging_period", "tariffs[]": "tariff"},
    "authorization_info": {"token": "token", "location": "location_references"},
    "start_session": {"token": "token"},
    "reserve_now": {"token": "token"},
}


def _rows(kind: str, source: str, target: str, *rows: tuple[str, str, str]) -> list[Loss]:
    return [Loss(kind, source, target, *row) for row in rows]


_NO_FIELD = "the version has no such field"
_CLOSED = "the enum is closed there"
_NO_MONEY = "costs are one net number there"

_TO_221: list[Loss] = [
    *_rows(
        "location",
        "2.3.0",
        "2.2.1",
        ("parking_places", "dropped", _NO_FIELD),
        ("help_phone", "dropped", _NO_FIELD),
        ("parking_type", "a custom type is dropped", _CLOSED),
        ("facilities", "custom facilities are dropped", _CLOSED),
        ("publish_allowed_to[].type", "EMAID and custom types become OTHER", _CLOSED),
        ("images[].category", "a custom category becomes OTHER", _CLOSED),
        ("*.logo.category", "a custom category becomes OTHER", _CLOSED),
        ("energy_mix.environ_impact", "custom categories are dropped", _CLOSED),
        ("evses", "an EVSE without a Connector that can be named is left out", "an EVSE has at least one Connector"),
    ),
    *_rows(
        "evse",
        "2.3.0",
        "2.2.1",
        ("$", "withheld when none of its Connectors can be named", "an EVSE has at least one Connector"),
        ("parking", "dropped", _NO_FIELD),
        ("accepted_service_providers", "dropped", _NO_FIELD),
        ("capabilities", "custom capabilities are dropped", _CLOSED),
        ("parking_restrictions", "EMPLOYEES, TAXIS, TENANTS and custom ones are dropped", _CLOSED),
        ("images[].category", "a custom category becomes OTHER", _CLOSED),
        ("connectors", "a Connector of a standard without a name is left out", _CLOSED),
    ),
    *_rows(
        "connector",
        "2.3.0",
        "2.2.1",
        ("$", "withheld when its standard (MCS, SAE_J3400, custom) has no name", _CLOSED),
        ("standard", "SAE_J3400 becomes TESLA_S, if so configured", _CLOSED),
        ("capabilities", "dropped", _NO_FIELD),
    ),
    *_rows(
        "tariff",
        "2.3.0",
        "2.2.1",
        ("$", "withheld when prices include tax and a component does not say its rate", "prices are net there"),
        ("tax_included", "prices are sent net; comes back as NO", _NO_FIELD),
        ("elements[].price_components[].price", "a gross price is sent net, to four decimals", "prices are net there"),
        ("elements[].price_components[].vat", "dropped where tax does not apply (N/A)", "it would be charged"),
        ("elements", "an element with an unknown restriction is dropped whole", "without it, it would be unconditional"),
        ("energy_mix.environ_impact", "custom categories are dropped", _CLOSED),
        ("preauthorize_amount", "dropped", _NO_FIELD),
    ),
    *_rows(
        "session",
        "2.3.0",
        "2.2.1",
        (
            "total_cost.taxes",
            "several taxes become one sum, without names, rates and accounts",
            "a price is a net and a gross amount there",
        ),
        ("cdr_token.type", "EMAID and custom types become OTHER", _CLOSED),
    ),
    *_rows(
        "cdr",
        "2.3.0",
        "2.2.1",
        (
            "total_*cost.taxes",
            "several taxes become one sum, without names, rates and accounts",
            "a price is a net and a gross amount there",
        ),
        ("cdr_token.type", "EMAID and custom types become OTHER", _CLOSED),
        ("cdr_location.connector_standard", "MCS and custom standards become the nearest likeness", _CLOSED),
        ("tariffs", "a Tariff that cannot be said is left out", "see tariff"),
    ),
    *_rows("token", "2.3.0", "2.2.1", ("type", "EMAID and custom types become OTHER", _CLOSED)),
    *_rows(
        "credentials",
        "2.3.0",
        "2.2.1",
        ("roles[].business_details.logo.category", "a custom category becomes OTHER", _CLOSED),
        ("roles[].role", "PTP becomes OTHER", _CLOSED),
        ("roles", "a hub presents itself alone, with the role HUB", "its parties are told by HubClientInfo there"),
    ),
    *_rows("client_info", "2.3.0", "2.2.1", ("role", "PTP becomes OTHER", _CLOSED)),
    *_rows("terminal", "2.3.0", "2.2.1", ("$", "withheld", "Payments is no module there")),
    *_rows("financial_advice_confirmation", "2.3.0", "2.2.1", ("$", "withheld", "Payments is no module there")),
]

_TO_211: list[Loss] = [
    *_rows(
        "location",
        "2.2.1",
        "2.1.1",
        ("$", "withheld when publish is false", "it could not be kept from drivers"),
        ("publish_allowed_to", "dropped", _NO_FIELD),
        ("state", "dropped", _NO_FIELD),
        ("address", "cut to 45 characters", "shorter there"),
        ("parking_type", "ON_DRIVEWAY and ALONG_MOTORWAY become OTHER", _CLOSED),
        ("facilities", "BIKE_SHARING, TRAM_STOP, METRO_STATION, PARKING_LOT are dropped", _CLOSED),
        ("evses", "an EVSE without a Connector that can be named is left out", "an EVSE has at least one Connector"),
    ),
    *_rows(
        "evse",
        "2.2.1",
        "2.1.1",
        ("$", "withheld when none of its Connectors can be named", "an EVSE has at least one Connector"),
        ("capabilities", "newer ones are dropped, and remote start where a Connector would have to be named", _CLOSED),
        ("connectors", "a Connector of a standard without a name is left out", _CLOSED),
    ),
    *_rows(
        "connector",
        "2.2.1",
        "2.1.1",
        ("$", "withheld when its standard has no name", _CLOSED),
        ("max_electric_power", "dropped", _NO_FIELD),
        ("power_type", "AC_2_PHASE and AC_2_PHASE_SPLIT become AC_1_PHASE", _CLOSED),
        ("tariff_ids", "one is sent: the regular one that is valid now", "a Connector has one Tariff there"),
    ),
    *_rows(
        "tariff",
        "2.2.1",
        "2.1.1",
        (
            "$",
            "withheld unless regular and valid now, and when nothing unconditional could be said of a dimension",
            "types and validity are unknown there",
        ),
        ("type", "dropped", _NO_FIELD),
        ("min_price", "dropped", _NO_FIELD),
        ("max_price", "dropped", _NO_FIELD),
        ("start_date_time", "dropped", _NO_FIELD),
        ("end_date_time", "dropped", _NO_FIELD),
        ("elements[].price_components[].vat", "dropped", _NO_FIELD),
        (
            "elements",
            "elements for reservations or with a limit of current are dropped whole",
            "without the restriction they would be unconditional",
        ),
    ),
    *_rows(
        "charging_period",
        "2.2.1",
        "2.1.1",
        ("tariff_id", "dropped", _NO_FIELD),
        ("dimensions", "ENERGY, MAX_CURRENT, MIN_CURRENT, PARKING_TIME, TIME remain, or ENERGY 0", _CLOSED),
    ),
    *_rows(
        "session",
        "2.2.1",
        "2.1.1",
        ("$", "withheld when its Location is not known", "the whole Location stands in it there"),
        ("authorization_reference", "dropped", _NO_FIELD),
        ("cdr_token.*", "only the contract_id is sent; comes back from the stored Token", "a Token is named by auth_id there"),
        ("auth_method", "COMMAND becomes AUTH_REQUEST", _CLOSED),
        ("status", "RESERVATION becomes PENDING", _CLOSED),
        ("total_cost.incl_vat", "dropped", _NO_MONEY),
        ("evse_uid", "not sent when the EVSE cannot be shown; comes back as #NA", "the whole EVSE stands in it there"),
        ("connector_id", "not sent when the Connector cannot be shown; comes back as #NA", "the whole Connector stands in it there"),
    ),
    *_rows(
        "cdr",
        "2.2.1",
        "2.1.1",
        ("$", "a credit CDR, or one with an id longer than 36, is withheld: to be settled by hand", "it cannot be said there"),
        ("session_id", "dropped", _NO_FIELD),
        ("authorization_reference", "dropped", _NO_FIELD),
        ("signed_data", "dropped", _NO_FIELD),
        ("invoice_reference_id", "dropped", _NO_FIELD),
        ("home_charging_compensation", "dropped", _NO_FIELD),
        ("credit", "dropped", _NO_FIELD),
        ("total_cost.incl_vat", "dropped", _NO_MONEY),
        ("total_fixed_cost", "dropped", _NO_MONEY),
        ("total_energy_cost", "dropped", _NO_MONEY),
        ("total_time_cost", "dropped", _NO_MONEY),
        ("total_parking_cost", "dropped", _NO_MONEY),
        ("total_reservation_cost", "dropped", _NO_MONEY),
        ("cdr_token.*", "only the contract_id is sent; comes back from the stored Token", "a Token is named by auth_id there"),
        ("auth_method", "COMMAND becomes AUTH_REQUEST", _CLOSED),
        ("cdr_location.state", "dropped", _NO_FIELD),
        ("cdr_location.connector_standard", "newer standards become the nearest likeness", _CLOSED),
        ("cdr_location.connector_power_type", "AC_2_PHASE and AC_2_PHASE_SPLIT become AC_1_PHASE", _CLOSED),
        ("tariffs", "a Tariff that cannot be said is left out", "see tariff"),
    ),
    *_rows(
        "token",
        "2.2.1",
        "2.1.1",
        ("type", "APP_USER and AD_HOC_USER become OTHER", _CLOSED),
        ("group_id", "dropped", _NO_FIELD),
        ("default_profile_type", "dropped", _NO_FIELD),
        ("energy_contract", "dropped", _NO_FIELD),
    ),
    *_rows(
        "authorization_info",
        "2.2.1",
        "2.1.1",
        ("token", "not sent; comes back from the stored Token", _NO_FIELD),
        ("authorization_reference", "dropped", _NO_FIELD),
    ),
    *_rows(
        "credentials",
        "2.2.1",
        "2.1.1",
        ("roles", "one party of one role is shown", "a connection has one party there"),
    ),
    *_rows(
        "version_details",
        "2.2.1",
        "2.1.1",
        ("$", "withheld when no module is left", "at least one endpoint"),
        ("endpoints", "one for each module, without its side; newer modules are left out", _NO_FIELD),
    ),
    *_rows(
        "start_session",
        "2.2.1",
        "2.1.1",
        ("connector_id", "dropped", _NO_FIELD),
        ("authorization_reference", "dropped", _NO_FIELD),
    ),
    *_rows(
        "reserve_now",
        "2.2.1",
        "2.1.1",
        ("$", "withheld without a number for the reservation", "reservations are counted there"),
        ("authorization_reference", "dropped", _NO_FIELD),
    ),
    *_rows(
        "command_response",
        "2.2.1",
        "2.1.1",
        ("timeout", "dropped; comes back as configured", _NO_FIELD),
        ("message", "dropped", _NO_FIELD),
    ),
    *_rows(
        "command_result",
        "2.2.1",
        "2.1.1",
        ("result", "every failure that has no name becomes REJECTED", _CLOSED),
        ("message", "dropped", _NO_FIELD),
    ),
    *(
        Loss(kind, "2.2.1", "2.1.1", "$", "withheld", "the version has no such object")
        for kind in (
            "active_charging_profile",
            "active_charging_profile_result",
            "cancel_reservation",
            "charging_preferences",
            "charging_profile",
            "charging_profile_response",
            "charging_profile_result",
            "clear_profile_result",
            "client_info",
            "set_charging_profile",
        )
    ),
    *(
        Loss("*", "2.2.1", "2.1.1", path, what, why)
        for path, what, why in (
            ("*_date_time", "fractions of a second are cut", "whole seconds there"),
            ("*last_updated", "fractions of a second are cut", "whole seconds there"),
            ("*expiry_date", "fractions of a second are cut", "whole seconds there"),
            ("*period_begin", "fractions of a second are cut", "whole seconds there"),
            ("*period_end", "fractions of a second are cut", "whole seconds there"),
            ("*coordinates.*itude", "six decimals", "exactly six there"),
            ("*related_locations[].*itude", "six decimals", "exactly six there"),
        )
    ),
    *(
        Loss("*", "2.2.1", "2.1.1", path, "accents are lost, other scripts are romanised, the length is kept", "printable ASCII there")
        for path in (
            "*name",
            "*city",
            "*address",
            "*text",
            "*floor_level",
            "*physical_reference",
            "*visual_number",
            "*issuer",
            "*meter_id",
            "*remark",
        )
    ),
]

_FROM_OLDER: list[Loss] = [
    Loss("client_info", "2.2.1", "2.3.0", "role", "HUB becomes OTHER", "the role is gone; a hub is named by hub_party_id"),
    Loss("credentials", "2.2.1", "2.3.0", "roles", "of a hub that presents other roles too, only the hub comes back", "see 2.3.0 to 2.2.1"),
    Loss("charging_period", "2.1.1", "2.2.1", "dimensions", "FLAT is dropped; ENERGY 0 when nothing is left", "a price, no volume"),
    Loss("command_response", "2.1.1", "2.2.1", "result", "TIMEOUT becomes REJECTED", "a timeout is a result there"),
    Loss("command_result", "2.1.1", "2.2.1", "result", "UNKNOWN_SESSION becomes FAILED", "not a result there"),
    Loss("location_references", "2.1.1", "2.2.1", "connector_ids", "kept, but not used", "the version has no such field"),
    Loss("location", "2.1.1", "2.2.1", "type", "OTHER is not said", "the enum is closed there; 2.3.0 keeps it as a custom type"),
    Loss("location", "2.1.1", "2.2.1", "opening_times.*", "one of regular_hours and twentyfourseven is said", "they exclude each other"),
    Loss("location", "2.1.1", "2.2.1", "time_zone", "invented from the country where it is missing", "required there"),
    Loss(
        "cdr",
        "2.1.1",
        "2.2.1",
        "location.*",
        "only what a CdrLocation holds is kept, of the first EVSE and Connector",
        "a CDR has no whole Location",
    ),
    Loss(
        "session",
        "2.1.1",
        "2.2.1",
        "location.*",
        "only the ids are kept; the rest is the stored Location's",
        "a Session names its Location",
    ),
]

LOSSES: tuple[Loss, ...] = (*_TO_221, *_TO_211, *_FROM_OLDER)


def listed(kind: str, source: str, target: str, path: str) -> Loss | None:
    """The row that announces what happened to `path` in a `kind`, if there is one."""
    for row in LOSSES:
        if row.kind in (kind, "*") and (row.source, row.target) == (source, target) and _covers(row.path, path):
            return row
    for place, inner in INSIDE.get(kind, {}).items():
        if path.startswith(f"{place}."):
            return listed(inner, source, target, path[len(place) + 1 :])
    return None


def _covers(pattern: str, path: str) -> bool:
    """Whether the row is about this path or something above it."""
    escaped = pattern.replace("[]", "[[]]")
    return fnmatchcase(path, escaped) or fnmatchcase(path, f"{escaped}.*") or fnmatchcase(path, f"{escaped}[[]]*")
