"""What the change log cannot say: another audience, another version, an outage longer than patience."""

from typing import Any

import pytest

from interplug.partners import audiences
from interplug.store.keys import Key
from interplug.store.tx import Tx
from interplug.sync.naming import TariffsMoved
from interplug.sync.push import SETTLE, Push
from tests.modules import said
from tests.nodes import CPO, EMSP, befriend, own
from tests.sync.played import OK, Played
from tests.sync.pushing import World, ours, status

HOURS = 3600.0


def naming(name: str, *tariffs: str) -> dict[str, Any]:
    evse = said.evse("E1")
    evse["connectors"][0]["tariff_ids"] = list(tariffs)
    return {**ours(said.location()), "id": name, "evses": [evse, said.evse("E2")]}


async def needed(world: World) -> list[str]:
    return audiences.needed(await world.node.store.read(lambda tx: tx.cursors.resyncs(world.partner.connection.id)))


async def fill(world: World) -> None:
    await own(world.node, "tariffs", ours(said.tariff()))
    for name in ("L1", "L2"):
        await own(world.node, "locations", naming(name, "T1"))
    await world.settle()


ALL = [("PUT", "locations/NL/TNM/L1"), ("PUT", "locations/NL/TNM/L2"), ("PUT", "tariffs/NL/TNM/T1")]


async def test_who_asks_that_a_partner_is_told_of_everything_need_not_wait_until_it_fails_or_speaks(newest: World) -> None:
    await fill(newest)
    assert await newest.wait(60) == []

    async def again(tx: Tx) -> None:  # as `partner retry --all` does, in another process
        await tx.cursors.hasten(newest.partner.connection.id)
        await audiences.all_again(tx, newest.partner.connection)

    await newest.node.store.write(again)
    assert sorted(await newest.wait(2)) == ALL and await needed(newest) == []


async def test_a_change_of_version_is_not_forgotten_by_a_node_that_dies_before_it_looks(newest: World) -> None:
    await fill(newest)
    await newest.push.stop()
    number = newest.partner.connection.id
    await newest.node.directory.write(lambda tx: tx.partners.change(number, version="2.2.1"))
    newest.push = Push(newest.node, timer=newest.timer, chance=lambda: 1.0, rest=newest.rest)
    await newest.push.start()
    await newest.settle()
    assert sorted(await newest.wait(SETTLE)) == ALL
    assert await newest.wait(1000) == [] and await needed(newest) == []


async def test_a_new_partner_starts_at_the_head_and_is_told_of_what_changes_although_the_node_dies_at_once(newest: World) -> None:
    await fill(newest)
    await befriend(newest.node, "2.3.0", name="new", parties=(("EMSP", "FR", "NEW"),))
    await newest.push.tick()
    newest.push = Push(newest.node, timer=newest.timer, chance=lambda: 1.0, rest=newest.rest)
    new = newest.node.client.transport.places["https://new.example"] = Played()  # type: ignore[attr-defined]
    await own(newest.node, "tariffs", ours(said.tariff("T2")))
    await newest.push.start()
    await newest.settle()
    assert new.verbs() == [("PUT", "tariffs/NL/TNM/T2")]


async def test_a_partner_that_is_away_for_too_long_needs_a_full_pull_and_is_told_of_everything_when_it_is_back(newest: World) -> None:
    await fill(newest)
    newest.played.down = True
    await own(newest.node, "tariffs", ours(said.tariff("T2")))
    for hours in (0, 7 * 24 - 1, 2):
        newest.clock.move(hours * HOURS)
        await newest.wait(1000)
        assert bool(await needed(newest)) == (hours == 2)
    assert await needed(newest) == ["cdrs", "locations", "sessions", "tariffs", "tokens"]
    newest.played.down = False
    assert sorted({*await newest.wait(1000)}) == [*ALL, ("PUT", "tariffs/NL/TNM/T2")]
    assert await needed(newest) == [] and await newest.wait(1000) == []


