"""Documents made by hand for the tests of the bridge: small, of the newest form unless their name says otherwise."""

from decimal import Decimal
from typing import Any

Document = dict[str, Any]
WHEN = "2024-06-01T12:00:00Z"

CONNECTOR: Document = {
    "id": "1",
    "standard": "IEC_62196_T2",
    "format": "SOCKET",
    "power_type": "AC_3_PHASE",
    "max_voltage": 230,
    "max_amperage": 32,
    "last_updated": WHEN,
}
EVSE: Document = {"uid": "E1", "evse_id": "NL*TST*E1", "status": "AVAILABLE", "connectors": [CONNECTOR], "last_updated": WHEN}
LOCATION: Document = {
    "country_code": "NL",
    "party_id": "TST",
    "id": "L1",
    "publish": True,
    "address": "Lindenlaan 1",
    "city": "Utrecht",
    "country": "NLD",
    "coordinates": {"latitude": "52.090700", "longitude": "5.121400"},
    "evses": [EVSE],
    "time_zone": "Europe/Amsterdam",
    "last_updated": WHEN,
}
TOKEN: Document = {
    "country_code": "DE",
    "party_id": "EMP",
    "uid": "04A1",
    "type": "RFID",
    "contract_id": "DEEMPC00000001",
    "issuer": "Driver Club",
    "valid": True,
    "whitelist": "ALLOWED",
    "last_updated": WHEN,
}
PARTY: Document = {"role": "CPO", "country_code": "NL", "party_id": "TST", "business_details": {"name": "Test Power"}}
FAR: Document = {"latitude": "52.09070", "longitude": "5.1214001"}
CDR_TOKEN: Document = {key: TOKEN[key] for key in ("country_code", "party_id", "uid", "type", "contract_id")}
PERIOD: Document = {"start_date_time": WHEN, "dimensions": [{"type": "ENERGY", "volume": Decimal("1.5")}]}
SESSION: Document = {
    "country_code": "NL",
    "party_id": "TST",
    "id": "S1",
    "start_date_time": WHEN,
    "kwh": Decimal("1.5"),
    "cdr_token": CDR_TOKEN,
    "auth_method": "WHITELIST",
    "location_id": "L1",
    "evse_uid": "E1",
    "connector_id": "1",
    "currency": "EUR",
    "charging_periods": [PERIOD],
    "total_cost": {"before_taxes": Decimal("0.50"), "taxes": [{"name": "VAT", "percentage": 20, "amount": Decimal("0.10")}]},
    "status": "ACTIVE",
    "last_updated": WHEN,
}
TARIFF: Document = {
    "country_code": "NL",
    "party_id": "TST",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.25"), "vat": 20, "step_size": 1}]}],
    "tax_included": "NO",
    "last_updated": WHEN,
}
CDR: Document = {
    "country_code": "NL",
    "party_id": "TST",
    "id": "C1",
    "start_date_time": WHEN,
    "end_date_time": "2024-06-01T13:00:00Z",
    "cdr_token": CDR_TOKEN,
    "auth_method": "WHITELIST",
    "cdr_location": {
        "id": "L1",
        "address": "Lindenlaan 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": "52.090700", "longitude": "5.121400"},
        "evse_uid": "E1",
        "evse_id": "NL*TST*E1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    },
    "currency": "EUR",
    "charging_periods": [PERIOD],
    "total_cost": {"before_taxes": Decimal("0.50"), "taxes": [{"name": "VAT", "percentage": 20, "amount": Decimal("0.10")}]},
    "total_energy": Decimal("1.5"),
    "total_time": 1,
    "last_updated": WHEN,
}

IMAGE: Document = {"url": "https://example.com/a.png", "category": "AERIAL", "type": "png"}
MIX: Document = {
    "is_green_energy": True,
    "environ_impact": [{"category": "NOISE", "amount": 1}],
    "supplier_name": "Öko",
    "energy_product_name": "Grün",
}
MCS: Document = {**CONNECTOR, "standard": "MCS"}


