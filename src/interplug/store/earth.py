"""Places on the earth as whole numbers: the square that web maps show, 2 ** WORLD on each side, from the north-west.

So a cell of the map is a number shifted, near is a small difference, and both databases compare without functions of their own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

WORLD = 28
"""15 centimetres at the equator."""
BAND = WORLD - 13
"""Places are looked up by bands from west to east, 3 km high in the middle of Europe."""
CELL = 3
"""A tile of the map, 512 points wide, has eight cells on a side."""
LEVELS = range(3, 13)
SIDE = 1 << WORLD
EQUATOR = 40_075_016.686
FARTHEST = 85.05


class Box(NamedTuple):
    """From west to east and from north to south."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def centre(self) -> tuple[int, int]:
        return (self.x0 + self.x1) // 2, (self.y0 + self.y1) // 2

    def within(self, other: Box) -> Box:
        return Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))


def point(longitude: float, latitude: float) -> tuple[int, int]:
    lat = math.radians(max(-FARTHEST, min(FARTHEST, latitude)))
    x = (max(-180.0, min(180.0, longitude)) + 180) / 360
    y = (1 - math.asinh(math.tan(lat)) / math.pi) / 2
    return min(SIDE - 1, int(x * SIDE)), min(SIDE - 1, int(y * SIDE))


def degrees(x: int, y: int) -> tuple[float, float]:
    """Longitude and latitude, to about a metre."""
    return round(x / SIDE * 360 - 180, 5), round(math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / SIDE)))), 5)


def metres(y: int) -> float:
    """How many there are to a step at this height of the map."""
    return EQUATOR / SIDE / math.cosh(math.pi * (1 - 2 * y / SIDE))


def around(x: int, y: int, reach: float) -> Box:
    """So many metres to each side."""
    steps = int(reach / metres(y))
    return Box(max(0, x - steps), max(0, y - steps), min(SIDE - 1, x + steps), min(SIDE - 1, y + steps))
