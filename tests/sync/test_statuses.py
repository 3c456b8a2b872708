"""The status of an EVSE is made once for all partners of a version, and nothing old is said again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from interplug.store.keys import Key
from interplug.sync.statuses import Statuses
from tests.modules import said
from tests.nodes import own
from tests.sync.pushing import World, ours, status


@pytest.fixture
async def key(world: World) -> Key:
    return await own(world.node, "locations", ours(said.location()))


@contextmanager
def readings(world: World) -> Iterator[list[str]]:
    """Transactions that read, while this lasts."""
    read, seen = world.node.store.read, list[str]()

    async def counted(work: Any, **more: Any) -> Any:
        seen.append("read")
        await asyncio.sleep(0)
        return await read(work, **more)

    world.node.store.read = counted  # type: ignore[method-assign, assignment]
    yield seen
    world.node.store.read = read  # type: ignore[method-assign]


async def test_a_thousand_partners_cost_one_reading(world: World, key: Key) -> None:
    statuses, head = Statuses(world.node), world.node.store.head
    with readings(world) as seen:
        found = await asyncio.gather(*(statuses.of(key, "E1", "2.2.1", head) for _ in range(1000)))
        found.append(await statuses.of(key, "e1", "2.2.1", head) or await statuses.of(key, "E1", "2.2.1", head))
    assert len(set(map(id, found[:1000]))) == 1
    assert len(seen) <= 2


async def test_what_has_changed_is_read_again_by_whoever_must_know_it(world: World, key: Key) -> None:
    statuses = Statuses(world.node)
    before = await statuses.of(key, "E1", "2.2.1", world.node.store.head)
    await status(world, key, "E1", "CHARGING")
    after = await statuses.of(key, "E1", "2.2.1", world.node.store.head)
    assert before is not None and after is not None
    assert before.body is not None and b"CHARGING" not in before.body
    assert after.body is not None and b"CHARGING" in after.body


async def test_a_reading_under_way_serves_nobody_who_must_know_more(world: World, key: Key) -> None:
    statuses = Statuses(world.node)
    with readings(world):
        early = asyncio.create_task(statuses.of(key, "E1", "2.2.1", 0))
        await asyncio.sleep(0)
        await status(world, key, "E1", "CHARGING")
        late = await statuses.of(key, "E1", "2.2.1", world.node.store.head)
        await early
        again = await statuses.of(key, "E1", "2.2.1", world.node.store.head)
    assert late is not None and late.body is not None and b"CHARGING" in late.body
    assert again is late, "what was read earlier does not take its place"


async def test_each_version_has_its_own_words_and_what_is_not_there_has_none(world: World, key: Key) -> None:
    statuses, head = Statuses(world.node), world.node.store.head
    assert (await statuses.of(key, "E1", "2.1.1", head)) is not (await statuses.of(key, "E1", "2.3.0", head))
    assert await statuses.of(key, "E404", "2.3.0", head) is None
