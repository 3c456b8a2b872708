"""A tariff, read once and used for many sessions.

`compile_tariff` turns a Tariff of any version into components by phase and dimension, in the order in which they are asked, with the
tests of their elements. Per dimension the first component whose element matches is the price, in all versions (2.1.1's own complex
example opens with a FLAT element that would else hide everything). Between two thresholds of an axis nothing changes, so a choice is
remembered by cell.

This file knows nothing of sessions and of the sums that come after.
"""

from bisect import bisect_right
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.model.types import encode_json, fold
from interplug.tariffs.money import HUNDRED, Tax
from interplug.tariffs.problems import Problem, TariffError
from interplug.tariffs.read import ZERO, number, record, records, text, time
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, Moment, Test, Thresholds, read_restrictions

VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
ENERGY, TIME, PARKING, FLAT = range(4)
DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
_CODES = {name: code for code, name in enumerate(DIMENSIONS)}
_CELLS_KEPT = 4096


class Component:
    """One price component, and where it stands."""

    __slots__ = ("dimension", "element", "path", "position", "price", "step", "tariff", "tax")

    def __init__(self, tariff: "Tariff", element: int, position: int, dimension: int, price: Decimal, step: Decimal, tax: Tax) -> None:
        self.tariff = tariff
        self.element = element
        self.position = position
        self.dimension = dimension
        self.price = price
        self.step = step
        self.tax = tax
        self.path = f"/elements/{element}/price_components/{position}"

    def same_price(self, other: "Component | None") -> bool:
        return other is not None and (self.price, self.step, self.tax, self.tariff) == (other.price, other.step, other.tax, other.tariff)


class Element(NamedTuple):
    number: int
    phase: int
    tests: tuple[Test, ...]
    components: tuple[Component, ...]

    def matches(self, at: Moment) -> bool:
        return all(test.holds(at) for test in self.tests)


class Limit(NamedTuple):
    excl: Decimal | None
    incl: Decimal | None


Active = tuple[Component | None, Component | None, Component | None, Component | None]


