"""Sessions at their receiver: replaced by PUT, grown by PATCH."""

from decimal import Decimal

import pytest

from interplug.modules.node import Node
from interplug.store.keys import Key
from interplug.versions.table import VERSIONS
from tests.modules.said import Document, location, said, session, theirs, token
from tests.nodes import Clock, Partner, own

URL = "sessions/BE/XYZ/S1"
LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)


def period(clock: Clock, seconds: float, volume: int) -> Document:
    return {"start_date_time": clock.text(seconds), "dimensions": [{"type": "ENERGY", "volume": volume}]}


def spoken(document: Document, version: str) -> Document:
    return said("session", theirs(document), version, location=theirs(location()))


async def held(node: Node, partner: Partner) -> Document:
    stored = await node.store.read(lambda tx: tx.objects.get(Key("sessions", partner.connection.id, "BE", "XYZ", "S1")))
    assert stored is not None
    return stored.document


@pytest.fixture
async def put(node: Node, partner: Partner, version: str, clock: Clock) -> Partner:
    await own(node, "tokens", token("0123"))
    answer = await partner.send("PUT", URL, spoken(session(charging_periods=[period(clock, 0, 1)]), version))
    assert (answer.http, answer.code) == (201, 1000), answer.message
    return partner


@pytest.mark.req("SES-013", "SES-015", "SES-001", "SES-018")
async def test_put_and_get(put: Partner, version: str, clock: Clock) -> None:
    document = spoken(session(charging_periods=[period(clock, 0, 1)]), version)
    assert (await put.send("GET", URL)).data == document
    assert (await put.send("PUT", URL, document)).http == 200
    assert (await put.send("GET", "sessions/BE/XYZ/S2")).http == 404


@pytest.mark.req("SES-043", "SES-041")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_a_2_1_1_session_names_our_token_by_its_contract(node: Node, put: Partner) -> None:
    known = (await held(node, put))["cdr_token"]
    assert known == {name: token("0123")[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


@pytest.mark.req("SES-016")
@pytest.mark.req("SES-017", versions="2.2.1|2.3.0")
@pytest.mark.parametrize("periods", [None, []])
async def test_put_replaces_entirely_also_the_periods(node: Node, put: Partner, version: str, periods: list[object] | None) -> None:
    document = spoken(session(), version)
    document.pop("charging_periods", None)
    await put.send("PUT", URL, document if periods is None else {**document, "charging_periods": periods})
    assert not (await held(node, put)).get("charging_periods")


@pytest.mark.req("SES-020", "SES-021", "SES-002")
async def test_patch_alters_only_what_it_names(node: Node, put: Partner, clock: Clock) -> None:
    before = await held(node, put)
    answer = await put.send("PATCH", URL, {"kwh": Decimal("2.5"), "last_updated": clock.text(1)})
    assert answer.ok
    assert await held(node, put) == {**before, "kwh": Decimal("2.5"), "last_updated": clock.text(1)}


@pytest.mark.req("SES-025", versions="2.2.1|2.3.0")
async def test_periods_of_a_patch_are_appended_and_a_known_start_replaces(node: Node, put: Partner, clock: Clock) -> None:
    for seconds, volume in ((600, 2), (600, 3), (1200, 4)):
        patch = {"charging_periods": [period(clock, seconds, volume)], "last_updated": clock.text(seconds)}
        assert (await put.send("PATCH", URL, patch)).ok
    periods = (await held(node, put))["charging_periods"]
    assert [(one["start_date_time"], one["dimensions"][0]["volume"]) for one in periods] == [
        (clock.text(0), 1),
        (clock.text(600), 3),
        (clock.text(1200), 4),
    ]


@pytest.mark.req("SES-026")
@LATER
@pytest.mark.parametrize("more", [{}, {"charging_periods": []}, {"charging_periods": None}])
async def test_a_patch_without_periods_leaves_them(node: Node, put: Partner, clock: Clock, more: Document) -> None:
    assert (await put.send("PATCH", URL, {"kwh": 9, "last_updated": clock.text(1), **more})).ok
    assert len((await held(node, put))["charging_periods"]) == 1


@pytest.mark.req("SES-022", versions="2.2.1|2.3.0")
@pytest.mark.req("SES-023", versions="2.1.1")
async def test_patch_without_last_updated(node: Node, put: Partner, version: str) -> None:
    before = await held(node, put)
    answer = await put.send("PATCH", URL, {"kwh": 9})
    needed = VERSIONS[version].patch_needs_last_updated
    assert (answer.http, answer.code) == (200, 2001 if needed else 1000)
    assert (await held(node, put) == before) is needed


@pytest.mark.req("SES-024")
@LATER
async def test_a_patch_below_the_session_is_not_accepted(put: Partner, clock: Clock) -> None:
    assert (await put.send("PATCH", URL + "/charging_periods", {"last_updated": clock.text(1)})).http == 404


@pytest.mark.req("SES-003")
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_post_and_delete_leave_the_session_untouched(node: Node, put: Partner, method: str) -> None:
    before = await held(node, put)
    assert (await put.send(method, URL)).http == 405
    assert await held(node, put) == before


@pytest.mark.req("SES-019", "SES-018")
@pytest.mark.parametrize(("field", "value"), [("id", "S2"), ("party_id", "ABC")])
async def test_ids_that_contradict_the_url_are_2001(partner: Partner, version: str, field: str, value: str) -> None:
    answer = await partner.send("PUT", URL, {**spoken(session(), version), field: value})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("SES-007", versions="2.2.1|2.3.0")
@pytest.mark.req("SES-006", versions="2.1.1")
async def test_a_status_that_the_enum_lacks_is_2001(partner: Partner, version: str) -> None:
    answer = await partner.send("PUT", URL, {**spoken(session(), version), "status": "RESERVED"})
    assert (answer.http, answer.code) == (200, 2001)
    assert "$.status" in (answer.message or "")


@pytest.mark.req("SES-044")
@LATER
async def test_ids_compare_without_case(put: Partner) -> None:
    assert (await put.send("GET", "sessions/be/xyz/s1")).data["id"] == "S1"


async def test_a_patch_of_an_unknown_session_is_404(partner: Partner, clock: Clock) -> None:
    answer = await partner.send("PATCH", URL, {"kwh": 1, "last_updated": clock.text()})
    assert (answer.http, answer.code) == (404, 2000)


@pytest.mark.req("SES-057")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_2_1_1_has_no_charging_preferences(partner: Partner) -> None:
    assert (await partner.fetch("sessions/S1/charging_preferences", "PUT", {})).http == 404


async def test_a_late_patch_is_not_applied(node: Node, put: Partner, clock: Clock) -> None:
    await put.send("PATCH", URL, {"kwh": 5, "last_updated": clock.text(60)})
    assert (await put.send("PATCH", URL, {"kwh": 4, "last_updated": clock.text(30)})).ok
    assert (await held(node, put))["kwh"] == 5
