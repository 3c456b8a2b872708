"""Lists of our own objects: pages, filters, what a partner sees, and in which words."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from interplug.modules import feed
from interplug.modules.node import Node
from interplug.partners import audiences
from interplug.partners.directory import Connection
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, cdr, connector, evse, location, said, session, tariff, token
from tests.nodes import SECOND, T0, Answer, Clock, Partner, befriend, own

LISTS = ("locations", "tariffs", "tokens", "sessions", "cdrs")
MAKE = {"locations": location, "tariffs": tariff, "tokens": token, "sessions": session, "cdrs": cdr}
SINCE = "date_from=2020-01-01T00:00:00Z"


async def fill(node: Node, module: str, count: int, partner: Partner, **more: Any) -> None:
    await own(node, "locations", location("L1"))
    for number in range(count - (module == "locations")):
        audience = partner.connection.id if module in ("sessions", "cdrs") else 0
        await own(node, module, MAKE[module](f"{module[0]}-{number}", **more), audience=audience)


def names(answer: Answer) -> list[str]:
    return [one.get("uid") or one["id"] for one in answer.data]


def after(answer: Answer) -> str:
    """The path and query of the next page."""
    url = answer.headers["link"].partition(">")[0].removeprefix("<https://node.example/ocpi/")
    return "/ocpi/" + url


async def crawl(partner: Partner, path: str) -> list[Answer]:
    answers = [await partner.fetch(path)]
    while "link" in answers[-1].headers:
        answers.append(await partner.ask("GET", after(answers[-1])))
    return answers


# --- pages


@pytest.mark.req("TRN-013", "TRN-019", "TRN-024", "TRN-026", "TRN-027", "TRN-029", "TRN-036", "SES-008", "CDR-003", "TAR-001")
@pytest.mark.parametrize("module", LISTS)
async def test_a_list_is_crawled_along_its_links(node: Node, partner: Partner, module: str) -> None:
    await fill(node, module, 7, partner)
    pages = await crawl(partner, f"{module}?limit=3&{SINCE}")
    assert [len(page.data) for page in pages] == [3, 3, 1]
    assert len({name for page in pages for name in names(page)}) == 7
    assert [page.headers["x-total-count"] for page in pages] == ["7"] * 3
    assert "link" not in pages[-1].headers


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_an_emsp_behind_a_hub_is_given_what_its_own_drivers_did(node: Node, version: str, module: str) -> None:
    parties = [("OTHER", "FR", "HUB"), ("EMSP", "FR", "AAA"), ("EMSP", "FR", "BBB")]
    hub = await befriend(node, version, parties=parties, hub="FRHUB")
    await own(node, "locations", location("L1"))
    for party in ("AAA", "BBB"):
        document = MAKE[module](party)
        document["cdr_token"] = {**document["cdr_token"], "country_code": "FR", "party_id": party}
        await own(node, module, document, audience=hub.connection.id)

    async def given(sender: str, country: str = "FR") -> list[str]:
        headers = {"ocpi_from_country_code": country, "ocpi_from_party_id": sender}
        return names(await hub.fetch(f"{module}?{SINCE}", **headers))

    assert await given("AAA") == ["AAA"] and await given("bbb", "fr") == ["BBB"]
    assert await given("HUB") == names(await hub.fetch(f"{module}?{SINCE}")) == ["AAA", "BBB"]
    assert await given("ZZZ") == [], "nobody has said that it is behind the hub"
    await befriend(node, version, name="other", parties=(("EMSP", "BE", "OTH"),))
    await audiences.join(node.directory, "all sessions", hub.connection)
    assert await given("AAA") == (["AAA", "BBB"] if module == "sessions" else ["AAA"]), "who steers sees all Sessions, and no more CDRs"


@pytest.mark.req("TRN-024", "TRN-034", "TRN-035")
async def test_offset_and_limit_still_count(node: Node, partner: Partner) -> None:
    await fill(node, "tariffs", 7, partner)
    whole = names(await partner.fetch("tariffs"))
    assert whole == [f"t-{number}" for number in range(7)]
    assert names(await partner.fetch("tariffs?offset=2&limit=3")) == whole[2:5] == names(await partner.fetch("tariffs?limit=3&offset=2"))
    assert names(await partner.fetch("tariffs?offset=99")) == []


@pytest.mark.req("TRN-027", "TRN-029")
async def test_an_empty_list_is_an_empty_list(partner: Partner) -> None:
    answer = await partner.fetch("locations")
    assert (answer.data, answer.headers["x-total-count"], "link" in answer.headers) == ([], "0", False)


@pytest.mark.req("TRN-026", "TRN-028", "TRN-095")
async def test_the_link_is_absolute_and_repeats_the_filters(node: Node, partner: Partner, version: str) -> None:
    await fill(node, "tariffs", 3, partner)
    answer = await partner.fetch(f"tariffs?limit=2&{SINCE}&date_to=2030-01-01T00:00:00Z")
    url = urlsplit(answer.headers["link"].partition(">")[0][1:])
    assert (url.scheme, url.netloc, url.path) == ("https", "node.example", partner.url("sender", "tariffs", "cpo"))
    query = parse_qs(url.query)
    assert query.pop("after")
    assert query == {"offset": ["2"], "limit": ["2"], "date_from": ["2020-01-01T00:00:00Z"], "date_to": ["2030-01-01T00:00:00Z"]}


@pytest.mark.req("TRN-025", "TRN-033")
@pytest.mark.req("TRN-031", versions="2.2.1|2.3.0")
@pytest.mark.req("TRN-032", versions="2.1.1")
async def test_x_limit(node: Node, partner: Partner, version: str) -> None:
    await fill(node, "tariffs", 3, partner)
    largest = node.settings.ocpi.page_largest
    asked, much = await partner.fetch("tariffs?limit=2"), await partner.fetch("tariffs?limit=100000")
    assert asked.headers["x-limit"] == (str(largest) if VERSIONS[version].limit_is_maximum else "2")
    assert much.headers["x-limit"] == str(largest)


@pytest.mark.req("STS-014")
@pytest.mark.parametrize(
    "query",
    ["offset=-1", "limit=-5", "limit=0", "limit=x", "offset=1.5", "date_from=yesterday", "date_to=2020-13-01T00:00:00Z", "offset=%00"],
)
async def test_a_bad_parameter_is_2001_and_named(partner: Partner, query: str) -> None:
    answer = await partner.fetch(f"locations?{query}")
    assert (answer.http, answer.code) == (200, 2001)
    assert query.partition("=")[0] in (answer.message or "")


@pytest.mark.parametrize(
    "query", ["offset=99999999999999999999999999", f"offset={2**63}", "limit=99999999999999999999", "after=1-x", "after=9"]
)
async def test_a_huge_offset_or_a_forged_cursor_harms_nobody(node: Node, partner: Partner, query: str) -> None:
    await fill(node, "tariffs", 2, partner)
    assert (await partner.fetch(f"tariffs?{query}")).ok


@pytest.mark.req("TRN-035")
async def test_nothing_is_lost_or_repeated_while_objects_are_added_and_changed(node: Node, partner: Partner, clock: Clock) -> None:
    await fill(node, "tariffs", 6, partner)
    page = await partner.fetch("tariffs?limit=2")
    seen = names(page)
    while "link" in page.headers:
        clock.move(1)
        await own(node, "tariffs", tariff(f"new-{len(seen)}", last_updated=clock.text()))
        await own(node, "tariffs", tariff("t-0", currency="SEK", last_updated=clock.text()))
        page = await partner.ask("GET", after(page))
        seen += names(page)
        if len(seen) > 20:
            break
    assert seen[:6] == [f"t-{number}" for number in range(6)]
    assert len(seen) == len(set(seen))


# --- dates


@pytest.mark.req("TRN-020", "TRN-021", "TRN-022", "LOC-009", "TOK-019", "SES-010", "CDR-004", "TAR-001", versions="2.2.1|2.3.0")
@pytest.mark.req("TRN-023", "SES-011", "CDR-005", "TAR-001", versions="2.1.1")
@pytest.mark.parametrize("module", LISTS)
async def test_dates_are_inclusive_and_exclusive_on_last_updated(node: Node, partner: Partner, clock: Clock, module: str) -> None:
    await own(node, "locations", location("L1", last_updated="2025-01-01T00:00:00Z"))
    for number in range(4):
        await own(node, module, MAKE[module](f"x-{number}", last_updated=clock.text()), audience=partner.connection.id)
        clock.move(60)
    times = [Clock(T0 + number * 60 * SECOND).text() for number in range(5)]
    answer = await partner.fetch(f"{module}?date_from={times[1]}&date_to={times[3]}")
    assert names(answer) == ["x-1", "x-2"]
    assert answer.headers["x-total-count"] == "2"


@pytest.mark.req("SES-009", "SES-012")
async def test_sessions_need_date_from(partner: Partner) -> None:
    answer = await partner.fetch("sessions")
    assert (answer.http, answer.code) == (200, 2001)
    assert "date_from" in (answer.message or "")


@pytest.mark.req("LOC-012", "LOC-010")
async def test_a_location_that_a_date_selects_is_complete(node: Node, partner: Partner, clock: Clock) -> None:
    key = await own(node, "locations", location(evses=[evse("E1"), evse("E2")]))
    clock.move(60)
    changed = evse("E2", status="CHARGING", last_updated=clock.text())
    await node.store.write(lambda tx: tx.objects.save_evse(key, "E2", changed, last_updated=clock()))
    answer = await partner.fetch(f"locations?date_from={clock.text()}")
    assert [one["uid"] for one in answer.data[0]["evses"]] == ["E1", "E2"]
    assert answer.data[0]["last_updated"] == clock.text()


# --- who sees what


@pytest.mark.req("TRN-017", "TRN-030", "CDR-006", "CDR-025")
@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_sessions_and_cdrs_are_seen_by_their_connection_alone(node: Node, partner: Partner, version: str, module: str) -> None:
    other = await befriend(node, version, parties=THEIRS, name="other")
    await fill(node, module, 2, partner)
    mine, theirs = await partner.fetch(f"{module}?{SINCE}"), await other.fetch(f"{module}?{SINCE}")
    assert (len(mine.data), mine.headers["x-total-count"]) == (2, "2")
    assert (theirs.data, theirs.headers["x-total-count"]) == ([], "0")


@pytest.mark.req("TRN-017", "TRN-030", "LOC-006")
async def test_a_class_of_partners_sees_its_own_objects_in_lists_and_alone(node: Node, partner: Partner, version: str) -> None:
    friend = await befriend(node, version, parties=THEIRS, name="friend", classes=["friends"])
    audience = friend.connection.audiences[-1]
    await own(node, "locations", location("OPEN"))
    await own(node, "locations", location("CLOSED"), audience=audience)
    assert (names(await partner.fetch("locations")), names(await friend.fetch("locations"))) == (["OPEN"], ["OPEN", "CLOSED"])
    singles = [await one.fetch(f"locations/CLOSED{below}") for one in (partner, friend) for below in ("", "/E1", "/E1/1")]
    assert [one.http for one in singles] == [404] * 3 + [200] * 3


async def two_tariffs(node: Node, friend: Connection) -> None:
    await own(node, "tariffs", tariff("ALL"))
    await own(node, "tariffs", tariff("FEW"), audience=friend.audiences[-1])
    await own(
        node,
        "locations",
        location(evses=[evse(connectors=[connector("1", tariff_ids=["FEW", "ALL"]), connector("2", tariff_ids=["FEW"])])]),
    )


def tariff_ids(document: Document) -> list[Any]:
    return [plug.get("tariff_ids", plug.get("tariff_id")) for plug in document["evses"][0]["connectors"]]


async def test_a_partner_sees_only_tariff_ids_of_tariffs_that_it_sees(node: Node, partner: Partner, version: str) -> None:
    friend = await befriend(node, version, parties=THEIRS, name="friend", classes=["friends"])
    await two_tariffs(node, friend.connection)
    several = VERSIONS[version].endpoint_roles
    for _ in range(2):  # made, and then from what was kept
        lists = [(await one.fetch("locations")).data[0] for one in (partner, friend)]
        assert tariff_ids(lists[0]) == ([["ALL"], None] if several else ["ALL", None])
        assert tariff_ids(lists[1]) == ([["FEW", "ALL"], ["FEW"]] if several else ["FEW", "FEW"])
    assert (await partner.fetch("locations/L1")).data == lists[0]
    assert (await partner.fetch("locations/L1/E1")).data == lists[0]["evses"][0]
    assert (await partner.fetch("locations/L1/E1/2")).data == lists[0]["evses"][0]["connectors"][1]


@pytest.mark.req("TRN-084")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_a_list_is_scoped_to_the_party_in_to(node: Node, partner: Partner) -> None:
    await node.directory.write(lambda tx: tx.parties.add("CPO", "NL", "SEC"))
    await own(node, "locations", location("L1"))
    await own(node, "locations", {**location("L2"), "party_id": "SEC"})
    headers = {"ocpi_to_country_code": "NL", "ocpi_to_party_id": "sec"}
    assert names(await partner.fetch("locations", **headers)) == ["L2"]
    assert names(await partner.fetch("locations")) == ["L1", "L2"]
    assert (await partner.fetch("locations/L1", **headers)).http == 404


@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_a_2_1_1_connection_shows_the_party_that_it_was_set_up_for(node: Node, version: str) -> None:
    await node.directory.write(lambda tx: tx.parties.add("CPO", "NL", "SEC"))
    second = await befriend(node, version, parties=THEIRS, name="second", our_party=("NL", "SEC"))
    await own(node, "locations", location("L1"))
    await own(node, "locations", {**location("L2"), "party_id": "SEC"})
    assert names(await second.fetch("locations")) == ["L2"]


@pytest.mark.req("TRN-084")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_to_does_not_name_another_party_than_that_of_the_connection(node: Node, version: str) -> None:
    await node.directory.write(lambda tx: tx.parties.add("CPO", "NL", "SEC"))
    second = await befriend(node, version, parties=THEIRS, name="second", our_party=("NL", "SEC"))
    await own(node, "locations", location("L1"))
    answer = await second.fetch("locations", ocpi_to_country_code="NL", ocpi_to_party_id="TNM")
    assert (answer.code, answer.message) == (2001, "NL-TNM is not the party of this connection, which is NL-SEC")


@pytest.mark.req("TRN-030")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_a_private_location_is_withheld_from_2_1_1_in_every_form(node: Node, partner: Partner) -> None:
    await own(node, "locations", location("OPEN"))
    await own(node, "locations", location("PRIVATE", publish=False))
    for _ in range(2):
        answer = await partner.fetch("locations")
        assert (names(answer), answer.headers["x-total-count"]) == (["OPEN"], "1")
    assert [(await partner.fetch(f"locations/PRIVATE{below}")).http for below in ("", "/E1", "/E1/1")] == [404] * 3


@pytest.mark.req("TRN-029", "TRN-030")
async def test_a_location_that_becomes_private_or_public_enters_and_leaves_the_count(
    node: Node, partner: Partner, clock: Clock, version: str
) -> None:
    seen = []
    for publish in (True, False, True):
        clock.move(1)
        await own(node, "locations", location("L1", publish=publish, last_updated=clock.text()))
        answer = await partner.fetch("locations")
        assert answer.headers["x-total-count"] == str(len(answer.data))
        seen.append(len(answer.data))
    assert seen == ([1, 1, 1] if VERSIONS[version].private_locations else [1, 0, 1])


@pytest.mark.req("TRN-030")
@pytest.mark.req("CDR-022", versions="2.1.1")
async def test_a_credit_is_no_part_of_a_2_1_1_list(node: Node, partner: Partner, version: str) -> None:
    await own(node, "locations", location())
    for document in (cdr("C1"), cdr("C2", credit=True, credit_reference_id="C1")):
        await own(node, "cdrs", document, audience=partner.connection.id)
    answer = await partner.fetch("cdrs")
    expected = ["C1", "C2"] if VERSIONS[version].credit_cdrs else ["C1"]
    assert (names(answer), answer.headers["x-total-count"]) == (expected, str(len(expected)))


async def test_what_partners_gave_us_is_not_in_our_lists(node: Node, partner: Partner, version: str) -> None:
    document = {**location(), "country_code": "BE", "party_id": "XYZ"}
    await partner.send("PUT", "locations/BE/XYZ/L1", said("location", document, version))
    assert (await partner.fetch("locations")).data == []
    assert (await partner.fetch("locations/L1")).http == 404


# --- in which words


@pytest.mark.parametrize("module", ["locations", "tariffs", "tokens"])
async def test_a_list_speaks_the_partners_version(node: Node, partner: Partner, version: str, module: str) -> None:
    document = MAKE[module]("x-1")
    await own(node, module, document)
    kind = {"locations": "location", "tariffs": "tariff", "tokens": "token"}[module]
    for _ in range(2):
        assert (await partner.fetch(module)).data == [said(kind, document, version)]


async def test_kept_bytes_are_sent_and_dropped_when_an_evse_changes(
    node: Node, partner: Partner, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await own(node, "locations", location())
    await partner.fetch("locations")
    made = 0

    async def counted(*arguments: Any) -> bytes:
        nonlocal made
        made += 1
        return await original(*arguments)

    original = feed._made
    monkeypatch.setattr(feed, "_made", counted)
    assert (await partner.fetch("locations")).data[0]["evses"][0]["status"] == "AVAILABLE"
    assert made == 0
    clock.move(1)
    changed = evse(status="CHARGING", last_updated=clock.text())
    await node.store.write(lambda tx: tx.objects.save_evse(key, "E1", changed, last_updated=clock()))
    assert (await partner.fetch("locations")).data[0]["evses"][0]["status"] == "CHARGING"
    assert made == 1


@pytest.mark.req("LOC-014", "STS-004", "STS-016")
async def test_single_objects_of_each_level(node: Node, partner: Partner, version: str) -> None:
    await own(node, "locations", location())
    whole = said("location", location(), version)
    shown = [(await partner.fetch(path)).data for path in ("locations/l1", "locations/L1/e1", "locations/L1/E1/1")]
    assert shown == [whole, whole["evses"][0], whole["evses"][0]["connectors"][0]]
    missing = [await partner.fetch(path) for path in ("locations/L2", "locations/L1/E2", "locations/L1/E1/2")]
    assert [(one.http, one.code) for one in missing] == [(404, 2003)] * 3


@pytest.mark.req("LOC-035", "LOC-040")
async def test_a_location_without_a_postal_code_and_with_a_long_address(node: Node, partner: Partner, version: str) -> None:
    document = location(address="a" * 200)
    del document["postal_code"]
    await own(node, "locations", document)
    shown = (await partner.fetch("locations")).data[0]
    if VERSIONS[version].owner_in_objects:
        assert "postal_code" not in shown and shown["address"] == "a" * 200
    else:
        assert (shown["postal_code"], shown["address"]) == ("-", "a" * 45)


@pytest.mark.req("TOK-010")
async def test_equal_uids_of_different_types_are_two_tokens_in_a_list(node: Node, partner: Partner) -> None:
    for kind in ("RFID", "APP_USER"):
        await own(node, "tokens", token(type=kind))
    answer = await partner.fetch("tokens")
    assert (len(answer.data), len({one["type"] for one in answer.data}), answer.headers["x-total-count"]) == (2, 2, "2")
