"""Tokens: the CPO's copy, and real-time authorisation by the eMSP."""

from typing import Any

import pytest

from interplug.modules.node import Node, Verdict
from interplug.store.keys import Key
from interplug.versions.table import VERSIONS
from tests.modules.said import Document, said, theirs, token
from tests.nodes import Answer, Clock, Partner, own

URL = "tokens/BE/XYZ/012345"
LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
OLD = pytest.mark.parametrize("version", ["2.1.1"], indirect=True)


# --- the copy


@pytest.mark.req("TOK-003", "TOK-012", "TOK-013", "STS-005", "STS-006")
async def test_put_and_get(partner: Partner, version: str) -> None:
    document = said("token", theirs(token()), version)
    first, again = await partner.send("PUT", URL, document), await partner.send("PUT", URL, {**document, "issuer": "Other"})
    assert (first.http, again.http) == (201, 200)
    assert (await partner.send("GET", URL)).data == {**document, "issuer": "Other"}


@pytest.mark.req("TOK-012", "STS-004")
@pytest.mark.req("STS-017", versions="2.2.1|2.3.0")
async def test_an_unknown_token_is_404(partner: Partner, version: str) -> None:
    answer = await partner.send("GET", URL)
    assert (answer.http, answer.code) == (404, VERSIONS[version].unknown_token_code)


@pytest.mark.req("TOK-010", "TOK-009")
@LATER
async def test_equal_uids_of_different_types_are_different_tokens(partner: Partner, version: str) -> None:
    card, app = (said("token", theirs(token(type=one)), version) for one in ("RFID", "APP_USER"))
    assert (await partner.send("PUT", URL, card)).http == (await partner.send("PUT", f"{URL}?type=APP_USER", app)).http == 201
    shown = [(await partner.send("GET", URL + query)).data["type"] for query in ("", "?type=RFID", "?type=APP_USER")]
    assert shown == ["RFID", "RFID", "APP_USER"]
    assert (await partner.send("GET", URL + "?type=OTHER")).http == 404


@pytest.mark.req("TOK-009")
@LATER
async def test_the_type_of_the_url_says_which_token_is_patched(partner: Partner, version: str, clock: Clock) -> None:
    for kind in ("RFID", "APP_USER"):
        await partner.send("PUT", f"{URL}?type={kind}", said("token", theirs(token(type=kind)), version))
    await partner.send("PATCH", URL + "?type=APP_USER", {"valid": False, "last_updated": clock.text(1)})
    assert [(await partner.send("GET", f"{URL}?type={kind}")).data["valid"] for kind in ("RFID", "APP_USER")] == [True, False]


@LATER
async def test_a_put_without_a_type_goes_by_the_body_and_a_get_by_the_only_one(partner: Partner, version: str) -> None:
    await partner.send("PUT", URL, said("token", theirs(token(type="APP_USER")), version))
    assert (await partner.send("GET", URL)).data["type"] == "APP_USER"


@pytest.mark.req("TRN-047")
@LATER
async def test_a_type_in_the_body_that_contradicts_the_url_is_2001(partner: Partner, version: str) -> None:
    answer = await partner.send("PUT", URL + "?type=RFID", said("token", theirs(token(type="APP_USER")), version))
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("TOK-011")
@OLD
async def test_2_1_1_knows_a_token_by_its_uid_alone(partner: Partner, version: str) -> None:
    first = await partner.send("PUT", URL, said("token", theirs(token()), version))
    again = await partner.send("PUT", URL, said("token", theirs(token(type="OTHER")), version))
    assert (first.http, again.http) == (201, 200)
    assert (await partner.send("GET", URL)).data["type"] == "OTHER"


@pytest.mark.req("TOK-015", "TOK-016", versions="2.2.1|2.3.0")
@pytest.mark.req("TOK-017", versions="2.1.1")
async def test_patch_without_last_updated(partner: Partner, version: str) -> None:
    await partner.send("PUT", URL, said("token", theirs(token()), version))
    answer = await partner.send("PATCH", URL, {"valid": False})
    needed = VERSIONS[version].patch_needs_last_updated
    assert (answer.http, answer.code) == (200, 2001 if needed else 1000)
    assert (await partner.send("GET", URL)).data["valid"] is needed


