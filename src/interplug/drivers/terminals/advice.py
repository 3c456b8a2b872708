"""The word to the operator about what was really taken of a card (FinancialAdviceConfirmation), where the operator writes the invoice.

It is written in the transaction that sees how the money stands, and push brings it there. There is one for each charge: what comes later, a
changed CDR, a credit CDR, a capture that came through after all, changes it.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from interplug.model.types import format_time
from interplug.model.validate import validate
from interplug.modules.node import Node
from interplug.payments import states
from interplug.payments.deciding import next_step
from interplug.payments.port import coins
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Key
from interplug.store.payments import Payment
from interplug.store.tx import Tx

Document = dict[str, Any]
MODULE = "financial-advice-confirmations"
SUCCESS, PARTIAL, FAILED = "SUCCESS", "PARTIAL_SUCCESS", "FAILED"
ENDED = {
    states.EXPIRED: "the hold has expired",
    states.VOIDED: "the hold was let go before the bill came",
    states.LOST: "the bank of the card has taken it back",
    states.FAILED: "nothing could be taken",
    states.REFUNDED: "all went back",
}
LONGEST = 255
ZERO = Decimal()


async def tell(tx: Tx, node: Node, drive: Drive, payment: Payment) -> None:
    """What of it is new; nothing while something is under way, or where we write the invoice ourselves."""
    cdr = await tx.objects.get_pk(drive.cdr) if drive.cdr else None
    terminal = await tx.objects.get_pk(drive.terminal)
    if cdr is None or terminal is None or not cdr.document.get("invoice_reference_id"):
        return
    code, reason = outcome(payment, cdr.document["currency"])
    if not code:
        return
    now = node.clock()
    document = confirmation(payment, cdr.document["total_cost"], code, reason, now)
    key = Key(MODULE, OWN, terminal.key.country, terminal.key.party, document["id"])
    before = await tx.objects.get(key)
    if before is None or _without_time(before.document) != _without_time(document):
        await tx.objects.save(key, document, last_updated=now, audience=drive.connection)


def outcome(payment: Payment, billed: str) -> tuple[str, str]:
    """The CaptureStatusCode and why it is no SUCCESS; an empty code: nothing can be said yet. `billed`: the currency of the CDR."""
    if billed.upper() != payment.currency.upper():
        return FAILED, f"the charge was billed in {billed}, and {payment.currency} was held"
    if payment.due is None:
        return "", ""
    due = coins(max(payment.due, ZERO), payment.currency)
    if payment.state in (states.CAPTURED, states.REFUNDED):
        if next_step(payment) is not None:
            return "", ""
        return (SUCCESS, "") if payment.kept == due else (PARTIAL, "only what was held could be taken")
    if payment.state == states.LOST:
        return FAILED, payment.reason or ENDED[states.LOST]
    if payment.state in states.ENDED:
        return (SUCCESS, "") if not due else (FAILED, payment.reason or ENDED[payment.state])
    if payment.state == states.HELD and payment.tries and due:
        return FAILED, payment.reason or ENDED[states.FAILED]
    return "", ""


def confirmation(payment: Payment, cost: Document, code: str, reason: str, now: int) -> Document:
    """With taxes in the proportion of the bill (`cost`, its total), and what has to stand on the invoice."""
    taken = ZERO if code == FAILED else payment.kept
    document: Document = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{payment.drive} {MODULE}")),
        "authorization_reference": payment.drive,
        "total_costs": share(cost, taken, payment.currency),
        "currency": payment.currency,
        "eft_data": [*payment.slip.splitlines(), f"Amount: {payment.currency} {coins(taken, payment.currency):f}"],
        "capture_status_code": code,
        "last_updated": format_time(now),
    }
    if reason:
        document["capture_status_message"] = "".join(letter if " " <= letter <= "~" else "?" for letter in reason)[:LONGEST]
    validate("financial_advice_confirmation", document)
    return document


def _without_time(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "last_updated"}


def gross(cost: Document) -> Decimal:
    """What the driver pays."""
    return sum((Decimal(tax["amount"]) for tax in cost.get("taxes") or ()), Decimal(cost["before_taxes"]))


def share(cost: Document, taken: Decimal, currency: str) -> Document:
    """A Price of `taken` in all, divided as `cost` is; what rounding leaves over is net."""
    whole = gross(cost)
    if not taken or not whole:
        return {"before_taxes": taken}
    taxes = [{**tax, "amount": coins(Decimal(tax["amount"]) * taken / whole, currency)} for tax in cost.get("taxes") or ()]
    net = taken - sum((tax["amount"] for tax in taxes), ZERO)
    return {"before_taxes": net} | ({"taxes": taxes} if "taxes" in cost else {})
