"""How a car takes energy from a plug: pure functions of time, no clock and no state.

A car ramps up, holds what the plug or the car limits, and tapers as its battery fills; a full car draws nothing and
only stands there. Energy is the integral of the power in steps of a second of the car's own time, so that whoever asks late gets
the same kWh as whoever asks often. Floats are for physics; a meter rounds to whole watt-hours, and only its reading is money.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

RAMP = 12.0
"""Seconds from the first ampere to full power."""
TAPER_FROM = {"DC": 0.60, "AC": 0.95}
"""State of charge above which a car asks for less."""
TRICKLE = 0.04
"""Part of the limit that a car still takes just before it is full."""

FULL = 0.9999
PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Battery in watt-hours, and what the car takes at most in watts from either kind of plug."""

    battery: float
    most_ac: float = 11_000.0
    """From all three phases; a plug with fewer gives its part."""
    most_dc: float = 150_000.0

    def limit(self, power_type: str, plug: float) -> float:
        most = self.most_dc if power_type == "DC" else self.most_ac * PHASES.get(power_type, 3) / 3
        return min(plug, most)


@dataclass(frozen=True, slots=True)
class Charge:
    """A car at a plug: where its battery stands, and how long current has flowed (seconds)."""

    vehicle: Vehicle
    power_type: str
    plug: float
    soc: float
    """State of charge, 0 to 1."""
    elapsed: float = 0.0
    delivered: float = 0.0
    """Watt-hours."""

    @property
    def full(self) -> bool:
        return self.soc >= FULL


def power(charge: Charge, cap: float = inf) -> float:
    """Watts that flow at this moment, where the station allows `cap`."""
    return min(_power(charge, charge.soc, charge.elapsed), cap)


def _power(charge: Charge, soc: float, elapsed: float) -> float:
    if soc >= FULL:
        return 0.0
    limit = charge.vehicle.limit(charge.power_type, charge.plug)
    start = TAPER_FROM["DC" if charge.power_type == "DC" else "AC"]
    rest = min(1.0, (1.0 - soc) / (1.0 - start))
    ramp = min(1.0, (elapsed + 1.0) / RAMP)
    return limit * ramp * max(rest, TRICKLE)


def advance(charge: Charge, seconds: int, cap: float = inf) -> Charge:
    """The charge after so many whole seconds under one `cap`; it ends early where the battery is full."""
    if cap <= 0:
        return charge
    soc, elapsed, delivered = charge.soc, charge.elapsed, charge.delivered
    for _ in range(seconds):
        if soc >= FULL:
            break
        energy = min(min(_power(charge, soc, elapsed), cap) / 3600.0, (1.0 - soc) * charge.vehicle.battery)
        soc, elapsed, delivered = soc + energy / charge.vehicle.battery, elapsed + 1.0, delivered + energy
    return Charge(charge.vehicle, charge.power_type, charge.plug, soc, elapsed, delivered)


def meter(charge: Charge) -> int:
    """What the meter shows: whole watt-hours delivered."""
    return int(charge.delivered)
