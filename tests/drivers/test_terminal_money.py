"""Laws of what is taken from a card: never more than is held, and every coin of it is said."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interplug.drivers.terminals.cashier import coins, confirmation, gross, share
from interplug.drivers.terminals.states import CARDS, OPEN, RELEASED, RELEASING, advance
from interplug.modules.payments import invoice_url
from interplug.store.terminals import CardPayment

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


@given(cost=COSTS, held=AMOUNTS)
def test_the_code_says_how_much_of_what_was_due_was_taken(cost: dict[str, Any], held: Decimal) -> None:
    due = coins(gross(cost), "EUR")
    taken = min(due, coins(held, "EUR"))
    payment = CardPayment(
        reference="R", terminal=1, connection=1, country="NL", party="TNM", place="L", evse="E", connector="1",
        state="BILLED", currency="EUR", held=held, created_at=0, deadline=0,
    )  # fmt: skip
    said = confirmation(payment, {"total_cost": cost}, taken, due, "" if taken == due else "zu wenig für alles", 0)
    assert said["capture_status_code"] == ("SUCCESS" if taken == due else "PARTIAL_SUCCESS" if taken else "FAILED")
    assert gross(said["total_costs"]) == taken and said["eft_data"]


def test_every_state_comes_to_an_end_and_none_is_billed_twice() -> None:
    assert {state for state, _ in CARDS} - {RELEASED} == {*OPEN, RELEASING, "BILLED"}
    ends = set(CARDS.values()) - {state for state, _ in CARDS}
    assert ends == {"DECLINED", "CAPTURED", "FAILED"}
    assert advance("CAPTURED", "billed") is None and advance("DECLINED", "billed") is None


def test_a_reference_follows_the_address() -> None:
    assert invoice_url("https://cpo.example/i", "R") == invoice_url("https://cpo.example/i/", "R") == "https://cpo.example/i/R"
    assert invoice_url("https://cpo.example/?i=", "R") == "https://cpo.example/?i=R"
