"""Lowest and highest total over all ways in which undivided periods could have been divided.

Each spanning volume is priced once at its cheapest and once at its dearest possible component. Two cases leave no freedom and are divided
exactly: time that fills its period, over thresholds of the clock or the duration; and energy, over thresholds of kWh.
"""

from collections.abc import Sequence
from decimal import Decimal

from interplug.tariffs.choose import Choice, Entry
from interplug.tariffs.compiled import ENERGY, FLAT, TIME, Component, Tariff
from interplug.tariffs.divide import cut_period
from interplug.tariffs.money import Money
from interplug.tariffs.options import Options
from interplug.tariffs.session import HOUR, RESERVED
from interplug.tariffs.settle import settle
from interplug.tariffs.spans import Span, energy_cuts, moved, time_cuts
from interplug.tariffs.zones import SECOND, Clock

_ONE = Decimal(1)
# What four decimals of an hour can hide.
_NEARLY = 36 * SECOND // 100


def find_bounds(choice: Choice, used: Sequence[Tariff], clock: Clock | None, options: Options) -> tuple[Money, Money]:
    low, high = (settle(_replaced(choice, clock, dearest), used, options).total for dearest in (False, True))
    return low, high


def _replaced(choice: Choice, clock: Clock | None, dearest: bool) -> list[Entry]:
    instead = {(span.period, span.kind, span.phase): _exactly(span, clock) or _extreme(span, dearest) for span in choice.spans}
    kept = [entry for entry in choice.entries if (entry.period, entry.kind, entry.phase) not in instead]
    entries = kept + [entry for replaced in instead.values() for entry in replaced]
    # In the order of time again, for the last priced volume gives the step.
    return sorted(entries, key=lambda entry: entry.period.start)


def _volume(span: Span) -> Decimal:
    return _ONE if span.kind == FLAT else span.period.volumes[span.kind] or Decimal(0)


def _extreme(span: Span, dearest: bool) -> list[Entry]:
    volume = _volume(span)

    def cost(component: Component | None) -> Decimal:
        return volume * component.price if component is not None else Decimal(0)

    chosen = (max if dearest else min)(span.alternatives, key=cost)
    return [] if chosen is None else [Entry(span.period, span.phase, span.kind, chosen, volume, span.at)]


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
