"""Lowest and highest total over all ways in which undivided periods could have been divided.

Each spanning volume is priced once at its cheapest and once at its dearest possible component, before taxes and after them, for the two
need not be the same. The last moment of a period may have had any of its prices, and so any of their steps: each is tried. Two cases leave
no freedom and are divided exactly: time that fills its period, over thresholds of the clock or the duration; and energy, over thresholds of
kWh.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from interplug.tariffs.choose import Choice, Entry
from interplug.tariffs.compiled import ENERGY, FLAT, TIME, Component, Tariff
from interplug.tariffs.divide import cut_period
from interplug.tariffs.money import Money
from interplug.tariffs.options import Options
from interplug.tariffs.session import HOUR, RESERVED, Period
from interplug.tariffs.settle import settle
from interplug.tariffs.spans import Span, energy_cuts, moved, time_cuts
from interplug.tariffs.zones import SECOND, Clock

_ONE = Decimal(1)
# What four decimals of an hour can hide.
_NEARLY = 36 * SECOND // 100
# So little of a volume that it costs nothing, but it is the last.
_SLIVER = Decimal("1e-40")
_Total = Callable[[list[Entry]], Money]
_Place = tuple[Period, int, int]


def find_bounds(choice: Choice, used: Sequence[Tariff], clock: Clock | None, options: Options) -> tuple[Money, Money]:
    """The lowest and the highest total; `clock` None: nobody knows the time of day at the station."""
    exact = {_place(span): entries for span in choice.spans if (entries := _exactly(span, clock))}
    free = [span for span in choice.spans if _place(span) not in exact]
    instead = {**exact, **{_place(span): [] for span in free}}
    kept = [entry for entry in choice.entries if (entry.period, entry.kind, entry.phase) not in instead]
    kept += [entry for entries in exact.values() for entry in entries]

    def total(entries: list[Entry]) -> Money:
        # In the order of time again, for the last priced volume gives the step.
        return settle(sorted(kept + entries, key=lambda entry: entry.period.start), used, options).total

    one_tax = len({component.tax for span in free for component in span.alternatives if component is not None}) < 2
    bounds = []
    for dearest in (False, True):
        net = _extreme(free, total, 0, dearest)
        bounds.append(net if one_tax else Money(net.excl, _extreme(free, total, 1, dearest).incl))
    return bounds[0], bounds[1]


def _extreme(spans: list[Span], total: _Total, side: int, dearest: bool) -> Money:
    """The total of the course that is cheapest or dearest before (side 0) or after taxes (side 1)."""
    priced = {_place(span): _one_price(span, side, dearest) for span in spans}
    best = total(_all(priced))
    for last in {(span.kind, span.phase): span for span in spans if span.kind != FLAT}.values():
        for ending in _endings(last, priced[_place(last)]):
            changed = {**priced, _place(last): ending}
            found = total(_all(changed))
            old, new = best[side], found[side]
            if old is not None and new is not None and (new > old if dearest else new < old):
                best, priced = found, changed
    return best


def _all(priced: dict[_Place, list[Entry]]) -> list[Entry]:
    return [entry for entries in priced.values() for entry in entries]


def _one_price(span: Span, side: int, dearest: bool) -> list[Entry]:
    volume = _volume(span)

    def cost(component: Component | None) -> Decimal:
        if component is None:
            return Decimal(0)
        sides = component.tax.sides(volume * component.price)
        known = sides[side]
        return known if known is not None else volume * component.price

    chosen = (max if dearest else min)(span.alternatives, key=cost)
    return [] if chosen is None else [Entry(span.period, span.phase, span.kind, chosen, volume, span.at)]


def _endings(span: Span, entries: list[Entry]) -> list[list[Entry]]:
    """The same, but for a last moment at each of the prices, where that brings another step."""
    listed = [component for component in span.alternatives if component is not None]
    if len({component.step for component in listed}) < 2 or _volume(span) <= _SLIVER:
        return []
    before = [Entry(span.period, span.phase, span.kind, entry.component, entry.volume - _SLIVER, span.at) for entry in entries]
    return [[*before, Entry(span.period, span.phase, span.kind, component, _SLIVER, span.at)] for component in listed]


def _place(span: Span) -> _Place:
    return span.period, span.kind, span.phase


def _volume(span: Span) -> Decimal:
    return _ONE if span.kind == FLAT else span.period.volumes[span.kind] or Decimal(0)


def _exactly(span: Span, clock: Clock | None) -> list[Entry]:
    tariff = next(component.tariff for component in span.alternatives if component is not None)
    period = span.period
    if span.kind == FLAT or _ranges_matter(span, tariff):
        return []
    by_time = bool(time_cuts(period, tariff, span.at, clock))
    by_energy = bool(energy_cuts(period, tariff, span.at))
    fills = abs(_volume(span) * HOUR - (period.end - period.start)) <= _NEARLY
    if (span.kind == ENERGY and by_time) or (span.kind != ENERGY and (by_energy or not fills)):
        return []
    entries = []
    kwh = span.at.kwh
    for piece in cut_period(period, tariff, span.at.kwh, span.at.elapsed, clock):
        active = tariff.active(span.phase, moved(span.at, period, piece.start, kwh, tariff, clock))
        component = active[TIME if span.kind == RESERVED else span.kind]
        if component is not None:
            entries.append(Entry(piece, span.phase, span.kind, component, piece.volumes[span.kind] or Decimal(0), span.at))
        kwh += piece.volumes[ENERGY] or 0
    return entries


def _ranges_matter(span: Span, tariff: Tariff) -> bool:
    at = span.at
    return (tariff.uses_power and at.low_power != at.high_power) or (tariff.uses_current and at.low_current != at.high_current)
