"""From the charging profiles that hold for a Session to what a station is told: TxProfiles of OCPP (1.6 section 3.13, 2.x block K).

One profile is passed on as it is: Absolute where it has a start, else Relative, in its own unit, as long as the station can take that.
Several become one whose limit is the least at each moment; what has more periods than the station holds becomes several that follow
each other, each on a stack level of its own. All pure: no clock, no station.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from interplug.model.types import format_time, parse_time
from interplug.modules import schedules
from interplug.modules.schedules import SECOND, TENTH, Plug

Document = dict[str, Any]
FIRST_ID = 41_000
"""Of our profiles at a station, so that they meet none that somebody else has installed."""
STEP = 1_000


class Ability(NamedTuple):
    """What a station says of itself; `periods` 0: nothing."""

    units: frozenset[str] = frozenset("AW")
    periods: int = 0
    stack: int = 8


class Schedule(NamedTuple):
    """One profile at a station. `start` None: relative to the beginning of the transaction."""

    id: int
    stack: int
    unit: str
    periods: tuple[tuple[int, Decimal], ...]
    start: int | None = None
    duration: int | None = None
    least: Decimal | None = None


def ids(evse: int, count: int) -> list[int]:
    return [FIRST_ID + number * STEP + evse for number in range(count)]


def made(profiles: Sequence[Document], plug: Plug, begun: int, now: int, able: Ability, *, evse: int, stack: int) -> list[Schedule]:
    """None of them where the station cannot hold as many periods."""
    if len(profiles) == 1:
        whole = _as_it_is(profiles[0], plug, able)
    else:
        whole = _least(profiles, plug, begun, now, able)
    levels = [*range(min(stack, able.stack), -1, -1), *range(stack + 1, able.stack + 1)]
    parts = _parts(whole, begun, able.periods)
    if len(parts) > len(levels):
        return []
    return [part._replace(id=number, stack=level) for part, number, level in zip(parts, ids(evse, len(parts)), levels, strict=False)]


def _as_it_is(profile: Document, plug: Plug, able: Ability) -> Schedule:
    unit, wanted = profile["charging_rate_unit"], _unit(profile["charging_rate_unit"], able)

    def said(limit: Any) -> Decimal:
        return Decimal(limit) if unit == wanted else plug.said(plug.in_watts(limit, unit), wanted)

    periods = [(period["start_period"], said(period["limit"])) for period in profile["charging_profile_period"]]
    if periods[0][0] > 0:
        periods.insert(0, (0, plug.said(plug.watts, wanted)))
    least = profile.get("min_charging_rate")
    return Schedule(
        id=0,
        stack=0,
        unit=wanted,
        periods=tuple(periods),
        start=parse_time(profile["start_date_time"]) if profile.get("start_date_time") else None,
        duration=profile.get("duration"),
        least=None if least is None else said(least),
    )


def _least(profiles: Sequence[Document], plug: Plug, begun: int, now: int, able: Ability) -> Schedule:
    """From this second on."""
    start, unit = now // SECOND * SECOND, _unit(schedules.unit_of(profiles), able)
    steps = schedules.least(schedules.steps(profile, begun, plug) for profile in profiles)
    moments = [start, *(at for at, _ in steps if at > start)]
    limits = [schedules.limit_at(steps, moment) for moment in moments]
    periods = [
        ((moment - start) // SECOND, plug.said(plug.watts if limit is None else min(limit, plug.watts), unit))
        for moment, limit in zip(moments, limits, strict=True)
    ]
    return Schedule(0, 0, unit, tuple(periods), start)


def _unit(wanted: str, able: Ability) -> str:
    return wanted if wanted in able.units else next(iter(sorted(able.units)), wanted)


def _parts(whole: Schedule, begun: int, most: int) -> list[Schedule]:
    periods = whole.periods
    if not most or len(periods) <= most:
        return [whole]
    start, found = whole.start if whole.start is not None else begun, []
    for place in range(0, len(periods), most):
        first = periods[place][0]
        until = periods[place + most][0] if place + most < len(periods) else whole.duration
        part = tuple((at - first, limit) for at, limit in periods[place : place + most])
        found.append(whole._replace(start=start + first * SECOND, duration=None if until is None else max(0, until - first), periods=part))
    return found


def plan(told: Document | None, start: str | None, plug: Plug, now: int, seconds: int) -> Document:
    """The ActiveChargingProfile in a composite schedule; where the station names no limit, the plug's (CHP-024)."""
    listed = (told or {}).get("chargingSchedulePeriod") or ()
    if told is None or not listed:
        return schedules.active([], plug, now, seconds, "W")
    began = format_time(parse_time(start)) if start else format_time(now)
    return {
        "start_date_time": began,
        "charging_profile": {
            "start_date_time": began,
            "duration": told.get("duration") or seconds,
            "charging_rate_unit": told["chargingRateUnit"],
            "charging_profile_period": [
                {"start_period": one["startPeriod"], "limit": Decimal(str(one["limit"])).quantize(TENTH, ROUND_DOWN)} for one in listed
            ],
        },
    }
