"""Laws of what is taken from a card: never more than is held, and every coin of it is said."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.drivers.terminals.advice import confirmation, gross, outcome, share
from interplug.modules.payments import invoice_url
from interplug.payments import states
from interplug.payments.port import coins
from interplug.store.payments import Payment

CURRENCIES = ("EUR", "JPY", "KWD")
AMOUNTS = st.decimals(min_value=0, max_value=10_000, places=4)
COSTS = st.fixed_dictionaries(
    {"before_taxes": AMOUNTS},
    optional={"taxes": st.lists(st.fixed_dictionaries({"name": st.just("VAT"), "amount": AMOUNTS}), max_size=3)},
)


@given(cost=COSTS, part=st.integers(0, 100), currency=st.sampled_from(CURRENCIES))
def test_a_share_is_what_was_taken_to_the_last_coin(cost: dict[str, Any], part: int, currency: str) -> None:
    taken = coins(gross(cost) * part / 100, currency)
    said = share(cost, taken, currency)
    assert gross(said) == taken
    assert all(tax["amount"] == coins(tax["amount"], currency) for tax in said.get("taxes", ()))
    assert all(tax["amount"] <= coins(taken, currency) for tax in said.get("taxes", ()))


def paid(state: str, **columns: Any) -> Payment:
    return Payment(
        id="P", drive="R", contract="R", provider="test", state=state, currency="EUR", wanted=Decimal(0), created_at=0, changed_at=0,
        reader="SN-1", slip="Card: 1234", **columns,
    )  # fmt: skip


@given(cost=COSTS, held=AMOUNTS)
def test_the_code_says_how_much_of_what_was_due_was_taken(cost: dict[str, Any], held: Decimal) -> None:
    due = coins(gross(cost), "EUR")
    taken = min(due, coins(held, "EUR"))
    state = states.CAPTURED if taken else states.EXPIRED
    code, reason = outcome(payment := paid(state, held=held, captured=taken, due=due), "EUR")
    said = confirmation(payment, cost, code, reason, 0)
    assert said["capture_status_code"] == ("SUCCESS" if taken == due else "PARTIAL_SUCCESS" if taken else "FAILED")
    assert gross(said["total_costs"]) == taken and said["eft_data"][0] == "Card: 1234"
    assert ("capture_status_message" in said) == (taken != due)


@pytest.mark.parametrize(
    ("state", "columns", "code"),
    [
        (states.CREATED, {}, ""),
        (states.ACTION, {"due": Decimal(0)}, ""),
        (states.HELD, {"held": Decimal(9)}, ""),
        (states.HELD, {"held": Decimal(9), "due": Decimal(6)}, ""),
        (states.HELD, {"held": Decimal(9), "due": Decimal(6), "tries": 1}, "FAILED"),
        (states.CAPTURING, {"held": Decimal(9), "due": Decimal(6)}, ""),
        (states.CAPTURED, {"captured": Decimal(6), "due": Decimal(6)}, "SUCCESS"),
        (states.CAPTURED, {"captured": Decimal(6), "due": Decimal(4)}, ""),  # 2 go back first
        (states.REFUNDING, {"captured": Decimal(6), "due": Decimal(4)}, ""),
        (states.CAPTURED, {"captured": Decimal(6), "refunded": Decimal(2), "due": Decimal(4)}, "SUCCESS"),
        (states.REFUNDED, {"captured": Decimal(6), "refunded": Decimal(6), "due": Decimal(0)}, "SUCCESS"),
        (states.CAPTURED, {"captured": Decimal(6), "due": Decimal(8)}, "PARTIAL_SUCCESS"),
        (states.DISPUTED, {"captured": Decimal(6), "due": Decimal(6)}, ""),
        (states.LOST, {"captured": Decimal(6), "due": Decimal(6)}, "FAILED"),
        (states.VOIDED, {"due": Decimal(0)}, "SUCCESS"),
        (states.EXPIRED, {"held": Decimal(9), "due": Decimal(6)}, "FAILED"),
    ],
)
def test_an_operator_is_told_of_a_capture_when_it_is_over(state: str, columns: dict[str, Any], code: str) -> None:
    assert outcome(paid(state, **columns), "EUR")[0] == code
    assert outcome(paid(state, **columns), "CHF")[0] == "FAILED"


def test_a_reference_follows_the_address() -> None:
    assert invoice_url("https://cpo.example/i", "R") == invoice_url("https://cpo.example/i/", "R") == "https://cpo.example/i/R"
    assert invoice_url("https://cpo.example/?i=", "R") == "https://cpo.example/?i=R"
