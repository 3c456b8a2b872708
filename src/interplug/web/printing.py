"""What is printed: the invoice of a driver, and the invoice of a charge at a terminal, each as one sheet.

A sheet says what the page of the same name says, in the same words. `pdf` makes the file of it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from interplug.charges.invoices import Invoice
from interplug.drivers.locations import address_of
from interplug.drivers.receipt import described
from interplug.model.types import parse_time

from . import wording
from .languages import N_, Words, _, say
from .sheets import Sheet, Table
from .wording import SECOND, moment, money, plainly

Document = dict[str, Any]
NONE = "–"
PAID = Words(
    {
        "": N_("The payment is being settled; look again in a few minutes."),
        "SUCCESS": N_("Paid."),
        "PARTIAL_SUCCESS": N_("Paid in part."),
        "FAILED": N_("The payment could not be taken."),
    }
)

TAKEN_BACK = N_(
    "This invoice was taken back by its operator with the credit note {number}. "
    "Nothing is owed for it: what was paid goes back to the card, or is set against a corrected invoice."
)


async def pdf(sheet: Sheet) -> bytes:
    """Beside the loop: the fonts are read for each file."""
    from .paper import drawn

    return await asyncio.to_thread(drawn, sheet)


async def download(sheet: Sheet) -> Response:
    name = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in sheet.name)
    named = {"content-disposition": f'attachment; filename="{name}.pdf"', "cache-control": "private, no-store"}
    return Response(await pdf(sheet), 200, named, "application/pdf")


def invoice(document: Document) -> Sheet:
    """Of a driver, as it was issued (`drivers.invoicing`)."""
    currency = document["currency"]
    note = document["kind"] == "credit note"
    corrects = sorted({name for line in document["lines"] for name in line["corrects"]})
    return Sheet(
        title=_("Credit note") if note else _("Invoice"),
        name=document["number"],
        dated=day(parse_time(document["issued_at"])),
        facts=[
            (_("Issued by"), "\n".join(document["seller"])),
            *([(_("VAT number"), document["vat_number"])] if document["vat_number"] else []),
            (_("Number"), document["number"]),
            (_("Date"), moment(parse_time(document["issued_at"]), UTC)),
            (_("Contract"), document["contract"]),
            *([(_("Corrects"), ", ".join(corrects))] if corrects else []),
        ],
        tables=[
            Table(
                _("Charging"),
                [_("What"), _("Energy"), _("With taxes ({currency})").format(currency=currency)],
                [[_charge(line), f"{plainly(Decimal(line['kwh']))} kWh", money(line["gross"], currency)] for line in document["lines"]],
                [[_("Total"), "", money(document["gross"], currency)]],
                widths=[6, 2, 3],
            ),
            Table(
                _("Taxes"),
                [_("Rate"), _("Before taxes"), _("Tax"), _("With taxes")],
                [[percent(one["rate"]), *(money(one[name], currency) for name in ("net", "vat", "gross"))] for one in document["taxes"]],
                [[_("Sum"), *(money(document[name], currency) for name in ("net", "vat", "gross"))]],
                widths=[2, 2, 2, 2],
            ),
        ],
        notes=[_settled(document, note)],
    )


def _charge(line: Document) -> str:
    where = wording.zone(line.get("time_zone"))
    times = [moment(parse_time(line[name]), where) for name in ("began_at", "ended_at") if line.get(name)]
    evse = f"EVSE {line['evse']}" if line.get("evse") else ""
    parts = [" – ".join(times), line.get("place"), evse, f"CDR {', '.join(line['cdrs'])}"]
    return "\n".join([_("Charging"), *(part for part in parts if part)])


def _settled(document: Document, note: bool) -> str:
    if document["paid_by_card"]:
        return _("Went back to the card.") if note else _("Paid by card; nothing is left to pay.")
    if note:
        return _("This much goes back to you.")
    if not document.get("pay_to"):
        return _("To be paid as agreed in your contract.")
    due = document.get("due_at")
    asked = _("To be paid until %(day)s to:") % {"day": wording.day(parse_time(due))} if due else _("To be paid to:")
    return "\n".join([asked, *document["pay_to"], _("Name the number %(number)s.") % {"number": document["number"]}])


def card_invoice(found: Invoice) -> Sheet:
    """Of a charge that was paid at a terminal."""
    where, place, currency = wording.zone(found.time_zone), found.cdr["cdr_location"], found.currency
    shown = found.status in ("SUCCESS", "PARTIAL_SUCCESS")
    rows = [
        (say(described(line, currency)), "" if line["excl"] is None else money(Decimal(line["excl"]), currency, 2)) for line in found.lines
    ]
    sums = [
        (_("Sum before taxes"), found.before),
        *((f"{say(tax.name)} {percent(tax.percentage)}".strip(), tax.amount) for tax in found.taxes),
    ]
    return Sheet(
        title=_("Invoice"),
        name=f"invoice-{found.reference}",
        dated=day(found.issued),
        facts=[
            (
                _("Issued by"),
                found.issuer
                if found.issuer == found.operator
                else _("{issuer}, for {operator}").format(issuer=found.issuer, operator=found.operator),
            ),
            *([(_("VAT number"), found.vat_number)] if found.vat_number else []),
            (_("Number"), found.reference),
            (_("Date"), moment(found.issued, where)),
            (_("Place"), ", ".join(part for part in (place.get("name"), address_of(place), wording.country(place["country"])) if part)),
            (_("Charging point"), place["evse_id"]),
            (_("From"), moment(found.began, where)),
            (_("To"), moment(found.ended, where)),
            (_("Energy"), f"{plainly(found.kwh)} kWh"),
            (
                _("Payment"),
                PAID[found.status]
                + (" " + _("{amount} by card.").format(amount=money(found.captured, found.captured_in)) if shown else ""),
            ),
        ],
        tables=[
            Table(
                _("Price"),
                [_("What"), _("Before taxes")],
                rows or [(_("Charging"), money(found.net, currency))],
                [*((name, money(value, currency)) for name, value in sums), (_("Total"), money(found.gross, currency))],
            )
        ],
        notes=[
            *([_(TAKEN_BACK).format(number=found.taken_back_by)] if found.taken_back_by else []),
            *([found.message] if found.message and found.status != "SUCCESS" else []),
        ],
        slips=[(_("What the card’s bank wants to be told"), "\n".join(found.slip))] if found.slip else [],
    )


def percent(value: Decimal | int | None) -> str:
    return NONE if value is None else f"{plainly(Decimal(value))} %"


def day(at: int) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
