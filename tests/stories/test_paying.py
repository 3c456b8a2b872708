"""A card at a terminal: hold, charge, bill, money, and the operator's invoice. A PTP and a CPO, each a node of its own."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from interplug.charges import charging, corrections
from interplug.drivers.plugs import NotPossible
from interplug.drivers.reconciling import reconcile
from interplug.drivers.terminals import advice
from interplug.drivers.terminals.receipts import receipt_url
from interplug.drivers.tokens import card_token
from interplug.model.types import decode_json, encode_json
from interplug.modules import assigning
from interplug.modules.node import Node, Outcome
from interplug.modules.payments import invoice_base_url
from interplug.payments.states import CAPTURED, CAPTURING, EXPIRED, HELD, REFUNDED, VOIDED
from interplug.payments.trial import TestProvider
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx
from interplug.web.invoices import MISSES, Invoices
from tests.modules import said
from tests.nodes import own
from tests.payments.standing import DECLINED, FIXED, FUNDS, SHORT
from tests.stories.paying import Street

Document = dict[str, Any]
HOUR = 3600
SLIP = ["TEST PROVIDER, NO MONEY MOVES", "Card: **** **** **** 4242"]


def priced(**more: Any) -> Document:
    """0.50 a kWh and a fifth of that as tax."""
    component = {"type": "ENERGY", "price": D("0.50"), "vat": 20, "step_size": 1}
    return said.tariff("T-AD-HOC", type="AD_HOC_PAYMENT", elements=[{"price_components": [component]}], **more)


@pytest.fixture
async def street(engine: str, tmp_path: Path) -> AsyncIterator[Street]:
    joined = await Street.join(tmp_path)
    await own(joined.cpo, "tariffs", said.tariff("T-CARD", type="REGULAR"))
    await own(joined.cpo, "tariffs", priced(preauthorize_amount=D("35.5")))
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
    drive = await street.tap()
    payment = await street.paid(drive)
    assert (drive.state, payment.state, payment.held, payment.currency) == ("CHARGING", HELD, D("35.5"), "EUR")
    (start,) = [one for one in street.wire.sent if one.url.endswith("/commands/START_SESSION")]
    assert drive.id.encode() in start.body
    await street.charge("10")
    assert (await of_charge(street, "sessions")).document["authorization_reference"] == drive.id
    await street.unplug()
    cdr = (await of_charge(street, "cdrs")).document
    assert (cdr["authorization_reference"], cdr["invoice_reference_id"]) == (drive.id, "CPO-000001")
    assert [one["id"] for one in cdr["tariffs"]] == ["T-AD-HOC"]
    assert (await street.now(drive)).state == "BILLED" and await street.stands(drive) == (CAPTURED, D("6.00"))
    assert len(street.line.posts("/capture")) == 1
    (word,) = await confirmations(street)
    assert word == {
        "id": word["id"],
        "authorization_reference": drive.id,
        "total_costs": {"before_taxes": D("5.00"), "taxes": [{"name": "VAT", "percentage": 20, "amount": D("1.00")}]},
        "currency": "EUR",
        "eft_data": [*SLIP, f"Payment: {payment.reference}", "Amount: EUR 6.00"],
        "capture_status_code": "SUCCESS",
        "last_updated": word["last_updated"],
    }
    bill = await street.cpo.store.read(lambda tx: tx.terminals.bill(street.at_cpo.id, drive.id))
    assert bill is not None and bill.confirmation


async def spoiled(street: Street) -> Drive:
    """10 kWh, and the hold has ended before the bill came."""
    drive = await street.tap(card=SHORT)
    street.clock.move(30)
    await street.plugs.count("10")
    await charging.end(street.cpo, street.plugs.session, street.clock.now)
    street.clock.move(61)
    await street.settle()
    await street.later(600)
    return drive


@pytest.mark.req("PAY-027")
async def test_what_could_not_be_taken_is_said(street: Street) -> None:
    drive = await spoiled(street)
    (word,) = await confirmations(street)
    assert (word["capture_status_code"], word["total_costs"]) == ("FAILED", {"before_taxes": 0})
    assert word["eft_data"] and "expired" in word["capture_status_message"]
    assert await street.stands(drive) == (EXPIRED, 0)


async def test_where_the_provider_writes_the_invoice_nothing_is_confirmed(street: Street) -> None:
    await street.terminal(location_ids=["L1"], invoice_creator="PTP")
    drive = await street.tap()
    await street.charge("10")
    await street.unplug()
    assert "invoice_reference_id" not in (await of_charge(street, "cdrs")).document
    assert await street.stands(drive) == (CAPTURED, D("6.00")) and await confirmations(street) == []


async def test_a_charge_ends_when_what_is_held_is_nearly_used_up(street: Street) -> None:
    drive = await street.tap(card=FIXED)
    await street.charge("40")
    assert (await street.now(drive)).state == "CHARGING"
    await street.charge("57")  # 34.20 of 35.50
    await street.later(61)
    assert await street.stands(drive) == (CAPTURED, D("34.20"))
    assert sum(one.url.endswith("/commands/STOP_SESSION") for one in street.wire.sent) == 1


async def test_a_hold_is_raised_where_the_card_lets_it(street: Street) -> None:
    drive = await street.tap()
    await street.charge("57")
    assert (await street.now(drive)).state == "CHARGING" and (await street.paid(drive)).held == D("71")


@pytest.mark.req("PAY-027")
async def test_never_is_more_taken_than_was_held(street: Street) -> None:
    drive = await street.tap()
    street.clock.move(3600)
    await street.plugs.count("100")
    await street.unplug()
    assert await street.stands(drive) == (CAPTURED, D("35.5"))
    (word,) = await confirmations(street)
    assert word["capture_status_code"] == "PARTIAL_SUCCESS" and "only what was held" in word["capture_status_message"]


@pytest.mark.req("PAY-019")
async def test_without_an_amount_in_the_tariff_the_configured_energy_is_held_for(street: Street) -> None:
    street.clock.move(1)
    await own(street.cpo, "tariffs", priced(last_updated=street.clock.text()) | {"last_updated": street.clock.text()})
    await street.settle()
    assert (await street.paid(await street.tap())).held == 36  # 60 kWh at 0.50, and a fifth of that


@pytest.mark.parametrize(("card", "why"), [(DECLINED, "declined"), (FUNDS, "lack of funds"), ("4111111111111111", "test provider")])
async def test_a_declined_card_starts_nothing_and_another_one_may_be_tried(street: Street, card: str, why: str) -> None:
    drive = await street.tap(card=card)
    assert drive.state == "FAILED" and why in drive.reason
    assert (await street.stands(drive)) == (VOIDED, 0)
    assert not any("/commands/" in one.url for one in street.wire.sent)
    assert (await street.tap()).state == "CHARGING"


@pytest.mark.parametrize("result", ["EVSE_OCCUPIED", "REJECTED", "TIMEOUT"])
async def test_what_does_not_start_is_let_go(street: Street, result: str) -> None:
    street.plugs.outcome = Outcome(result, "no")
    drive = await street.tap()
    for _ in range(5):
        await street.later(600)
    assert (await street.now(drive)).state == "FAILED"
    assert await street.stands(drive) == (VOIDED, 0)


async def test_a_provider_that_is_away_is_asked_again_with_the_same_key(street: Street) -> None:
    drive = await street.tap()
    await street.charge("10")
    street.line.fate = lambda request: "silent"
    await street.unplug()
    assert (await street.paid(drive)).state == CAPTURING
    # Another process goes on.
    keys = {one.headers["idempotency-key"] for one in street.line.posts("/capture")}
    street.till()
    await street.later(120)
    assert await street.stands(drive) == (CAPTURED, D("6.00")) and len(keys) == 1
    assert len(await confirmations(street)) == 1


async def test_where_no_provider_takes_cards_at_terminals_none_is_asked_for(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestProvider, "readers", False)
    with pytest.raises(NotPossible, match="no cards at terminals"):
        await street.tap()
    assert street.line.asked == []


async def test_a_provider_that_is_away_when_the_card_is_presented_begins_nothing(street: Street) -> None:
    street.line.fate = lambda request: "lost"
    drive = await street.tap()
    assert drive.state == "FAILED" and not any("/commands/" in one.url for one in street.wire.sent)
    street.line.fate = lambda request: "ok"
    await street.later(120)
    assert (await street.paid(drive)).state == VOIDED


async def test_a_terminal_takes_cards_for_what_it_serves_alone(street: Street) -> None:
    with pytest.raises(NotPossible, match="does not serve"):
        await street.tap("E2", "L2")
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    await assigning.deactivate(street.cpo, stored)
    await street.settle()
    with pytest.raises(NotPossible, match="does not serve"):
        await street.tap()
    assert street.line.asked == []


async def test_two_cards_for_one_plug_are_one_too_many(street: Street) -> None:
    street.plugs.outcome = Outcome("ACCEPTED")
    await street.tap()
    with pytest.raises(NotPossible, match="just paid"):
        await street.tap()


# --- CDRs that are late, missing, changed, taken back


def bills_are_lost(street: Street) -> None:
    """CDRs do not reach the PTP, but those of `billed`."""
    there = street.wire.places["https://ptp.example"]

    async def lossy(request: Request) -> Response:
        if request.method == "POST" and request.url.endswith("/cdrs") and b"by hand" not in request.body:
            raise Unreachable("lost")
        return await there(request)

    street.wire.places["https://ptp.example"] = lossy


async def billed(street: Street, total: str, taxes: str, **more: Any) -> None:
    """A CDR, as another operator's program sends one: by its own figures."""
    (first, *_), _ = await street.cpo.store.read(lambda tx: tx.objects.batch("cdrs", 0, 10))
    cost = {"before_taxes": D(total), "taxes": [{"name": "VAT", "percentage": 20, "amount": D(taxes)}]}
    street.clock.move(1)
    document = {**first.document, "total_cost": cost, "last_updated": street.clock.text(), "remark": "by hand", **more}
    reply = await street.cpo.client.call(street.at_cpo, "POST", "cdrs", "RECEIVER", document=document)
    assert reply.ok, reply.why()
    await street.settle()


