"""For every row of LOSSES a document that proves it."""

from decimal import Decimal
from typing import Any

from tests.model.documents import CONFIRMATION
from tests.versions.documents import (
    CDR,
    CDR_TOKEN,
    CONNECTOR,
    EVSE,
    FAR,
    LOCATION,
    LOCATION_211,
    PARTY,
    PERIOD,
    SESSION,
    TARIFF,
    TOKEN,
    WHEN,
    priced,
)

Document = dict[str, Any]
IMAGE: Document = {"url": "https://example.com/a.png", "category": "AERIAL", "type": "png"}
MIX: Document = {
    "is_green_energy": True,
    "environ_impact": [{"category": "NOISE", "amount": 1}],
    "supplier_name": "Öko",
    "energy_product_name": "Grün",
}
MCS: Document = {**CONNECTOR, "standard": "MCS"}


PRECISE: Document = {"period_begin": "2024-06-01T12:00:00.5Z", "period_end": "2024-06-01T13:00:00.5Z"}

_EVENING: Document = {"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}
HOURS_211: Document = {**LOCATION_211, "opening_times": {"twentyfourseven": False, "regular_hours": [_EVENING]}}
SESSION_221: Document = {**SESSION, "total_cost": {"excl_vat": Decimal("0.50")}}
TARIFF_221: Document = {key: value for key, value in TARIFF.items() if key != "tax_included"}

LATER = "2024-06-01T12:00:00.750Z"
TEXTS = [{"language": "de", "text": "Tür"}]
NET: Document = {"excl_vat": 1}
CHAOJI: Document = {**EVSE, "connectors": [{**CONNECTOR, "id": "2", "standard": "CHAOJI"}]}
PLACE: Document = {"id": "P", "vehicle_types": ["BUS"], "restricted_to_type": True, "reservation_required": False}
TWO_TAXES: Document = {"before_taxes": 1, "taxes": [{"name": "A", "amount": 1}, {"name": "B", "amount": 2}]}
GROSS: Document = {**TARIFF, "tax_included": "YES", "elements": [priced("0.3")]}
ORDER: Document = {"response_url": "https://example.com", "token": TOKEN, "location_id": "L1"}
HUB_221: Document = {"country_code": "NL", "party_id": "HUB", "role": "HUB", "status": "CONNECTED", "last_updated": WHEN}
CDR_221: Document = {**CDR, "total_cost": {"excl_vat": 1, "incl_vat": 2}}
RICH_CDR_221: Document = {
    **CDR_221,
    **dict.fromkeys(("session_id", "authorization_reference", "invoice_reference_id"), "X"),
    **dict.fromkeys(("total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost", "total_reservation_cost"), NET),
    "start_date_time": LATER,
    "auth_method": "COMMAND",
    "credit": False,
    "home_charging_compensation": False,
    "remark": "Größe",
    "signed_data": {"encoding_method": "X", "signed_values": [{"nature": "Start", "plain_data": "1", "signed_data": "2"}]},
    "cdr_location": {
        **CDR["cdr_location"],
        "address": "Straße 1",
        "state": "UT",
        "connector_standard": "GBT_AC",
        "connector_power_type": "AC_2_PHASE",
    },
    "tariffs": [{**TARIFF_221, "elements": [priced("1", min_current=16)]}],
}
_USED_211: Document = {
    **LOCATION_211,
    "name": "Somewhere",
    "evses": [{**EVSE, "connectors": [{**{key: CONNECTOR[key] for key in CONNECTOR if "max" not in key}, "voltage": 230, "amperage": 32}]}],
}
SESSION_211: Document = {
    "id": "S1",
    "start_datetime": WHEN,
    "kwh": 1,
    "auth_id": "A",
    "auth_method": "WHITELIST",
    "location": _USED_211,
    "currency": "EUR",
    "status": "ACTIVE",
    "last_updated": WHEN,
}
CDR_211: Document = {
    "id": "C1",
    "start_date_time": WHEN,
    "stop_date_time": WHEN,
    "auth_id": "A",
    "auth_method": "WHITELIST",
    "location": {**_USED_211, "operator": {"name": "A"}},
    "currency": "EUR",
    "charging_periods": [PERIOD],
    "total_cost": 1,
    "total_energy": 1,
    "total_time": 1,
    "last_updated": WHEN,
}


def details(module: str, *sides: str) -> Document:
    return {"version": "2.2.1", "endpoints": [{"identifier": module, "role": side, "url": "https://example.com"} for side in sides]}


# (kind, source, target) -> documents of `source` that lose something, each with what is known of it otherwise than usual.
LOSSY: dict[tuple[str, str, str], list[tuple[Document, Document]]] = {
    ("location", "2.3.0", "2.2.1"): [
        ({**LOCATION, "parking_places": [PLACE], "help_phone": "1", "evses": [{**EVSE, "connectors": [MCS]}]}, {}),
        ({**LOCATION, "parking_type": "BOAT", "facilities": ["SPA"], "images": [IMAGE], "energy_mix": MIX}, {}),
        ({**LOCATION, "publish": False, "publish_allowed_to": [{"type": "EMAID"}], "operator": {"name": "A", "logo": IMAGE}}, {}),
    ],
    ("evse", "2.3.0", "2.2.1"): [
        ({**EVSE, "parking": [{"parking_id": "P"}], "accepted_service_providers": ["A"], "parking_restrictions": ["TAXIS"]}, {}),
        ({**EVSE, "connectors": [MCS]}, {}),
        ({**EVSE, "connectors": [CONNECTOR, MCS], "capabilities": ["DANCE"], "images": [IMAGE]}, {}),
    ],
    ("connector", "2.3.0", "2.2.1"): [
        ({**CONNECTOR, "capabilities": ["ISO_15118_2_PLUG_AND_CHARGE"]}, {}),
        (MCS, {}),
        ({**CONNECTOR, "standard": "SAE_J3400"}, {"sae_j3400_as_tesla_s": True}),
    ],
    ("tariff", "2.3.0", "2.2.1"): [
        (GROSS, {}),
        ({**TARIFF, "tax_included": "YES"}, {}),
        ({**TARIFF, "tax_included": "N/A", "energy_mix": MIX, "preauthorize_amount": 50}, {}),
        ({**TARIFF, "elements": [priced("0.1", moon="FULL"), priced("0.2")]}, {}),
    ],
    ("cdr", "2.3.0", "2.2.1"): [
        ({**CDR, "total_cost": TWO_TAXES, "cdr_token": {**CDR_TOKEN, "type": "EMAID"}, "tariffs": [GROSS]}, {}),
        ({**CDR, "cdr_location": {**CDR["cdr_location"], "connector_standard": "MCS"}}, {}),
    ],
    ("credentials", "2.3.0", "2.2.1"): [
        ({"token": "t", "url": "https://example.com", "hub_party_id": "NLHUB", "roles": [PARTY]}, {}),
        ({"token": "t", "url": "https://example.com", "roles": [{**PARTY, "business_details": {"name": "A", "logo": IMAGE}}]}, {}),
        ({"token": "t", "url": "https://example.com", "roles": [{**PARTY, "role": "PTP"}]}, {}),
    ],
    ("client_info", "2.3.0", "2.2.1"): [({**HUB_221, "role": "PTP"}, {})],
    ("terminal", "2.3.0", "2.2.1"): [({"terminal_id": "TM-1", "last_updated": WHEN}, {})],
    ("financial_advice_confirmation", "2.3.0", "2.2.1"): [(CONFIRMATION, {})],
    ("location", "2.2.1", "2.1.1"): [
        ({**LOCATION, "address": "Straße 1", "directions": [{"language": "de", "text": "Tür"}]}, {}),
        ({**LOCATION, "state": "UT", "address": "x" * 50, "facilities": ["TRAM_STOP"], "city": "Å", "evses": [CHAOJI]}, {}),
        ({**LOCATION, "publish_allowed_to": [{"uid": "1"}], "energy_mix": {**MIX, "environ_impact": []}}, {}),
        ({**LOCATION, "coordinates": FAR, "related_locations": [FAR], "parking_type": "ON_DRIVEWAY"}, {}),
        ({**LOCATION, "opening_times": {"twentyfourseven": True, "exceptional_closings": [PRECISE]}}, {}),
        ({**LOCATION, "publish": False}, {}),
    ],
    ("connector", "2.2.1", "2.1.1"): [
        ({**CONNECTOR, "power_type": "AC_2_PHASE", "tariff_ids": ["A", "B"], "max_electric_power": 1}, {}),
        ({**CONNECTOR, "standard": "CHAOJI"}, {}),
    ],
    ("location", "2.1.1", "2.2.1"): [({**LOCATION_211, "type": "OTHER"}, {}), (HOURS_211, {})],
    ("evse", "2.2.1", "2.1.1"): [
        ({**EVSE, "capabilities": ["PED_TERMINAL"], "connectors": [CONNECTOR, *CHAOJI["connectors"]], "last_updated": LATER}, {}),
        (CHAOJI, {}),
        ({**EVSE, "floor_level": "−1", "physical_reference": "Säule", "coordinates": FAR}, {}),
    ],
    ("tariff", "2.2.1", "2.1.1"): [
        ({**TARIFF_221, "type": "PROFILE_FAST"}, {}),
        (
            {
                **TARIFF_221,
                **dict.fromkeys(("start_date_time", "end_date_time"), WHEN),
                **dict.fromkeys(("min_price", "max_price"), NET),
                "type": "REGULAR",
            },
            {},
        ),
        ({**TARIFF_221, "elements": [priced("1", reservation="RESERVATION"), priced("0.2")]}, {}),
    ],
    ("session", "2.2.1", "2.1.1"): [
        (
            {
                **SESSION_221,
                "authorization_reference": "R",
                "auth_method": "COMMAND",
                "status": "RESERVATION",
                "total_cost": {"excl_vat": 1, "incl_vat": 2},
            },
            {},
        ),
        ({**SESSION_221, "meter_id": "Zähler"}, {"location": None}),
        ({**SESSION_221, "meter_id": "Zähler"}, {"location": {**LOCATION, "evses": []}}),
    ],
    ("reserve_now", "2.2.1", "2.1.1"): [
        ({**ORDER, "expiry_date": LATER, "reservation_id": "R", "authorization_reference": "R"}, {}),
        (
            {"response_url": "https://example.com", "token": TOKEN, "expiry_date": WHEN, "reservation_id": "R-1", "location_id": "L1"},
            {"reservation_number": None},
        ),
    ],
    ("session", "2.3.0", "2.2.1"): [({**SESSION, "total_cost": TWO_TAXES, "cdr_token": {**CDR_TOKEN, "type": "EMAID"}}, {})],
    ("token", "2.3.0", "2.2.1"): [({**TOKEN, "type": "EMAID"}, {})],
    ("charging_period", "2.2.1", "2.1.1"): [
        ({**PERIOD, "tariff_id": "T1", "start_date_time": LATER}, {}),
        ({**PERIOD, "dimensions": [{"type": "POWER", "volume": 1}]}, {}),
    ],
    ("cdr", "2.2.1", "2.1.1"): [({**CDR_221, "credit": True, "credit_reference_id": "C0"}, {}), (RICH_CDR_221, {})],
    ("token", "2.2.1", "2.1.1"): [
        (
            {
                **TOKEN,
                "type": "APP_USER",
                "group_id": "G",
                "default_profile_type": "FAST",
                "energy_contract": {"supplier_name": "S"},
                "issuer": "Clübe",
                "visual_number": "№ 1",
            },
            {},
        )
    ],
    ("authorization_info", "2.2.1", "2.1.1"): [({"allowed": "ALLOWED", "token": TOKEN, "authorization_reference": "R"}, {})],
    ("credentials", "2.2.1", "2.1.1"): [({"token": "t", "url": "https://example.com", "roles": [PARTY, {**PARTY, "party_id": "TWO"}]}, {})],
    ("version_details", "2.2.1", "2.1.1"): [(details("locations", "SENDER"), {}), (details("hubclientinfo", "SENDER"), {})],
    ("start_session", "2.2.1", "2.1.1"): [({**ORDER, "connector_id": "1", "authorization_reference": "R"}, {})],
    ("command_response", "2.2.1", "2.1.1"): [({"result": "ACCEPTED", "timeout": 99, "message": TEXTS}, {})],
    ("command_result", "2.2.1", "2.1.1"): [({"result": "FAILED", "message": TEXTS}, {})],
    ("cancel_reservation", "2.2.1", "2.1.1"): [({"response_url": "https://example.com", "reservation_id": "R"}, {})],
    ("charging_preferences", "2.2.1", "2.1.1"): [({"profile_type": "FAST"}, {})],
    ("charging_profile", "2.2.1", "2.1.1"): [({"charging_rate_unit": "A"}, {})],
    ("active_charging_profile", "2.2.1", "2.1.1"): [({"start_date_time": WHEN, "charging_profile": {"charging_rate_unit": "A"}}, {})],
    ("set_charging_profile", "2.2.1", "2.1.1"): [
        ({"charging_profile": {"charging_rate_unit": "A"}, "response_url": "https://example.com"}, {})
    ],
    ("charging_profile_response", "2.2.1", "2.1.1"): [({"result": "ACCEPTED", "timeout": 30}, {})],
    **{
        (kind, "2.2.1", "2.1.1"): [({"result": "ACCEPTED"}, {})]
        for kind in ("active_charging_profile_result", "charging_profile_result", "clear_profile_result")
    },
    ("client_info", "2.2.1", "2.1.1"): [(HUB_221, {})],
    ("client_info", "2.2.1", "2.3.0"): [(HUB_221, {})],
    ("credentials", "2.2.1", "2.3.0"): [({"token": "t", "url": "https://example.com", "roles": [PARTY, {**PARTY, "role": "HUB"}]}, {})],
    ("charging_period", "2.1.1", "2.2.1"): [({**PERIOD, "dimensions": [{"type": "FLAT", "volume": 1}]}, {})],
    ("command_response", "2.1.1", "2.2.1"): [({"result": "TIMEOUT"}, {})],
    ("command_result", "2.1.1", "2.2.1"): [({"result": "UNKNOWN_SESSION"}, {})],
    ("location_references", "2.1.1", "2.2.1"): [({"location_id": "L1", "connector_ids": ["1"]}, {})],
    ("cdr", "2.1.1", "2.2.1"): [(CDR_211, {})],
    ("session", "2.1.1", "2.2.1"): [(SESSION_211, {})],
}
