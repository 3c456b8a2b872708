"""What stations tell late: a charge that was over before the next one began, and values that come after the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V201
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import meter, start, stop
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, add_station, own_token, station

HOUR = 3600


async def bills(csms: Csms, provider: Provider) -> dict[str, Any]:
    """Energy by the time at which it began."""
    for post in csms.hall.posts.values():
        await post.carried()
    return {one["start_date_time"]: one["total_energy"] for one in await provider.cdrs()}


async def test_a_charge_without_a_line_that_is_told_when_the_next_one_runs_16(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    await own_token(provider)
    begun = clock.text()
    before = Clock(clock.now)
    clock.move(3 * HOUR)
    later = clock.text()
    number = await start(one, clock, meter=20_000)
    clock.move(60)
    await meter(one, clock, number, 20_100)
    old = await start(one, before, meter=1000)
    assert old != number
    before.move(HOUR)
    await meter(one, before, old, 7000)
    clock.move(60)
    await meter(one, clock, number, 20_200)
    before.move(HOUR)
    await stop(one, before, old, 9000)
    assert await bills(csms, provider) == {begun: 8}
    clock.move(HOUR)
    await stop(one, clock, number, 25_000)
    assert await bills(csms, provider) == {begun: 8, later: 5}
    assert {one["status"] for one in await provider.sessions()} == {"COMPLETED"}


async def test_a_charge_without_a_line_that_is_told_when_the_next_one_runs_20(
    csms: Csms, new: Station, provider: Provider, clock: Clock
) -> None:
    await own_token(provider)
    begun = clock.text()
    old = Transaction(new, Clock(clock.now), "TX-OLD")
    clock.move(3 * HOUR)
    later = clock.text()
    now = Transaction(new, clock, "TX-NEW")
    await now.tell("Started", "Authorized", wh=20_000, idToken=CARD, info={"chargingState": "Charging"})
    await old.tell("Started", "Authorized", wh=1000, idToken=CARD, offline=True, info={"chargingState": "Charging"})
    clock.move(60)
    await now.tell("Updated", "MeterValuePeriodic", wh=20_100)
    old.clock.move(HOUR)
    await old.tell("Updated", "MeterValuePeriodic", wh=7000, offline=True)
    old.clock.move(HOUR)
    await old.tell("Ended", "EVDeparted", wh=9000, offline=True)
    assert await bills(csms, provider) == {begun: 8}
    clock.move(HOUR)
    await now.tell("Ended", "EVDeparted", wh=25_000)
    assert await bills(csms, provider) == {begun: 8, later: 5}


async def notes(node: Node) -> list[str]:
    return [
        str(row[0]) for row in await node.store.read(lambda tx: tx.db.all("select reason from cdr_note where what = 'late' order by pk"))
    ]


async def test_energy_that_is_told_after_the_end_is_not_billed_and_said_once(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    begun = clock.text()
    number = await start(one, clock, meter=1000)
    clock.move(HOUR / 2)
    await meter(one, clock, number, 3000)
    clock.move(HOUR / 2)
    await stop(one, clock, number, 6000)
    for wh in (6000, 6005, 6300, 6300, 3000):
        clock.move(5)
        await meter(one, clock, number, wh)
    assert await bills(csms, provider) == {begun: 5}
    assert await notes(node) == ["after the end its meter told 0.3 kWh more than is billed"]


async def test_a_signed_end_that_comes_after_the_end_is_said(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await stop(one, clock, number, 6000)
    for _ in range(2):
        sampled = {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.End"}
        values = [{"timestamp": clock.text(), "sampledValue": [sampled]}]
        await one.say("MeterValues", connectorId=1, transactionId=number, meterValue=values)
    await bills(csms, provider)
    assert await notes(node) == ["what its meter signed came after the end and is not in the CDR"]


STATUSES = [
    ("it has forgotten it, and has nothing more to say", {"ongoingIndicator": False, "messagesInQueue": False}, "COMPLETED"),
    ("it runs", {"ongoingIndicator": True, "messagesInQueue": False}, "ACTIVE"),
    ("it is over, and that is still to be told", {"ongoingIndicator": False, "messagesInQueue": True}, "ACTIVE"),
    ("it does not say", {"messagesInQueue": False}, "ACTIVE"),
]


@pytest.mark.parametrize(("answer", "status"), [case[1:] for case in STATUSES], ids=[case[0] for case in STATUSES])
async def test_a_station_that_is_back_is_asked_for_the_charge_that_was_left_open(
    csms: Csms, node: Node, provider: Provider, clock: Clock, answer: dict[str, bool], status: str
) -> None:
    await own_token(provider)
    await add_station(node, "CS20")
    async with station(csms, V201, "CS20") as one:
        running = Transaction(one, clock)
        await running.tell("Started", "Authorized", wh=0, idToken=CARD, info={"chargingState": "Charging"})
        clock.move(HOUR)
        await running.tell("Updated", "MeterValuePeriodic", wh=7000)
    clock.move(HOUR)
    async with station(csms, V201, "CS20") as one:
        one.answers["GetTransactionStatus"] = answer
        await one.say("Heartbeat")
        assert await one.asked("GetTransactionStatus") == {"transactionId": "T1"}
        await csms.hall.posts["CS20"].link.call("ClearCache", {})
        async with asyncio.timeout(10):
            while (await provider.session())["status"] != status:
                await asyncio.sleep(0.01)
        if status == "ACTIVE":
            running.one = one
            await running.tell("Ended", "EVDeparted", wh=9000)
        assert list((await bills(csms, provider)).values()) == [7 if status == "COMPLETED" else 9]


async def test_a_station_that_says_nothing_of_a_charge_for_long_is_asked_whether_it_runs(
    csms: Csms, node: Node, provider: Provider, clock: Clock
) -> None:
    """Its line is fine and its plug is in use, so nothing else tells that the end was lost."""
    await add_station(node, "CS20")
    async with station(csms, V201, "CS20") as one:
        await one.say("StatusNotification", timestamp=clock.text(), connectorStatus="Occupied", evseId=1, connectorId=1)
        running = Transaction(one, clock)
        await running.tell("Started", "Authorized", wh=0, idToken=CARD, info={"chargingState": "Charging"})
        clock.move(HOUR)
        await running.tell("Updated", "MeterValuePeriodic", wh=7000)
        await csms.hall.posts["CS20"].carried()
        for runs, status in ((True, "ACTIVE"), (False, "COMPLETED")):
            one.answers["GetTransactionStatus"] = {"ongoingIndicator": runs, "messagesInQueue": False}
            clock.move(1000)
            await csms.hall.look()
            assert await one.asked("GetTransactionStatus") == {"transactionId": "T1"}
            await csms.hall.posts["CS20"].link.call("ClearCache", {})
            async with asyncio.timeout(10):
                while (await provider.session())["status"] != status:
                    await asyncio.sleep(0.01)
            await csms.hall.look()
            assert await one.asked("ClearCache") == {} and one._asked.empty(), "once in a while"
        [bill] = await provider.cdrs()
        assert (bill["total_energy"], bill["total_time"]) == (7, 1)
