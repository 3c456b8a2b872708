"""The invoice of a card payment that we write ourselves, as provider of the terminal, and where it stands."""

from __future__ import annotations

from interplug.charges.invoices import Invoice, invoice
from interplug.model.types import decode_json
from interplug.modules.node import Node
from interplug.modules.payments import invoice_base_url, invoice_url
from interplug.store.terminals import CardPayment
from interplug.store.tx import Tx

from .states import CAPTURED, FAILED


async def of_card(tx: Tx, node: Node, connection: int, reference: str) -> Invoice | None:
    """Of a charge that was billed, unless its operator writes the invoice."""
    payment = await tx.terminals.get(reference)
    cdr = await tx.objects.get_pk(payment.cdr) if payment is not None and payment.cdr else None
    if payment is None or cdr is None or payment.connection != connection or cdr.document.get("invoice_reference_id"):
        return None
    partner, ours = node.directory.by_id(connection), node.directory.our_parties("PTP")
    names = {one.party.key: one.business_details.get("name") for one in partner.parties} if partner is not None else {}
    operator = names.get((cdr.key.country.upper(), cdr.key.party.upper())) or f"{cdr.key.country}-{cdr.key.party}"
    mine = next((str(one.business_details["name"]) for one in ours if one.business_details), "")
    status = {CAPTURED: "PARTIAL_SUCCESS" if payment.reason else "SUCCESS", FAILED: "FAILED"}.get(payment.state, "")
    slip = decode_json(payment.card) if status else ()
    more = {"status": status, "message": payment.reason if status else "", "captured": payment.captured}
    return await invoice(tx, cdr, payment.reference, str(operator), issuer=mine, slip=slip, **more)


async def receipt_url(node: Node, payment: CardPayment) -> str | None:
    """What the terminal shows as a code: where the receipt stands, whoever writes it. None: the operator has not said where."""
    connection = node.directory.by_id(payment.connection)
    terminal = await node.store.read(lambda tx: tx.objects.get_pk(payment.terminal))
    document = {} if terminal is None else terminal.document
    if document.get("invoice_creator") == "CPO":
        base = document.get("invoice_base_url")
    else:
        base = None if connection is None else invoice_base_url(node, connection)
    return invoice_url(base, payment.reference) if base else None
