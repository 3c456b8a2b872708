"""A partner of each version of OCPI charges at our own stations of each version of OCPP: commands in, results, Sessions and the CDR out.

OCPP 2.1 has no foreign peer in these tests: its story is told with our own station only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.config import Stations
from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.places import VERSIONS as OCPP
from interplug.stations.simulator.plan import Version
from interplug.stations.simulator.transaction import Token
from interplug.versions.table import VERSIONS
from tests.charges.meters import location, open_place, tariff
from tests.nodes import CPO, Clock, Wire, befriend, close, make_node
from tests.stations.crowded import crowded, stand, told, until
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.stations import serving

STATION = "CP-TNM-LOC1"
PLACE = {"location_id": "LOC1", "evse_uid": "EVSE1"}


class Story:
    def __init__(self, csms: Csms, crowd: Crowd, provider: Provider, clock: Clock) -> None:
        self.csms, self.crowd, self.provider, self.clock = csms, crowd, provider, clock

    async def told(self) -> None:
        """Everything that the stations say is in the book."""
        await told(self.crowd)
        post = self.csms.hall.posts.get(STATION)
        if post is not None:
            await post.carried()

    async def plug_in(self, soc: float = 0.3) -> None:
        assert self.crowd.plug_in(STATION, 1, car=Car(Vehicle(20_000), soc))
        await self.told()

    async def wait(self, seconds: int, step: int = 60) -> None:
        for _ in range(seconds // step):
            self.clock.move(step)
            await self.told()

    async def ended(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The Session and the CDR, which agree."""
        await self.told()
        [bill] = await self.provider.cdrs()
        session = await self.provider.session()
        assert session["status"] == "COMPLETED" and session["kwh"] == bill["total_energy"] > 0
        assert session["total_cost"] == bill["total_cost"]
        return session, bill


@pytest.fixture(params=list(VERSIONS))
def ocpi(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=OCPP)
async def story(request: pytest.FixtureRequest, ocpi: str, tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Story]:
    version: Version = request.param
    settings = Stations(enabled=True, port=0, status_settle=0, call_timeout=20, authorise_timeout=20)
    node: Node = await make_node(tmp_path, [CPO], clock=clock, wire=wire, stations=settings)
    emsp = await befriend(node, ocpi, parties=(("EMSP", "BE", "XYZ"),), name="emsp")
    await open_place(node, tariff())
    plans = await stand(node, [location()], version)
    async with serving(node) as csms, crowded(csms, plans, clock) as crowd:
        made = Story(csms, crowd, Provider(wire, emsp), clock)
        await made.told()
        yield made
    await close(node)


@pytest.mark.req("CMD-004", "CMD-008", "CMD-030", "SES-001", versions="2.2.1|2.3.0")
async def test_a_driver_starts_from_the_phone_charges_stops_and_is_billed(story: Story) -> None:
    provider = story.provider
    assert await provider.command("START_SESSION", token=FULL_TOKEN, **PLACE) == ("ACCEPTED", ["ACCEPTED"])
    await story.plug_in()
    assert await provider.status() == "CHARGING"
    await story.wait(1200)
    running = await provider.session()
    assert running["status"] == "ACTIVE" and running["kwh"] > 3
    assert await provider.command("STOP_SESSION", session_id=running["id"]) == ("ACCEPTED", ["ACCEPTED"])
    session, bill = await story.ended()
    assert session["auth_method"] == bill["auth_method"] and abs(float(bill["total_energy"]) - 11 / 3) < 0.05
    story.crowd.unplug(STATION)
    await story.told()
    assert await provider.status() == "AVAILABLE"


async def test_a_card_is_judged_by_its_provider_and_charges(story: Story) -> None:
    await story.plug_in()
    assert await story.crowd.tap(STATION, Token("CARD1"), 1)
    await story.wait(1200)
    assert len(story.provider.asked) == 1
    story.crowd.leave(STATION)
    session, _ = await story.ended()
    assert session["auth_method"] == "AUTH_REQUEST"


