"""What a 1.6 station says. Every connector stands for itself, a transaction has a number that the CSMS gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator.cards import Standing
from interplug.stations.simulator.evse import Evse, Hold
from interplug.stations.simulator.faults import Fault
from interplug.stations.simulator.readings import Reading
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.transaction import Token, Transaction

from .common import Speaker, moment, time

REASONS = {
    "DeAuthorized",
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
}
OTHER_CODES = {"EmergencyStop": "OtherError"}
NO_NUMBER = -1
"""Of a transaction whose beginning was never accepted."""


class Says16(Speaker):
    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self.told = ""
        """Of the station as a whole, connector 0."""

    # --- its connectors, which are numbered through

    def number(self, evse: Evse, connector: int) -> int:
        before = sum(len(one.plan.connectors) for one in self.of.evses if one.number < evse.number)
        return before + connector

    def plug(self, number: int) -> tuple[Evse, int] | None:
        for evse in self.of.evses:
            connector = number - self.number(evse, 0)
            if 0 < connector <= len(evse.plan.connectors):
                return evse, connector
        return None

    # --- the station

    def boot(self, reason: str) -> None:
        plan = self.of.plan
        self.put(
            "BootNotification",
            {
                "chargePointVendor": plan.vendor,
                "chargePointModel": plan.model,
                "chargePointSerialNumber": plan.id[:25],
                "firmwareVersion": plan.firmware,
            },
            self.booted,
        )

    def forget(self) -> None:
        self.told = ""

    def station(self, now: int) -> None:
        if not self.of.online:
            return
        state = "Available" if any(one.operative for one in self.of.evses) else "Unavailable"
        if any(one.evse == 0 and one.blocks for one in self.of.faults):
            state = "Faulted"
        if state != self.told:
            self.told = state
            self._status(0, state, self._fault(0), now)
        for fault in self.of.faults:
            if not fault.told and not fault.blocks:
                self._warn(fault, now)

    def _warn(self, fault: Fault, now: int) -> None:
        fault.told = True
        evse = self.of.evse(fault.evse)
        if evse is None:
            self._status(0, self.told, fault, now)
        else:
            self._status(self.number(evse, evse.plug), evse.state(evse.plug), fault, now)

    def cleared(self, fault: Fault, now: int) -> None:
        evse = self.of.evse(fault.evse)
        if evse is None:
            self.told = ""
        else:
            evse.told.pop(evse.plug, None)

    def _fault(self, number: int) -> Fault | None:
        """What is wrong, the worst first."""
        found = sorted((one for one in self.of.faults if one.evse == number), key=lambda one: not one.blocks)
        return found[0] if found else None

    def status(self, evse: Evse, connector: int, state: str, now: int) -> None:
        if self.of.online:
            fault = evse.fault or self._fault(evse.number)
            self._status(self.number(evse, connector), state, fault, now, self.connector_told(evse, connector, state))

    def _status(
        self, number: int, state: str, fault: Fault | None, now: int, replied: Callable[[Payload | None], None] | None = None
    ) -> None:
        payload: Payload = {"connectorId": number, "errorCode": "NoError", "status": state, "timestamp": time(now)}
        if fault is not None:
            payload["errorCode"] = OTHER_CODES.get(fault.code, fault.code)
            payload["info"] = (fault.text or (fault.code if fault.code in OTHER_CODES else ""))[:50]
            payload |= {"vendorId": self.of.plan.vendor, "vendorErrorCode": fault.vendor_code[:50]} if fault.vendor_code else {}
        self.put("StatusNotification", payload, replied)

    def hold_over(self, hold: Hold, how: str) -> None:
        """1.6 has no word for it: the CSMS knows when a reservation ends, and sees the state."""

    def allowed(self, watts: float | None, now: int) -> None:
        """1.6 has no word for it either: a CSMS asks for the schedule."""

    # --- transactions

    def authorise(self, token: Token, then: Callable[[Standing | None], None]) -> None:
        self.put("Authorize", {"idTag": token.id}, lambda answer: then(standing(answer["idTagInfo"]) if answer is not None else None))

    def started(self, evse: Evse, tx: Transaction, trigger: str, now: int) -> None:
        assert tx.token is not None
        token = tx.token
        payload: Payload = {
            "connectorId": self.number(evse, evse.plug),
            "idTag": token.id,
            "meterStart": tx.register,
            "timestamp": time(tx.began),
        }
        if tx.reservation is not None:
            payload["reservationId"] = tx.reservation

        def replied(answer: Payload | None) -> None:
            if answer is not None:
                tx.number = answer["transactionId"]
                self.of.judged(token, standing(answer["idTagInfo"]), tx.id)

        self.put("StartTransaction", payload, replied, kept=True)

    def updated(self, evse: Evse, tx: Transaction, trigger: str, reading: Reading | None, now: int) -> None:
        if reading is not None and trigger in ("MeterValuePeriodic", "MeterValueClock", "Trigger"):
            self.measured(self.number(evse, evse.plug), tx, reading)

    def measured(self, number: int, tx: Transaction | None, reading: Reading) -> None:
        def payload() -> Payload:
            named = {"transactionId": tx.number} if tx is not None and tx.number is not None else {}
            return {"connectorId": number, **named, "meterValue": [meter_value(reading)]}

        self.put("MeterValues", payload, kept=tx is not None)

    def ended(self, evse: Evse, tx: Transaction, trigger: str, reason: str, reading: Reading, now: int) -> None:
        data = [meter_value(one) for one in (tx.begin, reading) if one is not None and (one.samples or one.signed)]
        reason = self.of.because_reset if reason == "ImmediateReset" else reason
        payload: Payload = {
            "meterStop": reading.register,
            "timestamp": time(now),
            "reason": reason if reason in REASONS else "Other",
            **({"transactionData": data} if data else {}),
            **({"idTag": tx.token.id} if tx.token is not None and reason == "Local" else {}),
        }
        token = tx.token

        def replied(answer: Payload | None) -> None:
            if answer is not None and token is not None and "idTagInfo" in answer:
                self.of.judged(token, standing(answer["idTagInfo"]))

        self.put("StopTransaction", lambda: {"transactionId": NO_NUMBER if tx.number is None else tx.number, **payload}, replied, kept=True)


def standing(info: Payload) -> Standing:
    return Standing(info["status"], info.get("parentIdTag", ""), moment(info.get("expiryDate")))


def meter_value(reading: Reading) -> dict[str, Any]:
    return {"timestamp": time(reading.at), "sampledValue": list(_sampled(reading))}


def _sampled(reading: Reading) -> Iterable[dict[str, str]]:
    for one in reading.samples:
        sample = {"value": str(one.value), "context": reading.context, "measurand": one.measurand, "unit": one.unit}
        yield sample | ({"phase": one.phase} if one.phase else {}) | ({"location": one.location} if one.location else {})
    if reading.signed:
        yield {
            "value": reading.signed,
            "context": reading.context,
            "format": "SignedData",
            "measurand": "Energy.Active.Import.Register",
            "location": "Outlet",
        }
