"""Money beside CDRs: what was taken, what it should have come to, and what the provider says, payment by payment.

A difference is not always a fault: what is absorbed, because a CDR came late and was higher, is meant. But each is told, with its amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from interplug.config import Payments
from interplug.payments import states
from interplug.payments.port import coins
from interplug.payments.till import Till
from interplug.store.bills import Bill
from interplug.store.payments import Payment
from interplug.store.tx import Tx

from .dues import NO_MATTER, SESSION, UNKNOWN

DAY = 86_400 * 1_000_000
ZERO = Decimal()
MOST = 100_000


class Difference(NamedTuple):
    payment: Payment
    kind: str
    amount: Decimal
    said: str


SAID = {
    "absorbed": "it comes to more than was captured, and the rest is not asked for",
    "uncollected": "there is something to pay, and nothing was taken",
    "too much": "more was taken than it comes to, and has not gone back",
    "no CDR": "captured at the price of the Session; no CDR has come",
    "no bill": "captured at the price of the Session; what the CDR comes to in the currency that was held cannot be said",
    "no price": "what it comes to could not be said, so nothing was taken",
    "no end": "money is held for longer than a hold lasts",
    "disputed": "the driver disputes it",
    "lost": "the bank of the driver has taken it back",
    "provider": "the provider said something else than our books, which now say it, too",
    "failed": "the provider has not taken or given back what our books say, as where a bank sends a refund back; see to it by hand",
    "no provider": "its provider is not the configured one; nobody sees to it",
}


async def reconcile(till: Till, since: int, *, ask: bool = True) -> list[Difference]:
    """Of payments since then, the newest first. `ask`: the provider, too; what it says is taken over."""
    settings, now = till.node.settings.payments, till.node.clock()
    found: list[Difference] = []
    for payment in await till.node.store.read(lambda tx: tx.payments.newest(since, MOST)):
        if payment.provider != till.provider.name and payment.state not in states.ENDED:
            found.append(_difference(payment, "no provider", payment.kept))
        elif ask and payment.reference and payment.state not in (states.VOIDED, states.FAILED):
            before = msgspec.structs.replace(payment)
            payment, there = await till.look(payment.id)
            if (before.state, before.kept) != (payment.state, payment.kept):
                found.append(_difference(payment, "provider", payment.kept - before.kept))
            if there is not None and payment.kept != there.captured - there.refunded:
                found.append(_difference(payment, "failed", there.captured - there.refunded - payment.kept))
        bills = await till.node.store.read(partial(_bills, drive=payment.drive))
        found += [_difference(payment, kind, amount) for kind, amount in differences(payment, bills, settings, now)]
    return found


async def _bills(tx: Tx, drive: str) -> Sequence[Bill]:
    return [one for one in await tx.bills.of_drive(drive) if one.reason not in NO_MATTER]


def differences(payment: Payment, bills: Sequence[Bill], settings: Payments, now: int) -> list[tuple[str, Decimal]]:
    """What is to be told of a payment, each with its amount; see docs/payments.md for what the words mean."""
    due = coins(max(payment.due or ZERO, ZERO), payment.currency)
    found: list[tuple[str, Decimal]] = []
    if payment.state in (states.CAPTURED, states.REFUNDED) and due != payment.kept:
        found.append(("absorbed", due - payment.kept) if due > payment.kept else ("too much", payment.kept - due))
    if payment.state in states.ENDED and due > 0 and not payment.captured:
        found.append(("uncollected", due))
    if payment.basis == SESSION and due > 0:
        found.append(("no bill" if bills else "no CDR", payment.kept))
    if payment.basis == UNKNOWN:
        found.append(("no price", ZERO))
    if payment.state in states.HOLDING and now > payment.created_at + int((settings.hold_days + 3) * DAY):
        found.append(("no end", payment.held))
    if payment.state in (states.DISPUTED, states.LOST):
        found.append((payment.state, payment.captured))
    return found


def _difference(payment: Payment, kind: str, amount: Decimal) -> Difference:
    return Difference(payment, kind, amount, SAID[kind])
