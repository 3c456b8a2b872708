"""What there is to pay with taxes, by their rate: of bills, in coins, and as the table of an invoice. Pure.

A line of a bill mostly names its rate. One that has none (an operator's total, of which only the two sums are known) is counted by these
two, so that its taxes stay what they were, whatever else stands on the same invoice, and are taken back as they were asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from interplug.model.types import decode_json
from interplug.payments.port import coins
from interplug.store.bills import Bill

Document = dict[str, Any]
Rates = dict[str, Decimal]
"""With taxes, by the rate in percent; or by the sums of a line without one, as 10:12.1."""
ZERO = Decimal()
HUNDRED = Decimal(100)
BETWEEN = ":"


class NoTaxes(ValueError):
    """The taxes of a bill are not known."""


def exact(bills: Iterable[Bill]) -> Rates:
    """What the bills come to."""
    found: Rates = {}
    for bill in bills:
        if bill.sold_currency and (bill.sold_net is None or bill.sold_gross is None):
            raise NoTaxes(bill.cdr_id)
        lines = decode_json(bill.lines)
        rates = {Decimal(line["percentage"]) for line in lines if line.get("percentage") is not None}
        for line in lines:
            name = rate_of(line, rates)
            found[name] = found.get(name, ZERO) + Decimal(line["incl"])
    return {rate: amount for rate, amount in found.items() if amount}


def rate_of(line: Document, rates: Collection[Decimal] = ()) -> str:
    """`rates`: those that are named in the same bill; what brings it up to a least price, or down to the highest, names none itself."""
    if line.get("percentage") is not None:
        return f"{Decimal(line['percentage']).normalize():f}"
    excl, incl = Decimal(line["excl"]), Decimal(line["incl"])
    if excl == incl:
        return "0"
    for rate in rates:
        if len(rates) == 1 and excl * (HUNDRED + rate) == incl * HUNDRED:
            return f"{rate.normalize():f}"
    sign = -1 if incl < 0 else 1
    return f"{sign * excl:f}{BETWEEN}{sign * incl:f}"


def rounded(whole: Mapping[str, Decimal], currency: str, total: Decimal) -> Rates:
    """The same in coins, with `total` for their sum: every rate has its share of what is not asked for."""
    exactly = sum(whole.values(), ZERO)
    wanted = coins(min(total, exactly) if exactly > 0 else exactly, currency)
    if not exactly or not wanted:
        return {}
    found = {rate: coins(amount * wanted / exactly, currency) for rate, amount in whole.items()}
    largest = max(found, key=lambda rate: abs(found[rate]))
    found[largest] += wanted - sum(found.values(), ZERO)
    return found


def without(target: Mapping[str, Decimal], before: Iterable[Mapping[str, str]]) -> Rates:
    """What of it does not stand on earlier invoices."""
    found = dict(target)
    for rates in before:
        for rate, amount in rates.items():
            found[rate] = found.get(rate, ZERO) - Decimal(amount)
    return {rate: amount for rate, amount in found.items() if amount}


def table(rates: Mapping[str, Decimal], currency: str) -> list[Document]:
    """The taxes of an invoice; what has no rate of its own is one row."""
    rows: dict[Decimal | None, Document] = {}
    for rate, gross in rates.items():
        named = None if BETWEEN in rate else Decimal(rate)
        row = rows.setdefault(named, {"rate": named, "net": ZERO, "vat": ZERO, "gross": ZERO})
        net = _net(rate, gross, currency)
        row |= {"net": row["net"] + net, "vat": row["vat"] + gross - net, "gross": row["gross"] + gross}
    found = [row for row in rows.values() if row["gross"] or row["net"]]
    return sorted(found, key=lambda row: (row["rate"] is None, row["rate"] or ZERO))


def _net(rate: str, gross: Decimal, currency: str) -> Decimal:
    """It follows from the gross, so that what was paid is what is invoiced."""
    excl, _, incl = rate.partition(BETWEEN)
    share = Decimal(excl) / Decimal(incl) if incl else HUNDRED / (HUNDRED + Decimal(excl))
    return coins(gross * share, currency)