def priced(price: str, vat: int | None = None, **restrictions: Any) -> Document:
    component: Document = {"type": "ENERGY", "price": Decimal(price), "step_size": 1}
    element: Document = {"price_components": [component if vat is None else {**component, "vat": vat}]}
    return {**element, "restrictions": restrictions} if restrictions else element


PRECISE: Document = {"period_begin": "2024-06-01T12:00:00.5Z", "period_end": "2024-06-01T13:00:00.5Z"}

# Of the forms of 2.1.1 and 2.2.1.
LOCATION_211: Document = {
    "id": "L1",
    "type": "ON_STREET",
    "address": "Lindenlaan 1",
    "city": "Utrecht",
    "postal_code": "3511 AA",
    "country": "NLD",
    "coordinates": {"latitude": "52.090700", "longitude": "5.121400"},
    "last_updated": WHEN,
}
_EVENING: Document = {"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}
HOURS_211: Document = {**LOCATION_211, "opening_times": {"twentyfourseven": False, "regular_hours": [_EVENING]}}
SESSION_221: Document = {**SESSION, "total_cost": {"excl_vat": Decimal("0.50")}}
TARIFF_221: Document = {key: value for key, value in TARIFF.items() if key != "tax_included"}

# What random documents show too seldom: (kind, source, target) -> documents of `source`, each with what is not known about it as usual.
RARE: dict[tuple[str, str, str], list[tuple[Document, Document]]] = {
    ("location", "2.3.0", "2.2.1"): [
        ({**LOCATION, "parking_type": "BOAT", "facilities": ["SPA"], "images": [IMAGE], "energy_mix": MIX}, {}),
        ({**LOCATION, "publish": False, "publish_allowed_to": [{"type": "EMAID"}], "operator": {"name": "A", "logo": IMAGE}}, {}),
    ],
    ("evse", "2.3.0", "2.2.1"): [
        ({**EVSE, "connectors": [MCS]}, {}),
        ({**EVSE, "connectors": [CONNECTOR, MCS], "capabilities": ["DANCE"], "images": [IMAGE]}, {}),
    ],
    ("connector", "2.3.0", "2.2.1"): [(MCS, {}), ({**CONNECTOR, "standard": "SAE_J3400"}, {"sae_j3400_as_tesla_s": True})],
    ("tariff", "2.3.0", "2.2.1"): [
        ({**TARIFF, "tax_included": "YES"}, {}),
        ({**TARIFF, "tax_included": "N/A", "energy_mix": MIX}, {}),
        ({**TARIFF, "elements": [priced("0.1", moon="FULL"), priced("0.2")]}, {}),
    ],
    ("cdr", "2.3.0", "2.2.1"): [({**CDR, "cdr_location": {**CDR["cdr_location"], "connector_standard": "MCS"}}, {})],
    ("credentials", "2.3.0", "2.2.1"): [
        ({"token": "t", "url": "https://example.com", "roles": [{**PARTY, "business_details": {"name": "A", "logo": IMAGE}}]}, {}),
    ],
    ("location", "2.2.1", "2.1.1"): [
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
    ("evse", "2.2.1", "2.1.1"): [({**EVSE, "floor_level": "−1", "physical_reference": "Säule", "coordinates": FAR}, {})],
    ("tariff", "2.2.1", "2.1.1"): [({**TARIFF_221, "elements": [priced("1", reservation="RESERVATION"), priced("0.2")]}, {})],
    ("session", "2.2.1", "2.1.1"): [
        ({**SESSION_221, "meter_id": "Zähler"}, {"location": None}),
        ({**SESSION_221, "meter_id": "Zähler"}, {"location": {**LOCATION, "evses": []}}),
    ],
    ("reserve_now", "2.2.1", "2.1.1"): [
        (
            {"response_url": "https://example.com", "token": TOKEN, "expiry_date": WHEN, "reservation_id": "R-1", "location_id": "L1"},
            {"reservation_number": None},
        ),
    ],
}
