"""What was bought beside what was sold: the margin of our eMSP, for its own eyes.

Before taxes, which are nobody's margin. Where one of the two is unknown, or they are in two currencies, the margin is unknown and
counted as such; it is never summed over what does not belong together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from interplug.store.bills import Bill

ZERO = Decimal(0)
UNKNOWN_SALE = "what was sold has no known price before taxes"
TWO_CURRENCIES = "bought in one currency, sold in another"


def margin(bill: Bill) -> tuple[Decimal | None, str]:
    """Before taxes; or None and why it cannot be said."""
    if bill.sold_net is None or bill.bought_net is None:
        return None, bill.reason or UNKNOWN_SALE
    if bill.sold_currency != bill.bought_currency:
        return None, f"{TWO_CURRENCIES} ({bill.bought_currency}, {bill.sold_currency})"
    return bill.sold_net - bill.bought_net, ""


@dataclass(slots=True)
class Row:
    """The bills of one partner under one offer in one currency. `bought`, `sold` and `margin` are of those whose margin is known."""

    source: int
    offer: str
    currency: str
    cdrs: int = 0
    kwh: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    unknown: int = 0
    bought_unknown: Decimal = ZERO
    """Of those whose margin is not known."""
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def margin(self) -> Decimal:
        return self.sold - self.bought

    def take(self, bill: Bill) -> None:
        self.cdrs += 1
        self.kwh += bill.kwh
        found, reason = margin(bill)
        bought = bill.bought_net or ZERO
        if found is None:
            self.unknown += 1
            self.bought_unknown += bought
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        else:
            self.bought += bought
            self.sold += bought + found


def margins(bills: Iterable[Bill]) -> list[Row]:
    """By partner, offer and the currency in which it was bought."""
    rows: dict[tuple[int, str, str], Row] = {}
    for bill in bills:
        key = bill.source, bill.offer, bill.bought_currency
        rows.setdefault(key, Row(*key)).take(bill)
    return [rows[key] for key in sorted(rows)]
