"""CDRs at their receiver: posted once, never changed, read back as they were posted."""

from decimal import Decimal

import pytest

from interplug.modules.inbox import CONFLICT
from interplug.modules.node import Node
from interplug.store.keys import Key
from tests.modules.said import Document, cdr, location, said, theirs, token
from tests.nodes import Answer, Partner, befriend, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)


def spoken(document: Document, version: str) -> Document:
    return said("cdr", theirs(document), version, location=theirs(location()))


async def back(partner: Partner, answer: Answer) -> Answer:
    return await partner.ask("GET", answer.headers["location"].removeprefix("https://node.example"))


@pytest.mark.req("CDR-007", "CDR-008", "CDR-009", "CDR-010", "CDR-012", "CDR-024")
async def test_a_new_cdr_is_201_and_read_back_exactly_as_posted(partner: Partner, version: str) -> None:
    document = {**spoken(cdr(), version), "extra": {"kept": True}}
    answer = await partner.send("POST", "cdrs", document)
    assert (answer.http, answer.code) == (201, 1000), answer.message
    assert answer.headers["location"].startswith(f"https://node.example/ocpi/{version}/")
    assert (await back(partner, answer)).data == document


@pytest.mark.req("CDR-012")
async def test_an_unknown_cdr_is_404(partner: Partner) -> None:
    assert (await partner.send("GET", "cdrs/BE/XYZ/C9")).http == 404


@pytest.mark.req("CDR-014", "CDR-001")
async def test_the_same_again_gets_the_same_url(node: Node, partner: Partner, version: str) -> None:
    first, again = [await partner.send("POST", "cdrs", spoken(cdr(), version)) for _ in range(2)]
    assert again.ok and again.headers["location"] == first.headers["location"]


@pytest.mark.req("CDR-014", "TYP-001")
async def test_the_same_with_its_ids_in_other_case_is_the_same(partner: Partner, version: str) -> None:
    document = spoken(cdr(), version)
    first, again = [await partner.send("POST", "cdrs", {**document, "id": name}) for name in (document["id"], document["id"].lower())]
    assert again.ok and again.headers["location"] == first.headers["location"]


@pytest.mark.req("CDR-014", "CDR-001")
async def test_another_content_is_refused_and_kept_as_evidence(node: Node, partner: Partner, version: str) -> None:
    document = spoken(cdr(), version)
    first = await partner.send("POST", "cdrs", document)
    other = await partner.send("POST", "cdrs", {**document, "total_energy": Decimal("77.5")})
    assert (other.http, other.code, "$.id" in (other.message or "")) == (200, 2001, True)
    assert "location" not in other.headers
    assert (await back(partner, first)).data == document
    kept = await node.store.read(lambda tx: tx.history.versions_of(Key("cdrs", partner.connection.id, "BE", "XYZ", "C1")))
    assert [(one.why, b"77.5" in one.document, one.version) for one in kept] == [("new", False, version), (CONFLICT, True, version)]


@pytest.mark.req("CDR-013", "STS-014")
@pytest.mark.parametrize("field", ["id", "charging_periods", "total_cost", "currency"])
async def test_a_missing_field_is_2001_and_nothing_is_stored(partner: Partner, version: str, field: str) -> None:
    document = spoken(cdr(), version)
    del document[field]
    answer = await partner.send("POST", "cdrs", document)
    assert (answer.http, answer.code, f"$.{field}" in (answer.message or "")) == (200, 2001, True)
    assert (await partner.send("GET", "cdrs/BE/XYZ/C1")).http == 404


@pytest.mark.req("CDR-018", "CDR-017")
@LATER
async def test_a_credit_without_its_reference_is_2001(partner: Partner, version: str) -> None:
    credit = {**spoken(cdr("C2"), version), "credit": True}
    assert (await partner.send("POST", "cdrs", credit)).code == 2001
    assert (await partner.send("POST", "cdrs", {**credit, "credit_reference_id": "C1"})).http == 201


@pytest.mark.req("CDR-015")
@LATER
@pytest.mark.parametrize(("country", "party"), [("NL", "TNM"), ("FR", "QQQ")])
async def test_a_cdr_of_a_foreign_party_or_our_own_is_refused(partner: Partner, version: str, country: str, party: str) -> None:
    answer = await partner.send("POST", "cdrs", {**spoken(cdr(), version), "country_code": country, "party_id": party})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("CDR-002")
async def test_a_cdr_is_neither_put_nor_patched_nor_deleted(partner: Partner, version: str) -> None:
    answer = await partner.send("POST", "cdrs", spoken(cdr(), version))
    url = answer.headers["location"].removeprefix("https://node.example")
    assert [(await partner.ask(method, url, {})).http for method in ("PUT", "PATCH", "DELETE", "POST")] == [405] * 4


@pytest.mark.req("CDR-045")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_a_2_1_1_cdr_is_stored_in_the_newest_form_with_our_token(node: Node, partner: Partner, version: str) -> None:
    await own(node, "tokens", token("0123"))
    document = spoken(cdr(), version)
    assert "stop_date_time" in document and "auth_id" in document
    await partner.send("POST", "cdrs", document)
    stored = await node.store.read(lambda tx: tx.objects.get(Key("cdrs", partner.connection.id, "BE", "XYZ", "C1")))
    assert stored is not None
    assert stored.document["cdr_token"]["uid"] == "0123"
    assert stored.document["end_date_time"] == cdr()["end_date_time"]


async def test_one_partner_never_reads_the_cdr_of_another(node: Node, partner: Partner, version: str) -> None:
    await partner.send("POST", "cdrs", spoken(cdr(), version))
    other = await befriend(node, version, parties=(("CPO", "BE", "XYZ"),), name="other")
    assert (await other.send("GET", "cdrs/BE/XYZ/C1")).http == 404


@pytest.mark.req("CDR-033")
@LATER
async def test_a_dimension_that_is_none_is_2001(partner: Partner, version: str) -> None:
    document = spoken(cdr(), version)
    document["charging_periods"] = [{**document["charging_periods"][0], "dimensions": [{"type": "FLAT", "volume": 1}]}]
    assert (await partner.send("POST", "cdrs", document)).code == 2001
