"""Periods over a price change: what else could have been the price.

A CPO starts a new period when another component becomes active (CDRs, ChargingPeriod class). Where it did not, the period is priced at
its start rate, and the reader is told what the other rates were: `find_spans` gives, for each dimension with another possible price,
the components that were active at some point of the period. Time and energy cross their thresholds independently, for nobody knows how
the energy fell: every crossing of the clock is combined with every crossing of a kWh threshold.
"""

from bisect import bisect_left, bisect_right
from dataclasses import replace
from decimal import Decimal
from itertools import islice, product
from typing import NamedTuple

from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Component, Tariff
from interplug.tariffs.restrictions import SESSION, Moment
from interplug.tariffs.session import RESERVED, Period
from interplug.tariffs.zones import DAY, SECOND, Clock

# A longer period has seen every hour of every weekday; only dates can still change.
_LOOK_AHEAD = 8 * DAY * SECOND
# Moments looked at for one period. Only a tariff made to be slow has more; then every one of its prices is held possible.
_MOST = 5000


_RANGE: list[Decimal | None] = [None]


class _Point(NamedTuple):
    """One power and one current out of the ranges of a period; None leaves the range."""

    power: Decimal | None
    current: Decimal | None

    def on(self, at: Moment) -> Moment:
        moment = replace(at)
        if self.power is not None:
            moment.low_power = moment.high_power = self.power
        if self.current is not None:
            moment.low_current = moment.high_current = self.current
        return moment


class Span(NamedTuple):
    period: Period
    kind: int
    phase: int
    at: Moment
    alternatives: tuple[Component | None, ...]


def find_spans(period: Period, tariff: Tariff, phase: int, at: Moment, clock: Clock | None, flat_charged: bool) -> list[Span]:
    """Of one period in one phase, which begins at `at`; empty where nothing else could have been the price."""
    moments = _moments(period, tariff, at, clock)
    if moments == []:
        return []
    first = tariff.active(phase, at)
    others = None if moments is None else [tariff.active(phase, moment) for moment in moments]
    spans = []
    for kind, dimension in _kinds(period, phase, flat_charged):
        listed = _all_prices(tariff, phase, dimension) if others is None else [active[dimension] for active in others]
        possible = [first[dimension]]
        for component in dict.fromkeys(listed):
            if not any(_same(component, known) for known in possible):
                possible.append(component)
        if len(possible) > 1:
            spans.append(Span(period, kind, phase, at, tuple(possible)))
    return spans


def _all_prices(tariff: Tariff, phase: int, dimension: int) -> list[Component | None]:
    return [None, *(component for element in tariff.order(phase) for component in element.components if component.dimension == dimension)]


def _kinds(period: Period, phase: int, flat_charged: bool) -> list[tuple[int, int]]:
    """(kind of volume, dimension of the component) that have something to price."""
    kinds = [] if flat_charged else [(FLAT, FLAT)]
    if phase != SESSION:
        return [*kinds, (RESERVED, TIME)] if period.volumes[RESERVED] else kinds
    return kinds + [(kind, kind) for kind in (ENERGY, TIME, PARKING) if period.volumes[kind]]


def _same(left: Component | None, right: Component | None) -> bool:
    return left is right or (left is not None and left.same_price(right))


def _moments(period: Period, tariff: Tariff, at: Moment, clock: Clock | None) -> list[Moment] | None:
    """Every state that the period may have passed through after its start; None if they are too many to look at."""
    times = time_cuts(period, tariff, at, clock) if period.end > period.start else []
    energies = energy_cuts(period, tariff, at)
    if (period.volumes[ENERGY] or 0) < 0 and tariff.kwh_bounds:
        # Fed back: below a threshold that is passed lies another price, and the threshold itself belongs to the one above.
        energies = [*energies, at.kwh + (period.volumes[ENERGY] or 0)]
    powers = _power_points(tariff, at) if tariff.uses_power or tariff.uses_current else []
    if not (times or energies or powers):
        return []
    if (1 + len(times)) * (1 + len(energies)) * (1 + len(powers)) > _MOST:
        return None
    found = []
    for us in (period.start, *times):
        for kwh in (at.kwh, *energies):
            moment = moved(at, period, us, kwh, tariff, clock)
            found.append(moment)
            found += [point.on(moment) for point in powers]
    return found[1:]


