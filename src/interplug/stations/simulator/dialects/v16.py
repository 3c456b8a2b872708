"""A 1.6 station: what it answers, besides what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator import limits
from interplug.stations.simulator.evse import Evse, Hold
from interplug.stations.simulator.limits import Profile
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.transaction import Permit, Token
from interplug.stations.simulator.variables import RO, WO, Setting

from .common import moment, profile, time, word
from .v16_says import Says16, standing

PURPOSES = {"ChargePointMaxProfile": limits.STATION, "TxDefaultProfile": limits.DEFAULT, "TxProfile": limits.TRANSACTION}
HIDDEN = "********"


class V16(Says16):
    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self.answers = {
            "RemoteStartTransaction": self._start,
            "RemoteStopTransaction": self._stop,
            "UnlockConnector": self._unlock,
            "ReserveNow": self._reserve,
            "CancelReservation": lambda asked: word(self.of.cancel(asked["reservationId"])),
            "ChangeAvailability": self._availability,
            "Reset": self._reset,
            "TriggerMessage": self._trigger,
            "ExtendedTriggerMessage": self._trigger,
            "GetConfiguration": self._configuration,
            "ChangeConfiguration": self._change,
            "SetChargingProfile": self._profile,
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._composite,
            "SendLocalList": self._list,
            "GetLocalListVersion": lambda asked: {"listVersion": self.of.cards.version},
            "ClearCache": self._forget,
            "DataTransfer": lambda asked: {"status": "UnknownVendorId"},
        }

    # --- charging

    def _start(self, asked: Payload) -> Payload:
        number, plug = 0, None
        if asked.get("connectorId"):
            plug = self.plug(asked["connectorId"])
            if plug is None:
                return word(False)
            number = plug[0].number
        sent = None
        if "chargingProfile" in asked:
            sent = self._read(asked["chargingProfile"], number)
            if sent is None or sent.purpose != limits.TRANSACTION:
                return word(False)
        started = self.of.start(number, Permit(Token(asked["idTag"], "Central"), "RemoteStart", profile=sent), plug[1] if plug else None)
        return word(started is not None)

    def _stop(self, asked: Payload) -> Payload:
        evse = self._running(asked["transactionId"])
        if evse is None:
            return word(False)
        self.of.stop(evse)
        return word(True)

    def _running(self, number: int) -> Evse | None:
        return next((one for one in self.of.evses if one.tx is not None and one.tx.number == number), None)

    def _unlock(self, asked: Payload) -> Payload:
        plug = self.plug(asked["connectorId"])
        if plug is None:
            return {"status": "NotSupported"}
        return {"status": "Unlocked" if self.of.unlock(plug[0]) else "UnlockFailed"}

    # --- reservations, availability

    def _reserve(self, asked: Payload) -> Payload:
        number, expires = asked["connectorId"], moment(asked["expiryDate"])
        plug = self.plug(number)
        if (number and plug is None) or expires is None:
            return word(False)
        hold = Hold(asked["reservationId"], Token(asked["idTag"]), asked.get("parentIdTag", ""), expires)
        return {"status": self.of.reserve(plug[0].number if plug else 0, hold)}

    def _availability(self, asked: Payload) -> Payload:
        plug = self.plug(asked["connectorId"])
        if asked["connectorId"] and plug is None:
            return word(False)
        return {"status": self.of.operate(plug[0].number if plug else 0, asked["type"] == "Operative")}

    def _reset(self, asked: Payload) -> Payload:
        self.of.because_reset = f"{asked['type']}Reset"
        return {"status": self.of.reset(idle=False, because="RemoteReset")}

    def _trigger(self, asked: Payload) -> Payload:
        station = self.of
        what, plug = asked["requestedMessage"], self.plug(asked.get("connectorId", 0))
        if asked.get("connectorId") and plug is None:
            return word(False)
        if what == "BootNotification":
            self.boot("Triggered")
        elif what == "Heartbeat":
            self.heartbeat()
        elif what == "StatusNotification":
            for evse in station.evses:
                if plug is None or evse is plug[0]:
                    evse.told.clear()
            if plug is None:
                self.forget()
        elif what == "MeterValues":
            for evse in station.evses:
                if plug is None or evse is plug[0]:
                    reading = evse.reading(station.now, "MeterValuesSampledData", "Trigger")
                    self.measured(self.number(evse, evse.plug), evse.tx, reading)
        else:
            return {"status": "NotImplemented"}
        return word(True)

    # --- settings

    def _configuration(self, asked: Payload) -> Payload:
        wanted = asked.get("key") or [one.key for one in self.of.variables if one.key]
        found = [(key, self.of.variables.key(key)) for key in wanted]
        unknown = [key for key, setting in found if setting is None]
        known = [self._shown(setting) for _, setting in found if setting is not None]
        return {"configurationKey": known, **({"unknownKey": unknown} if unknown else {})}

    def _shown(self, setting: Setting) -> Payload:
        value = HIDDEN if setting.access == WO else self.of.variables.value(setting)
        return {"key": setting.key, "readonly": setting.access == RO, "value": value[:500]}

    def _change(self, asked: Payload) -> Payload:
        setting = self.of.variables.key(asked["key"])
        if setting is None:
            return {"status": "NotSupported"}
        return {"status": self.of.change(setting, asked["value"])}

    # --- charging profiles

    def _read(self, document: dict[str, Any], evse: int) -> Profile | None:
        purpose = PURPOSES.get(document["chargingProfilePurpose"])
        if purpose is None:
            return None
        found = profile(document, document["chargingSchedule"], document["chargingProfileId"], evse, purpose)
        return found

    def _profile(self, asked: Payload) -> Payload:
        plug = self.plug(asked["connectorId"])
        if asked["connectorId"] and plug is None:
            return word(False)
        document = dict(asked["csChargingProfiles"])
        number = document.pop("transactionId", None)
        found = self._read(document, plug[0].number if plug else 0)
        if found is None or (found.purpose == limits.STATION and plug is not None):
            return word(False)
        if found.purpose != limits.TRANSACTION:
            return word(self.of.limit(found))
        tx = plug[0].tx if plug is not None else None
        if tx is None or (number is not None and number != tx.number):
            return word(False)
        return word(self.of.limit(found, tx.id))

    def _clear(self, asked: Payload) -> Payload:
        plug = self.plug(asked.get("connectorId", 0))
        purpose = PURPOSES.get(asked.get("chargingProfilePurpose", ""))

        def matches(one: Profile) -> bool:
            if "id" in asked:
                return bool(one.id == asked["id"])
            here = "connectorId" not in asked or one.evse == (plug[0].number if plug else 0)
            return here and purpose in (None, one.purpose) and one.stack in (asked.get("stackLevel", one.stack),)

        return {"status": "Accepted" if self.of.power.clear(matches) else "Unknown"}

    def _composite(self, asked: Payload) -> Payload:
        plug = self.plug(asked["connectorId"])
        if asked["connectorId"] and plug is None:
            return word(False)
        unit, now = asked.get("chargingRateUnit", "W"), self.of.now
        periods = self.of.power.composite(plug[0].number if plug else 0, now, asked["duration"], unit)
        if not periods:
            return word(False)
        shown = [{"startPeriod": one.start, "limit": Decimal(f"{one.limit:.1f}")} for one in periods]
        schedule = {"duration": asked["duration"], "startSchedule": time(now), "chargingRateUnit": unit, "chargingSchedulePeriod": shown}
        return {"status": "Accepted", "connectorId": asked["connectorId"], "scheduleStart": time(now), "chargingSchedule": schedule}

    # --- the local list

    def _list(self, asked: Payload) -> Payload:
        entries = [
            (one["idTag"], standing(one["idTagInfo"]) if "idTagInfo" in one else None) for one in asked.get("localAuthorizationList", ())
        ]
        sent = self.of.cards.send(asked["listVersion"], entries, full=asked["updateType"] == "Full")
        return {"status": "Accepted" if sent else "VersionMismatch"}

    def _forget(self, asked: Payload) -> Payload:
        self.of.cards.remembered.clear()
        return word(True)
