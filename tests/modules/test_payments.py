"""Payments (2.3.0): terminals and confirmations, as their provider (PTP) and as the operator (CPO) whose stations they stand at."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.modules import terminals
from interplug.modules.node import Node
from interplug.store.keys import OWN, Key, Stored
from tests.model import documents
from tests.modules import said
from tests.nodes import Clock, Partner, Wire, befriend, close, make_node, own

Document = dict[str, Any]
PTP = ("PTP", "AT", "PAY")
THEIR_PTP = (("PTP", "AT", "PAY"),)
THEIR_CPO = (("CPO", "BE", "XYZ"),)
REF = "pp-1"
PRICE = {"before_taxes": Decimal("4.00"), "taxes": [{"name": "VAT", "amount": Decimal("0.40")}]}
SLIP = ["Mastercard", "Nr: **** 1234"]


def terminal(name: str = "TM-1", **more: Any) -> Document:
    return {"terminal_id": name, "last_updated": said.T, **more}


def confirmation(name: str = "FAC-1", **more: Any) -> Document:
    words = {"capture_status_code": "SUCCESS", "eft_data": SLIP, "total_costs": PRICE, "currency": "EUR", "last_updated": said.T}
    return {"id": name, "authorization_reference": REF, **words, **more}


@pytest.fixture
async def ptp(tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, (PTP,), name="ptp", clock=clock, wire=wire)
    yield made
    await close(made)


@pytest.fixture
async def operator(ptp: Node) -> Partner:
    """A CPO, as the PTP has it: with one Location."""
    partner = await befriend(ptp, "2.3.0", parties=THEIR_CPO)
    assert (await partner.send("PUT", "locations/BE/XYZ/L1", said.theirs(said.location()))).ok
    return partner


@pytest.fixture
async def cpo(tmp_path: Path, clock: Clock, wire: Wire) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, (("CPO", "NL", "TNM"),), name="cpo", clock=clock, wire=wire)
    await own(made, "locations", said.location())
    yield made
    await close(made)


@pytest.fixture
async def provider(cpo: Node) -> Partner:
    return await befriend(cpo, "2.3.0", parties=THEIR_PTP)


async def stock(node: Node, document: Document, audience: int) -> Key:
    key = Key("terminals", OWN, "AT", "PAY", document["terminal_id"])
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=node.clock(), audience=audience))
    return key


async def known(node: Node, name: str = "TM-1") -> Stored:
    (found,) = await node.store.read(lambda tx: tx.objects.find_id("terminals", name))
    return found


async def charged(node: Node, provider: Partner, reference: str = REF) -> None:
    """A CDR of ours that this provider has been sent."""
    cdr = {**documents.CDR, "id": f"C-{reference}", "authorization_reference": reference, "last_updated": said.T}
    key = await own(node, "cdrs", cdr, audience=provider.connection.id)

    async def work(tx: Any) -> None:
        stored = await tx.objects.get(key)
        await tx.terminals.bill_is(provider.connection.id, reference, stored.pk)

    await node.store.write(work)


# --- where it is


@pytest.mark.req("PAY-001")
@pytest.mark.parametrize(("role", "side"), [("PTP", "SENDER"), ("CPO", "RECEIVER")])
async def test_version_details_name_payments_once_with_both_resources_below_it(tmp_path: Path, role: str, side: str) -> None:
    node = await make_node(tmp_path, ((role, "AT", "ONE"),))
    partner = await befriend(node, "2.3.0", parties=THEIR_CPO if role == "PTP" else THEIR_PTP)
    endpoints = (await partner.ask("GET", "/ocpi/2.3.0")).data["endpoints"]
    found = [one for one in endpoints if one["identifier"] == "payments"]
    url = f"https://node.example/ocpi/2.3.0/{side.lower()}/payments"
    assert found == [{"identifier": "payments", "role": side, "url": url}]
    assert not {"terminals", "financial-advice-confirmations"} & {one["identifier"] for one in endpoints}
    for resource in ("terminals", "financial-advice-confirmations"):
        answer = await partner.ask("GET", f"/ocpi/2.3.0/{side.lower()}/payments/{resource}/X")
        assert (answer.http, answer.code) == (404, 2000)
    await close(node)


@pytest.mark.parametrize("version", ["2.2.1", "2.1.1"])
async def test_older_versions_have_no_payments(ptp: Node, version: str) -> None:
    partner = await befriend(ptp, version, parties=THEIR_CPO, name="older")
    door = "sender" if version == "2.2.1" else "cpo"
    assert (await partner.ask("GET", f"/ocpi/{version}/{door}/payments/terminals")).http == 404


# --- the PTP's side


@pytest.mark.req("PAY-003")
async def test_a_list_has_pages_and_dates(ptp: Node, operator: Partner, clock: Clock) -> None:
    for number in range(5):
        clock.move(60)
        await stock(ptp, terminal(f"TM-{number}", last_updated=clock.text()), operator.connection.id)
    await stock(ptp, terminal("TM-other"), operator.connection.id + 1)
    first = await operator.fetch("payments/terminals?limit=3")
    assert [one["terminal_id"] for one in first.data] == ["TM-0", "TM-1", "TM-2"]
    assert (first.headers["x-total-count"], 'rel="next"' in first.headers["link"]) == ("5", True)
    next_page = first.headers["link"].partition(">")[0].removeprefix("<https://ptp.example")
    assert [one["terminal_id"] for one in (await operator.ask("GET", next_page)).data] == ["TM-3", "TM-4"]
    since, until = clock.text(-120), clock.text(-60)
    between = await operator.fetch(f"payments/terminals?date_from={since}&date_to={until}")
    assert [one["terminal_id"] for one in between.data] == ["TM-2"]


@pytest.mark.req("PAY-004")
async def test_one_terminal_is_shown_to_its_operator_alone(ptp: Node, operator: Partner) -> None:
    await stock(ptp, terminal(city="Wöhr"), operator.connection.id)
    assert (await operator.fetch("payments/terminals/tm-1")).data == terminal(city="Wöhr")
    other = await befriend(ptp, "2.3.0", parties=(("CPO", "FR", "OTH"),), name="other")
    for partner, name in ((other, "TM-1"), (operator, "TM-9")):
        answer = await partner.fetch(f"payments/terminals/{name}")
        assert (answer.http, answer.code) == (404, 2000)


@pytest.mark.req("PAY-005", "PAY-006")
async def test_a_patch_assigns_locations_and_evses_together(ptp: Node, operator: Partner, clock: Clock) -> None:
    two = said.location("L2", evses=[said.evse("E2"), said.evse("E3")])
    assert (await operator.send("PUT", "locations/BE/XYZ/L2", said.theirs(two))).ok
    await stock(ptp, terminal(), operator.connection.id)
    clock.move(5)
    assert (await operator.fetch("payments/terminals/TM-1", "PATCH", {"location_ids": ["L1"], "evse_uids": ["E3"]})).ok
    stored = await known(ptp)
    assert stored.document == terminal(location_ids=["L1"], evse_uids=["E3"], last_updated=clock.text())
    places = await ptp.store.read(lambda tx: terminals.served(tx, stored.document, operator.connection.id))
    assert {(place.key.id, evse["uid"]) for place, evses in places for evse in evses} == {("L1", "E1"), ("L2", "E3")}


@pytest.mark.req("PAY-007", "PAY-008")
async def test_a_put_changes_what_it_names_and_takes_the_id_from_the_url(ptp: Node, operator: Partner, clock: Clock) -> None:
    await stock(ptp, terminal(city="Wien", reference="SN-1"), operator.connection.id)
    clock.move(5)
    body = {"customer_reference": "OMV", "invoice_base_url": "https://cpo.example/i/", "last_updated": "2021-01-01T00:00:00Z"}
    assert (await operator.fetch("payments/terminals/TM-1", "PUT", body)).ok
    named = {"customer_reference": "OMV", "invoice_base_url": "https://cpo.example/i/"}
    assert (await known(ptp)).document == terminal(city="Wien", reference="SN-1", last_updated=clock.text(), **named)
    answer = await operator.fetch("payments/terminals/TM-1", "PUT", {**body, "terminal_id": "TM-2"})
    assert (answer.http, answer.code) == (200, 2001) and "terminal_id" in (answer.message or "")


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"location_ids": ["L9"]}, 2003, "L9"),
        ({"evse_uids": ["E9"]}, 2003, "E9"),
        ({"invoice_creator": "EMSP"}, 2001, "invoice_creator"),
        ({"location_ids": "L1"}, 2001, "location_ids"),
        ({"reference": "SN-2"}, 2001, "reference"),
        ({"address": "x" * 46}, 2001, "address"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    ptp: Node, operator: Partner, method: str, changes: Document, code: int, named: str
) -> None:
    await stock(ptp, terminal(reference="SN-1"), operator.connection.id)
    answer = await operator.fetch("payments/terminals/TM-1", method, changes)
    assert (answer.http, answer.code) == (200, code) and named in (answer.message or "")
    assert (await known(ptp)).document == terminal(reference="SN-1")


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("PATCH", ""), ("POST", "/deactivate")])
async def test_nobody_changes_the_terminal_of_another(ptp: Node, operator: Partner, method: str, path: str) -> None:
    await stock(ptp, terminal(location_ids=["L1"]), operator.connection.id)
    other = await befriend(ptp, "2.3.0", parties=(("CPO", "FR", "OTH"),), name="other")
    answer = await other.fetch(f"payments/terminals/TM-1{path}", method, {"city": "Paris"} if not path else None)
    assert (answer.http, answer.code) == (404, 2000)
    assert (await known(ptp)).document == terminal(location_ids=["L1"])


@pytest.mark.req("PAY-009")
async def test_an_activation_gives_a_terminal_its_id(ptp: Node, operator: Partner) -> None:
    body = {"reference": "SN-7", "location_ids": ["L1"], "last_updated": said.T}
    answer = await operator.fetch("payments/terminals/activate", "POST", body, x_request_id="1")
    assert answer.ok and (answer.data["reference"], answer.data["location_ids"]) == ("SN-7", ["L1"])
    stored = await known(ptp, answer.data["terminal_id"])
    assert stored.audience == operator.connection.id and stored.document == answer.data
    again = await operator.fetch("payments/terminals/activate", "POST", body, x_request_id="1")
    twice = await operator.fetch("payments/terminals/activate", "POST", body, x_request_id="2")
    assert again.data == answer.data and twice.data["terminal_id"] == answer.data["terminal_id"]


async def test_a_terminal_from_stock_goes_to_who_activates_it_and_to_nobody_else_then(ptp: Node, operator: Partner) -> None:
    audience = await ptp.store.write(lambda tx: tx.parties.audience_class("stock"))
    await stock(ptp, terminal(reference="SN-1", postal_code="1010"), audience)
    assert (await operator.fetch("payments/terminals")).data == []
    answer = await operator.fetch("payments/terminals/activate", "POST", {"reference": "sn-1", "location_ids": ["L1"]})
    assert (answer.data["terminal_id"], answer.data["postal_code"], answer.data["reference"]) == ("TM-1", "1010", "SN-1")
    other = await befriend(ptp, "2.3.0", parties=(("CPO", "FR", "OTH"),), name="other")
    assert (await other.send("PUT", "locations/FR/OTH/L5", {**said.location("L5"), "country_code": "FR", "party_id": "OTH"})).ok
    for body in ({"reference": "SN-1", "location_ids": ["L5"]}, {"terminal_id": "TM-1", "location_ids": ["L5"]}):
        refused = await other.fetch("payments/terminals/activate", "POST", body)
        assert (refused.http, refused.code) == (200, 2001) and "not yours" in (refused.message or "")
    assert (await known(ptp)).audience == operator.connection.id


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"location_ids": ["L1"]}, 2002),
        ({"reference": "SN-1"}, 2002),
        ({"reference": "SN-1", "location_ids": ["L9"]}, 2003),
        ({"reference": "x" * 37, "location_ids": ["L1"]}, 2001),
    ],
)
async def test_an_activation_says_which_terminal_and_where(ptp: Node, operator: Partner, body: Document, code: int) -> None:
    answer = await operator.fetch("payments/terminals/activate", "POST", body)
    assert (answer.http, answer.code) == (200, code)
    assert (await operator.fetch("payments/terminals")).data == []


async def test_who_is_no_operator_activates_nothing(ptp: Node) -> None:
    partner = await befriend(ptp, "2.3.0", parties=(("EMSP", "BE", "XYZ"),))
    answer = await partner.fetch("payments/terminals/activate", "POST", {"reference": "SN-1", "address": "Ring 1"})
    assert (answer.http, answer.code) == (200, 2001) and "CPO" in (answer.message or "")


@pytest.mark.req("PAY-012")
async def test_a_deactivated_terminal_serves_nothing(ptp: Node, operator: Partner, clock: Clock) -> None:
    await stock(ptp, terminal(location_ids=["L1"], evse_uids=["E1"]), operator.connection.id)
    clock.move(5)
    assert (await operator.fetch("payments/terminals/TM-1/deactivate", "POST")).ok
    stored = await known(ptp)
    assert stored.document == terminal(location_ids=[], evse_uids=[], last_updated=clock.text())
    assert await ptp.store.read(lambda tx: terminals.served(tx, stored.document, operator.connection.id)) == []


@pytest.mark.req("PAY-028")
async def test_confirmations_are_listed_and_shown_one_by_one(ptp: Node, operator: Partner, clock: Clock) -> None:
    for number in range(3):
        clock.move(60)
        document = confirmation(f"FAC-{number}", last_updated=clock.text())
        key = Key("financial-advice-confirmations", OWN, "AT", "PAY", document["id"])
        await ptp.store.write(
            lambda tx, key=key, document=document: tx.objects.save(  # type: ignore[misc]
                key, document, last_updated=clock.now, audience=operator.connection.id
            )
        )
    page = await operator.fetch("payments/financial-advice-confirmations?limit=2")
    assert [one["id"] for one in page.data] == ["FAC-0", "FAC-1"] and page.headers["x-total-count"] == "3"
    since = await operator.fetch(f"payments/financial-advice-confirmations?date_from={clock.text()}")
    assert [one["id"] for one in since.data] == ["FAC-2"]
    assert (await operator.fetch("payments/financial-advice-confirmations/FAC-1")).data["id"] == "FAC-1"
    assert (await operator.fetch("payments/financial-advice-confirmations/FAC-9")).http == 404


# --- the CPO's side


@pytest.mark.req("PAY-013", "PAY-014", "PAY-015")
async def test_a_terminal_is_created_from_its_id_alone_and_shown(cpo: Node, provider: Partner) -> None:
    answer = await provider.send("POST", "payments/terminals", {"terminal_id": "TM-1"})
    assert (answer.http, answer.code) == (201, 1000) and "last_updated missing" in (answer.message or "")
    assert (await provider.send("GET", "payments/terminals/TM-1")).data == terminal()
    assert (await known(cpo)).key == Key("terminals", provider.connection.id, "AT", "PAY", "TM-1")
    missing = await provider.send("GET", "payments/terminals/TM-9")
    assert (missing.http, missing.code) == (404, 2000)


async def test_a_terminal_that_is_posted_again_is_as_new_as_its_owner_says(cpo: Node, provider: Partner, clock: Clock) -> None:
    await provider.send("POST", "payments/terminals", terminal(city="Wien"))
    clock.move(5)
    newer = terminal(city="Linz", location_ids=["L1"], last_updated=clock.text())
    assert (await provider.send("POST", "payments/terminals", newer)).http == 200
    assert (await provider.send("POST", "payments/terminals", terminal(city="Graz", last_updated=clock.text(-9)))).ok
    assert (await known(cpo)).document == newer


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({"city": "Wien"}, 2001, "terminal_id"),
        (terminal(location_ids=["L9"]), 2003, "L9"),
        (terminal(evse_uids=["E9"]), 2003, "E9"),
        (terminal(invoice_creator="ME"), 2001, "invoice_creator"),
        (terminal(coordinates={"latitude": "north", "longitude": "4"}), 2001, "latitude"),
        (terminal("x" * 37), 2001, "terminal_id"),
        (terminal(last_updated="yesterday"), 2001, "last_updated"),
    ],
)
async def test_a_terminal_that_cannot_be_is_refused_by_name(cpo: Node, provider: Partner, body: Document, code: int, named: str) -> None:
    answer = await provider.send("POST", "payments/terminals", body)
    assert (answer.http, answer.code) == (200, code) and named in (answer.message or "")
    assert await cpo.store.read(lambda tx: tx.objects.batch("terminals", 0, 9)) == ([], 0)


@pytest.mark.parametrize("path", ["terminals", "financial-advice-confirmations"])
async def test_who_is_no_provider_of_terminals_creates_none(cpo: Node, path: str) -> None:
    emsp = await befriend(cpo, "2.3.0", parties=(("EMSP", "BE", "XYZ"),))
    answer = await emsp.send("POST", f"payments/{path}", terminal() if path == "terminals" else confirmation())
    assert (answer.http, answer.code) == (200, 2001) and "PTP" in (answer.message or "")


async def test_two_providers_with_one_id_have_two_terminals(cpo: Node, provider: Partner) -> None:
    other = await befriend(cpo, "2.3.0", parties=(("PTP", "DE", "PPP"),), name="other")
    await provider.send("POST", "payments/terminals", terminal(city="Wien"))
    await other.send("POST", "payments/terminals", terminal(city="Bonn"))
    assert (await provider.send("GET", "payments/terminals/TM-1")).data["city"] == "Wien"
    assert (await other.send("GET", "payments/terminals/TM-1")).data["city"] == "Bonn"


@pytest.mark.req("PAY-022", "PAY-027", "PAY-029")
@pytest.mark.parametrize("code", ["SUCCESS", "PARTIAL_SUCCESS", "FAILED"])
async def test_a_confirmation_is_linked_by_its_reference(cpo: Node, provider: Partner, code: str) -> None:
    await charged(cpo, provider)
    sent = confirmation(capture_status_code=code, authorization_reference=REF.upper())
    assert (await provider.send("POST", "payments/financial-advice-confirmations", sent)).http == 201
    assert (await provider.send("GET", "payments/financial-advice-confirmations/fac-1")).data == sent
    assert (await provider.send("GET", "payments/financial-advice-confirmations/FAC-9")).http == 404
    bill = await cpo.store.read(lambda tx: tx.terminals.bill(provider.connection.id, REF))
    assert bill is not None
    stored = await cpo.store.read(lambda tx: tx.objects.get_pk(bill.confirmation))
    assert stored is not None and stored.document["capture_status_code"] == code


async def test_the_latest_word_on_a_capture_counts_and_the_earlier_is_kept(cpo: Node, provider: Partner, clock: Clock) -> None:
    await charged(cpo, provider)
    failed = confirmation(capture_status_code="FAILED", eft_data=["declined"])
    await provider.send("POST", "payments/financial-advice-confirmations", failed)
    newer = confirmation(last_updated=clock.text(60))
    assert (await provider.send("POST", "payments/financial-advice-confirmations", newer)).http == 200
    assert (await provider.send("GET", "payments/financial-advice-confirmations/FAC-1")).data == newer
    key = Key("financial-advice-confirmations", provider.connection.id, "AT", "PAY", "FAC-1")
    assert len(await cpo.store.read(lambda tx: tx.history.versions_of(key))) == 2


@pytest.mark.req("PAY-026")
async def test_the_examples_of_the_text_are_understood_with_a_warning(cpo: Node, provider: Partner) -> None:
    await charged(cpo, provider)
    sent = confirmation(capture_status_code="FAILED", capture_status_message="Capture failed", total_costs={"excl_vat": 0, "incl_vat": 0})
    del sent["eft_data"]
    answer = await provider.send("POST", "payments/financial-advice-confirmations", sent)
    assert answer.http == 201 and "eft_data missing" in (answer.message or "") and "price shape" in (answer.message or "")
    shown = (await provider.send("GET", "payments/financial-advice-confirmations/FAC-1")).data
    assert (shown["eft_data"], shown["total_costs"]["before_taxes"]) == (["Capture failed"], 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"eft_data": []},
        {"eft_data": ["x" * 256]},
        {"capture_status_code": "MAYBE"},
        {"total_costs": "4"},
        {"authorization_reference": "no-such"},
    ],
)
async def test_a_confirmation_that_cannot_be_is_refused(cpo: Node, provider: Partner, changed: Document) -> None:
    await charged(cpo, provider)
    answer = await provider.send("POST", "payments/financial-advice-confirmations", confirmation(**changed))
    assert (answer.http, answer.code) == (200, 2001) and next(iter(changed)) in (answer.message or "")


async def test_nobody_confirms_the_charge_of_another(cpo: Node, provider: Partner) -> None:
    await charged(cpo, provider)
    other = await befriend(cpo, "2.3.0", parties=(("PTP", "DE", "PPP"),), name="other")
    answer = await other.send("POST", "payments/financial-advice-confirmations", confirmation())
    assert answer.code == 2001 and "no charge of yours" in (answer.message or "")


# --- a law


NAMES = st.lists(st.sampled_from(["L1", "L2", "L3"]), unique=True)
UIDS = st.lists(st.sampled_from(["E1", "E2", "E3", "E4"]), unique=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(locations=NAMES, uids=UIDS)
async def test_a_terminal_serves_the_union_of_both_lists(union: Node, locations: list[str], uids: list[str]) -> None:
    found = await union.store.read(lambda tx: terminals.served(tx, {"location_ids": locations, "evse_uids": uids}, OWN))
    served = {(place.key.id, evse["uid"]) for place, evses in found for evse in evses}
    every = {("L1", "E1"), ("L1", "E2"), ("L2", "E3"), ("L3", "E1"), ("L3", "E4")}
    assert served == {(place, uid) for place, uid in every if place in locations or uid in uids}
    for place in ("L1", "L2", "L3"):
        for uid in ("E1", "E2", "E3", "E4"):
            assert ((place, uid) in served) == ((place, uid) in every and (place in locations or uid in uids))


@pytest.fixture
async def union(tmp_path: Path) -> AsyncIterator[Node]:
    node = await make_node(tmp_path, (("CPO", "NL", "TNM"),))
    for name, uids in (("L1", ("E1", "E2")), ("L2", ("E3",)), ("L3", ("E1", "E4"))):
        await own(node, "locations", said.location(name, evses=[said.evse(uid) for uid in uids]))
    yield node
    await close(node)
