"""Two nodes stay level: through changes, outages of either side, and deaths; compared object by object over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.drivers.drives import new_driver
from interplug.partners import audiences
from interplug.sync.pull import pull
from tests.stories.level import Roaming


@pytest.fixture(params=["2.1.1", "2.2.1", "2.3.0"])
async def roaming(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> AsyncIterator[Roaming]:
    joined = await Roaming.join(tmp_path, request.param)
    yield joined
    await joined.close()


async def level(roaming: Roaming) -> bool:
    await roaming.settle()
    return [await roaming.differences(module) for module in ("locations", "tariffs")] == [[], []]


async def test_what_the_cpo_opens_and_changes_is_at_the_emsp(roaming: Roaming) -> None:
    city = await roaming.open_city()
    assert await level(roaming)
    await roaming.status(city[0]["id"], city[0]["evses"][0]["uid"], "CHARGING")
    assert await level(roaming)


async def test_tokens_of_the_emsp_are_at_the_cpo(roaming: Roaming) -> None:
    await new_driver(roaming.emsp)
    await roaming.settle()
    assert await roaming.differences("tokens") == []


@pytest.mark.req("TRN-096", "TRN-097")
async def test_an_emsp_that_was_away_is_level_again_without_a_manual_step(roaming: Roaming) -> None:
    city = await roaming.open_city()
    assert await level(roaming)
    roaming.cut("emsp")
    for location in city:
        for evse in location["evses"]:
            await roaming.status(location["id"], evse["uid"], "CHARGING")
    await roaming.settle()
    roaming.mend("emsp")
    assert await level(roaming)


async def test_a_cpo_that_dies_before_its_check_point_and_returns_leaves_nothing_out(roaming: Roaming) -> None:
    city = await roaming.open_city()
    assert await level(roaming)
    roaming.cut("emsp")
    await roaming.status(city[1]["id"], city[1]["evses"][1]["uid"], "OUTOFORDER")
    await roaming.kill("cpo")
    roaming.mend("emsp")
    await roaming.revive("cpo")
    assert await level(roaming)


async def test_an_emsp_that_dies_pulls_what_it_missed_when_it_returns(roaming: Roaming) -> None:
    city = await roaming.open_city()
    assert await level(roaming)
    await roaming.kill("emsp")
    await roaming.status(city[2]["id"], city[2]["evses"][0]["uid"], "BLOCKED")
    await roaming.revive("emsp")
    assert await roaming.differences("locations") == []


async def test_a_place_that_becomes_visible_is_found_by_an_emsp_that_only_asks_for_changes(roaming: Roaming) -> None:
    city = await roaming.open_city(3)
    hidden = city[0]["id"].lower()
    assert await audiences.show_to(roaming.cpo.directory, "locations", "fleets", frozenset({hidden}), None) == 1
    assert await level(roaming)
    await roaming.pass_hours(24)
    roaming.cut("emsp")
    await roaming.status(city[1]["id"], city[1]["evses"][0]["uid"], "CHARGING")
    await pull(roaming.emsp, roaming.connection("emsp"))
    assert await audiences.show_to(roaming.cpo.directory, "locations", "everybody", frozenset({hidden}), None) == 1
    await pull(roaming.emsp, roaming.connection("emsp"))
    roaming.mend("emsp")
    assert await roaming.differences("locations") == [] and len(await roaming.offered("locations")) == 3


async def test_a_place_that_was_hidden_and_is_shown_again_is_open_again(roaming: Roaming) -> None:
    city = await roaming.open_city(3)
    assert await level(roaming)
    directory, one = roaming.cpo.directory, frozenset({city[0]["id"].lower()})
    for name in ("fleets", "everybody"):
        roaming.clock.move(60)
        assert await audiences.show_to(directory, "locations", name, one, None) == 1
        await roaming.settle()
    assert await roaming.differences("locations") == []


async def test_who_leaves_an_audience_and_joins_it_again_has_its_places_again(roaming: Roaming) -> None:
    city = await roaming.open_city(3)
    directory, number = roaming.cpo.directory, roaming.connection("cpo").id
    assert await audiences.show_to(directory, "locations", "fleets", frozenset({city[0]["id"].lower()}), None) == 1
    for step in (audiences.join, audiences.leave, audiences.join):
        roaming.clock.move(60)
        connection = directory.by_id(number)
        assert connection is not None
        await step(directory, "fleets", connection)
        await roaming.settle()
    assert await roaming.differences("locations") == [] and len(await roaming.offered("locations")) == 3


async def test_nothing_older_is_left_when_the_same_object_changes_while_it_is_sent(roaming: Roaming) -> None:
    city = await roaming.open_city(2)
    assert await level(roaming)
    uid = city[0]["evses"][0]["uid"]
    for value in ("CHARGING", "AVAILABLE", "RESERVED", "CHARGING", "OUTOFORDER"):
        await roaming.status(city[0]["id"], uid, value)
        await roaming.pushes["cpo"].tick()
    assert await level(roaming)
