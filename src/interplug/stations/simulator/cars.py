"""Cars that come: a small, a middle or a large one, more or less empty."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .physics import Vehicle

CARS = ((36_000.0, 7_400.0, 50_000.0), (58_000.0, 11_000.0, 120_000.0), (77_000.0, 11_000.0, 170_000.0), (95_000.0, 22_000.0, 270_000.0))
"""Battery in Wh, most watts from AC, most from DC."""


@dataclass(slots=True)
class Car:
    vehicle: Vehicle
    soc: float
    """State of charge, 0 to 1."""
    leaves_at: int = 0
    """When its driver drives away; 0: when told to."""


def some_car(chance: random.Random) -> Car:
    battery, most_ac, most_dc = chance.choice(CARS)
    return Car(Vehicle(battery, most_ac, most_dc), chance.uniform(0.1, 0.55))
