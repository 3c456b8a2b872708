"""What follows a hold: the Session, its CDR, the money that is taken, and the word about it to the operator (FinancialAdviceConfirmation).

A reader of the change log with a cursor; what is to be done at the bank stands in the states, so a restart goes on. Never is more taken
than was held, nor twice. If the CDR says that the operator writes the invoice (`invoice_reference_id`), a confirmation is written in the
transaction that notes what was taken, and push brings it there; else the invoice is ours.
"""

from __future__ import annotations

import logging
import uuid
from decimal import Decimal
from typing import Any

from interplug.drivers.reader import Reader
from interplug.model.types import decode_json, format_time
from interplug.model.validate import validate
from interplug.modules import asking, commands
from interplug.modules.node import Node
from interplug.store.keys import OWN, Key, Stored
from interplug.store.terminals import CardPayment
from interplug.store.tx import Tx
from interplug.tariffs.money import exponent

from .bank import Bank, Declined, NoAnswer
from .cards import happened, move
from .states import ASKED, BILLED, CHARGING, HOLDING, RELEASING

log = logging.getLogger(__name__)
Document = dict[str, Any]
ENOUGH = Decimal("0.95")
"""The part of what is held at which a charge is ended."""
LONGEST = 255
EVENTS = {"ACTIVE": "charging", "INVALID": "invalid"}


class Cashier:
    def __init__(self, node: Node, bank: Bank) -> None:
        self.node, self.bank = node, bank
        self.sessions = Reader(node, "card sessions", "sessions", self._session)
        self.cdrs = Reader(node, "card cdrs", "cdrs", self._cdr)

    async def run(self) -> None:
        """Until cancelled."""
        await self.start()
        while True:
            await self.tick()
            await self.node.store.changed(min(self.sessions.position, self.cdrs.position), 1.0)

    async def start(self) -> None:
        await self.sessions.start()
        await self.cdrs.start()
        for payment in await self._in(HOLDING):
            await happened(self.node, payment.reference, "restart", "the terminal was restarted")

    async def tick(self) -> None:
        await self.sessions.read()
        await self.cdrs.read()
        await self._commands()
        for payment in await self._in(CHARGING):
            await self._watch(payment)
        for payment in await self._in(RELEASING):
            await self._release(payment)
        for payment in await self._in(BILLED):
            await self._capture(payment)

    async def _in(self, *states: str) -> list[CardPayment]:
        return await self.node.store.read(lambda tx: tx.terminals.in_states(states))

    # --- what the operator says

    async def _session(self, tx: Tx, stored: Stored) -> None:
        payment = await _of(tx, stored)
        if payment is not None:
            await move(tx, payment, EVENTS.get(stored.document["status"], ""), session=stored.pk)

    async def _cdr(self, tx: Tx, stored: Stored) -> None:
        payment = await _of(tx, stored)
        if payment is not None and not stored.document.get("credit") and not payment.cdr:
            await move(tx, payment, "billed", cdr=stored.pk)

    async def _commands(self) -> None:
        """A start that was refused in the end, or of which nothing was heard."""
        for payment in await self._in(ASKED):
            row = await asking.status(self.node, payment.command) if payment.command else None
            if row is not None and row.state in ("refused", "failed"):
                await happened(self.node, payment.reference, "refused", row.message or row.result)
            elif self.node.clock() >= payment.deadline:
                await happened(self.node, payment.reference, "late", "no charge began")

    async def _watch(self, payment: CardPayment) -> None:
        """Ends a charge before it costs more than is held."""
        session = await self.node.store.read(lambda tx: tx.objects.get_pk(payment.session))
        connection = self.node.directory.by_id(payment.connection)
        cost = session.document.get("total_cost") if session is not None else None
        if session is None or connection is None or cost is None or gross(cost) < payment.held * ENOUGH:
            return
        try:
            sent = await commands.send(self.node, connection, "STOP_SESSION", {"session_id": session.key.id})
        except asking.NotSent as error:
            log.warning("charge %s goes on: %s", payment.reference, error)
            return
        await happened(self.node, payment.reference, "enough", "what is held is used up", stop_command=sent.id)

    # --- the bank

    async def _release(self, payment: CardPayment) -> None:
        try:
            await self.bank.release(payment.hold, payment.reference)
        except NoAnswer as error:
            log.warning("the hold of %s could not be let go yet: %s", payment.reference, error)
            return
        await happened(self.node, payment.reference, "released", payment.reason)

    async def _capture(self, payment: CardPayment) -> None:
        cdr = await self.node.store.read(lambda tx: tx.objects.get_pk(payment.cdr))
        assert cdr is not None
        due = coins(gross(cdr.document["total_cost"]), payment.currency)
        try:
            taken, reason = await self._taken(payment, cdr.document, due)
        except NoAnswer as error:
            log.warning("nothing is known yet of the capture of %s: %s", payment.reference, error)
            return
        event = "failed" if reason and not taken else "captured"
        reason = reason or ("" if taken == due else "only what was held could be taken")
        await self.node.store.write(lambda tx: self._settle(tx, payment.reference, cdr, event, taken, due, reason))

    async def _taken(self, payment: CardPayment, cdr: Document, due: Decimal) -> tuple[Decimal, str]:
        if cdr["currency"].upper() != payment.currency.upper():
            await self.bank.release(payment.hold, payment.reference)
            return Decimal(), f"the charge was billed in {cdr['currency']}, and {payment.currency} was held"
        wanted = min(due, payment.held)
        if not wanted:
            await self.bank.release(payment.hold, payment.reference)
            return Decimal(), ""
        try:
            return await self.bank.capture(payment.hold, wanted, payment.currency, payment.reference), ""
        except Declined as error:
            return Decimal(), str(error) or "declined"

    async def _settle(self, tx: Tx, reference: str, cdr: Stored, event: str, taken: Decimal, due: Decimal, reason: str) -> None:
        payment = await tx.terminals.get(reference)
        assert payment is not None
        if payment.state != BILLED:
            return
        terminal = await tx.objects.get_pk(payment.terminal)
        told = 0
        if cdr.document.get("invoice_reference_id") and terminal is not None:
            document = confirmation(payment, cdr.document, taken, due, reason, self.node.clock())
            key = Key("financial-advice-confirmations", OWN, terminal.key.country, terminal.key.party, document["id"])
            saved = await tx.objects.save(key, document, last_updated=self.node.clock(), audience=payment.connection)
            told = saved.pk
        await move(tx, payment, event, reason, captured=taken, confirmation=told)


