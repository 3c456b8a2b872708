"""Two nodes stay level: through changes, outages of either side, and deaths; compared object by object over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.drivers.drives import new_driver
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


async def test_nothing_older_is_left_when_the_same_object_changes_while_it_is_sent(roaming: Roaming) -> None:
    city = await roaming.open_city(2)
    assert await level(roaming)
    uid = city[0]["evses"][0]["uid"]
    for value in ("CHARGING", "AVAILABLE", "RESERVED", "CHARGING", "OUTOFORDER"):
        await roaming.status(city[0]["id"], uid, value)
        await roaming.pushes["cpo"].tick()
    assert await level(roaming)
