"""What a CSMS may want of a simulated station, in each version; every question and answer is as the schema says."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from interplug.stations.ocpp.link import Refused
from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.transaction import Token
from tests.nodes import Clock

from .csms import LATER, VERSIONS, Csms, plugged

CARD = Token("04A1B2C3")
LARGE = Vehicle(80_000, 22_000)


def start(csms: Csms, evse: int = 1, card: str = "APP-1", **more: Any) -> str:
    if csms.dialect.version == "1.6":
        return str(csms.ask("RemoteStartTransaction", idTag=card, **({"connectorId": evse} if evse else {}), **more)["status"])
    token = {"idToken": card, "type": "Central"}
    return str(csms.ask("RequestStartTransaction", idToken=token, remoteStartId=77, **({"evseId": evse} if evse else {}), **more)["status"])


def transaction(csms: Csms, evse: int = 1) -> Any:
    tx = csms.station.evses[evse - 1].tx
    assert tx is not None
    return tx.number if csms.dialect.version == "1.6" else tx.id


def stop(csms: Csms, id: Any) -> str:
    action = "RemoteStopTransaction" if csms.dialect.version == "1.6" else "RequestStopTransaction"
    return str(csms.ask(action, transactionId=id)["status"])


def reserve(csms: Csms, id: int = 5, evse: int = 1, card: str = "04A1B2C3", seconds: int = 600) -> str:
    until = csms.clock.text(seconds)
    if csms.dialect.version == "1.6":
        return str(csms.ask("ReserveNow", connectorId=evse, expiryDate=until, idTag=card, reservationId=id)["status"])
    token = {"idToken": card, "type": "ISO14443"}
    return str(csms.ask("ReserveNow", id=id, expiryDateTime=until, idToken=token, **({"evseId": evse} if evse else {}))["status"])


def available(csms: Csms, type: str, evse: int = 0) -> str:
    if csms.dialect.version == "1.6":
        return str(csms.ask("ChangeAvailability", connectorId=evse, type=type)["status"])
    return str(csms.ask("ChangeAvailability", operationalStatus=type, **({"evse": {"id": evse}} if evse else {}))["status"])


# --- starting and stopping


@pytest.mark.parametrize("version", VERSIONS)
def test_a_start_from_afar_waits_for_the_cable_and_a_stop_ends_it(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    assert start(csms) == "Accepted"
    assert not csms.of("StartTransaction") + csms.of("TransactionEvent")
    csms.station.plug_in(1)
    csms.pump()
    if version == "1.6":
        assert csms.of("StartTransaction")[0]["idTag"] == "APP-1" and not csms.of("Authorize")
    else:
        [begun] = csms.of("TransactionEvent")
        assert begun["transactionInfo"]["remoteStartId"] == 77 and begun["idToken"] == {"idToken": "APP-1", "type": "Central"}
    csms.wait(60)
    assert stop(csms, transaction(csms)) == "Accepted"
    if version == "1.6":
        assert csms.of("StopTransaction")[0]["reason"] == "Remote"
    else:
        assert csms.events()[-1] == ("Ended", "RemoteStop")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_of_the_crowd_comes_and_goes_by_himself(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, arrives=30, leaves=20)
    start(csms)
    csms.wait(120)
    assert csms.station.evses[0].tx is not None
    stop(csms, transaction(csms))
    csms.wait(30)
    assert csms.statuses()[-1] == "Available"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_who_does_not_come_is_waited_for_so_long(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, settings={"ConnectionTimeOut": "40"})
    start(csms)
    csms.wait(50)
    csms.station.plug_in(1)
    csms.pump()
    assert not csms.of("StartTransaction") + csms.of("TransactionEvent")


@pytest.mark.parametrize("version", VERSIONS)
def test_where_nobody_can_start_the_station_says_so(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1)
    start(csms)
    assert start(csms, card="APP-2") == "Rejected"
    csms.station.fault("InternalError", 2)
    assert start(csms, 2) == start(csms, 3) == "Rejected"
    assert stop(csms, 4711 if version == "1.6" else "nothing") == "Rejected"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_start_that_names_no_plug_takes_one_that_is_free(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(2)
    assert start(csms, 0) == "Accepted"
    csms.pump()
    assert csms.station.evses[1].tx is not None


@pytest.mark.parametrize("version", VERSIONS)
def test_unlocking(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)

    def unlock(connector: int) -> str:
        asked = {"connectorId": connector} if version == "1.6" else {"evseId": connector, "connectorId": 1}
        return str(csms.ask("UnlockConnector", **asked)["status"])

    csms.station.plug_in(1)
    start(csms)
    if version == "1.6":
        assert unlock(1) == "Unlocked" and csms.of("StopTransaction")[0]["reason"] == "UnlockCommand"
    else:
        assert unlock(1) == "OngoingAuthorizedTransaction"
        stop(csms, transaction(csms))
        assert unlock(1) == "Unlocked"
    csms.wait(20)
    assert csms.statuses()[-1] == "Available"
    csms.station.fault("ConnectorLockFailure", 2)
    assert unlock(2) == "UnlockFailed"
    assert unlock(9) == ("NotSupported" if version == "1.6" else "UnknownConnector")


# --- reservations, availability, restarts


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reserved_plug_is_for_one_card(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    assert reserve(csms) == "Accepted" and csms.statuses() == ["Reserved"]
    assert start(csms, card="SOMEBODY") == "Rejected"
    csms.station.tap(1, CARD)
    csms.pump()
    csms.station.plug_in(1)
    csms.pump()
    [begun] = csms.of("StartTransaction") or csms.of("TransactionEvent")
    assert begun["reservationId"] == 5


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reservation_ends_by_itself_or_when_it_is_cancelled_or_when_the_station_breaks(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    for ends in ("time", "cancel", "fault"):
        csms.forget()
        assert reserve(csms) == "Accepted"
        if ends == "time":
            csms.wait(700, 100)
        elif ends == "cancel":
            assert csms.ask("CancelReservation", reservationId=5)["status"] == "Accepted"
        else:
            csms.station.fault("GroundFailure", 1)
            csms.pump()
        assert csms.statuses()[-1] == ("Faulted" if ends == "fault" else "Available")
        told = [one["reservationUpdateStatus"] for one in csms.of("ReservationStatusUpdate")]
        assert told == ([] if version == "1.6" else {"time": ["Expired"], "cancel": [], "fault": ["Removed"]}[ends])
    assert csms.ask("CancelReservation", reservationId=5)["status"] == "Rejected"
    assert reserve(csms) == "Faulted"
    csms.station.plug_in(2)
    assert reserve(csms, evse=2) == "Occupied"
    available(csms, "Inoperative", 2)
    assert reserve(csms, evse=2) == "Unavailable"


@pytest.mark.parametrize("version", VERSIONS)
def test_out_of_service_lets_the_charge_end(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1)
    start(csms)
    assert available(csms, "Inoperative") == "Scheduled"
    assert csms.statuses(2) == ["Unavailable"] and start(csms, 2) == "Rejected"
    stop(csms, transaction(csms))
    assert csms.statuses(1)[-1] == "Unavailable"
    assert available(csms, "Operative") == "Accepted"
    csms.station.unplug(1)
    csms.pump()
    assert csms.statuses(1)[-1] == csms.statuses(2)[-1] == "Available"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reset_ends_what_goes_on_and_boots_again(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1)
    start(csms)
    assert csms.ask("Reset", type="Soft" if version == "1.6" else "Immediate")["status"] == "Accepted"
    clock.move(2)
    csms.station.advance()
    assert csms.station.restarting and csms.station.evses[0].tx is None
    csms.drop()
    csms.forget()
    clock.move(5)
    csms.link()
    assert csms.heard[0][0] == "BootNotification"
    if version == "1.6":
        assert [one["reason"] for one in csms.of("StopTransaction")] == ["SoftReset"]
    else:
        assert csms.heard[0][1]["reason"] == "RemoteReset" and csms.events()[-1] == ("Ended", "ResetCommand")


@pytest.mark.parametrize("version", LATER)
def test_a_reset_may_wait_for_the_last_car(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1)
    start(csms)
    assert csms.ask("Reset", type="OnIdle")["status"] == "Scheduled"
    stop(csms, transaction(csms))
    csms.wait(10)
    assert csms.station.restarting


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", ["BootNotification", "Heartbeat", "StatusNotification", "MeterValues"])
def test_a_message_may_be_asked_for(version: str, what: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1)
    start(csms)
    csms.forget()
    assert csms.ask("TriggerMessage", requestedMessage=what)["status"] == "Accepted"
    assert csms.of(what)
    if what == "MeterValues":
        assert {one["context"] for value in csms.of(what) for one in value["meterValue"][0]["sampledValue"]} == {"Trigger"}


@pytest.mark.parametrize("version", LATER)
def test_how_a_transaction_stands_may_be_asked(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    assert csms.ask("TriggerMessage", requestedMessage="TransactionEvent")["status"] == "Rejected"
    csms.station.plug_in(1)
    start(csms)
    assert csms.ask("TriggerMessage", requestedMessage="TransactionEvent")["status"] == "Accepted"
    assert csms.events()[-1] == ("Updated", "Trigger")
    running = transaction(csms)
    assert csms.ask("GetTransactionStatus", transactionId=running) == {"ongoingIndicator": True, "messagesInQueue": False}
    stop(csms, running)
    assert csms.ask("GetTransactionStatus", transactionId=running) == {"ongoingIndicator": False, "messagesInQueue": False}
    assert csms.ask("GetTransactionStatus") == {"messagesInQueue": False}


# --- settings


def test_the_settings_of_1_6(clock: Clock) -> None:
    csms = plugged("1.6", clock)
    everything = csms.ask("GetConfiguration")["configurationKey"]
    assert {"HeartbeatInterval", "MeterValueSampleInterval", "SupportedFeatureProfiles"} <= {one["key"] for one in everything}
    some = csms.ask("GetConfiguration", key=["NumberOfConnectors", "Nonsense"])
    assert some["configurationKey"] == [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]
    assert some["unknownKey"] == ["Nonsense"]

    def change(key: str, value: str) -> str:
        return str(csms.ask("ChangeConfiguration", key=key, value=value)["status"])

    assert change("MeterValueSampleInterval", "5") == "Accepted"
    assert change("NumberOfConnectors", "5") == change("HeartbeatInterval", "often") == "Rejected"
    assert change("MeterValuesSampledData", "Energy.Active.Import.Register,Wind") == "Rejected"
    assert (change("Nonsense", "1"), change("AuthorizationKey", "00ff")) == ("NotSupported", "RebootRequired")
    assert csms.station.password == b"\x00\xff"
    csms.station.plug_in(1)
    start(csms)
    csms.wait(20)
    assert len(csms.of("MeterValues")) == 4


@pytest.mark.parametrize("version", LATER)
def test_the_variables_of_2(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)

    def named(component: str, variable: str, **more: Any) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": variable}, **more}

    def change(component: str, variable: str, value: str) -> str:
        asked = [named(component, variable, attributeValue=value)]
        return str(csms.ask("SetVariables", setVariableData=asked)["setVariableResult"][0]["attributeStatus"])

    asked = [named("SampledDataCtrlr", "TxUpdatedInterval"), named("Toaster", "Heat"), named("TxCtrlr", "Heat")]
    read = csms.ask("GetVariables", getVariableData=[*asked, named("SecurityCtrlr", "BasicAuthPassword")])["getVariableResult"]
    assert [one["attributeStatus"] for one in read] == ["Accepted", "UnknownComponent", "UnknownVariable", "Rejected"]
    assert read[0]["attributeValue"] == "60"
    assert change("SampledDataCtrlr", "TxUpdatedInterval", "5") == "Accepted"
    assert (change("SmartChargingCtrlr", "ProfileStackLevel", "3"), change("Toaster", "Heat", "3")) == ("Rejected", "UnknownComponent")
    assert change("SecurityCtrlr", "BasicAuthPassword", "sesame") == "RebootRequired" and csms.station.password == b"sesame"


@pytest.mark.parametrize("version", LATER)
def test_reports_of_2(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    assert csms.ask("GetBaseReport", requestId=7, reportBase="FullInventory")["status"] == "Accepted"
    pages = csms.of("NotifyReport")
    assert [one["seqNo"] for one in pages] == list(range(len(pages))) and [one["tbc"] for one in pages] == [True] * (len(pages) - 1) + [
        False
    ]
    rows = [row for page in pages for row in page["reportData"]]
    assert {"component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "variable": {"name": "ConnectorType"}}.items() <= next(
        row for row in rows if row["component"].get("evse") == {"id": 2, "connectorId": 1}
    ).items()
    csms.forget()
    wanted = [{"component": {"name": "TxCtrlr"}}]
    assert csms.ask("GetReport", requestId=8, componentVariable=wanted)["status"] == "Accepted"
    assert {row["component"]["name"] for page in csms.of("NotifyReport") for row in page["reportData"]} == {"TxCtrlr"}
    assert csms.ask("GetReport", requestId=9, componentVariable=[{"component": {"name": "Toaster"}}])["status"] == "EmptyResultSet"


@pytest.mark.parametrize("version", VERSIONS)
def test_what_it_cannot_it_refuses(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    assert csms.ask("DataTransfer", vendorId="com.example")["status"] == "UnknownVendorId"
    with pytest.raises(Refused, match="NotSupported"):
        csms.station.answer("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": "x"})


# --- charging profiles


def profile(csms: Csms, limits: list[tuple[int, float]], purpose: str = "TxProfile", **more: Any) -> dict[str, Any]:
    id, unit = more.pop("id", 1), more.pop("unit", "W")  # noqa: A001
    periods = [{"startPeriod": start, "limit": Decimal(str(limit))} for start, limit in limits]
    schedule: dict[str, Any] = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    for name in ("startSchedule", "duration"):
        if name in more:
            schedule[name] = more.pop(name)
    shared = {"stackLevel": more.pop("stack", 0), "chargingProfileKind": more.pop("kind", "Relative"), **more}
    if csms.dialect.version == "1.6":
        named = {"ChargingStationMaxProfile": "ChargePointMaxProfile"}.get(purpose, purpose)
        return {"chargingProfileId": id, "chargingProfilePurpose": named, "chargingSchedule": schedule, **shared}
    return {"id": id, "chargingProfilePurpose": purpose, "chargingSchedule": [{"id": 1, **schedule}], **shared}


def limit(csms: Csms, document: dict[str, Any], evse: int = 1) -> str:
    if csms.dialect.version == "1.6":
        return str(csms.ask("SetChargingProfile", connectorId=evse, csChargingProfiles=document)["status"])
    if document["chargingProfilePurpose"] == "TxProfile":
        document = {**document, "transactionId": transaction(csms, evse)}
    return str(csms.ask("SetChargingProfile", evseId=evse, chargingProfile=document)["status"])


def power(csms: Csms, evse: int = 1) -> int:
    reading = csms.station.evses[evse - 1].reading(csms.station.advance(), "MeterValuesSampledData", "Other")
    return int(next(one.value for one in reading.samples if one.measurand == "Power.Active.Import"))


def full_power(csms: Csms, *evses: int) -> None:
    for evse in evses or (1,):
        csms.station.plug_in(evse, Car(LARGE, 0.1))
        assert start(csms, evse, card=f"APP-{evse}") == "Accepted"
    csms.wait(60)
    assert power(csms) == 11_000


@pytest.mark.parametrize("version", VERSIONS)
def test_the_power_follows_the_profile_of_the_transaction(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms)
    # From the start of the transaction, a minute ago: 6 kW, after five minutes nothing, after ten 16 A.
    assert limit(csms, profile(csms, [(0, 6000), (300, 0), (600, 9000)])) == "Accepted"
    assert power(csms) == 6000
    csms.wait(240)
    assert power(csms) == 0
    if version == "1.6":
        assert csms.statuses()[-1] == "SuspendedEVSE"
    else:
        assert csms.of("TransactionEvent")[-2]["transactionInfo"]["chargingState"] == "SuspendedEVSE"
    before = csms.station.evses[0].reading(csms.station.now, "MeterValuesSampledData", "Other").register
    csms.wait(290)
    assert csms.station.evses[0].reading(csms.station.now, "MeterValuesSampledData", "Other").register == before
    csms.wait(40)
    assert power(csms) == 9000


@pytest.mark.parametrize("version", VERSIONS)
def test_a_profile_of_a_transaction_ends_with_it_and_its_place_is_free(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms)
    limit(csms, profile(csms, [(0, 5000)]))
    stop(csms, transaction(csms))
    start(csms)
    csms.wait(60)
    assert power(csms) == 11_000 and csms.station.power.profiles == []


@pytest.mark.parametrize("version", VERSIONS)
def test_amperes_are_of_each_phase_and_below_six_nothing_flows(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms)
    limit(csms, profile(csms, [(0, 10)], unit="A"))
    assert power(csms) == 6900
    limit(csms, profile(csms, [(0, 5.9)], unit="A"))
    assert power(csms) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stations_own_limit_is_shared_by_who_charges(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms, 1, 2)
    assert (
        limit(csms, profile(csms, [(0, 12_000)], "ChargingStationMaxProfile", kind="Absolute", startSchedule=clock.text()), 0) == "Accepted"
    )
    assert (power(csms, 1), power(csms, 2)) == (6000, 6000)
    stop(csms, transaction(csms, 2))
    assert power(csms, 1) == 11_000


@pytest.mark.parametrize("version", VERSIONS)
def test_the_highest_level_that_says_something_holds_and_the_transaction_over_the_default(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    now = clock.text()
    daily = profile(csms, [(0, 8000)], "TxDefaultProfile", kind="Recurring", recurrencyKind="Daily", startSchedule=now)
    short = profile(csms, [(0, 5000)], "TxDefaultProfile", id=2, stack=1, kind="Absolute", startSchedule=now, duration=120)
    assert limit(csms, daily, 0) == limit(csms, short, 1) == "Accepted"
    csms.station.plug_in(1, Car(LARGE, 0.1))
    start(csms)
    csms.wait(60)
    assert power(csms) == 5000
    csms.wait(60)
    assert power(csms) == 8000
    limit(csms, profile(csms, [(0, 7000)], id=3))
    assert power(csms) == 7000


@pytest.mark.parametrize("version", VERSIONS)
def test_a_start_may_bring_its_profile(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.plug_in(1, Car(LARGE, 0.1))
    assert start(csms, chargingProfile=profile(csms, [(0, 7000)])) == "Accepted"
    csms.wait(60)
    assert power(csms) == 7000
    assert start(csms, 2, chargingProfile=profile(csms, [(0, 7000)], "TxDefaultProfile")) == "Rejected"


@pytest.mark.parametrize("version", VERSIONS)
def test_profiles_that_do_not_fit_are_refused_and_others_cleared(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    if version == "1.6":
        assert limit(csms, profile(csms, [(0, 7000)])) == "Rejected"  # no transaction
    assert limit(csms, profile(csms, [(0, 7000)], "ChargingStationMaxProfile", kind="Absolute"), 1) == "Rejected"
    assert limit(csms, profile(csms, [(0, 7000)], "TxDefaultProfile"), 9) == "Rejected"
    assert limit(csms, profile(csms, [(0, 7000)], "TxDefaultProfile"), 1) == "Accepted"
    if version != "1.6":
        assert limit(csms, profile(csms, [(0, 7000)], "TxDefaultProfile", id=2), 1) == "Rejected"
        assert csms.ask("GetChargingProfiles", requestId=1, chargingProfile={"stackLevel": 0})["status"] == "Accepted"
        assert [one["id"] for one in csms.of("ReportChargingProfiles")[0]["chargingProfile"]] == [1]
        assert csms.ask("GetChargingProfiles", requestId=1, chargingProfile={"stackLevel": 5})["status"] == "NoProfiles"
    which = {"id": 1} if version == "1.6" else {"chargingProfileId": 1}
    assert csms.ask("ClearChargingProfile", **which)["status"] == "Accepted"
    assert csms.ask("ClearChargingProfile", **which)["status"] == "Unknown"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_place_around_it_may_allow_less(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms)
    csms.station.allow(8000)
    csms.pump()
    assert power(csms) == 8000
    csms.station.allow(None)
    csms.pump()
    assert power(csms) == 11_000
    if version != "1.6":
        assert csms.of("NotifyChargingLimit")[0]["chargingLimit"] == {"chargingLimitSource": "EMS"} and csms.of("ClearedChargingLimit")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schedule_ahead(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    full_power(csms)
    limit(csms, profile(csms, [(0, 6900), (360, 4140)], kind="Absolute", startSchedule=clock.text(-60), duration=600))
    where = {"connectorId": 1} if version == "1.6" else {"evseId": 1}
    answer = csms.ask("GetCompositeSchedule", duration=900, chargingRateUnit="A", **where)
    schedule = answer["chargingSchedule"] if version == "1.6" else answer["schedule"]
    found = [(one["startPeriod"], float(one["limit"])) for one in schedule["chargingSchedulePeriod"]]
    assert found == [(0, 10.0), (300, 6.0), (540, 15.9)]
    assert csms.ask("GetCompositeSchedule", duration=900, **dict.fromkeys(where, 9))["status"] == "Rejected"


# --- signed meters


@pytest.mark.parametrize("version", VERSIONS)
def test_a_meter_may_sign_what_it_shows(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, signed=True)
    csms.station.plug_in(1)
    start(csms)
    csms.wait(120)
    stop(csms, transaction(csms))
    if version == "1.6":
        [ended] = csms.of("StopTransaction")
        signed = [one["value"] for value in ended["transactionData"] for one in value["sampledValue"] if one.get("format") == "SignedData"]
        [key] = [one["value"] for one in csms.ask("GetConfiguration", key=["MeterPublicKey1"])["configurationKey"]]
    else:
        told = csms.of("TransactionEvent")
        values = [one["meterValue"][0]["sampledValue"][0]["signedMeterValue"] for one in (told[0], told[-1])]
        signed = [base64.b64decode(one["signedMeterData"]).decode() for one in values]
        key = base64.b64decode(values[0]["publicKey"]).decode().rpartition(":")[2]
    public = serialization.load_der_public_key(bytes.fromhex(key))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    marks = []
    for text in signed:
        name, payload, signature = text.split("|")
        public.verify(bytes.fromhex(json.loads(signature)["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
        [value] = json.loads(payload)["RD"]
        marks.append((name, value["TX"], value["RU"]))
    assert marks == [("OCMF", "B", "kWh"), ("OCMF", "E", "kWh")]