async def _of(tx: Tx, stored: Stored) -> CardPayment | None:
    """The payment of a Session or CDR, which came from the operator at whose station the card was presented."""
    reference = stored.document.get("authorization_reference")
    payment = await tx.terminals.get(reference) if reference else None
    return payment if payment is not None and payment.connection == stored.key.source else None


def confirmation(payment: CardPayment, cdr: Document, taken: Decimal, due: Decimal, reason: str, now: int) -> Document:
    """What was really taken, with taxes in the proportion of the bill, and what has to stand on the invoice."""
    code = "SUCCESS" if taken == due else "PARTIAL_SUCCESS" if taken else "FAILED"
    document: Document = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{payment.reference} {payment.cdr}")),
        "authorization_reference": payment.reference,
        "total_costs": share(cdr["total_cost"], taken, payment.currency),
        "currency": payment.currency,
        "eft_data": [*decode_json(payment.card), f"Amount: {payment.currency} {coins(taken, payment.currency):f}"],
        "capture_status_code": code,
        "last_updated": format_time(now),
    }
    if reason:
        document["capture_status_message"] = "".join(letter if " " <= letter <= "~" else "?" for letter in reason)[:LONGEST]
    validate("financial_advice_confirmation", document)
    return document


def gross(cost: Document) -> Decimal:
    """What the driver pays."""
    return sum((Decimal(tax["amount"]) for tax in cost.get("taxes") or ()), Decimal(cost["before_taxes"]))


def coins(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)))


def share(cost: Document, taken: Decimal, currency: str) -> Document:
    """A Price of `taken` in all, divided as `cost` is; what rounding leaves over is net."""
    whole = gross(cost)
    if not taken or not whole:
        return {"before_taxes": taken}
    taxes = [{**tax, "amount": coins(Decimal(tax["amount"]) * taken / whole, currency)} for tax in cost.get("taxes") or ()]
    net = taken - sum((tax["amount"] for tax in taxes), Decimal())
    return {"before_taxes": net} | ({"taxes": taxes} if "taxes" in cost else {})
