"""Push: the smallest correct request, once per object, in its newest form, whatever the partner does."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.partners import audiences
from interplug.partners.invitations import resume, suspend
from interplug.protocol.http import Request
from interplug.sync.push import SETTLE
from tests.modules import said
from tests.nodes import CPO, EMSP, befriend, close, own
from tests.sync.played import says
from tests.sync.pushing import World, opened, ours, status, world_of


@pytest.fixture(params=["2.1.1", "2.2.1", "2.3.0"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.req("LOC-001", "TRN-043")
async def test_a_new_location_is_put_whole_at_the_owners_url(world: World) -> None:
    await own(world.node, "locations", ours(said.location()))
    (verb,) = await world.settle()
    assert verb[0] == "PUT" and verb[1].endswith("locations/NL/TNM/L1")


async def test_of_the_log_only_that_is_read_of_which_somebody_is_told(newest: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store, number, endpoints = newest.node.store, newest.partner.connection.id, newest.partner.connection.endpoints
    rows = [{"identifier": one.identifier, "role": one.role, "url": one.url} for one in endpoints]
    news, asked = store.news, []

    async def heard(after: int, limit: int, modules: Any = None) -> Any:
        asked.append(modules)
        return await news(after, limit, modules)

    await newest.node.directory.write(
        lambda tx: tx.partners.change(number, endpoints=[row for row in rows if row["identifier"] != "locations"])
    )
    await newest.settle()
    with monkeypatch.context() as patch:
        patch.setattr(store, "news", heard)
        key = await own(newest.node, "locations", ours(said.location()))
        await own(newest.node, "tariffs", ours(said.tariff()))
        assert [path.split("/")[0] for _, path in await newest.settle()] == ["tariffs"]
    assert asked
    assert all("locations" not in modules and "tariffs" in modules for modules in asked)
    assert newest.push.position == store.head

    await newest.node.directory.write(lambda tx: tx.partners.change(number, endpoints=rows))
    await newest.settle()
    await status(newest, key, "E1", "CHARGING")
    assert [verb for verb, _ in await newest.settle()] == ["PATCH"]


@pytest.mark.req("LOC-002", "LOC-024", "LOC-042", "TRN-040")
async def test_a_status_is_a_patch_of_the_evse_with_its_last_updated(world: World) -> None:
    key = await own(world.node, "locations", ours(said.location()))
    await world.settle()
    await status(world, key, "E1", "CHARGING")
    changed = world.clock.text()
    await world.settle()
    ((method, path, body),) = world.played.told
    assert (method, path.rsplit("locations/", 1)[-1]) == ("PATCH", "NL/TNM/L1/E1")
    assert body == {"status": "CHARGING", "last_updated": changed}


async def test_ten_changes_of_one_evse_while_the_partner_is_busy_are_one_message_with_the_newest(newest: World) -> None:
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    for value in ("CHARGING", "AVAILABLE") * 5:
        await status(newest, key, "E1", value)
    await newest.settle()
    assert [body["status"] for _, _, body in newest.played.told] == ["AVAILABLE"]


@pytest.mark.req("LOC-029")
async def test_more_than_the_status_is_a_put_of_the_evse(newest: World) -> None:
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    newest.clock.move(1)
    evse = said.evse(floor_level="2", last_updated=newest.clock.text())
    await newest.node.store.write(lambda tx: tx.objects.save_evse(key, "E1", evse, last_updated=newest.clock.now))
    assert await newest.settle() == [("PUT", "locations/NL/TNM/L1/E1")]


@pytest.mark.req("TRN-042")
async def test_a_partner_that_does_not_know_the_evse_is_sent_more_until_it_does(newest: World) -> None:
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    newest.played.answers.extend([says(2003, 404), says(2003, 404)])
    await status(newest, key, "E1", "CHARGING")
    assert await newest.settle() == [
        ("PATCH", "locations/NL/TNM/L1/E1"),
        ("PUT", "locations/NL/TNM/L1/E1"),
        ("PUT", "locations/NL/TNM/L1"),
    ]


@pytest.mark.req("TOK-001", "TOK-002")
async def test_a_token_is_put_with_its_type_where_the_version_has_one(world: World) -> None:
    await own(world.node, "tokens", ours(said.token(type="RFID"), EMSP))
    (verb,) = await world.settle()
    with_type = "" if world.partner.version == "2.1.1" else "?type=RFID"
    assert verb[0] == "PUT" and verb[1].endswith(f"tokens/DE/ABC/012345{with_type}")


@pytest.mark.req("STS-011")
async def test_success_is_http_2xx_and_ocpi_1xxx(newest: World) -> None:
    newest.played.answers.append(says(3000))
    await own(newest.node, "tariffs", ours(said.tariff()))
    assert await newest.settle() == [("PUT", "tariffs/NL/TNM/T1")]
    assert await newest.wait(1.0) == [("PUT", "tariffs/NL/TNM/T1")]
    assert await newest.wait(1000) == []


@pytest.mark.req("TRN-096")
async def test_a_partner_that_was_away_gets_each_changed_object_once_in_its_newest_form(newest: World) -> None:
    key = await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    newest.played.down = True
    for value in ("CHARGING", "AVAILABLE", "CHARGING"):
        await status(newest, key, "E1", value)
        await newest.wait(300)
    await own(newest.node, "tariffs", ours(said.tariff()))
    newest.played.down = False
    told = await newest.wait(300)
    assert sorted(told) == [("PATCH", "locations/NL/TNM/L1/E1"), ("PUT", "tariffs/NL/TNM/T1")]
    assert next(body["status"] for method, _, body in newest.played.told if method == "PATCH") == "CHARGING"


async def test_a_partner_that_speaks_is_not_kept_waiting(newest: World) -> None:
    newest.played.down = True
    await own(newest.node, "tariffs", ours(said.tariff()))
    await newest.settle()
    newest.played.down = False
    assert await newest.settle() == []
    await newest.partner.fetch("tariffs")
    assert await newest.settle() == [("PUT", "tariffs/NL/TNM/T1")]


async def test_a_refused_object_does_not_hold_up_the_others_and_is_listed_with_the_reason(newest: World) -> None:
    newest.played.answers.append(says(2001))
    await own(newest.node, "tariffs", ours(said.tariff("T1")))
    await own(newest.node, "tariffs", ours(said.tariff("T2")))
    await newest.settle()
    refused = await newest.node.store.read(lambda tx: tx.cursors.refused())
    assert len(newest.played.told) == 2 and [(row.module, "2001" in row.reason) for row in refused] == [("tariffs", True)]


async def test_a_refused_object_that_changes_is_sent_again_and_leaves_the_list(newest: World) -> None:
    newest.played.answers.append(says(2001))
    await own(newest.node, "tariffs", ours(said.tariff()))
    await newest.settle()
    newest.clock.move(1)
    await own(newest.node, "tariffs", ours(said.tariff(currency="SEK", last_updated=newest.clock.text())))
    assert await newest.settle() == [("PUT", "tariffs/NL/TNM/T1")]
    assert await newest.node.store.read(lambda tx: tx.cursors.refused()) == []


async def test_an_object_that_fails_while_others_pass_is_given_up_and_listed(newest: World) -> None:
    newest.played.broken = "/BAD"
    await own(newest.node, "tariffs", ours(said.tariff("BAD")))
    for number in range(4):
        await newest.wait(5)
        await own(newest.node, "tariffs", ours(said.tariff(f"T{number}")))
    await newest.settle()
    refused = await newest.node.store.read(lambda tx: tx.cursors.refused())
    assert [row.reason for row in refused] == ["HTTP 500, OCPI 3000"]
    # It is tried again and fails alone: nobody else waits for it.
    assert await newest.wait(11) == [("PUT", "tariffs/NL/TNM/BAD")]
    await own(newest.node, "tariffs", ours(said.tariff("T4")))
    assert await newest.settle() == [("PUT", "tariffs/NL/TNM/T4")]


async def test_after_a_restart_nothing_is_left_out_and_what_was_level_is_not_sent_again(newest: World) -> None:
    await own(newest.node, "tariffs", ours(said.tariff("T1")))
    await newest.settle()
    newest.played.down = True
    await own(newest.node, "tariffs", ours(said.tariff("T2")))
    await newest.settle()
    await newest.restart()
    newest.played.down = False
    assert await newest.wait(1000) == [("PUT", "tariffs/NL/TNM/T2")]


@pytest.mark.req("CDR-007", "CDR-010", "CDR-011")
async def test_a_cdr_is_posted_to_the_plain_url_and_its_place_is_kept(world: World) -> None:
    world.played.answers.append(says(1000, 201, location="somewhere/C1"))
    connection = world.partner.connection
    key = await own(world.node, "cdrs", ours(said.cdr()), audience=connection.id)
    ((method, path),) = await world.settle()
    assert method == "POST" and path.endswith("cdrs")
    stored = await world.node.store.read(lambda tx: tx.objects.get(key))
    assert stored is not None
    url = await world.node.store.read(lambda tx: tx.cursors.delivered_at(connection.id, stored.pk))
    assert url == f"{connection.endpoint('cdrs', 'RECEIVER')}/somewhere/C1"


@pytest.mark.req("CDR-025")
async def test_a_cdr_of_somebody_else_is_not_sent(newest: World) -> None:
    await own(newest.node, "cdrs", ours(said.cdr()), audience=newest.partner.connection.id + 1)
    assert await newest.settle() == []


@pytest.mark.req("SES-027")
async def test_a_period_that_was_sent_and_is_rewritten_goes_as_a_put_of_the_whole_session(newest: World) -> None:
    period = {"start_date_time": newest.clock.text(), "dimensions": [{"type": "ENERGY", "volume": 1}]}
    session = ours(said.session(status="ACTIVE", charging_periods=[period]))
    audience = newest.partner.connection.id
    await own(newest.node, "sessions", session, audience=audience)
    await newest.settle()
    for periods in ([{**period, "dimensions": [{"type": "ENERGY", "volume": 2}]}], []):
        newest.clock.move(5)
        session = {**session, "charging_periods": periods, "last_updated": newest.clock.text()}
        await own(newest.node, "sessions", session, audience=audience)
        await newest.settle()
        assert [(method, body["charging_periods"]) for method, _, body in newest.played.told] == [("PUT", periods)]


async def test_a_session_is_put_when_a_period_was_added_and_patched_otherwise(newest: World) -> None:
    session = ours(said.session(status="ACTIVE"))
    save = {"audience": newest.partner.connection.id}
    await own(newest.node, "sessions", session, **save)
    assert [verb for verb, _ in await newest.settle()] == ["PUT"]
    newest.clock.move(5)
    session = {**session, "kwh": session["kwh"] + 1, "last_updated": newest.clock.text()}
    await own(newest.node, "sessions", session, **save)
    await newest.settle()
    ((method, _, body),) = newest.played.told
    assert method == "PATCH" and set(body) == {"kwh", "last_updated"}
    newest.clock.move(5)
    period = {"start_date_time": newest.clock.text(), "dimensions": [{"type": "ENERGY", "volume": 1}]}
    session = {**session, "charging_periods": [*session.get("charging_periods", ()), period], "last_updated": newest.clock.text()}
    await own(newest.node, "sessions", session, **save)
    assert [verb for verb, _ in await newest.settle()] == ["PUT"]


@pytest.mark.req("SES-014", versions="2.2.1|2.3.0")
@pytest.mark.parametrize(("code", "http"), [(2003, 404), (2003, 200), (1000, 404)])
async def test_a_patch_of_a_session_that_the_partner_does_not_have_becomes_a_put_of_all_of_it(newest: World, code: int, http: int) -> None:
    """Its answer says that it is absent, so that nothing needs to be fetched to know."""
    session = ours(said.session(status="ACTIVE"))
    save = {"audience": newest.partner.connection.id}
    await own(newest.node, "sessions", session, **save)
    await newest.settle()
    newest.clock.move(5)
    session = {**session, "kwh": session["kwh"] + 1, "last_updated": newest.clock.text()}
    newest.played.answers.append(says(code, http))
    await own(newest.node, "sessions", session, **save)
    assert [verb for verb, _ in await newest.settle()] == ["PATCH", "PUT"]
    assert newest.played.told[-1][2]["kwh"] == session["kwh"]


async def test_what_a_partner_may_no_longer_see_is_ended_once(newest: World) -> None:
    location = await own(newest.node, "locations", ours(said.location()))
    tariff = await own(newest.node, "tariffs", ours(said.tariff()))
    await newest.settle()

    async def hide(tx: Any) -> None:
        for key in (location, tariff):
            stored = await tx.objects.get(key)
            await tx.objects.set_audience(stored.pk, 4711)

    await newest.node.store.write(hide)
    await newest.settle()
    told = sorted(newest.played.told, key=lambda one: one[0])
    assert [(method, path) for method, path, _ in told] == [("DELETE", "tariffs/NL/TNM/T1"), ("PUT", "locations/NL/TNM/L1")]
    assert {evse["status"] for evse in told[1][2]["evses"]} == {"REMOVED"}
    assert await newest.wait(1000) == []


@pytest.fixture(params=["2.2.1", "2.3.0"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, request.param, hub="BEHUB") as made:
        yield made


def addressed(world: World) -> list[tuple[str, str, str]]:
    """Module, TO and FROM of every push."""

    def party(request: Request, side: str) -> str:
        return request.headers.get(f"ocpi-{side}-country-code", "") + request.headers.get(f"ocpi-{side}-party-id", "")

    sent = world.node.client.transport.sent  # type: ignore[attr-defined]
    return [(one.url.split("/receiver/")[1].split("/")[0].split("?")[0], party(one, "to"), party(one, "from")) for one in sent]


@pytest.mark.req("TRN-064", "TRN-071", "TRN-072", "TRN-060")
async def test_behind_a_hub_locations_are_for_all_and_sessions_and_cdrs_for_the_one_they_concern(hub: World) -> None:
    audience = hub.partner.connection.id
    await own(hub.node, "locations", ours(said.location()))
    await own(hub.node, "tokens", ours(said.token(), EMSP))
    await own(hub.node, "sessions", ours(said.session()), audience=audience)
    await own(hub.node, "cdrs", ours(said.cdr()), audience=audience)
    await hub.settle()
    token = said.session()["cdr_token"]
    concerned = token["country_code"] + token["party_id"]
    assert sorted(addressed(hub)) == [
        ("cdrs", concerned, "NLTNM"),
        ("locations", "BEHUB", "NLTNM"),
        ("sessions", concerned, "NLTNM"),
        ("tokens", "BEHUB", "DEABC"),
    ]
    assert "GET" not in {verb for verb, _ in hub.played.verbs()}


@pytest.mark.req("TRN-060")
@pytest.mark.parametrize("number", ["2.2.1", "2.3.0"])
async def test_of_a_platform_with_several_emsps_a_session_and_a_cdr_are_for_the_one_they_concern(tmp_path: Path, number: str) -> None:
    async with opened(tmp_path, number) as world:
        connection, token = world.partner.connection, said.session()["cdr_token"]
        concerned = {name: token[name] for name in ("country_code", "party_id")}
        roles = [{"role": "EMSP", "country_code": "BE", "party_id": "XYZ"}, {"role": "EMSP", **concerned}]
        await world.node.directory.write(lambda tx: tx.partners.change(connection.id, credentials={"roles": roles}))
        await world.settle()
        await own(world.node, "sessions", ours(said.session()), audience=connection.id)
        await own(world.node, "cdrs", ours(said.cdr()), audience=connection.id)
        await world.wait(1000)
        assert {(what, to) for what, to, _ in addressed(world)} == {(what, "".join(concerned.values())) for what in ("sessions", "cdrs")}


@pytest.mark.req("TRN-060")
async def test_a_cdr_is_looked_for_at_the_party_behind_the_hub_that_it_concerns(hub: World) -> None:
    await own(hub.node, "cdrs", ours(said.cdr()), audience=hub.partner.connection.id)
    hub.played.answers.append(says(2001, 409))
    await hub.settle()
    sent = hub.node.client.transport.sent  # type: ignore[attr-defined]
    concerned = said.cdr()["cdr_token"]["party_id"]
    assert {(one.headers["ocpi-to-party-id"], one.headers["ocpi-from-party-id"]) for one in sent} == {(concerned, "TNM")}
    assert "GET" in {one.method for one in sent}


@pytest.mark.parametrize("code", [4001, 4002, 4003])
async def test_a_party_that_the_hub_cannot_reach_keeps_nobody_else_waiting(hub: World, code: int) -> None:
    """It is tried again soon, apart from the rest; what is for all and does not pass is the hub's own fault."""
    await own(hub.node, "cdrs", ours(said.cdr()), audience=hub.partner.connection.id)
    await own(hub.node, "sessions", ours(said.session()), audience=hub.partner.connection.id)
    hub.played.answers.extend([says(code), says(code, 502)])
    await hub.settle()
    lane = hub.push.lanes[hub.partner.connection.id]
    assert (lane.failures, len(await hub.node.store.read(lambda tx: tx.cursors.refused()))) == (0, 2)
    await own(hub.node, "locations", ours(said.location()))
    assert await hub.settle() == [("PUT", "locations/NL/TNM/L1")]
    assert {verb for verb, _ in [*await hub.wait(10), *await hub.settle()]} == {"POST", "PUT"}
    assert await hub.node.store.read(lambda tx: tx.cursors.refused()) == []
    hub.played.answers.append(says(code))
    await own(hub.node, "locations", ours(said.location("L2")))
    await hub.settle()
    assert lane.failures == 1


