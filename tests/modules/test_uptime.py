"""Uptime: exact at its borders, the same as counting second by second, and no better than what was recorded."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.charges import charging
from interplug.config import StoreSettings
from interplug.model.types import format_time
from interplug.modules import retention, uptime
from interplug.modules.node import Node
from interplug.modules.uptime import CLASSES, Uptime, measure, summed
from interplug.store.statuses import Turn
from tests.charges.meters import location
from tests.nodes import CPO, SECOND, T0, Clock, close, make_node, own

WORDS = [*CLASSES, "UNKNOWN", "SOMETHING_NEW"]
NAMES = ("up", "down", "unknown", "away", "unrecorded")


def naive(turns: list[Turn], start: int, end: int) -> Uptime:
    """Second by second: what was the last thing said by then?"""
    found = Uptime()
    for moment in range(start, end):
        said = [turn.status for turn in turns if turn.at <= moment]
        found.add(CLASSES.get(said[-1], "unknown") if said else "unrecorded", 1)
    return found


TURNS = st.lists(st.builds(Turn, st.integers(-20, 60), st.sampled_from(WORDS)), max_size=12).map(
    lambda found: sorted(found, key=lambda turn: turn.at)
)


@given(TURNS, st.integers(-10, 40), st.integers(1, 40))
def test_law_it_is_what_counting_second_by_second_gives(turns: list[Turn], start: int, length: int) -> None:
    found = measure(turns, start, start + length)
    assert found == naive(turns, start, start + length)
    assert found.counted + found.away + found.unrecorded == length
    assert found.share is None or 0 <= found.share <= 1


@given(TURNS, st.lists(st.integers(-10, 60), min_size=2, max_size=6, unique=True).map(sorted))
def test_law_the_parts_of_a_time_sum_to_the_whole(turns: list[Turn], borders: list[int]) -> None:
    parts = [measure(turns, one, other) for one, other in itertools.pairwise(borders)]
    assert summed(parts) == measure(turns, borders[0], borders[-1])


async def said(node: Node, status: str, evse: str = "EVSE1") -> None:
    await charging.evse_status(node, "LOC1", evse, status, node.clock())


async def shown(node: Node, start: int, end: int, id: str | None = None) -> dict[str, Uptime]:
    [place] = await node.store.read(lambda tx: uptime.of_locations(tx, start, end, id))
    return {"all": place.uptime, **{one.uid: one.uptime for one in place.evses}}


@pytest.fixture
async def node(tmp_path: Path, clock: Clock) -> Any:
    made = await make_node(tmp_path, [CPO], clock=clock, store=StoreSettings(status_days=10))
    yield made
    await close(made)


async def test_what_partners_were_told_is_added_up_and_what_was_before_counts(node: Node, clock: Clock) -> None:
    clock.move(100)
    await own(node, "locations", location())
    begun = clock.now
    for seconds, status in ((50, "CHARGING"), (50, "OUTOFORDER"), (40, "UNKNOWN"), (30, "AVAILABLE"), (0, "AVAILABLE")):
        clock.move(seconds)
        await said(node, status)
    clock.move(30)
    seconds = {name: getattr((await shown(node, T0, clock.now))["EVSE1"], name) // SECOND for name in NAMES}
    assert seconds == {"unrecorded": 100, "up": 50 + 50 + 30, "down": 40, "unknown": 30, "away": 0}
    inside = (await shown(node, begun + 70 * SECOND, begun + 110 * SECOND, "loc1"))["EVSE1"]
    assert (inside.up, inside.down) == (30 * SECOND, 10 * SECOND), "the state before the time counts, and ends at the border"
    assert inside.share == Decimal("0.75")
    both = (await shown(node, begun, clock.now))["all"]
    assert both.up == (130 + 200) * SECOND and both.counted == 400 * SECOND, "EVSE2 was AVAILABLE all the time"


async def test_an_evse_that_is_planned_or_gone_counts_in_nothing(node: Node, clock: Clock) -> None:
    place = location()
    place["evses"][0]["status"] = "PLANNED"
    await own(node, "locations", place)
    clock.move(60)
    await said(node, "AVAILABLE")
    clock.move(60)
    await own(node, "locations", {**place, "evses": place["evses"][1:], "last_updated": format_time(clock.now)})
    clock.move(60)
    found = (await shown(node, T0, clock.now))["EVSE1"]
    assert (found.away, found.up, found.counted) == (120 * SECOND, 60 * SECOND, 60 * SECOND)
    assert found.share == 1


async def test_what_is_forgotten_leaves_what_still_held(node: Node, clock: Clock) -> None:
    await own(node, "locations", location())
    for status in ("OUTOFORDER", "AVAILABLE", "CHARGING", "OUTOFORDER"):
        clock.move(86_400)
        await said(node, status)
    clock.move(8.5 * 86_400)
    before = await shown(node, clock.now - 10 * 86_400 * SECOND, clock.now)
    await retention.forget(node)
    assert await shown(node, clock.now - 10 * 86_400 * SECOND, clock.now) == before
    [place] = await node.store.read(lambda tx: uptime.of_locations(tx, T0, clock.now))
    assert [one.recorded_since for one in place.evses] == [T0 + 2 * 86_400 * SECOND, T0]
    clock.move(400 * 86_400)
    await retention.forget(node)
    assert (await shown(node, clock.now - SECOND, clock.now))["EVSE1"].down == SECOND


async def test_a_clock_that_is_set_back_turns_nothing_around(node: Node, clock: Clock) -> None:
    await own(node, "locations", location())
    clock.move(100)
    await said(node, "OUTOFORDER")
    clock.move(-50)
    await said(node, "AVAILABLE")
    clock.move(100)
    found = (await shown(node, T0, clock.now))["EVSE1"]
    assert (found.up, found.down) == (150 * SECOND, 0), "what came last holds"


async def test_a_change_that_is_undone_is_not_in_the_record(node: Node, clock: Clock) -> None:
    await own(node, "locations", location())
    clock.move(10)

    async def work(tx: Any) -> None:
        [evse] = await tx.objects.find_evse("EVSE1", source=0)
        await tx.objects.save_evse(
            evse.key, "EVSE1", {**evse.document, "status": "OUTOFORDER", "last_updated": clock.text()}, last_updated=clock.now
        )
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await node.store.write(work)
    await asyncio.gather(*(said(node, status) for status in ("CHARGING", "CHARGING", "AVAILABLE")))
    clock.move(10)
    found = (await shown(node, T0, clock.now))["EVSE1"]
    assert (found.up, found.down) == (20 * SECOND, 0)
