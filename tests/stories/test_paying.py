"""A card at a terminal: hold, charge, bill, money, and the operator's invoice. A PTP and a CPO, each a node of its own."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from interplug.charges import corrections
from interplug.drivers.drives import NotPossible
from interplug.drivers.terminals import cards
from interplug.drivers.terminals.cashier import Cashier
from interplug.drivers.terminals.receipts import receipt_url
from interplug.modules import assigning
from interplug.modules.node import Node, Outcome
from interplug.modules.payments import invoice_base_url
from interplug.store.keys import Stored
from interplug.web.invoices import MISSES, Invoices
from tests.modules import said
from tests.nodes import own
from tests.stories.paying import Street

Document = dict[str, Any]


def priced(**more: Any) -> Document:
    """0.50 a kWh and a fifth of that as tax."""
    component = {"type": "ENERGY", "price": Decimal("0.50"), "vat": 20, "step_size": 1}
    return said.tariff("T-AD-HOC", type="AD_HOC_PAYMENT", elements=[{"price_components": [component]}], **more)


@pytest.fixture
async def street(engine: str, tmp_path: Path) -> AsyncIterator[Street]:
    joined = await Street.join(tmp_path)
    await own(joined.cpo, "tariffs", said.tariff("T-CARD", type="REGULAR"))
    await own(joined.cpo, "tariffs", priced(preauthorize_amount=Decimal("35.5")))
    for name, uid in (("L1", "E1"), ("L2", "E2")):
        plug = said.connector(tariff_ids=["T-CARD", "T-AD-HOC"])
        await own(joined.cpo, "locations", said.location(name, evses=[said.evse(uid, connectors=[plug])]))
    await joined.settle()
    await joined.terminal(location_ids=["L1"], invoice_creator="CPO", invoice_base_url="https://cpo.example/i/")
    yield joined
    await joined.close()


async def confirmations(street: Street) -> list[Document]:
    found, _ = await street.cpo.store.read(lambda tx: tx.objects.batch("financial-advice-confirmations", 0, 10))
    return [one.document for one in found]


async def of_charge(street: Street, module: str) -> Stored:
    found = await street.at(street.ptp, module, street.plugs.session)
    assert found is not None
    return found


@pytest.mark.req("PAY-017", "PAY-018", "PAY-019", "PAY-020", "PAY-021", "PAY-024", "PAY-025", "TAR-019")
async def test_a_card_pays_a_charge_and_the_operator_is_told(street: Street) -> None:
    payment = await street.tap()
    assert (payment.state, payment.held, payment.currency) == ("CHARGING", Decimal("35.5"), "EUR")
    (start,) = [one for one in street.wire.sent if one.url.endswith("/commands/START_SESSION")]
    assert payment.reference.encode() in start.body
    await street.charge("10")
    assert (await of_charge(street, "sessions")).document["authorization_reference"] == payment.reference
    await street.unplug()
    cdr = (await of_charge(street, "cdrs")).document
    assert (cdr["authorization_reference"], cdr["invoice_reference_id"]) == (payment.reference, payment.reference)
    assert [one["id"] for one in cdr["tariffs"]] == ["T-AD-HOC"]
    payment = await street.paid(payment.reference)
    assert (payment.state, payment.captured) == ("CAPTURED", Decimal("6.00"))
    assert street.bank.taken == {payment.reference: Decimal("6.00")}
    (word,) = await confirmations(street)
    assert word == {
        "id": word["id"],
        "authorization_reference": payment.reference,
        "total_costs": {"before_taxes": Decimal("5.00"), "taxes": [{"name": "VAT", "percentage": 20, "amount": Decimal("1.00")}]},
        "currency": "EUR",
        "eft_data": ["Mastercard", "Nr: **** **** **** 1234", "Amount: EUR 6.00"],
        "capture_status_code": "SUCCESS",
        "last_updated": word["last_updated"],
    }
    bill = await street.cpo.store.read(lambda tx: tx.terminals.bill(street.at_cpo.id, payment.reference))
    assert bill is not None and bill.confirmation


@pytest.mark.req("PAY-027")
@pytest.mark.parametrize(("takes", "code", "taken"), [(Decimal(4), "PARTIAL_SUCCESS", "4.00"), (Decimal(0), "FAILED", "0")])
async def test_what_could_not_be_taken_is_said(street: Street, takes: Decimal, code: str, taken: str) -> None:
    street.bank.takes = takes
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    (word,) = await confirmations(street)
    cost = word["total_costs"]
    whole = cost["before_taxes"] + sum(tax["amount"] for tax in cost.get("taxes") or ())
    assert (word["capture_status_code"], whole) == (code, Decimal(taken))
    assert word["eft_data"] and word["capture_status_message"]
    assert (await street.paid(payment.reference)).state == ("FAILED" if code == "FAILED" else "CAPTURED")


async def test_where_the_provider_writes_the_invoice_nothing_is_confirmed(street: Street) -> None:
    await street.terminal(location_ids=["L1"], invoice_creator="PTP")
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    assert "invoice_reference_id" not in (await of_charge(street, "cdrs")).document
    assert (await street.paid(payment.reference)).state == "CAPTURED" and await confirmations(street) == []


async def test_a_charge_ends_when_what_is_held_is_nearly_used_up(street: Street) -> None:
    payment = await street.tap()
    await street.charge("40")
    assert (await street.paid(payment.reference)).state == "CHARGING"
    await street.charge("57")  # 34.20 of 35.50
    payment = await street.paid(payment.reference)
    assert (payment.state, payment.captured) == ("CAPTURED", Decimal("34.20"))
    assert sum(one.url.endswith("/commands/STOP_SESSION") for one in street.wire.sent) == 1


async def test_never_is_more_taken_than_was_held(street: Street) -> None:
    payment = await street.tap()
    street.clock.move(3600)
    await street.plugs.count("100")
    await street.unplug()
    payment = await street.paid(payment.reference)
    assert payment.captured == Decimal("35.5")
    (word,) = await confirmations(street)
    assert word["capture_status_code"] == "PARTIAL_SUCCESS"


@pytest.mark.req("PAY-019")
async def test_without_an_amount_in_the_tariff_a_fixed_one_is_held(street: Street) -> None:
    street.clock.move(1)
    await own(street.cpo, "tariffs", priced(last_updated=street.clock.text()) | {"last_updated": street.clock.text()})
    await street.settle()
    assert (await street.tap()).held == cards.UNSAID


async def test_a_declined_card_starts_nothing(street: Street) -> None:
    street.bank.limit = Decimal(10)
    payment = await street.tap()
    assert (payment.state, payment.reason) == ("DECLINED", "declined by the bank")
    assert not any("/commands/" in one.url for one in street.wire.sent)


@pytest.mark.parametrize("result", ["EVSE_OCCUPIED", "REJECTED", "TIMEOUT"])
async def test_what_does_not_start_is_let_go(street: Street, result: str) -> None:
    street.plugs.outcome = Outcome(result, "no")
    payment = await street.tap()
    street.clock.move(600)
    await street.settle()
    assert (await street.paid(payment.reference)).state == "RELEASED"
    assert street.bank.released == {payment.reference} and street.bank.taken == {}


async def test_a_bank_that_is_away_is_asked_again_with_the_same_key(street: Street) -> None:
    payment = await street.tap()
    await street.charge("10")
    street.bank.answers = False
    await street.unplug()
    assert (await street.paid(payment.reference)).state == "BILLED"
    street.bank.answers = True
    # Another process goes on.
    street.cashier = Cashier(street.ptp, street.bank)
    await street.cashier.start()
    await street.settle()
    assert (await street.paid(payment.reference)).state == "CAPTURED"
    assert street.bank.taken == {payment.reference: Decimal("6.00")} and len(await confirmations(street)) == 1


async def test_a_terminal_takes_cards_for_what_it_serves_alone(street: Street) -> None:
    with pytest.raises(NotPossible, match="does not serve"):
        await street.tap("E2", "L2")
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    await assigning.deactivate(street.cpo, stored)
    await street.settle()
    with pytest.raises(NotPossible, match="does not serve"):
        await street.tap()
    assert street.bank.held == {}


async def test_two_cards_for_one_plug_are_one_too_many(street: Street) -> None:
    street.plugs.outcome = Outcome("ACCEPTED")
    await street.tap()
    with pytest.raises(NotPossible, match="just paid"):
        await street.tap()


# --- what the operator does not let a provider do


async def start(street: Street, **more: Any) -> Document:
    """A START_SESSION that the PTP sends without any terminal's leave."""
    payment = cards.CardPayment(
        reference="R-1", terminal=0, connection=street.at_ptp.id, country="NL", party="TNM", place="L1", evse="E1", connector="1",
        state="ASKED", currency="EUR", held=Decimal(1), created_at=0, deadline=0,
    )  # fmt: skip
    token = cards.token("AT", "PAY", payment, street.clock.now)
    body = {"token": token, "location_id": "L1", "evse_uid": "E1", "response_url": "https://ptp.example/ocpi/2.3.0/sender/commands/X/1"}
    reply = await street.ptp.client.call(street.at_ptp, "POST", "commands", "RECEIVER", "START_SESSION", document={**body, **more})
    answer: Document = reply.data
    return answer


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "authorization_reference"),
        ({"location_id": "L2", "evse_uid": "E2", "authorization_reference": "R-1"}, "no terminal of yours"),
        ({"location_id": "L9", "authorization_reference": "R-1"}, "not known here"),
    ],
)
async def test_a_start_without_a_reference_or_a_terminal_is_rejected(street: Street, more: Document, why: str) -> None:
    answer = await start(street, **more)
    assert answer["result"] == "REJECTED" and why in answer["message"][0]["text"]
    assert street.plugs.session == ""


