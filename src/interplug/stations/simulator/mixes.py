"""Crowds by name: which stations there are and what happens at them, so that a CSMS meets a day in the city or on the motorway.

What a crowd is follows from its name, its size and its seed. Times are seconds of the stations' clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .plan import Connector, Evse, Plan, Point, Version

HOUR = 3600.0
AC_11, AC_22 = Connector("AC_3_PHASE", 11_000), Connector("AC_3_PHASE", 22_000)
HOME = Connector("AC_1_PHASE", 7_400)
DC_50, DC_150, DC_350 = Connector("DC", 50_000), Connector("DC", 150_000), Connector("DC", 350_000)
CHADEMO = Connector("DC", 50_000, "cG105")
POINTS: tuple[tuple[tuple[Point, ...], tuple[Point, ...]], ...] = (
    (("PowerPathClosed",), ("Authorized", "EVConnected")),
    (("EVConnected",), ("EVConnected",)),
    (("Authorized",), ("Authorized", "EVConnected")),
)
"""Where transactions of 2.x begin and end; the first is the most frequent."""


@dataclass(frozen=True)
class Habits:
    """What happens at the stations of a crowd; 0 is never."""

    gap: float = 0.0
    """Seconds between two cars at one EVSE, on average."""
    stay: tuple[float, float] = (12 * 60.0, 75 * 60.0)
    """Shortest and longest."""
    fault_every: float = 0.0
    """Seconds between two faults of one station, on average."""
    fault_lasts: float = 20 * 60.0
    drop_every: float = 0.0
    """Seconds between two losses of the line."""
    drop_lasts: float = 4 * 60.0

    @property
    def busy(self) -> float:
        """The part of the EVSEs at which a car usually stands."""
        return min(0.9, sum(self.stay) / 2 / self.gap) if self.gap else 0.0


@dataclass(frozen=True)
class Mix:
    text: str
    versions: tuple[tuple[Version, int], ...]
    """With how many of a hundred."""
    kinds: tuple[tuple[Evse, ...], ...]
    """What stands there, in turn by chance."""
    habits: Habits
    signed: int = 0
    """How many of a hundred have a meter that signs."""


def _each(*connectors: Connector) -> tuple[Evse, ...]:
    return tuple(Evse((one,)) for one in connectors)


MIXES: dict[str, Mix] = {
    "city": Mix(
        "Posts in the street and in garages: alternating current, two plugs each, most of them old.",
        (("1.6", 50), ("2.0.1", 40), ("2.1", 10)),
        (_each(AC_11, AC_11), _each(AC_22, AC_22), _each(AC_22, AC_11)),
        Habits(gap=6 * HOUR, stay=(40 * 60, 4 * HOUR), fault_every=120 * HOUR, drop_every=48 * HOUR),
        signed=20,
    ),
    "depot": Mix(
        "A yard of vans and lorries that come in the evening and stand for the night; lately built, hardly ever broken.",
        (("1.6", 10), ("2.0.1", 60), ("2.1", 30)),
        (_each(AC_22), _each(AC_22), _each(DC_50, DC_50), _each(DC_150)),
        Habits(gap=11 * HOUR, stay=(6 * HOUR, 10 * HOUR), fault_every=400 * HOUR, drop_every=200 * HOUR),
    ),
    "motorway": Mix(
        "Direct current of great power; short stays, one car after the other, meters that sign.",
        (("1.6", 15), ("2.0.1", 60), ("2.1", 25)),
        (_each(DC_150, DC_150), _each(DC_350, DC_350), (Evse((DC_50, CHADEMO)), Evse((AC_22,)))),
        Habits(gap=1.1 * HOUR, stay=(15 * 60, 40 * 60), fault_every=90 * HOUR, drop_every=72 * HOUR),
        signed=100,
    ),
    "homes": Mix(
        "Wall boxes of 1.6 behind poor lines: they are away often and tell everything afterwards.",
        (("1.6", 100),),
        (_each(HOME), _each(AC_11)),
        Habits(gap=20 * HOUR, stay=(5 * HOUR, 12 * HOUR), drop_every=6 * HOUR, drop_lasts=HOUR),
    ),
    "rough": Mix(
        "Everything that goes wrong goes wrong here every few minutes: faults, lost lines, short charges.",
        (("1.6", 40), ("2.0.1", 40), ("2.1", 20)),
        (_each(AC_11, AC_11), _each(DC_150), (Evse((DC_50, CHADEMO)),)),
        Habits(gap=20 * 60, stay=(3 * 60, 20 * 60), fault_every=HOUR, fault_lasts=5 * 60, drop_every=0.5 * HOUR, drop_lasts=90),
        signed=30,
    ),
    "lively": Mix(
        "A town in which much happens and nothing goes wrong: short stays, all versions. The demo's stations.",
        (("1.6", 40), ("2.0.1", 40), ("2.1", 20)),
        (_each(AC_11, AC_11), _each(AC_22, AC_22), _each(DC_150, DC_150)),
        Habits(gap=2.4 * HOUR, stay=(12 * 60, 75 * 60)),
    ),
    "still": Mix(
        "Stations that are connected and where nobody comes, but whom a CSMS or a test sends.",
        (("1.6", 40), ("2.0.1", 40), ("2.1", 20)),
        (_each(AC_22, AC_22),),
        Habits(),
    ),
}


def crowd(name: str, count: int, *, seed: int, prefix: str = "SIM") -> list[Plan]:
    """`count` stations of this mix, numbered from 1."""
    numbers = range(1, count + 1)
    return [_one(MIXES[name], f"{prefix}{number:05}", random.Random(f"{seed}/{name}/{number}")) for number in numbers]


def _one(mix: Mix, id: str, chance: random.Random) -> Plan:
    [version] = chance.choices([one for one, _ in mix.versions], [share for _, share in mix.versions])
    kinds = [one for one in mix.kinds if version != "1.6" or all(len(evse.connectors) == 1 for evse in one)] or list(mix.kinds)
    [(starts, stops)] = chance.choices(POINTS, (8, 1, 1)) if version != "1.6" else [POINTS[0]]
    return Plan(
        id=id,
        version=version,
        evses=chance.choice(kinds),
        signed=chance.randrange(100) < mix.signed,
        starts=starts,
        stops=stops,
        state_events=version == "2.1" and chance.random() < 0.5,
    )
