"""The two nights in which clocks are changed: OCPP is in UTC, prices are those of the wall, and some stations say what the wall says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from interplug.model.types import parse_time
from interplug.modules.node import Node
from interplug.stations.csms.clocks import StationClock
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201, Dialect
from interplug.tariffs.zones import clock as clock_of
from tests.charges.meters import element, open_place, tariff
from tests.nodes import SECOND, Clock
from tests.stations.csms import saying16 as older
from tests.stations.csms import saying20 as newer
from tests.stations.csms.partner import Provider
from tests.stations.csms.stations import Station, carried, station

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
QUARTER, QUARTERS = 900, 12
DEAR = tariff("T1", element(("ENERGY", "1"), start_time="02:00", end_time="03:00"), element(("ENERGY", "0.25")))
"""The dear hour there is twice in autumn, and not at all in spring."""
NIGHTS = {
    "autumn": ("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z", "9.00"),
    "spring": ("2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z", "3.00"),
}
"""Three hours around the change, 1 kWh each quarter: from 01:30 to 03:30 on the wall in autumn, from 00:30 to 04:30 in spring."""
WRITTEN: dict[str, Callable[[datetime], str]] = {
    "UTC": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "UTC without saying so": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S"),
    "local with its offset": lambda at: at.astimezone(AMSTERDAM).isoformat(),
    "local as if it were UTC": lambda at: at.astimezone(AMSTERDAM).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "local without saying so": lambda at: at.astimezone(AMSTERDAM).strftime("%Y-%m-%dT%H:%M:%S"),
}


class Wall(Clock):
    """The clock of a station, which is right, and says it in its own way."""

    def __init__(self, clock: Clock, write: Callable[[datetime], str]) -> None:
        super().__init__()
        self.clock, self.write = clock, write

    def text(self, seconds: float = 0) -> str:
        return self.write(datetime.fromtimestamp(self.clock.now // SECOND, UTC) + timedelta(seconds=seconds))


async def charge_16(one: Station, wall: Wall) -> None:
    await older.status(one, wall, "Available")
    number = await older.start(one, wall)
    for quarter in range(1, QUARTERS):
        wall.clock.move(QUARTER)
        await older.meter(one, wall, number, 1000 + 1000 * quarter)
    wall.clock.move(QUARTER)
    await older.stop(one, wall, number, 1000 + 1000 * QUARTERS)


async def charge_20(one: Station, wall: Wall) -> None:
    await newer.status(one, wall, "Available")
    charge = newer.Transaction(one, wall)
    await charge.tell("Started", "Authorized", wh=0, idToken=newer.CARD, info={"chargingState": "Charging"})
    for quarter in range(1, QUARTERS):
        wall.clock.move(QUARTER)
        await charge.tell("Updated", "MeterValuePeriodic", wh=1000 * quarter)
    wall.clock.move(QUARTER)
    await charge.tell("Ended", "EVDeparted", wh=1000 * QUARTERS)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize(("dialect", "charge"), [(V16, charge_16), (V201, charge_20)], ids=["1.6", "2.0.1"])
async def test_a_charge_through_the_night(
    csms: Csms, node: Node, provider: Provider, clock: Clock, dialect: Dialect, charge: Any, night: str, written: str
) -> None:
    await open_place(node, DEAR)
    begins, ends, price = NIGHTS[night]
    clock.now = parse_time(begins)
    async with station(csms, dialect) as one:
        await charge(one, Wall(clock, WRITTEN[written]))
        await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["start_date_time"], bill["end_date_time"], bill["total_time"], bill["total_energy"]) == (begins, ends, 3, 12)
    assert bill["total_cost"]["excl_vat"] == Decimal(price)
    assert bill.get("remark") is None


# --- what a station that says local time means


def read(said: str, now: str, *, before: str = "2026-07-01T12:00:00Z", wall: str = "2026-07-01T14:00:00") -> str:
    """`before`: when it told a status, and what the wall said then."""
    one = StationClock(clock_of("Europe/Amsterdam"))
    one.heard(wall, parse_time(before))
    return datetime.fromtimestamp(one.time(said, parse_time(now)) / SECOND, UTC).strftime("%m-%d %H:%M")


MEANT = [
    ("2026-07-01T15:30:00", "2026-07-01T13:30:00Z", "07-01 13:30"),
    ("2026-12-01T15:30:00", "2026-12-01T14:30:00Z", "12-01 14:30"),
    ("2026-10-25T02:15:00", "2026-10-25T00:15:00Z", "10-25 00:15"),
    ("2026-10-25T02:15:00", "2026-10-25T01:15:00Z", "10-25 01:15"),
    ("2026-10-25T01:30:00", "2026-10-25T04:00:00Z", "10-24 23:30"),
    ("2026-10-25T03:30:00", "2026-10-25T04:00:00Z", "10-25 02:30"),
    ("2026-03-29T02:30:00", "2026-03-29T01:31:00Z", "03-29 01:31"),
]


@pytest.mark.parametrize(("said", "now", "meant"), MEANT)
def test_local_time_is_that_of_the_place(said: str, now: str, meant: str) -> None:
    assert read(said, now) == meant


def test_a_clock_that_is_set_right_says_utc_from_then_on() -> None:
    one = StationClock(clock_of("Europe/Amsterdam"))
    for wall, now in (("2026-07-01T14:00:00", "2026-07-01T12:00:00Z"), ("2026-07-01T13:00:00", "2026-07-01T13:00:00Z")):
        one.heard(wall, parse_time(now))
    assert one.time("2026-07-01T12:30:00", parse_time("2026-07-01T15:00:00Z")) == parse_time("2026-07-01T12:30:00Z")
