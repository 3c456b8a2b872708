"""Health: what a partner lacks and why, as the database alone tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from interplug.config import Delivery
from interplug.sync.health import Health, health
from tests.modules import said
from tests.nodes import close, own
from tests.sync.played import says
from tests.sync.pushing import World, ours, status, world_of

DAY = 86_400


@pytest.fixture
def version() -> str:
    return "2.2.1"


async def told(world: World) -> Health:
    await world.node.messages.flush()
    return await health(world.node, world.partner.connection)


async def checkpoint(world: World, seconds: float = 2.0) -> None:
    """What can be sent is sent; then cursors and pauses are written."""
    await world.push.idle()
    world.timer.now += seconds
    await world.push.idle()
    await world.push._checkpoint()


async def test_a_partner_that_has_everything_is_level(world: World) -> None:
    await own(world.node, "locations", ours(said.location()))
    await world.partner.fetch("tariffs")
    await checkpoint(world)
    one = await told(world)
    assert (one.distance, one.unsent.objects, one.lag, one.pause, one.refused, one.needs_full_pull) == (0, 0, 0, None, [], False)
    assert (one.incoming.calls, one.incoming.failed, one.incoming.last_success) == (1, 0, world.clock.now)
    assert (one.outgoing.calls, one.outgoing.failed, one.outgoing.last_success) == (1, 0, world.clock.now)


async def test_a_partner_that_is_away_lacks_what_it_may_see_and_is_left_alone(world: World) -> None:
    await own(world.node, "tariffs", ours(said.tariff()), audience=99)  # nothing that it may see
    key = await own(world.node, "locations", ours(said.location()))
    await checkpoint(world)
    assert (await told(world)).unsent.objects == 0
    world.played.down = True
    await status(world, key, "E1", "CHARGING")
    changed = world.clock.now
    await checkpoint(world)
    world.clock.move(60)
    one = await told(world)
    assert (one.unsent.objects, one.unsent.since, one.lag) == (1, changed, 60)
    assert one.distance > 0
    assert one.pause is not None
    assert (one.pause.why, one.pause.since) == ("HTTP 0, refused", changed)
    assert one.outgoing.failed == one.pause.failures and one.contact.silent == changed

    world.played.down = False
    await checkpoint(world, 60)
    await checkpoint(world)
    one = await told(world)
    assert (one.pause, one.unsent.objects, one.lag) == (None, 0, 0)


async def test_what_changes_all_the_time_is_late_since_the_partner_is_silent(world: World) -> None:
    """The log holds the newest change of an object alone; since when the partner lacks it is when it stopped to answer."""
    key = await own(world.node, "locations", ours(said.location()))
    await checkpoint(world)
    world.played.down = True
    for value in ("CHARGING", "AVAILABLE", "CHARGING"):
        await status(world, key, "E1", value)
        await checkpoint(world)
        world.clock.move(100)
    assert (await told(world)).lag > 290


async def test_a_partner_that_is_behind_for_too_long_needs_a_full_pull(tmp_path: Path) -> None:
    world = await world_of(tmp_path, "2.2.1")
    world.played.down = True
    await own(world.node, "locations", ours(said.location()))
    await checkpoint(world)
    assert not (await told(world)).needs_full_pull
    world.clock.move(Delivery().full_pull_after + 1)
    assert (await told(world)).needs_full_pull
    await world.push.stop()
    await close(world.node)


async def test_what_was_refused_is_named_with_the_reason(world: World) -> None:
    await own(world.node, "locations", ours(said.location()))
    world.played.answers.append(says(2001))
    await checkpoint(world)
    (stuck,) = (await told(world)).refused
    assert stuck.key is not None and stuck.key.id == "L1"
    assert "2001" in stuck.refused.reason


async def test_only_this_hour_and_the_last_count_and_the_last_success_is_never_forgotten(world: World) -> None:
    await world.partner.fetch("tariffs")
    at = world.clock.now
    await told(world)
    world.clock.move(3 * 3600)
    await world.partner.fetch("nothing")
    one = (await told(world)).incoming
    assert (one.calls, one.failed, one.error_rate, one.last_success) == (1, 1, 1.0, at)


async def test_a_pause_outlives_the_process_and_ends_with_the_partner(world: World) -> None:
    world.played.down = True
    await own(world.node, "locations", ours(said.location()))
    await checkpoint(world)
    since = world.clock.now
    world.clock.move(100)
    await world.restart()
    await checkpoint(world)
    one = await told(world)
    assert one.pause is not None and one.pause.since == since
    (lane,) = world.push.lanes.values()
    assert lane.lag() >= 100
    await world.node.store.write(lambda tx: tx.cursors.forget(world.partner.connection.id))
    assert (await told(world)).pause is None


async def test_what_a_partner_has_not_read_is_named_until_it_has_read_it(world: World) -> None:
    """Whoever registers is told of what changes from then on."""
    await own(world.node, "locations", ours(said.location()))
    await world.restart()
    await checkpoint(world)
    one = await told(world)
    assert (one.unsent.objects, one.unread, one.read) == (0, ["locations"], {})
    await world.partner.fetch("locations?date_from=2020-01-01T00:00:00Z")
    await checkpoint(world)
    assert (await told(world)).unread == ["locations"], "a part of a list is not the list"
    await world.partner.fetch("locations")
    await checkpoint(world)
    one = await told(world)
    assert (one.unread, one.read) == ([], {"locations": world.clock.now})
