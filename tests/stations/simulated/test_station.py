"""A simulated station of each version with a strict CSMS: what a driver does, what goes wrong, what is told of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.transaction import Token
from tests.nodes import Clock

from .csms import DC, LATER, VERSIONS, Csms, plugged

CARD = Token("04A1B2C3")
OTHER = Token("04FFFFFF")
EMPTY = Vehicle(20_000)


def charging(csms: Csms, *, soc: float = 0.2, number: int = 1) -> None:
    csms.station.plug_in(number, Car(EMPTY, soc))
    csms.station.tap(number, CARD)
    csms.pump()


def energy(payload: dict[str, object]) -> list[Decimal]:
    """Of the register, in each reading."""
    found = []
    for reading in payload.get("meterValue", []):  # type: ignore[attr-defined]
        for one in reading["sampledValue"]:
            if one.get("measurand") == "Energy.Active.Import.Register" and one.get("format") != "SignedData":
                found.append(Decimal(str(one["value"])))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_boots_and_says_how_it_is(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, link=False)
    csms.link()
    assert csms.heard[0][0] == "BootNotification"
    assert csms.statuses(1) == csms.statuses(2) == ["Available"]
    csms.wait(1200, 60)
    assert len(csms.of("Heartbeat")) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_that_is_not_accepted_says_nothing_else_and_asks_again(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, link=False)
    csms.boots = "Pending"
    csms.link()
    charging(csms)
    csms.wait(1200, 60)
    assert [action for action, _ in csms.heard] == ["BootNotification"] * 3
    csms.boots = "Accepted"
    csms.wait(600, 60)
    assert csms.statuses(1)[-1:] != []


def test_a_card_charges_in_1_6(clock: Clock) -> None:
    csms = plugged("1.6", clock)
    charging(csms)
    csms.wait(600)
    csms.station.tap(1, CARD)
    csms.station.unplug(1)
    csms.pump()
    [start], [stop] = csms.of("StartTransaction"), csms.of("StopTransaction")
    assert csms.statuses() == ["Preparing", "Charging", "Finishing", "Available"]
    assert (start["connectorId"], start["idTag"], stop["transactionId"], stop["reason"]) == (1, CARD.id, 1, "Local")
    readings = [register for one in csms.of("MeterValues") for register in energy(one)]
    assert len(readings) == 10 and all(one["transactionId"] == 1 for one in csms.of("MeterValues"))
    assert start["meterStart"] < readings[0] < readings[-1] == stop["meterStop"]
    assert 1_700 < stop["meterStop"] - start["meterStart"] < 1_834


@pytest.mark.parametrize("version", LATER)
def test_a_card_charges_in_2(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms)
    csms.wait(600)
    csms.station.tap(1, CARD)
    csms.station.unplug(1)
    csms.pump()
    assert csms.statuses() == ["Occupied", "Available"]
    assert csms.events() == [("Started", "Authorized"), *[("Updated", "MeterValuePeriodic")] * 10, ("Ended", "StopAuthorized")]
    told = csms.of("TransactionEvent")
    assert [one["seqNo"] for one in told] == list(range(12))
    assert len({one["transactionInfo"]["transactionId"] for one in told}) == 1
    assert told[0]["idToken"]["idToken"] == CARD.id and "idToken" not in told[1]
    assert told[0]["transactionInfo"]["chargingState"] == "Charging" and told[-1]["transactionInfo"]["stoppedReason"] == "Local"
    registers = [register for one in told for register in energy(one)]
    assert all(one <= other for one, other in pairwise(registers)) and 1_700 < registers[-1] - registers[0] < 1_834


@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_that_may_not_charge_starts_nothing(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.blocked.add(CARD.id)
    said: list[bool] = []
    csms.station.plug_in(1)
    csms.station.tap(1, CARD, said.append)
    csms.pump()
    assert said == [False] and csms.of("Authorize") and not csms.of("StartTransaction") + csms.of("TransactionEvent")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_of_the_same_family_ends_the_charge_and_another_does_not(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms)
    csms.blocked.add(OTHER.id)
    csms.station.tap(1, OTHER)
    csms.pump()
    assert csms.station.evses[0].tx is not None
    csms.blocked.clear()
    csms.station.tap(1, OTHER)
    csms.pump()
    assert csms.station.evses[0].tx is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_transaction_that_the_csms_does_not_accept_ends(version: str, clock: Clock) -> None:
    """The card was let in by what the station remembers."""
    csms = plugged(version, clock, settings={"LocalPreAuthorize": "true"})
    charging(csms)
    csms.station.leave(1)
    csms.pump()
    csms.blocked.add(CARD.id)
    csms.forget()
    charging(csms)
    assert not csms.of("Authorize")
    if version == "1.6":
        assert [one["reason"] for one in csms.of("StopTransaction")] == ["DeAuthorized"]
    else:
        assert csms.events() == [("Started", "Authorized"), ("Ended", "Deauthorized")]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_car_is_told_at_the_second_at_which_it_was_full(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms, soc=0.98)
    csms.wait(2000, 1000)
    evse = csms.station.evses[0]
    assert evse.tx is not None and evse.tx.full
    if version == "1.6":
        [told] = [one for one in csms.of("StatusNotification") if one["status"] == "SuspendedEV"]
    else:
        [told] = [one for one in csms.of("TransactionEvent") if one["transactionInfo"].get("chargingState") == "SuspendedEV"][:1]
    assert told["timestamp"] == "2026-01-01T00:17:49Z"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("step", [1, 7, 600])
def test_it_does_not_matter_how_often_somebody_looks(version: str, step: int, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms, soc=0.95)
    csms.wait(4200, step)
    said = [one for one in csms.heard if one[0] in ("MeterValues", "TransactionEvent", "StatusNotification")]
    other = plugged(version, Clock())
    charging(other, soc=0.95)
    other.wait(4200, 60)
    assert said == [one for one in other.heard if one[0] in ("MeterValues", "TransactionEvent", "StatusNotification")]


@pytest.mark.parametrize("version", VERSIONS)
def test_direct_current_has_a_state_of_charge_and_one_phase(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, connector=DC)
    charging(csms)
    csms.wait(60)
    told = (csms.of("MeterValues") or csms.of("TransactionEvent"))[-1]
    names = {one["measurand"]: one for reading in told["meterValue"] for one in reading["sampledValue"]}
    assert set(names) == {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "SoC"}
    assert "phase" not in names["Current.Import"] and Decimal(str(names["Power.Active.Import"]["value"])) == 50_000


# --- faults


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fault_ends_the_charge_and_is_told_with_what_its_maker_calls_it(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms)
    csms.forget()
    csms.station.fault("GroundFailure", 1, vendor_code="E-104", text="leakage 38 mA")
    csms.pump()
    assert csms.statuses(1) == ["Faulted"] and csms.statuses(2) == []
    if version == "1.6":
        [status] = csms.of("StatusNotification")
        assert (status["errorCode"], status["vendorErrorCode"], status["info"]) == ("GroundFailure", "E-104", "leakage 38 mA")
        assert [one["reason"] for one in csms.of("StopTransaction")] == ["Other"]
    else:
        [told] = [event for one in csms.of("NotifyEvent") for event in one["eventData"]]
        assert (told["component"]["name"], told["component"]["evse"], told["actualValue"]) == ("RCD", {"id": 1}, "true")
        assert (told["techCode"], told["cleared"], told.get("severity")) == ("E-104", False, 2 if version == "2.1" else None)
        assert csms.events() == [("Ended", "AbnormalCondition")]
        assert csms.of("TransactionEvent")[0]["transactionInfo"]["stoppedReason"] == "GroundFault"
    csms.forget()
    csms.station.clear(1)
    csms.pump()
    assert csms.statuses(1) == ["Finishing" if version == "1.6" else "Occupied"]
    if version != "1.6":
        [told] = [event for one in csms.of("NotifyEvent") for event in one["eventData"]]
        assert (told["cleared"], told["actualValue"]) == (True, "false")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fault_of_the_whole_station_closes_every_plug(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    csms.station.fault("EmergencyStop")
    csms.pump()
    assert csms.statuses(1) == csms.statuses(2) == ["Faulted"]
    if version == "1.6":
        assert csms.statuses(0) == ["Faulted"]
        assert {(one["errorCode"], one["info"]) for one in csms.of("StatusNotification")} == {("OtherError", "EmergencyStop")}
    csms.station.clear()
    csms.pump()
    assert csms.statuses(1)[-1] == csms.statuses(2)[-1] == "Available"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_warning_is_told_and_the_charge_goes_on(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms)
    csms.forget()
    csms.station.fault("ReaderFailure", 1)
    csms.pump()
    assert csms.station.evses[0].tx is not None
    if version == "1.6":
        assert [(one["status"], one["errorCode"]) for one in csms.of("StatusNotification")] == [("Charging", "ReaderFailure")]
    else:
        assert [one["eventData"][0]["component"]["name"] for one in csms.of("NotifyEvent")] == ["TokenReader"]
    refused: list[bool] = []
    csms.station.tap(2, OTHER, refused.append)
    csms.station.clear(1)
    csms.pump()
    assert refused == [False]
    if version == "1.6":
        assert csms.of("StatusNotification")[-1]["errorCode"] == "NoError"


# --- the line


@pytest.mark.parametrize("version", VERSIONS)
def test_what_happened_without_a_line_is_told_in_order_when_it_is_back(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, settings={"AllowOfflineTxForUnknownId": "true"})
    csms.drop()
    charging(csms)
    csms.wait(180)
    csms.station.leave(1)
    assert csms.heard == []
    csms.wait(60)
    csms.link()
    if version == "1.6":
        told = [action for action, _ in csms.heard if action != "StatusNotification"]
        assert told == ["StartTransaction", "MeterValues", "MeterValues", "MeterValues", "StopTransaction"]
        assert all(one["transactionId"] == 1 for one in csms.of("MeterValues") + csms.of("StopTransaction"))
    else:
        assert csms.events() == [("Started", "Authorized"), *[("Updated", "MeterValuePeriodic")] * 3, ("Ended", "StopAuthorized")]
        assert all(one["offline"] for one in csms.of("TransactionEvent"))
    times = [one["timestamp"] for one in csms.of("StartTransaction") + csms.of("StopTransaction") + csms.of("TransactionEvent")]
    assert times == sorted(times) and times[0] < clock.text(-200)
    assert csms.statuses(1) == ["Available"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_at_the_reader_does_not_wait_for_what_has_piled_up(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    charging(csms)
    csms.drop()
    csms.wait(3600, 60)
    csms.forget()
    csms.station.connected()
    csms.station.tap(2, OTHER)
    csms.pump()
    first = [action for action, _ in csms.heard].index("Authorize")
    assert first < 5 and len(csms.of("MeterValues") + csms.of("TransactionEvent")) >= 60


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_line_a_card_is_known_by_the_local_list_or_not_at_all(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    if version == "1.6":
        entry = {"idTag": CARD.id, "idTagInfo": {"status": "Accepted"}}
        asked = {"listVersion": 3, "localAuthorizationList": [entry], "updateType": "Full"}
    else:
        entry = {"idToken": {"idToken": CARD.id, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
        asked = {"versionNumber": 3, "localAuthorizationList": [entry], "updateType": "Full"}
    assert csms.ask("SendLocalList", **asked) == {"status": "Accepted"}
    assert csms.ask("GetLocalListVersion") in ({"listVersion": 3}, {"versionNumber": 3})
    csms.drop()
    heard: list[bool] = []
    csms.station.plug_in(1)
    csms.station.plug_in(2)
    csms.station.tap(2, OTHER, heard.append)
    csms.station.tap(1, CARD, heard.append)
    assert heard == [False, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_of_a_transaction_that_is_refused_is_repeated_and_at_last_given_up(version: str, clock: Clock) -> None:
    csms = plugged(version, clock)
    action = "StartTransaction" if version == "1.6" else "TransactionEvent"
    csms.refuses.add(action)
    charging(csms)
    csms.wait(50)
    assert len(csms.of(action)) == 3 and csms.station.outbox.given_up == 1
    csms.refuses.clear()
    csms.station.leave(1)
    csms.pump()
    if version == "1.6":
        assert [one["transactionId"] for one in csms.of("StopTransaction")] == [-1]


# --- transactions of 2.x that begin and end elsewhere


@pytest.mark.parametrize("version", LATER)
def test_a_transaction_may_begin_with_the_cable_and_end_with_it(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, starts=("EVConnected",), stops=("EVConnected",))
    csms.station.plug_in(1, Car(EMPTY, 0.3))
    csms.wait(60)
    csms.station.tap(1, CARD)
    csms.wait(60)
    csms.station.tap(1, CARD)
    csms.pump()
    csms.station.unplug(1)
    csms.pump()
    told = [(one[0], one[1]) for one in csms.events() if one[1] != "MeterValuePeriodic"]
    assert told == [
        ("Started", "CablePluggedIn"),
        ("Updated", "Authorized"),
        ("Updated", "StopAuthorized"),
        ("Ended", "EVCommunicationLost"),
    ]
    states = [
        one["transactionInfo"]["chargingState"] for one in csms.of("TransactionEvent") if one["triggerReason"] != "MeterValuePeriodic"
    ]
    assert states == ["EVConnected", "Charging", "EVConnected", "Idle"]


@pytest.mark.parametrize("version", LATER)
def test_a_transaction_may_begin_with_the_card_and_nobody_comes(version: str, clock: Clock) -> None:
    csms = plugged(version, clock, starts=("Authorized",))
    csms.station.tap(1, CARD)
    csms.wait(300)
    assert [one for one in csms.events() if one[1] != "MeterValuePeriodic"] == [("Started", "Authorized"), ("Ended", "EVConnectTimeout")]
    assert csms.of("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "Timeout"


def test_a_2_1_station_may_tell_its_states_as_events(clock: Clock) -> None:
    csms = plugged("2.1", clock, state_events=True)
    csms.station.plug_in(1)
    csms.pump()
    [event] = csms.of("NotifyEvent")
    assert event["eventData"][0]["component"] == {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
    assert event["eventData"][0]["actualValue"] == "Occupied" and not csms.of("StatusNotification")
