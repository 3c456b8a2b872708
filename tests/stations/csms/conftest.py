"""A CPO with one place that awaits stations, and an eMSP whose drivers come."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.config import Stations
from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from tests.charges.meters import open_place, tariff
from tests.nodes import Clock, Partner, Wire, befriend, close, make_node
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot
from tests.stations.csms.stations import Station, add_station, serving, station


@pytest.fixture
def settings() -> Stations:
    return Stations(enabled=True, port=0, status_settle=0, call_timeout=20, authorise_timeout=20)


@pytest.fixture
async def node(tmp_path: Path, clock: Clock, wire: Wire, settings: Stations) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, [("CPO", "NL", "TNM")], clock=clock, wire=wire, stations=settings)
    await open_place(made, tariff())
    await add_station(made)
    yield made
    await close(made)


@pytest.fixture
async def emsp(node: Node) -> Partner:
    return await befriend(node, "2.2.1", parties=(("EMSP", "BE", "XYZ"),), name="emsp")


@pytest.fixture
async def csms(node: Node) -> AsyncIterator[Csms]:
    async with serving(node) as made:
        yield made


@pytest.fixture
async def one(csms: Csms, clock: Clock) -> AsyncIterator[Station]:
    """Of OCPP 1.6, that has booted."""
    async with station(csms, V16) as made:
        await boot(made, clock)
        yield made


@pytest.fixture
async def new(csms: Csms, node: Node) -> AsyncIterator[Station]:
    """Another one, of 2.0.1."""
    await add_station(node, "CS20")
    async with station(csms, V201, "CS20") as made:
        yield made


@pytest.fixture
def provider(wire: Wire, emsp: Partner) -> Provider:
    return Provider(wire, emsp)


@pytest.fixture
def free_port() -> int:
    """One that nobody has at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
