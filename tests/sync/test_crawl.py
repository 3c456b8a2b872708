"""The reading of lists that are cut off, wrong or endless, and what a whole list says is missing, extra or different."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.cli import lists
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response
from interplug.sync import course
from interplug.sync.pull import Pulled, pull
from interplug.sync.push import Push
from interplug.sync.schedule import Schedule
from tests.modules import said
from tests.nodes import Clock, close
from tests.sync.pulling import World, theirs, world_of

HOURS = 3600.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(tmp_path, "2.3.0")
    made.lists.offer("locations", *theirs(*(f"L{n}" for n in range(10))))
    yield made
    await close(made.node)


async def killed(world: World, *, at: int, full: bool = False) -> None:
    """A reading that is cancelled while it waits for the page at that offset."""
    world.lists.silent_at = at
    task = asyncio.create_task(world.pull("locations", full=full))
    while at not in [int(query.get("offset", 0)) for _, query in world.lists.asked]:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    world.lists.silent_at = None
    world.offsets()


async def removed(world: World, name: str) -> bool:
    stored = await world.held("locations", name)
    assert stored is not None
    return {evse["status"] for evse in stored.document["evses"]} == {"REMOVED"}


# --- cut off


@pytest.mark.parametrize("full", [False, True])
async def test_a_reading_that_was_killed_goes_on_with_its_page(world: World, full: bool) -> None:
    await killed(world, at=4, full=full)
    report = await world.pull("locations", full=full)
    assert world.offsets() == [4, 6, 8]
    assert (report.read, report.changed, report.fault, report.notes) == (10, 10, None, [])


async def test_what_was_read_before_the_kill_is_not_missing_after_it(world: World) -> None:
    await world.pull("locations")
    await killed(world, at=6, full=True)
    report = await world.pull("locations", full=True)
    assert (report.missing, report.ended, report.doubted, report.read) == (0, 0, 0, 10)


async def test_a_reading_that_failed_goes_on_where_it_failed_and_its_fault_is_not_told_for_ever(world: World) -> None:
    world.lists.fail_at_offset = 6
    first = await world.pull("locations")
    assert "HTTP 500" in (first.fault or "")
    world.lists.fail_at_offset = None
    world.offsets()
    report = await world.pull("locations")
    assert world.offsets() == [6, 8] and (report.read, report.fault) == (10, None)


@pytest.mark.parametrize("answer", [Response(404, b"gone"), Response(200, b'{"status_code": 2001, "data": null}')])
async def test_a_partner_that_no_longer_knows_the_place_is_read_from_the_beginning(world: World, answer: Response) -> None:
    await killed(world, at=4)
    world.lists.fail_at_offset, world.lists.failure = 4, answer
    report = await world.pull("locations")
    assert world.offsets() == [4, 0, 2, 4] and report.fault is not None
    world.lists.fail_at_offset = None
    assert (await world.pull("locations")).fault is None


@pytest.mark.parametrize("answer", [Response(500, b"no"), Response(401, b""), Response(200, b"<html>")], ids=["500", "401", "HTML"])
async def test_a_place_that_fails_again_and_again_does_not_keep_the_rest_of_the_list_away(world: World, answer: Response) -> None:
    world.lists.fail_at_offset, world.lists.failure = 6, answer
    for _ in range(3):
        assert (await world.pull("locations")).fault is not None
    assert world.offsets() == [0, 2, 4, 6, 6, 6] or answer.status == 401
    world.lists.lists["locations"][0]["city"] = "new"
    world.lists.lists["locations"][0]["last_updated"] = world.clock.text(1)
    world.offsets()
    await world.pull("locations")
    assert [one for one in world.offsets() if one != 6] == [0, 2, 4]
    stored = await world.held("locations", "L0")
    assert stored is not None and stored.document["city"] == "new"
    world.lists.fail_at_offset = None
    assert (await world.pull("locations")).fault is None


async def test_a_link_to_a_host_that_may_not_be_called_is_no_dead_end(world: World) -> None:
    serve, wrong = world.lists.__call__, True

    async def elsewhere(request: Request) -> Response:
        answer = await serve(request)
        if wrong and "link" in answer.headers:
            answer.headers["link"] = '<https://elsewhere.example/locations?offset=2>; rel="next"'
        return answer

    world.node.client.transport.places["https://partner.example"] = elsewhere  # type: ignore[attr-defined]
    assert "no registered host" in ((await world.pull("locations", full=True)).fault or "")
    wrong = False
    faults = [(await world.pull("locations", full=True)).fault is not None for _ in range(4)]
    assert faults == [True, True, False, False]


async def test_a_partner_that_is_down_for_long_is_read_on_where_it_was(world: World) -> None:
    await killed(world, at=4)
    world.lists.down = True
    for _ in range(9):
        assert (await world.pull("locations")).fault is not None
    world.lists.down = False
    world.offsets()
    assert ((await world.pull("locations")).read, world.offsets()) == (10, [4, 6, 8])


async def test_a_reading_that_was_cut_off_a_day_ago_begins_anew_and_so_does_a_whole_one_after_a_part(world: World) -> None:
    await killed(world, at=4)
    world.clock.move(25 * HOURS)
    await world.pull("locations")
    assert world.offsets() == [0, 2, 4, 6, 8]
    await killed(world, at=4)
    report = await world.pull("locations", full=True)
    assert world.offsets() == [0, 2, 4, 6, 8] and report.full


async def test_what_changed_while_a_list_was_read_is_asked_for_again(world: World) -> None:
    late = theirs("L9", last_updated=world.clock.text(2 * HOURS))
    world.lists.lists["locations"][9] = late[0]
    await world.pull("locations")
    world.offsets()
    await world.pull("locations")
    assert world.lists.asked[0][1]["date_from"] <= world.clock.text(-1 * HOURS)


# --- wrong lists


@pytest.mark.parametrize(
    "links",
    [{8: 8}, {8: 4}, {n: n + 2 for n in range(8, 400, 2)}],
    ids=["to itself", "back", "on and on"],
)
async def test_a_list_whose_links_have_no_end_is_read_once_told_of_and_ends_nothing(world: World, links: dict[int, int]) -> None:
    await world.pull("locations")
    del world.lists.lists["locations"][3]
    world.lists.links = links | {6: 8}
    world.offsets()
    report = await world.lacking("locations")
    assert len(world.offsets()) < 40
    assert (report.fault, report.ended, report.doubted) == (None, 0, 1) and "next link" in report.notes[0]
    await world.pull("locations")
    assert "date_from" in world.lists.asked[0][1]


async def test_the_same_page_again_and_again_under_new_links_has_an_end(world: World) -> None:
    serve = world.lists.__call__
    asked = 0

    async def same(request: Request) -> Response:
        nonlocal asked
        asked += 1
        answer = await serve(Request("GET", request.url.partition("?")[0], request.headers))
        answer.headers["link"] = f'<https://partner.example/ocpi/2.3.0/sender/locations?cursor={asked}>; rel="next"'
        return answer

    world.node.client.transport.places["https://partner.example"] = same  # type: ignore[attr-defined]
    report = await world.pull("locations")
    assert asked < 20 and report.repeated > 10 and "nothing new" in report.notes[0] and report.fault is None


async def test_a_list_that_says_it_has_more_than_it_gives_ends_nothing(world: World) -> None:
    await world.pull("locations")
    del world.lists.lists["locations"][3]
    world.lists.total = 10
    report = await world.lacking("locations")
    assert (report.ended, report.doubted) == (0, 1) and "says that it has 10 objects and gave 9" in report.notes[0]


async def test_a_page_that_is_left_out_ends_nothing(world: World) -> None:
    await world.pull("locations")
    world.lists.links = {2: 6}
    report = await world.lacking("locations")
    assert (report.read, report.ended, report.doubted) == (8, 0, 2)


async def test_a_total_that_is_too_small_is_noted_and_the_links_count(world: World) -> None:
    world.lists.total = 2
    report = await world.pull("locations", full=True)
    assert (report.read, report.fault) == (10, None) and "2 objects and gave 10" in report.notes[0]


async def test_pages_that_overlap_are_no_harm_and_are_counted(world: World) -> None:
    world.lists.links = {2: 3}
    report = await world.pull("locations", full=True)
    assert (report.changed, report.repeated, report.fault, report.notes) == (10, 1, None, [])


# --- missing, extra, different


async def test_what_a_whole_list_lacks_has_time_to_come_back(world: World) -> None:
    await world.pull("locations")
    kept = world.lists.lists["locations"].pop()
    assert (await world.pull("locations", full=True)).missing == 1
    assert (await world.pull("locations", full=True)).missing == 1
    world.lists.lists["locations"].append(kept)
    world.clock.move(2 * HOURS)
    assert (await world.pull("locations", full=True)).missing == 0
    world.lists.lists["locations"].pop()
    assert ((await world.pull("locations", full=True)).missing, await removed(world, "L9")) == (1, False)
    world.clock.move(2 * HOURS)
    assert ((await world.pull("locations", full=True)).ended, await removed(world, "L9")) == (1, True)


async def test_an_older_state_is_taken_from_a_whole_list_when_the_newer_is_not_fresh(world: World) -> None:
    """A partner that was restored from a backup says what is true now; a list that lags behind a push does not."""
    (newer,) = theirs("L1", city="new", last_updated=world.clock.text(60))
    world.clock.move(120)
    assert (await world.partner.send("PUT", "locations/BE/XYZ/L1", newer)).ok

    async def city() -> Any:
        stored = await world.held("locations", "L1")
        return stored and stored.document["city"]

    assert ((await world.pull("locations", full=True)).older, await city()) == (0, "new")
    world.clock.move(2 * HOURS)
    assert ((await world.pull("locations")).older, await city()) == (0, "new")
    assert ((await world.pull("locations", full=True)).older, await city()) == (1, theirs("L1")[0]["city"])


async def test_an_older_evse_inside_a_location_is_taken_as_well(world: World) -> None:
    await world.pull("locations")
    world.clock.move(60)
    patch = {"status": "CHARGING", "last_updated": world.clock.text()}
    assert (await world.partner.send("PATCH", "locations/BE/XYZ/L1/E1", patch)).ok
    world.clock.move(2 * HOURS)
    report = await world.pull("locations", full=True)
    stored = await world.held("locations", "L1")
    assert report.older == 1 and stored is not None and stored.document["evses"][0]["status"] != "CHARGING"


# --- seeing it


async def test_what_was_found_is_kept_for_people(world: World) -> None:
    world.lists.total = 12
    await world.pull("locations", full=True)
    world.lists.fail_at_offset = 0
    await world.pull("tariffs")
    told = {one["module"]: one for one in await lists.described(world.node, world.partner.connection)}
    assert told["locations"]["read"] == 10 and "12 objects" in told["locations"]["notes"][0]
    assert "HTTP 500" in told["tariffs"]["fault"] and told["tariffs"]["at"] is None
    text = "\n".join(lists.lines(list(told.values())))
    assert "locations: it says that it has 12 objects and gave 10" in text and "tariffs: could not be read" in text


# --- schedules


class Turning:
    """A schedule whose clock is turned by hand; the node's own clock goes with it."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self.now, self.clock = 0.0, clock
        self.schedule = Schedule(node, Push(node), timer=lambda: self.now, chance=lambda: 0.5)

    async def after(self, seconds: float) -> None:
        self.now += seconds
        self.clock.move(seconds)
        await self.schedule.idle()


