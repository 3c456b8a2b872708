"""A CPO with one invented place, its simulated stations, and an eMSP whose drivers come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.modules.node import Node
from interplug.stations.simulator.fleet import Fleet
from tests.charges.meters import open_place, tariff
from tests.nodes import Clock, Partner, Wire, befriend, close, make_node

THEIRS = (("EMSP", "BE", "XYZ"),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def node(tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, [("CPO", "NL", "TNM")], clock=clock, wire=wire)
    await open_place(made, tariff())
    yield made
    await close(made)


@pytest.fixture
async def emsp(node: Node) -> Partner:
    return await befriend(node, "2.2.1", parties=THEIRS, name="emsp")


@pytest.fixture
async def fleet(node: Node) -> Fleet:
    """Drivers do not plug in by themselves."""
    made = Fleet(node, arrives=None)
    node.stations = made
    await made.load()
    return made