def moved(at: Moment, period: Period, us: int, kwh: Decimal, tariff: Tariff, clock: Clock | None) -> Moment:
    """The moment `us` of the period, with `kwh` used by then."""
    moment = replace(at, kwh=kwh, elapsed=at.elapsed + us - period.start)
    if tariff.uses_clock and clock is not None:
        moment.day, moment.second = clock.local(us)
    return moment


def energy_cuts(period: Period, tariff: Tariff, at: Moment) -> list[Decimal]:
    """Thresholds passed strictly inside the period. Energy fed back passes them downwards."""
    if not tariff.kwh_bounds:
        return []
    before, after = sorted((at.kwh, at.kwh + (period.volumes[ENERGY] or 0)))
    return tariff.kwh_bounds[bisect_right(tariff.kwh_bounds, before) : bisect_left(tariff.kwh_bounds, after)]


def time_cuts(period: Period, tariff: Tariff, at: Moment, clock: Clock | None, *, whole: bool = False) -> list[int]:
    """Moments strictly inside the period at which a restriction on clock, date, weekday or duration begins or ends."""
    cuts: set[int] = set()
    if tariff.elapsed_bounds:
        begin, length = at.elapsed, period.end - period.start
        bounds = tariff.elapsed_bounds[bisect_right(tariff.elapsed_bounds, begin) : bisect_left(tariff.elapsed_bounds, begin + length)]
        cuts.update(period.start + bound - begin for bound in bounds)
    if tariff.uses_clock and clock is not None and _wall_changes(period, tariff, at, clock):
        end = period.end if whole else min(period.end, period.start + _LOOK_AHEAD)
        cuts.update(wall_cuts(tariff, clock, period.start, end))
        cuts.update(_date_cuts(tariff, clock, period.start, period.end))
    return sorted(cuts)


def _wall_changes(period: Period, tariff: Tariff, at: Moment, clock: Clock) -> bool:
    """Cheap look before the search: same day, same offset, between the same two bounds of the clock."""
    offset = clock.offset(period.end - 1)
    day, second = divmod((period.end - 1) // SECOND + offset, DAY)
    if day != at.day or clock.offset(period.start) != offset:
        return True
    return bisect_right(tariff.clock_bounds, at.second) != bisect_right(tariff.clock_bounds, second)


def wall_cuts(tariff: Tariff, clock: Clock, start: int, end: int) -> set[int]:
    """Where the wall clock passes a bound or midnight, or jumps: moments strictly inside (start, end)."""
    seconds = sorted({0, *tariff.clock_bounds}) if tariff.uses_day or tariff.day_bounds else tariff.clock_bounds
    cuts = set()
    for begin, until, offset in clock.changes(start, end):
        cuts.add(begin)
        first, last = (begin // SECOND + offset) // DAY, (until // SECOND + offset) // DAY
        for day in range(first, last + 1):
            cuts.update((day * DAY + second - offset) * SECOND for second in seconds)
    return {cut for cut in cuts if start < cut < end}


def _date_cuts(tariff: Tariff, clock: Clock, start: int, end: int) -> set[int]:
    cuts = set()
    for day in tariff.day_bounds:
        guess = day * DAY * SECOND
        midnight = guess - clock.offset(guess - clock.offset(guess) * SECOND) * SECOND
        if start < midnight < end:
            cuts.add(midnight)
    return cuts


def _power_points(tariff: Tariff, at: Moment) -> list["_Point"]:
    """Where the range of a period lies across a limit, or nobody knows it: each value that could be the power of some part of it."""
    powers = _points(at.low_power, at.high_power, tariff.min_power, tariff.max_power) if tariff.uses_power else []
    currents = _points(at.low_current, at.high_current, tariff.min_current, tariff.max_current) if tariff.uses_current else []
    if not (powers or currents):
        return []
    return [_Point(*pair) for pair in islice(product(powers or _RANGE, currents or _RANGE), _MOST)]


def _points(low: Decimal, high: Decimal, minima: list[Decimal], maxima: list[Decimal]) -> list[Decimal]:
    inside = [bound for bound in sorted({*minima, *maxima}) if low < bound <= high]
    return [low, *inside] if inside else []
