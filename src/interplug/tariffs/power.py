"""How much power and current flowed in a period, as far as the CDR lets one know.

A CDR states the lowest and the highest value of a period, or one of them, or nothing (2.1.1 has no power at all). What is missing is
bounded by what is known: lowest <= average <= highest, where the average is the energy over the time. If a bound does not decide, the
average stands in, with a note; if nothing is known, no restriction on it matches, with a warning. A car that is only parked asks for no
power (CdrDimensionType, PARKING_TIME), so there it is known to be zero. The answers are values to compare with thresholds, so that
everything after treats a deduced power like a stated one.
"""

from decimal import Decimal

from interplug.tariffs.compiled import FLAT, Tariff
from interplug.tariffs.problems import Note, Problem
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import Moment
from interplug.tariffs.session import ENERGY, HOUR, PARKING, TIME, Period

# Beyond any number that can be read: "not known" never reaches a minimum and never stays below a maximum.
NOTHING = Decimal("-1e30")
ANYTHING = Decimal("1e30")


def set_power(at: Moment, period: Period, tariff: Tariff, note: Note) -> None:
    """Writes the lowest and the highest power (kW) and current (A) of a period into `at`, as far as the tariff asks for them; notes what
    was inferred, and what nobody can know."""
    stated = period.ranges or {}
    if tariff.uses_power:
        average = _average(period)
        low, high = stated.get("MIN_POWER"), stated.get("MAX_POWER")
        at.low_power, at.high_power = _bounds(low, high, average)
        asked = _asked(period, tariff.power_kinds)
        if asked and _inferred(low, high, average, tariff.min_power, tariff.max_power):
            note(Problem("power_inferred", period.path, "note"))
        elif asked and average is None and _undecided(low, high, tariff.min_power, tariff.max_power):
            note(Problem("power_unknown", period.path))
    if tariff.uses_current:
        low, high = stated.get("MIN_CURRENT"), stated.get("MAX_CURRENT")
        resting = ZERO if _only_parked(period) else None
        at.low_current, at.high_current = _bounds(low, high, resting)
        if resting is None and _asked(period, tariff.current_kinds) and _undecided(low, high, tariff.min_current, tariff.max_current):
            note(Problem("current_unknown", period.path))


def _asked(period: Period, kinds: frozenset[int]) -> bool:
    """Whether anything is priced by it here; a fee always may be."""
    return FLAT in kinds or any(period.volumes[kind] for kind in kinds)


def _only_parked(period: Period) -> bool:
    return bool(period.volumes[PARKING]) and not period.volumes[TIME] and not period.volumes[ENERGY]


def _average(period: Period) -> Decimal | None:
    energy = ZERO if _only_parked(period) else period.volumes[ENERGY]
    hours = Decimal(period.end - period.start) / HOUR or period.hours()
    return None if energy is None or hours <= 0 else energy / hours


def _bounds(low: Decimal | None, high: Decimal | None, average: Decimal | None) -> tuple[Decimal, Decimal]:
    lowest = low if low is not None else average if average is not None else NOTHING
    if high is not None:
        return lowest, high
    if average is not None:
        return lowest, average if low is None else max(average, low)
    return lowest, ANYTHING


def _inferred(low: Decimal | None, high: Decimal | None, average: Decimal | None, minima: list[Decimal], maxima: list[Decimal]) -> bool:
    """Whether a restriction holds on the word of the average alone."""
    if average is None:
        return False
    by_low = low is None and high != average and any(bound <= average for bound in minima)
    by_high = high is None and low != average and any(bound > max(average, low or average) for bound in maxima)
    return by_low or by_high


def _undecided(low: Decimal | None, high: Decimal | None, minima: list[Decimal], maxima: list[Decimal]) -> bool:
    """A minimum is decided without the lowest value if even the highest is below it; a maximum likewise."""
    return (low is None and any(high is None or bound <= high for bound in minima)) or (
        high is None and any(low is None or bound > low for bound in maxima)
    )
