"""Our own simulated stations at our own CSMS, in one process and over real sockets: for stories that need stations which behave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from interplug.modules.node import Node
from interplug.stations.csms import provisioning
from interplug.stations.csms.service import Csms
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.line import Csms as Goal
from interplug.stations.simulator.places import outlets, station_at
from interplug.stations.simulator.plan import Plan, Version


async def stand(
    node: Node, locations: Iterable[dict[str, Any]], version: Version = "1.6", *, signed: bool = False, **settings: str
) -> list[Plan]:
    """A station without a password at each Location."""
    plans = []
    for one in locations:
        plan = msgspec.structs.replace(station_at(one, version, settings), signed=signed)
        await provisioning.add(node, plan.id, one["id"], outlets=outlets(plan, one), profile=0, password=None)
        plans.append(plan)
    return plans


@asynccontextmanager
async def crowded(csms: Csms, plans: Iterable[Plan], clock: Callable[[], int] | None = None, **habits: float) -> AsyncIterator[Crowd]:
    """The stations, connected. With a `clock` of the test, whoever moves it calls `told`."""
    made = Crowd(plans, Goal(f"ws://127.0.0.1:{csms.door.ports['ws']}/", ping=None), clock=clock, **habits)
    running = asyncio.create_task(made.run())
    try:
        await until(lambda: made.figures()["online"] == len(made.lines))
        await told(made)
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])


async def told(made: Crowd) -> None:
    """Everything that has happened by now at the stations has been said and answered."""
    for station in made.stations:
        station.advance()
        station.outbox.woken()
    await until(lambda: made.figures()["waiting"] == 0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)