async def told(street: Street) -> tuple[str, D]:
    """The code of the one confirmation, and how much it says was taken."""
    (word,) = await confirmations(street)
    return word["capture_status_code"], advice.gross(word["total_costs"])


@pytest.fixture
async def unbilled(street: Street) -> Drive:
    """6.00 by its Session, and the CDR is lost."""
    drive = await street.tap()
    await street.charge("10")
    bills_are_lost(street)
    await street.unplug()
    return drive


async def test_without_a_cdr_the_price_of_the_session_is_taken(street: Street, unbilled: Drive) -> None:
    assert await street.stands(unbilled) == (HELD, 0)
    await street.later(49 * HOUR)
    assert await street.stands(unbilled) == (CAPTURED, D("6.00")) and await confirmations(street) == []
    found = await reconcile(street.desk.till, 0)
    assert [(one.kind, one.amount) for one in found] == [("no CDR", D("6.00"))]


@pytest.mark.parametrize(
    ("total", "taxes", "kept", "code"), [("5", "1", "6", "SUCCESS"), ("4", "0.8", "4.8", "SUCCESS"), ("6", "1.2", "6", "PARTIAL_SUCCESS")]
)
async def test_a_late_cdr_is_made_good_for(street: Street, unbilled: Drive, total: str, taxes: str, kept: str, code: str) -> None:
    await street.later(49 * HOUR)
    await billed(street, total, taxes)
    assert await street.stands(unbilled) == (CAPTURED, D(kept)) and await told(street) == (code, D(kept))