async def test_a_reference_is_for_one_charge(street: Street) -> None:
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    answer = await start(street, authorization_reference=payment.reference.upper())
    assert answer["result"] == "REJECTED" and "another charge" in answer["message"][0]["text"]


# --- the invoice


async def page(node: Node, url: str) -> tuple[int, str]:
    """What a browser gets there."""
    base = f"https://{'cpo' if '//cpo.' in url else 'ptp'}.example"
    answer = await Invoices(node).answer("GET", url.removeprefix(base), "198.51.100.7")
    return answer.status, answer.body.decode()


async def ours(street: Street) -> str:
    """The CPO writes the invoices, and says where they stand."""
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    base = invoice_base_url(street.cpo, street.at_cpo)
    await assigning.change(street.cpo, stored, {"invoice_creator": "CPO", "invoice_base_url": base})
    await street.settle()
    return base


@pytest.mark.req("PAY-016", "PAY-023")
async def test_the_operators_invoice_stands_at_its_address_and_gets_the_slip_of_the_card(street: Street) -> None:
    base = await ours(street)
    street.bank.answers = True
    payment = await street.tap()
    url = await receipt_url(street.ptp, payment)
    assert url == base + payment.reference
    assert (await page(street.cpo, url))[0] == 404  # it still charges
    await street.charge("10")
    street.bank.answers = False
    await street.unplug()
    status, before = await page(street.cpo, url)
    assert status == 200 and "being settled" in before and "1234" not in before
    street.bank.answers = True
    await street.settle()
    status, after = await page(street.cpo, url)
    assert status == 200
    for text in (
        payment.reference,
        "Stationsplein 1",
        "Energy: 10 kWh at 0.5",
        "VAT 20 %",
        "€5.00",
        "€1.00",
        "€6.00",
        "Paid. €6.00 by card",
    ):
        assert text in after, text
    assert "Mastercard\nNr: **** **** **** 1234\nAmount: EUR 6.00" in after and f'href="./{payment.reference}.pdf"' in after
    printed = await Invoices(street.cpo).answer("GET", f"{url.removeprefix('https://cpo.example')}.pdf", "::1")
    assert (printed.status, printed.headers["content-type"]) == (200, "application/pdf")
    said = " ".join(PdfReader(io.BytesIO(printed.body)).pages[0].extract_text().split())
    for text in (
        payment.reference,
        "Energy: 10 kWh at 0.5 €5.00",
        "VAT 20 % €1.00",
        "Total €6.00",
        "Paid. €6.00 by card.",
        "Mastercard Nr: ",
    ):
        assert text in said, (text, said)
    assert (await page(street.ptp, url))[0] == 404  # the PTP writes none