@pytest.mark.req("HCI-012")
async def test_sessions_and_cdrs_wait_for_a_party_behind_the_hub_that_is_away_and_nothing_else_does(hub: World) -> None:
    country, party = (said.session()["cdr_token"][name] for name in ("country_code", "party_id"))

    async def say(status: str) -> None:
        hub.clock.move(1)
        client = {"country_code": country, "party_id": party, "role": "EMSP", "status": status, "last_updated": hub.clock.text()}
        assert (await hub.partner.send("PUT", f"hubclientinfo/{country}/{party}", client)).ok

    await say("OFFLINE")
    await own(hub.node, "cdrs", ours(said.cdr()), audience=hub.partner.connection.id)
    await own(hub.node, "locations", ours(said.location()))
    assert await hub.settle() == [("PUT", "locations/NL/TNM/L1")]
    (refused,) = await hub.node.store.read(lambda tx: tx.cursors.refused())
    assert f"{country}-{party} is offline" in refused.reason
    assert refused.next_at - hub.node.clock() == 3_600_000_000, "it is no fault that passes; the hub's list tells when it is back"
    await say("CONNECTED")
    await hub.settle()
    assert [*await hub.wait(10), *await hub.settle()] == [("POST", "cdrs")]
    assert await hub.node.store.read(lambda tx: tx.cursors.refused()) == []