async def test_a_changed_cdr_gives_back_and_takes_no_more(street: Street, unbilled: Drive) -> None:
    await billed(street, "5", "1")
    (source,) = [one.key.source for one in await street.ptp.store.read(lambda tx: tx.objects.find_id("cdrs", street.plugs.session))]

    async def changed(total: str, taxes: str) -> None:
        async def work(tx: Any) -> None:
            (stored,) = await tx.objects.find_id("cdrs", street.plugs.session, source)
            cost = {"before_taxes": D(total), "taxes": [{"name": "VAT", "percentage": 20, "amount": D(taxes)}]}
            await tx.objects.save(stored.key, {**stored.document, "total_cost": cost}, last_updated=street.clock())

        street.clock.move(10)
        await street.ptp.store.write(work)
        await street.settle()

    await changed("4", "0.8")
    assert await street.stands(unbilled) == (CAPTURED, D("4.8")) and await told(street) == ("SUCCESS", D("4.8"))
    await changed("6", "1.2")
    assert await street.stands(unbilled) == (CAPTURED, D("4.8")) and await told(street) == ("PARTIAL_SUCCESS", D("4.8"))


async def test_a_credit_cdr_gives_all_back_after_a_while(street: Street) -> None:
    drive = await street.tap()
    await street.charge("10")
    await street.unplug()
    await corrections.credit(street.cpo, street.plugs.session, "billed twice", "Ada")
    await street.settle()
    assert await street.stands(drive) == (CAPTURED, D("6.00"))
    await street.later(HOUR + 1)
    assert await street.stands(drive) == (REFUNDED, 0) and await told(street) == ("SUCCESS", 0)
    assert len(street.line.posts("/refund")) == 1


