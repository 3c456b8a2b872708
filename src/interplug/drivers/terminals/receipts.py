"""The invoice of a charge at a terminal that we write ourselves, as provider of the terminal, and where it stands."""

from __future__ import annotations

from interplug.charges.invoices import Invoice, invoice, seller
from interplug.modules.node import Node
from interplug.modules.payments import invoice_base_url, invoice_url
from interplug.store.drivers import Drive
from interplug.store.tx import Tx

from .advice import outcome


async def of_card(tx: Tx, node: Node, connection: int, reference: str) -> Invoice | None:
    """Of a charge that was billed, unless its operator writes the invoice. Its number is that of our books, once it is in them."""
    drive = await tx.drivers.get(reference)
    payment = await tx.payments.of_drive(reference)
    cdr = await tx.objects.get_pk(drive.cdr) if drive is not None and drive.cdr else None
    if drive is None or payment is None or cdr is None or not drive.terminal or drive.connection != connection:
        return None
    if cdr.document.get("invoice_reference_id"):
        return None
    partner, ours = node.directory.by_id(connection), node.directory.our_parties("PTP")
    names = {one.party.key: one.business_details.get("name") for one in partner.parties} if partner is not None else {}
    operator = names.get((cdr.key.country.upper(), cdr.key.party.upper())) or f"{cdr.key.country}-{cdr.key.party}"
    mine = seller(node, next((str(one.business_details["name"]) for one in ours if one.business_details), ""))
    status, message = outcome(payment, cdr.document["currency"])
    slip = payment.slip.splitlines() if status else ()
    numbers = [one.number for one in await tx.invoices.of_drive(reference)]
    more = {
        "status": status,
        "message": message,
        "captured": payment.kept,
        "captured_in": payment.currency,
        "vat_number": node.settings.invoices.vat_number,
    }
    return await invoice(tx, cdr, ", ".join(numbers) or reference, str(operator), issuer=mine, slip=slip, **more)


async def receipt_url(node: Node, drive: Drive) -> str | None:
    """What the terminal shows as a code: where the receipt stands, whoever writes it. None: the operator has not said where."""
    connection = node.directory.by_id(drive.connection)
    terminal = await node.store.read(lambda tx: tx.objects.get_pk(drive.terminal))
    document = {} if terminal is None else terminal.document
    if document.get("invoice_creator") == "CPO":
        base = document.get("invoice_base_url")
    else:
        base = None if connection is None else invoice_base_url(node, connection)
    return invoice_url(base, drive.id) if base else None