def whole(world: World, module: str = "locations") -> list[bool]:
    """For each reading of a list since the last look, whether it was of the whole."""
    asked, world.lists.asked = world.lists.asked, []
    return ["date_from" not in query for name, query in asked if name == module and int(query.get("offset", 0)) == 0]


async def test_each_list_has_a_plan_of_its_own(world: World) -> None:
    turning = Turning(world.node, world.clock)
    serve = world.lists.__call__

    async def half(request: Request) -> Response:
        return Response(500, b"") if "/tariffs" in request.url else await serve(request)

    world.node.client.transport.places["https://partner.example"] = half  # type: ignore[attr-defined]
    await turning.after(0)
    assert whole(world) == [True]
    await turning.after(60)
    assert whole(world) == []
    plans = turning.schedule.partners[world.partner.connection.id].plans
    assert plans["tariffs"].failures == 2 and plans["locations"].failures == 0


async def test_a_restart_puts_no_whole_reading_off(world: World) -> None:
    turning = Turning(world.node, world.clock)
    await turning.after(0)
    whole(world)
    for _ in range(8):
        turning = Turning(world.node, world.clock)
        await turning.after(24 * HOURS)
    assert whole(world).count(True) == 1


async def test_what_is_missing_is_looked_for_again_when_the_time_of_grace_is_over(world: World) -> None:
    turning = Turning(world.node, world.clock)
    await turning.after(0)
    world.lists.lists["locations"].pop()
    await turning.after(169 * HOURS)
    assert not await removed(world, "L9")
    await turning.after(1.1 * HOURS)
    assert await removed(world, "L9")