async def test_after_a_change_of_version_the_partner_has_time_to_read_our_answer(newest: World) -> None:
    await own(newest.node, "locations", ours(said.location()))
    await newest.settle()
    number = newest.partner.connection.id
    await newest.node.directory.write(lambda tx: tx.partners.change(number, version="2.2.1"))
    assert await newest.settle() == []
    assert await newest.wait(SETTLE) == [("PUT", "locations/NL/TNM/L1")]


async def gold(world: World, step: Any) -> None:
    await step(world.node.directory, "gold", world.node.directory.by_id(world.partner.connection.id))


async def for_gold(world: World) -> None:
    """Two Locations and a Tariff that are not for everybody, and a Location that is."""
    await own(world.node, "tariffs", ours(said.tariff()))
    for name in ("L1", "L2", "L3"):
        await own(world.node, "locations", {**ours(said.location()), "id": name})
    directory = world.node.directory
    assert await audiences.show_to(directory, "locations", "gold", frozenset({"l1", "l2"}), None) == 2
    assert await audiences.show_to(directory, "tariffs", "gold", None, ("NL", "TNM")) == 1


async def test_who_joins_an_audience_is_told_of_its_objects_once(newest: World) -> None:
    await for_gold(newest)
    await newest.settle()
    await gold(newest, audiences.join)
    told = [("PUT", "locations/NL/TNM/L1"), ("PUT", "locations/NL/TNM/L2"), ("PUT", "tariffs/NL/TNM/T1")]
    assert sorted(await newest.settle()) == told
    await newest.restart()
    assert await newest.wait(1000) == []


