"""What a CDR says that it costs, in the form of any version, and whether a figure agrees with ours.

Two figures are compared at the precision in which the CDR is written, but never coarser than the currency and never finer than our own
output: OCPI does not say how to round, so both ways of rounding a midpoint agree. Hours have a precision, too: an operator counts seconds
and writes hours with four decimals, and its money is that of the seconds. A figure that is not stated is no difference. Taxes of a
2.3.0 Price that are an empty list may mean none or not known, and claim nothing.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, Literal, NamedTuple

from interplug.tariffs.money import WIDE, Money, decimals_of, exponent, spell
from interplug.tariffs.options import Options
from interplug.tariffs.problems import Note
from interplug.tariffs.read import number, records
from interplug.tariffs.settle import CATEGORIES

FIELDS = ("total_cost", *(f"total_{name}_cost" for name in CATEGORIES))
_FOUR = Decimal("0.0001")


class Difference(NamedTuple):
    field: str
    # None: a volume, which has no sides.
    side: Literal["excl", "incl"] | None
    claimed: Decimal
    computed: Decimal

    def to_document(self) -> dict[str, str | None]:
        figures = {"claimed": spell(_output(self.claimed)), "computed": spell(_output(self.computed))}
        return {"field": self.field, "side": self.side, **figures}


def read_claims(cdr: Mapping[str, Any], note: Note) -> dict[str, Money]:
    """Claimed figures by field. A credit CDR negates its total, and only that."""
    claims = {}
    for name in FIELDS:
        if cdr.get(name) is not None:
            claims[name] = _read_price(cdr[name], f"/cdr/{name}", note)
    if cdr.get("credit") is True and "total_cost" in claims:
        total = claims["total_cost"]
        claims["total_cost"] = Money(None if total.excl is None else -total.excl, None if total.incl is None else -total.incl)
    return claims


def _read_price(value: Any, path: str, note: Note) -> Money:
    if not isinstance(value, dict):
        return Money(number(value, path, note), None)
    if "before_taxes" not in value:
        return Money(number(value.get("excl_vat"), f"{path}/excl_vat", note), number(value.get("incl_vat"), f"{path}/incl_vat", note))
    excl = number(value["before_taxes"], f"{path}/before_taxes", note)
    taxes = [
        number(tax.get("amount"), f"{path}/taxes/{index}/amount", note)
        for index, tax in enumerate(records(value.get("taxes"), f"{path}/taxes"))
    ]
    amounts = [tax for tax in taxes if tax is not None]
    if excl is None or not amounts or len(amounts) < len(taxes):
        return Money(excl, None)
    return Money(excl, sum(amounts, excl))


def compare(
    claims: Mapping[str, Money], computed: Mapping[str, Money], slack: Mapping[str, Money], options: Options, currency: str
) -> list[Difference]:
    """`computed` is exact but for the `slack` that hours of few decimals leave open; a side that we do not know cannot differ."""
    differences = []
    for name, claim in claims.items():
        ours, left = computed[name], slack.get(name, Money(None, None))
        if claim.excl is not None and ours.excl is not None and not agrees(claim.excl, ours.excl, left.excl, options, currency):
            differences.append(Difference(name, "excl", claim.excl, ours.excl))
        if claim.incl is not None and ours.incl is not None and not agrees(claim.incl, ours.incl, left.incl, options, currency):
            differences.append(Difference(name, "incl", claim.incl, ours.incl))
    return differences


def agrees(claimed: Decimal, computed: Decimal, slack: Decimal | None, options: Options, currency: str) -> bool:
    # Trailing zeros do not survive JSON, so 3.5 may well be 3.50.
    decimals = min(max(decimals_of(claimed), exponent(currency)), max(options.decimals, exponent(currency)))
    unit = Decimal(1).scaleb(-decimals)
    stated = claimed.quantize(unit, ROUND_HALF_UP, WIDE)
    if slack:
        return (computed - slack).quantize(unit, ROUND_HALF_EVEN, WIDE) <= stated <= (computed + slack).quantize(unit, ROUND_HALF_UP, WIDE)
    return any(stated == computed.quantize(unit, mode, WIDE) for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN))


def _output(value: Decimal) -> Decimal:
    return value.quantize(_FOUR, ROUND_HALF_UP, WIDE)
