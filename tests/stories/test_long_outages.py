"""After any outage of either side, a long one or one that ended with an old backup, both are level without a manual step."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.partners import audiences
from interplug.store.keys import OWN, Key
from tests.stories.level import Roaming

WEEK = 7 * 24


@pytest.fixture(params=["2.1.1", "2.2.1", "2.3.0"])
async def roaming(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Roaming]:
    joined = await Roaming.join(tmp_path, request.param)
    joined.city = await joined.open_city()
    await joined.pass_hours(0.1)
    yield joined
    await joined.close()


async def uneven(roaming: Roaming) -> list[str]:
    """Where the two differ: other content, or more than is offered."""
    found = [await roaming.differences(module) for module in ("locations", "tariffs")]
    return [*found[0], *found[1], *await roaming.extra("locations"), *await roaming.extra("tariffs")]


async def life_goes_on(roaming: Roaming) -> None:
    """A status, a Tariff that ends and one that is new."""
    await roaming.status(roaming.city[0]["id"], roaming.city[0]["evses"][0]["uid"], "CHARGING")
    (first, *_), _ = await roaming.cpo.store.read(lambda tx: tx.objects.batch("tariffs", 0, 9, OWN))
    await roaming.cpo.store.write(lambda tx: tx.objects.remove(first.key))
    roaming.clock.move(60)
    key, tariff = Key("tariffs", OWN, "NL", "KAD", "NEW"), {**first.document, "id": "NEW", "last_updated": "2026-03-01T00:00:00Z"}
    await roaming.cpo.store.write(lambda tx: tx.objects.save(key, tariff, last_updated=roaming.clock.now))


async def test_a_provider_that_was_away_for_weeks_is_level(roaming: Roaming) -> None:
    roaming.cut("emsp")
    await life_goes_on(roaming)
    await roaming.pass_hours(3 * WEEK)
    connection = roaming.connection("cpo").id
    assert audiences.needed(await roaming.cpo.store.read(lambda tx: tx.cursors.resyncs(connection))) != []
    roaming.mend("emsp")
    await roaming.pass_hours(1)
    assert await uneven(roaming) == []
    assert await roaming.cpo.store.read(lambda tx: tx.cursors.resyncs(connection)) == []


async def test_an_operator_that_was_dead_for_weeks_is_level(roaming: Roaming) -> None:
    await life_goes_on(roaming)
    await roaming.kill("cpo")
    await roaming.pass_hours(3 * WEEK)
    await roaming.revive("cpo", pulls=False)
    await roaming.pass_hours(1)
    assert await uneven(roaming) == []


async def test_a_provider_that_was_restored_from_an_old_backup_is_level_within_its_week(roaming: Roaming) -> None:
    copy = await roaming.back_up("emsp")
    await life_goes_on(roaming)
    await roaming.pass_hours(48)
    assert await uneven(roaming) == []
    await roaming.restore("emsp", copy)
    await roaming.pass_hours(0.1)
    assert [await roaming.differences(module) for module in ("locations", "tariffs")] == [[], []]
    for _ in range(3):
        await roaming.pass_hours(WEEK / 2)
    assert await uneven(roaming) == []


async def test_what_an_operator_that_was_restored_from_an_old_backup_says_now_counts_within_a_week(roaming: Roaming) -> None:
    copy = await roaming.back_up("cpo")
    await life_goes_on(roaming)
    await roaming.pass_hours(24)
    assert await uneven(roaming) == []
    await roaming.restore("cpo", copy)
    for _ in range(4):
        await roaming.pass_hours(WEEK / 2)
    assert await uneven(roaming) == []