async def test_a_card_that_its_provider_refuses_does_not_charge(story: Story) -> None:
    story.provider.allowed = "BLOCKED"
    await story.plug_in()
    assert not await story.crowd.tap(STATION, Token("CARD1"), 1)
    assert await story.provider.sessions() == []


async def test_what_happened_without_a_line_is_billed_to_the_last_watt_hour(story: Story) -> None:
    await story.provider.command("START_SESSION", token=FULL_TOKEN, **PLACE)
    await story.plug_in()
    await story.wait(300)
    await story.crowd.offline(STATION)
    for _ in range(20):
        story.clock.move(60)
        story.crowd.line(STATION).station.advance()
    taken = story.crowd.state(STATION)["evses"][0]["delivered_wh"]
    story.crowd.unplug(STATION)
    story.crowd.online(STATION)
    _, bill = await story.ended()
    assert int(bill["total_energy"] * 1000) == taken and 4400 < taken < 4600


@pytest.mark.req("CMD-043", versions="2.2.1|2.3.0")
async def test_a_cable_that_never_comes_makes_no_session(story: Story) -> None:
    assert await story.provider.command("START_SESSION", token=FULL_TOKEN, **PLACE) == ("ACCEPTED", ["ACCEPTED"])
    await story.wait(300)
    await story.plug_in()
    assert await story.provider.sessions() == []


@pytest.mark.req("LOC-043")
async def test_a_station_out_of_reach_is_unknown_until_it_is_back(story: Story) -> None:
    await story.crowd.offline(STATION)
    await until(lambda: STATION not in story.csms.hall.posts)
    story.clock.move(600)
    await story.csms.silence.look()
    assert await story.provider.status() == "UNKNOWN"
    story.crowd.online(STATION)
    await until(lambda: story.crowd.figures()["online"] == 1)
    await story.told()
    assert await story.provider.status() == "AVAILABLE"


@pytest.mark.req("CMD-035", versions="2.2.1|2.3.0")
async def test_the_station_hears_a_number_of_ours_and_not_the_partners_id(story: Story) -> None:
    fields = {"token": FULL_TOKEN, "reservation_id": "4711", "expiry_date": story.clock.text(900), **PLACE}
    assert await story.provider.command("RESERVE_NOW", **fields) == ("ACCEPTED", ["ACCEPTED"])
    hold = story.crowd.line(STATION).station.evses[0].hold
    assert hold is not None and hold.id != 4711


@pytest.mark.req("CMD-040", versions="2.2.1|2.3.0")
async def test_a_station_that_breaks_takes_its_reservation_back(story: Story, ocpi: str) -> None:
    fields = {"token": FULL_TOKEN, "reservation_id": "1", "expiry_date": story.clock.text(900), **PLACE}
    assert await story.provider.command("RESERVE_NOW", **fields) == ("ACCEPTED", ["ACCEPTED"])
    await story.told()
    assert await story.provider.status() == "RESERVED"
    story.crowd.fault(STATION, "GroundFailure", 1)
    await story.told()
    assert await story.provider.status() == "OUTOFORDER"


async def test_a_fault_in_the_middle_ends_the_charge_and_the_driver_pays_for_what_flowed(story: Story) -> None:
    await story.provider.command("START_SESSION", token=FULL_TOKEN, **PLACE)
    await story.plug_in()
    await story.wait(600)
    story.crowd.fault(STATION, "GroundFailure", 1, vendor_code="E-104")
    _, bill = await story.ended()
    assert bill.get("remark") and await story.provider.status() == "OUTOFORDER"
    story.crowd.clear(STATION, 1)
    story.crowd.unplug(STATION)
    await story.told()
    assert await story.provider.status() == "AVAILABLE"


async def test_a_car_that_is_full_stands_there_and_that_is_parking(story: Story) -> None:
    await story.provider.command("START_SESSION", token=FULL_TOKEN, **PLACE)
    await story.plug_in(soc=0.98)
    await story.wait(2700)
    story.crowd.unplug(STATION)
    _, bill = await story.ended()
    assert bill["total_parking_time"] > 0.44 and bill["total_energy"] < 0.41
