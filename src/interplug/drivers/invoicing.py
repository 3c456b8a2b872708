"""Invoices with VAT: one for each session that was paid by card, one a month for each contract that pays by invoice.

An invoice is issued once and never changed. What stands on earlier ones of the same charge is taken off, so a changed CDR or a credit CDR
makes another invoice with the difference, which names the one that it corrects. Of a session that was paid by card as much is
invoiced as was paid: what was absorbed lowers every rate alike. What has no known taxes cannot be invoiced, and is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from interplug.config import Invoices as Settings
from interplug.model.types import decode_json, encode_json, format_time
from interplug.modules.node import Node
from interplug.store.bills import Bill
from interplug.store.invoices import Invoice
from interplug.store.keys import Key
from interplug.store.payments import Payment
from interplug.store.tx import Tx

from .dues import NO_MATTER
from .rates import BETWEEN, NoTaxes, Rates, exact, rounded, table, without

Document = dict[str, Any]
ZERO = Decimal()
SECOND = 1_000_000
DAY = 86_400 * SECOND
BACK = 400 * DAY
"""So far back a monthly invoice looks for what is on none yet."""
HOURLY = 3600.0
PIECE = 100
"""Bills that are looked at in one reading."""
Place = tuple[str, str]
"""Whose invoice: a contract, and a currency."""


@dataclass(slots=True, frozen=True)
class Charge:
    """`subject`: what is invoiced as one; `fresh`: what of it stands on no invoice yet; `corrects`: where it stands so far; `there`: where
    the car was charged."""

    subject: str
    bills: Sequence[Bill]
    fresh: Rates
    corrects: tuple[str, ...]
    there: Document = field(default_factory=dict)


# --- what was paid by card


async def after_payment(tx: Tx, node: Node, payment: Payment) -> None:
    """Once nothing is to be taken or given back any more, in the transaction that says so."""
    bills = [one for one in await tx.bills.of_drive(payment.drive) if one.reason not in NO_MATTER]
    if payment.reader and await _operators(tx, bills):
        return
    try:
        charge = await _charge(tx, f"drive:{payment.drive}", bills, bills, payment.contract, payment.currency, payment.kept)
    except NoTaxes:
        return
    if charge.fresh:
        role = "PTP" if payment.reader else "EMSP"
        await _issue(tx, node, payment.contract, payment.drive, payment.currency, [charge], role)


async def _operators(tx: Tx, bills: Sequence[Bill]) -> bool:
    """Whether the operator writes the invoice of a charge at a terminal, or nobody knows yet."""
    cdrs = [await tx.objects.get_pk(one.cdr) for one in bills]
    return not cdrs or any(one is not None and one.document.get("invoice_reference_id") for one in cdrs)


# --- what is paid by invoice


async def monthly(node: Node, until: int) -> list[Invoice]:
    """Invoices for what ended before that time and is on none yet; a second time there is nothing left."""
    found: list[Invoice] = []
    for (contract, currency), cdrs in sorted((await _waiting(node, until)).items(), key=lambda one: one[0]):
        made = await node.store.write(partial(_of_contract, node=node, contract=contract, currency=currency, cdrs=cdrs))
        if made is not None:
            found.append(made)
    return found


async def _waiting(node: Node, until: int) -> dict[Place, list[int]]:
    """CDRs of which something is to be invoiced, or taken back. All are looked through piece by piece: a node has other things to do."""
    found: dict[Place, list[int]] = {}
    after = (until - BACK, 0)
    while True:
        bills, places = await node.store.read(partial(_places, after=after, until=until))
        for cdr, place in places:
            found.setdefault(place, []).append(cdr)
        if len(bills) < PIECE:
            return found
        after = (bills[-1].ended_at, bills[-1].cdr)
        await asyncio.sleep(0)


async def _places(tx: Tx, *, after: tuple[int, int], until: int) -> tuple[list[Bill], list[tuple[int, Place]]]:
    """A piece of the bills, and those of them that go on an invoice, with whose. What of a changed CDR stood on an invoice to another
    contract, in another currency, or is sold to nobody any more, is taken back there."""
    bills = await tx.bills.page(after, until, PIECE)
    found: list[tuple[int, Place]] = []
    for bill in bills:
        places = set(await tx.invoices.where_it_stands(_subject(bill)))
        if bill.sold_currency:
            places.add((bill.contract, bill.sold_currency))
        for place in sorted(places):
            if await _open(tx, bill, *place) is not None:
                found.append((bill.cdr, place))
    return bills, found


async def _open(tx: Tx, bill: Bill, contract: str, currency: str) -> Charge | None:
    """What of a bill is to stand on the next invoice; None: nothing, or it is paid by card, or nobody knows its taxes."""
    if bill.drive and await tx.payments.of_drive(bill.drive) is not None:
        return None
    sold = [bill] if bill.contract == contract and bill.reason not in NO_MATTER else []
    try:
        charge = await _charge(tx, _subject(bill), [bill], sold, contract, currency, None)
    except NoTaxes:
        return None
    return charge if charge.fresh else None


def _subject(bill: Bill) -> str:
    return f"cdr:{bill.cdr}"


async def _of_contract(tx: Tx, *, node: Node, contract: str, currency: str, cdrs: Sequence[int]) -> Invoice | None:
    """Of the bills as they are now: one may have changed since it was looked for."""
    bills = [await tx.bills.of_cdr(cdr) for cdr in cdrs]
    charges = [await _open(tx, one, contract, currency) for one in bills if one is not None]
    fresh = [one for one in charges if one is not None]
    return await _issue(tx, node, contract, "", currency, fresh) if fresh else None


async def run(node: Node) -> None:
    """Every hour: the invoices of the month before, once most of its CDRs are there."""
    while True:
        now = node.clock()
        end = month_before(now - int(node.settings.invoices.monthly_after * DAY))
        await monthly(node, end)
        await asyncio.sleep(HOURLY)


def month_before(now: int) -> int:
    """The first moment of this month, in UTC."""
    first = datetime.fromtimestamp(now // SECOND, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(first.timestamp()) * SECOND


async def contracts_of(tx: Tx, driver: str) -> list[str]:
    """Whose invoices are the driver's: the contract of the page, of each card, and of a guest who came to be this driver."""
    found = await tx.drivers.driver(driver)
    own = [] if found is None else [found.contract_id]
    return list(dict.fromkeys([*own, *(card.contract_id for card in await tx.cards.of_driver(driver))]))


