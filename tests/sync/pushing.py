"""A CPO and eMSP of ours whose pushes go to a partner that a test plays; time passes when the test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from interplug.config import Delivery
from interplug.modules.node import Node
from interplug.store.keys import Key
from interplug.sync.push import Push
from tests.nodes import CPO, Clock, Partner, Wire, befriend, close, make_node
from tests.sync.played import Played


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """A CPO and eMSP of ours, a partner that is played, and a push loop that the test turns by hand."""

    def __init__(self, node: Node, clock: Clock, partner: Partner, played: Played) -> None:
        self.node, self.clock, self.partner, self.played = node, clock, partner, played
        self.timer = Timer()
        self.push = Push(node, timer=self.timer, chance=lambda: 1.0, rest=self.rest)

    async def rest(self, seconds: float) -> None:
        self.clock.move(seconds)

    async def settle(self) -> list[tuple[str, str]]:
        """Everything that can be sent is sent; what the partner was told since."""
        self.played.told.clear()
        await self.push.idle()
        return self.played.verbs()

    async def wait(self, seconds: float) -> list[tuple[str, str]]:
        self.timer.now += seconds
        return await self.settle()

    async def restart(self) -> None:
        await self.push.stop()
        self.push = Push(self.node, timer=self.timer, chance=lambda: 1.0, rest=self.rest)
        await self.push.start()


async def world_of(folder: Path, version: str, delivery: Delivery | None = None, **more: Any) -> World:
    clock, wire, played = Clock(), Wire(), Played()
    node = await make_node(folder, clock=clock, wire=wire, delivery=delivery or Delivery())
    wire.places["https://partner.example"] = played
    partner = await befriend(node, version, parties=(("CPO", "BE", "XYZ"), ("EMSP", "BE", "XYZ")), **more)
    world = World(node, clock, partner, played)
    await world.push.start()
    await world.settle()
    return world


@asynccontextmanager
async def opened(folder: Path, version: str, delivery: Delivery | None = None, **more: Any) -> AsyncIterator[World]:
    """The same, until the block ends."""
    world = await world_of(folder, version, delivery, **more)
    yield world
    await world.push.stop()
    await close(world.node)


def ours(document: dict[str, Any], party: tuple[str, str, str] = CPO) -> dict[str, Any]:
    return {**document, "country_code": party[1], "party_id": party[2]}


async def status(world: World, key: Key, uid: str, value: str) -> None:
    world.clock.move(1)
    evse = await world.node.store.read(lambda tx: tx.objects.get_evse(key, uid))
    assert evse is not None
    document = {**evse.document, "status": value, "last_updated": world.clock.text()}
    await world.node.store.write(lambda tx: tx.objects.save_evse(key, uid, document, last_updated=world.clock.now))
