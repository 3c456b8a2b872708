"""The receipt of a drive as a sheet to print: what its page says, in the same words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from interplug.drivers.receipt import Receipt
from interplug.web import wording
from interplug.web.languages import _, say
from interplug.web.printing import NONE, day, percent
from interplug.web.sheets import Sheet, Table
from interplug.web.wording import lasting, moment, money, number

from .ride import Ride


def receipt(ride: Ride) -> Sheet | None:
    """Of a drive, once it is billed."""
    bill = ride.receipt
    if bill is None:
        return None
    where = wording.zone(ride.time_zone)
    return Sheet(
        title=_("Receipt"),
        name=f"receipt-{ride.drive.id[:8]}",
        dated=day(bill.ended),
        facts=[
            (_("Station"), ", ".join(part for part in (ride.name, ride.address) if part)),
            ("EVSE", ride.evse_id or ride.drive.evse),
            (_("From"), moment(bill.began, where)),
            (_("To"), moment(bill.ended, where)),
            (_("Duration"), lasting(wording.seconds(bill.began, bill.ended))),
            (_("Energy"), f"{number(bill.kwh, 3)} kWh"),
            *([(_("Price at the start"), f"{say(ride.price)} {wording.vat(ride.deal.tax_rates)}".strip())] if ride.price else []),
            (_("Total"), _total(bill)),
            *([(_("Payment"), paid)] if (paid := _paid(ride)) else []),
            *([(_("Invoice"), ", ".join(ride.invoices))] if ride.invoices else []),
            (_("Bill (CDR)"), bill.cdr["id"]),
            *([(_("Session"), bill.cdr["session_id"])] if bill.cdr.get("session_id") else []),
        ],
        tables=list(_lines(bill)),
        notes=list(_notes(ride, bill)),
        slips=list(_signed(bill)),
        foot=_("A receipt, and no invoice.") if ride.invoices else "",
    )


def _total(bill: Receipt) -> str:
    if bill.total is None:
        return _("not known yet: {reason}").format(reason=say(bill.reason))
    return f"{wording.cost(bill.total)} {wording.taxes(bill.total)}"


def _paid(ride: Ride) -> str:
    paid = ride.payment
    if paid is None:
        return ""
    amount = f"{money(paid.kept, paid.currency)}. " if paid.captured else ""
    back = " " + _("{amount} went back.").format(amount=money(paid.refunded, paid.currency)) if paid.refunded and paid.kept else ""
    return f"{amount}{wording.PAYMENTS[paid.state]}{back}"


def _lines(bill: Receipt) -> Iterator[Table]:
    total = bill.total
    if total is None or not bill.lines:
        return
    taxed = total.gross is not None

    def row(what: str, tax: str, net: Decimal | None, gross: Decimal | None) -> list[str]:
        return [what, tax, *(NONE if value is None else money(value, total.currency, 2) for value in ([net, gross] if taxed else [net]))]

    yield Table(
        _("How the price comes about"),
        [_("What"), _("Tax"), _("Before taxes"), *([_("With taxes")] if taxed else [])],
        [row(say(one.what), percent(one.percentage), one.excl, one.incl) for one in bill.items],
        [row(_("Sum"), "", total.net, total.gross)],
    )


def _notes(ride: Ride, bill: Receipt) -> Iterator[str]:
    if bill.taken_back:
        yield _("The operator has taken this bill back; there is nothing to pay for it.")
    if ride.named_later:
        yield _("No price was shown at the start. The bill names: %(price)s") % {"price": say(ride.named_later)}
    if bill.deal.passes:
        yield wording.CHECKS[bill.checked.verdict]
    if bill.proof is not None:
        yield wording.SIGNED[bill.proof.verdict]


def _signed(bill: Receipt) -> Iterator[tuple[str, str]]:
    if bill.proof is None:
        return
    for value in bill.signed:
        yield _("Signed by the meter ({nature})").format(nature=value.nature), value.text
    if bill.proof.key:
        yield _("Public key of the meter"), bill.proof.key