async def test_a_capture_that_failed_is_on_the_invoice(street: Street) -> None:
    base = await ours(street)
    street.bank.takes = Decimal(0)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    _, text = await page(street.cpo, base + payment.reference)
    assert "could not be taken" in text and "the card has expired" in text


@pytest.mark.req("PAY-016")
async def test_the_providers_invoice_stands_with_the_provider(street: Street) -> None:
    await street.terminal(location_ids=["L1"], invoice_creator="PTP")
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    url = await receipt_url(street.ptp, payment)
    assert url is not None and url.startswith("https://ptp.example/invoices/")
    status, text = await page(street.ptp, url)
    assert status == 200 and "AT-PAY, for" in text and "€6.00" in text and "1234" in text
    assert (await page(street.cpo, invoice_base_url(street.cpo, street.at_cpo) + payment.reference))[0] == 404


async def test_an_invoice_that_was_taken_back_says_so(street: Street) -> None:
    base = await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    await corrections.credit(street.cpo, street.plugs.session, "billed twice", "Ada")
    assert "taken back" in (await page(street.cpo, base + payment.reference))[1]


async def test_who_tries_addresses_is_not_answered_for_long_and_what_a_partner_says_is_text(street: Street) -> None:
    base = await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    evil = await street.at(street.cpo, "financial-advice-confirmations", (await confirmations(street))[0]["id"])
    assert evil is not None
    document = {**evil.document, "eft_data": ["<script>alert(1)</script>"]}
    await street.cpo.store.write(lambda tx: tx.objects.save(evil.key, document, last_updated=street.clock.now, force=True))
    assert "&lt;script&gt;" in (await page(street.cpo, base + payment.reference))[1]
    invoices, place = Invoices(street.cpo, lambda: 0.0), base.removeprefix("https://cpo.example")
    answers = [(await invoices.answer("GET", f"{place}{number}", "203.0.113.9")).status for number in range(MISSES + 1)]
    assert answers == [404] * MISSES + [429]
    assert (await invoices.answer("GET", place + payment.reference, "203.0.113.9")).status == 200
    for path in ("/invoices/", "/invoices/x/y", f"{place}x/y", f"{place}{'x' * 40}", "/invoices/%00/%FF"):
        assert (await Invoices(street.cpo).answer("GET", path, "::1")).status == 404
    assert (await invoices.answer("POST", place + payment.reference, "::1")).status == 405
