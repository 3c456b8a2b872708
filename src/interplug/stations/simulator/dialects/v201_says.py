"""What a 2.0.1 station says. A transaction tells of itself in events; what is wrong is told by the component that has it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator import ocmf
from interplug.stations.simulator.cards import Standing
from interplug.stations.simulator.evse import Evse, Hold
from interplug.stations.simulator.faults import COMPONENTS, Fault
from interplug.stations.simulator.readings import Reading
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.transaction import Token, Transaction

from .common import Speaker, moment, time

FOLDED = {"Faulted": "Faulted", "Unavailable": "Unavailable", "Reserved": "Reserved", "Available": "Available"}
"""States of 1.6 that 2.x has, too; the others are Occupied."""
REASONS = {"UnlockCommand": "Other"}
SOURCE = "EMS"
"""Who sets a limit besides the CSMS: the energy management of the place."""


class Says201(Speaker):
    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self._event = 0
        self._told: dict[tuple[int, int], str] = {}
        """The words in which each connector was told last, which are fewer than its states."""

    # --- the station

    def boot(self, reason: str) -> None:
        plan = self.of.plan
        station = {"model": plan.model, "vendorName": plan.vendor, "serialNumber": plan.id[:25], "firmwareVersion": plan.firmware}
        self.put("BootNotification", {"reason": reason, "chargingStation": station}, self.booted)

    def forget(self) -> None:
        for fault in self.of.faults:
            fault.told = False

    def station(self, now: int) -> None:
        if not self.of.online:
            return
        for fault in self.of.faults:
            if not fault.told:
                fault.told = True
                self.problem(fault, now, cleared=False)

    def cleared(self, fault: Fault, now: int) -> None:
        if self.of.online and fault.told:
            self.problem(fault, now, cleared=True)

    def problem(self, fault: Fault, now: int, *, cleared: bool) -> None:
        name, variable = COMPONENTS[fault.code]
        event: Payload = {"actualValue": "false" if cleared else "true", "trigger": "Alerting", "cleared": cleared}
        event |= (
            self.severity(fault)
            | {"techCode": (fault.vendor_code or fault.code)[:50]}
            | ({"techInfo": fault.text[:500]} if fault.text else {})
        )

        def replied(answer: Payload | None) -> None:
            fault.told = answer is not None

        self.event(now, self.component(name, fault.evse), variable, event, None if cleared else replied)

    def severity(self, fault: Fault) -> Payload:
        """2.0.1 has no word for it."""
        return {}

    def component(self, name: str, evse: int, connector: int = 0) -> Payload:
        where = {"id": evse} | ({"connectorId": connector} if connector else {})
        return {"name": name, "evse": where} if evse else {"name": name}

    def event(
        self, now: int, component: Payload, variable: str, fields: Payload, replied: Callable[[Payload | None], None] | None = None
    ) -> None:
        self._event += 1
        event = {
            "eventId": self._event,
            "timestamp": time(now),
            "eventNotificationType": "HardWiredNotification",
            "component": component,
            "variable": {"name": variable},
            **fields,
        }
        self.put("NotifyEvent", {"generatedAt": time(now), "seqNo": 0, "eventData": [event]}, replied)

    def folded(self, evse: Evse, state: str) -> str:
        """Until a cable is in, a driver who was let in changes nothing for 2.x."""
        if state == "Preparing" and evse.car is None:
            return "Reserved" if evse.hold is not None else "Available"
        return FOLDED.get(state, "Occupied")

    def status(self, evse: Evse, connector: int, state: str, now: int) -> None:
        if not self.of.online:
            return
        before, word = evse.told.get(connector), self.folded(evse, state)
        if before is not None and self._told.get((evse.number, connector)) == word:
            evse.told[connector] = state
            return
        self._told[evse.number, connector] = word
        self.connector(evse, connector, word, now, self.connector_told(evse, connector, state))

    def connector(self, evse: Evse, connector: int, word: str, now: int, replied: Callable[[Payload | None], None]) -> None:
        self.put(
            "StatusNotification",
            {"timestamp": time(now), "connectorStatus": word, "evseId": evse.number, "connectorId": connector},
            replied,
        )

    def hold_over(self, hold: Hold, how: str) -> None:
        if self.of.online:
            self.put("ReservationStatusUpdate", {"reservationId": hold.id, "reservationUpdateStatus": how})

    def allowed(self, watts: float | None, now: int) -> None:
        if not self.of.online:
            return
        if watts is None:
            self.put("ClearedChargingLimit", {"chargingLimitSource": SOURCE})
            return
        limit = Decimal(f"{watts:.1f}")
        schedule = {
            "id": 1,
            "startSchedule": time(now),
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        }
        self.put("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": SOURCE}, "chargingSchedule": [schedule]})

    # --- transactions

    def authorise(self, token: Token, then: Callable[[Standing | None], None]) -> None:
        def replied(answer: Payload | None) -> None:
            then(standing(answer["idTokenInfo"]) if answer is not None else None)

        self.put("Authorize", {"idToken": spelled(token)}, replied)

    def started(self, evse: Evse, tx: Transaction, trigger: str, now: int) -> None:
        self._transaction("Started", evse, tx, trigger, tx.begin, now)

    def updated(self, evse: Evse, tx: Transaction, trigger: str, reading: Reading | None, now: int) -> None:
        self._transaction("Updated", evse, tx, trigger, reading, now)

    def ended(self, evse: Evse, tx: Transaction, trigger: str, reason: str, reading: Reading, now: int) -> None:
        self._transaction("Ended", evse, tx, trigger, reading, now, stoppedReason=REASONS.get(reason, reason))

    def _transaction(self, type: str, evse: Evse, tx: Transaction, trigger: str, reading: Reading | None, now: int, **info: str) -> None:
        token = tx.token
        payload: Payload = {
            "eventType": type,
            "timestamp": time(now),
            "triggerReason": trigger,
            "seqNo": tx.seq,
            "transactionInfo": {"transactionId": tx.id, "chargingState": evse.charging_state, **info},
            "evse": {"id": evse.number, "connectorId": evse.plug},
        }
        if not self.of.online:
            payload["offline"] = True
        if tx.remote_id is not None and not tx.remote_told:
            payload["transactionInfo"]["remoteStartId"] = tx.remote_id
            tx.remote_told = True
        if type == "Started" and tx.reservation is not None:
            payload["reservationId"] = tx.reservation
        if token is not None and not tx.token_told:
            payload["idToken"] = spelled(token)
            tx.token_told = True
        elif token is not None and trigger == "StopAuthorized":
            payload["idToken"] = spelled(token)
        if reading is not None and (reading.samples or reading.signed):
            payload["meterValue"] = [self.meter_value(evse, reading)]
        tx.seq += 1

        def replied(answer: Payload | None) -> None:
            if answer is not None and token is not None and "idTokenInfo" in answer:
                self.of.judged(token, standing(answer["idTokenInfo"]), tx.id)

        self.put("TransactionEvent", payload, replied, kept=True)

    def measured(self, evse: Evse, reading: Reading) -> None:
        """Outside of a transaction."""
        if reading.samples:
            self.put("MeterValues", {"evseId": evse.number, "meterValue": [self.meter_value(evse, reading)]})

    def meter_value(self, evse: Evse, reading: Reading) -> Payload:
        sampled = [_sample(one.measurand, one.value, one.unit, reading.context, one.phase, one.location) for one in reading.samples]
        if reading.signed:
            value = _sample("Energy.Active.Import.Register", Decimal(reading.register), "Wh", reading.context, None, "Outlet")
            signer = self.of.signers[evse.number]
            value["signedMeterValue"] = {
                "signedMeterData": ocmf.encoded(reading.signed),
                "signingMethod": ocmf.METHOD,
                "encodingMethod": "OCMF",
                "publicKey": ocmf.encoded(f"oca:base16:asn1:{signer.public_key}"),
            }
            sampled = [value, *(one for one in sampled if one["measurand"] != "Energy.Active.Import.Register")]
        return {"timestamp": time(reading.at), "sampledValue": sampled}


def spelled(token: Token) -> Payload:
    return {"idToken": token.id, "type": token.type}


def standing(info: Payload) -> Standing:
    group = info.get("groupIdToken", {}).get("idToken", "")
    return Standing(info["status"], group, moment(info.get("cacheExpiryDateTime")))


def _sample(measurand: str, value: Decimal, unit: str, context: str, phase: str | None, location: str | None) -> dict[str, Any]:
    sample: dict[str, Any] = {"value": value, "context": context, "measurand": measurand, "unitOfMeasure": {"unit": unit}}
    return sample | ({"phase": phase} if phase else {}) | ({"location": location} if location else {})
