"""Amounts: taxes, rounding, and the arithmetic that never loses a cent.

Inside a price numbers are decimals of 200 digits. Products are exact; a quotient (seconds by 3600, gross by 1 + rate) is a rational with a
small denominator. Rounding first snaps to 80 decimals: a rational with such a denominator that lies that near to a midpoint *is* the
midpoint, so the one rounding at the end is that of the exact value.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Literal, NamedTuple

from interplug.tariffs.options import Options

WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_SNAP = Decimal(1).scaleb(-80)
_UNITS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(13))
HUNDRED = Decimal(100)
HOUR = Decimal(3600)


class Tax(NamedTuple):
    """What a price is: net, gross or both at once, and the rate if one is known.

    net_only: after-tax amounts cannot be known; gross_only: before-tax amounts cannot; none: the two are equal and no tax is stated.
    """

    kind: Literal["net", "gross", "net_only", "gross_only", "none"]
    rate: Decimal | None = None

    @property
    def unknown(self) -> bool:
        """Whether one of the two sides cannot be known."""
        return self.kind in ("net_only", "gross_only")

    def sides(self, value: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """Before and after taxes."""
        rate = self.rate
        if self.kind == "net" and rate is not None:
            return value, value * (HUNDRED + rate) / HUNDRED
        if self.kind == "gross" and rate is not None:
            return value * HUNDRED / (HUNDRED + rate), value
        return (None if self.kind == "gross_only" else value), (None if self.kind == "net_only" else value)

    def deviated(self, how: str) -> "Tax":
        """The same price under a common mistake: net for gross, taxed twice, tax on tax, tax as a share of gross, none.

        `gross_as_net` changes the amount and not the tax, see `settle`.
        """
        rate = self.rate
        if rate is None or how in ("spec", "gross_as_net"):
            return self
        if how == "swapped":
            return Tax("gross" if self.kind == "net" else "net", rate)
        if how == "none":
            return Tax("none")
        if how == "of_gross":
            return Tax(self.kind, HUNDRED * rate / (HUNDRED - rate)) if rate < HUNDRED else self
        return Tax(self.kind, rate * (2 if how == "twice" else 1) + rate * rate / HUNDRED)


class Money(NamedTuple):
    """An amount before and after taxes; None is unknown, which is not zero."""

    excl: Decimal | None
    incl: Decimal | None

    def to_document(self) -> dict[str, str | None]:
        return {"excl": spell(self.excl), "incl": spell(self.incl)}


def add(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left + right


def spell(value: Decimal | None) -> str | None:
    """Plain digits, never an exponent."""
    return None if value is None else format(value, "f")


def plain(value: Decimal) -> str:
    """The shortest spelling of a number: 5.50 is 5.5."""
    spelled = format(value, "f")
    spelled = spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
    return "0" if spelled in ("-0", "") else spelled


def decimals_of(value: Decimal) -> int:
    """How many decimals it is written with, zeros at the end not counted; below zero for whole tens."""
    return -int(value.normalize().as_tuple().exponent) if value else 0


class Rounder:
    """The one rounding, on output."""

    __slots__ = ("_mode", "_unit")

    def __init__(self, options: Options, currency: str) -> None:
        decimals = exponent(currency) if options.rounding == "currency" else options.decimals
        self._mode = ROUND_HALF_EVEN if options.rounding == "half_even" else ROUND_HALF_UP
        self._unit = _UNITS[decimals]

    def __call__(self, value: Decimal | None) -> Decimal | None:
        if value is None:
            return None
        rounded = value.quantize(_SNAP, None, WIDE).quantize(self._unit, self._mode, WIDE)
        # 0 in place of -0: a sign on nothing only confuses.
        return rounded or abs(rounded)


def exponent(currency: str) -> int:
    """Decimals of a currency, ISO 4217."""
    return _EXPONENTS.get(currency.upper(), 2)


_EXPONENTS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
