"""What goes wrong between a station and a CSMS: each row of the table of failures is a test here, and each leaves a right bill or none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from interplug.config import Stations
from interplug.model.types import format_time, parse_time
from interplug.modules.node import Node
from interplug.stations.csms.inbox import Inbox
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from interplug.stations.ocpp.frames import Call, Error, Result, parse, spell
from interplug.store.charging_stations import Outlet
from interplug.store.ocpp import Message
from tests.nodes import SECOND, Clock, own
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import boot, meter, start, status, stop
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, add_station, carried, own_token, raw, station

HOUR = 3600


def values(clock: Clock, *sampled: dict[str, Any]) -> dict[str, Any]:
    return {"meterValue": [{"timestamp": clock.text(), "sampledValue": list(sampled)}]}


async def held(node: Node) -> list[str]:
    """The reasons for which CDRs of ours do not leave."""
    notes = await node.store.read(lambda tx: tx.db.all("select reason from cdr_note where what = 'held' order by pk"))
    return [str(row[0]) for row in notes]


# --- said twice


async def test_the_same_call_again_has_the_same_answer(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    payload = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": clock.text()}
    first, second = await raw(one, "7", "StartTransaction", payload), await raw(one, "7", "StartTransaction", payload)
    assert first == second
    assert len(await provider.sessions()) == 1
    other = await raw(one, "7", "StartTransaction", {**payload, "connectorId": 2})
    assert other.payload["transactionId"] != first.payload["transactionId"], "the same id with something else in it is something else"


async def test_a_start_that_is_said_again_under_another_id_is_the_same_transaction(csms: Csms, provider: Provider, clock: Clock) -> None:
    said = clock.text()
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
    clock.move(300)
    async with station(csms, V16) as one:
        answer = await one.say("StartTransaction", connectorId=1, idTag="CARD1", meterStart=1000, timestamp=said)
        assert (answer["transactionId"], answer["idTagInfo"]["status"]) == (number, "Accepted")
    assert len(await provider.sessions()) == 1


async def test_events_of_a_transaction_that_come_twice_count_once(csms: Csms, new: Station, provider: Provider, clock: Clock) -> None:
    charge = Transaction(new, clock)
    for _ in range(2):
        await charge.tell("Started", "Authorized", wh=0, idToken=CARD, info={"chargingState": "Charging"})
    clock.move(HOUR)
    for _ in range(2):
        await charge.tell("Updated", "MeterValuePeriodic", wh=4000)
    for _ in range(2):
        await charge.tell("Ended", "EVDeparted", wh=4000)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 4


# --- lost


async def test_a_start_that_was_lost_and_a_person_looks_at_the_bill(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock
) -> None:
    began = clock.text()
    clock.move(HOUR)
    samples = [{"value": 5000, "context": "Transaction.End"}]
    await new.say(
        "TransactionEvent",
        eventType="Ended",
        timestamp=clock.text(),
        triggerReason="EVDeparted",
        seqNo=9,
        transactionInfo={"transactionId": "LOST"},
        evse={"id": 1, "connectorId": 1},
        idToken=CARD,
        meterValue=[
            {"timestamp": began, "sampledValue": [{"value": 1000, "context": "Transaction.Begin"}]},
            {"timestamp": clock.text(), "sampledValue": samples},
        ],
    )
    [session] = await provider.sessions()
    assert (session["start_date_time"], session["kwh"], session["status"]) == (began, 4, "COMPLETED")
    assert await provider.cdrs() == []
    assert "beginning was not reported" in (await held(node))[0]


@pytest.mark.parametrize("known", [{"meterStop": 5000}, {}], ids=["a register", "nothing"])
async def test_an_end_alone_is_a_bill_that_waits_for_a_person(
    csms: Csms, node: Node, provider: Provider, clock: Clock, known: dict[str, int]
) -> None:
    """Nobody knows what was charged, and somebody has to hear of it."""
    await add_station(node, "S1", outlets=[Outlet(1, 1, "EVSE1", "1")])
    async with station(csms, V16, "S1") as one:
        await raw(one, "1", "StopTransaction", {"transactionId": 4711, "timestamp": clock.text(), "idTag": "CARD1", **known})
        await carried(csms)
    [session] = await provider.sessions()
    assert (session["kwh"], session["status"]) == (0, "COMPLETED")
    assert await provider.cdrs() == []
    assert "beginning was not reported" in (await held(node))[0]


async def test_the_end_of_a_transaction_without_a_beginning_or_a_name_is_answered(one: Station, provider: Provider, clock: Clock) -> None:
    for number in (-1, 0, 4711):
        answer = await raw(one, f"x{number}", "StopTransaction", {"transactionId": number, "meterStop": 10, "timestamp": clock.text()})
        assert answer.payload == {}
    assert await provider.sessions() == []


async def test_minus_one_means_the_transaction_that_runs(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    await start(one, clock)
    clock.move(HOUR)
    await raw(
        one,
        "m",
        "MeterValues",
        {"connectorId": 1, "transactionId": -1, "meterValue": [{"timestamp": clock.text(), "sampledValue": [{"value": "3000"}]}]},
    )
    clock.move(HOUR)
    await raw(one, "s", "StopTransaction", {"transactionId": -1, "meterStop": 4000, "timestamp": clock.text()})
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 3


async def test_an_end_that_was_lost_comes_with_the_next_start(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await meter(one, clock, number, 4000)
    clock.move(HOUR)
    second = await start(one, clock, meter=9000)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (3, 1), "nobody pays for what nobody has seen"
    clock.move(HOUR)
    await stop(one, clock, number, 8000)
    await stop(one, clock, second, 9500)
    await carried(csms)
    assert [one["total_energy"] for one in await provider.cdrs()] == [3, Decimal("0.5")]


async def test_a_lost_end_is_assumed_when_the_plug_is_free(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await meter(one, clock, number, 4000)
    await status(one, clock, "Available")
    await carried(csms)
    clock.move(600)
    await csms.silence.look()
    assert await provider.cdrs() == [], "its end may still be on the way"
    clock.move(600)
    await csms.silence.look()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (3, 1)
    assert "did not report" in bill["remark"]


async def test_a_station_that_left_a_moment_ago_is_not_unknown_because_an_end_was_lost(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await meter(one, clock, number, 4000)
    await status(one, clock, "Available")
    await carried(csms)
    clock.move(1200)
    await one.close()
    await csms.silence.look()
    assert len(await provider.cdrs()) == 1
    assert await provider.status() == "AVAILABLE"


async def test_a_station_that_says_nothing_of_its_plugs_has_lost_no_end(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    """It said Available before the charge began, and says nothing until it is over: no meter values, no status."""
    clock.move(60)
    number = await start(one, clock)
    clock.move(HOUR)
    await csms.silence.look()
    await stop(one, clock, number, 9000)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (8, 1)


# --- late, and at the wrong time


@pytest.mark.parametrize("said", [{"offline": True}, {}], ids=["said so", "not said"])
async def test_what_happened_while_the_station_was_away_is_told_later(
    csms: Csms, new: Station, provider: Provider, clock: Clock, said: dict[str, Any]
) -> None:
    await own_token(provider)
    began = clock.now
    offline = Transaction(new, Clock(began))
    clock.move(5 * HOUR)
    provider.allowed = "BLOCKED"
    answer = await offline.tell("Started", "Authorized", wh=0, idToken=CARD, **said, info={"chargingState": "Charging"})
    assert answer["idTokenInfo"]["status"] == "Accepted", "it has charged already"
    offline.clock.move(HOUR)
    await offline.tell("Updated", "MeterValuePeriodic", wh=7000, **said)
    offline.clock.move(HOUR)
    await offline.tell("Ended", "EVDeparted", wh=9000, **said)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["start_date_time"], bill["total_energy"], bill["total_time"]) == (format_time(began), 9, 2)


CLOCKS = [
    ("an hour slow", -HOUR, 0),
    ("two hours fast", 2 * HOUR, 0),
    ("half a minute off", 30, 30),
    ("in 1970", -parse_time("2026-01-01T00:00:00Z") // SECOND + 100, 0),
]


@pytest.mark.parametrize(("name", "off", "left"), CLOCKS, ids=[row[0] for row in CLOCKS])
async def test_a_clock_that_is_wrong(csms: Csms, provider: Provider, clock: Clock, name: str, off: int, left: int) -> None:
    began = clock.now
    theirs = Clock(clock.now + off * SECOND)
    async with station(csms, V16) as one:
        for connector in (0, 1, 2):
            await status(one, theirs, "Available", connector)
        number = await start(one, theirs)
        for own in (clock, theirs):
            own.move(HOUR)
        await stop(one, theirs, number, 3000)
        await carried(csms)
    [bill] = await provider.cdrs()
    assert (parse_time(bill["start_date_time"]) - began) // SECOND == left
    assert (bill["total_time"], bill["total_energy"]) == (1, 2)


async def test_a_clock_that_is_set_in_the_middle_of_a_charge(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    began, fast = clock.now, Clock(clock.now + 2 * HOUR * SECOND)
    for said in ("Available", "Preparing", "Preparing"):
        for _ in range(2):
            await status(one, fast, said)
    number = await start(one, fast)
    clock.move(HOUR)
    await meter(one, clock, number, 3000)
    clock.move(HOUR)
    await stop(one, clock, number, 6000)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (parse_time(bill["start_date_time"]), bill["total_energy"], bill["total_time"]) == (began, 5, 2)


@pytest.mark.parametrize("said", ["2026-01-01T00:00:00", "2026-01-01 00:00:00", "2026-01-01T01:00:00+01:00", "yesterday", ""])
async def test_times_as_stations_write_them(csms: Csms, one: Station, provider: Provider, clock: Clock, said: str) -> None:
    payload = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": said}
    assert (await raw(one, "1", "StartTransaction", payload)).payload["idTagInfo"]["status"] == "Accepted"
    [session] = await provider.sessions()
    assert session["start_date_time"] == clock.text()


# --- meters


async def test_a_meter_that_leaps_is_looked_at_by_a_person(csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await stop(one, clock, number, 900_000)
    await carried(csms)
    assert (await provider.session())["status"] == "COMPLETED"
    assert await provider.cdrs() == []
    assert "connector can deliver" in (await held(node))[0]


async def test_a_register_that_no_meter_has_is_looked_at_by_a_person(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await meter(one, clock, number, 4000)
    await stop(one, clock, number, 2**64 - 1)
    await carried(csms)
    assert (await provider.session())["status"] == "COMPLETED" and await provider.cdrs() == []
    [why] = await held(node)
    assert f"the register was {2**64 - 1} Wh" in why


@pytest.mark.parametrize("said", ["1e-400", "2000." + "0" * 100 + "1", "1e400", "-1e30", "0e-99", "NaN", "sNaN", "Infinity"])
async def test_a_number_that_nobody_computes_with_costs_nothing(
    csms: Csms, one: Station, provider: Provider, clock: Clock, said: str
) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await raw(one, "1", "MeterValues", {"connectorId": 1, "transactionId": number, **values(clock, {"value": said})})
    clock.move(HOUR)
    await raw(one, "2", "StopTransaction", {"transactionId": number, "meterStop": "6000." + "0" * 60, "timestamp": clock.text()})
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (5, 2)


LONG = f"3000.{'0' * 60}1"
"""A number of JSON that is longer than what we compute with, as it is printed by who prints all that a float holds."""


async def test_a_long_number_in_a_message_about_a_transaction_is_read_as_far_as_we_compute(
    csms: Csms, one: Station, new: Station, provider: Provider, clock: Clock
) -> None:
    number, charge = await start(one, clock), Transaction(new, clock, evse=2)
    await charge.tell("Started", "Authorized", wh=1000, idToken=CARD, info={"chargingState": "Charging"})
    clock.move(HOUR)
    older = {"connectorId": 1, "transactionId": number, **values(clock, {"value": "WH"})}
    newer = {
        "eventType": "Updated", "timestamp": clock.text(), "triggerReason": "MeterValuePeriodic", "seqNo": 9,
        "transactionInfo": {"transactionId": "T1"}, **values(clock, {"value": "WH"}),
    }  # fmt: skip
    for there, action, payload in ((one, "MeterValues", older), (new, "TransactionEvent", newer)):
        assert await raw(there, "long", action, payload, WH=LONG) == Result("long", {})
    await carried(csms)
    assert [session["kwh"] for session in await provider.sessions()] == [2, 2]


@pytest.mark.parametrize("number", ["1" * 40, "1e999999"])
async def test_a_number_that_is_too_large_is_answered_as_such_and_the_station_goes_on(one: Station, clock: Clock, number: str) -> None:
    status = {"connectorId": "N", "errorCode": "NoError", "status": "Available"}
    answer = await raw(one, "long", "StatusNotification", status, N=number)
    assert isinstance(answer, Error) and (answer.code, "too large" in answer.description) == ("PropertyConstraintViolation", True)
    assert await raw(one, "long", "Heartbeat", {}) == Result("long", {"currentTime": clock.text()})
    stop = {"transactionId": "N", "meterStop": "N", "timestamp": clock.text()}
    assert await raw(one, "long", "StopTransaction", stop, N=number) == Result("long", {}), "of a transaction nothing is refused"


async def test_a_charge_of_more_than_a_day(csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    clock.move(25 * HOUR)
    await stop(one, clock, number, 9000)
    await carried(csms)
    assert await provider.cdrs() == []
    assert "longer than a day" in (await held(node))[0]


async def test_a_meter_of_the_charge_alone_between_registers_of_its_life(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock, meter=5_432_100)
    for wh in (0, 4000, 9000):
        clock.move(1200)
        await meter(one, clock, number, wh)
    await carried(csms)
    assert (await provider.session())["kwh"] == 9
    clock.move(60)
    await stop(one, clock, number, 5_441_200)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == Decimal("9.1")


async def test_a_meter_that_speaks_often_moves_the_session_once_a_minute_and_loses_nothing(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock)
    seen = []
    for second in range(10, 130, 10):
        clock.move(10)
        await meter(one, clock, number, 1000 + 20 * second)
        await carried(csms)
        seen.append((await provider.session())["kwh"] * 1000)
    assert seen == [0] * 5 + [1200] * 6 + [2400]
    clock.move(10)
    await stop(one, clock, number, 3500)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == Decimal("2.5")
    readings = await csms.node.store.read(lambda tx: tx.stations.readings(bill["id"]))
    assert len(readings) == 14


# --- not as OCPP says


async def test_a_message_about_a_transaction_is_never_refused(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    loose = {"connectorId": "1", "idTag": "CARD1", "meterStart": "1000", "timestamp": clock.text(), "vendorThing": 5}
    answer = await raw(one, "1", "StartTransaction", loose)
    number = answer.payload["transactionId"]
    assert answer.payload["idTagInfo"]["status"] == "Accepted"
    clock.move(HOUR)
    odd = [
        {"value": "n/a"},
        {"value": "2,5", "unit": "kWh", "context": "Whatever"},
        {"measurand": "Frequency", "unit": "Hz", "value": "50"},
    ]
    assert (
        await raw(
            one,
            "2",
            "MeterValues",
            {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": clock.text(), "sampledValue": odd}]},
        )
    ).payload == {}
    assert (await raw(one, "3", "MeterValues", {"connectorId": 1, "meterValue": "?"})).payload == {}
    clock.move(HOUR)
    data = [None, "?", {"sampledValue": 5}, {"sampledValue": [5, {"measurand": [], "value": {}}]}]
    wrong = {"transactionId": str(number), "meterStop": "3000.0", "transactionData": data}
    assert (await raw(one, "4", "StopTransaction", wrong)).payload == {}
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 2


async def test_messages_of_1_6_on_a_socket_of_2_0_1_are_refused_and_the_station_goes_on(new: Station, clock: Clock) -> None:
    answer = await raw(new, "1", "BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
    assert (answer.code, parse(spell(Call("x", "y", {})), V201)) == ("OccurrenceConstraintViolation", Call("x", "y", {})) or isinstance(
        answer, Error
    )
    assert isinstance(await raw(new, "2", "StartTransaction", {"connectorId": 1}), Error)
    assert isinstance(await raw(new, "3", "Heartbeat", {}), Result)


# --- processes that end


async def test_what_was_not_carried_is_carried_later(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
    clock.move(HOUR)
    epoch = (await node.store.read(lambda tx: tx.charging_stations.all()))[0].epoch
    end = spell(Call("9", "StopTransaction", {"transactionId": number, "meterStop": 4000, "timestamp": clock.text()}))
    assert await Inbox(node.store).receive(epoch, Message("CS1", "1.6", clock.now, end))
    async with station(csms, V16) as one:
        await one.say("Heartbeat")
        await carried(csms)
        [bill] = await provider.cdrs()
        assert bill["total_energy"] == 3


async def test_a_station_that_has_never_come_changes_nothing_that_its_owner_says(csms: Csms, provider: Provider) -> None:
    await csms.silence.look()
    assert await provider.status() == "AVAILABLE"


async def test_a_station_that_is_away_is_unknown_and_comes_back_as_it_was(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
    clock.move(60)
    await csms.silence.look()
    assert await provider.status() == "AVAILABLE", "brief drops are nobody's business"
    clock.move(300)
    await csms.silence.look()
    assert await provider.status() == "UNKNOWN"
    async with station(csms, V16) as one:
        await one.say("Heartbeat")
        await csms.desk.publish(csms.hall.posts["CS1"].station)
        assert await provider.status() == "AVAILABLE"


# --- the provider


WHITELISTS = [
    ("ALWAYS", "ALLOWED", 0, "Accepted"),
    ("ALLOWED", "ALLOWED", 0, "Accepted"),
    ("ALLOWED_OFFLINE", "ALLOWED", 1, "Accepted"),
    ("ALLOWED_OFFLINE", "BLOCKED", 1, "Blocked"),
    ("ALLOWED_OFFLINE", None, 1, "Accepted"),
    ("NEVER", "ALLOWED", 1, "Accepted"),
    ("NEVER", None, 1, "Invalid"),
]


@pytest.mark.parametrize(("whitelist", "allowed", "asked", "status"), WHITELISTS)
async def test_whitelists(one: Station, provider: Provider, whitelist: str, allowed: str | None, asked: int, status: str) -> None:
    await provider.partner.send("PUT", "tokens/BE/XYZ/CARD1", {**FULL_TOKEN, "whitelist": whitelist})
    provider.allowed = allowed
    assert (await one.say("Authorize", idTag="card1"))["idTagInfo"]["status"] == status
    assert len(provider.asked) == asked


class TestHasty:
    @pytest.fixture
    def settings(self) -> Stations:
        return Stations(enabled=True, port=0, status_settle=0, authorise_timeout=0.01)

    async def test_a_provider_that_does_not_answer_keeps_no_driver_waiting(self, one: Station, provider: Provider) -> None:
        await own_token(provider)
        provider.silent = True
        assert (await one.say("Authorize", idTag="CARD1"))["idTagInfo"]["status"] == "Accepted"


async def test_a_card_of_the_same_group_ends_a_charge_and_our_own_drivers_need_no_partner(one: Station, node: Node, clock: Clock) -> None:
    await own(
        node,
        "tokens",
        {**FULL_TOKEN, "country_code": "NL", "party_id": "TNM", "uid": "OURS", "contract_id": "NL-TNM-1", "group_id": "FAMILY"},
    )
    answer = await one.say("StartTransaction", connectorId=1, idTag="OURS", meterStart=0, timestamp=clock.text())
    assert answer["idTagInfo"]["parentIdTag"] == "FAMILY" and answer["idTagInfo"]["status"] == "Accepted"
