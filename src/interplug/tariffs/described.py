"""A box of the region model in words: which stretches of each axis it takes, joined to what one would say.

Neighbouring stretches become one range, a window over midnight one window, and boxes that differ on one axis only become one box.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal

from interplug.tariffs.money import plain
from interplug.tariffs.phrases import Catalogue
from interplug.tariffs.regions import Box, Cell, Regions
from interplug.tariffs.restrictions import WEEKDAYS
from interplug.tariffs.zones import DAY, SECOND

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MOST = 64
_AMOUNTS = ("kwh", "elapsed", "power", "current")


def merged(boxes: Iterable[Box]) -> list[Box]:
    """As few boxes as greed finds; so many that nobody would read them stay as they are."""
    left = list(boxes)
    if len(left) > _MOST:
        return left
    while (pair := _joinable(left)) is not None:
        first, second = pair
        joined = tuple(a | b for a, b in zip(left[first], left[second], strict=True))
        left = [box for place, box in enumerate(left) if place not in pair]
        left.insert(first, joined)
    return left


def _joinable(boxes: list[Box]) -> tuple[int, int] | None:
    for first, one in enumerate(boxes):
        for second in range(first + 1, len(boxes)):
            if sum(a != b for a, b in zip(one, boxes[second], strict=True)) <= 1:
                return first, second
    return None


class Describer:
    """Says boxes of one tariff in one language."""

    def __init__(self, regions: Regions, phrases: Catalogue) -> None:
        self._regions = regions
        self._phrases = phrases

    def box(self, box: Box) -> str:
        """Empty for a box that is everything."""
        regions = self._regions
        said = []
        for place, (axis, mask) in enumerate(zip(regions.axes, box, strict=True)):
            if mask != regions.everything[place]:
                said.append(self._axis(place, axis, mask))
        return " ".join(said)

    def _axis(self, place: int, axis: tuple[Cell, ...], mask: int) -> str:
        if place == 0:
            return self._days(axis, mask)
        if place == 1:
            return self._clock(axis, mask)
        name = _AMOUNTS[place - 2]
        spell: Callable[[Decimal], str] = self.duration if name == "elapsed" else plain
        starts = [Decimal(next(iter(cell.change.values()))) / (SECOND if name == "elapsed" else 1) for cell in axis]
        return self._or(self._range(name, starts, first, last, spell) for first, last in _runs(mask, len(axis)))

    def _range(self, name: str, starts: list[Decimal], first: int, last: int, spell: Callable[[Decimal], str]) -> str:
        high = spell(starts[last + 1]) if last + 1 < len(starts) else None
        if high is None:
            return self._phrases[f"{name}_from"].format(low=spell(starts[first]))
        if first == 0:
            return self._phrases[f"{name}_below"].format(high=high)
        return self._phrases[f"{name}_between"].format(low=spell(starts[first]), high=high)

    def _clock(self, axis: tuple[Cell, ...], mask: int) -> str:
        starts = [int(cell.change["second"]) for cell in axis]
        runs = [(starts[first], starts[last + 1] if last + 1 < len(starts) else DAY) for first, last in _runs(mask, len(axis))]
        if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == DAY:
            # One window over midnight.
            runs = [*runs[1:-1], (runs[-1][0], runs[0][1])]
        return self._or(self._phrases["clock"].format(start=_time(start), end=_time(end)) for start, end in runs)

    def _days(self, axis: tuple[Cell, ...], mask: int) -> str:
        """Stretches between dates, each with the weekdays it takes; neighbours with the same weekdays are one stretch."""
        bounds = self._regions.tariff.day_bounds
        stretches: list[tuple[int, int, frozenset[int]]] = []
        for stretch in range(len(bounds) + 1):
            days = [
                (place, (int(cell.change["day"]) + 3) % 7)
                for place, cell in enumerate(axis)
                if bisect_right(bounds, int(cell.change["day"])) == stretch
            ]
            taken = frozenset(weekday for place, weekday in days if mask >> place & 1)
            if not taken:
                continue
            taken = frozenset(range(7)) if len(taken) == len(days) else taken
            if stretches and stretches[-1][1:] == (stretch - 1, taken):
                stretches[-1] = (stretches[-1][0], stretch, taken)
            else:
                stretches.append((stretch, stretch, taken))
        return self._or(self._stretch(bounds, *entry) for entry in stretches)

    def _stretch(self, bounds: list[int], first: int, last: int, weekdays: frozenset[int]) -> str:
        start = _date(bounds[first - 1]) if first > 0 else None
        end = _date(bounds[last]) if last < len(bounds) else None
        name = "dates" if start and end else "from_date" if start else "until_date" if end else ""
        said = [self._phrases[name].format(start=start, end=end)] if name else []
        return " ".join([*said, *([self._weekdays(weekdays)] if len(weekdays) < 7 else [])])

    def _weekdays(self, taken: frozenset[int]) -> str:
        if taken == frozenset(range(5)):
            return self._phrases["weekdays"]
        if taken == frozenset((5, 6)):
            return self._phrases["weekend"]
        mask = sum(1 << day for day in taken)
        said = []
        for first, last in _runs(mask, 7):
            names = [self._phrases[WEEKDAYS[day]] for day in range(first, last + 1)]
            said += names if len(names) < 3 else [self._phrases["to"].format(first=names[0], last=names[-1])]
        return self._phrases["days"].format(days=self._join(said, "and"))

    def duration(self, seconds: Decimal) -> str:
        hours, rest = divmod(seconds, 3600)
        minutes, left = divmod(rest, 60)
        parts = (("hours", hours), ("minutes", minutes), ("seconds", left))
        return " ".join(self._phrases[name].format(n=plain(n)) for name, n in parts if n) or self._phrases["seconds"].format(n=0)

    def _or(self, parts: Iterable[str]) -> str:
        return self._join(list(parts), "or")

    def _join(self, parts: list[str], word: str) -> str:
        return ", ".join(parts[:-1]) + f" {self._phrases[word]} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _runs(mask: int, length: int) -> Iterator[tuple[int, int]]:
    """First and last place of each run of ones."""
    first = None
    for place in range(length + 1):
        inside = place < length and mask >> place & 1
        if inside and first is None:
            first = place
        elif not inside and first is not None:
            yield first, place - 1
            first = None


def _time(second: int) -> str:
    spelled = f"{second // 3600:02}:{second // 60 % 60:02}"
    return f"{spelled}:{second % 60:02}" if second % 60 else spelled


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()
