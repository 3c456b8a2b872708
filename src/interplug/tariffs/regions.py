"""Under which conditions each component of a tariff is the price: exact, over all axes at once.

Every axis is cut at the bounds of the tariff, and an element is a box: on each axis the set of cells (a bit mask) where it applies.
What an earlier element takes is subtracted from the later one; subtracting a box from a box leaves at most one box an axis, so unions
are seen without enumerating combinations. Dates and weekdays are one axis, because a date range of two days has no Sunday in it by luck
only.

Power and current are points here: a restriction on them is judged for a session whose power does not change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.tariffs.compiled import Component, Element, Tariff
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, WEEKDAYS, Moment
from interplug.tariffs.zones import DAY, SECOND

Box = tuple[int, ...]
_EPOCH_DAY = date(1970, 1, 1).toordinal()


# Subtractions of boxes. A tariff made by people stays far below; one made to be slow is not analysed.
_MOST_WORK = 200_000
# Below every bound; its negative is above every one.
_UNKNOWN = Decimal("-Infinity")


class TooMany(Exception):
    """The regions of this tariff are too many to be told apart."""


class Cell(NamedTuple):
    """A representative of a stretch of one axis: how it changes a moment, and how one would say it."""

    change: dict[str, int | Decimal]
    said: str
    # Of the clock: the seconds that the stretch takes.
    length: int = 0


Axes = tuple[tuple[Cell, ...], ...]


@dataclass(slots=True, frozen=True)
class Bounds:
    """Where along its axes a tariff changes, or one of several."""

    clock_bounds: list[int]
    day_bounds: list[int]
    uses_day: bool
    kwh_bounds: list[Decimal]
    elapsed_bounds: list[int]
    min_power: list[Decimal]
    max_power: list[Decimal]
    min_current: list[Decimal]
    max_current: list[Decimal]

    @classmethod
    def of(cls, *tariffs: Tariff) -> "Bounds":
        def joined(name: str) -> list[Any]:
            return sorted({bound for tariff in tariffs for bound in getattr(tariff, name)})

        return cls(
            joined("clock_bounds"), joined("day_bounds"), any(tariff.uses_day for tariff in tariffs), joined("kwh_bounds"),
            joined("elapsed_bounds"), joined("min_power"), joined("max_power"), joined("min_current"), joined("max_current"),
        )  # fmt: skip


class Regions:
    """The boxes of a tariff. `left[phase][dimension]` is what no element prices."""

    def __init__(self, tariff: Tariff, axes: Axes | None = None) -> None:
        self.tariff = tariff
        self.axes: Axes = axes or steady_axes(Bounds.of(tariff))
        self.everything: Box = tuple((1 << len(axis)) - 1 for axis in self.axes)
        # Subtractions done so far.
        self.work = 0
        self.boxes = {element.number: self._box(element) for element in tariff.elements}

    def _box(self, element: Element) -> Box:
        """Each test looks at one axis only, so the cells of an axis can be asked one by one, all else being equal."""
        masks = []
        for axis in self.axes:
            names = _tests_of(axis)
            tests = [test for test in element.tests if test.name in names]
            masks.append(sum(1 << place for place, cell in enumerate(axis) if all(test.holds(_moment(cell)) for test in tests)))
        known = {name for axis in self.axes for name in _tests_of(axis)}
        never = any(test.name not in known for test in element.tests)
        return tuple(0 for _ in masks) if never else tuple(masks)

    def _without(self, left: list[Box], element: Element) -> list[Box]:
        self.work += len(left)
        if self.work > _MOST_WORK:
            raise TooMany
        return [rest for box in left for rest in subtract(box, self.boxes[element.number])]

    def impossible(self, element: Element) -> bool:
        return not all(self.boxes[element.number])

    def unreachable(self) -> Iterator[Component]:
        """Components that earlier elements, alone or together, leave nothing of."""
        for element in self.tariff.elements:
            if not self.impossible(element):
                yield from (component for component in element.components if not self._reached(element, component))

    def _reached(self, element: Element, component: Component) -> bool:
        phases = {SESSION: (SESSION,), RESERVATION: (RESERVATION, EXPIRED), EXPIRED: (EXPIRED,)}[element.phase]
        return any(self.remaining(phase, component.dimension, element) for phase in phases)

    def regions(self, phase: int, dimension: int) -> Iterator[tuple[Component | None, list[Box]]]:
        """Everything, divided by what prices it; None is what nothing prices."""
        for element in self.tariff.order(phase):
            for component in element.components:
                if component.dimension == dimension:
                    yield component, [box for box in self.remaining(phase, dimension, element) if all(box)]
        yield None, self.unpriced(phase, dimension)

    def remaining(self, phase: int, dimension: int, element: Element) -> list[Box]:
        """What of the box of the element is left by those before it."""
        left = [self.boxes[element.number]]
        for earlier in self.tariff.order(phase):
            if earlier is element:
                break
            if any(component.dimension == dimension for component in earlier.components):
                left = self._without(left, earlier)
        return left

    def unpriced(self, phase: int, dimension: int) -> list[Box]:
        left = [self.everything]
        for element in self.tariff.order(phase):
            if any(component.dimension == dimension for component in element.components):
                left = self._without(left, element)
        return left

    def example(self, box: Box) -> str:
        """A concrete session in the box, in words."""
        said = [axis[_lowest(mask)].said for axis, mask in zip(self.axes, box, strict=True)]
        return ", ".join(part for part in said if part) or "any session"

    def has_minute_from(self, boxes: Sequence[Box], second: int) -> bool:
        """Whether the minute that begins at this second of the day, and nothing beside it, is in one of the boxes."""
        clock = self.axes[1]
        places = [place for place, cell in enumerate(clock) if cell.change["second"] == second and cell.length == 60]
        return any(box[1] >> place & 1 for box in boxes for place in places)


def subtract(box: Box, taken: Box) -> list[Box]:
    """Disjoint boxes that together are `box` without `taken`."""
    common = tuple(mine & theirs for mine, theirs in zip(box, taken, strict=True))
    if not all(common):
        return [box]
    left = []
    for place, (mine, theirs) in enumerate(zip(box, taken, strict=True)):
        rest = mine & ~theirs
        if rest:
            left.append((*common[:place], rest, *box[place + 1 :]))
    return left


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _moment(cell: Cell) -> Moment:
    at = Moment()
    for name, value in cell.change.items():
        setattr(at, name, value)
    return at


_TESTS = {
    ("day",): ("start_date", "end_date", "day_of_week"),
    ("second",): ("start_time", "end_time", "start_time/end_time"),
    ("kwh",): ("min_kwh", "max_kwh"),
    ("elapsed",): ("min_duration", "max_duration"),
    ("low_power", "high_power"): ("min_power", "max_power"),
    ("low_power",): ("min_power",),
    ("high_power",): ("max_power",),
    ("low_current", "high_current"): ("min_current", "max_current"),
    ("low_current",): ("min_current",),
    ("high_current",): ("max_current",),
}


def _tests_of(axis: tuple[Cell, ...]) -> tuple[str, ...]:
    return _TESTS[tuple(axis[0].change)]


def _common(bounds: Bounds) -> Axes:
    return (
        tuple(_days(bounds)),
        tuple(_clock(bounds)),
        tuple(_amounts(bounds.kwh_bounds, ("kwh",), "kWh used")),
        tuple(_durations(bounds)),
    )


def steady_axes(bounds: Bounds) -> Axes:
    """Power and current that do not change."""
    return (
        *_common(bounds),
        tuple(_amounts([*bounds.min_power, *bounds.max_power], ("low_power", "high_power"), "kW")),
        tuple(_amounts([*bounds.min_current, *bounds.max_current], ("low_current", "high_current"), "A")),
    )


def ranging_axes(bounds: Bounds) -> Axes:
    """All that a period can be: ranges of power and current over a limit included, and those that nobody knows, which match nothing."""
    return (
        *_common(bounds),
        (Cell({"low_power": _UNKNOWN}, ""), *_amounts(bounds.min_power, ("low_power",), "kW")),
        (*_amounts(bounds.max_power, ("high_power",), "kW"), Cell({"high_power": -_UNKNOWN}, "")),
        (Cell({"low_current": _UNKNOWN}, ""), *_amounts(bounds.min_current, ("low_current",), "A")),
        (*_amounts(bounds.max_current, ("high_current",), "A"), Cell({"high_current": -_UNKNOWN}, "")),
    )


def _days(tariff: Bounds) -> Iterator[Cell]:
    bounds = tariff.day_bounds
    # Each stretch between two dates, by the weekdays that occur in it; before the first and after the last date all do.
    starts = [(bounds[0] - 7 if bounds else 4), *bounds]
    ends = [*bounds, starts[-1] + 7]
    for start, end in zip(starts, ends, strict=True):
        for day in range(start, min(end, start + 7)):
            weekday = WEEKDAYS[(day + 3) % 7].capitalize()
            said = f"{weekday} {date.fromordinal(_EPOCH_DAY + day)}" if bounds else weekday if tariff.uses_day else ""
            yield Cell({"day": day}, said)


def _clock(tariff: Bounds) -> Iterator[Cell]:
    bounds = sorted({0, *tariff.clock_bounds})
    for start, end in zip(bounds, [*bounds[1:], DAY], strict=True):
        yield Cell({"second": start}, f"{start // 3600:02}:{start // 60 % 60:02}" if len(bounds) > 1 else "", end - start)


def _amounts(bounds: Sequence[Decimal], names: tuple[str, ...], unit: str) -> Iterator[Cell]:
    for start in sorted({Decimal(0), *(bound for bound in bounds if bound > 0)}):
        yield Cell(dict.fromkeys(names, start), f"{start:f} {unit}" if bounds else "")


def _durations(tariff: Bounds) -> Iterator[Cell]:
    for start in sorted({0, *(bound for bound in tariff.elapsed_bounds if bound > 0)}):
        yield Cell({"elapsed": start}, f"after {start // SECOND} s" if tariff.elapsed_bounds else "")
