"""The settings of a station as one table: the name of each in 1.6 (a configuration key) and in 2.x (a variable of a component).

What is read here is what the station does: a CSMS that changes an interval changes the station. Values are text, as on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SAMPLED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,SoC"
MEASURANDS = frozenset(
    [*SAMPLED.split(","), "Voltage", "Power.Offered", "Current.Offered"],
)


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    """In 1.6; empty: none there."""
    component: str
    """In 2.x; empty: none there."""
    variable: str
    default: str
    kind: str = "string"
    """DataEnumType of 2.x."""
    access: str = "ReadWrite"
    unit: str = ""
    instance: str | None = None
    reboot: bool = False
    """Takes effect when the station starts again."""

    @property
    def name(self) -> str:
        return self.key or f"{self.component}.{self.variable}"

    def fits(self, value: str) -> bool:
        if self.kind == "integer":
            return value.isdecimal() and len(value) < 10
        if self.kind == "boolean":
            return value.lower() in ("true", "false")
        if self.kind == "MemberList" and "Measurands" in self.variable:
            return all(part.strip() in MEASURANDS for part in value.split(",") if part.strip())
        return len(value) <= 500


RO, WO = "ReadOnly", "WriteOnly"
TABLE = (
    Setting("HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", "300", "integer", unit="s"),
    Setting("WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval", "60", "integer", unit="s"),
    Setting("", "OCPPCommCtrlr", "OfflineThreshold", "60", "integer", unit="s"),
    Setting("TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "3", "integer", instance="TransactionEvent"),
    Setting("TransactionMessageRetryInterval", "OCPPCommCtrlr", "MessageAttemptInterval", "10", "integer", instance="TransactionEvent"),
    Setting("", "OCPPCommCtrlr", "MessageTimeout", "30", "integer", unit="s", instance="Default"),
    Setting("", "OCPPCommCtrlr", "RetryBackOffWaitMinimum", "2", "integer", unit="s"),
    Setting("", "OCPPCommCtrlr", "RetryBackOffRandomRange", "2", "integer", unit="s"),
    Setting("", "OCPPCommCtrlr", "RetryBackOffRepeatTimes", "5", "integer"),
    Setting("ResetRetries", "OCPPCommCtrlr", "ResetRetries", "1", "integer"),
    Setting("ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", "120", "integer", unit="s"),
    Setting("StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId", "true", "boolean"),
    Setting("StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect", "true", "boolean", RO),
    Setting("", "TxCtrlr", "TxStartPoint", "PowerPathClosed", "MemberList"),
    Setting("", "TxCtrlr", "TxStopPoint", "Authorized,EVConnected", "MemberList"),
    Setting("MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval", "60", "integer", unit="s"),
    Setting("MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", SAMPLED, "MemberList"),
    Setting("StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register", "MemberList"),
    Setting("", "SampledDataCtrlr", "TxStartedMeasurands", "Energy.Active.Import.Register", "MemberList"),
    Setting("ClockAlignedDataInterval", "AlignedDataCtrlr", "Interval", "0", "integer", unit="s"),
    Setting("MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", "Energy.Active.Import.Register", "MemberList"),
    Setting("StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands", "", "MemberList"),
    Setting("AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart", "false", "boolean"),
    Setting("LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize", "false", "boolean"),
    Setting("LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline", "true", "boolean"),
    Setting("AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false", "boolean"),
    Setting("AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled", "true", "boolean"),
    Setting("LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled", "true", "boolean"),
    Setting("LocalAuthListMaxLength", "LocalAuthListCtrlr", "Entries", "1000", "integer", RO),
    Setting("SendLocalListMaxLength", "LocalAuthListCtrlr", "ItemsPerMessage", "100", "integer", RO),
    Setting("ChargeProfileMaxStackLevel", "SmartChargingCtrlr", "ProfileStackLevel", "9", "integer", RO),
    Setting("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr", "RateUnit", "Current,Power", "MemberList", RO),
    Setting("ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", "24", "integer", RO),
    Setting("MaxChargingProfilesInstalled", "SmartChargingCtrlr", "Entries", "20", "integer", RO, instance="ChargingProfiles"),
    Setting("GetConfigurationMaxKeys", "DeviceDataCtrlr", "ItemsPerMessage", "100", "integer", RO, instance="GetVariables"),
    Setting("", "DeviceDataCtrlr", "ItemsPerMessage", "100", "integer", RO, instance="GetReport"),
    Setting("ReserveConnectorZeroSupported", "ReservationCtrlr", "NonEvseSpecific", "true", "boolean", RO),
    Setting("AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword", "", "string", WO, reboot=True),
    Setting("SecurityProfile", "SecurityCtrlr", "SecurityProfile", "0", "integer", RO),
    Setting("CpoName", "SecurityCtrlr", "OrganizationName", "Interplug"),
    Setting("NumberOfConnectors", "", "", "1", "integer", RO),
    Setting("ConnectorPhaseRotation", "", "", "NotApplicable"),
    Setting("UnlockConnectorOnEVSideDisconnect", "", "", "true", "boolean", RO),
    Setting(
        "SupportedFeatureProfiles", "", "", "Core,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger", "string", RO
    ),
)  # fmt: skip


class Variables:
    """The values of one station. `extra` are read-only ones that only it has, such as the keys of its meters."""

    def __init__(self, values: Mapping[str, str], extra: tuple[Setting, ...] = ()) -> None:
        self.table = (*TABLE, *extra)
        self._values = {one: one.default for one in self.table}
        for name, value in values.items():
            found = self.key(name) or next((one for one in self.table if f"{one.component}.{one.variable}" == name), None)
            if found is None or not found.fits(value):
                raise ValueError(f"a station has no setting {name} = {value}")
            self._values[found] = value

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.table)

    def key(self, key: str) -> Setting | None:
        return next((one for one in self.table if one.key and one.key.lower() == key.lower()), None)

    def variable(self, component: str, variable: str, instance: str | None = None) -> Setting | None:
        wanted = component.lower(), variable.lower(), (instance or "").lower()
        return next(
            (one for one in self.table if (one.component.lower(), one.variable.lower(), (one.instance or "").lower()) == wanted), None
        )

    def component(self, component: str) -> bool:
        return any(one.component.lower() == component.lower() for one in self.table)

    def value(self, setting: Setting) -> str:
        return self._values[setting]

    def set(self, setting: Setting, value: str) -> None:
        self._values[setting] = value

    def named(self, name: str) -> Setting:
        return _NAMED[name]

    # --- what the station itself reads, by the name in either dialect

    def text(self, name: str) -> str:
        return self._values[_NAMED[name]]

    def number(self, name: str) -> int:
        return int(self.text(name))

    def on(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def list(self, name: str) -> list[str]:
        return [part.strip() for part in self.text(name).split(",") if part.strip()]


_NAMED = {one.name: one for one in TABLE}
