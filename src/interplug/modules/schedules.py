"""Charging profiles as arithmetic: which limit holds when, the least of several, and what a station plans (15.5).

A profile is steps: from a moment on, at most so many watts; None: no limit. Unit W is the total power; unit A is the current of each
phase, unlike the currents of Tariffs, which are sums (CHP-027). Everything is rounded down to one decimal, so that no limit grows by
being said in another unit. This file knows no clock, no store and no station.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from interplug.model.power import phases_of, watts_of
from interplug.model.types import format_time, parse_time
from interplug.model.validate import Invalid

Document = dict[str, Any]
Step = tuple[int, Decimal | None]
"""Microseconds UTC, and the watts from then on."""

SECOND = 1_000_000
MOST_PERIODS = 1000
TENTH = Decimal("0.1")


class Plug(NamedTuple):
    """What a Connector can give at most, and how amperes become watts there."""

    watts: Decimal
    volts: Decimal
    phases: int

    def in_watts(self, limit: Any, unit: str) -> Decimal:
        return Decimal(limit) * (self.volts * self.phases if unit == "A" else 1)

    def said(self, watts: Decimal, unit: str) -> Decimal:
        """Watts in a unit, with the one decimal that a limit may have (CHP-026)."""
        return (watts / (self.volts * self.phases) if unit == "A" else watts).quantize(TENTH, ROUND_DOWN)


def plug_of(connector: Document) -> Plug:
    """max_voltage is that between line and neutral of an AC Connector (8.3.3)."""
    return Plug(Decimal(watts_of(connector)), Decimal(connector["max_voltage"]), phases_of(connector))


def check(profile: Document, path: str = "$.charging_profile") -> None:
    """What no type says of a profile that is to be set; raises `Invalid`."""
    periods = profile.get("charging_profile_period") or ()
    numbers = [(f"{path}.charging_profile_period[{place}].limit", period["limit"]) for place, period in enumerate(periods)]
    if profile.get("min_charging_rate") is not None:
        numbers.append((f"{path}.min_charging_rate", profile["min_charging_rate"]))
    for place, number in numbers:
        if number < 0:
            raise Invalid(place, "must be >= 0")
        if isinstance(number, Decimal) and _finer_than_a_tenth(number):
            raise Invalid(place, "has more than one decimal")
    if (profile.get("duration") or 0) < 0:
        raise Invalid(f"{path}.duration", "must be >= 0")
    if len(periods) > MOST_PERIODS:
        raise Invalid(f"{path}.charging_profile_period", f"more than {MOST_PERIODS} periods")
    starts = [period["start_period"] for period in periods]
    if starts and (starts[0] < 0 or any(later <= earlier for earlier, later in itertools.pairwise(starts))):
        raise Invalid(f"{path}.charging_profile_period", "the periods do not follow each other")


def _finer_than_a_tenth(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    return isinstance(exponent, int) and exponent < -1 and any(digits[exponent + 1 :])


def steps(profile: Document, begun: int, plug: Plug) -> list[Step]:
    """A profile as steps. Without start_date_time it counts from `begun`, without duration its last period goes on (CHP-028)."""
    start = parse_time(profile["start_date_time"]) if profile.get("start_date_time") else begun
    end = None if profile.get("duration") is None else start + profile["duration"] * SECOND
    found: list[Step] = []
    for period in profile.get("charging_profile_period") or ():
        at = start + period["start_period"] * SECOND
        if end is None or at < end:
            found.append((at, plug.in_watts(period["limit"], profile["charging_rate_unit"])))
    return [*found, (end, None)] if found and end is not None else found


def limit_at(one: Sequence[Step], moment: int) -> Decimal | None:
    """What a list of steps allows at a moment; None: whatever the plug gives."""
    place = bisect_right(one, moment, key=itemgetter(0))
    return one[place - 1][1] if place else None


def least(several: Iterable[Sequence[Step]]) -> list[Step]:
    """At each moment the least of what each allows: who sets a limit cannot widen another's (15.1)."""
    lists = [one for one in several if one]
    merged: list[Step] = []
    for moment in sorted({at for one in lists for at, _ in one}):
        held = [limit for one in lists if (limit := limit_at(one, moment)) is not None]
        watts = min(held) if held else None
        if not merged or merged[-1][1] != watts:
            merged.append((moment, watts))
    return merged


def periods(plan: Sequence[Step], plug: Plug, start: int, seconds: int, unit: str) -> list[Document]:
    """The limits of a window, from its start; where there is none, what the plug can give (CHP-024)."""
    found: list[Document] = []
    moments = [start, *(at for at, _ in plan if start < at < start + seconds * SECOND)]
    for moment in moments:
        limit = limit_at(plan, moment)
        said = plug.said(plug.watts if limit is None else min(limit, plug.watts), unit)
        if not found or found[-1]["limit"] != said:
            found.append({"start_period": (moment - start) // SECOND, "limit": said})
    return found


def active(plan: Sequence[Step], plug: Plug, start: int, seconds: int, unit: str) -> Document:
    """An ActiveChargingProfile: all its offsets count from its own start_date_time (CHP-029)."""
    profile = {
        "start_date_time": format_time(start),
        "duration": seconds,
        "charging_rate_unit": unit,
        "charging_profile_period": periods(plan, plug, start, seconds, unit),
    }
    return {"start_date_time": format_time(start), "charging_profile": profile}


def unit_of(profiles: Iterable[Document]) -> str:
    """The unit that all profiles share, so that who asks is answered in its own; W where they differ or there is none."""
    units = {profile["charging_rate_unit"] for profile in profiles}
    return units.pop() if len(units) == 1 else "W"
