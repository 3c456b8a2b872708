"""A CPO and an eMSP, each a whole node, on a network in memory: what one sends, the other's door answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

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


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Sockets are tried on both loops: a node runs on uvloop, a command on the other one."""
    own = {"asyncio": asyncio.new_event_loop}
    return own | {"uvloop": uvloop.new_event_loop} if item.path.stem in ("test_kept", "test_transport") else own
