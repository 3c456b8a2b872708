"""Readings that never arrive: a Session has what its meter counted from the beginning on, whichever of them are lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from interplug.charges import charging, metering
from interplug.charges.pinned import Pinned
from interplug.modules.node import Node
from interplug.store.stations import Charge
from tests.charges.meters import cdr, element, open_place, plug, reading, session, tariff, volumes
from tests.charges.test_charging import RESERVABLE, held
from tests.nodes import SECOND, T0, Clock, Partner

HOUR = 3600
METERS = [pytest.param("0", id="of the charge alone"), pytest.param("5432.1", id="of its life")]


@pytest.fixture
def version() -> str:
    return "2.3.0"


def shown(seconds: float, start: str, kwh: str, phase: str = "charging") -> Any:
    return reading(seconds, str(Decimal(start) + Decimal(kwh)), phase)


@pytest.mark.parametrize("start", METERS)
async def test_the_first_reading_is_lost(node: Node, clock: Clock, partner: Partner, start: str) -> None:
    await open_place(node, tariff("T1", element(("ENERGY", "0.25"), ("TIME", "2"))))
    charge = await plug(node, partner, kwh=Decimal(start))
    clock.move(HOUR)
    await charging.meter(node, charge, [shown(HOUR / 2, start, "5")])
    running = await session(node, charge)
    assert running["kwh"] == 5 and running["start_date_time"] == "2026-01-01T00:00:00Z"
    await charging.end(node, charge, clock(), readings=[shown(HOUR, start, "11")])
    bill = await cdr(node, charge)
    assert (bill["total_energy"], bill["total_time"]) == (11, 1)
    assert sum(volumes(period)["ENERGY"] for period in bill["charging_periods"]) == 11
    assert bill["total_cost"]["before_taxes"] == Decimal("4.75")


@pytest.mark.parametrize("start", METERS)
async def test_all_readings_but_that_of_the_end_are_lost(node: Node, clock: Clock, partner: Partner, start: str) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner, kwh=Decimal(start))
    clock.move(HOUR)
    await charging.end(node, charge, clock(), readings=[shown(HOUR, start, "11")])
    bill = await cdr(node, charge)
    assert (bill["total_energy"], bill["total_time"]) == (11, 1)


async def test_the_first_reading_comes_after_all(node: Node, clock: Clock, partner: Partner) -> None:
    """It says when the energy began to flow."""
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(600, "2")])
    await charging.meter(node, charge, [reading(60, "0")])
    running = await session(node, charge)
    assert (running["kwh"], running["start_date_time"]) == (2, "2026-01-01T00:01:00Z")


async def test_what_its_meter_said_before_the_charge_began_is_nobodys(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    clock.move(600)
    charge = await plug(node, partner, kwh=Decimal(3))
    await charging.meter(node, charge, [reading(590, "2.9"), reading(1200, "5")])
    running = await session(node, charge)
    assert (running["kwh"], running["start_date_time"]) == (2, "2026-01-01T00:10:00Z")


@pytest.mark.parametrize("start", METERS)
async def test_the_first_reading_after_a_reservation_is_lost(node: Node, clock: Clock, partner: Partner, start: str) -> None:
    await open_place(node, tariff("T1", *RESERVABLE))
    charge = await held(node, partner)
    clock.move(900)
    assert await plug(node, partner, reservation=charge, kwh=Decimal(start)) == charge
    await charging.end(node, charge, T0 + 4500 * SECOND, readings=[shown(4500, start, "8")])
    bill = await cdr(node, charge)
    assert volumes(bill["charging_periods"][0]) == {"RESERVATION_TIME": Decimal("0.25")}
    assert volumes(bill["charging_periods"][1]) == {"ENERGY": 8, "TIME": 1}
    assert (await session(node, charge))["start_date_time"] == "2026-01-01T00:15:00Z"


@pytest.mark.parametrize("start", METERS)
async def test_a_process_that_forgets_between_two_readings_counts_the_same(node: Node, partner: Partner, start: str) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner, kwh=Decimal(start))
    for seconds, kwh in ((300, "1"), (600, "2"), (900, "4")):
        metering.remembered(node.store).clear()
        await charging.meter(node, charge, [shown(seconds, start, kwh)])
        assert (await session(node, charge))["kwh"] == Decimal(kwh)


async def test_a_charge_that_an_older_release_began_counts_from_its_first_reading(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)

    async def as_before(tx: Any) -> None:
        row: Charge | None = await tx.stations.get(charge)
        assert row is not None
        pinned = Pinned.read(row.pinned)
        row.pinned = Pinned(place=pinned.place, time_zone=pinned.time_zone, tariff=pinned.tariff, currency=pinned.currency).raw()
        await tx.stations.update(row)

    await node.store.write(as_before)
    await charging.meter(node, charge, [reading(0, "3"), reading(600, "5")])
    assert (await session(node, charge))["kwh"] == 2
