"""OCPP 2.0.1: what its messages mean and how commands are said in it (part 2, use cases E, F, G, H, N).

Transactions have the station's own names and tell of themselves in TransactionEvents. StatusNotification carries no errors; those
come as NotifyEvents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interplug.stations.ocpp.dialects import V201
from interplug.stations.ocpp.frames import Payload

from . import samples, trouble
from .events import Admission, IdToken, Standing, Told, Trouble
from .plain import PHASES, quick
from .schedules import Ability
from .speech import (
    CANCEL,
    COMMON,
    LATER,
    NOW,
    RESERVE,
    SOON,
    START,
    STOP,
    Asked,
    Ear,
    Handler,
    Speech,
    Want,
    ability_of,
    noted,
    number,
    schedule_said,
)

KINDS: dict[Any, Any] = {"Started": "begun", "Updated": "went on", "Ended": "ended"}
UNLOCK = {
    "Unlocked": "ACCEPTED",
    "UnlockFailed": "FAILED",
    "OngoingAuthorizedTransaction": "REJECTED",
    "UnknownConnector": "FAILED",
}
TRUE = ("true", "1", "on")


# --- messages


async def boot(ear: Ear, payload: Payload) -> Payload:
    station = payload["chargingStation"]
    names = {"vendorName": "vendor", "model": "model", "serialNumber": "serial", "firmwareVersion": "firmware"}
    about = {name: str(station[field]) for field, name in names.items() if station.get(field)}
    return {"status": await ear.booted(about, anew=payload["reason"] != "Triggered"), "currentTime": ear.now(), "interval": ear.heartbeat}


async def authorize(ear: Ear, payload: Payload) -> Payload:
    return {"idTokenInfo": token_info(await ear.admit(_token(payload), None), ear.now())}


async def status(ear: Ear, payload: Payload) -> Payload:
    ear.heard(payload["timestamp"])
    evse, at = payload["evseId"], ear.time(payload["timestamp"])
    await ear.standing(Standing(evse=evse, connector=payload["connectorId"] if evse else 0, status=payload["connectorStatus"], at=at))
    return {}


async def notify_event(ear: Ear, payload: Payload) -> Payload:
    for event in payload["eventData"]:
        evse = event["component"].get("evse") or {}
        place = evse.get("id", 0), evse.get("connectorId", 0)
        found = _standing(event, *place, ear) or _trouble(event, *place, ear)
        if isinstance(found, Standing):
            await ear.standing(found)
        elif found is not None:
            await ear.trouble(found)
    return {}


def _standing(event: Payload, evse: int, connector: int, ear: Ear) -> Standing | None:
    """AvailabilityState tells what StatusNotification does."""
    if event["variable"]["name"] != "AvailabilityState" or event["component"]["name"] not in ("ChargingStation", "EVSE", "Connector"):
        return None
    said = event["actualValue"]
    if said not in ("Available", "Occupied", "Reserved", "Unavailable", "Faulted"):
        return None
    if event["component"]["name"] == "EVSE" and not connector:
        connector = 1
    return Standing(evse=evse, connector=connector, status=said, at=ear.time(event["timestamp"]))


def _trouble(event: Payload, evse: int, connector: int, ear: Ear) -> Trouble | None:
    component, variable = event["component"]["name"], event["variable"]["name"]
    code = trouble.code_of(component, variable)
    if code is None:
        return None
    unsaid = "critical" if component in trouble.WHOLE and variable == "Problem" else ""
    return Trouble(
        evse=evse,
        connector=connector,
        code=code,
        at=ear.time(event["timestamp"]),
        open=not event.get("cleared", False) and str(event["actualValue"]).lower() in TRUE,
        severity=trouble.LEVELS[event["severity"]] if event.get("severity") in range(10) else unsaid,
        vendor_code=event.get("techCode", ""),
        info=event.get("techInfo", ""),
    )


async def reservation_update(ear: Ear, payload: Payload) -> Payload:
    await ear.reservation_over(payload["reservationId"], "expired" if payload["reservationUpdateStatus"] == "Expired" else "canceled")
    return {}


# --- transactions: read as far as they can be read, for they are never refused


def transaction(ear: Ear, payload: Payload) -> Told:
    info, evse = _object(payload, "transactionInfo"), _object(payload, "evse")
    read, signed = samples.read(payload.get("meterValue"), ear.time)
    return Told(
        kind=KINDS.get(str(payload.get("eventType")), "went on"),
        number=str(info.get("transactionId") or ""),
        evse=number(evse.get("id")) or 0,
        connector=number(evse.get("connectorId")) or 1,
        at=ear.time(payload.get("timestamp")),
        said_at=str(payload.get("timestamp", "")),
        token=_token(payload) if _object(payload, "idToken") else None,
        samples=read,
        signed=signed,
        phase=PHASES.get(str(info.get("chargingState"))),
        state=str(info.get("chargingState") or ""),
        began_with=next((one.register for one in read if one.context == samples.BEGIN), None),
        reason=str(info.get("stoppedReason") or "") or ("AbnormalCondition" if payload.get("triggerReason") == "AbnormalCondition" else ""),
        reservation=number(payload.get("reservationId")),
        offline=payload.get("offline") is True,
    )


def _object(payload: Payload, name: str) -> Payload:
    found = payload.get(name)
    return found if isinstance(found, dict) else {}


def _token(payload: Payload) -> IdToken:
    said = _object(payload, "idToken")
    return IdToken(str(said.get("idToken") or ""), str(said.get("type") or ""))


def haste(action: str, text: str) -> int:
    return NOW if '"idToken"' in text else LATER if '"Updated"' in text else SOON


def answer(action: str, payload: Payload, admission: Admission | None, until: str) -> Payload:
    return {"idTokenInfo": token_info(admission, until)} if admission is not None and _object(payload, "idToken") else {}


def token_info(admission: Admission, until: str) -> Payload:
    info: Payload = {"status": admission.status}
    if admission.group is not None:
        info["groupIdToken"] = said(admission.group)
    if admission.accepted and not admission.lasting:
        info["cacheExpiryDateTime"] = until
    return info


def said(token: IdToken) -> Payload:
    return {"idToken": token.text, "type": token.type or "Central"}


# --- commands


def request_start(want: Want) -> Asked:
    where = {"evseId": want.outlet.evse} if want.outlet else {}
    group = {"groupIdToken": said(want.group)} if want.group is not None else {}
    return Asked("RequestStartTransaction", {"idToken": said(want.token), "remoteStartId": want.number, **where, **group}, START)


def request_stop(want: Want) -> Asked:
    return Asked("RequestStopTransaction", {"transactionId": want.transaction}, STOP)


def reserve(want: Want) -> Asked:
    where = {"evseId": want.outlet.evse} if want.outlet else {}
    group = {"groupIdToken": said(want.group)} if want.group is not None else {}
    return Asked("ReserveNow", {"id": want.number, "expiryDateTime": want.until, "idToken": said(want.token), **where, **group}, RESERVE)


def cancel(want: Want) -> Asked:
    return Asked("CancelReservation", {"reservationId": want.number}, CANCEL)


def unlock(want: Want) -> Asked:
    evse, connector = (want.outlet.evse, want.outlet.connector) if want.outlet else (1, 1)
    return Asked("UnlockConnector", {"evseId": evse, "connectorId": connector}, UNLOCK)


# --- charging profiles


def set_profile(want: Want) -> Asked:
    schedule = want.schedule
    assert schedule is not None
    profile = {
        "id": schedule.id,
        "stackLevel": schedule.stack,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative" if schedule.start is None else "Absolute",
        "transactionId": want.transaction,
        "chargingSchedule": [{"id": 1, **schedule_said(schedule)}],
    }
    return Asked("SetChargingProfile", {"evseId": want.evse, "chargingProfile": profile}, {})


def clear_profile(want: Want) -> Asked:
    return Asked("ClearChargingProfile", {"chargingProfileId": want.number}, {})


def composite(want: Want) -> Asked:
    unit = {"chargingRateUnit": want.unit} if want.unit else {}
    return Asked("GetCompositeSchedule", {"evseId": want.evse, "duration": want.number, **unit}, {})


ABILITY = ("RateUnit", "PeriodsPerSchedule", "ProfileStackLevel")


def ability(want: Want) -> Asked:
    wanted = [{"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": name}} for name in ABILITY]
    return Asked("GetVariables", {"getVariableData": wanted}, {})


def able(answer: Payload) -> Ability:
    found = [one for one in answer.get("getVariableResult") or () if one.get("attributeStatus") == "Accepted"]
    said = {one["variable"]["name"]: str(one.get("attributeValue") or "") for one in found}
    return ability_of(*(said.get(name, "") for name in ABILITY))


async def limited(ear: Ear, payload: Payload) -> Payload:
    await ear.limited(payload.get("evseId") or 0)
    return {}


def local_list(version: int, first: bool, tokens: Sequence[IdToken]) -> tuple[str, Payload]:
    listed = [{"idToken": said(token), "idTokenInfo": {"status": "Accepted"}} for token in tokens]
    kind = "Full" if first else "Differential"
    return "SendLocalList", {"versionNumber": version, "updateType": kind, "localAuthorizationList": listed}


def transaction_status(want: Want) -> Asked:
    return Asked("GetTransactionStatus", {"transactionId": want.transaction}, {})


HANDLERS: dict[str, Handler] = {
    **COMMON,
    "Authorize": authorize,
    "BootNotification": boot,
    "ClearedChargingLimit": limited,
    "MeterValues": noted,  # of no transaction
    "NotifyChargingLimit": limited,
    "NotifyCustomerInformation": noted,
    "NotifyDisplayMessages": noted,
    "NotifyEvent": notify_event,
    "NotifyMonitoringReport": noted,
    "NotifyReport": noted,
    "PublishFirmwareStatusNotification": noted,
    "ReportChargingProfiles": noted,
    "ReservationStatusUpdate": reservation_update,
    "StatusNotification": status,
}

SPEECH = Speech(
    dialect=V201,
    transactions={"TransactionEvent": transaction},
    quick=quick,
    haste=haste,
    answer=answer,
    handlers=HANDLERS,
    wants={
        "ability": ability,
        "active_charging_profile": composite,
        "cancel_reservation": cancel,
        "clear_charging_profile": clear_profile,
        "reserve_now": reserve,
        "set_charging_profile": set_profile,
        "start_session": request_start,
        "stop_session": request_stop,
        "transaction_status": transaction_status,
        "unlock_connector": unlock,
    },
    able=able,
    local_list=local_list,
    named_by_us=False,
    longest_token=36,
)
