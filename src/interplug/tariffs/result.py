"""What a price looks like from outside: totals, taxes, volumes, warnings, and the lines that explain them.

A line is one price component and all that it priced. Its amount is the difference of two running sums, each rounded as the total is,
so that the lines always sum to the total to the last digit; the totals of the CDR are rounded once, as the options say. Lines are
made when somebody asks for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from interplug.tariffs.choose import Choice, Entry
from interplug.tariffs.compiled import DIMENSIONS, ENERGY, FLAT, PARKING, TIME, Component, Tariff
from interplug.tariffs.money import HOUR, WIDE, Money, Rounder, add, plain, spell
from interplug.tariffs.options import Options
from interplug.tariffs.problems import Problem
from interplug.tariffs.read import ZERO
from interplug.tariffs.session import RESERVED, ChargingSession
from interplug.tariffs.settle import CATEGORIES, Category, Settlement, amount, category

_FINE = Options(decimals=12)
_BILLED = {ENERGY: "energy_kwh", TIME: "time_s", PARKING: "parking_s", RESERVED: "reservation_s"}


@dataclass(frozen=True, slots=True)
class Line:
    """One component and what it priced, or what a price limit changed (then `component` is /min_price or /max_price)."""

    tariff: str
    component: str
    category: str
    dimension: str
    excl: Decimal | None
    incl: Decimal | None
    percentage: Decimal | None = None
    price: Decimal | None = None
    step_size: Decimal | None = None
    # In kWh or seconds; None for fees and limits.
    measured: Decimal | None = None
    billed: Decimal | None = None
    surplus: Decimal | None = None
    # Places of the periods in the document.
    periods: tuple[int, ...] = ()
    # Earlier elements with this dimension, and the restriction on which each failed in the first of the periods.
    failed: tuple[tuple[int, str], ...] = ()
    matched: tuple[str, ...] = ()

    @property
    def quantity(self) -> Decimal | None:
        """What is billed in the unit of the price: kWh, or hours to four decimals."""
        if self.billed is None or self.dimension == "ENERGY":
            return self.billed
        return (self.billed / HOUR).quantize(Decimal("0.0001"))

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "tariff": self.tariff,
            "component": self.component,
            "category": self.category,
            "dimension": self.dimension,
            "excl": None if self.excl is None else plain(self.excl),
            "incl": None if self.incl is None else plain(self.incl),
        }
        for name in ("percentage", "price", "step_size", "measured", "billed", "surplus"):
            value = getattr(self, name)
            if value is not None:
                document[name] = plain(value)
        if self.periods:
            document["periods"] = list(self.periods)
            document["matched"] = list(self.matched)
            document["failed"] = [{"element": element, "restriction": restriction} for element, restriction in self.failed]
        return document


class Priced:
    """The price of a session. `unrounded` holds the exact figures behind the totals."""

    def __init__(
        self,
        session: ChargingSession,
        choice: Choice,
        settled: Settlement,
        options: Options,
        *,
        tariffs: Sequence[Tariff],
        currency: str,
        problems: Sequence[Problem],
        timezone: str | None,
        bounds: tuple[Money, Money] | None,
    ) -> None:
        self.session = session
        self.choice = choice
        self.unrounded = settled
        self.options = options
        # Those that the session used, each once.
        self.tariffs = tuple(tariffs)
        self.currency = currency
        self.timezone = timezone
        self.warnings: tuple[Problem, ...] = tuple(dict.fromkeys(problems))
        self._bounds = bounds
        self._round = Rounder(options, currency)

    def _rounded(self, money: Money | None) -> Money:
        return Money(self._round(ZERO), self._round(ZERO)) if money is None else Money(self._round(money.excl), self._round(money.incl))

    def part(self, name: Category) -> Money:
        return self._rounded(self.unrounded.parts.get(name))

    @property
    def total_cost(self) -> Money:
        return self._rounded(self.unrounded.total)

    @property
    def total_energy_cost(self) -> Money:
        return self.part("energy")

    @property
    def total_time_cost(self) -> Money:
        return self.part("time")

    @property
    def total_parking_cost(self) -> Money:
        return self.part("parking")

    @property
    def total_fixed_cost(self) -> Money:
        return self.part("fixed")

    @property
    def total_reservation_cost(self) -> Money:
        return self.part("reservation")

    @property
    def bounds(self) -> tuple[Money, Money] | None:
        """Lowest and highest total that undivided periods allow; None if no period spans a price change."""
        return None if self._bounds is None else (self._rounded(self._bounds[0]), self._rounded(self._bounds[1]))

    @property
    def taxes(self) -> list[dict[str, Decimal]]:
        """By rate: percentage, taxable amount, tax."""
        with localcontext(WIDE):
            taxes = self.unrounded.taxes
        return [
            {"percentage": rate, "taxable": self._round(taxable) or ZERO, "amount": self._round(charged) or ZERO}
            for rate, (taxable, charged) in sorted(taxes.items())
        ]

    @property
    def billed(self) -> dict[str, Decimal]:
        """kWh and seconds that are paid for, rounding of step_size included."""
        return {name: self.unrounded.billed.get(kind, ZERO) for kind, name in _BILLED.items()}

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return self._lines(self._round)

    @property
    def fine_lines(self) -> tuple[Line, ...]:
        """To twelve decimals, for sums of several prices, which are rounded once."""
        return self._lines(Rounder(_FINE, self.currency))

    def _lines(self, rounder: Rounder) -> tuple[Line, ...]:
        with localcontext(WIDE):
            return _lines(self.choice.entries, self.unrounded, self.options, rounder)

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"total_cost": self.total_cost.to_document()}
        for name in CATEGORIES:
            document[f"total_{name}_cost"] = self.part(name).to_document()
        document["currency"] = self.currency
        document["taxes"] = [
            {"percentage": plain(tax["percentage"]), "taxable": spell(tax["taxable"]), "amount": spell(tax["amount"])} for tax in self.taxes
        ]
        document["billed"] = {name: plain(volume) for name, volume in self.billed.items()}
        document["warnings"] = [problem.to_document() for problem in self.warnings]
        if self.bounds is not None:
            document["bounds"] = {"lowest": self.bounds[0].to_document(), "highest": self.bounds[1].to_document()}
        document["lines"] = [line.to_document() for line in self.lines]
        document["timezone"] = self.timezone
        document["policies"] = self.options.policies()
        return document


class _Running:
    """Rounds running sums, so that the parts sum to the rounded whole."""

    def __init__(self, rounder: Rounder) -> None:
        self._round = rounder
        self._sum = self._given = ZERO

    def take(self, value: Decimal | None) -> Decimal | None:
        if value is None:
            return None
        before = self._given
        self._sum += value
        self._given = self._round(self._sum) or ZERO
        return self._given - before


def _lines(entries: Sequence[Entry], settled: Settlement, options: Options, rounder: Rounder) -> tuple[Line, ...]:
    by_component: dict[tuple[Component, int, int], list[Entry]] = {}
    for entry in entries:
        by_component.setdefault((entry.component, entry.kind, entry.phase), []).append(entry)
    excl, incl = _Running(rounder), _Running(rounder)
    lines = [_line(listed, settled, options, excl, incl) for listed in by_component.values()]
    for limit in settled.limits:
        net, gross = excl.take(limit.excl), incl.take(limit.incl)
        lines.append(Line(limit.tariff.spelled_id, f"/{limit.name}", "limit", limit.name.upper(), net, gross))
    return tuple(lines)


def _line(entries: list[Entry], settled: Settlement, options: Options, excl: _Running, incl: _Running) -> Line:
    first = entries[0]
    component = first.component
    tax = component.tax.deviated(options.tax)
    net, gross = tax.sides(sum((amount(entry, settled) for entry in entries), ZERO))
    failed, element = component.tariff.considered(first.phase, component.dimension, first.at)
    measured = surplus = None
    if first.kind != FLAT:
        measured = sum((entry.volume for entry in entries), ZERO) * (1 if first.kind == ENERGY else HOUR)
        surplus = sum((settled.surplus.get(entry, ZERO) for entry in entries), ZERO)
    return Line(
        component.tariff.spelled_id,
        component.path,
        category(first),
        "RESERVATION_TIME" if first.kind == RESERVED else DIMENSIONS[component.dimension],
        excl.take(net),
        incl.take(gross),
        tax.rate,
        component.price,
        None if first.kind == FLAT else component.step,
        measured,
        add(measured, surplus),
        surplus,
        tuple(dict.fromkeys(entry.period.number for entry in entries)),
        tuple(failed),
        tuple(test.name for test in element.tests) if element is not None else (),
    )
