"""Which charge is meant by a message of 1.6 that does not name it by our number: nobody's charge is ended by the word of another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16
from interplug.store.charging_stations import Outlet
from tests.nodes import Clock
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import meter, start, status, stop
from tests.stations.csms.stations import Station, add_station, carried, own_token, station
from tests.stations.csms.test_failures import HOUR, held

STRANGE = 4711


@pytest.fixture
async def single(csms: Csms, node: Node) -> AsyncIterator[Station]:
    await add_station(node, "S1", outlets=[Outlet(1, 1, "EVSE1", "1")])
    async with station(csms, V16, "S1") as made:
        yield made


async def state(csms: Csms, provider: Provider) -> tuple[str, Any]:
    await carried(csms)
    one = await provider.session()
    return one["status"], one["kwh"]


@pytest.mark.parametrize("number", [STRANGE, -1, 0])
async def test_the_end_of_a_charge_that_was_never_seen_does_not_end_that_of_another_driver(
    csms: Csms, one: Station, provider: Provider, clock: Clock, number: int
) -> None:
    """Its beginning was lost; it was at the other plug."""
    running = await start(one, clock)
    clock.move(HOUR / 2)
    await meter(one, clock, running, 3000)
    await stop(one, clock, number, 3200)
    assert await state(csms, provider) == ("ACTIVE", 2)
    clock.move(HOUR / 2)
    await stop(one, clock, running, 6000)
    assert await state(csms, provider) == ("COMPLETED", 5)
    assert len(await provider.cdrs()) == 1


async def test_it_ends_late_where_it_was_its_own_after_all(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    running = await start(one, clock)
    clock.move(HOUR)
    await meter(one, clock, running, 3000)
    await stop(one, clock, STRANGE, 3000)
    await status(one, clock, "Available")
    await carried(csms)
    clock.move(1200)
    await csms.silence.look()
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (2, 1)


async def test_a_number_that_the_station_has_given_it_before_ends_it(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    await start(one, clock)
    await one.say("StartTransaction", connectorId=2, idTag="CARD1", meterStart=0, timestamp=clock.text())
    clock.move(HOUR)
    await meter(one, clock, STRANGE, 3000)
    clock.move(HOUR)
    await stop(one, clock, STRANGE, 4000)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["cdr_location"]["evse_uid"]) == (3, "EVSE1")


async def test_a_charge_that_is_called_by_our_number_has_no_other_one(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    """What a station says of an old charge at the same plug comes late, and its clock is wrong."""
    running = await start(one, clock)
    clock.move(HOUR / 2)
    await meter(one, clock, running, 3000)
    await meter(one, clock, STRANGE, 3000)
    await stop(one, clock, STRANGE, 3000)
    assert (await state(csms, provider))[0] == "ACTIVE"


@pytest.mark.parametrize("number", [STRANGE, -1])
async def test_where_there_is_one_plug_it_can_be_no_other(
    csms: Csms, single: Station, provider: Provider, clock: Clock, number: int
) -> None:
    running = await start(single, clock)
    clock.move(HOUR / 2)
    await meter(single, clock, running, 3000)
    clock.move(HOUR / 2)
    await stop(single, clock, number, 6000)
    assert await state(csms, provider) == ("COMPLETED", 5)


OLD = [
    ("it was over before this one began", 6000, -2 * HOUR),
    ("its meter had not come as far, and nobody knows when it was", 900, 0),
]


@pytest.mark.parametrize(("shown", "ago"), [row[1:] for row in OLD], ids=[row[0] for row in OLD])
async def test_unless_it_is_of_an_older_charge(
    csms: Csms, single: Station, provider: Provider, clock: Clock, shown: int, ago: float
) -> None:
    running = await start(single, clock, meter=100_000)
    clock.move(HOUR)
    await meter(single, clock, running, 103_000)
    then = Clock(clock.now)
    then.move(ago)
    await stop(single, then, STRANGE, shown)
    assert await state(csms, provider) == ("ACTIVE", 3)


# --- a beginning that was lost


async def test_readings_of_a_charge_that_was_never_begun_say_where_it_was(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    values = [{"timestamp": clock.text(), "sampledValue": [{"value": "1000"}]}]
    await one.say("MeterValues", connectorId=2, transactionId=STRANGE, meterValue=values)
    clock.move(HOUR)
    await stop(one, clock, STRANGE, 4000, idTag="CARD1")
    await carried(csms)
    session = await provider.session()
    assert (session["evse_uid"], session["kwh"], session["status"]) == ("EVSE2", 3, "COMPLETED")
    assert await provider.cdrs() == []
    assert [why.rpartition(": ")[2] for why in await held(node)] == ["its beginning was not reported."]


async def test_an_end_alone_was_where_nobody_else_charges(csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock) -> None:
    await provider.partner.send("PUT", "tokens/BE/XYZ/OTHER", {**FULL_TOKEN, "uid": "OTHER", "whitelist": "ALWAYS"})
    await own_token(provider)
    await start(one, clock, "OTHER")
    clock.move(HOUR)
    await stop(one, clock, STRANGE, 4000, idTag="CARD1")
    await carried(csms)
    found = {one["evse_uid"]: one["status"] for one in await provider.sessions()}
    assert found == {"EVSE1": "ACTIVE", "EVSE2": "COMPLETED"}
    assert [why.rpartition(": ")[2] for why in await held(node)] == ["its beginning was not reported."]


async def test_an_end_alone_was_where_a_car_still_stands_and_a_person_looks_at_it(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    clock.move(HOUR)
    await status(one, clock, "Finishing", 2)
    begun = [{"timestamp": clock.text(-600), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]}]
    await stop(one, clock, STRANGE, 4000, idTag="CARD1", transactionData=begun)
    await carried(csms)
    session = await provider.session()
    assert (session["evse_uid"], session["kwh"]) == ("EVSE2", 3)
    assert await provider.cdrs() == []
    assert [why.rpartition(": ")[2] for why in await held(node)] == ["neither its beginning was reported nor where it was."]


async def test_the_meter_of_the_whole_station_is_of_no_charge(csms: Csms, single: Station, provider: Provider, clock: Clock) -> None:
    running = await start(single, clock)
    clock.move(HOUR)
    whole = [{"timestamp": clock.text(), "sampledValue": [{"value": "9000000"}]}]
    await single.say("MeterValues", connectorId=0, meterValue=whole)
    await stop(single, clock, running, 6000)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 5


async def test_a_card_ends_its_own_charge_before_one_of_nobody(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    """A meter that tells of an idle plug makes no second charge of the driver."""
    await start(one, clock)
    values = [{"timestamp": clock.text(), "sampledValue": [{"value": "70"}]}]
    await one.say("MeterValues", connectorId=2, meterValue=values)
    clock.move(HOUR)
    await stop(one, clock, STRANGE, 6000, idTag="CARD1")
    assert await state(csms, provider) == ("COMPLETED", 5)
