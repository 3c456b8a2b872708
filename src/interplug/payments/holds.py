"""A hold at the test provider: the cards that it knows, each with its fate, and what can be asked of a hold once a card is held on.

Pure: a hold is a document, and what is asked changes it or raises `No`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interplug.model.said import said

from .port import DECLINED, NO_FUNDS
from .remembered import AGED, SPENT, No

Document = dict[str, Any]
ZERO = Decimal()
CARDS = {
    "4242424242424242": ("", said("pays")),
    "4000000000000002": (DECLINED, said("is declined")),
    "4000000000009995": (NO_FUNDS, said("is declined for lack of funds")),
    "4000002500003155": ("", said("asks for a proof (3-D Secure)")),
    "4000000000001000": ("", said("pays; the hold expires after a minute")),
    "4000000000002000": ("", said("pays; the hold cannot be raised")),
    "4000000000003000": ("", said("pays; webhooks come late, twice and in the wrong order")),
    "4000000000000259": ("", said("pays; what was captured is disputed")),
    "5555555555554444": ("", said("pays; another one to remember")),
    SPENT: ("", said("pays; remembered, it is declined the next time")),
    AGED: ("", said("pays; remembered, it has expired the next time")),
}
"""What is said when it is refused, and what the form says about it."""
CHALLENGED, SHORT, FIXED, UNRULY, DISPUTED = list(CARDS)[3:8]
UNKNOWN = said("The card is unknown: this is the test provider, which knows its own cards alone.")
OPEN = "action"


def card_of(number: str) -> tuple[str, str]:
    """The number without its spaces, and why it is refused; empty: it is not."""
    number = "".join(number.split()).replace("-", "")
    return number, str(CARDS.get(number, (UNKNOWN, ""))[0])


# --- each returns the event that it is


def _increment(hold: Document, asked: Document) -> str:
    must(hold, "held")
    amount = Decimal(asked["amount"])
    if hold["card"] == FIXED or amount <= Decimal(hold["held"]):
        raise No("this hold cannot be raised")
    hold["held"] = str(amount)
    return "held"


def _capture(hold: Document, asked: Document) -> str:
    must(hold, "held")
    amount = Decimal(asked["amount"])
    if not ZERO < amount <= Decimal(hold["held"]):
        raise No("more than is held, or nothing")
    hold |= {"status": "disputed" if hold["card"] == DISPUTED else "captured", "captured": str(amount)}
    return str(hold["status"])


def _void(hold: Document, asked: Document) -> str:
    must(hold, "held", OPEN, "expired", "voided")
    hold["status"] = "voided"
    return "voided"


def _refund(hold: Document, asked: Document) -> str:
    must(hold, "captured")
    amount, left = Decimal(asked["amount"]), Decimal(hold["captured"]) - Decimal(hold["refunded"])
    if not ZERO < amount <= left:
        raise No("more than was captured, or nothing")
    hold["refunded"] = str(Decimal(hold["refunded"]) + amount)
    hold["status"] = "refunded" if amount == left else "captured"
    return str(hold["status"])


def must(hold: Document, *statuses: str) -> None:
    if hold["status"] not in statuses:
        raise No(f"the payment is {hold['status']}")


ACTIONS: dict[str, Callable[[Document, Document], str]] = {
    "increment": _increment,
    "capture": _capture,
    "void": _void,
    "refund": _refund,
}
