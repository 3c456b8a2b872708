"""Whether two spellings of a tariff give every session the same price: a proof by regions, not by samples.

Both are laid over the bounds of the two; then every cell must have the same price, step and tax in both, in each phase and dimension, and
what stands beside the elements must be equal, too. Ranges of power and current over a limit are cells of their own here. What cannot be
proven in bounded work counts as different.
"""

from typing import Any

from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Component, Tariff
from interplug.tariffs.regions import Axes, Bounds, Box, Regions, TooMany, ranging_axes
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION

_MOST_PAIRS = 200_000
_PHASES = (SESSION, RESERVATION, EXPIRED)
_DIMENSIONS = (ENERGY, TIME, PARKING, FLAT)
_HEAD = (
    "id", "currency", "start", "end", "min_price", "max_price", "tax_included", "unknown_tax", "single_rate", "prices", "power_kinds",
    "current_kinds", "version",
)  # fmt: skip


def same_prices(one: Tariff, other: Tariff) -> bool:
    """False also where it could not be proven in bounded work."""
    if any(getattr(one, name) != getattr(other, name) for name in _HEAD):
        return False
    axes = ranging_axes(Bounds.of(one, other))
    try:
        left, right = _Priced(one, axes), _Priced(other, axes)
        return all(left.agrees(right, phase, dimension) for phase in _PHASES for dimension in _DIMENSIONS)
    except TooMany:
        return False


def proof_work(tariff: Tariff) -> int:
    """About how much work a proof about this tariff is; raises `TooMany` where it is too much."""
    priced = _Priced(tariff, ranging_axes(Bounds.of(tariff)))
    sizes = [len(priced.boxes(phase, dimension)) for phase in _PHASES for dimension in _DIMENSIONS]
    return priced.work + sum(size * size for size in sizes)


class _Priced:
    def __init__(self, tariff: Tariff, axes: Axes) -> None:
        self._regions = Regions(tariff, axes)

    @property
    def work(self) -> int:
        return self._regions.work

    def boxes(self, phase: int, dimension: int) -> list[tuple[Box, Any]]:
        found = self._regions.regions(phase, dimension)
        return [(box, _signature(component)) for component, boxes in found for box in boxes]

    def agrees(self, other: "_Priced", phase: int, dimension: int) -> bool:
        mine, theirs = self.boxes(phase, dimension), other.boxes(phase, dimension)
        if len(mine) * len(theirs) > _MOST_PAIRS:
            raise TooMany
        return all(
            signature == their_signature or not all(a & b for a, b in zip(box, their_box, strict=True))
            for box, signature in mine
            for their_box, their_signature in theirs
        )


def _signature(component: Component | None) -> Any:
    if component is None:
        return None
    return component.price, component.tax, None if component.dimension == FLAT else component.step