@pytest.mark.req("TOK-002")
async def test_a_token_is_invalidated_by_patch_and_stays(partner: Partner, version: str, clock: Clock) -> None:
    await partner.send("PUT", URL, said("token", theirs(token()), version))
    assert (await partner.send("PATCH", URL, {"valid": False, "last_updated": clock.text(1)})).ok
    assert (await partner.send("GET", URL)).data["valid"] is False


@pytest.mark.req("TOK-018")
async def test_patch_of_an_unknown_token_is_404_and_creates_nothing(partner: Partner, version: str, clock: Clock) -> None:
    answer = await partner.send("PATCH", URL, {"valid": False, "last_updated": clock.text()})
    assert (answer.http, answer.code) == (404, VERSIONS[version].unknown_token_code)
    assert (await partner.send("GET", URL)).http == 404


@pytest.mark.req("TOK-014", "TRN-047")
@pytest.mark.parametrize(("field", "value"), [("uid", "9"), ("party_id", "ABC")])
async def test_ids_that_contradict_the_url_are_2001(partner: Partner, version: str, field: str, value: str) -> None:
    answer = await partner.send("PUT", URL, {**said("token", theirs(token()), version), field: value})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("TRN-086")
@LATER
async def test_not_applicable_is_a_value(partner: Partner, version: str) -> None:
    assert (await partner.send("PUT", URL, said("token", theirs(token(issuer="#NA")), version))).ok


# --- authorisation


async def authorize(partner: Partner, uid: str = "012345", query: str = "", body: Any = None, **headers: str) -> Answer:
    return await partner.fetch(f"tokens/{uid}/authorize{query}", "POST", body, **headers)


@pytest.mark.req("TOK-005", "TOK-021", "TOK-022")
@pytest.mark.req("TOK-028", versions="2.2.1|2.3.0")
async def test_a_good_token_is_allowed(node: Node, partner: Partner, version: str) -> None:
    await own(node, "tokens", token())
    answer = await authorize(partner)
    assert (answer.http, answer.code, answer.data["allowed"]) == (200, 1000, "ALLOWED")
    assert answer.data.get("token") == (said("token", token(), version) if VERSIONS[version].owner_in_objects else None)


@pytest.mark.req("TOK-023", "TOK-024", "STS-017")
@LATER
async def test_an_unknown_token_is_404_with_2004_and_no_data(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token())
    for query, uid in (("", "unknown"), ("?type=APP_USER", "012345")):
        answer = await authorize(partner, uid, query)
        assert (answer.http, answer.code, answer.data) == (404, 2004, None)


@pytest.mark.req("TOK-021", "TOK-009")
@LATER
async def test_the_type_says_which_of_two_tokens(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token())
    await own(node, "tokens", token(type="APP_USER", valid=False))
    assert [(await authorize(partner, query=query)).data["allowed"] for query in ("", "?type=RFID", "?type=APP_USER")] == [
        "ALLOWED",
        "ALLOWED",
        "BLOCKED",
    ]


@pytest.mark.req("TOK-021")
@LATER
async def test_without_a_type_it_is_a_card_that_is_asked_about(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token(type="APP_USER"))
    assert [(await authorize(partner, query=query)).http for query in ("", "?type=APP_USER")] == [404, 200]


@pytest.mark.req("TOK-021")
@OLD
@pytest.mark.parametrize("query", ["", "?type=RFID", "?token_type=RFID"])
async def test_2_1_1_writes_the_type_in_two_ways(node: Node, partner: Partner, query: str) -> None:
    await own(node, "tokens", token())
    assert (await authorize(partner, query=query)).data["allowed"] == "ALLOWED"


@OLD
async def test_2_1_1_asks_for_a_token_of_a_type_that_it_has_no_word_for(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token(type="APP_USER"))
    assert (await authorize(partner)).data["allowed"] == "ALLOWED"


@pytest.mark.req("TOK-029")
async def test_a_refusal_is_a_success_that_says_why(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token(valid=False))
    answer = await authorize(partner)
    assert (answer.http, answer.code, answer.data["allowed"]) == (200, 1000, "BLOCKED")
    assert "authorization_reference" not in answer.data


