"""What is wrong, in one vocabulary: the error codes of 1.6, which are also what the events of 2.x are brought to, with how bad each is.

The last three no station tells: they follow from what it does (`derived`, `starts`).

critical: nobody can charge there · major: charging is hampered · minor: something beside it · info: no reason to do anything
"""

from __future__ import annotations

SEVERITY = {
    "ConnectorLockFailure": "major",
    "GroundFailure": "critical",
    "HighTemperature": "major",
    "OverCurrentFailure": "critical",
    "OverVoltage": "critical",
    "UnderVoltage": "major",
    "PowerMeterFailure": "critical",
    "PowerSwitchFailure": "critical",
    "ReaderFailure": "minor",
    "EVCommunicationError": "major",
    "InternalError": "major",
    "LocalListConflict": "minor",
    "ResetFailure": "minor",
    "WeakSignal": "info",
    "EmergencyStop": "critical",
    "OtherError": "major",
    "StationSilent": "major",
    "MeterNotMoving": "major",
    "StartsFailing": "major",
}

BY_COMPONENT = {
    "ConnectorPlugRetentionLock": "ConnectorLockFailure",
    "RCD": "GroundFailure",
    "GroundIsolationProtection": "GroundFailure",
    "OverCurrentProtection": "OverCurrentFailure",
    "OverCurrentBreaker": "OverCurrentFailure",
    "OverCurrentProtectionRecloser": "OverCurrentFailure",
    "TemperatureSensor": "HighTemperature",
    "FiscalMetering": "PowerMeterFailure",
    "PowerContactor": "PowerSwitchFailure",
    "TokenReader": "ReaderFailure",
    "CPPWMController": "EVCommunicationError",
    "ISO15118Ctrlr": "EVCommunicationError",
    "DataLink": "WeakSignal",
    "EmergencyStopSensor": "EmergencyStop",
    "LocalAuthListCtrlr": "LocalListConflict",
    "Controller": "InternalError",
}
"""By the standardised component of 2.x whose Problem, Tripped or Active says so."""
SAYING = ("Problem", "Tripped", "Active", "Fault")
WHOLE = ("ChargingStation", "EVSE", "Connector")
"""Components whose Problem says no more than that there is one; nobody can charge there."""
LEVELS = ("critical", "critical", "critical", "critical", "major", "major", "minor", "info", "info", "info")
"""What the severities 0 (danger) to 9 (debug) of 2.1 are here."""
FAULT_REASONS = {
    "EmergencyStop": "EmergencyStop",
    "GroundFault": "GroundFailure",
    "OvercurrentFault": "OverCurrentFailure",
    "PowerLoss": "PowerLoss",
    "PowerQuality": "PowerQuality",
    "Reboot": "Reboot",
    "HardReset": "Reset",
    "ImmediateReset": "Reset",
}
"""Reasons for which a transaction ends that no driver had."""


def severity(code: str) -> str:
    return SEVERITY.get(code, "major")


def code_of(component: str, variable: str) -> str | None:
    """The code that an event of 2.x stands for; None: it tells of no fault."""
    if component == "ElectricalFeed" and variable in ("ACVoltage", "DCVoltage", "VoltageImbalance"):
        return None  # whether it is too much or too little only its value can tell
    if variable not in SAYING:
        return None
    return BY_COMPONENT.get(component, "OtherError")
