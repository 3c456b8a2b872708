"""Stations that speak OCPP 2.0.1 and 2.1, from their boot to the bill, over a real socket. (2.1 has no foreign peer here: it is played.)"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V21, V201, Dialect
from interplug.stations.ocpp.link import Refused
from tests.nodes import Clock
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying20 import CARD, Transaction, status
from tests.stations.csms.stations import Station, station

HOUR = 3600
PLACE = {"location_id": "LOC1", "evse_uid": "EVSE1"}


@pytest.fixture(params=[V201, V21], ids=lambda dialect: dialect.version)
async def one(request: pytest.FixtureRequest, csms: Csms, clock: Clock) -> AsyncIterator[Station]:
    dialect: Dialect = request.param
    async with station(csms, dialect) as made:
        answer = await made.say("BootNotification", chargingStation={"vendorName": "Acme", "model": "Wall 2"}, reason="PowerUp")
        assert answer["status"] == "Accepted"
        for evse in (1, 2):
            await status(made, clock, "Available", evse)
        yield made


async def test_a_card_is_authorised_in_real_time_charges_and_is_billed(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    assert await provider.status() == "AVAILABLE"
    await status(one, clock, "Occupied")
    assert await provider.status() == "CHARGING", "the next driver cannot use it"
    charge = Transaction(one, clock)
    await charge.tell("Started", "CablePluggedIn", wh=1000, info={"chargingState": "EVConnected"})
    assert (await one.say("Authorize", idToken=CARD))["idTokenInfo"]["status"] == "Accepted"
    answer = await charge.tell("Updated", "Authorized", info={"chargingState": "EVConnected"}, idToken=CARD)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert len(provider.asked) == 1
    await charge.tell("Updated", "ChargingStateChanged", info={"chargingState": "Charging"})
    for wh in (4000, 8000, 12000):
        clock.move(HOUR / 4)
        await charge.tell("Updated", "MeterValuePeriodic", wh=wh)
    await csms.hall.posts["CS1"].carried()
    running = await provider.session()
    assert (running["status"], running["kwh"], running["authorization_reference"]) == ("ACTIVE", 11, "REF-1")

    clock.move(HOUR / 4)
    await charge.tell("Updated", "ChargingStateChanged", wh=12500, info={"chargingState": "SuspendedEV"})
    clock.move(HOUR)
    await charge.tell("Ended", "EVDeparted", wh=12500, info={"stoppedReason": "EVDisconnected"})
    await status(one, clock, "Available")
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"], bill["total_parking_time"]) == (Decimal("11.5"), 2, 1)
    assert await provider.status() == "AVAILABLE"


async def test_a_card_before_the_cable_is_a_charge_as_soon_as_it_is_known_where(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    """TxStartPoint Authorized: at a station with two EVSEs nobody knows yet which one it will be (use case E02)."""
    other = Transaction(one, clock, "T0")
    await other.tell("Started", "CablePluggedIn", wh=0, info={"chargingState": "EVConnected"})
    for name in ("T1", "T2"):
        info = {"transactionId": name}
        said = {"eventType": "Started", "timestamp": clock.text(), "triggerReason": "Authorized", "seqNo": 0, "transactionInfo": info}
        answer = await one.say("TransactionEvent", **said, idToken=CARD)
        assert answer["idTokenInfo"]["status"] == "Accepted"
    assert await provider.sessions() == []
    clock.move(30)
    charge = Transaction(one, clock, "T2", evse=2)
    here = {"evse": {"id": 2, "connectorId": 1}}
    await charge.tell("Updated", "CablePluggedIn", wh=1000, info={"chargingState": "Charging"}, **here)
    await csms.hall.posts["CS1"].carried()
    assert (await provider.session())["evse_uid"] == "EVSE2" and await provider.status("EVSE2") == "CHARGING"
    assert len(provider.asked) == 1, "nobody is asked twice for one charge"
    clock.move(HOUR)
    await charge.tell("Ended", "EVDeparted", wh=9000, info={"stoppedReason": "EVDisconnected"})
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (8, 1)


async def test_a_driver_starts_and_stops_from_the_provider_s_app(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    app_user = {**FULL_TOKEN, "uid": "9c1f2b6e-75a3-4b0c-9d8e-3f2a1b4c5d6e", "type": "APP_USER"}
    assert await provider.command("START_SESSION", token=app_user, **PLACE) == ("ACCEPTED", ["ACCEPTED"])
    asked = await one.asked("RequestStartTransaction")
    assert asked["evseId"] == 1 and asked["idToken"] == {"idToken": app_user["uid"], "type": "Central"}
    charge = Transaction(one, clock)
    info = {"chargingState": "Charging", "remoteStartId": asked["remoteStartId"]}
    await charge.tell("Started", "RemoteStart", wh=0, info=info, idToken=asked["idToken"])
    running = await provider.session()
    assert (running["auth_method"], running["cdr_token"]["uid"], provider.asked) == ("COMMAND", app_user["uid"], [])
    clock.move(HOUR)
    assert await provider.command("STOP_SESSION", session_id=running["id"]) == ("ACCEPTED", ["ACCEPTED"])
    assert await one.asked("RequestStopTransaction") == {"transactionId": "T1"}
    await charge.tell("Ended", "RemoteStop", wh=8000, info={"stoppedReason": "Remote"})
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 8


async def test_unlocking_and_a_reservation_that_the_station_drops(one: Station, provider: Provider, clock: Clock) -> None:
    one.answers["UnlockConnector"] = {"status": "Unlocked"}
    assert await provider.command("UNLOCK_CONNECTOR", **PLACE, connector_id="1") == ("ACCEPTED", ["ACCEPTED"])
    assert await one.asked("UnlockConnector") == {"evseId": 1, "connectorId": 1}
    wanted = {**PLACE, "token": FULL_TOKEN, "reservation_id": "theirs", "expiry_date": clock.text(HOUR)}
    assert await provider.command("RESERVE_NOW", **wanted) == ("ACCEPTED", ["ACCEPTED"])
    asked = await one.asked("ReserveNow")
    assert asked == {"id": asked["id"], "expiryDateTime": clock.text(HOUR), "idToken": CARD, "evseId": 1}
    await one.say("ReservationStatusUpdate", reservationId=asked["id"], reservationUpdateStatus="Removed")
    assert provider.results == ["CANCELED_RESERVATION"]
    assert (await provider.session())["status"] == "COMPLETED"


ANSWERS: list[tuple[str, Any, str]] = [
    ("UnlockConnector", {"status": "OngoingAuthorizedTransaction"}, "REJECTED"),
    ("UnlockConnector", {"status": "UnknownConnector"}, "FAILED"),
    ("UnlockConnector", {"status": "UnlockFailed"}, "FAILED"),
    ("RequestStartTransaction", {"status": "Rejected", "statusInfo": {"reasonCode": "NoCable"}}, "REJECTED"),
    ("RequestStartTransaction", Refused("NotImplemented"), "NOT_SUPPORTED"),
]


async def test_each_answer_of_a_station_is_a_result(one: Station, provider: Provider) -> None:
    for action, answer, result in ANSWERS:
        one.answers[action] = answer
        name, more = ("UNLOCK_CONNECTOR", {}) if action == "UnlockConnector" else ("START_SESSION", {"token": FULL_TOKEN})
        assert await provider.command(name, **PLACE, connector_id="1", **more) == ("ACCEPTED", [result])


def event(clock: Clock, component: str, variable: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "timestamp": clock.text(),
        "trigger": "Alerting",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": component, "evse": {"id": 1}},
        "variable": {"name": variable},
        **more,
    }


async def test_a_fault_comes_as_an_event_and_goes_as_one(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    async def notify(*events: dict[str, Any]) -> None:
        await one.say("NotifyEvent", generatedAt=clock.text(), seqNo=0, eventData=list(events))

    await notify(event(clock, "RCD", "Tripped", "true", techCode="CX003", techInfo="residual current"))
    assert await provider.status() == "OUTOFORDER"
    await notify(event(clock, "TokenReader", "Problem", "true"))
    clock.move(60)
    await notify(event(clock, "RCD", "Tripped", "false", cleared=True))
    assert await provider.status() == "AVAILABLE", "a reader that is broken stops no charge"
    [ground, reader] = await csms.node.store.read(lambda tx: tx.faults.since(0))
    assert (ground.code, ground.vendor_code, ground.info) == ("GroundFailure", "CX003", "residual current")
    assert ground.closed_at - ground.opened_at == 60_000_000
    assert (reader.code, reader.closed_at) == ("ReaderFailure", 0)
    await notify(event(clock, "EVSE", "AvailabilityState", "Unavailable"))
    assert await provider.status() == "INOPERATIVE", "a 2.1 station has no StatusNotification to say it with"


async def test_a_problem_of_the_whole_is_a_fault_until_it_is_over(one: Station, provider: Provider, clock: Clock) -> None:
    async def problem(component: str, value: str) -> None:
        told = event(clock, component, "Problem", value)
        await one.say("NotifyEvent", generatedAt=clock.text(), seqNo=0, eventData=[told])

    for component in ("EVSE", "Connector", "ChargingStation"):
        await problem(component, "true")
        assert await provider.status() == "OUTOFORDER"
        clock.move(60)
        await problem(component, "false")
        assert await provider.status() == "AVAILABLE"


@pytest.mark.parametrize(("reason", "published"), [("PowerUp", "AVAILABLE"), ("Triggered", "OUTOFORDER")])
async def test_what_was_wrong_before_a_restart_has_to_be_told_again(
    one: Station, provider: Provider, clock: Clock, reason: str, published: str
) -> None:
    told = event(clock, "RCD", "Tripped", "true")
    await one.say("NotifyEvent", generatedAt=clock.text(), seqNo=0, eventData=[told])
    clock.move(60)
    await one.say("BootNotification", chargingStation={"vendorName": "Acme", "model": "Wall 2"}, reason=reason)
    await status(one, clock, "Available")
    assert await provider.status() == published


async def test_a_fault_in_the_middle_ends_the_charge_and_is_on_the_bill(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    charge = Transaction(one, clock)
    await charge.tell("Started", "Authorized", wh=0, info={"chargingState": "Charging"}, idToken=CARD)
    clock.move(HOUR)
    await charge.tell("Ended", "AbnormalCondition", wh=5000, info={"stoppedReason": "GroundFault"})
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["remark"]) == (5, "GroundFailure")


REFUSALS = [
    ("BLOCKED", "Blocked"),
    ("EXPIRED", "Expired"),
    ("NO_CREDIT", "NoCredit"),
    ("NOT_ALLOWED", "NotAtThisLocation"),
    (None, "Unknown"),
]


@pytest.mark.parametrize(("allowed", "status"), REFUSALS)
async def test_a_token_that_may_not_charge(csms: Csms, provider: Provider, clock: Clock, allowed: str | None, status: str) -> None:
    provider.allowed = allowed
    async with station(csms, V201) as one:
        answer = await one.say("Authorize", idToken=CARD)
        assert answer["idTokenInfo"]["status"] == status
        told = await Transaction(one, clock).tell("Started", "Authorized", wh=0, idToken=CARD)
        assert told["idTokenInfo"]["status"] == status
    assert await provider.sessions() == []
