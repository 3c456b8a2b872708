"""Locations, EVSEs and Connectors as their receiver, over every version."""

from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.store.keys import Key
from interplug.versions.table import VERSIONS
from tests.modules.said import Document, connector, evse, location, said, theirs
from tests.nodes import Answer, Clock, Partner, befriend

URL = "locations/BE/XYZ/L1"


async def held(node: Node, partner: Partner, name: str = "L1") -> Document:
    """What we hold of the partner's Location, in the newest form."""
    stored = await node.store.read(lambda tx: tx.objects.get(Key("locations", partner.connection.id, "BE", "XYZ", name)))
    assert stored is not None
    return stored.document


async def put(partner: Partner, kind: str = "location", document: Document | None = None, url: str = URL) -> Answer:
    answer = await partner.send("PUT", url, said(kind, document or theirs(location()), partner.version))
    assert answer.ok, answer.message
    return answer


async def patch(partner: Partner, url: str, document: Document) -> Answer:
    answer = await partner.send("PATCH", url, document)
    assert answer.ok, answer.message
    return answer


# --- whole Locations


@pytest.mark.req("LOC-015", "LOC-017", "STS-005", "STS-006", "TRN-043")
async def test_put_creates_and_replaces(partner: Partner) -> None:
    document = said("location", theirs(location()), partner.version)
    first = await partner.send("PUT", URL, document)
    again = await partner.send("PUT", URL, {**document, "name": "Other"})
    assert (first.http, first.code, again.http, again.code) == (201, 1000, 200, 1000)
    assert (await partner.send("GET", URL)).data["name"] == "Other"


@pytest.mark.req("LOC-016", "STS-004")
async def test_get_shows_what_the_url_addresses_or_404(partner: Partner) -> None:
    await put(partner)
    shown = [(await partner.send("GET", URL + below)).data for below in ("", "/E1", "/E1/1")]
    assert [one.get("id") or one["uid"] for one in shown] == ["L1", "E1", "1"]
    missing = [await partner.send("GET", path) for path in ("locations/BE/XYZ/L2", URL + "/E2", URL + "/E1/2")]
    assert [(one.http, one.code) for one in missing] == [(404, 2003)] * 3


@pytest.mark.req("LOC-016")
async def test_what_was_put_comes_back_as_it_was_said(partner: Partner, version: str) -> None:
    document = said(
        "location", theirs(location(images=[{"url": "https://x.example/a.png", "category": "CHARGER", "type": "png"}])), version
    )
    await partner.send("PUT", URL, document)
    assert (await partner.send("GET", URL)).data == document


@pytest.mark.req("TRN-039", "LOC-017")
async def test_put_unsets_optional_fields_that_are_absent(node: Node, partner: Partner) -> None:
    await put(partner, document={**theirs(location()), "name": "Named"})
    await put(partner)
    assert "name" not in await held(node, partner)


@pytest.mark.req("LOC-003", "LOC-005")
async def test_an_evse_that_a_put_leaves_out_is_removed_and_stays_retrievable(partner: Partner, clock: Clock) -> None:
    await put(partner, document=theirs(location(evses=[evse("E1"), evse("E2")])))
    await put(partner, document=theirs(location(evses=[evse("E1")], last_updated=clock.text(60))))
    assert (await partner.send("GET", URL + "/E2")).data["status"] == "REMOVED"
    assert (await partner.send("GET", URL + "/E1")).data["status"] == "AVAILABLE"


@pytest.mark.req("LOC-005", "LOC-003")
async def test_a_removed_evse_stays_retrievable(partner: Partner, clock: Clock) -> None:
    await put(partner)
    await patch(partner, URL + "/E1", {"status": "REMOVED", "last_updated": clock.text(1)})
    assert (await partner.send("GET", URL)).data["evses"][0]["status"] == "REMOVED"


