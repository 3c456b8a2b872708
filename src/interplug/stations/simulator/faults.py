"""What can be wrong with a station, in the words of 1.6, and the component of 2.x that says it.

A fault that blocks ends the charge and keeps everybody away; another is only told. In 2.x a StatusNotification says nothing of why, so
the component's variable is reported besides, when the fault begins and when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPONENTS: dict[str, tuple[str, str]] = {
    "ConnectorLockFailure": ("ConnectorPlugRetentionLock", "Problem"),
    "EVCommunicationError": ("CPPWMController", "Problem"),
    "GroundFailure": ("RCD", "Tripped"),
    "HighTemperature": ("TemperatureSensor", "Problem"),
    "InternalError": ("Controller", "Problem"),
    "OverCurrentFailure": ("OverCurrentProtection", "Problem"),
    "OverVoltage": ("ElectricalFeed", "Problem"),
    "UnderVoltage": ("ElectricalFeed", "Problem"),
    "PowerMeterFailure": ("FiscalMetering", "Problem"),
    "PowerSwitchFailure": ("PowerContactor", "Problem"),
    "ReaderFailure": ("TokenReader", "Problem"),
    "WeakSignal": ("DataLink", "Problem"),
    "EmergencyStop": ("EmergencyStopSensor", "Active"),
    "OtherError": ("EVSE", "Problem"),
}
WARNINGS = frozenset({"ReaderFailure", "WeakSignal"})
"""With these a station goes on."""
STOPPED = {"GroundFailure": "GroundFault", "OverCurrentFailure": "OvercurrentFault", "OverVoltage": "PowerQuality",
           "UnderVoltage": "PowerQuality", "EmergencyStop": "EmergencyStop"}  # fmt: skip
"""Why a transaction ended, as 2.x says it; else Other."""
CODES = tuple(COMPONENTS)


@dataclass(slots=True, eq=False)
class Fault:
    code: str
    evse: int
    """0: the whole station."""
    at: int
    vendor_code: str = ""
    text: str = ""
    told: bool = False

    @property
    def blocks(self) -> bool:
        return self.code not in WARNINGS

    @property
    def stopped(self) -> str:
        return STOPPED.get(self.code, "Other")