async def test_a_corrected_cdr_moves_the_difference_alone_and_is_the_invoice(street: Street) -> None:
    base = await ours(street)
    drive = await street.tap()
    await street.charge("10")
    await street.unplug()
    (stored,) = await street.cpo.store.read(lambda tx: tx.objects.find_id("cdrs", street.plugs.session, OWN))
    period = {**stored.document["charging_periods"][0], "dimensions": [{"type": "ENERGY", "volume": 8}]}
    await corrections.correct(street.cpo, street.plugs.session, {**stored.document, "charging_periods": [period]})
    await street.settle()
    await street.later(HOUR + 1)
    assert await street.stands(drive) == (CAPTURED, D("4.80")) and await told(street) == ("SUCCESS", D("4.80"))
    assert len(street.line.posts("/refund")) == 1
    _, text = await page(street.cpo, base + drive.id)
    assert "8 kWh" in text and "Paid. €4.80 by card" in text and "taken back" not in text


async def test_a_second_cdr_for_the_same_charge_is_paid_by_nobody(street: Street, unbilled: Drive) -> None:
    await billed(street, "5", "1")
    await billed(street, "5", "1", id="AGAIN")
    await street.later(HOUR + 1)
    assert await street.stands(unbilled) == (CAPTURED, D("6.00"))


async def test_a_bill_in_another_currency_is_not_taken(street: Street, unbilled: Drive) -> None:
    await billed(street, "5", "1", currency="CHF")
    assert await told(street) == ("FAILED", 0)
    await street.later(7 * 24 * HOUR)
    assert (await street.paid(unbilled)).kept == 0


# --- what the operator does not let a provider do


async def start(street: Street, **more: Any) -> Document:
    """A START_SESSION that the PTP sends without any terminal's leave."""
    token = card_token(street.ptp, "R-1")
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
    drive = await street.tap()
    await street.charge("10")
    await street.unplug()
    answer = await start(street, authorization_reference=drive.id.upper())
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
    payment = await street.tap()
    url = await receipt_url(street.ptp, payment)
    assert url == base + payment.id
    assert (await page(street.cpo, url))[0] == 404  # it still charges
    await street.charge("10")
    street.line.fate = lambda request: "lost"
    await street.unplug()
    status, before = await page(street.cpo, url)
    assert status == 200 and "being settled" in before and "4242" not in before
    street.line.fate = lambda request: "ok"
    await street.later(120)
    status, after = await page(street.cpo, url)
    assert status == 200
    for text in (
        "CPO-000001",
        "Stationsplein 1",
        "Energy: 10 kWh at €0.50",
        "VAT 20 %",
        "€5.00",
        "€1.00",
        "€6.00",
        "Paid. €6.00 by card",
    ):
        assert text in after, text
    assert (
        f"{SLIP[1]}\nPayment: {(await street.paid(payment)).reference}\nAmount: EUR 6.00" in after and f'href="./{payment.id}.pdf"' in after
    )
    printed = await Invoices(street.cpo).answer("GET", f"{url.removeprefix('https://cpo.example')}.pdf", "::1")
    assert (printed.status, printed.headers["content-type"]) == (200, "application/pdf")
    said = " ".join(PdfReader(io.BytesIO(printed.body)).pages[0].extract_text().split())
    for text in (
        "CPO-000001",
        "Energy: 10 kWh at €0.50 €5.00",
        "VAT 20 % €1.00",
        "Total €6.00",
        "Paid. €6.00 by card.",
        SLIP[1],
    ):
        assert text in said, (text, said)
    assert (await page(street.ptp, url))[0] == 404  # the PTP writes none


async def test_a_capture_that_failed_is_on_the_invoice(street: Street) -> None:
    base = await ours(street)
    drive = await spoiled(street)
    _, text = await page(street.cpo, base + drive.id)
    assert "could not be taken" in text and "expired" in text