class Tariff:
    """See the head of this file. Made by `compile_tariff` only; never changes, but for what it remembers of its choices."""

    __slots__ = (
        "_cells", "_constant", "_order", "clock_bounds", "currency", "current_kinds", "day_bounds", "elapsed_bounds", "elements", "end",
        "id", "kwh_bounds", "max_current", "max_power", "max_price", "min_current", "min_power", "min_price", "power_kinds", "prices",
        "problems", "restricted", "single_rate", "spelled_id", "start", "tax_included", "timed", "unknown_tax", "uses_clock",
        "uses_current", "uses_day", "uses_power", "version",
    )  # fmt: skip

    def __init__(self, document: dict[str, Any], version: str) -> None:
        problems: list[Problem] = []
        note = problems.append
        self.version = version
        # As spelled, for documents; `id` is the form that is compared.
        self.spelled_id = text(document.get("id"), "/id") or ""
        self.id = fold(self.spelled_id)
        self.currency = (text(document.get("currency"), "/currency") or "").upper()
        self.start = time(document.get("start_date_time"), "/start_date_time", note)
        self.end = time(document.get("end_date_time"), "/end_date_time", note)
        self.min_price = _limit(document.get("min_price"), "/min_price", problems)
        self.max_price = _limit(document.get("max_price"), "/max_price", problems)
        self.tax_included = _tax_included(document, version, problems)
        thresholds = Thresholds()
        listed = records(document.get("elements"), "/elements")
        self.unknown_tax = self.tax_included == "NO" and version == "2.3.0" and not any(_rates(listed))
        self.elements = tuple(self._element(index, entry, thresholds, problems) for index, entry in enumerate(listed))
        self._axes(thresholds)
        self._arrange()
        self._judge(problems)
        self.problems = tuple(problems)

    def _element(self, index: int, entry: dict[str, Any], thresholds: Thresholds, problems: list[Problem]) -> Element:
        path = f"/elements/{index}"
        restrictions = record(entry.get("restrictions") or {}, f"{path}/restrictions")
        phase, tests = read_restrictions(restrictions, f"{path}/restrictions", thresholds, problems.append)
        components: list[Component] = []
        for position, listed in enumerate(records(entry.get("price_components"), f"{path}/price_components")):
            component = self._component(index, position, listed, problems)
            if component is None:
                continue
            if any(earlier.dimension == component.dimension for earlier in components):
                problems.append(Problem("duplicate_dimension", component.path))
                continue
            components.append(component)
        return Element(index, phase, tests, tuple(components))

    def _component(self, element: int, position: int, listed: dict[str, Any], problems: list[Problem]) -> Component | None:
        path = f"/elements/{element}/price_components/{position}"
        name = text(listed.get("type"), f"{path}/type") or ""
        dimension = _CODES.get(name.upper())
        if dimension is None:
            problems.append(Problem("unknown_dimension", f"{path}/type"))
            return None
        price = number(listed.get("price"), f"{path}/price", problems.append)
        if price is None:
            raise TariffError("invalid_field", f"{path}/price is missing", f"{path}/price")
        step = number(listed.get("step_size"), f"{path}/step_size", problems.append)
        if step is None and dimension != FLAT:
            problems.append(Problem("missing_required_field", f"{path}/step_size"))
        rate = number(listed.get("vat"), f"{path}/vat", problems.append)
        return Component(self, element, position, dimension, price, step or ZERO, self._tax(rate, f"{path}/vat", problems))

    def _tax(self, rate: Decimal | None, path: str, problems: list[Problem]) -> Tax:
        if rate is not None and rate <= -HUNDRED:
            raise TariffError("out_of_range", f"{path}: a rate of {rate} leaves no price", path)
        if self.version == "2.1.1":
            return Tax("net_only")
        if self.tax_included == "N/A":
            if rate:
                problems.append(Problem("tax_rate_ignored", path))
            return Tax("none")
        if self.tax_included == "YES":
            return Tax("gross_only") if rate is None else Tax("gross", rate)
        if rate is None:
            return Tax("net_only") if self.unknown_tax else Tax("none")
        return Tax("net", rate)

    def _axes(self, thresholds: Thresholds) -> None:
        self.clock_bounds = sorted(thresholds.clock)
        self.day_bounds = sorted(thresholds.days)
        self.kwh_bounds = sorted(thresholds.kwh)
        self.elapsed_bounds = sorted(thresholds.elapsed)
        self.min_power, self.max_power = sorted(thresholds.min_power), sorted(thresholds.max_power)
        self.min_current, self.max_current = sorted(thresholds.min_current), sorted(thresholds.max_current)
        self.uses_day = thresholds.weekday
        self.uses_clock = bool(self.clock_bounds or self.day_bounds or self.uses_day)
        self.uses_power = bool(self.min_power or self.max_power)
        self.uses_current = bool(self.min_current or self.max_current)
        self.power_kinds, self.current_kinds = self._kinds_under("_power"), self._kinds_under("_current")
        self.restricted = any(element.tests for element in self.elements)
        # Whether a charge costs something else where it was at another time, or lasted longer.
        by_time = any(one.dimension in (TIME, PARKING) and one.price for element in self.elements for one in element.components)
        self.timed = by_time or self.uses_clock or bool(self.elapsed_bounds) or self.uses_power or self.uses_current
        self._cells: dict[tuple[int, ...], Active] = {}

    def _kinds_under(self, ending: str) -> frozenset[int]:
        """Dimensions that have a price under such a restriction."""
        elements = [element for element in self.elements if any(test.name.endswith(ending) for test in element.tests)]
        return frozenset(component.dimension for element in elements for component in element.components)

    def _arrange(self) -> None:
        by_phase = {phase: [element for element in self.elements if element.phase == phase] for phase in (SESSION, RESERVATION, EXPIRED)}
        # An expired reservation: what is said of expiry wins whatever the order, the rest is priced as a reservation.
        self._order = (by_phase[SESSION], by_phase[RESERVATION], by_phase[EXPIRED] + by_phase[RESERVATION])
        self.prices = tuple(
            frozenset(component.dimension for element in order for component in element.components) for order in self._order
        )
        self._constant = None if self.restricted else tuple(self.select(phase, Moment()) for phase in range(3))
        taxes = {component.tax for element in self.elements for component in element.components}
        if len(taxes) > 1 and not any(tax.unknown or tax.rate for tax in taxes):
            taxes = {Tax("none")}  # no tax and a tax of 0 % cost the same
        self.single_rate = next(iter(taxes)) if len(taxes) == 1 else None

    def _judge(self, problems: list[Problem]) -> None:
        low, high = self.min_price, self.max_price
        if low and high and any(a is not None and b is not None and a > b for a, b in zip(low, high, strict=True)):
            problems.append(Problem("price_limits_cross", "/min_price"))
        if self.unknown_tax or any(c.tax.kind == "gross_only" for element in self.elements for c in element.components):
            problems.append(Problem("taxes_unknown", "/tax_included"))

    def order(self, phase: int) -> list[Element]:
        """The elements that are asked in a phase, first to last."""
        return self._order[phase]

    def select(self, phase: int, at: Moment) -> Active:
        """The active component of each dimension: the first whose element matches."""
        found: list[Component | None] = [None, None, None, None]
        for element in self._order[phase]:
            wanted = [component for component in element.components if found[component.dimension] is None]
            if wanted and element.matches(at):
                for component in wanted:
                    found[component.dimension] = component
        return found[0], found[1], found[2], found[3]

    def active(self, phase: int, at: Moment) -> Active:
        """`select`, remembered."""
        if self._constant is not None:
            return self._constant[phase]
        key = (phase, *self.cell(at))
        known = self._cells.get(key)
        if known is None:
            if len(self._cells) > _CELLS_KEPT:
                self._cells.clear()
            known = self._cells[key] = self.select(phase, at)
        return known

    def cell(self, at: Moment) -> list[int]:
        """Between which thresholds the moment lies, axis by axis."""
        key = []
        if self.uses_clock:
            key.append(bisect_right(self.clock_bounds, at.second))
            if self.uses_day:
                key.append(at.day % 7)
            if self.day_bounds:
                key.append(bisect_right(self.day_bounds, at.day))
        if self.kwh_bounds:
            key.append(bisect_right(self.kwh_bounds, at.kwh))
        if self.elapsed_bounds:
            key.append(bisect_right(self.elapsed_bounds, at.elapsed))
        if self.uses_power:
            key += (bisect_right(self.min_power, at.low_power), bisect_right(self.max_power, at.high_power))
        if self.uses_current:
            key += (bisect_right(self.min_current, at.low_current), bisect_right(self.max_current, at.high_current))
        return key

    def considered(self, phase: int, dimension: int, at: Moment) -> tuple[list[tuple[int, str]], Element | None]:
        """Why a component was chosen: the earlier elements with the restriction on which they failed, then the element that matched."""
        failed: list[tuple[int, str]] = []
        for element in self._order[phase]:
            if any(component.dimension == dimension for component in element.components):
                reason = next((test.name for test in element.tests if not test.holds(at)), None)
                if reason is None:
                    return failed, element
                failed.append((element.number, reason))
        return failed, None

    def valid_at(self, us: int) -> bool:
        return (self.start is None or self.start <= us) and (self.end is None or us < self.end)


