"""From meter samples to charging periods: how a CPO writes Sessions and CDRs that a partner can verify.

Between two samples energy and power run straight. A new period begins exactly where another price component becomes active (clock, date,
change of summer time, kWh, duration, power, current; CDRs, ChargingPeriod class) and where charging turns into parking or back. Power that
crosses a limit between samples starts a period at the crossing. So no period ever spans a price change, and pricing the periods gives
what pricing every second would.

Volumes have four decimals. Each is the difference of two rounded running sums, so that the periods sum to the meter to the last digit and a
period cut at 10 kWh ends at 10.0000.

`Cutter` takes one sample at a time, at a cost that does not grow with the session; its `course` is plain data and survives a restart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from interplug.model.types import format_time
from interplug.tariffs.compiled import Tariff
from interplug.tariffs.pieces import RANGE, Pair, Phase, Piece, Sample, between, cells_of, power_cell
from interplug.tariffs.power import ANYTHING, NOTHING
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, Moment
from interplug.tariffs.session import HOUR
from interplug.tariffs.spans import wall_cuts
from interplug.tariffs.zones import Clock, clock

_TIME_OF: dict[str, str] = {"charging": "TIME", "parked": "PARKING_TIME", "reserved": "RESERVATION_TIME"}
_VOLUME = Decimal("0.0001")


@dataclass(slots=True)
class Open:
    """The period that is running."""

    start: int
    phase: Phase
    key: tuple[Any, ...]
    # Where it began between the bounds of time and of energy.
    cells: tuple[list[int], int]
    low: Pair = (None, None)
    high: Pair = (None, None)


@dataclass(slots=True)
class Course:
    """All that a cutter knows: the periods closed, the running sums at the start of the open one, the last sample."""

    closed: list[dict[str, Any]] = field(default_factory=list)
    first_kwh: Decimal = ZERO
    reserved_from: int = 0
    began: int | None = None
    last: Sample | None = None
    energy: Decimal = ZERO
    hours: dict[str, Decimal] = field(default_factory=dict)
    # Rounded sums as far as they are written into closed periods.
    written: dict[str, Decimal] = field(default_factory=dict)
    open: Open | None = None


class Cutter:
    """See the head of this file. The tariff may be None: then only the phase divides a session."""

    def __init__(self, tariff: Tariff | None, timezone: str | None, *, course: Course | None = None) -> None:
        self.tariff = tariff
        self.course = course or Course()
        self._clock: Clock | None = clock(timezone) if timezone else None
        if tariff is not None and tariff.uses_clock and self._clock is None:
            raise ValueError(f"the tariff speaks of local time, and {timezone!r} is no time zone")

    def add(self, sample: Sample) -> None:
        course = self.course
        last = course.last
        if last is None:
            course.first_kwh = sample.kwh
            course.reserved_from = sample.us
        elif sample.us >= last.us:
            if sample.us > last.us or sample.kwh != last.kwh:
                times = self.time_bounds(last.us, sample.us, last.phase)
                for piece in between(self.tariff, course.first_kwh, last, sample, times):
                    self._extend(piece)
        else:
            raise ValueError("samples must not go back in time")
        if sample.phase != "reserved" and course.began is None:
            course.began = sample.us
        course.last = sample

    def documents(self) -> list[dict[str, Any]]:
        """The charging periods so far; the last one is still growing."""
        growing = self._document()
        return [*self.course.closed, growing] if growing is not None else list(self.course.closed)

    # --- inside

    def moment(self, us: int, kwh: Decimal, phase: Phase) -> Moment:
        course = self.course
        since = course.reserved_from if phase == "reserved" else course.began if course.began is not None else us
        at = Moment(kwh=kwh, elapsed=us - since)
        if self.tariff is not None and self.tariff.uses_clock and self._clock is not None:
            at.day, at.second = self._clock.local(us)
        return at

    def time_bounds(self, start: int, end: int, phase: Phase) -> set[int]:
        """Moments strictly inside at which clock, date or duration could change the price."""
        tariff = self.tariff
        if tariff is None:
            return set()
        begun = self.course.began if phase != "reserved" else self.course.reserved_from
        begun = start if begun is None else begun
        cuts = {begun + bound for bound in tariff.elapsed_bounds if start < begun + bound < end}
        if tariff.uses_clock and self._clock is not None:
            cuts |= wall_cuts(tariff, self._clock, start, end)
        return cuts

    def _extend(self, piece: Piece) -> None:
        course = self.course
        key, cells = self._key(piece)
        if course.open is None or course.open.key != key or _both_moved(course.open.cells, cells):
            self._close()
            course.open = Open(piece.start, piece.phase, key, cells, piece.low, piece.high)
        else:
            course.open.low = _least(course.open.low, piece.low)
            course.open.high = _most(course.open.high, piece.high)
        course.energy += piece.energy
        name = _TIME_OF[piece.phase]
        course.hours[name] = course.hours.get(name, ZERO) + Decimal(piece.end - piece.start) / HOUR

    def _key(self, piece: Piece) -> tuple[tuple[Any, ...], tuple[list[int], int]]:
        """Equal keys, same period. Power cells belong to it, for a range over a limit would match neither side."""
        tariff = self.tariff
        if tariff is None:
            return (piece.phase,), ([], 0)
        at = self.moment(piece.start, piece.kwh, piece.phase)
        # What no meter reads is unknown to the reader of the period as well, and matches nothing.
        at.low_power, at.low_current = (NOTHING if value is None else value for value in piece.low)
        at.high_power, at.high_current = (ANYTHING if value is None else value for value in piece.high)
        phases = (RESERVATION, EXPIRED) if piece.phase == "reserved" else (SESSION,)
        active = [component.path if component else "" for phase in phases for component in tariff.active(phase, at)]
        return (piece.phase, *active, *power_cell(tariff, at)), cells_of(tariff, at)

    def _close(self) -> None:
        document = self._document()
        if document is None:
            return
        self.course.closed.append(document)
        for dimension in document["dimensions"]:
            if dimension["type"] in ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"):
                name = dimension["type"]
                self.course.written[name] = self.course.written.get(name, ZERO) + dimension["volume"]

    def _document(self) -> dict[str, Any] | None:
        course = self.course
        if course.open is None:
            return None
        name = _TIME_OF[course.open.phase]
        energy = self._volume("ENERGY", course.energy)
        hours = self._volume(name, course.hours.get(name, ZERO))
        if not energy and not hours and course.closed:
            return None
        dimensions = [{"type": name, "volume": hours}]
        if energy or course.open.phase == "charging":
            dimensions.insert(0, {"type": "ENERGY", "volume": energy})
        dimensions += self._ranges(course.open)
        document: dict[str, Any] = {"start_date_time": format_time(course.open.start), "dimensions": dimensions}
        if self.tariff is not None and self.tariff.spelled_id:
            document["tariff_id"] = self.tariff.spelled_id
        return document

    def _volume(self, name: str, running: Decimal) -> Decimal:
        return running.quantize(_VOLUME) - self.course.written.get(name, ZERO)

    def _ranges(self, running: Open) -> list[dict[str, Any]]:
        tariff = self.tariff
        found = []
        for place, name, wanted in ((0, "POWER", tariff and tariff.uses_power), (1, "CURRENT", tariff and tariff.uses_current)):
            if wanted:
                for prefix, value in (("MIN", running.low[place]), ("MAX", running.high[place])):
                    if value is not None:
                        # Rounded down: up could lift it over a limit.
                        found.append({"type": f"{prefix}_{name}", "volume": value.quantize(RANGE, ROUND_FLOOR)})
        return found


def _both_moved(left: tuple[list[int], int], right: tuple[list[int], int]) -> bool:
    """A reader of the period cannot know which bound was passed first, and would have to allow for both orders."""
    return left[0] != right[0] and left[1] != right[1]


def cut(tariff: Tariff | None, samples: Iterable[Sample], timezone: str | None) -> list[dict[str, Any]]:
    """The charging periods of a whole session."""
    cutter = Cutter(tariff, timezone)
    for sample in samples:
        cutter.add(sample)
    return cutter.documents()


def _least(left: Pair, right: Pair) -> Pair:
    return _each(min, left, right)


def _most(left: Pair, right: Pair) -> Pair:
    return _each(max, left, right)


def _each(pick: Any, left: Pair, right: Pair) -> Pair:
    first, second = (b if a is None else a if b is None else pick(a, b) for a, b in zip(left, right, strict=True))
    return first, second
