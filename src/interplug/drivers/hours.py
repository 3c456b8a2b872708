"""Whether a Location is open at a moment, and whether one can charge then (8.4.14, 8.4.17, 8.4.25).

Regular hours are the Location's wall clock; exceptional periods are in UTC. A closing overrides everything, an opening adds to the
regular hours. A Location that says nothing about its hours is taken to be open, and one can charge at a closed one unless it
says otherwise (`charging_when_closed`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from interplug.model.types import parse_time

Document = dict[str, Any]


def is_open(location: Document, moment: int) -> bool:
    """Whether it is open at `moment` (microseconds UTC)."""
    hours = location.get("opening_times")
    if hours is None:
        return True
    if _within(hours.get("exceptional_closings"), moment):
        return False
    return bool(hours.get("twentyfourseven")) or _within(hours.get("exceptional_openings"), moment) or _regular(location, hours, moment)


def can_charge(location: Document, moment: int) -> bool:
    """Whether a car that stands there can charge at `moment`."""
    return location.get("charging_when_closed", True) is not False or is_open(location, moment)


def week(location: Document) -> list[list[tuple[str, str]]]:
    """From when to when it is open on each day of the week, Monday first; empty where it says nothing of that."""
    hours = location.get("opening_times") or {}
    regular = hours.get("regular_hours") or ()
    if hours.get("twentyfourseven") or not regular:
        return []
    days: list[list[tuple[str, str]]] = [[] for _ in range(7)]
    for one in regular:
        if 1 <= one["weekday"] <= 7:
            days[one["weekday"] - 1].append((one["period_begin"], one["period_end"]))
    return [sorted(day) for day in days]


def exceptions(location: Document, moment: int) -> list[tuple[bool, int, int]]:
    """What is different from the week, and not over: whether it opens or closes, from when, until when."""
    hours = location.get("opening_times") or {}
    found = [
        (opens, parse_time(one["period_begin"]), parse_time(one["period_end"]))
        for opens, name in ((True, "exceptional_openings"), (False, "exceptional_closings"))
        for one in hours.get(name) or ()
    ]
    return sorted((one for one in found if one[2] > moment), key=lambda one: one[1])


def _within(periods: list[Document] | None, moment: int) -> bool:
    return any(parse_time(one["period_begin"]) <= moment < parse_time(one["period_end"]) for one in periods or ())


def _regular(location: Document, hours: Document, moment: int) -> bool:
    try:
        zone = ZoneInfo(location.get("time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return True
    local = datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(zone)
    clock, weekday = local.strftime("%H:%M"), local.isoweekday()
    return any(
        one["weekday"] == weekday and one["period_begin"] <= clock < ("24:00" if one["period_end"] == "00:00" else one["period_end"])
        for one in hours.get("regular_hours") or ()
    )
