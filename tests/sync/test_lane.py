"""A lane under faults: order per object, pauses, blame, and nothing lost or late whatever the partner does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interplug.config import Delivery
from interplug.protocol.http import Request, Response
from interplug.sync import lane as lanes
from tests.modules import said
from tests.nodes import close, own
from tests.sync.played import OK, says
from tests.sync.pushing import World, ours, status, world_of


async def tariffs(world: World, *names: str) -> None:
    for name in names:
        await own(world.node, "tariffs", ours(said.tariff(name)))


class Slow:
    """Answers when it is told to, and notes the order in which requests came in and were answered."""

    def __init__(self, world: World) -> None:
        self.open: dict[str, asyncio.Event] = {}
        self.came: list[str] = []
        self.most = 0
        world.node.client.transport.places["https://partner.example"] = self  # type: ignore[attr-defined]

    async def __call__(self, request: Request) -> Response:
        name = f"{request.method} {request.url.rsplit('/', 1)[-1]}"
        self.came.append(name)
        gate = self.open.setdefault(name, asyncio.Event())
        self.most = max(self.most, sum(not event.is_set() for event in self.open.values()))
        await gate.wait()
        return OK

    async def until(self, count: int) -> None:
        while len(self.came) < count:
            await asyncio.sleep(0)


async def test_a_patch_waits_for_the_slow_put_of_the_same_location_and_other_objects_do_not(newest: World) -> None:
    slow = Slow(newest)
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.push.tick()
    await slow.until(1)
    await status(newest, key, "E1", "CHARGING")
    await tariffs(newest, "T1")
    for _ in range(20):
        await newest.push.tick()
        await asyncio.sleep(0)
    slow.open.setdefault("PUT T1", asyncio.Event()).set()
    slow.open.setdefault("PATCH E1", asyncio.Event()).set()
    assert "PATCH E1" not in slow.came
    slow.open["PUT L1"].set()
    await newest.push.idle()
    assert slow.came[0] == "PUT L1" and sorted(slow.came[1:]) == ["PATCH E1", "PUT T1"]


async def test_several_objects_are_on_their_way_at_once(newest: World) -> None:
    slow = Slow(newest)
    await tariffs(newest, *(f"T{n}" for n in range(20)))
    await newest.push.tick()
    await slow.until(8)
    await asyncio.sleep(0)
    assert len(slow.came) == newest.push.settings.in_flight == slow.most
    for n in range(20):
        slow.open.setdefault(f"PUT T{n}", asyncio.Event()).set()
    await newest.push.idle()
    assert len(set(slow.came)) == len(slow.came) == 20


async def test_what_is_on_its_way_is_not_called_back_when_something_else_fails(newest: World) -> None:
    """A request that was let go may arrive all the same, after something newer."""
    slow = Slow(newest)
    refusing = newest.node.client.transport.places  # type: ignore[attr-defined]

    async def half(request: Request) -> Response:
        return says(3000, 500) if request.url.endswith("BAD") else await slow(request)

    refusing["https://partner.example"] = half
    await tariffs(newest, "SLOW", "BAD")
    await newest.push.tick()
    await slow.until(1)
    for _ in range(20):
        await newest.push.tick()
        await asyncio.sleep(0)
    (lane,) = newest.push.lanes.values()
    assert next(iter(lane.flying.values())).key.id == "SLOW" and not lane.idle
    slow.open["PUT SLOW"].set()
    await newest.push.idle()
    assert slow.came == ["PUT SLOW"] and not lane.flying


@pytest.mark.parametrize("answer", [OK, says(2001)])
async def test_what_our_own_database_could_not_note_down_is_sent_again(newest: World, monkeypatch: Any, answer: Response) -> None:
    """A full disk between the answer and what is written about it: nothing is left out, and nothing stays on its way for ever."""
    told: list[str] = []

    async def played(request: Request) -> Response:
        told.append(request.url.rsplit("/", 1)[-1])
        return answer if told.count(told[-1]) == 1 and told[-1] == "T1" else OK

    newest.node.client.transport.places["https://partner.example"] = played  # type: ignore[attr-defined]
    refusals, left = newest.push.refusals, [1]
    for name in ("accepted", "refuse"):
        real = getattr(refusals, name)

        async def full(*arguments: Any, real: Any = real) -> None:
            if left and told[-1] == "T1":
                left.pop()
                raise OSError("no space left on the device")
            await real(*arguments)

        monkeypatch.setattr(refusals, name, full)
    await tariffs(newest, "T1", "T2")
    await newest.push.idle()
    (lane,) = newest.push.lanes.values()
    assert not left and told.count("T1") == 2 and "T2" in told
    assert not lane.flying and not lane.dirty and lane.live


async def test_a_cdr_is_not_blamed_for_our_own_full_disk(newest: World, monkeypatch: Any) -> None:
    """It was taken, and where could not be noted down: it is no refused object, it is sent again as soon as there is room."""
    real, left = newest.node.store.write, [1]

    async def write(work: Any) -> Any:
        if left and newest.played.told:
            left.pop()
            raise newest.node.store.failures[0]("database or disk is full")
        return await real(work)

    monkeypatch.setattr(newest.node.store, "write", write)
    await own(newest.node, "cdrs", ours(said.cdr()), audience=newest.partner.connection.id)
    await newest.settle()
    assert await newest.wait(2) == [("POST", "cdrs")]
    (lane,) = newest.push.lanes.values()
    assert not left and not lane.failures and not lane.dirty
    assert await newest.node.store.read(lambda tx: tx.cursors.refused()) == []


async def test_a_change_that_was_read_with_an_earlier_one_is_not_sent_twice(newest: World) -> None:
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    lane = next(iter(newest.push.lanes.values()))
    await status(newest, key, "E1", "CHARGING")
    await newest.push._hand_out()
    await status(newest, key, "E1", "AVAILABLE")
    newest.played.told.clear()
    task = asyncio.create_task(lane.run())
    await asyncio.sleep(0)
    await newest.push._hand_out()
    await task
    await newest.push.idle()
    assert [body["status"] for _, _, body in newest.played.told] == ["AVAILABLE"]


async def test_many_that_fail_at_the_same_time_are_one_failure(newest: World) -> None:
    newest.played.down = True
    await tariffs(newest, *(f"T{n}" for n in range(8)))
    await newest.settle()
    (lane,) = newest.push.lanes.values()
    assert (lane.failures, lane.paused_until) == (1, 1.0)


async def test_a_partner_that_is_down_is_asked_with_one_object_and_then_sent_the_rest(newest: World) -> None:
    newest.played.answers.extend([None] * 8)
    await tariffs(newest, *(f"T{n}" for n in range(30)))
    await newest.settle()
    newest.played.answers.append(None)
    assert len(await newest.wait(1)) == 1
    assert len(await newest.wait(10)) == 30


async def test_a_lane_whose_partner_is_down_keeps_nothing_but_its_cursor(newest: World) -> None:
    newest.played.down = True
    await tariffs(newest, "T1", "T2")
    for _ in range(3):
        await newest.wait(300)
    (lane,) = newest.push.lanes.values()
    assert (lane.failures, lane.live, lane.dirty) == (3, False, {})
    newest.played.down = False
    assert len(await newest.wait(300)) == 2


async def test_an_overloaded_partner_gets_on_a_little_each_time_and_no_object_is_blamed(newest: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(lanes, "PART", 50)
    newest.played.down = True
    await tariffs(newest, *(f"T{n:02}" for n in range(40)))
    for _ in range(4):
        await newest.wait(300)
    newest.played.down = False
    told: list[tuple[str, str]] = []
    for _ in range(30):
        newest.played.answers.clear()
        newest.played.answers.extend([OK, OK, OK, *[says(3000, 429)] * 8])
        await newest.wait(300)
        told += newest.played.verbs()
    assert {path for _, path in told} == {f"tariffs/NL/TNM/T{n:02}" for n in range(40)}
    assert await newest.node.store.read(lambda tx: tx.cursors.refused()) == []
    newest.played.answers.clear()
    assert await newest.wait(300) == []


async def test_a_bad_object_is_found_although_it_stands_first_and_its_partner_was_down(newest: World) -> None:
    newest.played.broken = "/BAD"
    await tariffs(newest, "BAD")
    for _ in range(5):
        await newest.wait(1000)
    await tariffs(newest, "T1", "T2", "T3")
    for _ in range(5):
        await newest.wait(1000)
    refused = await newest.node.store.read(lambda tx: tx.cursors.refused())
    assert [row.status for row in refused] == [3000] and len(refused) == 1
    assert next(iter(newest.push.lanes.values())).failures == 0


async def test_an_object_that_only_met_a_bad_network_does_not_wait_for_an_hour(newest: World) -> None:
    newest.played.broken = "/UNLUCKY"
    for name in ("UNLUCKY", "T1", "T2", "T3"):
        await tariffs(newest, name)
        await newest.wait(9)
    (refused,) = await newest.node.store.read(lambda tx: tx.cursors.refused())
    assert refused.next_at - newest.node.clock() == 10_000_000
    newest.played.broken = "nothing"
    newest.clock.move(11)
    assert ("PUT", "tariffs/NL/TNM/UNLUCKY") in await newest.wait(11)
    assert await newest.node.store.read(lambda tx: tx.cursors.refused()) == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_is_set_back_does_not_delay_the_next_attempt(newest: World, restarted: bool) -> None:
    newest.played.broken = "/UNLUCKY"
    for name in ("UNLUCKY", "T1", "T2", "T3"):
        await tariffs(newest, name)
        await newest.wait(9)
    assert len(await newest.node.store.read(lambda tx: tx.cursors.refused())) == 1
    newest.played.broken = "nothing"
    newest.clock.move(-7200)
    if restarted:
        await newest.restart()
        await newest.settle()
    assert ("PUT", "tariffs/NL/TNM/UNLUCKY") in await newest.wait(11)
    assert await newest.node.store.read(lambda tx: tx.cursors.refused()) == []


async def test_retry_after_is_kept_to_even_when_the_partner_speaks(newest: World) -> None:
    newest.played.answers.append(says(3000, 429, **{"retry-after": "60"}))
    await tariffs(newest, "T1")
    await newest.settle()
    await newest.partner.fetch("tariffs")
    assert await newest.wait(59) == []
    assert await newest.wait(1) == [("PUT", "tariffs/NL/TNM/T1")]


@pytest.mark.parametrize("days", ["864000", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_partner_that_wants_to_be_left_alone_for_days_is_left_alone_for_an_hour(newest: World, days: str) -> None:
    newest.played.answers.append(says(3000, 429, **{"retry-after": days}))
    await tariffs(newest, "T1")
    await newest.settle()
    assert await newest.wait(3599) == []
    assert await newest.wait(1) == [("PUT", "tariffs/NL/TNM/T1")]


async def test_a_partner_that_speaks_all_the_time_is_not_asked_all_the_time(newest: World) -> None:
    newest.played.answers.extend([None] * 99)
    await tariffs(newest, "T1")
    for _ in range(5):
        await newest.wait(300)
    asked = 0
    for _ in range(10):
        newest.timer.now += 0.1
        await newest.partner.fetch("tariffs")
        asked += len(await newest.settle())
    assert asked == 1


async def test_no_partner_is_sent_more_in_a_second_than_the_setting_allows(tmp_path: Path) -> None:
    world = await world_of(tmp_path, "2.3.0", Delivery(per_second=5))
    await world.wait(10)
    await tariffs(world, *(f"T{n}" for n in range(12)))
    assert [len(await world.settle()), len(await world.wait(1)), len(await world.wait(1)), len(await world.wait(1))] == [5, 5, 2, 0]
    await world.push.stop()
    await close(world.node)


async def test_what_takes_several_requests_uses_up_as_much_of_a_second(tmp_path: Path) -> None:
    """A PATCH that the partner does not know, the PUT of the EVSE, and that of the Location."""
    world = await world_of(tmp_path, "2.3.0", Delivery(per_second=3))
    key = await own(world.node, "locations", ours(said.location()))
    await world.settle()
    await world.wait(10)
    world.played.answers.extend([says(2003, 404)] * 2)
    await status(world, key, "E1", "CHARGING")
    await tariffs(world, *(f"T{n}" for n in range(6)))
    assert [len(await world.settle()), len(await world.wait(1)), len(await world.wait(1))] == [5, 1, 3]
    await world.push.stop()
    await close(world.node)


async def test_a_long_catch_up_is_cut_off_and_goes_on_behind_what_was_sent(newest: World, monkeypatch: Any) -> None:
    """A body that changed below the place where the node died is not forgotten because the status changed above it."""
    monkeypatch.setattr(lanes, "PART", 3)
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    newest.played.down = True
    evse = said.evse(floor_level="7", last_updated=newest.clock.text(1))
    newest.clock.move(1)
    await newest.node.store.write(lambda tx: tx.objects.save_evse(key, "E1", evse, last_updated=newest.clock.now))
    await tariffs(newest, *(f"T{n}" for n in range(6)))
    await status(newest, key, "E1", "CHARGING")
    await newest.settle()
    await newest.restart()
    newest.played.down = False
    told = await newest.wait(1000)
    documents = [body for method, path, body in newest.played.told if path.endswith("L1/E1")]
    assert len(told) >= 7 and documents[0]["floor_level"] == "7" and documents[-1]["status"] == "CHARGING"


async def test_what_is_refused_is_tried_after_an_hour_then_two_and_at_once_when_somebody_asks(newest: World) -> None:
    newest.played.answers.extend([says(2001)] * 4)
    await tariffs(newest, "T1")
    await newest.settle()
    tried = []
    for hour in range(1, 5):
        newest.clock.move(3601)
        tried += [hour] * len(await newest.wait(3601))
    assert tried == [1, 3]
    await newest.node.store.write(lambda tx: tx.cursors.hasten(newest.partner.connection.id))
    assert await newest.wait(1) == [("PUT", "tariffs/NL/TNM/T1")]
    (row,) = await newest.node.store.read(lambda tx: tx.cursors.refused())
    assert (row.attempts, row.status) == (4, 2001)


async def test_a_partner_that_is_left_alone_is_asked_at_once_when_somebody_asks(newest: World) -> None:
    newest.played.down = True
    await tariffs(newest, "T1")
    for _ in range(9):
        await newest.wait(300)
    newest.played.down = False
    await newest.wait(1)
    newest.played.told.clear()
    await newest.node.store.write(lambda tx: tx.cursors.hasten(newest.partner.connection.id))
    assert await newest.wait(2) == [("PUT", "tariffs/NL/TNM/T1")]
