"""What is printed: the receipt of a drive, the invoice of a driver, the invoice of a charge at a terminal, each as one sheet.

A sheet says what the page of the same name says, in the same words. `pdf` makes the file of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from interplug.charges.invoices import Invoice
from interplug.drivers.receipt import Receipt, described
from interplug.model.types import parse_time

from . import wording
from .driver.ride import Ride
from .sheets import Sheet, Table
from .wording import SECOND, lasting, moment, money, number, plainly

Document = dict[str, Any]
NONE = "–"
PAID = {
    "": "The payment is being settled; look again in a few minutes.",
    "SUCCESS": "Paid.",
    "PARTIAL_SUCCESS": "Paid in part.",
    "FAILED": "The payment could not be taken.",
}


async def pdf(sheet: Sheet) -> bytes:
    """Beside the loop: the fonts are read for each file."""
    from .paper import drawn

    return await asyncio.to_thread(drawn, sheet)


async def download(sheet: Sheet) -> Response:
    name = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in sheet.name)
    named = {"content-disposition": f'attachment; filename="{name}.pdf"', "cache-control": "private, no-store"}
    return Response(await pdf(sheet), 200, named, "application/pdf")


def receipt(ride: Ride) -> Sheet | None:
    """Of a drive, once it is billed."""
    bill = ride.receipt
    if bill is None:
        return None
    where = wording.zone(ride.time_zone)
    return Sheet(
        title="Receipt",
        name=f"receipt-{ride.drive.id[:8]}",
        dated=_date(bill.ended),
        facts=[
            ("Station", ", ".join(part for part in (ride.name, ride.address) if part)),
            ("EVSE", ride.drive.evse),
            ("From", moment(bill.began, where)),
            ("To", moment(bill.ended, where)),
            ("Duration", lasting(wording.seconds(bill.began, bill.ended))),
            ("Energy", f"{number(bill.kwh, 3)} kWh"),
            *([("Price at the start", ride.price)] if ride.price else []),
            ("Total", _total(bill)),
            *([("Payment", paid)] if (paid := _paid(ride)) else []),
            *([("Invoice", ", ".join(ride.invoices))] if ride.invoices else []),
            ("Bill (CDR)", bill.cdr["id"]),
            *([("Session", bill.cdr["session_id"])] if bill.cdr.get("session_id") else []),
        ],
        tables=list(_lines(bill)),
        notes=list(_notes(ride, bill)),
        slips=list(_signed(bill)),
        foot="A receipt, and no invoice." if ride.invoices else "",
    )


def _total(bill: Receipt) -> str:
    if bill.total is None:
        return f"not known yet: {bill.reason}"
    return f"{wording.cost(bill.total)} {wording.taxes(bill.total)}"


def _paid(ride: Ride) -> str:
    paid = ride.payment
    if paid is None:
        return ""
    amount = f"{money(paid.kept, paid.currency)}. " if paid.captured else ""
    back = f" {money(paid.refunded, paid.currency)} went back." if paid.refunded and paid.kept else ""
    return f"{amount}{wording.PAYMENTS[paid.state]}{back}"


def _lines(bill: Receipt) -> Iterator[Table]:
    total = bill.total
    if total is None or not bill.lines:
        return
    taxed = total.gross is not None

    def row(what: str, tax: str, net: Decimal | None, gross: Decimal | None) -> list[str]:
        return [what, tax, *(NONE if value is None else money(value, total.currency, 2) for value in ([net, gross] if taxed else [net]))]

    yield Table(
        "How the price comes about",
        ["What", "Tax", "Before taxes", *(["With taxes"] if taxed else [])],
        [row(one.what, _percent(one.percentage), one.excl, one.incl) for one in bill.items],
        [row("Sum", "", total.net, total.gross)],
    )


def _notes(ride: Ride, bill: Receipt) -> Iterator[str]:
    if bill.taken_back:
        yield "The operator has taken this bill back; there is nothing to pay for it."
    if ride.named_later:
        yield f"No price was shown at the start. The bill names: {ride.named_later}"
    if bill.deal.passes:
        yield wording.CHECKS[bill.checked.verdict]
    if bill.proof is not None:
        yield wording.SIGNED[bill.proof.verdict]


def _signed(bill: Receipt) -> Iterator[tuple[str, str]]:
    if bill.proof is None:
        return
    for value in bill.signed:
        yield f"Signed by the meter ({value.nature})", value.text
    if bill.proof.key:
        yield "Public key of the meter", bill.proof.key


def invoice(document: Document) -> Sheet:
    """Of a driver, as it was issued (`drivers.invoicing`)."""
    currency = document["currency"]
    note = document["kind"] == "credit note"
    corrects = sorted({name for line in document["lines"] for name in line["corrects"]})
    return Sheet(
        title="Credit note" if note else "Invoice",
        name=document["number"],
        dated=_date(parse_time(document["issued_at"])),
        facts=[
            ("Issued by", "\n".join(document["seller"])),
            *([("VAT number", document["vat_number"])] if document["vat_number"] else []),
            ("Number", document["number"]),
            ("Date", moment(parse_time(document["issued_at"]), UTC)),
            ("Contract", document["contract"]),
            *([("Corrects", ", ".join(corrects))] if corrects else []),
        ],
        tables=[
            Table(
                "Charging",
                ["What", "Energy", f"With taxes ({currency})"],
                [[_charge(line), f"{plainly(Decimal(line['kwh']))} kWh", money(line["gross"], currency)] for line in document["lines"]],
                [["Total", "", money(document["gross"], currency)]],
                widths=[6, 2, 3],
            ),
            Table(
                "Taxes",
                ["Rate", "Before taxes", "Tax", "With taxes"],
                [[_percent(one["rate"]), *(money(one[name], currency) for name in ("net", "vat", "gross"))] for one in document["taxes"]],
                [["Sum", *(money(document[name], currency) for name in ("net", "vat", "gross"))]],
                widths=[2, 2, 2, 2],
            ),
        ],
        notes=[_settled(document, note)],
    )


def _charge(line: Document) -> str:
    ended = moment(parse_time(line["ended_at"]), UTC)
    return f"Charging until {ended}\nCDR {', '.join(line['cdrs'])}"


def _settled(document: Document, note: bool) -> str:
    if document["paid_by_card"]:
        return "Went back to the card." if note else "Paid by card; nothing is left to pay."
    return "This much goes back to you." if note else "To be paid as agreed in your contract."


def card_invoice(found: Invoice) -> Sheet:
    """Of a charge that was paid at a terminal."""
    where, place, currency = wording.zone(found.time_zone), found.cdr["cdr_location"], found.currency
    town = " ".join(place[name] for name in ("postal_code", "city") if place.get(name))
    shown = found.status in ("SUCCESS", "PARTIAL_SUCCESS")
    rows = [(described(line), "" if line["excl"] is None else money(Decimal(line["excl"]), currency, 2)) for line in found.lines]
    sums = [("Sum before taxes", found.net), *((f"{tax.name} {_percent(tax.percentage)}".strip(), tax.amount) for tax in found.taxes)]
    return Sheet(
        title="Invoice",
        name=f"invoice-{found.reference}",
        dated=_date(found.issued),
        facts=[
            ("Issued by", found.issuer if found.issuer == found.operator else f"{found.issuer}, for {found.operator}"),
            ("Number", found.reference),
            ("Date", moment(found.issued, where)),
            ("Place", ", ".join(part for part in (place.get("name"), place["address"], town, place["country"]) if part)),
            ("Charging point", place["evse_id"]),
            ("From", moment(found.began, where)),
            ("To", moment(found.ended, where)),
            ("Energy", f"{plainly(found.kwh)} kWh"),
            ("Payment", PAID[found.status] + (f" {money(found.captured, currency)} by card." if shown else "")),
        ],
        tables=[
            Table(
                "Price",
                ["What", "Before taxes"],
                rows or [("Charging", money(found.net, currency))],
                [*((name, money(value, currency)) for name, value in sums), ("Total", money(found.gross, currency))],
            )
        ],
        notes=[
            *(["This invoice was taken back by its operator; nothing is owed for it."] if found.taken_back else []),
            *([found.message] if found.message and found.status != "SUCCESS" else []),
        ],
        slips=[("What the card’s bank wants to be told", "\n".join(found.slip))] if found.slip else [],
    )


def _percent(value: Decimal | int | None) -> str:
    return NONE if value is None else f"{plainly(Decimal(value))} %"


def _date(at: int) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
