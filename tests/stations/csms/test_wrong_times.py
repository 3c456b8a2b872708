"""A clock that is set in the midst of a charge: its times are in doubt, and its energy is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from tests.charges.meters import element, tariff
from tests.nodes import Clock, own
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import meter, start, stop
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, carried

MINUTE = 60


async def energy_alone(node: Node) -> None:
    """The tariff asks nothing for time."""
    await own(node, "tariffs", tariff("T1", element(("ENERGY", "0.25"))))


async def notes(node: Node) -> dict[str, str]:
    rows = await node.store.read(lambda tx: tx.db.all("select what, reason from cdr_note order by pk"))
    return {str(row[0]): str(row[1]) for row in rows}


async def bill(csms: Csms, provider: Provider) -> dict[str, Any]:
    await carried(csms)
    [one] = await provider.cdrs()
    return one


@pytest.mark.parametrize("early", [50, 10 * MINUTE])
@pytest.mark.parametrize("read", [False, True], ids=["no reading between", "one reading between"])
async def test_an_end_that_is_told_with_an_earlier_time_counts_for_its_energy_16(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock, early: int, read: bool
) -> None:
    await energy_alone(node)
    began = clock.text()
    number = await start(one, clock, meter=1000)
    clock.move(20)
    if read:
        await meter(one, clock, number, 1010)
    clock.move(10)
    await one.say("StopTransaction", transactionId=number, meterStop=1030, timestamp=clock.text(-early))
    found = await bill(csms, provider)
    assert (found["total_energy"], found["start_date_time"]) == (Decimal("0.03"), began)
    assert began < found["end_date_time"] <= clock.text()
    said = {"late": f"its end was told with a time {early - (10 if read else 30)} s before what was told last, which counts instead"}
    assert await notes(node) == (said if early > MINUTE else {})


async def test_an_end_that_is_told_with_an_earlier_time_counts_for_its_energy_20(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock
) -> None:
    charge = Transaction(new, clock)
    await charge.tell("Started", "Authorized", wh=1000, idToken=CARD, info={"chargingState": "Charging"})
    clock.move(20)
    await charge.tell("Updated", "MeterValuePeriodic", wh=1010)
    clock.move(10)
    charge.clock = Clock(clock.now - 50_000_000)
    await charge.tell("Ended", "EVDeparted", wh=1030)
    assert (await bill(csms, provider))["total_energy"] == Decimal("0.03")
    assert await notes(node) == {}


async def test_a_beginning_that_is_told_with_a_later_time_costs_no_energy(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, Clock(clock.now + 50_000_000), meter=1000)
    clock.move(30)
    await stop(one, clock, number, 1030)
    assert (await bill(csms, provider))["total_energy"] == Decimal("0.03")


async def test_where_time_costs_money_a_person_looks_at_a_charge_whose_end_is_not_known(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock, meter=1000)
    clock.move(10 * MINUTE)
    await meter(one, clock, number, 3000)
    clock.move(MINUTE)
    await one.say("StopTransaction", transactionId=number, meterStop=3100, timestamp=clock.text(-12 * MINUTE))
    await carried(csms)
    assert await provider.cdrs() == []
    assert (await provider.session())["kwh"] == Decimal("2.1")
    assert "660 s before what was told last" in (await notes(node))["held"]