def compile_tariff(document: dict[str, Any], version: str) -> Tariff:
    if version not in VERSIONS:
        raise TariffError("unknown_version", f"version is none of {', '.join(VERSIONS)}")
    return Tariff(record(document, ""), version)


class Compiler:
    """Compiles the same tariff once: CDRs bring their tariffs along, and most bring the same ones. Keeps a bounded number."""

    def __init__(self, kept: int = 1000) -> None:
        self._kept = kept
        self._known: dict[tuple[str, bytes], Tariff] = {}

    def __call__(self, document: dict[str, Any], version: str) -> Tariff:
        try:
            key = (version, encode_json(document))
        except (TypeError, ValueError, RecursionError):
            return compile_tariff(document, version)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._kept:
                self._known.clear()
            found = self._known[key] = compile_tariff(document, version)
        return found


def _limit(value: Any, path: str, problems: list[Problem]) -> Limit | None:
    """PriceLimit of 2.3.0 or Price of 2.2.1; each bound stands for itself."""
    if value is None:
        return None
    bound = record(value, path)
    excl, incl = ("before_taxes", "after_taxes") if "before_taxes" in bound or "after_taxes" in bound else ("excl_vat", "incl_vat")
    found = Limit(number(bound.get(excl), f"{path}/{excl}", problems.append), number(bound.get(incl), f"{path}/{incl}", problems.append))
    return None if found == (None, None) else found


def _tax_included(document: dict[str, Any], version: str, problems: list[Problem]) -> str:
    if version != "2.3.0":
        return "NO"
    spelled = (text(document.get("tax_included"), "/tax_included") or "").upper()
    if spelled in ("YES", "NO", "N/A"):
        return spelled
    # The specification's own CDR example leaves it out and counts on NO.
    problems.append(Problem("missing_required_field", "/tax_included"))
    return "NO"


def _rates(elements: list[dict[str, Any]]) -> list[bool]:
    return [
        component.get("vat") is not None
        for index, element in enumerate(elements)
        for component in records(element.get("price_components"), f"/elements/{index}/price_components")
    ]