@pytest.mark.req("PAY-016")
async def test_the_providers_invoice_stands_with_the_provider(street: Street) -> None:
    await street.terminal(location_ids=["L1"], invoice_creator="PTP")
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    url = await receipt_url(street.ptp, payment)
    assert url is not None and url.startswith("https://ptp.example/invoices/")
    status, text = await page(street.ptp, url)
    assert status == 200 and "AT-PAY, for" in text and "€6.00" in text and "4242" in text and "INV-000001" in text
    assert (await page(street.cpo, invoice_base_url(street.cpo, street.at_cpo) + payment.id))[0] == 404


async def test_an_invoice_that_was_taken_back_says_so(street: Street) -> None:
    base = await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    await corrections.credit(street.cpo, street.plugs.session, "billed twice", "Ada")
    _, text = await page(street.cpo, base + payment.id)
    assert "CPO-000001" in text and "taken back by its operator with the credit note CPO-000002" in text


async def test_the_operators_invoices_are_numbered_without_a_gap_and_say_who_sells(street: Street) -> None:
    base = await ours(street)
    street.cpo.settings = replace(
        street.cpo.settings, invoices=replace(street.cpo.settings.invoices, seller=["Laad & Co", "Kade 1, Utrecht"], vat_number="NL001B01")
    )
    for number in (1, 2, 3):
        payment = await street.tap()
        await street.charge("10")
        await street.unplug()
        _, text = await page(street.cpo, base + payment.id)
        assert f"CPO-{number:06d}" in text and "Laad &amp; Co, Kade 1, Utrecht" in text and "NL001B01" in text


async def test_what_was_taken_in_another_currency_is_said_in_that_one(street: Street) -> None:
    """A bank may have counted in the currency of the card."""
    base = await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    word = await street.at(street.cpo, "financial-advice-confirmations", (await confirmations(street))[0]["id"])
    assert word is not None
    document = {**word.document, "currency": "USD", "total_costs": {"before_taxes": D("7.12")}}
    await street.cpo.store.write(lambda tx: tx.objects.save(word.key, document, last_updated=street.clock.now, force=True))
    _, text = await page(street.cpo, base + payment.id)
    assert "$7.12 by card" in text and "€6.00" in text and "€7.12" not in text
    answer = await Invoices(street.cpo).answer("GET", f"{base}{payment.id}.pdf".removeprefix("https://cpo.example"), "::1")
    assert "$7.12 by card" in " ".join(PdfReader(io.BytesIO(answer.body)).pages[0].extract_text().split())


async def test_what_the_bank_says_of_the_card_later_comes_to_the_operator_too(street: Street) -> None:
    await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    reference = (await street.paid(payment)).reference

    async def work(tx: Tx) -> None:
        hold = decode_json(await tx.payments.test_get(reference) or b"")
        await tx.payments.test_put(reference, encode_json({**hold, "slip": [*hold["slip"], "Receipt: 0815"]}))

    await street.ptp.store.write(work)
    await reconcile(street.desk.till, 0)
    await street.later(1)
    (word,) = await confirmations(street)
    assert "Receipt: 0815" in word["eft_data"] and word["capture_status_code"] == "SUCCESS"


async def test_who_tries_addresses_is_not_answered_for_long_and_what_a_partner_says_is_text(street: Street) -> None:
    base = await ours(street)
    payment = await street.tap()
    await street.charge("10")
    await street.unplug()
    evil = await street.at(street.cpo, "financial-advice-confirmations", (await confirmations(street))[0]["id"])
    assert evil is not None
    document = {**evil.document, "eft_data": ["<script>alert(1)</script>"]}
    await street.cpo.store.write(lambda tx: tx.objects.save(evil.key, document, last_updated=street.clock.now, force=True))
    assert "&lt;script&gt;" in (await page(street.cpo, base + payment.id))[1]
    invoices, place = Invoices(street.cpo, lambda: 0.0), base.removeprefix("https://cpo.example")
    answers = [(await invoices.answer("GET", f"{place}{number}", "203.0.113.9")).status for number in range(MISSES + 1)]
    assert answers == [404] * MISSES + [429]
    assert (await invoices.answer("GET", place + payment.id, "203.0.113.9")).status == 200
    for path in ("/invoices/", "/invoices/x/y", f"{place}x/y", f"{place}{'x' * 40}", "/invoices/%00/%FF"):
        assert (await Invoices(street.cpo).answer("GET", path, "::1")).status == 404
    assert (await invoices.answer("POST", place + payment.id, "::1")).status == 405
