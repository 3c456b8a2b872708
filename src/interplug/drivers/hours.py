"""Whether a Location is open at a moment, and whether one can charge then (8.4.14, 8.4.17, 8.4.25).

Regular hours are the Location's wall clock; exceptional periods are in UTC. A closing overrides everything, an opening adds to the
regular hours. A Location that says nothing about its hours is taken to be open, and one can charge at a closed one unless it
says otherwise (`charging_when_closed`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from interplug.model.said import said
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


def in_words(location: Document, moment: int) -> str:
    """For a driver who stands before it, or wants to; empty where the Location says nothing about its hours."""
    hours = location.get("opening_times")
    if hours is None:
        return ""
    if is_open(location, moment):
        return said("Open day and night") if hours.get("twentyfourseven") and not hours.get("exceptional_closings") else said("Open now")
    return said("Closed now, but one can charge") if can_charge(location, moment) else said("Closed now")


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