@pytest.mark.req("LOC-015", "TRN-045", "STS-013")
async def test_post_and_delete_are_not_available(partner: Partner) -> None:
    await put(partner)
    answers = [await partner.send(method, URL) for method in ("POST", "DELETE")]
    assert [(one.http, one.headers["allow"]) for one in answers] == [(405, "GET, PATCH, PUT")] * 2


# --- children


@pytest.mark.req("LOC-018", "STS-005", "STS-006")
async def test_put_adds_and_replaces_children_beside_their_siblings(node: Node, partner: Partner, version: str) -> None:
    await put(partner)
    added = await partner.send("PUT", URL + "/E2", said("evse", evse("E2"), version))
    replaced = await partner.send("PUT", URL + "/E2", said("evse", evse("E2", status="CHARGING"), version))
    plug = await partner.send("PUT", URL + "/E2/2", said("connector", connector("2"), version))
    assert (added.http, replaced.http, plug.http) == (201, 200, 201)
    evses = (await held(node, partner))["evses"]
    assert [(one["uid"], one["status"], [plug["id"] for plug in one["connectors"]]) for one in evses] == [
        ("E1", "AVAILABLE", ["1"]),
        ("E2", "CHARGING", ["1", "2"]),
    ]


@pytest.mark.req("LOC-044")
async def test_equal_connector_ids_under_different_evses_are_different_connectors(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document=theirs(location(evses=[evse("E1"), evse("E2")])))
    await patch(partner, URL + "/E2/1", {"format": "CABLE", "last_updated": clock.text(1)})
    assert [one["connectors"][0]["format"] for one in (await held(node, partner))["evses"]] == ["SOCKET", "CABLE"]


@pytest.mark.req("LOC-023", "STS-016")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_child_of_an_unknown_parent_is_404_and_creates_nothing(partner: Partner, version: str, method: str) -> None:
    one = await partner.send(method, URL + "/E1", said("evse", evse(), version))
    await put(partner)
    other = await partner.send(method, URL + "/E9/1", said("connector", connector(), version))
    assert [(one.http, one.code), (other.http, other.code)] == [(404, 2003)] * 2
    assert (await partner.send("GET", URL + "/E9")).http == 404


@pytest.mark.req("LOC-020", "LOC-028", "LOC-010")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_evse_raises_its_location(node: Node, partner: Partner, clock: Clock, version: str, method: str) -> None:
    await put(partner)
    at = clock.text(60)
    document = said("evse", evse(last_updated=at), version) if method == "PUT" else {"status": "BLOCKED", "last_updated": at}
    assert (await partner.send(method, URL + "/E1", document)).ok
    assert (await held(node, partner))["last_updated"] == at


@pytest.mark.req("LOC-019", "LOC-027", "LOC-011")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_connector_raises_its_evse_and_location(node: Node, partner: Partner, clock: Clock, version: str, method: str) -> None:
    await put(partner)
    at = clock.text(60)
    document = said("connector", connector(last_updated=at), version) if method == "PUT" else {"format": "CABLE", "last_updated": at}
    assert (await partner.send(method, URL + "/E1/1", document)).ok
    now = await held(node, partner)
    assert now["last_updated"] == now["evses"][0]["last_updated"] == at


@pytest.mark.req("LOC-020", "LOC-028")
async def test_a_late_child_never_lowers_its_parents(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document=theirs(location(evses=[evse("E1"), evse("E2")], last_updated=clock.text(90))))
    await patch(partner, URL + "/E2", {"status": "CHARGING", "last_updated": clock.text(30)})
    now = await held(node, partner)
    assert now["last_updated"] == clock.text(90)
    assert now["evses"][1]["status"] == "CHARGING"


# --- PATCH


@pytest.mark.req("TRN-041", "LOC-024")
async def test_patch_leaves_absent_fields_alone(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document={**theirs(location()), "name": "Station"})
    before = await held(node, partner)
    await patch(partner, URL, {"city": "Gent", "last_updated": clock.text(1)})
    assert await held(node, partner) == {**before, "city": "Gent", "last_updated": clock.text(1)}


