"""`interplug invoice`: what was invoiced to drivers, the invoices of a month made by hand, and what the accounts say was paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.invoicing import month_before, monthly
from interplug.model.types import decode_json, format_time
from interplug.modules.node import Node
from interplug.store.invoices import Invoice
from interplug.store.tx import Tx

from .ending import columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit, time_of

HEADS = ("number", "issued", "contract", "before taxes", "with taxes", "currency", "state", "drive")


def list_(
    *,
    limit: Limit = 50,
    open: Annotated[bool, Parameter(help="Only those of contracts that nobody has said were paid.", negative="")] = False,
    common: Reporting = REPORTING,
) -> None:
    """List invoices and credit notes, the newest first."""

    async def read(tx: Tx) -> list[Invoice]:
        return await (tx.invoices.unpaid if open else tx.invoices.newest)(0, limit)

    found = with_node(common, lambda node: node.store.read(read))
    show([_told(one) for one in found], _table(found), json=common.json)


def show_(number: str, /, *, common: Reporting = REPORTING) -> None:
    """Show an invoice.

    Parameters
    ----------
    number
        Its number, as INV-000001.
    """

    found = _found(number, common)
    show(_told(found), _lines(found), json=common.json)


def paid(
    number: str,
    /,
    *,
    on: Annotated[str | None, Parameter(help="When, as 2026-01-31; without it, now.")] = None,
    how: Annotated[str, Parameter(help="How, in your words; drivers do not see it.")] = "",
    common: Reporting = REPORTING,
) -> None:
    """Say that an invoice of a contract was paid, as your accounts know. Its driver sees it as paid.

    Parameters
    ----------
    number
        Its number, as INV-000001.
    """
    found = _of_contract(number, common)

    async def work(node: Node) -> None:
        at = node.clock() if on is None else time_of(on)
        await node.store.write(lambda tx: tx.invoices.paid(found, at, how))

    with_node(common, work)
    show({"number": found.number, "paid": True}, [f"{found.number} is paid"], json=common.json)


def unpaid(number: str, /, *, common: Reporting = REPORTING) -> None:
    """Take back that an invoice of a contract was paid: it is open again.

    Parameters
    ----------
    number
        Its number, as INV-000001.
    """
    found = _of_contract(number, common)
    with_node(common, lambda node: node.store.write(lambda tx: tx.invoices.not_paid(found)))
    show({"number": found.number, "paid": False}, [f"{found.number} is open"], json=common.json)


def pdf(
    number: str,
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="File that is written; else the number with .pdf, here.")
    ] = None,
    common: Reporting = REPORTING,
) -> None:
    """Write an invoice as PDF, to be sent to its driver.

    Parameters
    ----------
    number
        Its number, as INV-000001.
    """
    from interplug.web.paper import drawn
    from interplug.web.printing import invoice

    sheet = invoice(decode_json(_found(number, common).document))
    file = output or Path(f"{sheet.name}.pdf".replace("/", "-"))
    try:
        file.write_bytes(drawn(sheet))
    except OSError as error:
        end(f"{file} cannot be written: {error.strerror}")
    show({"number": number, "file": str(file)}, [f"{number} is written to {file}"], json=common.json)


def _found(number: str, common: Reporting) -> Invoice:
    found = with_node(common, lambda node: node.store.read(lambda tx: tx.invoices.named(number)))
    if found is None:
        end(f"there is no invoice {number!r}")
    return found


def _of_contract(number: str, common: Reporting) -> Invoice:
    found = _found(number, common)
    if found.drive:
        end(f"{number} was paid by card: see `interplug payment show {found.drive}`")
    return found


def _told(found: Invoice) -> dict[str, Any]:
    """As it was issued, and how it stands."""
    paid_at = format_time(found.paid_at) if found.paid_at else None
    return {**decode_json(found.document), "state": "paid" if found.settled else "open", "paid_at": paid_at, "how": found.how or None}


def run(
    *,
    until: Annotated[str | None, Parameter(help="Of what ended before this day or time (UTC); without it, before this month.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Write the invoices of contracts, for all that is on none yet. A second time there is nothing left to do."""
    found = with_node(common, lambda node: monthly(node, month_before(node.clock()) if until is None else time_of(until)))
    show([_told(one) for one in found], _table(found), json=common.json)


def _table(found: list[Invoice]) -> Iterator[str]:
    if not found:
        yield "there are no invoices"
        return
    rows = [
        (one.number, format_time(one.issued_at), one.contract, one.net, one.gross, one.currency, _state(one), one.drive) for one in found
    ]
    yield from columns(HEADS, rows)


def _state(one: Invoice) -> str:
    return "by card" if one.drive else f"paid {format_time(one.paid_at)[:10]}" if one.paid_at else "open"


def _lines(found: Invoice) -> Iterator[str]:
    document: dict[str, Any] = decode_json(found.document)
    yield f"{document['kind']} {document['number']}, {document['issued_at']}, contract {document['contract']}"
    yield from document["seller"]
    if document["vat_number"]:
        yield f"VAT {document['vat_number']}"
    yield ""
    told = document["lines"]
    lines = [(one["ended_at"], ", ".join(one["cdrs"]), one["kwh"], one["gross"], ", ".join(one["corrects"])) for one in told]
    yield from columns(("ended", "CDR", "kWh", "with taxes", "corrects"), lines)
    yield ""
    rows = [(one["rate"], one["net"], one["vat"], one["gross"]) for one in document["taxes"]]
    yield from columns(("tax %", "before taxes", "tax", "with taxes"), rows)
    paid = "paid by card" if found.drive else _state(found) + (f" ({found.how})" if found.how else "")
    yield f"{document['gross']} {document['currency']}, of which taxes {document['vat']}, {paid}"