async def test_who_leaves_an_audience_no_longer_has_its_objects(newest: World) -> None:
    await for_gold(newest)
    await gold(newest, audiences.join)
    await newest.settle()
    await gold(newest, audiences.leave)
    told = [("DELETE", "tariffs/NL/TNM/T1"), ("PUT", "locations/NL/TNM/L1"), ("PUT", "locations/NL/TNM/L2")]
    assert sorted(await newest.settle()) == told
    ended = [one for one in newest.played.told if one[0] == "PUT"]
    assert {evse["status"] for _, _, document in ended for evse in document["evses"]} == {"REMOVED"}


async def test_leaving_an_audience_is_not_forgotten_while_the_node_or_the_partner_is_away(newest: World) -> None:
    await for_gold(newest)
    await gold(newest, audiences.join)
    await newest.settle()
    newest.played.down = True
    await gold(newest, audiences.leave)
    await newest.settle()
    await newest.restart()
    newest.played.down = False
    assert len(await newest.wait(1000)) == 3
    assert await newest.node.store.read(lambda tx: tx.cursors.resyncs()) == []


async def test_a_removed_tariff_is_deleted_at_the_partner(newest: World) -> None:
    tariff = await own(newest.node, "tariffs", ours(said.tariff()))
    await newest.settle()
    await newest.node.store.write(lambda tx: tx.objects.remove(tariff))
    assert await newest.settle() == [("DELETE", "tariffs/NL/TNM/T1")]


