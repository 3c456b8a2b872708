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

# Of the form of 2.1.1.
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


def priced(price: str, vat: int | None = None, **restrictions: Any) -> Document:
    component: Document = {"type": "ENERGY", "price": Decimal(price), "step_size": 1}
    element: Document = {"price_components": [component if vat is None else {**component, "vat": vat}]}
    return {**element, "restrictions": restrictions} if restrictions else element
