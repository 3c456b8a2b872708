"""OCPP 1.6J: what its messages mean and how commands are said in it (OCPP 1.6 edition 2, sections 4 and 5).

A connector is an EVSE here unless the station's outlets say otherwise; connector 0 is the whole station. Transactions get their
number from us. Statuses and error codes are the words that `statuses` and `trouble` speak, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from interplug.stations.ocpp.dialects import V16
from interplug.stations.ocpp.frames import Payload

from . import events, meters, samples
from .events import Admission, IdToken, Standing, Told
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
from .statuses import PHASES

TOLD_AS = {"Blocked": "Blocked", "NoCredit": "Blocked", "Expired": "Expired", "ConcurrentTx": "ConcurrentTx", "Accepted": "Accepted"}
ABOUT = {
    "chargePointVendor": "vendor", "chargePointModel": "model", "chargePointSerialNumber": "serial",
    "chargeBoxSerialNumber": "serial", "firmwareVersion": "firmware",
}  # fmt: skip
UNLOCK = {"Unlocked": "ACCEPTED", "UnlockFailed": "FAILED", "NotSupported": "NOT_SUPPORTED"}


# --- messages


async def boot(ear: Ear, payload: Payload) -> Payload:
    about = {name: str(payload[field]) for field, name in ABOUT.items() if payload.get(field)}
    return {"status": await ear.booted(about), "currentTime": ear.now(), "interval": ear.heartbeat}


async def authorize(ear: Ear, payload: Payload) -> Payload:
    return {"idTagInfo": tag_info(await ear.admit(IdToken(payload["idTag"]), None), ear.now())}


async def status(ear: Ear, payload: Payload) -> Payload:
    if payload.get("timestamp"):
        ear.heard(payload["timestamp"])
    await ear.standing(
        Standing(
            evse=payload["connectorId"],
            connector=1 if payload["connectorId"] else 0,
            status=payload["status"],
            at=ear.time(payload.get("timestamp")),
            error=payload["errorCode"],
            vendor_code=payload.get("vendorErrorCode", ""),
            info=payload.get("info", ""),
        )
    )
    phase = PHASES.get(payload["status"])
    if phase is not None and payload["connectorId"]:
        at = ear.time(payload.get("timestamp"))
        ear.goes_on(
            Told(kind="went on", named_by_us=True, evse=payload["connectorId"], at=at, phase=phase, state=payload["status"], aside=True)
        )
    return {}


# --- transactions: read as far as they can be read, for they are never refused


def start(ear: Ear, payload: Payload) -> Told:
    return Told(
        kind="begun",
        named_by_us=True,
        evse=number(payload.get("connectorId")) or 0,
        at=ear.time(payload.get("timestamp")),
        said_at=str(payload.get("timestamp", "")),
        token=_token(payload),
        began_with=wh(payload.get("meterStart")),
        reservation=number(payload.get("reservationId")),
    )


def meter(ear: Ear, payload: Payload) -> Told:
    read, signed = samples.read(payload.get("meterValue"), ear.time)
    name, evse = _transaction(payload), number(payload.get("connectorId")) or 0
    return Told(
        kind="went on",
        named_by_us=True,
        number=name,
        evse=evse,
        at=max((one.at for one in read), default=ear.time(None)),
        samples=read,
        signed=signed,
        aside=not name and not evse,  # the meter of the whole station
    )


def stop(ear: Ear, payload: Payload) -> Told:
    read, signed = samples.read(payload.get("transactionData"), ear.time)
    at = ear.time(payload.get("timestamp"))
    final = events.Sample(at=at, register=wh(payload.get("meterStop")), context=samples.FINAL)
    return Told(
        kind="ended",
        named_by_us=True,
        number=_transaction(payload),
        at=at,
        said_at=str(payload.get("timestamp", "")),
        token=_token(payload),
        samples=(*read, final),
        signed=signed,
        reason=str(payload.get("reason") or "Local"),
    )


def _transaction(payload: Payload) -> str:
    """As the station says it, be it a number of its own, or the 0 or -1 of what began without us; empty: it says none."""
    try:
        return str(int(payload["transactionId"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def _token(payload: Payload) -> IdToken | None:
    text = payload.get("idTag")
    return IdToken(str(text)) if text else None


def wh(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return +found if found.is_finite() and abs(found.adjusted()) < 30 else None


def haste(action: str, text: str) -> int:
    return NOW if action == "StartTransaction" else LATER if action == "MeterValues" else SOON


def answer(action: str, payload: Payload, admission: Admission | None, until: str) -> Payload:
    if action == "StartTransaction":
        said = admission or events.INVALID
        return {"transactionId": int(said.number or 0), "idTagInfo": tag_info(said, until)}
    return {}


def tag_info(admission: Admission, until: str) -> Payload:
    info: Payload = {"status": TOLD_AS.get(admission.status, "Invalid")}
    if admission.group is not None and len(admission.group.text) <= 20:
        info["parentIdTag"] = admission.group.text
    if admission.accepted and not admission.lasting:
        info["expiryDate"] = until
    return info


# --- commands


def remote_start(want: Want) -> Asked:
    connector = {"connectorId": want.outlet.evse} if want.outlet else {}
    return Asked("RemoteStartTransaction", {"idTag": want.token.text, **connector}, START)


def remote_stop(want: Want) -> Asked:
    return Asked("RemoteStopTransaction", {"transactionId": int(want.transaction)}, STOP)


def reserve(want: Want) -> Asked:
    group = {"parentIdTag": want.group.text} if want.group is not None and len(want.group.text) <= 20 else {}
    connector = want.outlet.evse if want.outlet else 0
    said = {"connectorId": connector, "expiryDate": want.until, "idTag": want.token.text, **group, "reservationId": want.number}
    return Asked("ReserveNow", said, RESERVE)


def cancel(want: Want) -> Asked:
    return Asked("CancelReservation", {"reservationId": want.number}, CANCEL)


def unlock(want: Want) -> Asked:
    return Asked("UnlockConnector", {"connectorId": want.outlet.evse if want.outlet else 1}, UNLOCK)


# --- charging profiles


def set_profile(want: Want) -> Asked:
    schedule = want.schedule
    assert schedule is not None
    profile = {
        "chargingProfileId": schedule.id,
        "transactionId": int(want.transaction),
        "stackLevel": schedule.stack,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative" if schedule.start is None else "Absolute",
        "chargingSchedule": schedule_said(schedule),
    }
    return Asked("SetChargingProfile", {"connectorId": want.evse, "csChargingProfiles": profile}, {})


def clear_profile(want: Want) -> Asked:
    return Asked("ClearChargingProfile", {"id": want.number}, {})


def composite(want: Want) -> Asked:
    unit = {"chargingRateUnit": want.unit} if want.unit else {}
    return Asked("GetCompositeSchedule", {"connectorId": want.evse, "duration": want.number, **unit}, {})


ABILITY = ("ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods", "ChargeProfileMaxStackLevel")


def ability(want: Want) -> Asked:
    return Asked("GetConfiguration", {"key": list(ABILITY)}, {})


def meter_key(want: Want) -> Asked:
    return Asked("GetConfiguration", {"key": [meters.name(want.evse)]}, {})


def able(answer: Payload) -> Ability:
    said = {one.get("key"): str(one.get("value") or "") for one in answer.get("configurationKey") or ()}
    return ability_of(*(said.get(key, "") for key in ABILITY))


def local_list(version: int, first: bool, tokens: Sequence[IdToken]) -> tuple[str, Payload]:
    listed = [{"idTag": token.text, "idTagInfo": {"status": "Accepted"}} for token in tokens]
    kind = "Full" if first else "Differential"
    return "SendLocalList", {"listVersion": version, "updateType": kind, "localAuthorizationList": listed}


HANDLERS: dict[str, Handler] = {
    **COMMON,
    "Authorize": authorize,
    "BootNotification": boot,
    "DiagnosticsStatusNotification": noted,
    "SignedFirmwareStatusNotification": noted,
    "StatusNotification": status,
}

SPEECH = Speech(
    dialect=V16,
    transactions={"MeterValues": meter, "StartTransaction": start, "StopTransaction": stop},
    haste=haste,
    answer=answer,
    handlers=HANDLERS,
    wants={
        "ability": ability,
        "active_charging_profile": composite,
        "cancel_reservation": cancel,
        "clear_charging_profile": clear_profile,
        "meter_key": meter_key,
        "reserve_now": reserve,
        "set_charging_profile": set_profile,
        "start_session": remote_start,
        "stop_session": remote_stop,
        "unlock_connector": unlock,
    },
    able=able,
    local_list=local_list,
    named_by_us=True,
    longest_token=20,
)
