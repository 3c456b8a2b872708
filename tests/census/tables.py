"""The census in one import: facts, `check`, `strategy`, `values`, and which object a kind of document is.

Tests and the tester use this file and none of those behind it.
"""

from __future__ import annotations

from tests.census.checking import check
from tests.census.documents import strategy
from tests.census.facts import CARDINALITIES, SCALARS, VERSIONS, Enum, Field, Table, is_open, table, values

# Kinds as the project names them -> objects as the text names them.
KINDS = {
    "version": "Version",
    "version_details": "VersionDetails",
    "credentials": "Credentials",
    "location": "Location",
    "evse": "EVSE",
    "connector": "Connector",
    "session": "Session",
    "charging_preferences": "ChargingPreferences",
    "cdr": "CDR",
    "charging_period": "ChargingPeriod",
    "tariff": "Tariff",
    "token": "Token",
    "authorization_info": "AuthorizationInfo",
    "location_references": "LocationReferences",
    "start_session": "StartSession",
    "stop_session": "StopSession",
    "reserve_now": "ReserveNow",
    "cancel_reservation": "CancelReservation",
    "unlock_connector": "UnlockConnector",
    "command_response": "CommandResponse",
    "command_result": "CommandResult",
    "active_charging_profile": "ActiveChargingProfile",
    "active_charging_profile_result": "ActiveChargingProfileResult",
    "charging_profile": "ChargingProfile",
    "charging_profile_response": "ChargingProfileResponse",
    "charging_profile_result": "ChargingProfileResult",
    "clear_profile_result": "ClearProfileResult",
    "set_charging_profile": "SetChargingProfile",
    "client_info": "ClientInfo",
    "terminal": "Terminal",
    "financial_advice_confirmation": "FinancialAdviceConfirmation",
}
# 2.1.1 has one object for the answer to a command and for its result.
_OLDER_NAMES = {("2.1.1", "command_result"): "CommandResponse"}


def object_of(version: str, kind: str) -> str | None:
    """The object that carries this kind in this version; None where the version has no such thing."""
    name = _OLDER_NAMES.get((version, kind), KINDS[kind])
    return name if name in table(version).objects else None


__all__ = [
    "CARDINALITIES",
    "KINDS",
    "SCALARS",
    "VERSIONS",
    "Enum",
    "Field",
    "Table",
    "check",
    "is_open",
    "object_of",
    "strategy",
    "table",
    "values",
]
