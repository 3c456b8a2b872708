"""Parties that come to a partner, as they do behind a hub: what they have had for long is read, though no delta has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.partners import states
from interplug.store.cursors import Refused
from interplug.sync.pull import pull
from interplug.sync.push import Push
from interplug.sync.schedule import TOGETHER, Schedule
from tests.modules import said
from tests.nodes import befriend, close
from tests.sync.pulling import World, theirs, world_of

BESIDE = ("FR", "AAA")


@pytest.fixture(params=["2.2.1", "2.3.0"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A hub that lists the parties behind it."""
    world = await world_of(tmp_path, str(request.param), hub="BEXYZ")
    listing = {"identifier": "hubclientinfo", "role": "SENDER", "url": "https://partner.example/hubclientinfo"}
    endpoints = [{"identifier": one.identifier, "role": one.role, "url": one.url} for one in world.partner.connection.endpoints]
    await world.node.directory.write(lambda tx: tx.partners.change(world.partner.connection.id, endpoints=[*endpoints, listing]))
    known = world.node.directory.by_id(world.partner.connection.id)
    assert known is not None
    world.partner.connection = known
    world.lists.offer("locations", *theirs("L1"), {**said.theirs(said.location("L2")), "country_code": "FR", "party_id": "AAA"})
    yield world
    await close(world.node)


def client(party: str = "AAA", **more: str) -> dict[str, Any]:
    return {"country_code": "FR", "party_id": party, "role": "CPO", "status": "CONNECTED", "last_updated": said.T, **more}


async def has(world: World) -> bool:
    return await world.held("locations", "L2", party=BESIDE) is not None


@pytest.mark.req("HCI-011")
async def test_a_hub_is_first_asked_who_is_behind_it(hub: World) -> None:
    hub.lists.lists["hubclientinfo"] = [client()]
    reports = await pull(hub.node, hub.partner.connection)
    assert reports[0].module == "hubclientinfo" and await has(hub)
    assert [one.quarantined for one in reports if one.module == "locations"] == [0]


@pytest.mark.req("HCI-011")
async def test_what_a_party_had_before_it_came_is_read_once_and_soon(hub: World) -> None:
    now = 0.0
    schedule = Schedule(hub.node, Push(hub.node), timer=lambda: now, chance=lambda: 0.5)

    async def readings(after: float) -> int:
        nonlocal now
        now += after
        hub.clock.move(after)
        await schedule.idle()
        asked, hub.lists.asked = hub.lists.asked, []
        return [name for name, _ in asked].count("locations")

    assert await readings(0) == 1 and not await has(hub)
    assert (await hub.partner.send("PUT", "hubclientinfo/FR/AAA", client())).ok
    assert await readings(1) == 0
    assert await readings(TOGETHER) == 1 and await has(hub)
    assert await readings(60) == 0


@pytest.mark.req("HCI-011")
async def test_a_party_that_was_elsewhere_for_a_while_is_read_when_it_is_back_behind_the_hub(hub: World) -> None:
    now, node = 0.0, hub.node
    schedule = Schedule(node, Push(node), timer=lambda: now, chance=lambda: 0.5)
    assert (await hub.partner.send("PUT", "hubclientinfo/FR/AAA", client())).ok
    await schedule.idle()
    direct = await befriend(node, hub.partner.version, parties=[("CPO", "FR", "AAA")], name="direct")
    await schedule.idle()
    hub.lists.asked.clear()
    await node.directory.write(lambda tx: tx.partners.change(direct.connection.id, state=states.UNREGISTERED))
    for _ in range(2):
        await schedule.idle()
        now += TOGETHER
    assert "locations" in {name for name, _ in hub.lists.asked}


async def test_a_party_that_came_while_nobody_looked_is_not_overlooked(hub: World) -> None:
    await hub.pull("locations")
    assert (await hub.partner.send("PUT", "hubclientinfo/FR/AAA", client())).ok
    assert (await hub.pull("locations")).full and await has(hub)
    assert not (await hub.pull("locations")).full


async def test_a_party_that_was_away_is_read_whole_when_it_is_back(hub: World) -> None:
    for listed in ([client()], []):
        hub.lists.lists["hubclientinfo"] = listed
        hub.clock.move(1)
        await pull(hub.node, hub.partner.connection)
    hub.lists.lists["hubclientinfo"] = [client()]
    reports = {one.module: one for one in await pull(hub.node, hub.partner.connection)}
    assert reports["locations"].full


async def test_a_party_that_comes_in_mid_reading_is_not_taken_for_read(hub: World) -> None:
    hub.lists.offer("locations", {**said.theirs(said.location("L2")), "country_code": "FR", "party_id": "AAA"}, *theirs("L1", "L3", "L4"))
    hub.lists.fail_at_offset = 2
    await hub.pull("locations")
    assert (await hub.partner.send("PUT", "hubclientinfo/FR/AAA", client())).ok
    hub.lists.fail_at_offset = None
    await hub.pull("locations")
    assert await has(hub)


async def test_a_hub_may_have_more_parties_than_pages_of_nothing_new_are_read(hub: World) -> None:
    hub.lists.lists["hubclientinfo"] = [client(f"{number:03}") for number in range(30)]
    report = await hub.pull("hubclientinfo")
    assert (report.read, report.repeated, report.notes) == (30, 0, [])


@pytest.mark.req("HCI-011")
async def test_what_waits_for_a_party_that_is_back_is_tried_at_once_wherever_the_hub_says_so(hub: World) -> None:
    number = hub.partner.connection.id

    async def listed(status: str) -> int:
        hub.lists.lists["hubclientinfo"] = [client(status=status, last_updated=hub.clock.text())]
        await hub.pull("hubclientinfo")
        known = hub.node.directory.by_id(number)
        assert known is not None
        hub.partner.connection = known
        (refused,) = await hub.node.store.read(lambda tx: tx.cursors.refused(number))
        return int(refused.next_at)

    waits = Refused(number, 1, "", "cdrs", "FR-AAA is offline", 0, 1, 1, 77, 1)
    await hub.node.store.write(lambda tx: tx.cursors.refuse(waits))
    assert [await listed(status) for status in ("CONNECTED", "OFFLINE", "CONNECTED")] == [77, 77, 0]