@pytest.mark.req("TRN-041")
async def test_patch_replaces_plain_lists_and_nested_objects_as_a_whole(node: Node, partner: Partner, clock: Clock) -> None:
    await put(
        partner, document={**theirs(location()), "facilities": ["HOTEL", "WIFI"], "operator": {"name": "A", "website": "https://a.example"}}
    )
    await patch(partner, URL, {"facilities": ["CAFE"], "operator": {"name": "B"}, "last_updated": clock.text(1)})
    now = await held(node, partner)
    assert (now["facilities"], now["operator"]) == (["CAFE"], {"name": "B"})


@pytest.mark.req("TRN-041", "LOC-018")
async def test_patch_merges_evses_by_uid_and_never_drops_siblings(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document=theirs(location(evses=[evse("E1"), evse("E2")])))
    at = clock.text(1)
    await patch(partner, URL, {"evses": [{"uid": "e2", "status": "CHARGING", "last_updated": at}], "last_updated": at})
    assert [(one["uid"], one["status"]) for one in (await held(node, partner))["evses"]] == [("E1", "AVAILABLE"), ("E2", "CHARGING")]


@pytest.mark.req("LOC-025", versions="2.2.1|2.3.0")
@pytest.mark.req("LOC-026", versions="2.1.1")
@pytest.mark.parametrize("below", ["", "/E1", "/E1/1"])
async def test_patch_without_last_updated(node: Node, partner: Partner, version: str, below: str) -> None:
    await put(partner)
    before = await held(node, partner)
    answer = await partner.send(
        "PATCH", URL + below, {"status": "BLOCKED"} if below == "/E1" else {"format": "CABLE"} if below else {"city": "Gent"}
    )
    if VERSIONS[version].patch_needs_last_updated:
        assert (answer.http, answer.code) == (200, 2001)
        assert "last_updated" in (answer.message or "")
        assert await held(node, partner) == before
    else:
        assert answer.ok
        assert await held(node, partner) != before


@pytest.mark.req("LOC-023")
async def test_patch_of_an_unknown_location_is_404(partner: Partner, clock: Clock) -> None:
    answer = await partner.send("PATCH", URL, {"city": "Gent", "last_updated": clock.text()})
    assert (answer.http, answer.code) == (404, 2003)
    assert (await partner.send("GET", URL)).http == 404


async def test_null_changes_nothing_for_an_optional_field_and_is_refused_for_a_required_one(
    node: Node, partner: Partner, clock: Clock
) -> None:
    await put(partner, document={**theirs(location()), "name": "Station"})
    await patch(partner, URL, {"name": None, "last_updated": clock.text(1)})
    refused = await partner.send("PATCH", URL, {"city": None, "last_updated": clock.text(2)})
    assert (refused.http, refused.code) == (200, 2001)
    assert "$.city" in (refused.message or "")
    assert (await held(node, partner))["name"] == "Station"


@pytest.mark.req("TRN-039")
async def test_null_in_a_put_is_absence_at_any_depth(node: Node, partner: Partner, version: str) -> None:
    document = said("location", theirs(location()), version)
    evses = [{**document["evses"][0], "floor_level": None}]
    assert (await partner.send("PUT", URL, {**document, "name": None, "evses": evses})).ok
    now = await held(node, partner)
    assert "name" not in now and "floor_level" not in now["evses"][0]


async def test_a_patch_cannot_take_all_connectors_of_an_evse(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner)
    before, at = await held(node, partner), clock.text(1)
    refused = [
        await partner.send("PATCH", URL + "/E1", {"connectors": [], "last_updated": at}),
        await partner.send("PATCH", URL, {"evses": [{"uid": "E1", "connectors": [], "last_updated": at}], "last_updated": at}),
    ]
    assert [(one.http, one.code) for one in refused] == [(200, 2001)] * 2
    assert all("connectors: needs at least one entry" in (one.message or "") for one in refused)
    assert await held(node, partner) == before


