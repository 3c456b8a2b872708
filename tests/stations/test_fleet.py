"""The simulated stations of a CPO, told what to do by a partner, by drivers and by chance."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from interplug.charges.charging import evse_status
from interplug.config import Simulator
from interplug.model.types import format_time
from interplug.modules.node import Node, Outcome
from interplug.stations.city import OPERATORS, locations, tariffs
from interplug.stations.simulator.fleet import Fleet
from interplug.stations.simulator.memory import Car
from interplug.stations.simulator.physics import Vehicle
from interplug.store.keys import OWN, Key
from interplug.tariffs import cost_documents, price
from tests.charges.meters import TOKEN, cdr, has_cdr, location, open_place, session, tariff
from tests.nodes import CPO, SECOND, Clock, Partner, befriend, close, make_node, own

FULL_TOKEN = {**TOKEN, "issuer": "XYZ", "valid": True, "whitelist": "ALWAYS", "last_updated": "2026-01-01T00:00:00Z"}
OPERATOR = OPERATORS[0]
EVSE1 = ("LOC1", "EVSE1")
SMALL = Vehicle(20_000)


def start(**more: Any) -> dict[str, Any]:
    return {"token": FULL_TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1", **more}


async def let_time_pass(fleet: Fleet, clock: Clock, seconds: int, step: int = 60) -> None:
    for _ in range(seconds // step):
        clock.move(step)
        await fleet.tick()


async def statuses(node: Node) -> list[str]:
    stored = await node.store.read(lambda tx: tx.objects.get(Key("locations", OWN, "NL", "TNM", "LOC1")))
    assert stored is not None
    return [evse["status"] for evse in stored.document["evses"]]


async def sessions(node: Node) -> list[dict[str, Any]]:
    return [stored.document async for stored in _each(node)]


async def _each(node: Node) -> Any:
    found, _ = await node.store.read(lambda tx: tx.objects.batch("sessions", 0, 100, OWN))
    for stored in found:
        yield stored


async def charging(fleet: Fleet, emsp: Partner, soc: float = 0.2) -> str:
    """A car that charges at EVSE1; its Session."""
    await fleet.plug_in(*EVSE1, Car(SMALL, soc))
    begun = await fleet.start_session(start(), emsp.connection.id)
    assert begun.result == "ACCEPTED" and begun.session_id is not None
    return begun.session_id


# --- the whole story


@pytest.mark.req("CMD-028", "CMD-030", "CMD-043", "CMD-027")
async def test_a_driver_starts_from_the_phone_charges_stops_and_drives_away(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    assert (await fleet.start_session(start(authorization_reference="ref"), emsp.connection.id)).result == "ACCEPTED"
    assert await statuses(node) == ["RESERVED", "AVAILABLE"] and await sessions(node) == []
    clock.move(5)
    assert await fleet.plug_in(*EVSE1, Car(SMALL, 0.2))
    [begun] = await sessions(node)
    assert (begun["status"], begun["auth_method"], begun["authorization_reference"]) == ("ACTIVE", "COMMAND", "ref")
    assert begun["cdr_token"] == TOKEN and await statuses(node) == ["CHARGING", "AVAILABLE"]
    await let_time_pass(fleet, clock, 1800)
    running = await session(node, begun["id"])
    assert 5 < running["kwh"] < Decimal("5.5") and running["total_cost"]["before_taxes"] > 0
    assert (await fleet.stop_session({"session_id": begun["id"]}, emsp.connection.id)).result == "ACCEPTED"
    assert await statuses(node) == ["BLOCKED", "AVAILABLE"]
    await let_time_pass(fleet, clock, 60)
    assert await statuses(node) == ["AVAILABLE", "AVAILABLE"]
    bill = await cdr(node, begun["id"])
    assert bill["total_energy"] == (await session(node, begun["id"]))["kwh"]
    again = cost_documents(price(bill))
    assert {name: bill[name] for name in again} == again and bill["authorization_reference"] == "ref"


@pytest.mark.req("CMD-043")
async def test_a_cable_that_never_comes_makes_no_session(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    assert (await fleet.start_session(start(), emsp.connection.id)).result == "ACCEPTED"
    await let_time_pass(fleet, clock, 60)
    assert await sessions(node) == [] and await statuses(node) == ["AVAILABLE", "AVAILABLE"]
    await fleet.plug_in(*EVSE1)
    assert await sessions(node) == [] and await statuses(node) == ["CHARGING", "AVAILABLE"]


async def test_a_simulated_driver_plugs_in_by_itself(node: Node, emsp: Partner, clock: Clock) -> None:
    fleet = Fleet(node, arrives=3)
    await fleet.load()
    await fleet.start_session(start(), emsp.connection.id)
    await let_time_pass(fleet, clock, 4, step=1)
    assert [one["status"] for one in await sessions(node)] == ["ACTIVE"]


@pytest.mark.req("CDR-036")
async def test_a_full_car_parks_and_the_parking_is_billed_from_the_moment_it_was_full(
    fleet: Fleet, node: Node, emsp: Partner, clock: Clock
) -> None:
    found = await charging(fleet, emsp, soc=0.97)
    await let_time_pass(fleet, clock, 3600 * 3)
    bill = await cdr(node, found)
    charged, parked = bill["charging_periods"]
    assert [one["type"] for one in parked["dimensions"]] == ["PARKING_TIME"]
    # The driver comes back half an hour after the car was full, at most one look later.
    assert Decimal("0.5") <= bill["total_parking_time"] <= Decimal("0.52")
    assert charged["dimensions"][0]["volume"] == bill["total_energy"] < Decimal("0.61")


# --- refusals


async def test_a_station_that_cannot_says_why(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    async def answer(**more: Any) -> str:
        return (await fleet.start_session(start(**more), emsp.connection.id)).result

    assert await answer(connector_id="9") == "REJECTED"
    assert await answer(location_id="NOWHERE") == "FAILED"
    await fleet.fault(*EVSE1)
    assert await answer() == "EVSE_INOPERATIVE" and (await statuses(node))[0] == "OUTOFORDER"
    await fleet.clear(*EVSE1)
    await fleet.offline(*EVSE1)
    assert await answer() == "TIMEOUT"
    await fleet.online(*EVSE1)
    assert await answer() == "ACCEPTED"
    assert await answer() == "EVSE_OCCUPIED"
    await fleet.plug_in(*EVSE1)
    assert await answer() == "EVSE_OCCUPIED"


@pytest.mark.req("CMD-033")
async def test_without_an_evse_the_station_chooses_one_that_is_free(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    await charging(fleet, emsp)
    anywhere = {name: value for name, value in start().items() if name not in ("evse_uid", "connector_id")}
    assert (await fleet.start_session(anywhere, emsp.connection.id)).result == "ACCEPTED"
    assert await statuses(node) == ["CHARGING", "RESERVED"]
    assert (await fleet.start_session(anywhere, emsp.connection.id)).result == "EVSE_OCCUPIED"


async def test_an_unknown_session_and_a_silent_station_are_not_stopped(fleet: Fleet, emsp: Partner) -> None:
    assert (await fleet.stop_session({"session_id": "none"}, emsp.connection.id)).result == "FAILED"
    found = await charging(fleet, emsp)
    await fleet.offline(*EVSE1)
    assert (await fleet.stop_session({"session_id": found}, emsp.connection.id)).result == "TIMEOUT"


async def test_a_cable_is_unlocked_but_not_out_of_a_running_charge(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    unlock = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1"}
    found = await charging(fleet, emsp)
    assert (await fleet.unlock_connector(unlock, emsp.connection.id)).result == "REJECTED"
    assert (await fleet.unlock_connector({**unlock, "connector_id": "9"}, emsp.connection.id)).result == "FAILED"
    await let_time_pass(fleet, clock, 60)
    await fleet.stop_session({"session_id": found}, emsp.connection.id)
    assert (await fleet.unlock_connector(unlock, emsp.connection.id)).result == "ACCEPTED"
    assert (await statuses(node))[0] == "AVAILABLE"


# --- reservations


def reserve(clock: Clock, seconds: int = 900, **more: Any) -> dict[str, Any]:
    ends = format_time(clock.now + seconds * SECOND)
    return {"token": FULL_TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1", "reservation_id": "R1", "expiry_date": ends, **more}


@pytest.mark.req("SES-030", "CMD-035", "CMD-036")
async def test_a_held_station_is_for_the_one_who_reserved_it(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    held = await fleet.reserve_now(reserve(clock), emsp.connection.id)
    assert held.result == "ACCEPTED" and await statuses(node) == ["RESERVED", "AVAILABLE"]
    other = start(token={**FULL_TOKEN, "uid": "CARD2"})
    assert (await fleet.start_session(other, emsp.connection.id)).result == "REJECTED"
    assert (await fleet.start_session(start(), emsp.connection.id + 1)).result == "REJECTED"
    assert (await fleet.reserve_now(reserve(clock), emsp.connection.id + 1)).result == "EVSE_OCCUPIED"
    clock.move(60)
    await fleet.plug_in(*EVSE1)
    begun = await fleet.start_session(start(), emsp.connection.id)
    assert begun.session_id == held.session_id and (await session(node, held.session_id or ""))["status"] == "ACTIVE"


@pytest.mark.req("CMD-039", "SES-031")
async def test_a_reservation_ends_by_time_or_by_its_owner_alone(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    cancel = {"reservation_id": "R1"}
    assert (await fleet.cancel_reservation(cancel, emsp.connection.id)).result == "UNKNOWN_RESERVATION"
    first = await fleet.reserve_now(reserve(clock), emsp.connection.id)
    assert (await fleet.cancel_reservation(cancel, emsp.connection.id + 1)).result == "UNKNOWN_RESERVATION"
    assert (await fleet.cancel_reservation(cancel, emsp.connection.id)).result == "ACCEPTED"
    second = await fleet.reserve_now(reserve(clock), emsp.connection.id)
    await let_time_pass(fleet, clock, 960)
    assert await statuses(node) == ["AVAILABLE", "AVAILABLE"]
    assert [(await session(node, one.session_id or ""))["status"] for one in (first, second)] == ["COMPLETED", "COMPLETED"]
    assert (await fleet.reserve_now(reserve(clock, -1), emsp.connection.id)).result == "REJECTED"


@pytest.mark.req("CMD-034")
async def test_the_same_reservation_moves_to_another_station(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    first = await fleet.reserve_now(reserve(clock), emsp.connection.id)
    moved = await fleet.reserve_now(reserve(clock, 1800, evse_uid="EVSE2"), emsp.connection.id)
    assert moved.session_id == first.session_id and await statuses(node) == ["AVAILABLE", "RESERVED"]
    await let_time_pass(fleet, clock, 1200)
    assert (await session(node, first.session_id or ""))["status"] == "RESERVATION"


@pytest.mark.req("CMD-040")
async def test_a_broken_station_takes_the_reservation_back(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    held = await fleet.reserve_now(reserve(clock), emsp.connection.id)
    await fleet.fault(*EVSE1)
    assert (await session(node, held.session_id or ""))["status"] == "COMPLETED" and not await has_cdr(node, held.session_id or "")
    await fleet.clear(*EVSE1)
    assert await statuses(node) == ["AVAILABLE", "AVAILABLE"]


# --- what goes wrong


async def test_a_fault_ends_the_charge_with_what_was_delivered(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    found = await charging(fleet, emsp)
    await let_time_pass(fleet, clock, 600)
    await fleet.fault(*EVSE1, "GroundFailure")
    bill = await cdr(node, found)
    assert bill["remark"] == "GroundFailure" and bill["total_energy"] > 1
    await fleet.clear(*EVSE1)
    assert (await statuses(node))[0] == "CHARGING"  # the cable is still in


@pytest.mark.req("LOC-043")
async def test_a_station_out_of_reach_is_unknown_and_tells_everything_when_it_is_back(
    fleet: Fleet, node: Node, emsp: Partner, clock: Clock
) -> None:
    found = await charging(fleet, emsp)
    await fleet.offline(*EVSE1)
    await let_time_pass(fleet, clock, 1200)
    assert (await session(node, found))["kwh"] == 0 and (await statuses(node))[0] == "UNKNOWN"
    await fleet.unplug(*EVSE1)
    await let_time_pass(fleet, clock, 600)
    assert (await session(node, found))["status"] == "ACTIVE"
    await fleet.online(*EVSE1)
    ended = await session(node, found)
    assert ended["status"] == "COMPLETED" and ended["kwh"] > 3 and (await statuses(node))[0] == "AVAILABLE"
    assert (await cdr(node, found))["total_time"] == Decimal("0.3333")


async def bill_of(folder: Path, *, killed: bool = False, interval: float = 2, soc: float = 0.2) -> dict[str, Any]:
    """Half an hour of charging; in the middle of it the node is gone for ten minutes, or not."""
    folder.mkdir()
    clock = Clock()
    node = await make_node(folder, [("CPO", "NL", "TNM")], clock=clock)
    await open_place(node, tariff())
    fleet = Fleet(node, arrives=None, interval=interval)
    await fleet.load()
    await fleet.plug_in(*EVSE1, Car(SMALL, soc))
    found = (await fleet.start_session(start(), 0)).session_id or ""
    await let_time_pass(fleet, clock, 600)
    if killed:
        await close(node)
        clock.move(600)
        node = await make_node(folder, [("CPO", "NL", "TNM")], clock=clock)
        fleet = Fleet(node, arrives=None)
        await fleet.load()
    else:
        await let_time_pass(fleet, clock, 600)
    await let_time_pass(fleet, clock, 600)
    await fleet.stop_session({"session_id": found}, 0)
    bill = await cdr(node, found)
    await close(node)
    return {name: value for name, value in bill.items() if name not in ("id", "session_id", "last_updated")}


async def test_a_node_that_was_killed_finds_the_car_still_charging_and_bills_it_once(tmp_path: Path) -> None:
    assert await bill_of(tmp_path / "killed", killed=True) == await bill_of(tmp_path / "alive")


async def test_how_often_the_meter_is_read_does_not_change_the_bill(tmp_path: Path) -> None:
    """The car is full in the middle of it."""
    often, seldom = await bill_of(tmp_path / "often", soc=0.95), await bill_of(tmp_path / "seldom", soc=0.95, interval=700)
    assert often == seldom and often["total_parking_time"] > 0


async def test_a_new_location_gets_its_stations_while_the_fleet_runs(fleet: Fleet, node: Node) -> None:
    await own(node, "locations", location(id="LOC2"))
    await fleet._follow()
    assert len(fleet.at("LOC2")) == 2 and len(fleet.at("LOC1", "evse1")) == 1


async def test_an_evse_that_was_taken_out_of_the_books_begins_nothing(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    await fleet.start_session(start(), emsp.connection.id)
    await evse_status(node, *EVSE1, "REMOVED", clock.now)
    assert await fleet.plug_in(*EVSE1)
    assert await sessions(node) == [] and fleet.one(*EVSE1).memory.state == "plugged"
    assert (await fleet.start_session(start(), emsp.connection.id)).result == "FAILED"


async def test_one_station_that_fails_does_not_stop_the_others(
    fleet: Fleet, node: Node, emsp: Partner, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(now: int) -> None:
        raise RuntimeError("no such plug")

    broken_one = fleet.one(*EVSE1)
    broken_one.published = "UNKNOWN"  # so that there is something to do
    monkeypatch.setattr(broken_one, "tick", broken)
    await fleet.plug_in("LOC1", "EVSE2", Car(SMALL, 0.2))
    begun = await fleet.start_session(start(evse_uid="EVSE2"), emsp.connection.id)
    await let_time_pass(fleet, clock, 600)
    assert (await session(node, begun.session_id or ""))["kwh"] > 1


async def test_the_loop_lets_a_driver_plug_in_and_the_session_begin(node: Node, emsp: Partner) -> None:
    fleet = Fleet(node, arrives=0)
    await fleet.load()
    loop = asyncio.create_task(fleet.run())
    await fleet.start_session(start(), emsp.connection.id)
    head = 0
    while [one["status"] for one in await sessions(node)] != ["ACTIVE"]:
        head = await node.store.changed(head, 20)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


# --- drivers of chance


async def a_day(folder: Path, seed: int) -> tuple[list[dict[str, Any]], list[int]]:
    """What was charged in six hours of traffic, and how many stations were busy at each look."""
    folder.mkdir()
    clock = Clock()
    node = await make_node(folder, [CPO], clock=clock, simulator=Simulator(traffic=True, seed=seed))
    emsp = await befriend(node, "2.2.1", parties=[("EMSP", "BE", "XYZ")], name="emsp")
    for document in tariffs(OPERATOR, clock.now):
        await own(node, "tariffs", document)
    for document in locations(OPERATOR, clock.now, seed=seed, count=5):
        await own(node, "locations", document)
    key = Key("tokens", emsp.connection.id, "BE", "XYZ", "CARD1", "RFID")
    await node.store.write(lambda tx: tx.objects.save(key, FULL_TOKEN, last_updated=clock.now))
    fleet = Fleet(node, interval=600, arrives=120)
    await fleet.load()
    busy = []
    for _ in range(180):
        clock.move(120)
        await fleet.tick()
        busy.append(sum(outlet.memory.car is not None for outlet in fleet.outlets.values()))
    bills, _ = await node.store.read(lambda tx: tx.objects.batch("cdrs", 0, 1000, OWN))
    await close(node)
    return [one.document for one in bills], busy


def figures(cdrs: list[dict[str, Any]]) -> list[Any]:
    return [(one["cdr_location"]["evse_uid"], one["cdr_token"]["uid"], one["total_energy"]) for one in cdrs]


async def test_traffic_comes_and_goes_and_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    cdrs, busy = await a_day(tmp_path / "one", 1)
    again, busy_again = await a_day(tmp_path / "same", 1)
    charged = figures(cdrs)
    assert (charged, busy) == (figures(again), busy_again)
    assert charged != figures((await a_day(tmp_path / "other", 2))[0])
    assert len(charged) > 10 and 0 < max(busy) <= 5 and {card[:3] for _, card, _ in charged} == {"OWN", "CAR"}


async def test_a_card_is_in_one_place_at_a_time(tmp_path: Path) -> None:
    cdrs, _ = await a_day(tmp_path / "one", 1)
    times = sorted((one["start_date_time"], one["end_date_time"]) for one in cdrs if one["cdr_token"]["uid"] == "CARD1")
    assert len(times) > 3 and all(earlier[1] <= later[0] for earlier, later in pairwise(times))


# --- cards


async def test_a_card_starts_and_the_same_card_stops(fleet: Fleet, node: Node, emsp: Partner, clock: Clock) -> None:
    key = Key("tokens", emsp.connection.id, "BE", "XYZ", "CARD1", "RFID")
    await node.store.write(lambda tx: tx.objects.save(key, FULL_TOKEN, last_updated=clock.now))
    assert (await fleet.tap(*EVSE1, "card1")).result == "ACCEPTED"
    await fleet.plug_in(*EVSE1)
    [begun] = await sessions(node)
    assert begun["auth_method"] == "WHITELIST" and begun["cdr_token"] == TOKEN
    await let_time_pass(fleet, clock, 300)
    assert (await fleet.tap(*EVSE1, "CARD1")).result == "ACCEPTED"
    assert (await session(node, begun["id"]))["status"] == "COMPLETED"


async def test_an_unknown_card_is_refused(fleet: Fleet, node: Node) -> None:
    await fleet.plug_in(*EVSE1)
    assert (await fleet.tap(*EVSE1, "STOLEN")).result == "REJECTED" and await sessions(node) == []
    await fleet.offline(*EVSE1)
    assert await fleet.tap(*EVSE1, "STOLEN") == Outcome("TIMEOUT", "the station does not answer")
