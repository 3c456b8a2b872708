"""Faults that no station tells: they follow from what it does, or does not do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from interplug.stations.simulator.evse import Evse
from interplug.stations.simulator.readings import Reading
from interplug.stations.simulator.transaction import Token
from interplug.store.alerts import Alert
from tests.backend.conftest import STATION, Site
from tests.stations.crowded import until
from tests.stations.csms.partner import FULL_TOKEN


async def only(site: Site) -> Alert:
    [alert] = await site.alerts()
    return alert


async def test_a_station_that_is_away_for_too_long_is_silent_until_it_is_back(site: Site) -> None:
    left = site.clock.now
    await site.leave()
    await site.wait(9 * 60)
    assert await site.alerts() == []
    assert await site.provider.status() == "UNKNOWN", "that is told sooner, and is all that is known"
    await site.wait(2 * 60)
    alert = await only(site)
    assert (alert.code, alert.evse, alert.opened_at) == ("StationSilent", 0, left)

    site.crowd.online(STATION)
    await until(lambda: STATION in site.csms.hall.posts)
    await site.wait(2 * 60)
    assert await site.alerts() == []
    assert await site.provider.status() == "AVAILABLE"


async def test_a_station_that_has_never_come_is_not_missed(site: Site) -> None:
    await site.node.store.write(lambda tx: tx.db.execute("update charging_station set since = 0, holder = ''"))
    await site.wait(20 * 60)
    assert await site.alerts() == []


async def test_a_meter_that_stands_still_while_a_car_is_said_to_charge_is_a_fault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.charge()
    await site.wait(5 * 60)
    freeze(site, monkeypatch)
    await site.wait(14 * 60)
    assert await site.alerts() == []
    await site.wait(3 * 60)
    alert = await only(site)
    assert (alert.code, alert.evse, alert.severity) == ("MeterNotMoving", 1, "major")
    assert await site.provider.status() == "CHARGING", "the car is still there"

    site.crowd.leave(STATION, 1)
    await site.wait(10 * 60)
    assert await site.alerts() == []


async def test_a_car_that_waits_for_its_station_or_is_full_is_no_fault(site: Site) -> None:
    await site.charge()
    site.crowd.allow(STATION, 0)
    await site.wait(30 * 60, 300)
    assert await site.alerts() == [], "SuspendedEVSE"
    site.crowd.allow(STATION, None)
    await site.wait(3 * 3600, 600)
    assert await site.alerts() == [], "SuspendedEV"


async def test_starts_that_fail_in_a_row_are_a_fault_until_one_works(site: Site) -> None:
    for _ in range(3):
        assert await site.alerts() == []
        await fails(site)
    await site.look()
    alert = await only(site)
    assert (alert.code, alert.evse, alert.source) == ("StartsFailing", 1, "derived")
    assert "3 starts in a row" in alert.info
    assert await site.provider.status() == "AVAILABLE", "nobody knows that the next one will fail"

    await site.charge()
    await site.wait(5 * 60)
    assert await site.alerts() == []


async def test_a_start_that_works_in_between_begins_the_count_anew(site: Site) -> None:
    await fails(site)
    await fails(site)
    await site.charge()
    await site.wait(5 * 60)
    site.crowd.leave(STATION, 1)
    await site.look()
    await fails(site)
    await fails(site)
    await site.look()
    assert await site.alerts() == []


async def fails(site: Site) -> None:
    """A driver starts, and goes before any energy has flowed."""
    site.crowd.allow(STATION, 0)
    assert site.crowd.plug_in(STATION, 1)
    await site.told()
    assert await site.crowd.tap(STATION, Token(str(FULL_TOKEN["uid"])), 1)
    await site.wait(60)
    site.crowd.leave(STATION, 1)
    await site.look()
    site.crowd.allow(STATION, None)
    await site.look()


def freeze(site: Site, patch: pytest.MonkeyPatch) -> None:
    """The meter shows what it shows now from now on, whatever flows."""
    reading = Evse.reading
    stuck = reading(site.crowd.line(STATION).station.evses[0], site.clock.now, "MeterValuesSampledData", "Other").register

    def frozen(evse: Evse, now: int, measurands: str, context: str) -> Reading:
        found = reading(evse, now, measurands, context)
        samples = (replace(one, value=Decimal(stuck)) if one.measurand == "Energy.Active.Import.Register" else one for one in found.samples)
        return replace(found, register=stuck, samples=tuple(samples))

    patch.setattr(Evse, "reading", frozen)
