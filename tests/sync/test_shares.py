"""Two processes on one database: a partner is pushed to and pulled from by the one that holds its share, and by no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.sync.push import Push
from interplug.sync.schedule import Schedule
from tests.modules import said
from tests.nodes import close, own
from tests.sync.pushing import World, ours, status, world_of


class Two:
    """Two push loops over one node; `holder` is the one whose partner it is."""

    def __init__(self, world: World) -> None:
        self.world, self.holder = world, 0
        self.pushes = [self._push(number) for number in range(2)]

    def _push(self, number: int) -> Push:
        return Push(self.world.node, timer=self.world.timer, chance=lambda: 1.0, rest=self.world.rest, mine=lambda _: self.holder == number)

    async def settle(self) -> list[tuple[str, str]]:
        self.world.played.told.clear()
        for push in self.pushes:
            await push.idle()
        return self.world.played.verbs()


@pytest.fixture
async def two(tmp_path: Path, on_postgresql: None) -> AsyncIterator[Two]:
    world = await world_of(tmp_path, "2.3.0")
    await world.push.stop()
    made = Two(world)
    for push in made.pushes:
        await push.start()
    yield made
    for push in made.pushes:
        await push.stop()
    await close(world.node)


async def test_only_who_holds_the_partner_tells_it(two: Two) -> None:
    await own(two.world.node, "locations", ours(said.location()))
    assert [verb for verb, _ in await two.settle()] == ["PUT"]
    assert [len(push.lanes) for push in two.pushes] == [1, 0]


async def test_who_takes_over_goes_on_where_the_other_was(two: Two) -> None:
    key = await own(two.world.node, "locations", ours(said.location()))
    await two.settle()
    two.holder = 1
    await two.pushes[0].let_go()
    assert await two.settle() == [], "what was told is not told again"
    await status(two.world, key, "E1", "CHARGING")
    assert [verb for verb, _ in await two.settle()] == ["PATCH"]
    assert [len(push.lanes) for push in two.pushes] == [0, 1]
    two.holder = 0
    await status(two.world, key, "E1", "AVAILABLE")
    assert [verb for verb, _ in await two.settle()] == ["PATCH"], "and back, though the other was not asked to let go"


async def test_who_has_lost_the_partner_sends_nothing_more(two: Two) -> None:
    await own(two.world.node, "locations", ours(said.location()))
    first = two.pushes[0]
    await first.tick()
    two.holder = 1
    lane = next(iter(first.lanes.values()))
    assert lane.task is not None
    await lane.task
    assert two.world.played.verbs() == [], "the lease was lost before the first object"
    assert [verb for verb, _ in await two.settle()] == ["PUT"]


async def test_a_partner_that_speaks_to_one_process_is_not_kept_waiting_by_the_other(two: Two) -> None:
    node, number = two.world.node, two.world.partner.connection.id
    key = await own(node, "locations", ours(said.location()))
    await two.settle()
    two.world.played.down = True
    await status(two.world, key, "E1", "CHARGING")
    await two.settle()
    (lane,) = two.pushes[0].lanes.values()
    lane.paused_until = two.world.timer.now + 300
    two.world.played.down = False
    two.world.timer.now += 10
    await node.messages.flush()
    await two.settle()
    await node.store.write(lambda tx: tx.db.execute("update contact set heard_at = heard_at + 1 where connection = ?", number))
    two.world.timer.now += 10
    assert [verb for verb, _ in await two.settle()] == ["PATCH"]


async def test_a_partner_is_pulled_from_by_its_holder_alone(two: Two) -> None:
    now = 0.0
    schedules = [Schedule(two.world.node, push, timer=lambda: now, chance=lambda: 0.5) for push in two.pushes]
    for schedule in schedules:
        await schedule.idle()
    assert [len(schedule.partners) for schedule in schedules] == [1, 0]
    two.holder = 1
    for schedule in schedules:
        await schedule.let_go()
        await schedule.idle()
    assert [len(schedule.partners) for schedule in schedules] == [0, 1]