# --- making one


async def _charge(
    tx: Tx, subject: str, bills: Sequence[Bill], sold: Iterable[Bill], contract: str, currency: str, paid: Decimal | None
) -> Charge:
    """`sold`: those of the bills that are for who gets the invoice, as far as they are in its currency."""
    before = await tx.invoices.of_subject(subject, contract, currency)
    whole = exact(one for one in sold if one.sold_currency == currency)
    target = rounded(whole, currency, sum(whole.values(), ZERO) if paid is None else paid)
    stood = [earlier(raw, whole) for _, _, raw in before]
    same = sum(target.values(), ZERO) == sum((Decimal(amount) for one in stood for amount in one.values()), ZERO)
    # What an earlier release named otherwise is the same where it comes to the same.
    renamed = same and any("" in decode_json(raw) for _, _, raw in before)
    fresh = {} if renamed else without(target, stood)
    corrects = tuple(f"{series}{no:06d}" for series, no, _ in before)
    return Charge(subject, bills, fresh, corrects, await _there(tx, bills) if fresh else {})


def earlier(raw: bytes, whole: Rates) -> dict[str, str]:
    """What stands on an invoice; earlier releases had one empty name for all that has no rate."""
    named = next((rate for rate in whole if BETWEEN in rate), "0")
    found: dict[str, str] = {}
    for rate, amount in decode_json(raw).items():
        found[rate or named] = str(Decimal(found.get(rate or named, ZERO)) + Decimal(amount))
    return found


async def _there(tx: Tx, bills: Sequence[Bill]) -> Document:
    """What an invoice says of where and since when: the address, the charge point as it is painted, and by which clock."""
    cdr = await tx.objects.get_pk(bills[-1].cdr) if bills else None
    if cdr is None:
        return {}
    there = cdr.document["cdr_location"]
    location = await tx.objects.get(Key("locations", cdr.key.source, cdr.key.country, cdr.key.party, there["id"]), whole=False, gone=True)
    town = " ".join(part for part in (there.get("postal_code"), there.get("city")) if part)
    return {
        "began_at": cdr.document["start_date_time"],
        "place": ", ".join(part for part in (there.get("name"), there.get("address"), town, there.get("country")) if part),
        "evse": there.get("evse_id") or there.get("evse_uid"),
        "time_zone": None if location is None else location.document.get("time_zone"),
    }


async def _issue(tx: Tx, node: Node, contract: str, drive: str, currency: str, charges: Sequence[Charge], role: str = "EMSP") -> Invoice:
    now, settings = node.clock(), node.settings.invoices
    no = await tx.invoices.take_number(settings.series)
    rates: Rates = {}
    for charge in charges:
        for rate, amount in charge.fresh.items():
            rates[rate] = rates.get(rate, ZERO) + amount
    taxes = table(rates, currency)
    gross, net = sum((one["gross"] for one in taxes), ZERO), sum((one["net"] for one in taxes), ZERO)
    document = {
        "number": f"{settings.series}{no:06d}",
        "kind": "credit note" if gross < 0 else "invoice",
        "issued_at": format_time(now),
        "seller": settings.seller or _name(node, role),
        "vat_number": settings.vat_number or None,
        "contract": contract,
        "drive": drive or None,
        "currency": currency,
        "lines": [_line(charge) for charge in charges],
        "taxes": taxes,
        "net": net,
        "vat": gross - net,
        "gross": gross,
        "paid_by_card": bool(drive),
        **({} if drive else _payable(settings, now)),
    }
    made = Invoice(
        series=settings.series,
        no=no,
        contract=contract,
        drive=drive,
        issued_at=now,
        currency=currency,
        net=net,
        gross=gross,
        document=encode_json(document),
    )
    await tx.invoices.add(made, {one.subject: encode_json({rate: str(amount) for rate, amount in one.fresh.items()}) for one in charges})
    return made


def _payable(settings: Settings, now: int) -> Document:
    """How an invoice of a contract is paid, and until when, as it was said when it was issued."""
    due = format_time(now + int(settings.due_days * DAY)) if settings.due_days else None
    return {"pay_to": settings.pay_to, "due_at": due}


def _line(charge: Charge) -> Document:
    return {
        "cdrs": [one.cdr_id for one in charge.bills],
        "ended_at": format_time(max(one.ended_at for one in charge.bills)),
        "kwh": sum((one.kwh for one in charge.bills), ZERO),
        "gross": sum(charge.fresh.values(), ZERO),
        **charge.there,
        "drive": next((one.drive for one in charge.bills if one.drive), None),
        "corrects": list(charge.corrects),
    }


def _name(node: Node, role: str) -> list[str]:
    parties = node.directory.our_parties(role)
    return [str((party.business_details or {}).get("name") or f"{party.country_code}-{party.party_id}") for party in parties[:1]]