async def test_the_time_that_a_partner_was_away_is_not_forgotten_by_a_restart(newest: World) -> None:
    newest.played.down = True
    await own(newest.node, "tariffs", ours(said.tariff()))
    await newest.settle()
    await newest.wait(10)
    newest.clock.move(169 * HOURS)
    await newest.restart()
    await newest.wait(1000)
    await newest.wait(1000)
    assert await needed(newest) != []


async def test_a_list_that_the_partner_has_read_whole_is_not_told_again(newest: World) -> None:
    await fill(newest)
    newest.played.down = True
    await status(newest, Key("locations", 0, "NL", "TNM", "L1"), "E1", "CHARGING")
    await newest.settle()
    await newest.wait(10)
    newest.clock.move(169 * HOURS)
    await newest.wait(1000)
    first = await newest.partner.fetch("locations?limit=1")
    await newest.push.tick()
    assert "locations" in await needed(newest)
    link = first.headers["link"].split("<https://node.example", 1)[1].split(">")[0]
    assert len((await newest.partner.ask("GET", link)).data) == 1
    await newest.push.tick()
    assert "locations" not in await needed(newest)
    newest.played.down = False
    assert sorted(await newest.wait(1000)) == [("PATCH", "locations/NL/TNM/L1/E1"), ("PUT", "tariffs/NL/TNM/T1")]


async def test_a_list_whose_pages_came_from_several_processes_was_read_whole(newest: World) -> None:
    await fill(newest)
    await newest.node.store.write(lambda tx: audiences.all_again(tx, newest.partner.connection))
    page = await newest.partner.fetch("locations?limit=1")
    newest.node.reading.clear()  # the next page is asked of another process
    link = page.headers["link"].split("<https://node.example", 1)[1].split(">")[0]
    assert (await newest.partner.ask("GET", link)).ok
    await newest.push._has_read()
    assert "locations" not in await needed(newest)


async def test_who_reads_a_small_list_in_a_loop_is_written_down_once_a_minute(newest: World) -> None:
    await fill(newest)
    for _ in range(5):
        newest.clock.move(1)
        assert (await newest.partner.fetch("locations")).ok
        await newest.wait(1)
    read = await newest.node.store.read(lambda tx: tx.cursors.get(newest.partner.connection.id, "read:locations"))
    assert read == newest.clock.now - 4_000_000
    await newest.wait(60)
    read = await newest.node.store.read(lambda tx: tx.cursors.get(newest.partner.connection.id, "read:locations"))
    assert read == newest.clock.now


async def test_a_list_of_our_only_party_is_the_whole_list(newest: World) -> None:
    """Partners name whom they ask (4.1.9.4); of two parties one is a part."""
    await fill(newest)
    connection = newest.partner.connection
    to = {"ocpi_to_country_code": CPO[1], "ocpi_to_party_id": CPO[2]}
    for left in (False, True):
        await newest.node.store.write(lambda tx: audiences.all_again(tx, connection))
        assert (await newest.partner.fetch("locations", **to)).ok
        await newest.push._has_read()
        assert ("locations" in await needed(newest)) is left
        await newest.node.directory.write(lambda tx: tx.parties.add("CPO", "NL", "TWO"))


async def test_a_part_of_a_list_or_one_since_a_date_is_no_full_pull(newest: World) -> None:
    await fill(newest)
    connection = newest.partner.connection
    await newest.node.store.write(lambda tx: audiences.all_again(tx, connection))
    for query in ("offset=1", "limit=1", "offset=2&limit=1", "date_from=2020-01-01T00:00:00Z"):
        assert (await newest.partner.fetch(f"locations?{query}")).ok
        await newest.push._has_read()
        assert "locations" in await needed(newest)


