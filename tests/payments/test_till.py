"""The till and the test provider: holds, captures and refunds on a good line and on a bad one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from interplug.payments.port import BadWebhook, Refused
from interplug.payments.service import delivery
from tests.payments.standing import CHALLENGED, DECLINED, DISPUTED, FIXED, FUNDS, GOOD, SHORT, Standing, form, post

D = Decimal


async def test_a_hold_a_capture_of_less_and_a_refund(standing: Standing) -> None:
    payment = await standing.held()
    assert (payment.state, payment.held) == ("held", 50)
    await standing.due("p1", "12.34")
    payment = await standing.till.settle("p1")
    assert (payment.state, payment.kept) == ("captured", D("12.34"))
    await standing.due("p1", "10")
    payment = await standing.till.settle("p1")
    assert (payment.state, payment.kept, payment.refunded) == ("captured", 10, D("2.34"))
    await standing.due("p1", "0")
    assert (await standing.till.settle("p1")).state == "refunded"
    assert standing.moves(payment.reference) == (50, D("12.34"), D("12.34"))


async def test_nothing_due_is_a_void(standing: Standing) -> None:
    await standing.held()
    await standing.due("p1", "0")
    assert (await standing.till.settle("p1")).state == "voided"


async def test_never_more_than_is_held(standing: Standing) -> None:
    await standing.held()
    await standing.due("p1", "70")
    assert (await standing.till.settle("p1")).kept == 50


async def test_a_payment_that_the_driver_never_made_is_let_go(standing: Standing) -> None:
    payment = await standing.till.begin(await standing.payment())
    assert payment.state == "requires_action"
    await standing.due("p1", "0")
    assert (await standing.till.settle("p1")).state == "voided"


@pytest.mark.parametrize(("card", "words"), [(DECLINED, "declined"), (FUNDS, "lack of funds"), ("4111111111111111", "test provider")])
async def test_a_declined_card_is_told_and_another_one_may_be_tried(standing: Standing, card: str, words: str) -> None:
    payment = await standing.held(card)
    assert payment.state == "requires_action" and words in payment.reason
    await standing.enter(payment.reference, GOOD)
    assert (await standing.till.look("p1"))[0].state == "held"


async def test_a_proof_is_asked_for_and_may_fail(standing: Standing) -> None:
    payment = await standing.till.begin(await standing.payment())
    await standing.enter(payment.reference, CHALLENGED, proof="no")
    assert "not recognised" in (await standing.till.look("p1"))[0].reason
    await standing.enter(payment.reference, CHALLENGED)
    payment = (await standing.till.look("p1"))[0]
    assert (payment.state, payment.reason) == ("held", "")


async def test_a_hold_that_has_ended_is_not_captured(standing: Standing) -> None:
    await standing.held(SHORT)
    standing.clock.move(61)
    await standing.due("p1", "5")
    await standing.till.settle("p1")
    payment, _ = await standing.till.look("p1")
    assert (payment.state, payment.kept) == ("expired", 0)


async def test_a_hold_is_raised_where_the_card_lets_it(standing: Standing) -> None:
    await standing.held()
    assert (await standing.till.increase("p1", D(80))).held == 80
    await standing.held(FIXED, id="p2")
    payment = await standing.till.increase("p2", D(80))
    assert (payment.state, payment.held) == ("held", 50) and "raised" in payment.reason


async def test_a_dispute_is_noticed(standing: Standing) -> None:
    await standing.held(DISPUTED)
    await standing.due("p1", "5")
    assert (await standing.till.settle("p1")).state == "disputed"


@pytest.mark.parametrize("fate", ["lost", "silent"])
@pytest.mark.parametrize("what", ["holds", "capture", "refund", "void", "increment"])
async def test_an_answer_that_was_lost_is_found_out_and_nothing_is_done_twice(standing: Standing, fate: str, what: str) -> None:
    standing.line.fate = lambda request: fate if request.url.endswith(what) else "ok"
    if what == "holds":
        assert (await standing.till.begin(await standing.payment())).state == "created"
        payment = await standing.calm("p1")
        assert payment.state == "requires_action" and len([one for one in standing.ledger.documents if one.startswith("th_")]) == 1
        return
    payment = await standing.held()
    if what == "increment":
        assert (await standing.till.increase("p1", D(80))).state == "raising"
        assert (await standing.calm("p1")).held == 80
        return
    for due in ("0",) if what == "void" else ("20", "15"):
        await standing.due("p1", due)
        await standing.till.settle("p1")
    await standing.calm("p1")
    await standing.due("p1", {"void": "0", "capture": "15", "refund": "15"}[what])
    payment = await standing.calm("p1")
    assert (payment.state, payment.kept) == (("voided", 0) if what == "void" else ("captured", 15))
    assert standing.moves(payment.reference)[1] - standing.moves(payment.reference)[2] == payment.kept


async def test_who_waits_for_an_answer_is_left_in_peace(standing: Standing) -> None:
    """The row says that somebody has just asked; once he says that no answer came, whoever looks asks again."""
    payment = await standing.payment()
    standing.clock.move(10)
    await standing.till.settle("p1")
    assert standing.line.asked == []
    standing.line.fate = lambda request: "lost"
    await standing.till.begin(payment)
    standing.line.fate = lambda request: "ok"
    assert (await standing.till.settle("p1")).reference and len(standing.line.posts("holds")) == 2


async def test_a_payment_that_was_never_answered_is_given_up_before_its_key_is_forgotten(standing: Standing) -> None:
    standing.line.fate = lambda request: "lost"
    await standing.till.begin(await standing.payment())
    standing.clock.move(23.5 * 3600)
    assert (await standing.till.settle("p1")).state == "failed"


async def test_all_that_was_asked_and_answered_is_kept_in_order(standing: Standing) -> None:
    await standing.held()
    await standing.due("p1", "12")
    await standing.till.settle("p1")
    events = await standing.node.store.read(lambda tx: tx.payments.events("p1"))
    assert [one.what for one in events] == ["answered: action", "found: held", "asked: capture", "answered: captured"]
    assert (events[2].key, events[2].amount) == ("p1.capture.12.00", "12.00")


# --- the provider itself


async def test_a_key_is_good_for_one_request(standing: Standing) -> None:
    payment = await standing.held()
    bank, place = standing.bank, f"holds/{payment.reference}/capture"
    first = await bank(post(place, {"amount": "5"}, "k"))
    again = await bank(post(place, {"amount": "5"}, "k"))
    assert (first.status, again.body) == (200, first.body)
    assert (await bank(post(place, {"amount": "6"}, "k"))).status == 409
    assert (await bank(post(place, {"amount": "5"}, "other"))).status == 402


async def test_the_page_is_for_whoever_was_sent_there(standing: Standing) -> None:
    payment = await standing.till.begin(await standing.payment())
    assert (await standing.bank(form(f"/payments/test/form/{payment.reference}", secret="x", card=GOOD))).status == 403


async def test_more_than_was_captured_is_not_given_back(standing: Standing) -> None:
    payment = await standing.held()
    await standing.due("p1", "12")
    await standing.till.settle("p1")
    with pytest.raises(Refused):
        await standing.provider.refund(payment.reference, D(13), "EUR", "k")


async def test_a_webhook_is_believed_where_it_is_signed_and_new(standing: Standing) -> None:
    payment = await standing.held()
    request = delivery(standing.events[-1], "https://node.example", "whsec", standing.clock())
    assert standing.provider.parse_webhook(request.headers, request.body) == payment.reference
    for headers, body in (
        (request.headers, request.body + b" "),
        ({}, request.body),
        (delivery(standing.events[-1], "", "other", standing.clock()).headers, request.body),
    ):
        with pytest.raises(BadWebhook):
            standing.provider.parse_webhook(headers, body)
    standing.clock.move(3600)
    with pytest.raises(BadWebhook, match="old"):
        standing.provider.parse_webhook(request.headers, request.body)
