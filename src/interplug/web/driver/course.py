"""The course of a drive as a curve and as a table: power over time, and how much had been charged by then.

Where an operator tells no power it follows from the energy between two readings; then it is the mean of that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interplug.store.drivers import Reading

HOUR = Decimal(3_600_000_000)
ROWS = 12
"""Rows of the table: a curve of hours is not read out minute by minute."""
MOST = 600
"""Points of the curve."""


@dataclass(slots=True, frozen=True)
class Point:
    at: int
    kwh: Decimal
    kw: Decimal | None
    soc: Decimal | None


def course(readings: Sequence[Reading]) -> list[Point]:
    found: list[Point] = []
    for place, one in enumerate(readings):
        kw = one.power
        if kw is None and place:
            before = readings[place - 1]
            kw = max(Decimal(), (one.kwh - before.kwh) * HOUR / (one.at - before.at)).quantize(Decimal("0.01"))
        found.append(Point(one.at, one.kwh, kw, one.soc))
    return found


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """So many at most, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(place * step)] for place in range(most)]


def document(points: Sequence[Point]) -> dict[str, Any]:
    """As the chart takes it: a list for each of its lines. Times are in seconds of Unix."""
    few = thinned(points, MOST)
    return {
        "at": [one.at // 1_000_000 for one in few],
        "kw": [one.kw for one in few],
        "kwh": [one.kwh for one in few],
        "soc": [one.soc for one in few],
    }