@pytest.mark.req("LOC-003")
async def test_an_empty_list_of_evses_in_a_patch_names_none_and_so_changes_none(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner)
    before = await held(node, partner)
    await patch(partner, URL, {"evses": [], "last_updated": clock.text(1)})
    assert (await held(node, partner))["evses"] == before["evses"]


async def test_a_patch_with_only_a_time_is_a_touch(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner)
    await patch(partner, URL, {"last_updated": clock.text(5)})
    assert (await held(node, partner))["last_updated"] == clock.text(5)


# --- what is refused


@pytest.mark.req("TRN-047", "LOC-021")
@pytest.mark.parametrize(("field", "value"), [("id", "L2"), ("country_code", "NL"), ("party_id", "ABC")])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_ids_that_contradict_the_url_are_2001(partner: Partner, version: str, field: str, value: str, method: str) -> None:
    await put(partner)
    document: dict[str, Any] = {**said("location", theirs(location()), version), field: value}
    answer = await partner.send(method, URL, document)
    assert (answer.http, answer.code) == (200, 2001)
    assert f"$.{field}" in (answer.message or "")


@pytest.mark.req("TRN-059")
async def test_ids_are_compared_without_case_and_kept_as_first_received(node: Node, partner: Partner, clock: Clock, version: str) -> None:
    await put(partner)
    url = "locations/be/xyz/l1"
    assert (await partner.send("PATCH", url, {"id": "l1", "last_updated": clock.text(1)})).ok
    assert (await partner.send("PATCH", url + "/e1", {"uid": "e1", "last_updated": clock.text(1)})).ok
    now = await held(node, partner)
    assert (now["party_id"], now["id"], now["evses"][0]["uid"]) == ("XYZ", "L1", "E1")
    assert (
        await partner.send("PUT", url, {**said("location", theirs(location(last_updated=clock.text(2))), version), "id": "l1"})
    ).http == 200
    assert (await held(node, partner))["party_id"] == "XYZ"


@pytest.mark.req("TRN-046")
@pytest.mark.parametrize("owner", ["NL/TNM", "FR/ABC", "DE/ABC"])
async def test_a_foreign_party_or_our_own_is_refused(partner: Partner, version: str, owner: str) -> None:
    country, party = owner.split("/")
    document = {**location(), "country_code": country, "party_id": party}
    answer = await partner.send("PUT", f"locations/{owner}/L1", said("location", document, version))
    assert (answer.http, answer.code) == (404, 2000)


@pytest.mark.req("LOC-022", "STS-002", "STS-014", "TRN-038")
@pytest.mark.parametrize("field", ["address", "city", "coordinates", "last_updated"])
async def test_a_missing_field_is_2001_with_its_path_and_stores_nothing(partner: Partner, version: str, field: str) -> None:
    document = said("location", theirs(location()), version)
    del document[field]
    answer = await partner.send("PUT", URL, document)
    assert (answer.http, answer.code) == (200, 2001)
    assert f"$.{field}" in (answer.message or "")
    assert (await partner.send("GET", URL)).http == 404


async def test_what_arrives_late_is_not_applied_and_counted(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document={**theirs(location()), "city": "Gent", "last_updated": clock.text(60)})
    late = await partner.send("PUT", URL, said("location", theirs(location()), partner.version))
    assert late.ok
    assert (await held(node, partner))["city"] == "Gent"
    assert await node.store.read(lambda tx: tx.objects.stale("locations", partner.connection.id)) == 1


async def test_a_late_patch_of_a_location_is_not_applied_however_new_its_evses_are(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner)
    await patch(partner, URL, {"name": "New", "last_updated": clock.text(60)})
    await patch(partner, URL + "/E1", {"status": "BLOCKED", "last_updated": clock.text(90)})
    before = await held(node, partner)
    for seconds in (59, 1, -5000):
        await patch(partner, URL, {"name": "Old", "last_updated": clock.text(seconds)})
        await patch(partner, URL, {"evses": [{"uid": "E1", "status": "AVAILABLE"}], "last_updated": clock.text(seconds)})
    assert await held(node, partner) == before
    assert (before["name"], before["last_updated"]) == ("New", clock.text(90))
    assert await node.store.read(lambda tx: tx.objects.stale("locations", partner.connection.id)) == 6


