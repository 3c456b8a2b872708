"""What lies between two samples of the meter, cut wherever a price could change.

Energy and power run straight from one sample to the next. The marks are: bounds of clock, date and duration (given by the cutter, who knows
when the session began), the moments at which the energy reaches a kWh bound, and those at which power or current crosses a limit.
"""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Literal, NamedTuple

from interplug.tariffs.compiled import Tariff
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import Moment
from interplug.tariffs.session import HOUR

Phase = Literal["charging", "parked", "reserved"]
Pair = tuple[Decimal | None, Decimal | None]
# What power and current are written with.
RANGE = Decimal("0.001")
_KILO = Decimal(1000)


class Sample(NamedTuple):
    """A reading of the meter. `phase` is what goes on from here to the next sample; power and current are those of this instant."""

    us: int
    kwh: Decimal
    phase: Phase = "charging"
    # Watts, all phases; None: the average until the next sample.
    power: Decimal | None = None
    # Amperes, sum of the phases.
    current: Decimal | None = None


class Piece(NamedTuple):
    start: int
    end: int
    phase: Phase
    # Used in the session before the piece, and in it.
    kwh: Decimal
    energy: Decimal
    # (power in kW, current)
    low: Pair
    high: Pair


class _Line(NamedTuple):
    """A quantity that runs straight from one sample to the next."""

    start: Decimal
    end: Decimal

    def at(self, share: Decimal) -> Decimal:
        return self.start + (self.end - self.start) * share

    def shares(self, bounds: Iterable[Decimal]) -> list[tuple[Decimal, Decimal]]:
        """Where it crosses a bound: (share of the way, bound)."""
        low, high = sorted((self.start, self.end))
        return [((bound - self.start) / (self.end - self.start), bound) for bound in bounds if low < bound < high]


def between(tariff: Tariff | None, first_kwh: Decimal, last: Sample, sample: Sample, times: Iterable[int]) -> Iterable[Piece]:
    """In the order of time. `first_kwh`: what the meter showed when the session began; `times`: microseconds at which the clock changes the
    price. Without a tariff only the samples cut."""
    length = sample.us - last.us
    kwh = _Line(last.kwh - first_kwh, sample.kwh - first_kwh)
    ranges = _ranges_between(last, sample, length)
    marks: list[tuple[int, Decimal]] = [(last.us, kwh.start), (sample.us, kwh.end)]
    if tariff is not None:
        marks += [(us, kwh.at(_share(us - last.us, length))) for us in times]
        if kwh.end > kwh.start:
            marks += [(last.us + round(share * length), bound) for share, bound in kwh.shares(tariff.kwh_bounds)]
        for line, bounds in zip(ranges, _bounds_of(tariff), strict=True):
            if line is not None:
                marks += [(last.us + round(share * length), kwh.at(share)) for share, _ in line.shares(bounds)]
    marks.sort()
    for (start, before), (end, after) in pairwise(marks):
        if (start, before) != (end, after):
            low, high = _extremes(ranges, tariff, _share(start - last.us, length), _share(end - last.us, length))
            yield Piece(start, end, last.phase, before, after - before, low, high)


def _share(part: int, whole: int) -> Decimal:
    return Decimal(part) / whole if whole else ZERO


def _ranges_between(last: Sample, sample: Sample, length: int) -> tuple[_Line | None, _Line | None]:
    if last.phase != "charging":
        return _Line(ZERO, ZERO), _Line(ZERO, ZERO)
    power: _Line | None = None
    if last.power is not None:
        power = _Line(last.power / _KILO, (last.power if sample.power is None or sample.phase != "charging" else sample.power) / _KILO)
    elif length:
        average = (sample.kwh - last.kwh) * HOUR / length
        power = _Line(average, average)
    if last.current is None:
        return power, None
    return power, _Line(last.current, last.current if sample.current is None or sample.phase != "charging" else sample.current)


def _bounds_of(tariff: Tariff) -> tuple[list[Decimal], list[Decimal]]:
    return sorted({*tariff.min_power, *tariff.max_power}), sorted({*tariff.min_current, *tariff.max_current})


def _extremes(ranges: tuple[_Line | None, _Line | None], tariff: Tariff | None, start: Decimal, end: Decimal) -> tuple[Pair, Pair]:
    bounds = _bounds_of(tariff) if tariff is not None else ([], [])
    low: list[Decimal | None] = []
    high: list[Decimal | None] = []
    for line, limits in zip(ranges, bounds, strict=True):
        if line is None:
            low.append(None)
            high.append(None)
            continue
        least, most = sorted((_snapped(line.at(start), limits), _snapped(line.at(end), limits)))
        # The limit at which a piece ends belongs to its neighbour.
        high.append(most - RANGE if most in limits and least < most else most)
        low.append(least)
    return (low[0], low[1]), (high[0], high[1])


def _snapped(value: Decimal, limits: list[Decimal]) -> Decimal:
    """The crossing was rounded to a microsecond; the limit itself is meant."""
    return next((limit for limit in limits if abs(limit - value) < RANGE / 10), value)


def cells_of(tariff: Tariff, at: Moment) -> tuple[list[int], int]:
    """Between which bounds of time, and of energy, a moment lies."""
    wall = [bisect_right(tariff.clock_bounds, at.second), at.day] if tariff.uses_clock else []
    return [*wall, bisect_right(tariff.elapsed_bounds, at.elapsed)], bisect_right(tariff.kwh_bounds, at.kwh)


def power_cell(tariff: Tariff, at: Moment) -> list[int]:
    cells = []
    if tariff.uses_power:
        cells += [sum(at.low_power >= bound for bound in tariff.min_power), sum(at.high_power >= bound for bound in tariff.max_power)]
    if tariff.uses_current:
        cells += [sum(at.low_current >= b for b in tariff.min_current), sum(at.high_current >= b for b in tariff.max_current)]
    return cells
