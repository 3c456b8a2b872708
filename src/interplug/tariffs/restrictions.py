"""When does an element apply? Each restriction of TariffRestrictions becomes a test on one moment of a session.

All tests of an element must hold at once. Minima are inclusive, maxima exclusive, clock and dates are those of the Location (2.2.1 and
2.3.0, TariffRestrictions class). A test is a comparison of one axis of the moment with a threshold; the thresholds of a tariff are kept
by axis, for between two neighbouring thresholds nothing can change. Power and current hold for a period only if they hold all through
it: a minimum is compared with the lowest, a maximum with the highest value of the period.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.tariffs.problems import Note, Problem, TariffError
from interplug.tariffs.read import number, text
from interplug.tariffs.zones import DAY, SECOND

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Moment:
    """Where a session stands: the wall clock, what it has used so far, and the power of the period that begins here."""

    day: int = 0
    second: int = 0
    kwh: Decimal = Decimal(0)
    elapsed: int = 0
    low_power: Decimal = Decimal(0)
    high_power: Decimal = Decimal(0)
    low_current: Decimal = Decimal(0)
    high_current: Decimal = Decimal(0)


class Test(NamedTuple):
    name: str
    holds: Callable[[Moment], bool]


@dataclass(slots=True)
class Thresholds:
    """Where along each axis a restriction of the tariff begins or ends."""

    clock: set[int] = field(default_factory=set)
    weekday: bool = False
    days: set[int] = field(default_factory=set)
    kwh: set[Decimal] = field(default_factory=set)
    elapsed: set[int] = field(default_factory=set)
    min_power: set[Decimal] = field(default_factory=set)
    max_power: set[Decimal] = field(default_factory=set)
    min_current: set[Decimal] = field(default_factory=set)
    max_current: set[Decimal] = field(default_factory=set)


# Phases of a session, and which of them an element prices.
SESSION, RESERVATION, EXPIRED = 0, 1, 2
_PHASES = {"RESERVATION": RESERVATION, "RESERVATION_EXPIRES": EXPIRED}
KNOWN = frozenset(
    [
        "start_time",
        "end_time",
        "start_date",
        "end_date",
        "min_kwh",
        "max_kwh",
        "min_current",
        "max_current",
        "min_power",
        "max_power",
        "min_duration",
        "max_duration",
        "day_of_week",
        "reservation",
    ]
)


def read_restrictions(document: dict[str, Any], path: str, thresholds: Thresholds, note: Note) -> tuple[int, tuple[Test, ...]]:
    """The phase that the element belongs to, and its tests."""
    tests: list[Test] = []
    phase = _phase(document, path, tests, note)
    _clock(document, path, thresholds, tests)
    _days(document, path, thresholds, tests, note)
    _amounts(document, path, thresholds, tests, note)
    for name in document:
        if name not in KNOWN and name != "booking" and document[name] is not None:
            note(Problem("unknown_field", f"{path}/{name}"))
    return phase, tuple(tests)


def _never(_: Moment) -> bool:
    return False


def _phase(document: dict[str, Any], path: str, tests: list[Test], note: Note) -> int:
    if document.get("booking") is not None:
        # Without its condition the element would price everything: it prices nothing instead (Bookings 1.1 is not priced here).
        tests.append(Test("booking", _never))
        note(Problem("restriction_not_supported", f"{path}/booking"))
    spelled = text(document.get("reservation"), f"{path}/reservation")
    if spelled is None:
        return SESSION
    phase = _PHASES.get(spelled.upper())
    if phase is None:
        tests.append(Test("reservation", _never))
        note(Problem("restriction_not_supported", f"{path}/reservation"))
    return RESERVATION if phase is None else phase


def _clock(document: dict[str, Any], path: str, thresholds: Thresholds, tests: list[Test]) -> None:
    start = read_clock(document.get("start_time"), f"{path}/start_time")
    end = read_clock(document.get("end_time"), f"{path}/end_time")
    # "To stop at end of the day use 00:00"; a window that ends where it starts is the whole day.
    end = DAY if end == 0 else end
    if (start or 0) % DAY == (DAY if end is None else end) % DAY:
        return
    # A bound that is not given is midnight.
    thresholds.clock.update(((start or 0), (end or 0) % DAY))
    if start is not None and end is not None and start > end:
        tests.append(Test("start_time/end_time", lambda at, start=start, end=end: at.second >= start or at.second < end))  # type: ignore[misc]
        return
    if start:
        tests.append(Test("start_time", lambda at, start=start: at.second >= start))  # type: ignore[misc]
    if end is not None and end < DAY:
        tests.append(Test("end_time", lambda at, end=end: at.second < end))  # type: ignore[misc]


def read_clock(value: Any, path: str) -> int | None:
    """Seconds since midnight. 9:00, 09:00:00 and 24:00 are no valid spellings but have one meaning only."""
    spelled = text(value, path)
    if spelled is None:
        return None
    parts = spelled.split(":")
    if len(parts) in (2, 3) and all(part.isascii() and part.isdigit() and len(part) <= 2 for part in parts):
        hours, minutes, seconds = [int(part) for part in [*parts, "0"][:3]]
        if minutes < 60 and seconds < 60 and (total := hours * 3600 + minutes * 60 + seconds) <= DAY:
            return total
    raise TariffError("invalid_field", f"{path} is not a time of day", path)


def read_day(value: Any, path: str) -> int | None:
    """Days since 1970-01-01."""
    spelled = text(value, path)
    if spelled is None:
        return None
    try:
        return date.fromisoformat(spelled).toordinal() - _EPOCH_DAY
    except ValueError:
        raise TariffError("invalid_field", f"{path} is not a date", path) from None


def _days(document: dict[str, Any], path: str, thresholds: Thresholds, tests: list[Test], note: Note) -> None:
    first = read_day(document.get("start_date"), f"{path}/start_date")
    if first is not None:
        thresholds.days.add(first)
        tests.append(Test("start_date", lambda at: at.day >= first))
    last = read_day(document.get("end_date"), f"{path}/end_date")
    if last is not None:
        thresholds.days.add(last)
        tests.append(Test("end_date", lambda at: at.day < last))
    allowed = read_weekdays(document.get("day_of_week"), f"{path}/day_of_week", note)
    if allowed is not None and len(allowed) < 7:
        thresholds.weekday = True
        # 1970-01-01 was a Thursday.
        tests.append(Test("day_of_week", lambda at: (at.day + 3) % 7 in allowed))


def read_weekdays(value: Any, path: str, note: Note) -> frozenset[int] | None:
    """Monday is 0. An absent or empty list sets no limit; a list that names no day at all never holds."""
    if value is None or value == []:
        return None
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise TariffError("invalid_field", f"{path} is not a list", path)
    names = [name.upper() if isinstance(name, str) else "" for name in listed]
    for index, name in enumerate(names):
        if name not in WEEKDAYS:
            note(Problem("unknown_value", f"{path}/{index}"))
    return frozenset(WEEKDAYS.index(name) for name in names if name in WEEKDAYS)


def _amounts(document: dict[str, Any], path: str, thresholds: Thresholds, tests: list[Test], note: Note) -> None:
    for name, make in _AMOUNTS.items():
        if name in document:
            bound = number(document[name], f"{path}/{name}", note)
            if bound is not None:
                tests.append(Test(name, make(bound, thresholds)))


def _min_kwh(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.kwh.add(bound)
    return lambda at: at.kwh >= bound


def _max_kwh(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.kwh.add(bound)
    return lambda at: at.kwh < bound


def _min_duration(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    us = int(bound * SECOND)
    thresholds.elapsed.add(us)
    return lambda at: at.elapsed >= us


def _max_duration(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    us = int(bound * SECOND)
    thresholds.elapsed.add(us)
    return lambda at: at.elapsed < us


def _min_power(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.min_power.add(bound)
    return lambda at: at.low_power >= bound


def _max_power(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.max_power.add(bound)
    return lambda at: at.high_power < bound


def _min_current(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.min_current.add(bound)
    return lambda at: at.low_current >= bound


def _max_current(bound: Decimal, thresholds: Thresholds) -> Callable[[Moment], bool]:
    thresholds.max_current.add(bound)
    return lambda at: at.high_current < bound


_AMOUNTS: dict[str, Callable[[Decimal, Thresholds], Callable[[Moment], bool]]] = {
    "min_kwh": _min_kwh,
    "max_kwh": _max_kwh,
    "min_duration": _min_duration,
    "max_duration": _max_duration,
    "min_power": _min_power,
    "max_power": _max_power,
    "min_current": _min_current,
    "max_current": _max_current,
}