async def test_a_patch_of_a_location_that_an_evse_has_overtaken_is_not_lost(node: Node, partner: Partner, clock: Clock) -> None:
    """The name changed before the status did; the messages came in the other order. What is newer stays as it is, the times too."""
    await put(partner)
    await patch(partner, URL + "/E1", {"status": "BLOCKED", "last_updated": clock.text(60)})
    overtaken = {"name": "New", "evses": [{"uid": "E1", "status": "AVAILABLE"}], "last_updated": clock.text(50)}
    await patch(partner, URL, overtaken)
    now = await held(node, partner)
    assert (now["name"], now["evses"][0]["status"]) == ("New", "BLOCKED")
    assert now["last_updated"] == now["evses"][0]["last_updated"] == clock.text(60)
    older = theirs(location(evses=[evse(last_updated=clock.text(40))], last_updated=clock.text(40)))
    await put(partner, document={**older, "name": "Older"})
    assert await held(node, partner) == now


async def test_a_location_that_an_evse_has_overtaken_is_not_lost(node: Node, partner: Partner, clock: Clock) -> None:
    """As by PATCH. An EVSE that the older Location could not know of is not taken away by its silence."""
    await put(partner, document=theirs(location(evses=[evse("E1"), evse("E2")])))
    await put(partner, "evse", evse("E3", last_updated=clock.text(70)), URL + "/E3")
    await patch(partner, URL + "/E1", {"status": "BLOCKED", "last_updated": clock.text(60)})
    whole = theirs(location(evses=[evse("E1")], last_updated=clock.text(50)))
    await put(partner, document={**whole, "name": "New"})
    now = await held(node, partner)
    assert (now["name"], now["last_updated"]) == ("New", clock.text(70))
    assert {one["uid"]: one["status"] for one in now["evses"]} == {"E1": "BLOCKED", "E2": "REMOVED", "E3": evse()["status"]}
    await put(partner, document={**whole, "name": "Older", "last_updated": clock.text(49)})
    assert await held(node, partner) == now


async def test_a_location_that_says_nothing_new_tells_how_new_it_is(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document={**theirs(location()), "name": "New"})
    await patch(partner, URL + "/E1", {"status": "BLOCKED", "last_updated": clock.text(60)})
    now = await held(node, partner)
    same = [{**now["evses"][0]}]
    await put(partner, document={**theirs(location(evses=same, last_updated=clock.text(60))), "name": "New"})
    await put(partner, document={**theirs(location(last_updated=clock.text(50))), "name": "Older"})
    assert await held(node, partner) == now


async def test_a_patch_that_changes_nothing_tells_how_new_the_location_is(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner, document={**theirs(location()), "name": "New"})
    await patch(partner, URL + "/E1", {"status": "BLOCKED", "last_updated": clock.text(60)})
    await patch(partner, URL, {"name": "New", "last_updated": clock.text(50)})
    await patch(partner, URL, {"name": "Old", "last_updated": clock.text(40)})
    assert (await held(node, partner))["name"] == "New"


async def test_a_clock_that_was_far_ahead_freezes_nothing(node: Node, partner: Partner, clock: Clock) -> None:
    """One message of the year 2999 must not keep out what the partner says from now on, at any level."""
    wrong = "2999-01-01T00:00:00Z"
    frozen = evse(last_updated=wrong, connectors=[connector(last_updated=wrong)])
    await put(partner, document={**theirs(location(evses=[frozen])), "last_updated": wrong})
    await patch(partner, URL, {"name": "Of now", "last_updated": clock.text(5)})
    await patch(partner, URL + "/E1", {"status": "CHARGING", "last_updated": clock.text(5)})
    await patch(partner, URL + "/E1/1", {"format": "CABLE", "last_updated": clock.text(5)})
    document = await held(node, partner)
    assert (document["name"], document["evses"][0]["status"]) == ("Of now", "CHARGING")
    assert document["evses"][0]["connectors"][0]["format"] == "CABLE"
    whole = location(evses=[evse(status="BLOCKED", last_updated=clock.text(6))], last_updated=clock.text(6))
    await put(partner, document=theirs(whole))
    assert (await held(node, partner))["evses"][0]["status"] == "BLOCKED"


