"""An operator with one place, and our own simulated station there, over a real WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interplug.backend.alerts import Following
from interplug.config import AlertSettings, Stations
from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.plan import Version
from interplug.stations.simulator.transaction import Token
from interplug.store.alerts import Alert
from tests.charges.meters import location, open_place, tariff
from tests.nodes import CPO, Clock, Partner, Wire, befriend, close, make_node
from tests.stations.crowded import crowded, stand, told
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.stations import serving

STATION = "CP-TNM-LOC1"


@dataclass
class Site:
    """`told` and `look` bring the station's news to the log of faults, and from there to the alerts."""

    node: Node
    csms: Csms
    crowd: Crowd
    provider: Provider
    clock: Clock
    following: Following

    async def told(self) -> None:
        await told(self.crowd)
        post = self.csms.hall.posts.get(STATION)
        if post is not None:
            await post.carried()

    async def look(self) -> None:
        await self.told()
        await self.csms.hall.look()
        await self.csms.silence.look()
        await self.following.look()

    async def wait(self, seconds: float, step: float = 60) -> None:
        for _ in range(round(seconds / step)):
            self.clock.move(step)
            await self.look()

    async def leave(self) -> None:
        """The station loses its line, and the node has noticed."""
        await self.crowd.offline(STATION)
        async with asyncio.timeout(20):
            while await self.node.store.read(lambda tx: tx.charging_stations.silent(self.clock.now, 0)) == []:
                await asyncio.sleep(0.01)

    async def alerts(self, *, closed: bool = False) -> list[Alert]:
        return await self.node.store.read(lambda tx: tx.alerts.list(closed=closed))

    async def charge(self, watts: float | None = None) -> None:
        """A driver plugs in, and energy flows."""
        self.crowd.allow(STATION, watts)
        assert self.crowd.plug_in(STATION, 1, car=Car(Vehicle(20_000), 0.3))
        await self.told()
        assert await self.crowd.tap(STATION, Token(str(FULL_TOKEN["uid"])), 1)
        await self.told()


@pytest.fixture(params=["1.6", "2.0.1"])
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found


@pytest.fixture
async def node(tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Node]:
    settings = Stations(enabled=True, port=0, status_settle=0, call_timeout=20, authorise_timeout=20)
    made = await make_node(tmp_path, [CPO], clock=clock, wire=wire, stations=settings, alerts=AlertSettings(settle=30))
    await open_place(made, tariff())
    yield made
    await close(made)


@pytest.fixture
async def emsp(node: Node) -> Partner:
    return await befriend(node, "2.2.1", parties=(("EMSP", "BE", "XYZ"),), name="emsp")


@pytest.fixture
async def site(node: Node, emsp: Partner, wire: Wire, clock: Clock, version: Version) -> AsyncIterator[Site]:
    plans = await stand(node, [location()], version)
    following = Following(node, {"https://ops.example/hook": "info", "mail": "major"})
    async with serving(node) as csms, crowded(csms, plans, clock) as crowd:
        made = Site(node, csms, crowd, Provider(wire, emsp), clock, following)
        await made.look()
        yield made