async def test_after_a_suspension_a_partner_is_told_of_what_has_changed_meanwhile(newest: World) -> None:
    await suspend(newest.node.directory, newest.partner.connection.id)
    await newest.settle()
    await own(newest.node, "locations", ours(said.location()))
    assert await newest.settle() == []
    await newest.restart()
    await resume(newest.node.directory, newest.partner.connection.id)
    assert await newest.settle() == [("PUT", "locations/NL/TNM/L1")]


@pytest.mark.req("TOK-038")
async def test_an_emaid_is_not_pushed(newest: World) -> None:
    await own(newest.node, "tokens", ours(said.token(type="EMAID"), EMSP))
    assert await newest.settle() == []


@pytest.mark.req("SES-028")
async def test_2_1_1_is_told_of_every_change_of_a_session_by_put(tmp_path: Path) -> None:
    world = await world_of(tmp_path, "2.1.1")
    await own(world.node, "locations", ours(said.location(said.session()["location_id"])))
    session, audience = ours(said.session(status="ACTIVE")), world.partner.connection.id
    for kwh in (1, 2):
        world.clock.move(5)
        session = {**session, "kwh": kwh, "last_updated": world.clock.text()}
        await own(world.node, "sessions", session, audience=audience)
        assert [verb for verb, path in await world.settle() if "sessions" in path] == ["PUT"]
    await world.push.stop()
    await close(world.node)


