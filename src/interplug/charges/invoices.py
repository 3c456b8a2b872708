"""The invoice of a charge that was paid at a terminal: what the CDR says, and what of the card has to stand beside it (Payments).

It is made when it is looked at, from the CDR as it was sent and from the newest word on the capture, so it is there from the CDR on and is
completed by the confirmation. Whoever issues it serves it: the CPO where the CDR says `invoice_reference_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from interplug.model.types import parse_time
from interplug.modules.node import Node
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import TariffError, price
from interplug.tariffs.money import exponent

Document = dict[str, Any]
GIVEN_BACK = "-C"
"""How the credit CDR of a CDR is called (`bills.credited`)."""


@dataclass(slots=True, frozen=True)
class Tax:
    name: str
    percentage: Decimal | None
    amount: Decimal


@dataclass(slots=True, frozen=True)
class Invoice:
    """`reference` is its number, `issuer` who sells, `operator` whose station it was. `lines` are those of the engine, empty where the CDR
    says no Tariff. `status` is the CaptureStatusCode, empty: nothing is known yet; `captured` what was really taken."""

    reference: str
    issuer: str
    operator: str
    cdr: Document
    net: Decimal
    taxes: tuple[Tax, ...]
    lines: tuple[Document, ...]
    began: int
    ended: int
    issued: int
    time_zone: str | None
    status: str = ""
    message: str = ""
    captured: Decimal = Decimal()
    captured_in: str = ""
    """Its currency, which is the bank's word and may be another one than that of the bill."""
    slip: tuple[str, ...] = ()
    vat_number: str = ""
    taken_back_by: str = ""
    """The number of the credit note."""

    @property
    def gross(self) -> Decimal:
        return sum((tax.amount for tax in self.taxes), self.net)

    @property
    def before(self) -> Decimal:
        """The sum before taxes as it stands on paper: in coins it adds up to the total with the taxes."""
        coin = Decimal(1).scaleb(-exponent(self.currency))
        taxes = sum((tax.amount.quantize(coin, ROUND_HALF_UP) for tax in self.taxes), Decimal())
        return self.gross.quantize(coin, ROUND_HALF_UP) - taxes

    @property
    def kwh(self) -> Decimal:
        return Decimal(self.cdr["total_energy"])

    @property
    def currency(self) -> str:
        return str(self.cdr["currency"])


async def take_number(tx: Tx, node: Node) -> str:
    """For an invoice or a credit note of ours, in the transaction that saves its CDR: no number is without one."""
    series = node.settings.invoices.terminal_series
    return f"{series}{await tx.invoices.take_number(series):06d}"


async def of_charge(tx: Tx, node: Node, connection: int, reference: str) -> Invoice | None:
    """Of a charge of ours that a PTP has started, where the invoice is ours to write and its CDR has left."""
    bill = await tx.terminals.bill(connection, reference)
    cdr = await tx.objects.get_pk(bill.cdr) if bill is not None else None
    if bill is None or cdr is None or cdr.audience != connection or not cdr.document.get("invoice_reference_id"):
        return None
    word = await tx.objects.get_pk(bill.confirmation) if bill.confirmation else None
    said: Document = {} if word is None else told(word.document)
    return await invoice(tx, cdr, bill_number(cdr), seller(node, named(node, cdr)), vat_number=node.settings.invoices.vat_number, **said)


def told(confirmation: Document) -> Document:
    """What a confirmation adds."""
    cost = confirmation["total_costs"]
    return {
        "status": confirmation["capture_status_code"],
        "message": confirmation.get("capture_status_message") or "",
        "captured": sum((Decimal(tax["amount"]) for tax in cost.get("taxes") or ()), Decimal(cost["before_taxes"])),
        "captured_in": confirmation["currency"],
        "slip": tuple(line for line in confirmation["eft_data"] if line.strip()),
    }


def bill_number(cdr: Stored) -> str:
    return str(cdr.document["invoice_reference_id"])


def named(node: Node, cdr: Stored) -> str:
    """The company of ours that operates the station."""
    ours = node.directory.our_parties("CPO")
    found = next((one for one in ours if (one.country_code, one.party_id) == (cdr.key.country, cdr.key.party)), None)
    details = {} if found is None else found.business_details or {}
    return str(details.get("name") or f"{cdr.key.country}-{cdr.key.party}")


def seller(node: Node, name: str) -> str:
    """Who issues an invoice of ours, as the settings say; else by that name."""
    return ", ".join(node.settings.invoices.seller) or name


async def invoice(
    tx: Tx, cdr: Stored, reference: str, operator: str, *, issuer: str = "", slip: Sequence[str] = (), **more: Any
) -> Invoice:
    """Of a CDR of ours. `operator`: the company at whose station it was; `slip`: the lines of the card's slip; `more`: further fields of
    `Invoice`."""
    document, key = cdr.document, cdr.key
    place = await tx.objects.get(Key("locations", key.source, key.country, key.party, document["cdr_location"]["id"]), whole=False)
    zone = None if place is None else place.document.get("time_zone")
    cost = document["total_cost"]
    credit = await tx.objects.get(Key("cdrs", key.source, key.country, key.party, f"{document['id']}{GIVEN_BACK}"))
    return Invoice(
        reference=reference,
        issuer=issuer or operator,
        operator=operator,
        cdr=document,
        net=Decimal(cost["before_taxes"]),
        taxes=tuple(_tax(tax) for tax in cost.get("taxes") or ()),
        lines=_lines(document, zone),
        began=parse_time(document["start_date_time"]),
        ended=parse_time(document["end_date_time"]),
        issued=parse_time(document["last_updated"]),
        time_zone=zone,
        slip=tuple(slip),
        taken_back_by=_number(credit) if credit is not None and credit.document.get("credit_reference_id") == document["id"] else "",
        **more,
    )


def _number(cdr: Stored) -> str:
    return str(cdr.document.get("invoice_reference_id") or cdr.document["id"])


def _tax(tax: Document) -> Tax:
    percentage = tax.get("percentage")
    return Tax(tax["name"], None if percentage is None else Decimal(percentage), Decimal(tax["amount"]))


def _lines(cdr: Document, zone: str | None) -> tuple[Document, ...]:
    if not cdr.get("tariffs"):
        return ()
    try:
        return tuple(line.to_document() for line in price(cdr, timezone=zone).lines)
    except TariffError:
        return ()
