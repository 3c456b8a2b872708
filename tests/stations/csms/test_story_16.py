"""A station that speaks OCPP 1.6J, from its boot to the bill: over a real socket, with an eMSP that is asked in real time."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from interplug.config import Stations
from interplug.modules.node import Node
from interplug.stations.csms import provisioning, transactions
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16
from interplug.stations.ocpp.link import Refused
from interplug.store.charging_stations import Outlet
from interplug.store.keys import OWN
from tests.nodes import Clock
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import boot, meter, settled, start, status, stop
from tests.stations.csms.stations import add_station, station

HOUR = 3600


async def test_a_card_is_authorised_in_real_time_charges_and_is_billed(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        assert await provider.status() == "AVAILABLE"

        await status(one, clock, "Preparing")
        assert (await one.say("Authorize", idTag="CARD1"))["idTagInfo"]["status"] == "Accepted"
        number = await start(one, clock)
        await status(one, clock, "Charging")
        assert len(provider.asked) == 1, "nobody is asked twice for one charge"
        assert await provider.status() == "CHARGING"

        for wh in (4000, 8000, 12000):
            clock.move(HOUR / 4)
            await meter(one, clock, number, wh, Power_Active_Import="16000", Current_Import="70")
        await csms.hall.posts["CS1"].carried()
        running = await provider.session()
        assert (running["status"], running["auth_method"], running["authorization_reference"]) == ("ACTIVE", "AUTH_REQUEST", "REF-1")
        assert running["kwh"] == 11

        clock.move(HOUR / 4)
        await stop(one, clock, number, 12500, idTag="CARD1", reason="EVDisconnected")
        await status(one, clock, "Available")
        await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == Decimal("11.5")
    assert (await provider.session())["status"] == "COMPLETED"
    assert await provider.status() == "AVAILABLE"


async def test_a_driver_starts_and_stops_from_the_provider_s_app(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        app_user = {**FULL_TOKEN, "uid": "9c1f2b6e-75a3-4b0c-9d8e-3f2a1b4c5d6e", "type": "APP_USER"}
        said, results = await provider.command(
            "START_SESSION", token=app_user, location_id="LOC1", evse_uid="EVSE1", authorization_reference="R7"
        )
        assert (said, results) == ("ACCEPTED", ["ACCEPTED"])
        asked = await one.asked("RemoteStartTransaction")
        assert asked["connectorId"] == 1 and len(asked["idTag"]) <= 20
        assert await provider.sessions() == [], "that a station would start is no session"

        number = await start(one, clock, asked["idTag"])
        assert provider.asked == []
        running = await provider.session()
        assert (running["auth_method"], running["authorization_reference"]) == ("COMMAND", "R7")
        assert running["cdr_token"]["uid"] == app_user["uid"]
        clock.move(HOUR)

        assert await provider.command("STOP_SESSION", session_id=running["id"]) == ("ACCEPTED", ["ACCEPTED"])
        assert await one.asked("RemoteStopTransaction") == {"transactionId": number}
        await stop(one, clock, number, 9000, reason="Remote")
        await csms.hall.posts["CS1"].carried()
        [bill] = await provider.cdrs()
        assert (bill["total_energy"], bill["auth_method"]) == (8, "COMMAND")


async def test_unlocking_and_a_reservation(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        one.answers["UnlockConnector"] = {"status": "Unlocked"}
        place = {"location_id": "LOC1", "evse_uid": "EVSE1"}
        assert await provider.command("UNLOCK_CONNECTOR", **place, connector_id="1") == ("ACCEPTED", ["ACCEPTED"])
        assert await one.asked("UnlockConnector") == {"connectorId": 1}

        wanted = {**place, "token": FULL_TOKEN, "reservation_id": "their-own-name", "expiry_date": clock.text(HOUR)}
        assert await provider.command("RESERVE_NOW", **wanted) == ("ACCEPTED", ["ACCEPTED"])
        asked = await one.asked("ReserveNow")
        assert asked == {"connectorId": 1, "expiryDate": clock.text(HOUR), "idTag": "CARD1", "reservationId": asked["reservationId"]}
        await status(one, clock, "Reserved")
        assert await provider.status() == "RESERVED"
        assert (await provider.session())["status"] == "RESERVATION"

        clock.move(600)
        number = await start(one, clock, reservationId=asked["reservationId"])
        held = await provider.session()
        assert held["status"] == "ACTIVE", "the reservation goes on under its own Session"
        clock.move(HOUR)
        await stop(one, clock, number, 6000)
        await csms.hall.posts["CS1"].carried()
        [bill] = await provider.cdrs()
        assert (bill["id"], bill["total_energy"]) == (held["id"], 5)


async def test_a_reservation_is_canceled(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        wanted = {"location_id": "LOC1", "evse_uid": "EVSE1", "token": FULL_TOKEN, "reservation_id": "R1", "expiry_date": clock.text(HOUR)}
        await provider.command("RESERVE_NOW", **wanted)
        number = (await one.asked("ReserveNow"))["reservationId"]
        assert await provider.command("CANCEL_RESERVATION", reservation_id="R1") == ("ACCEPTED", ["ACCEPTED"])
        assert await one.asked("CancelReservation") == {"reservationId": number}
        assert await provider.command("CANCEL_RESERVATION", reservation_id="R1") == ("ACCEPTED", ["UNKNOWN_RESERVATION"])
        assert (await provider.session())["status"] == "COMPLETED"


class TestLateAnswers:
    @pytest.fixture
    def settings(self) -> Stations:
        return Stations(enabled=True, port=0, status_settle=0, call_timeout=0.3, authorise_timeout=20)

    async def test_a_reservation_of_which_nothing_was_heard_in_time_is_let_go(self, csms: Csms, provider: Provider, clock: Clock) -> None:
        """Else the plug is reserved for a driver who was told that it is not."""
        async with station(csms, V16) as one:
            await boot(one, clock)
            late = one.answers["ReserveNow"] = asyncio.get_running_loop().create_future()
            wanted = {"location_id": "LOC1", "evse_uid": "EVSE1", "token": FULL_TOKEN, "reservation_id": "R1"}
            assert await provider.command("RESERVE_NOW", **wanted, expiry_date=clock.text(HOUR)) == ("ACCEPTED", ["TIMEOUT"])
            number = (await one.asked("ReserveNow"))["reservationId"]
            late.set_result({"status": "Accepted"})
            assert await one.asked("CancelReservation") == {"reservationId": number}


async def test_a_reservation_holds_at_every_connector_of_its_evse(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    await add_station(node, "S1", outlets=[Outlet(number, 1, "EVSE1", "1") for number in (1, 2)])
    wanted = {"location_id": "LOC1", "evse_uid": "EVSE1", "token": FULL_TOKEN, "reservation_id": "R1", "expiry_date": clock.text(HOUR)}
    async with station(csms, V16, "S1") as one:
        await provider.command("RESERVE_NOW", **wanted)
        other = 3 - (await one.asked("ReserveNow"))["connectorId"]
        clock.move(600)
        await one.say("StartTransaction", connectorId=other, idTag="CARD1", meterStart=0, timestamp=clock.text())
        assert (await provider.session())["status"] == "ACTIVE"


async def test_a_reservation_that_moves_to_another_station_is_let_go_at_the_first(
    csms: Csms, node: Node, provider: Provider, clock: Clock
) -> None:
    for number in (1, 2):
        await add_station(node, f"S{number}", outlets=[Outlet(1, 1, f"EVSE{number}", "1")])
    wanted = {"location_id": "LOC1", "token": FULL_TOKEN, "reservation_id": "R1", "expiry_date": clock.text(HOUR)}
    async with station(csms, V16, "S1") as first, station(csms, V16, "S2") as second:
        assert await provider.command("RESERVE_NOW", **wanted, evse_uid="EVSE1") == ("ACCEPTED", ["ACCEPTED"])
        asked = await first.asked("ReserveNow")
        assert await provider.command("RESERVE_NOW", **wanted, evse_uid="EVSE2") == ("ACCEPTED", ["ACCEPTED"])
        assert (await second.asked("ReserveNow"))["reservationId"] == asked["reservationId"]
        assert await first.asked("CancelReservation") == {"reservationId": asked["reservationId"]}
        clock.move(600)
        await start(second, clock, reservationId=asked["reservationId"])
    used = await provider.session()
    assert (used["evse_uid"], used["status"]) == ("EVSE2", "ACTIVE"), "the reservation goes on under its own Session"


async def test_a_card_reader_that_is_broken_is_not_offered(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async def able(uid: str) -> list[str]:
        return list((await provider.partner.fetch(f"locations/LOC1/{uid}")).data["capabilities"])

    before = await able("EVSE1")
    async with station(csms, V16) as one:
        await boot(one, clock)
        await status(one, clock, "Available", 1, errorCode="ReaderFailure")
        assert (await able("EVSE1"), await able("EVSE2")) == ([one for one in before if one != "RFID_READER"], before)
        assert await provider.status() == "AVAILABLE", "an app still works"
        clock.move(60)
        await one.say("BootNotification", chargePointVendor="Acme", chargePointModel="Wall 1")
        await status(one, clock, "Available", 1)
        assert sorted(await able("EVSE1")) == sorted(before)
        await status(one, clock, "Available", 0, errorCode="ReaderFailure")
        assert "RFID_READER" not in [*await able("EVSE1"), *await able("EVSE2")], "it is the reader of the whole station"
        await provisioning.remove(node, "CS1")
        assert [sorted(await able(uid)) for uid in ("EVSE1", "EVSE2")] == [sorted(before)] * 2
        [row] = await node.store.read(lambda tx: tx.objects.find_evse("EVSE1", source=OWN))
    plain = {**row.document, "capabilities": ["UNLOCK_CAPABLE"]}
    await node.store.write(lambda tx: tx.objects.save_evse(row.key, "EVSE1", plain, last_updated=clock.now))
    await add_station(node)
    async with station(csms, V16) as one:
        await status(one, clock, "Available", 1, errorCode="ReaderFailure")
        await status(one, clock, "Available", 1)
        assert await able("EVSE1") == ["UNLOCK_CAPABLE"], "it never had one"


# What a station answers to a command, and what the provider hears of it (2.4 of the mapping).
ANSWERS: list[tuple[str, Any, str]] = [
    ("RemoteStartTransaction", {"status": "Rejected"}, "REJECTED"),
    ("RemoteStartTransaction", Refused("NotSupported"), "NOT_SUPPORTED"),
    ("RemoteStartTransaction", Refused("NotImplemented"), "NOT_SUPPORTED"),
    ("RemoteStartTransaction", Refused("InternalError"), "FAILED"),
    ("ReserveNow", {"status": "Occupied"}, "EVSE_OCCUPIED"),
    ("ReserveNow", {"status": "Faulted"}, "EVSE_INOPERATIVE"),
    ("ReserveNow", {"status": "Unavailable"}, "EVSE_INOPERATIVE"),
    ("ReserveNow", {"status": "Rejected"}, "REJECTED"),
    ("UnlockConnector", {"status": "UnlockFailed"}, "FAILED"),
    ("UnlockConnector", {"status": "NotSupported"}, "NOT_SUPPORTED"),
]
COMMANDS = {"RemoteStartTransaction": "START_SESSION", "ReserveNow": "RESERVE_NOW", "UnlockConnector": "UNLOCK_CONNECTOR"}


async def test_each_answer_of_a_station_is_a_result(csms: Csms, provider: Provider, clock: Clock) -> None:
    fields = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1", "token": FULL_TOKEN}
    more = {"START_SESSION": {}, "RESERVE_NOW": {"reservation_id": "R1", "expiry_date": clock.text(HOUR)}, "UNLOCK_CONNECTOR": {}}
    async with station(csms, V16) as one:
        await boot(one, clock)
        for action, answer, result in ANSWERS:
            one.answers[action] = answer
            name = COMMANDS[action]
            kept = {key: value for key, value in fields.items() if not (name == "UNLOCK_CONNECTOR" and key == "token")}
            assert await provider.command(name, **kept, **more[name]) == ("ACCEPTED", [result]), (action, answer)


async def test_what_is_known_of_a_station_says_why_it_rejects(csms: Csms, provider: Provider, clock: Clock) -> None:
    wanted = {"token": FULL_TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1"}
    async with station(csms, V16) as one:
        await boot(one, clock)
        one.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        await status(one, clock, "Faulted", errorCode="GroundFailure")
        assert await provider.command("START_SESSION", **wanted) == ("ACCEPTED", ["EVSE_INOPERATIVE"])
        await status(one, clock, "Available")
        await start(one, clock)
        assert await provider.command("START_SESSION", **wanted) == ("ACCEPTED", ["EVSE_OCCUPIED"])
    await csms.hall.close()
    assert await provider.command("START_SESSION", **wanted) == ("ACCEPTED", ["TIMEOUT"])


async def test_a_fault_is_published_and_kept_in_the_log(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        await status(one, clock, "Faulted", errorCode="OverCurrentFailure", vendorErrorCode="E42", info="phase 2")
        assert await provider.status() == "OUTOFORDER"
        assert await provider.status("EVSE2") == "AVAILABLE"
        clock.move(60)
        await status(one, clock, "Available")
        assert await provider.status() == "AVAILABLE"
        await status(one, clock, "Available", errorCode="WeakSignal")
        assert await provider.status() == "AVAILABLE", "a warning takes nothing out of order"
        [fault, warning] = await csms.node.store.read(lambda tx: tx.faults.since(0))
        assert (fault.code, fault.severity, fault.vendor_code, fault.info) == ("OverCurrentFailure", "critical", "E42", "phase 2")
        assert fault.closed_at - fault.opened_at == 60_000_000
        assert (warning.code, warning.severity, warning.closed_at) == ("WeakSignal", "info", 0)
        await status(one, clock, "Unavailable", 0)
        assert await provider.status() == await provider.status("EVSE2") == "INOPERATIVE"


async def test_a_car_that_takes_no_more_is_parking(csms: Csms, provider: Provider, clock: Clock) -> None:
    """Only the status of its connector says so."""
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock, meter=0)
        await status(one, clock, "SuspendedEV")
        clock.move(HOUR / 2)
        await status(one, clock, "Charging")
        await meter(one, clock, number, 0)
        clock.move(HOUR)
        await status(one, clock, "SuspendedEV")
        clock.move(HOUR / 4)
        await meter(one, clock, number, 7000)
        clock.move(HOUR / 2)
        await status(one, clock, "SuspendedEVSE")
        clock.move(HOUR / 4)
        await stop(one, clock, number, 7000)
        await settled(one)
        await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"], bill["total_parking_time"]) == (7, Decimal("2.5"), Decimal("0.75"))


async def test_a_fault_that_is_told_after_the_charge_has_ended_is_on_the_bill(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
        clock.move(HOUR)
        await stop(one, clock, number, 9000, reason="Other")
        await status(one, clock, "Faulted", errorCode="GroundFailure")
        await csms.hall.posts["CS1"].carried()
        [bill] = await provider.cdrs()
        assert bill["remark"] == "GroundFailure"
        await status(one, clock, "Available")


async def test_an_end_that_nothing_explains_waits_a_moment_and_is_billed_without_a_remark(
    csms: Csms, provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "FOLLOWS", 0.05)
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
        clock.move(HOUR)
        await stop(one, clock, number, 9000, reason="Other")
        await csms.hall.posts["CS1"].carried()
        [bill] = await provider.cdrs()
        assert "remark" not in bill
