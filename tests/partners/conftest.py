"""A CPO and an eMSP, each a whole node, on a network in memory: what one sends, the other's door answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.nodes import CPO, EMSP, Clock, Wire
from tests.partners.pair import Pair, open_node


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    clock, wire = Clock(), Wire()
    made = Pair(
        await open_node(tmp_path, "cpo", [CPO], clock, wire), await open_node(tmp_path, "emsp", [EMSP], clock, wire), clock, wire, tmp_path
    )
    yield made
    await made.close()
