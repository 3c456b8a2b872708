"""`/metrics`: what Prometheus reads is what happened, with the names of partners for nobody but the neighbourhood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interplug.partners import audiences
from interplug.protocol.http import Response
from interplug.sync.lane import DOWN
from interplug.sync.push import Push
from interplug.web.door import Door
from interplug.web.metrics import exposition
from tests.modules import said
from tests.nodes import own
from tests.sync.played import says
from tests.sync.pushing import World, opened, ours
from tests.web.visiting import ask, scope


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, "2.2.1") as made:
        yield made


async def nothing() -> dict[str, str]:
    return {}


Read = dict[tuple[str, ...], float]


async def read(world: World, missing: dict[str, str] | None = None) -> Read:
    """Samples by name and the values of their labels, in the order of the labels' names."""

    async def wrong() -> dict[str, str]:
        return missing or {}

    response = await exposition(world.node, world.push, wrong)
    families = text_string_to_metric_families(response.body.decode())
    return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for family in families for one in family.samples}


async def test_requests_of_partners_and_ours_are_counted(world: World) -> None:
    await world.partner.fetch("tariffs")
    await world.partner.fetch("tariffs")
    await world.partner.fetch("nothing")
    await own(world.node, "locations", ours(said.location()))
    await world.settle()
    found = await read(world)
    connection = str(world.partner.connection.id)
    assert found["interplug_requests_total", "in", "200", "GET", "tariffs", "1000", "2.2.1"] == 2
    assert found["interplug_requests_total", "out", "200", "PUT", "locations", "1000", "2.2.1"] == 1
    assert found["interplug_request_seconds_count", "in", "GET", "tariffs"] == 2
    assert found["interplug_request_seconds_bucket", "in", "+Inf", "GET", "tariffs"] == 2
    assert found["interplug_partner_requests_total", connection, "in", "well", "partner"] == 2
    assert found["interplug_partner_requests_total", connection, "in", "failed", "partner"] == 1
    assert found["interplug_messages_total",] == 4
    assert found["interplug_store_commit_seconds_count",] > 0
    assert found["process_resident_memory_bytes",] > 1_000_000


async def test_a_partner_that_is_behind_is_seen(world: World) -> None:
    of = (str(world.partner.connection.id), "partner")
    assert (await read(world))["interplug_push_distance", *of] == 0
    world.played.down = True
    world.timer.now = 100.0
    await own(world.node, "locations", ours(said.location()))
    await world.settle()
    world.timer.now = 130.0
    found = await read(world)
    assert found["interplug_push_distance", *of] == found["interplug_changes",] > 0
    assert found["interplug_push_lag_seconds", *of] == 30
    assert found["interplug_push_failures", *of] == 1
    assert found["interplug_needs_full_pull", *of] == 0
    await world.node.store.write(lambda tx: audiences.all_again(tx, world.partner.connection))
    assert (await read(world))["interplug_needs_full_pull", *of] == 1
    world.played.down = False
    await world.wait(60)
    found = await read(world)
    assert [found[f"interplug_push_{name}", *of] for name in ("distance", "lag_seconds", "failures", "unsent")] == [0, 0, 0, 0]


async def test_what_a_partner_lacks_is_counted_also_when_nothing_is_held_for_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    of = ("interplug_push_unsent", str(world.partner.connection.id), "partner")
    world.played.down = True
    await own(world.node, "tariffs", ours(said.tariff()), audience=99)  # nothing that it may see
    assert (await read(world))[of] == 0
    for name in ("L1", "L2", "L3"):
        await own(world.node, "locations", ours(said.location(name)))
    for _ in range(6):
        await world.settle()
        assert (await read(world))[of] == 3
        world.timer.now += 1000
    (lane,) = world.push.lanes.values()
    assert lane.failures > DOWN and not lane.dirty
    monkeypatch.setattr("interplug.sync.unsent.NEWEST", 0)
    assert (await read(world))[of] == 1, "of what changed too long ago nothing is known but that there is something"
    world.played.down = False
    await world.settle()
    assert (await read(world))[of] == 0


async def test_what_is_refused_or_in_quarantine_is_seen_by_partner_and_module(world: World) -> None:
    connection = world.partner.connection.id
    world.played.answers.append(says(2001))
    await own(world.node, "locations", ours(said.location()))
    await world.settle()
    add = {"path": "$", "reason": "odd", "received_at": 1}
    await world.node.store.write(lambda tx: tx.quarantine.add(connection, "cdrs", b"{}", **add))
    found = await read(world)
    assert found["interplug_refused", str(connection), "locations", "partner"] == 1
    assert found["interplug_push_unsent", str(connection), "partner"] == 0
    assert found["interplug_quarantine", str(connection), "cdrs", "partner"] == 1
    assert found["interplug_objects", "0", "locations", ""] == 1


async def test_it_says_what_health_says(world: World) -> None:
    assert (await read(world))["interplug_ready",] == 1
    found = await read(world, {"disk": "1 MB are free"})
    assert (found["interplug_ready",], found["interplug_missing", "disk"]) == (0, 1)


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("8.8.8.8", {}, 404),
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.1"}, 404),
        ("127.0.0.1", {"forwarded": "for=10.0.0.1"}, 404),
        ("", {}, 404),
    ],
)
async def test_it_is_for_the_neighbourhood(world: World, client: str, headers: dict[str, str], status: int) -> None:
    async def metrics() -> Response:
        return await exposition(world.node, world.push, nothing)

    asked = scope("GET", "/metrics", headers) | {"client": (client, 1) if client else None}
    assert (await ask(Door(world.node, dict, metrics=metrics), asked)).status == status


async def test_it_can_be_off(world: World) -> None:
    assert (await ask(Door(world.node, dict), scope("GET", "/metrics"))).status == 404


async def test_of_a_node_that_just_started_everything_is_told(world: World) -> None:
    push = Push(world.node)
    assert b"interplug_info" in (await exposition(world.node, push, nothing)).body


async def test_a_node_whose_database_is_away_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(world.node.store, "read", away)
    told = await read(world, {"store": "takes no transaction"})
    assert (told["interplug_ready",], told["interplug_missing", "store"]) == (0, 1)
    assert not [name for name, *_ in told if name == "interplug_objects"]
