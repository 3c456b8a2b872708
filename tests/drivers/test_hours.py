"""Open or closed, at a moment, on the Location's clock."""

from typing import Any

import pytest

from interplug.drivers.hours import can_charge, is_open
from interplug.model.types import parse_time

WEEKDAYS = [{"weekday": day, "period_begin": "08:00", "period_end": "18:00"} for day in range(1, 6)]


def open_at(moment: str, **hours: Any) -> bool:
    location = {"time_zone": "Europe/Amsterdam", "opening_times": {"twentyfourseven": False, "regular_hours": WEEKDAYS, **hours}}
    return is_open(location, parse_time(moment))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # Monday 15 January 2024: Amsterdam is an hour ahead of UTC.
        ("2024-01-15T07:00:00Z", True),
        ("2024-01-15T06:59:59Z", False),
        ("2024-01-15T16:59:59Z", True),
        ("2024-01-15T17:00:00Z", False),
        # In July it is two hours ahead.
        ("2024-07-15T06:00:00Z", True),
        ("2024-07-15T16:30:00Z", False),
        ("2024-01-14T12:00:00Z", False),
    ],
)
def test_regular_hours_are_the_wall_clock_of_the_location(moment: str, expected: bool) -> None:
    assert open_at(moment) is expected


SUNDAY = [{"weekday": 7, "period_begin": "02:30", "period_end": "04:00"}]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # 25 October 2026: half past two comes twice, at 00:30 and at 01:30 UTC.
        ("2026-10-25T00:29:59Z", False),
        ("2026-10-25T00:30:00Z", True),
        ("2026-10-25T01:00:00Z", False),
        ("2026-10-25T01:30:00Z", True),
        ("2026-10-25T03:00:00Z", False),
        # 29 March 2026: it does not come at all; at 01:00 UTC it is three.
        ("2026-03-29T00:59:59Z", False),
        ("2026-03-29T01:00:00Z", True),
        ("2026-03-29T02:00:00Z", False),
    ],
)
def test_regular_hours_in_the_nights_in_which_clocks_are_changed(moment: str, expected: bool) -> None:
    assert open_at(moment, regular_hours=SUNDAY) is expected


@pytest.mark.req("LOC-058", "LOC-060")
def test_a_closing_overrides_everything_and_an_opening_adds() -> None:
    closed = {"exceptional_closings": [{"period_begin": "2024-01-15T09:00:00Z", "period_end": "2024-01-15T10:00:00Z"}]}
    opened = {"exceptional_openings": [{"period_begin": "2024-01-14T09:00:00Z", "period_end": "2024-01-15T12:00:00Z"}]}
    # In UTC, not on the wall clock: at 08:30 UTC the closing has not begun.
    assert open_at("2024-01-15T08:30:00Z", **closed)
    assert not open_at("2024-01-15T09:30:00Z", **closed)
    assert not open_at("2024-01-15T09:30:00Z", **closed, **opened)
    assert open_at("2024-01-14T12:00:00Z", **opened)
    assert open_at("2024-01-15T12:30:00Z", **opened)


def test_round_the_clock_is_always_open_but_for_closings() -> None:
    closing = [{"period_begin": "2024-01-15T09:00:00Z", "period_end": "2024-01-15T10:00:00Z"}]
    assert open_at("2024-01-14T03:00:00Z", twentyfourseven=True, regular_hours=None)
    assert not open_at("2024-01-15T09:30:00Z", twentyfourseven=True, regular_hours=None, exceptional_closings=closing)


@pytest.mark.req("LOC-039")
def test_one_can_charge_at_a_closed_location_unless_it_says_otherwise() -> None:
    night = parse_time("2024-01-15T03:00:00Z")
    closed = {"time_zone": "Europe/Amsterdam", "opening_times": {"twentyfourseven": False, "regular_hours": WEEKDAYS}}
    assert can_charge(closed, night)
    assert not can_charge({**closed, "charging_when_closed": False}, night)
    assert can_charge({**closed, "charging_when_closed": False}, parse_time("2024-01-15T10:00:00Z"))
