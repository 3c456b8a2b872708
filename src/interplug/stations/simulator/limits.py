"""Charging profiles in a station: which limit holds when, in watts, and what that makes of the time ahead.

Purposes, kinds and the order of stack levels are those of OCPP (1.6 section 3.13, 2.x block K); names are those of 2.x. The profile of a
transaction replaces the default one; the limits of the station and of its surroundings hold besides. All pure: no clock, no state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from .plan import Connector

SECOND = 1_000_000
DAY = 86_400 * SECOND
ROUNDS = {"Daily": DAY, "Weekly": 7 * DAY}
STATION, DEFAULT, TRANSACTION, OUTSIDE = (
    "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile", "ChargingStationExternalConstraints",
)  # fmt: skip
PURPOSES = (STATION, DEFAULT, TRANSACTION, OUTSIDE)
KINDS = ("Absolute", "Recurring", "Relative")
LEAST_AMPERES = 6.0
"""Of a phase: IEC 61851 knows no smaller current, a station that may give less gives none."""


@dataclass(frozen=True, slots=True)
class Period:
    start: int
    """Seconds since the schedule began."""
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    id: int
    evse: int
    """0: the whole station."""
    purpose: str
    stack: int
    kind: str
    unit: str
    periods: tuple[Period, ...]
    begins: int | None = None
    duration: int | None = None
    """Seconds."""
    round: int | None = None
    """After which a recurring schedule begins again."""
    valid_from: int = 0
    valid_to: int | None = None
    transaction: str | None = None
    document: dict[str, Any] = field(default_factory=dict, compare=False)
    """As it was received."""

    def began(self, at: int, since: int | None) -> int | None:
        """When the schedule that holds at `at` began; `since` is the beginning of the transaction. None: none holds."""
        if not self.valid_from <= at < (inf if self.valid_to is None else self.valid_to):
            return None
        if self.kind == "Relative":
            return since
        begins = self.valid_from if self.begins is None else self.begins
        if self.round is not None:
            return begins + (at - begins) // self.round * self.round if at >= begins else None
        return begins

    def period(self, at: int, since: int | None) -> Period | None:
        began = self.began(at, since)
        if began is None or at < began or (self.duration is not None and at >= began + self.duration * SECOND):
            return None
        found = [period for period in self.periods if began + period.start * SECOND <= at]
        return found[-1] if found else None

    def changes(self, at: int, since: int | None) -> Iterable[int]:
        """The moments after `at` at which it may say something else, as far as they are known now."""
        yield self.valid_from
        if self.valid_to is not None:
            yield self.valid_to
        began = self.began(max(at, self.valid_from), since)
        if began is None:
            if self.begins is not None:
                yield self.begins
            return
        yield from (began + period.start * SECOND for period in self.periods)
        if self.duration is not None:
            yield began + self.duration * SECOND
        if self.round is not None:
            yield began + self.round


def watts(period: Period, unit: str, plug: Connector) -> float:
    if unit == "W":
        return period.limit
    phases = 1 if plug.dc else min(period.phases or 3, plug.phases)
    return period.limit * plug.volts * phases


def _best(profiles: Iterable[Profile], purpose: str, at: int, since: int | None, plug: Connector) -> float:
    """The limit of the highest stack level that has one at this moment."""
    for profile in sorted(profiles, key=lambda one: (-one.stack, one.evse == 0)):
        if profile.purpose == purpose and (period := profile.period(at, since)) is not None:
            return watts(period, profile.unit, plug)
    return inf


def allowed(profiles: Iterable[Profile], at: int, plug: Connector, *, evse: int, transaction: str | None, since: int | None) -> float:
    """Watts that this EVSE may give, without regard to its neighbours' share of the station; infinite: no profile says anything."""
    here = [one for one in profiles if one.evse in (0, evse) and one.purpose in (DEFAULT, TRANSACTION)]
    own = [one for one in here if one.purpose == TRANSACTION and transaction is not None and one.transaction == transaction]
    limit = _best(own, TRANSACTION, at, since, plug)
    return limit if limit < inf else _best(here, DEFAULT, at, since, plug)


def shared(profiles: Iterable[Profile], at: int, plug: Connector) -> float:
    """Watts that the whole station may take."""
    return min(_best(profiles, STATION, at, None, plug), _best(profiles, OUTSIDE, at, None, plug))


def possible(cap: float, plug: Connector) -> float:
    """What a plug makes of a limit: alternating current flows from six amperes on."""
    least = 0.0 if plug.dc else LEAST_AMPERES * plug.volts * plug.phases
    return 0.0 if cap < least else cap


def next_change(profiles: Iterable[Profile], at: int, since: int | None) -> int | None:
    return min((moment for one in profiles for moment in one.changes(at, since) if moment > at), default=None)
