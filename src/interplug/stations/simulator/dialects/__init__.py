"""The three dialects of a simulated station, and what builds a station that speaks its own."""

from __future__ import annotations

from collections.abc import Callable

from interplug.stations.simulator.machine import Dialect
from interplug.stations.simulator.plan import Plan
from interplug.stations.simulator.station import Station

from .v16 import V16
from .v21 import V21
from .v201 import V201

SPOKEN: dict[str, Callable[[Station], Dialect]] = {"1.6": V16, "2.0.1": V201, "2.1": V21}


def build(plan: Plan, clock: Callable[[], int], seed: str = "", *, arrives: float | None = None, leaves: float | None = None) -> Station:
    return Station(plan, clock, SPOKEN[plan.version], seed, arrives=arrives, leaves=leaves)
