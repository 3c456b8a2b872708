"""The smallest document of each kind: every required field, nothing else. Made up; no partner's data."""

from decimal import Decimal
from typing import Any

T = "2024-05-01T12:00:00Z"
URL = "https://emsp.example/ocpi"
CPO = {"country_code": "NL", "party_id": "TNM"}
EMSP = {"country_code": "DE", "party_id": "ABC"}
COORDINATES = {"latitude": "52.370216", "longitude": "4.895168"}

CONNECTOR: dict[str, Any] = {
    "id": "1",
    "standard": "IEC_62196_T2",
    "format": "SOCKET",
    "power_type": "AC_3_PHASE",
    "max_voltage": 230,
    "max_amperage": 32,
    "last_updated": T,
}
EVSE: dict[str, Any] = {"uid": "E1", "status": "AVAILABLE", "connectors": [CONNECTOR], "last_updated": T}
LOCATION: dict[str, Any] = {
    **CPO,
    "id": "L1",
    "publish": True,
    "address": "Stationsplein 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": COORDINATES,
    "time_zone": "Europe/Amsterdam",
    "last_updated": T,
}
TARIFF: dict[str, Any] = {
    **CPO,
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.25"), "step_size": 1}]}],
    "tax_included": "NO",
    "last_updated": T,
}
TOKEN: dict[str, Any] = {
    **EMSP,
    "uid": "0123",
    "type": "RFID",
    "contract_id": "DE-ABC-C00000001-2",
    "issuer": "ABC",
    "valid": True,
    "whitelist": "ALLOWED",
    "last_updated": T,
}
CDR_TOKEN: dict[str, Any] = {**EMSP, "uid": "0123", "type": "RFID", "contract_id": "DE-ABC-C00000001-2"}
PERIOD: dict[str, Any] = {"start_date_time": T, "dimensions": [{"type": "ENERGY", "volume": 1}]}
SESSION: dict[str, Any] = {
    **CPO,
    "id": "S1",
    "start_date_time": T,
    "kwh": 0,
    "cdr_token": CDR_TOKEN,
    "auth_method": "WHITELIST",
    "location_id": "L1",
    "evse_uid": "E1",
    "connector_id": "1",
    "currency": "EUR",
    "status": "ACTIVE",
    "last_updated": T,
}
CDR_LOCATION: dict[str, Any] = {
    "id": "L1",
    "address": "Stationsplein 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": COORDINATES,
    "evse_uid": "E1",
    "evse_id": "NL*TNM*E1",
    "connector_id": "1",
    "connector_standard": "IEC_62196_T2",
    "connector_format": "SOCKET",
    "connector_power_type": "AC_3_PHASE",
}
CDR: dict[str, Any] = {
    **CPO,
    "id": "C1",
    "start_date_time": T,
    "end_date_time": "2024-05-01T13:00:00Z",
    "cdr_token": CDR_TOKEN,
    "auth_method": "WHITELIST",
    "cdr_location": CDR_LOCATION,
    "currency": "EUR",
    "charging_periods": [PERIOD],
    "total_cost": {"before_taxes": Decimal("0.25")},
    "total_energy": 1,
    "total_time": 1,
    "last_updated": T,
}
PROFILE: dict[str, Any] = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 16}]}

TERMINAL: dict[str, Any] = {"terminal_id": "TM-1", "last_updated": T}
CONFIRMATION: dict[str, Any] = {
    "id": "FAC-1",
    "authorization_reference": "REF-1",
    "total_costs": {"before_taxes": Decimal("2.50"), "taxes": [{"name": "VAT", "amount": Decimal("0.53")}]},
    "currency": "EUR",
    "eft_data": ["Card: **** 1234"],
    "capture_status_code": "SUCCESS",
    "last_updated": T,
}

MINIMAL: dict[str, dict[str, Any]] = {
    "version": {"version": "2.3.0", "url": URL},
    "version_details": {"version": "2.3.0", "endpoints": [{"identifier": "tokens", "role": "SENDER", "url": URL}]},
    "credentials": {"token": "secret", "url": URL, "roles": [{**CPO, "role": "CPO", "business_details": {"name": "TNM"}}]},
    "location": LOCATION,
    "evse": EVSE,
    "connector": CONNECTOR,
    "tariff": TARIFF,
    "session": SESSION,
    "charging_period": PERIOD,
    "charging_preferences": {"profile_type": "GREEN"},
    "cdr": CDR,
    "token": TOKEN,
    "authorization_info": {"allowed": "ALLOWED", "token": TOKEN},
    "location_references": {"location_id": "L1"},
    "start_session": {"response_url": URL, "token": TOKEN, "location_id": "L1"},
    "stop_session": {"response_url": URL, "session_id": "S1"},
    "reserve_now": {"response_url": URL, "token": TOKEN, "expiry_date": T, "reservation_id": "R1", "location_id": "L1"},
    "cancel_reservation": {"response_url": URL, "reservation_id": "R1"},
    "unlock_connector": {"response_url": URL, "location_id": "L1", "evse_uid": "E1", "connector_id": "1"},
    "command_response": {"result": "ACCEPTED", "timeout": 30},
    "command_result": {"result": "ACCEPTED"},
    "active_charging_profile": {"start_date_time": T, "charging_profile": PROFILE},
    "active_charging_profile_result": {"result": "ACCEPTED", "profile": {"start_date_time": T, "charging_profile": PROFILE}},
    "charging_profile": PROFILE,
    "charging_profile_response": {"result": "ACCEPTED", "timeout": 30},
    "charging_profile_result": {"result": "ACCEPTED"},
    "clear_profile_result": {"result": "ACCEPTED"},
    "set_charging_profile": {"charging_profile": PROFILE, "response_url": URL},
    "client_info": {**CPO, "role": "CPO", "status": "CONNECTED", "last_updated": T},
    "terminal": TERMINAL,
    "financial_advice_confirmation": CONFIRMATION,
}
