"""`/health/ready` tells the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.config import StoreSettings
from interplug.modules.loops import Loops
from interplug.modules.node import Node
from interplug.web.readiness import Readiness
from tests.nodes import close, make_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = await make_node(tmp_path)
    yield made
    await close(made)


async def test_a_node_that_works_is_ready(node: Node) -> None:
    assert await Readiness(node, dict).missing() == {}


async def test_a_loop_that_failed_is_named(node: Node) -> None:
    assert await Readiness(node, lambda: {"push loop": "failed: KeyError"}).missing() == {"push loop": "failed: KeyError"}


async def test_a_database_that_takes_nothing_is_named(tmp_path: Path) -> None:
    node = await make_node(tmp_path)
    await node.store.close()
    assert (await Readiness(node, dict).missing())["store"].startswith("takes no transaction")


async def test_a_disk_that_is_nearly_full_is_named(tmp_path: Path) -> None:
    node = await make_node(tmp_path, store=StoreSettings(least_free=2**60))
    assert "least_free" in (await Readiness(node, dict).missing())["disk"]
    await close(node)


async def test_who_was_told_to_stop_takes_no_more(node: Node) -> None:
    readiness = Readiness(node, dict)
    readiness.stopping = True
    assert list(await readiness.missing()) == ["server"]


async def test_whoever_asks_often_does_not_write_often(node: Node) -> None:
    now = [0.0]
    readiness = Readiness(node, dict, timer=lambda: now[0])
    for _ in range(100):
        await readiness.missing()
    assert node.store.writing.transactions == 1 + await before(node)
    now[0] = 5.0
    await readiness.missing()
    assert node.store.writing.transactions == 2 + await before(node)


async def before(node: Node) -> int:
    """What making the node has written."""
    return node.store.writing.transactions - await node.store.read(lambda tx: tx.generation("alive"))


async def test_loops_say_which_of_them_fails_and_which_has_ended(node: Node) -> None:
    async def fails() -> None:
        raise KeyError("odd")

    async def ends() -> None:
        pass

    loops = Loops({"fails": fails, "ends": ends, "lives": asyncio.Event().wait})  # type: ignore[dict-item]
    loops.start()
    while len(loops.wrong()) < 2:
        await asyncio.sleep(0)
    assert loops.wrong() == {"ends loop": "has ended", "fails loop": "failed: KeyError"}
    await loops.stop()