class Business:
    """An eMSP whose drivers charge where it lets them."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[Document | None] = []

    async def may_charge(self, token: Document, place: Document | None) -> Verdict:
        self.asked.append(place)
        return self.verdict


@pytest.mark.req("TOK-029")
@pytest.mark.parametrize("allowed", ["NO_CREDIT", "EXPIRED", "NOT_ALLOWED", "BLOCKED"])
async def test_the_business_of_the_emsp_decides(node: Node, partner: Partner, allowed: str) -> None:
    node.drivers = Business(Verdict(allowed, "Please call us"))
    await own(node, "tokens", token())
    answer = await authorize(partner)
    assert (answer.code, answer.data["allowed"], answer.data["info"]["text"]) == (1000, allowed, "Please call us")


@pytest.mark.req("TOK-025", versions="2.2.1|2.3.0")
@pytest.mark.req("TOK-026", versions="2.1.1")
@pytest.mark.req("STS-015")
async def test_where_the_place_matters_its_absence_is_2002(node: Node, partner: Partner) -> None:
    node.drivers = Business(Verdict(place_needed=True))
    await own(node, "tokens", token())
    answer = await authorize(partner)
    assert (answer.http, answer.code, answer.data) == (200, 2002, None)
    assert (await authorize(partner, body={"location_id": "L1"})).code == 1000


@pytest.mark.req("TOK-027")
async def test_the_answer_names_the_evses_that_the_driver_may_use(node: Node, partner: Partner) -> None:
    business = node.drivers = Business(Verdict(evse_uids=("e2", "E3")))
    await own(node, "tokens", token())
    answer = await authorize(partner, body={"location_id": "L1", "evse_uids": ["E1", "E2"]})
    assert (answer.data["allowed"], answer.data["location"]) == ("ALLOWED", {"location_id": "L1", "evse_uids": ["E2"]})
    none = await authorize(partner, body={"location_id": "L1", "evse_uids": ["E1"]})
    assert none.data["allowed"] == "NOT_ALLOWED" and "location" not in none.data
    assert business.asked[0] == {"location_id": "L1", "evse_uids": ["E1", "E2"]}


@pytest.mark.req("TOK-007", "TOK-008", "CDR-024")
async def test_neither_a_status_nor_an_unknown_location_refuses(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token())
    answer = await authorize(partner, body={"location_id": "nowhere", "evse_uids": ["E1"]})
    assert (answer.data["allowed"], answer.data["location"]) == ("ALLOWED", {"location_id": "nowhere", "evse_uids": ["E1"]})


@pytest.mark.req("STS-014", "STS-001")
async def test_bad_references_are_2001_and_bad_json_is_400(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token())
    wrong, broken = await authorize(partner, body={"location_id": 5}), await authorize(partner, body=b"{")
    assert (wrong.http, wrong.code, "$.location_id" in (wrong.message or "")) == (200, 2001, True)
    assert (broken.http, broken.code) == (400, 2001)


@pytest.mark.req("TOK-030")
@LATER
async def test_a_repeated_request_gets_the_same_reference_and_another_gets_another(node: Node, partner: Partner) -> None:
    await own(node, "tokens", token())
    answers = [await authorize(partner, x_request_id=request) for request in ("r-1", "r-1", "r-2")]
    first, same, other = (answer.data["authorization_reference"] for answer in answers)
    assert first == same != other
    assert len(first) <= 36


async def test_tokens_of_partners_are_not_ours_to_authorize(partner: Partner, version: str) -> None:
    await partner.send("PUT", URL, said("token", theirs(token()), version))
    assert (await authorize(partner)).http == 404


@LATER
async def test_a_token_of_another_party_of_ours_than_the_one_in_to(node: Node, partner: Partner) -> None:
    await node.directory.write(lambda tx: tx.parties.add("EMSP", "DE", "SEC"))
    await own(node, "tokens", token())
    assert (await authorize(partner, ocpi_to_country_code="DE", ocpi_to_party_id="SEC")).http == 404
    assert (await authorize(partner, ocpi_to_country_code="DE", ocpi_to_party_id="ABC")).ok


async def test_the_copy_keeps_the_newest_form(node: Node, partner: Partner, version: str) -> None:
    await partner.send("PUT", URL, said("token", theirs(token()), version))
    stored = await node.store.read(lambda tx: tx.objects.get(Key("tokens", partner.connection.id, "BE", "XYZ", "012345", "RFID")))
    assert stored is not None and stored.document == theirs(token())
