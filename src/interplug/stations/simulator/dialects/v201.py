"""A 2.0.1 station: what it answers, besides what it says; its settings and reports stand in `v201_device`."""

from __future__ import annotations

from decimal import Decimal

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator import limits
from interplug.stations.simulator.evse import Evse, Hold
from interplug.stations.simulator.limits import Profile
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.transaction import Permit, Token

from .common import moment, profile, time, word
from .v201_device import Device
from .v201_says import Says201, standing


class V201(Says201):
    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self.answers = {
            "RequestStartTransaction": self._start,
            "RequestStopTransaction": self._stop,
            "UnlockConnector": self._unlock,
            "ReserveNow": self._reserve,
            "CancelReservation": lambda asked: word(self.of.cancel(asked["reservationId"])),
            "ChangeAvailability": self._availability,
            "Reset": self._reset,
            "TriggerMessage": self._trigger,
            "GetTransactionStatus": self._transaction_status,
            "SetChargingProfile": self._profile,
            "ClearChargingProfile": self._clear,
            "GetChargingProfiles": self._profiles,
            "GetCompositeSchedule": self._composite,
            "SendLocalList": self._list,
            "GetLocalListVersion": lambda asked: {"versionNumber": self.of.cards.version},
            "ClearCache": self._forget,
            "CostUpdated": lambda asked: {},
            "DataTransfer": lambda asked: {"status": "UnknownVendorId"},
            **Device(station, self.put).answers,
        }

    # --- charging

    def _start(self, asked: Payload) -> Payload:
        number = asked.get("evseId") or 0
        if number and self.of.evse(number) is None:
            return _refused("UnknownEvse")
        sent = None
        if "chargingProfile" in asked:
            sent = self._read(asked["chargingProfile"], number)
            if sent is None or sent.purpose != limits.TRANSACTION or sent.transaction is not None:
                return _refused("InvalidProfile")
        token, group = _token(asked["idToken"]), asked.get("groupIdToken", {}).get("idToken", "")
        evse = self.of.start(number, Permit(token, "RemoteStart", group, asked["remoteStartId"], sent))
        if evse is None:
            return _refused("Occupied")
        return word(True) | ({"transactionId": evse.tx.id} if evse.tx is not None else {})

    def _stop(self, asked: Payload) -> Payload:
        evse = self.of.transaction(asked["transactionId"])
        if evse is None:
            return _refused("TxNotFound")
        self.of.stop(evse)
        return word(True)

    def _unlock(self, asked: Payload) -> Payload:
        evse = self.of.evse(asked["evseId"])
        if evse is None or not 0 < asked["connectorId"] <= len(evse.plan.connectors):
            return {"status": "UnknownConnector"}
        if evse.tx is not None and evse.authorised:
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "Unlocked" if self.of.unlock(evse) else "UnlockFailed"}

    def _transaction_status(self, asked: Payload) -> Payload:
        waiting = self.of.outbox.keeps
        if "transactionId" not in asked:
            return {"messagesInQueue": waiting(None)}
        running = self.of.transaction(asked["transactionId"]) is not None
        return {"ongoingIndicator": running, "messagesInQueue": waiting(asked["transactionId"])}

    # --- reservations, availability

    def _reserve(self, asked: Payload) -> Payload:
        number, expires = asked.get("evseId") or 0, moment(asked["expiryDateTime"])
        if (number and self.of.evse(number) is None) or expires is None:
            return word(False)
        hold = Hold(asked["id"], _token(asked["idToken"]), asked.get("groupIdToken", {}).get("idToken", ""), expires)
        return {"status": self.of.reserve(number, hold)}

    def _availability(self, asked: Payload) -> Payload:
        number = asked.get("evse", {}).get("id", 0)
        if number and self.of.evse(number) is None:
            return _refused("UnknownEvse")
        return {"status": self.of.operate(number, asked["operationalStatus"] == "Operative")}

    def _reset(self, asked: Payload) -> Payload:
        if asked.get("evseId"):
            return _refused("NotEnabled")
        return {"status": self.of.reset(idle=asked["type"] == "OnIdle", because="RemoteReset")}

    def _trigger(self, asked: Payload) -> Payload:
        what, number = asked["requestedMessage"], asked.get("evse", {}).get("id", 0)
        evses = [one for one in self.of.evses if number in (0, one.number)]
        if not evses:
            return _refused("UnknownEvse")
        if what == "BootNotification":
            self.boot("Triggered")
        elif what == "Heartbeat":
            self.heartbeat()
        elif what == "StatusNotification":
            for evse in evses:
                evse.told.clear()
        elif what in ("MeterValues", "TransactionEvent"):
            return word(self._metered(what, evses))
        else:
            return {"status": "NotImplemented"}
        return word(True)

    def _metered(self, what: str, evses: list[Evse]) -> bool:
        now = self.of.now
        charging = [one for one in evses if one.tx is not None]
        for evse in evses if what == "MeterValues" else charging:
            reading = evse.reading(now, "MeterValuesSampledData", "Trigger")
            if evse.tx is None or what == "MeterValues":
                self.measured(evse, reading)
            else:
                self.updated(evse, evse.tx, "Trigger", reading, now)
        return what == "MeterValues" or bool(charging)

    # --- charging profiles

    def _read(self, document: Payload, evse: int) -> Profile | None:
        if document["chargingProfilePurpose"] not in limits.PURPOSES:
            return None
        return profile(document, document["chargingSchedule"][0], document["id"], evse, document["chargingProfilePurpose"])

    def _profile(self, asked: Payload) -> Payload:
        number, found = asked["evseId"], self._read(asked["chargingProfile"], asked["evseId"])
        evse = self.of.evse(number)
        if number and evse is None:
            return _refused("UnknownEvse")
        if found is None or (found.purpose in (limits.STATION, limits.OUTSIDE) and number) or found.purpose == limits.OUTSIDE:
            return _refused("InvalidProfile")
        if found.purpose == limits.TRANSACTION and (evse is None or evse.tx is None or evse.tx.id != found.transaction):
            return _refused("TxNotFound")
        if self.of.power.rival(found):
            return _refused("DuplicateProfile")
        return word(True) if self.of.limit(found, found.transaction) else _refused("TooManyProfiles")

    def _clear(self, asked: Payload) -> Payload:
        wanted = asked.get("chargingProfileCriteria", {})

        def matches(one: Profile) -> bool:
            if "chargingProfileId" in asked:
                return bool(one.id == asked["chargingProfileId"])
            return _fits(one, wanted.get("evseId"), wanted)

        return {"status": "Accepted" if self.of.power.clear(matches) else "Unknown"}

    def _profiles(self, asked: Payload) -> Payload:
        """GetChargingProfiles: what there is follows in reports, one for each EVSE."""
        wanted = asked["chargingProfile"]
        found = [one for one in self.of.power.profiles if _fits(one, asked.get("evseId"), wanted)]
        found = [one for one in found if one.id in wanted.get("chargingProfileId", (one.id,))]
        if not found:
            return {"status": "NoProfiles"}
        places = sorted({one.evse for one in found})
        for place in places:
            report = {
                "requestId": asked["requestId"],
                "chargingLimitSource": "CSO",
                "evseId": place,
                "chargingProfile": [one.document for one in found if one.evse == place],
                "tbc": place != places[-1],
            }
            self.put("ReportChargingProfiles", report)
        return word(True)

    def _composite(self, asked: Payload) -> Payload:
        number, unit, now = asked["evseId"], asked.get("chargingRateUnit", "W"), self.of.now
        if number and self.of.evse(number) is None:
            return _refused("UnknownEvse")
        periods = self.of.power.composite(number, now, asked["duration"], unit)
        if not periods:
            return _refused("NoSchedule")
        schedule = {
            "evseId": number,
            "duration": asked["duration"],
            "scheduleStart": time(now),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": one.start, "limit": Decimal(f"{one.limit:.1f}")} for one in periods],
        }
        return word(True) | {"schedule": schedule}

    # --- the local list

    def _list(self, asked: Payload) -> Payload:
        entries = [
            (one["idToken"]["idToken"], standing(one["idTokenInfo"]) if "idTokenInfo" in one else None)
            for one in asked.get("localAuthorizationList", ())
        ]
        sent = self.of.cards.send(asked["versionNumber"], entries, full=asked["updateType"] == "Full")
        return {"status": "Accepted" if sent else "VersionMismatch"}

    def _forget(self, asked: Payload) -> Payload:
        self.of.cards.remembered.clear()
        return word(True)


def _refused(reason: str) -> Payload:
    return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}


def _token(spelled: Payload) -> Token:
    return Token(spelled["idToken"], spelled["type"])


def _fits(one: Profile, evse: int | None, wanted: Payload) -> bool:
    purpose, stack = wanted.get("chargingProfilePurpose", one.purpose), wanted.get("stackLevel", one.stack)
    return evse in (None, one.evse) and (purpose, stack) == (one.purpose, one.stack)