async def test_news_of_another_partner_do_not_disturb_what_is_under_way(newest: World) -> None:
    lane = newest.push.lanes[newest.partner.connection.id]
    other_partner = await befriend(newest.node, "2.2.1", name="other", parties=(("EMSP", "FR", "OTH"),))
    await newest.push.tick()
    assert newest.push.lanes[newest.partner.connection.id] is lane
    assert lane.connection is newest.node.directory.by_id(lane.connection.id)
    assert other_partner.connection.id in newest.push.lanes


@pytest.mark.req("TYP-009")
async def test_where_times_are_whole_seconds_no_two_states_carry_the_same_one(world: World) -> None:
    """Else the older of the two, when it arrives late, would be taken for as new as the newer."""
    key = await own(world.node, "locations", ours(said.location()))
    await world.settle()
    values = iter(["CHARGING", "BLOCKED", "AVAILABLE"])

    async def change() -> None:
        moment = world.clock.now
        evse = await world.node.store.read(lambda tx: tx.objects.get_evse(key, "E1"))
        assert evse is not None
        document = {**evse.document, "status": next(values), "last_updated": world.clock.text()}
        await world.node.store.write(lambda tx: tx.objects.save_evse(key, "E1", document, last_updated=moment))

    async def rest(seconds: float) -> None:
        """It changes once more before the second is over."""
        world.clock.move(0.3)
        await change()
        await world.push.tick()
        world.clock.move(seconds - 0.3)

    world.push.lanes[world.partner.connection.id].delivery.rest = rest
    world.clock.move(1.1)
    await change()
    whole = world.partner.version == "2.1.1"
    assert await world.settle() == [("PATCH", world.played.told[0][1])]
    assert world.played.told[0][2]["status"] == ("BLOCKED" if whole else "CHARGING")
    world.clock.move(5)
    await change()
    world.clock.move(5)
    await world.settle()
    assert [body["status"] for _, _, body in world.played.told] == ["AVAILABLE" if whole else "BLOCKED"]


