"""What is to be asked of the provider next, from the row alone: no clock, no socket, no database.

`due` is what a payment comes to in the end. Everything follows from it and from how the payment stands: nothing due is a void, a hold is
captured up to `due` and never above what is held, and what was captured above `due` goes back. Keys are made of what is asked, so
that the same request always has the same key; a refund's names what was given back before and what shall have been after, so that it
cannot be done twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from interplug.store.payments import Payment

from . import states
from .port import Found, coins


class Step(NamedTuple):
    """`amount`: to capture; to hold in all; to have been given back in all."""

    event: str
    amount: Decimal
    key: str


def next_step(payment: Payment) -> Step | None:
    """What is asked of the provider next, so that what is taken comes to `due`; None: nothing."""
    if payment.due is None:
        return None
    due = coins(payment.due, payment.currency)
    if payment.state in (states.ACTION, states.HELD) and due <= 0:
        return Step("void", Decimal(), f"{payment.id}.void")
    if payment.state == states.HELD:
        return step(payment, "capture", min(due, payment.held))
    if payment.state == states.CAPTURED and payment.kept > max(due, Decimal()):
        wanted = payment.captured - max(due, Decimal())
        return Step("refund", wanted, f"{payment.id}.refund.{payment.refunded:f}-{wanted:f}")
    return None


def step(payment: Payment, event: str, amount: Decimal) -> Step:
    return Step(event, amount, f"{payment.id}.{event}.{amount:f}")


def event_of(payment: Payment, found: Found) -> str:
    """What the provider's truth means for the row; empty: nothing, or not yet.

    While an answer is awaited, only what shows that the request was carried out counts: an older truth may be on its way still.
    """
    if payment.state == states.RAISING and found.status == "held" and found.held < payment.amount:
        return ""
    if payment.state == states.REFUNDING and found.status == "captured" and found.refunded < payment.amount:
        return ""
    return found.status


def learned(payment: Payment, found: Found) -> bool:
    """Takes over what the provider says; whether the row has changed. Amounts only ever grow, so an old truth takes nothing back."""
    before = msgspec.structs.replace(payment)
    payment.reference = payment.reference or found.reference
    state = states.advance(payment.state, event_of(payment, found))
    if state is not None:
        payment.state, payment.key, payment.amount, payment.tries = state, "", Decimal(), 0
    payment.held = max(payment.held, found.held)
    payment.captured = max(payment.captured, found.captured)
    payment.refunded = max(payment.refunded, found.refunded)
    payment.expires_at = found.expires_at or payment.expires_at
    payment.slip = "\n".join(found.slip) or payment.slip
    payment.reason = found.reason or ("" if state is not None else payment.reason)
    return before != payment
