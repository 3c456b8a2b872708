"""What comes into a partner's sight and leaves it although nobody moves it: a Location made private, a Tariff whose time has come. 2.1.1
can say neither, so to its partners such an object is there or it is not."""

from __future__ import annotations

from typing import Any

import pytest

from interplug.model.types import format_time
from interplug.store.keys import Key
from interplug.sync.validity import Validity
from tests.modules import said
from tests.nodes import SECOND, T0, own
from tests.sync.pushing import World, ours, status

DAY = 86_400
PLACE = Key("locations", 0, "NL", "TNM", "L1")


@pytest.fixture(params=["2.1.1", "2.2.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def older(world: World) -> bool:
    return world.partner.version == "2.1.1"


async def place(world: World, *, publish: bool, **more: Any) -> None:
    world.clock.move(10)
    document = {**ours(said.location()), "publish": publish, "last_updated": world.clock.text(), **more}
    await own(world.node, "locations", document)


def statuses(world: World) -> list[str]:
    return [document["status"] for method, _, document in world.played.told if method == "PATCH"]


@pytest.mark.req("LOC-010")
async def test_a_place_that_becomes_private_is_no_longer_at_a_partner_that_cannot_keep_it_so(world: World) -> None:
    await place(world, publish=True)
    await world.settle()
    await place(world, publish=False)
    uids = [evse["uid"] for evse in said.location()["evses"]]
    told = await world.settle()
    if not older(world):
        assert told == [("PUT", "locations/NL/TNM/L1")] and world.played.told[0][2]["publish"] is False
        return
    assert told == [("PATCH", f"locations/NL/TNM/L1/{uid}") for uid in uids]
    assert statuses(world) == ["REMOVED"] * len(uids)
    await place(world, publish=False, name="Another")
    await status(world, PLACE, uids[0], "CHARGING")
    assert await world.settle() == [], "what is private is told nobody"


async def test_a_place_that_was_always_private_is_no_concern_of_such_a_partner(world: World) -> None:
    await place(world, publish=False)
    assert bool(await world.settle()) != older(world)
    await status(world, PLACE, said.location()["evses"][0]["uid"], "CHARGING")
    await place(world, publish=False, name="Another")
    assert bool(await world.settle()) != older(world)


async def test_a_place_that_is_public_again_is_newer_than_its_end(world: World) -> None:
    await place(world, publish=True)
    await world.settle()
    await place(world, publish=False)
    await world.settle()
    ended = max(document["last_updated"] for *_, document in world.played.told)
    await place(world, publish=True)
    assert await world.settle() == [("PUT", "locations/NL/TNM/L1")]
    [(*_, shown)] = world.played.told
    assert all(evse["last_updated"] > ended and evse["status"] != "REMOVED" for evse in shown["evses"])


# --- tariffs


def at(days: float) -> str:
    return format_time(T0 + int(days * DAY) * SECOND)


async def offer(world: World) -> Validity:
    """A Tariff that is valid on the second day alone, before one that always is, at an EVSE."""
    evse = said.evse("E1")
    evse["connectors"][0]["tariff_ids"] = ["T1", "T2"]
    await own(world.node, "tariffs", ours(said.tariff("T2")))
    await own(world.node, "tariffs", ours(said.tariff("T1", start_date_time=at(1), end_date_time=at(2))))
    await own(world.node, "locations", {**ours(said.location()), "evses": [evse]})
    await world.settle()
    following = Validity(world.node)
    await turned(following)
    return following


async def turned(following: Validity) -> None:
    while await following.turn():
        pass


def shown(world: World) -> str:
    """The one Tariff that a Connector has in 2.1.1."""
    [evse] = [document for _, path, document in world.played.told if path.endswith("E1")]
    return str(evse["connectors"][0]["tariff_id"])


async def found(world: World, module: str, since: str) -> list[str]:
    return [one["id"] for one in (await world.partner.fetch(f"{module}?date_from={since}")).data]


async def test_a_tariff_that_becomes_valid_is_told_and_is_in_lists_by_date(world: World) -> None:
    following = await offer(world)
    world.clock.move(DAY - 10)
    since = world.clock.text()
    await turned(following)
    assert await world.settle() == [] and await found(world, "tariffs", since) == []
    world.clock.move(20)
    await turned(following)
    told = await world.settle()
    if older(world):
        assert sorted(told) == [("PUT", "locations/NL/TNM/L1/E1"), ("PUT", "tariffs/NL/TNM/T1")]
        assert shown(world) == "T1"
    else:
        assert told == [], "it was told before, with its time"
    assert (await found(world, "tariffs", since), await found(world, "locations", since)) == (["T1"], ["L1"]) if older(world) else ([], [])
    await turned(following)
    assert await world.settle() == []


async def test_a_tariff_that_ceases_to_be_valid_is_deleted_also_when_nothing_ran_meanwhile(world: World) -> None:
    await offer(world)
    world.clock.move(2 * DAY + 10)
    await turned(Validity(world.node))
    told = await world.settle()
    if older(world):
        assert sorted(told) == [("DELETE", "tariffs/NL/TNM/T1"), ("PUT", "locations/NL/TNM/L1/E1")]
        assert shown(world) == "T2"
    else:
        assert told == []
