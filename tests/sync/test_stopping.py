"""The end of push: what is on its way is waited for, nothing new is begun, and the next start goes on from there."""

from __future__ import annotations

import asyncio

import pytest

from interplug.protocol.http import Request, Response
from interplug.sync import push
from tests.modules import said
from tests.nodes import own
from tests.sync.played import OK
from tests.sync.pushing import World, ours


class Gate:
    """A partner that takes its time; `told` when a request has come, answered when it is `open`."""

    def __init__(self) -> None:
        self.told, self.open = asyncio.Event(), asyncio.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def __call__(self, request: Request) -> Response:
        name = request.url.rpartition("/")[2]
        self.begun.append(name)
        self.told.set()
        await self.open.wait()
        self.ended.append(name)
        return OK


@pytest.fixture
def gate(world: World) -> Gate:
    made = Gate()
    world.node.client.transport.places["https://partner.example"] = made  # type: ignore[attr-defined]
    return made


async def test_what_is_on_its_way_is_known_to_have_arrived(world: World, gate: Gate) -> None:
    await own(world.node, "locations", ours(said.location()))
    await world.push.tick()
    await gate.told.wait()
    ending = asyncio.create_task(world.push.stop())
    while not world.push.ending:
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not ending.done()
    gate.open.set()
    await ending
    assert gate.ended == ["L1"]
    await world.restart()
    await world.push.idle()
    assert gate.begun == ["L1"]


async def test_nothing_new_is_begun_and_all_of_it_goes_out_after_the_next_start(world: World, gate: Gate) -> None:
    names = [f"L{n}" for n in range(world.push.settings.in_flight + 5)]
    for name in names:
        await own(world.node, "locations", ours(said.location(name)))
    await world.push.tick()
    await gate.told.wait()
    gate.open.set()
    await world.push.stop()
    assert 0 < len(gate.ended) == len(gate.begun) <= world.push.settings.in_flight
    await world.restart()
    await world.push.idle()
    assert set(gate.ended) == set(names)


async def test_who_does_not_answer_in_time_gets_it_again(world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "LAST_SENT", 0.01)
    await own(world.node, "locations", ours(said.location()))
    await world.push.tick()
    await gate.told.wait()
    await world.push.stop()
    assert gate.ended == []
    gate.open.set()
    await world.restart()
    await world.push.idle()
    assert (gate.begun, gate.ended) == (["L1", "L1"], ["L1"])


async def test_a_loop_that_failed_forgets_what_was_half_done(world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database took nothing for a while; the same loop begins again, and the object that was on its way is sent."""
    monkeypatch.setattr(push, "LAST_SENT", 0.01)
    await own(world.node, "locations", ours(said.location()))
    await world.push.tick()
    await gate.told.wait()
    await world.push.stop()
    gate.open.set()
    await world.push.start()
    await world.push.idle()
    assert gate.ended == ["L1"]
