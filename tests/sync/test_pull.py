"""Pull: a partner's lists, page by page, whatever is in them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.sync.pull import pull
from interplug.sync.push import Push
from interplug.sync.schedule import Schedule
from tests.modules import said
from tests.nodes import close
from tests.sync.pulling import World, theirs, world_of


@pytest.fixture(params=["2.1.1", "2.2.1", "2.3.0"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(version: str, tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(tmp_path, version)
    yield made
    await close(made.node)


@pytest.fixture
async def newest(tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(tmp_path, "2.3.0")
    yield made
    await close(made.node)


@pytest.mark.req("TRN-036", "VER-011")
async def test_all_pages_are_read_by_their_links(world: World) -> None:
    world.lists.offer("locations", *theirs("L1", "L2", "L3", "L4", "L5"))
    report = await world.pull("locations")
    assert (report.read, report.fault) == (5, None)
    assert all([await world.held("locations", f"L{number}") for number in range(1, 6)])


@pytest.mark.req("TRN-018")
async def test_a_page_with_bad_objects_loses_those_and_keeps_them_with_the_reason(world: World) -> None:
    good, bad = theirs("L1", "L2")
    del bad["coordinates"]
    world.lists.offer("locations", good, "nonsense", bad, *theirs("L3"))
    report = await world.pull("locations")
    assert (report.read, report.quarantined) == (4, 2)
    held = await world.node.store.read(lambda tx: tx.quarantine.list())
    assert {one.id for one in held} == {"", "L2"} and any("coordinates" in one.path + one.reason for one in held)
    assert await world.held("locations", "L3") is not None


@pytest.mark.req("TRN-056")
async def test_unknown_fields_are_kept_at_any_depth(newest: World) -> None:
    (location,) = theirs("L1")
    location["x_own"] = {"a": [1]}
    location["evses"][0]["connectors"][0]["x_more"] = True
    newest.lists.offer("locations", location)
    await newest.pull("locations")
    stored = await newest.held("locations", "L1")
    assert stored is not None and stored.document["x_own"] == {"a": [1]}
    assert stored.document["evses"][0]["connectors"][0]["x_more"] is True


@pytest.mark.req("TRN-048", "TRN-049")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_the_owner_of_a_pulled_object_is_the_one_that_it_names_and_must_be_one_of_theirs(tmp_path: Path, version: str) -> None:
    world = await world_of(tmp_path, version, parties=(("CPO", "BE", "XYZ"), ("CPO", "BE", "OTH")))
    other = {**said.location("L1"), "country_code": "BE", "party_id": "OTH"}
    foreign = {**said.location("L2"), "country_code": "FR", "party_id": "BAD"}
    ours = {**said.location("L3"), "country_code": "NL", "party_id": "TNM"}
    world.lists.offer("locations", other, foreign, ours)
    report = await world.pull("locations")
    assert await world.held("locations", "L1", party=("BE", "OTH")) is not None
    assert report.quarantined == 2 and await world.held("locations", "L2", party=("FR", "BAD")) is None
    await close(world.node)


@pytest.mark.req("CRD-040", "CRD-041")
async def test_evse_ids_contract_ids_and_places_of_other_countries_are_fine(world: World) -> None:
    (location,) = theirs("L1", country="FRA")
    location["evses"][0]["evse_id"] = "FR*ZZZ*E1"
    world.lists.offer("locations", location)
    world.lists.offer("tokens", said.theirs(said.token(contract_id="ATZZZC12345678")))
    assert [(await world.pull(module)).quarantined for module in ("locations", "tokens")] == [0, 0]


@pytest.mark.req("LOC-013", "LOC-005")
async def test_what_a_whole_list_lacks_is_no_longer_valid_but_stays_readable(world: World) -> None:
    world.lists.offer("locations", *theirs("L1", "L2"))
    await world.pull("locations")
    world.lists.offer("locations", *theirs("L1"))
    report = await world.lacking("locations")
    stored = await world.held("locations", "L2")
    assert report.ended == 1 and stored is not None
    assert {evse["status"] for evse in stored.document["evses"]} == {"REMOVED"}


@pytest.mark.req("TAR-002")
async def test_a_tariff_that_a_whole_list_lacks_is_gone(world: World) -> None:
    world.lists.offer("tariffs", *(said.theirs(said.tariff(id=name)) for name in ("T1", "T2")))
    await world.pull("tariffs")
    world.lists.offer("tariffs", said.theirs(said.tariff(id="T1")))
    assert (await world.pull("tariffs")).ended == 0
    assert (await world.lacking("tariffs")).ended == 1
    assert [await world.held("tariffs", name) is not None for name in ("T1", "T2")] == [True, False]


@pytest.mark.req("TOK-020", "TOK-004")
async def test_a_token_that_a_whole_list_lacks_is_not_valid(world: World) -> None:
    world.lists.offer("tokens", *(said.theirs(said.token(uid, type="RFID")) for uid in ("AA", "BB")))
    await world.pull("tokens")
    world.lists.offer("tokens", said.theirs(said.token("AA", type="RFID")))
    await world.lacking("tokens")
    valid = [stored.document["valid"] for uid in ("AA", "BB") if (stored := await world.held("tokens", uid, kind="RFID"))]
    assert valid == [True, False]


async def test_a_bad_object_is_still_on_the_list_and_keeps_nothing_else_valid(newest: World) -> None:
    newest.lists.offer("locations", *theirs("L1", "L2", "L3"))
    await newest.pull("locations")
    good, bad = theirs("L1", "L2")
    del bad["coordinates"]
    newest.lists.offer("locations", good, bad)
    assert (await newest.lacking("locations")).ended == 1
    stored = [await newest.held("locations", name) for name in ("L2", "L3")]
    assert [{evse["status"] for evse in one.document["evses"]} == {"REMOVED"} for one in stored if one] == [False, True]


async def test_a_bad_object_that_says_no_id_may_be_any(newest: World) -> None:
    newest.lists.offer("locations", *theirs("L1", "L2"))
    await newest.pull("locations")
    newest.lists.offer("locations", *theirs("L1"), "nonsense")
    assert (await newest.lacking("locations")).ended == 0


async def test_a_bad_object_that_comes_again_as_it_was_is_held_once(newest: World) -> None:
    newest.lists.offer("locations", {"id": "L1"}, {"id": "L2"})
    for _ in range(3):
        await newest.pull("locations", full=True)
    assert sorted(one.id for one in await newest.node.store.read(lambda tx: tx.quarantine.list())) == ["L1", "L2"]


@pytest.mark.req("HCI-010", "HCI-013")
@pytest.mark.parametrize("number", ["2.2.1", "2.3.0"])
async def test_a_party_that_the_list_of_a_hub_lacks_is_no_longer_behind_it(tmp_path: Path, number: str) -> None:
    world = await world_of(tmp_path, number, hub="BEXYZ")
    node, name = world.node, world.partner.connection.id
    listed_at = [{"identifier": "hubclientinfo", "role": "SENDER", "url": "https://partner.example/hubclientinfo"}]
    await node.directory.write(lambda tx: tx.partners.change(name, endpoints=listed_at))
    parties = [
        {"country_code": "FR", "party_id": party, "role": "CPO", "status": "CONNECTED", "last_updated": said.T} for party in ("AAA", "BBB")
    ]

    async def reached(*listed: dict[str, str]) -> list[str]:
        world.lists.lists["hubclientinfo"] = list(listed)
        world.clock.move(1)
        before = node.directory.by_id(name)
        assert before is not None
        (report,) = await pull(node, before, ("hubclientinfo",))
        after = node.directory.by_id(name)
        assert after is not None and (report.fault, report.quarantined) == (None, 0)
        return [one.party_id for one in after.reachable]

    assert await reached(*parties) == ["AAA", "BBB"]
    assert await reached(parties[1]) == ["BBB"]
    world.clock.move(60)
    later = {**parties[0], "last_updated": world.clock.text(3600)}
    assert (await world.partner.send("PUT", "hubclientinfo/FR/AAA", later)).ok
    assert await reached(parties[1]) == ["AAA", "BBB"]
    await close(world.node)


async def test_a_delta_or_a_list_that_failed_ends_nothing(newest: World) -> None:
    newest.lists.offer("locations", *theirs("L1", "L2", "L3"))
    await newest.pull("locations")
    newest.lists.offer("locations", *theirs("L1"))
    assert (await newest.pull("locations")).ended == 0
    newest.lists.offer("locations", *theirs("L1", "L2", "L3"))
    newest.lists.fail_at_offset = 2
    report = await newest.pull("locations", full=True)
    assert report.fault is not None and report.ended == 0


async def test_a_list_that_lacks_nearly_everything_is_doubted(newest: World) -> None:
    newest.lists.offer("locations", *theirs(*(f"L{number}" for number in range(20))))
    await newest.pull("locations")
    newest.lists.offer("locations", *theirs("L1"))
    report = await newest.lacking("locations")
    assert (report.ended, report.doubted) == (0, 19) and "19 of the 20" in report.notes[0]
    (report,) = await pull(newest.node, newest.partner.connection, ("locations",), full=True, believe=True)
    assert (report.ended, report.doubted) == (19, 0)


@pytest.mark.req("TRN-097")
async def test_a_second_pull_asks_for_what_is_newer_than_what_is_held(newest: World) -> None:
    newest.lists.offer("locations", *theirs("L1"))
    await newest.pull("locations")
    await newest.pull("locations")
    first, second = (query for _, query in newest.lists.asked)
    assert "date_from" not in first and second["date_from"] == "2025-12-31T23:00:00Z"


@pytest.mark.req("TRN-014")
async def test_lists_are_polled_at_intervals_of_hours_with_jitter(newest: World) -> None:
    now = 0.0
    schedule = Schedule(newest.node, Push(newest.node), timer=lambda: now, chance=lambda: 0.3)
    await schedule.idle()
    asked = len(newest.lists.asked)
    assert asked > 0
    now = 6 * 3600 * 0.8
    await schedule.idle()
    assert len(newest.lists.asked) == asked
    now = 6 * 3600 * 0.95
    await schedule.idle()
    assert len(newest.lists.asked) == 2 * asked


@pytest.mark.req("TRN-097", "HCI-013")
async def test_after_an_outage_of_the_partner_a_delta_is_pulled_at_once(newest: World) -> None:
    push = Push(newest.node)
    schedule = Schedule(newest.node, push, timer=lambda: 0.0)
    await push.start()
    await push.tick()
    await schedule.idle()
    asked = len(newest.lists.asked)
    lane = push.lanes[newest.partner.connection.id]
    lane.failures = 1
    await schedule.idle()
    assert len(newest.lists.asked) == asked
    lane.failures = 0
    await schedule.idle()
    assert len(newest.lists.asked) > asked
    await push.stop()


async def test_a_pull_that_fails_is_tried_again_after_a_pause(newest: World) -> None:
    now = 0.0
    schedule = Schedule(newest.node, Push(newest.node), timer=lambda: now, chance=lambda: 1.0)
    newest.lists.down = True
    await schedule.idle()
    newest.lists.down = False
    await schedule.idle()
    assert newest.lists.asked == []
    now = 2.0
    await schedule.idle()
    assert newest.lists.asked != []
