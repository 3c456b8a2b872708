"""Charging profiles at simulated stations: the power follows, the plan is told, and everything survives a crash."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from interplug.modules import steering
from interplug.modules.node import Node
from interplug.stations.simulator.fleet import Fleet
from interplug.stations.simulator.memory import Car
from interplug.stations.simulator.physics import Vehicle
from interplug.store.stations import Reading
from tests.modules.test_commands_received import settle
from tests.modules.test_profiles_received import PROFILE, Steering
from tests.nodes import SECOND, T0, Clock, Partner, Wire
from tests.stations.test_fleet import EVSE1, charging, let_time_pass, start

Document = dict[str, Any]


def profile(*periods: tuple[int, Any], unit: str = "W", **more: Any) -> Document:
    listed = [{"start_period": start, "limit": limit} for start, limit in periods]
    return {"charging_rate_unit": unit, "charging_profile_period": listed, **more}


async def set_(fleet: Fleet, session: str, one: Document, connection: int = 7) -> str:
    return (await fleet.set_charging_profile({"session_id": session, "charging_profile": one}, connection)).result


async def clear(fleet: Fleet, session: str, connection: int = 7) -> str:
    return (await fleet.clear_charging_profile({"session_id": session}, connection)).result


async def plan(fleet: Fleet, session: str, seconds: int = 1800) -> list[tuple[int, Decimal]]:
    outcome = await fleet.active_charging_profile({"session_id": session, "duration": seconds}, 7)
    assert outcome.result == "ACCEPTED" and outcome.profile is not None
    return [(period["start_period"], period["limit"]) for period in outcome.profile["charging_profile"]["charging_profile_period"]]


async def readings(node: Node, session: str) -> list[Reading]:
    found: list[Reading] = await node.store.read(lambda tx: tx.stations.readings(session))
    return found


@pytest.fixture
async def session(fleet: Fleet, emsp: Partner, clock: Clock) -> str:
    """A large car at 11 kW from AC, which has charged for a minute."""
    await fleet.plug_in(*EVSE1, Car(Vehicle(200_000, 11_000.0), 0.2))
    begun = await fleet.start_session(start(), emsp.connection.id)
    assert begun.session_id is not None
    await let_time_pass(fleet, clock, 60)
    return begun.session_id


@pytest.mark.req("CHP-005")
async def test_power_follows_a_profile(fleet: Fleet, node: Node, session: str, clock: Clock) -> None:
    assert await set_(fleet, session, profile((0, 6000), (600, 3000), (1200, 0))) == "ACCEPTED"
    await let_time_pass(fleet, clock, 1740)
    power = {(one.at - T0) // SECOND: one.power for one in await readings(node, session)}
    assert [power[second] for second in (30, 62, 300, 600, 900, 1200, 1800)] == [11_000, 6000, 6000, 3000, 3000, 0, 0]
    # 60 s at 11 kW, less the ramp, then 540 s at 6 kW, 600 s at 3 kW and nothing
    last = (await readings(node, session))[-1]
    assert last.kwh == pytest.approx(Decimal("1.567"), abs=Decimal("0.003")) and last.phase == "charging"


async def test_a_new_profile_changes_nothing_that_has_been(fleet: Fleet, node: Node, session: str, clock: Clock) -> None:
    await set_(fleet, session, profile((0, 6000)))
    await let_time_pass(fleet, clock, 600)
    before = await readings(node, session)
    await set_(fleet, session, profile((0, 1000)))
    await let_time_pass(fleet, clock, 600)
    after = await readings(node, session)
    assert after[: len(before)] == before
    assert after[-1].kwh - before[-1].kwh == pytest.approx(Decimal("0.167"), abs=Decimal("0.002"))


@pytest.mark.req("CHP-015", "CHP-016")
async def test_a_cleared_profile_limits_no_longer(fleet: Fleet, node: Node, session: str, clock: Clock) -> None:
    assert await clear(fleet, session) == "UNKNOWN"
    await set_(fleet, session, profile((0, 6000)))
    assert await clear(fleet, session, connection=8) == "UNKNOWN"
    assert await clear(fleet, session) == "ACCEPTED"
    await let_time_pass(fleet, clock, 60)
    assert (await readings(node, session))[-1].power == 11_000


async def test_of_two_who_steer_the_lower_limit_holds(fleet: Fleet, session: str) -> None:
    await set_(fleet, session, profile((0, 6000)), connection=7)
    await set_(fleet, session, profile((0, 9000), (600, 4000)), connection=8)
    assert await plan(fleet, session) == [(0, 6000), (540, 4000)]
    await clear(fleet, session, connection=7)
    assert await plan(fleet, session) == [(0, 9000), (540, 4000)]


@pytest.mark.req("CHP-011", "CHP-024", "CHP-027")
async def test_the_plan_is_said_in_the_unit_of_who_steers(fleet: Fleet, session: str) -> None:
    assert await plan(fleet, session) == [(0, Decimal("22000.0"))]
    await set_(fleet, session, profile((0, 10), (600, 8), unit="A", duration=900))
    assert await plan(fleet, session, 600) == [(0, 10), (540, 8)]
    assert await plan(fleet, session, 3600) == [(0, 10), (540, 8), (840, Decimal("31.8"))]


async def test_a_station_without_the_charge_or_out_of_reach(fleet: Fleet, session: str) -> None:
    for ask in (set_(fleet, "nope", profile((0, 1))), clear(fleet, "nope")):
        assert await ask == "REJECTED"
    assert (await fleet.active_charging_profile({"session_id": "nope", "duration": 9}, 7)).result == "REJECTED"
    await fleet.offline(*EVSE1)
    assert await set_(fleet, session, profile((0, 1))) == "TIMEOUT"
    assert (await fleet.active_charging_profile({"session_id": session, "duration": 9}, 7)).result == "TIMEOUT"
    await fleet.online(*EVSE1)
    await fleet.unplug(*EVSE1)
    assert await set_(fleet, session, profile((0, 1))) == "REJECTED"


async def test_a_crash_loses_no_profile_and_no_energy(fleet: Fleet, node: Node, session: str, clock: Clock) -> None:
    await set_(fleet, session, profile((0, 6000), (600, 3000)))
    clock.move(900)
    again = Fleet(node, arrives=None)
    node.stations = again
    await again.load()
    assert await plan(again, session) == [(0, 3000)]
    last = (await readings(node, session))[-1]
    assert last.kwh == pytest.approx(Decimal("1.368"), abs=Decimal("0.003")) and last.power == 3000


@pytest.fixture
async def steered(node: Node, wire: Wire) -> Steering:
    made = Steering(wire)
    wire.places["https://emsp.example"] = made
    return made


@pytest.mark.req("CHP-021", "CHP-024")
async def test_a_local_limit_is_told_to_who_steers(fleet: Fleet, node: Node, emsp: Partner, session: str, steered: Steering) -> None:
    asked = {"charging_profile": PROFILE, "response_url": "https://emsp.example/r"}
    assert (await emsp.send("PUT", f"chargingprofiles/{session}", asked)).data["result"] == "ACCEPTED"
    await settle(node)
    told = []
    for watts in (2300.0, None):
        await fleet.allow(*EVSE1, watts)
        await steering.tell(node)
        told.append(steered.updates[-1][1]["charging_profile"]["charging_profile_period"])
    assert told == [[{"start_period": 0, "limit": Decimal("3.3")}], [{"start_period": 0, "limit": 16}]]
    assert len(steered.updates) == 2


async def test_a_place_that_shares_its_connection_limits_a_charge_that_begins(
    fleet: Fleet, node: Node, emsp: Partner, clock: Clock
) -> None:
    await fleet.allow(*EVSE1, 4000.0)
    session = await charging(fleet, emsp)
    await let_time_pass(fleet, clock, 60)
    assert (await readings(node, session))[-1].power == 4000
    assert await plan(fleet, session) == [(0, 4000)]
