"""One node that is CPO and eMSP, and a partner of each version that is both, too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.modules.node import Node
from interplug.versions.table import VERSIONS
from tests.nodes import Clock, Partner, Wire, befriend, close, make_node

THEIRS = (("CPO", "BE", "XYZ"), ("EMSP", "BE", "XYZ"))


@pytest.fixture
async def node(tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, clock=clock, wire=wire)
    yield made
    await close(made)


@pytest.fixture(params=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def partner(node: Node, version: str) -> Partner:
    return await befriend(node, version, parties=THEIRS)