async def test_everything_again_goes_on_where_the_node_died(newest: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("interplug.sync.resync.PART", 2)
    for n in range(6):
        await own(newest.node, "tariffs", ours(said.tariff(f"T{n}")))
    await newest.settle()
    connection = newest.partner.connection
    await newest.node.store.write(lambda tx: audiences.all_again(tx, connection))
    newest.played.answers.extend([*[OK] * 4, None, None])
    await newest.restart()
    assert len(await newest.settle()) == 6
    await newest.restart()
    assert await newest.wait(1000) == [("PUT", "tariffs/NL/TNM/T4"), ("PUT", "tariffs/NL/TNM/T5")]


# --- Tariffs of another audience


async def by_date(world: World, module: str, since: str) -> list[str]:
    """What it finds who asks for the changes since then, as new as they are said to be."""
    found = (await world.partner.fetch(f"{module}?date_from={since}")).data
    assert all(one["last_updated"] >= since for one in found)
    return sorted(one["uid" if module == "tokens" else "id"] for one in found)


SHARED = {
    "locations": [ours(said.location("L1")), ours(said.location("L2"))],
    "tariffs": [ours(said.tariff("T1")), ours(said.tariff("T2"))],
    "tokens": [ours(said.token("AA"), EMSP), ours(said.token("BB"), EMSP)],
}


@pytest.mark.parametrize("module", SHARED)
async def test_what_comes_into_sight_is_in_lists_by_date(newest: World, module: str) -> None:
    """However old it is: the partner has asked for what was old long ago."""
    for document in SHARED[module]:
        await own(newest.node, module, document)
    directory, one = newest.node.directory, sorted(said_id(document) for document in SHARED[module])[0]
    await audiences.show_to(directory, module, "gold", frozenset({one.lower()}), None)
    newest.clock.move(24 * HOURS)
    since = newest.clock.text()
    assert await by_date(newest, module, since) == []
    newest.clock.move(60)
    await audiences.show_to(directory, module, "everybody", frozenset({one.lower()}), None)
    assert await by_date(newest, module, since) == [one]
    assert await audiences.show_to(directory, module, "everybody", None, None) == 0
    newest.clock.move(60)
    assert await by_date(newest, module, newest.clock.text()) == [], "and it is so once"


async def pulls_alone(world: World) -> None:
    """The partner has no receiver of ours: it takes no pushes."""
    number = world.partner.connection.id
    endpoints = [{"identifier": "locations", "role": "SENDER", "url": "https://partner.example/ocpi/locations"}]
    await world.node.directory.write(lambda tx: tx.partners.change(number, endpoints=endpoints))
    await world.settle()


@pytest.mark.parametrize("module", SHARED)
async def test_who_joins_an_audience_and_takes_no_pushes_finds_its_objects_by_date(newest: World, module: str) -> None:
    for document in SHARED[module]:
        await own(newest.node, module, document)
    await audiences.show_to(newest.node.directory, module, "gold", None, None)
    other = await befriend(newest.node, "2.3.0", name="other", classes=("gold",), parties=(("EMSP", "FR", "OTH"),))
    newest.node.client.transport.places["https://other.example"] = told = Played()  # type: ignore[attr-defined]
    await pulls_alone(newest)
    told.told.clear()
    newest.clock.move(24 * HOURS)
    since = newest.clock.text()
    connection = newest.node.directory.by_id(newest.partner.connection.id)
    assert connection is not None and other.connection.id != connection.id
    await audiences.join(newest.node.directory, "gold", connection)
    assert await newest.settle() == []
    assert await by_date(newest, module, since) == sorted(said_id(document) for document in SHARED[module])
    await newest.settle()
    assert told.verbs() == [], "nothing is new to those who have been in it"


async def test_who_joins_and_takes_no_pushes_finds_the_places_that_name_its_tariffs(newest: World) -> None:
    await fill(newest)
    await own(newest.node, "locations", naming("L3", "OTHER"))
    await audiences.show_to(newest.node.directory, "tariffs", "gold", None, None)
    while await TariffsMoved(newest.node).turn():
        pass
    await pulls_alone(newest)
    newest.clock.move(24 * HOURS)
    since = newest.clock.text()
    connection = newest.node.directory.by_id(newest.partner.connection.id)
    assert connection is not None
    await audiences.join(newest.node.directory, "gold", connection)
    await newest.settle()
    assert await by_date(newest, "locations", since) == ["L1", "L2"]


async def test_an_object_of_a_file_that_is_now_for_others_is_in_their_lists_by_date(newest: World) -> None:
    tariff = ours(said.tariff("T1"))
    key = await own(newest.node, "tariffs", tariff, audience=4711)
    newest.clock.move(24 * HOURS)
    since = newest.clock.text()
    for _ in range(2):
        await newest.node.store.write(lambda tx: tx.objects.save(key, tariff, last_updated=0, audience=0))
        assert await by_date(newest, "tariffs", since) == ["T1"]
        newest.clock.move(60)
    assert await by_date(newest, "tariffs", newest.clock.text(-60)) == []


def said_id(document: dict[str, Any]) -> str:
    return str(document.get("id") or document["uid"])


async def test_the_evses_that_name_a_tariff_of_another_audience_are_pushed_again_and_show_up_in_lists_by_date(newest: World) -> None:
    await fill(newest)
    await own(newest.node, "locations", naming("L3", "OTHER"))
    await newest.settle()
    moved = TariffsMoved(newest.node)
    while await moved.turn():
        pass
    newest.clock.move(60)
    assert await audiences.show_to(newest.node.directory, "tariffs", "gold", None, None) == 1
    assert await moved.turn() and not await moved.turn()
    told = [("DELETE", "tariffs/NL/TNM/T1"), ("PUT", "locations/NL/TNM/L1/E1"), ("PUT", "locations/NL/TNM/L2/E1")]
    assert sorted(await newest.settle()) == told
    shown = [body["connectors"][0] for method, _, body in newest.played.told if method == "PUT"]
    assert [connector.get("tariff_ids") for connector in shown] == [None, None]
    since = await newest.partner.fetch(f"locations?date_from={newest.clock.text()}")
    assert sorted(location["id"] for location in since.data) == ["L1", "L2"]


async def test_a_tariff_that_moved_while_nothing_ran_is_followed_later(newest: World) -> None:
    await fill(newest)
    await audiences.show_to(newest.node.directory, "tariffs", "gold", None, (CPO[1], CPO[2]))
    key, tariff = Key("tariffs", 0, "NL", "TNM", "T1"), ours(said.tariff(currency="SEK", last_updated=newest.clock.text(9)))
    await newest.node.store.write(lambda tx: tx.objects.save(key, tariff, last_updated=newest.clock.now))
    assert await TariffsMoved(newest.node).turn()
    told = await newest.settle()
    assert ("PUT", "locations/NL/TNM/L1/E1") in told and ("DELETE", "tariffs/NL/TNM/T1") in told


async def test_who_joins_an_audience_is_told_of_the_evses_that_name_its_tariffs(newest: World) -> None:
    await fill(newest)
    await audiences.show_to(newest.node.directory, "tariffs", "gold", None, None)
    await TariffsMoved(newest.node).turn()
    await newest.settle()
    connection = newest.node.directory.by_id(newest.partner.connection.id)
    assert connection is not None
    await audiences.join(newest.node.directory, "gold", connection)
    told = [("PUT", "locations/NL/TNM/L1/E1"), ("PUT", "locations/NL/TNM/L2/E1"), ("PUT", "tariffs/NL/TNM/T1")]
    assert sorted(await newest.settle()) == told
    shown = [body["connectors"][0]["tariff_ids"] for _, path, body in newest.played.told if "locations" in path]
    assert shown == [["T1"], ["T1"]]


@pytest.mark.req("CHP-002")
async def test_who_comes_to_steer_is_sent_the_sessions_of_all_others_and_then_each_change(newest: World) -> None:
    other = await befriend(newest.node, "2.3.0", name="other", parties=(("EMSP", "FR", "OTH"),))
    drivers = await newest.node.store.write(lambda tx: tx.parties.audience_class("own drivers"))
    for name, audience in (("S1", other.connection.id), ("S2", drivers)):
        await own(newest.node, "sessions", ours(said.session(name)), audience=audience)
        await own(newest.node, "cdrs", ours(said.cdr(f"C{name}")), audience=audience)
    await newest.settle()
    await audiences.join(newest.node.directory, "all sessions", newest.partner.connection)
    assert sorted(await newest.settle()) == [("PUT", "sessions/NL/TNM/S1"), ("PUT", "sessions/NL/TNM/S2")]
    await own(newest.node, "sessions", ours(said.session("S3")), audience=other.connection.id)
    assert await newest.settle() == [("PUT", "sessions/NL/TNM/S3")]