async def test_what_changes_again_while_another_evse_of_its_location_waits_for_its_second_is_told(tmp_path: Path) -> None:
    world = await world_of(tmp_path, "2.1.1")
    key = await own(world.node, "locations", ours(said.location(evses=[said.evse("E1"), said.evse("E2")])))
    await world.settle()
    world.clock.move(1.1)

    async def change(uid: str, status: str) -> None:
        evse = await world.node.store.read(lambda tx: tx.objects.get_evse(key, uid))
        assert evse is not None
        document = {**evse.document, "status": status, "last_updated": world.clock.text()}
        await world.node.store.write(lambda tx: tx.objects.save_evse(key, uid, document, last_updated=world.clock.now))

    waited: list[float] = []

    async def rest(seconds: float) -> None:
        waited.append(seconds)
        world.clock.move(seconds)
        if len(waited) == 2:  # E1 has been sent, E2 is about to be
            await change("E1", "OUTOFORDER")
            await world.push.tick()

    world.push.lanes[world.partner.connection.id].delivery.rest = rest
    await change("E1", "CHARGING")
    world.clock.move(1.1)
    await change("E2", "CHARGING")
    # Both of them are of a second that has not passed for this process.
    world.clock.move(-2.2)
    told: list[tuple[str, str]] = []
    for _ in range(3):
        await world.settle()
        told += [(path.rsplit("/", 1)[-1], body["status"]) for _, path, body in world.played.told]
        world.clock.move(5)
    assert [status for uid, status in told if uid == "E1"][-1] == "OUTOFORDER"
    assert [status for uid, status in told if uid == "E2"][-1] == "CHARGING"
    await world.push.stop()
    await close(world.node)


async def test_the_same_holds_where_the_clock_of_another_process_lies_ahead(tmp_path: Path) -> None:
    world = await world_of(tmp_path, "2.1.1")
    key = await own(world.node, "tokens", ours(said.token(), EMSP))
    await world.settle()
    said_at: list[str] = []

    async def change(name: str) -> None:
        moment = world.clock.now + 90_000_000
        document = ours(said.token(visual_number=name, last_updated=world.clock.text(90)), EMSP)
        await world.node.store.write(lambda tx: tx.objects.save(key, document, last_updated=moment))

    async def rest(seconds: float) -> None:
        if not said_at:
            await change("second")
            await world.push.tick()
        said_at.append(world.clock.text())
        world.clock.move(seconds)

    world.push.lanes[world.partner.connection.id].delivery.rest = rest
    await change("first")
    await world.settle()
    assert [body["visual_number"] for _, _, body in world.played.told] == ["second"]
    await world.push.stop()
    await close(world.node)


@pytest.mark.parametrize("version", ["2.1.1", "2.3.0"])
async def test_a_partner_is_told_of_the_party_that_the_connection_was_set_up_for_alone(tmp_path: Path, version: str) -> None:
    async with opened(tmp_path, version, our_party=("NL", "SEC")) as world:
        second = ("CPO", "NL", "SEC")
        await world.node.directory.write(lambda tx: tx.parties.add(*second))
        for party, name in ((CPO, "L1"), (second, "L2")):
            await own(world.node, "locations", {**ours(said.location(), party), "id": name})
        world.clock.move(1)
        assert await world.settle() == [("PUT", "locations/NL/SEC/L2")]