async def test_a_partner_that_asks_to_be_left_alone_is(world: World) -> None:
    turning = Turning(world.node, world.clock)
    world.lists.fail_at_offset, world.lists.failure = 4, Response(429, b"", {"retry-after": "100"})
    await turning.after(0)
    world.lists.fail_at_offset = None
    world.offsets()
    await turning.after(99)
    assert world.offsets() == []
    await turning.after(2)
    assert world.offsets() == [4, 6, 8]


async def test_after_a_long_outage_the_whole_list_is_read(world: World) -> None:
    turning = Turning(world.node, world.clock)
    await turning.schedule.push.start()
    await turning.schedule.push.tick()
    await turning.after(0)
    (lane,) = turning.schedule.push.lanes.values()
    for away, wanted in ((24 * HOURS, False), (169 * HOURS, True)):
        lane.failures = 1
        for partner in turning.schedule.partners.values():
            for plan in partner.plans.values():
                plan.full_due = 1e9
        await turning.after(0)
        turning.now += away
        whole(world)
        lane.failures = 0
        await turning.schedule.idle()
        assert whole(world)[-1] is wanted
    await turning.schedule.push.stop()


async def test_where_a_reading_stands_is_written_down_with_each_page(world: World) -> None:
    await killed(world, at=4)
    stands = await world.node.store.read(lambda tx: course.read(tx, world.partner.connection.id, "locations"))
    assert stands.under_way is not None and stands.under_way.pages == 2 and (stands.under_way.url or "").endswith("offset=4")


async def test_two_lists_do_not_mix(world: World) -> None:
    await killed(world, at=4)
    world.lists.offer("tariffs", said.theirs(said.tariff(id="T1")))
    reports: list[Pulled] = await pull(world.node, world.partner.connection, ("tariffs", "locations"))
    assert [(one.module, one.read) for one in reports] == [("tariffs", 1), ("locations", 10)]
