"""The table of a payment: every state has an end, and what was captured never comes back as a hold."""

from __future__ import annotations

from interplug.payments.deciding import learned, next_step
from interplug.payments.port import Found
from interplug.payments.states import ASKING, ENDED, HELD, HOLDING, PAYMENTS, UNPAID, advance
from interplug.store.payments import Payment

STATES = {state for state, _ in PAYMENTS} | set(PAYMENTS.values())


def reached(start: str) -> set[str]:
    found = {start}
    for _ in STATES:
        found |= {after for (state, _), after in PAYMENTS.items() if state in found}
    return found


def test_every_state_can_be_reached_and_has_an_end() -> None:
    assert reached("created") == STATES
    assert {state for state in STATES if not reached(state) & set(ENDED)} == set()


def test_what_was_let_go_or_has_failed_stays_so() -> None:
    assert {after for (state, _), after in PAYMENTS.items() if state in ("voided", "failed", "expired", "lost")} == set()


def test_money_that_was_taken_is_never_a_hold_again() -> None:
    for state in ("captured", "refunded", "disputed"):
        assert not reached(state) & {*HOLDING, *UNPAID}


def test_every_question_can_be_answered() -> None:
    for state in ASKING:
        assert [after for (before, _), after in PAYMENTS.items() if before == state and after not in ASKING]


def test_an_old_answer_means_nothing() -> None:
    for state in ("captured", "refunding", "refunded", "voided", "expired", "failed", "disputed", "lost"):
        assert advance(state, "held") is None and advance(state, "action") is None


def row(**more: object) -> Payment:
    said = {"wanted": "50", "held": "0", "captured": "0", "refunded": "0", "due": None, "amount": "0"} | more
    fields = {name: None if value is None else __import__("decimal").Decimal(value) for name, value in said.items() if name != "state"}  # type: ignore[arg-type]
    state = str(more.get("state", HELD))
    return Payment(id="p", drive="d", contract="c", provider="test", currency="EUR", state=state, created_at=0, changed_at=0, **fields)  # type: ignore[arg-type]


def test_what_is_asked_next() -> None:
    table = [
        (row(held="50"), None),
        (row(held="50", due="0"), ("void", "0")),
        (row(held="50", due="12.344"), ("capture", "12.34")),
        (row(held="50", due="12.345"), ("capture", "12.35")),
        (row(held="50", due="0.004"), ("void", "0")),
        (row(held="50", due="70"), ("capture", "50")),
        (row(state="requires_action", due="0"), ("void", "0")),
        (row(state="requires_action", due="9"), None),
        (row(state="captured", held="50", captured="20", due="20"), None),
        (row(state="captured", held="50", captured="20", due="30"), None),
        (row(state="captured", held="50", captured="20", due="15"), ("refund", "5")),
        (row(state="captured", held="50", captured="20", refunded="5", due="10"), ("refund", "10")),
        (row(state="captured", held="50", captured="20", refunded="5", due="-3"), ("refund", "20")),
        (row(state="capturing", held="50", due="3"), None),
        (row(state="voided", due="3"), None),
        (row(state="disputed", captured="20", due="0"), None),
    ]
    for payment, wanted in table:
        step = next_step(payment)
        assert (None if step is None else (step.event, f"{step.amount.normalize():f}")) == wanted, payment


def test_the_same_request_has_the_same_key_and_another_one_has_another() -> None:
    keys = [next_step(one).key for one in (row(held="50", due="3"), row(held="50", due="3"), row(held="50", due="4"))]  # type: ignore[union-attr]
    assert keys[0] == keys[1] != keys[2]
    first = next_step(row(state="captured", captured="20", due="15"))
    second = next_step(row(state="captured", captured="20", refunded="5", due="10"))
    assert first is not None and second is not None and first.key != second.key


def test_what_the_provider_says_of_the_card_is_taken_over_also_where_nothing_else_is_new() -> None:
    payment = row(state="captured", held="50", captured="20")

    def told(*slip: str) -> bool:
        return learned(payment, Found(reference="r", status="captured", captured=payment.captured, slip=slip))

    assert told("AID: A0", "Auth: 1") and payment.slip == "AID: A0\nAuth: 1"
    assert told("AID: A0", "Auth: 2") and payment.slip == "AID: A0\nAuth: 2"
    assert not told("AID: A0", "Auth: 2")
    assert not told() and payment.slip, "what is not said again stays"