async def test_a_late_connector_is_not_applied(node: Node, partner: Partner, clock: Clock) -> None:
    await put(partner)
    await patch(partner, URL + "/E1/1", {"format": "CABLE", "last_updated": clock.text(60)})
    for method in ("PUT", "PATCH"):
        assert (await partner.send(method, URL + "/E1/1", said("connector", connector(last_updated=clock.text(30)), partner.version))).ok
    assert (await held(node, partner))["evses"][0]["connectors"][0]["format"] == "CABLE"


@pytest.mark.req("TRN-055")
@pytest.mark.parametrize("version", ["2.3.0"], indirect=True)
async def test_unknown_fields_and_values_survive(partner: Partner) -> None:
    document = {**theirs(location()), "solar": {"kwp": 3}, "facilities": ["SAUNA"]}
    await put(partner, document=document)
    shown = (await partner.send("GET", URL)).data
    assert (shown["solar"], shown["facilities"]) == ({"kwp": 3}, ["SAUNA"])


@pytest.mark.req("TRN-044")
async def test_the_same_id_of_another_party_is_another_location(node: Node, version: str) -> None:
    two = await befriend(node, version, parties=(("CPO", "BE", "XYZ"), ("CPO", "FR", "QQQ")), name="two")
    await put(two)
    await put(two, document={**location(), "country_code": "FR", "party_id": "QQQ", "city": "Lille"}, url="locations/FR/QQQ/L1")
    assert (await two.send("GET", URL)).data["city"] != (await two.send("GET", "locations/FR/QQQ/L1")).data["city"]


async def test_one_partner_never_reaches_the_copy_of_another(node: Node, partner: Partner, version: str) -> None:
    await put(partner)
    other = await befriend(node, version, parties=(("CPO", "BE", "XYZ"),), name="other")
    assert (await other.send("GET", URL)).http == 404


@pytest.mark.req("LOC-057")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
@pytest.mark.parametrize(
    "hours", [{"twentyfourseven": True}, {"regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}]}]
)
async def test_opening_hours_of_2_1_1_may_be_of_either_kind(partner: Partner, version: str, hours: Document) -> None:
    answer = await partner.send("PUT", URL, {**said("location", theirs(location()), version), "opening_times": hours})
    assert answer.ok
    assert (await partner.send("GET", URL)).data["opening_times"].items() >= hours.items()


@pytest.mark.req("LOC-030", "TRN-047")
@pytest.mark.parametrize(("below", "patch"), [("", {"id": "L2"}), ("/E1", {"uid": "E2"}), ("/E1/1", {"id": "2"})])
async def test_no_message_changes_an_id(node: Node, partner: Partner, clock: Clock, below: str, patch: Document) -> None:
    await put(partner)
    before = await held(node, partner)
    answer = await partner.send("PATCH", URL + below, {**patch, "last_updated": clock.text(1)})
    assert (answer.http, answer.code) == (200, 2001)
    assert await held(node, partner) == before


@pytest.mark.req("LOC-040")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_an_address_may_have_255_characters_and_a_state_45(partner: Partner, version: str) -> None:
    document = {**said("location", theirs(location()), version), "address": "a" * 255, "state": "s" * 45}
    assert (await partner.send("PUT", URL, document)).ok
    for longer in ({"address": "a" * 256}, {"state": "s" * 46}):
        assert (await partner.send("PUT", URL, {**document, **longer})).code == 2001
