"""`interplug invoice`: what was invoiced to drivers, and the invoices of a month made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.invoicing import month_before, monthly
from interplug.model.types import decode_json, format_time
from interplug.store.invoices import Invoice
from interplug.store.tx import Tx

from .ending import columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit, time_of

HEADS = ("number", "issued", "contract", "before taxes", "with taxes", "currency", "drive")


def list_(*, limit: Limit = 50, common: Reporting = REPORTING) -> None:
    """List invoices and credit notes, the newest first."""
    found = with_node(common, lambda node: node.store.read(lambda tx: tx.invoices.newest(0, limit)))
    show([decode_json(one.document) for one in found], _table(found), json=common.json)


def show_(number: str, /, *, common: Reporting = REPORTING) -> None:
    """Show an invoice.

    Parameters
    ----------
    number
        Its number, as INV-000001.
    """

    document = _document(number, common)
    show(document, _lines(document), json=common.json)


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

    sheet = invoice(_document(number, common))
    file = output or Path(f"{sheet.name}.pdf".replace("/", "-"))
    try:
        file.write_bytes(drawn(sheet))
    except OSError as error:
        end(f"{file} cannot be written: {error.strerror}")
    show({"number": number, "file": str(file)}, [f"{number} is written to {file}"], json=common.json)


def _document(number: str, common: Reporting) -> dict[str, Any]:
    async def read(tx: Tx) -> Invoice | None:
        # The number has six digits at least, and more once there are so many; what is before them is the series.
        for digits in range(6, 19):
            series, no = number[:-digits], number[-digits:]
            found = await tx.invoices.get(series, int(no)) if no.isdecimal() and len(no) == digits else None
            if found is not None:
                return found
        return None

    found = with_node(common, lambda node: node.store.read(read))
    if found is None:
        end(f"there is no invoice {number!r}")
    document: dict[str, Any] = decode_json(found.document)
    return document


def run(
    *,
    until: Annotated[str | None, Parameter(help="Of what ended before this day or time (UTC); without it, before this month.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Write the invoices of contracts, for all that is on none yet. A second time there is nothing left to do."""
    found = with_node(common, lambda node: monthly(node, month_before(node.clock()) if until is None else time_of(until)))
    show([decode_json(one.document) for one in found], _table(found), json=common.json)


def _table(found: list[Invoice]) -> Iterator[str]:
    if not found:
        yield "there are no invoices"
        return
    rows = [(one.number, format_time(one.issued_at), one.contract, one.net, one.gross, one.currency, one.drive) for one in found]
    yield from columns(HEADS, rows)


def _lines(document: dict[str, Any]) -> Iterator[str]:
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
    paid = ", paid by card" if document["paid_by_card"] else ""
    yield f"{document['gross']} {document['currency']}, of which taxes {document['vat']}{paid}"
