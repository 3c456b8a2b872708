"""Figures by hand: the clock (D), its two nights (DST), the zone (Z), power (W) and duration (U)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.tariffs.build import cdr, element, period, tariff
from tests.tariffs.by_hand import Row, check, energy, hour, parking, row, time

SPANS = "period_spans_price_change"
INFERRED = "timezone_inferred"
LINEAR = {"split": "linear"}
FRIDAY_NIGHT = {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["FRIDAY"]}


def at(what: str, restrictions: dict[str, Any], start: str, cost: str, **more: Any) -> Any:
    """1 kWh in an hour that begins at `start`: 1 where the restrictions hold, 10 where they do not."""
    session = hour(period(0, start=start, ENERGY=1), start=start)
    return row(what, tariff(element(energy(1), **restrictions), element(energy(10))), session, cost, **more)


def by_night(what: str, restrictions: dict[str, Any], start: str, hours: Any, cost: str, **more: Any) -> Any:
    """An hour costs 1 where the restrictions hold, 10 where they do not."""
    priced = tariff(element(time(1, 60), **restrictions), element(time(10, 60)))
    return row(what, priced, cdr(int(hours * 60), period(0, start=start, TIME=hours), start=start), cost, **more)


WINDOWS = [
    at("D2 start = end is the whole day", {"start_time": "08:00", "end_time": "08:00"}, "2024-01-15T03:10:00Z", "1", silent=SPANS),
    at("D2 00:00 to 00:00", {"start_time": "00:00", "end_time": "00:00"}, "2024-01-15T22:30:00Z", "1", silent=SPANS),
    at("D2 00:00 to 24:00", {"start_time": "00:00", "end_time": "24:00"}, "2024-01-15T22:30:00Z", "1", silent=SPANS),
    at("D2 22:00 to 00:00", {"start_time": "22:00", "end_time": "00:00"}, "2024-01-15T22:00:00Z", "1", silent=SPANS),
    at("D2 after it", {"start_time": "22:00", "end_time": "00:00"}, "2024-01-15T23:00:00Z", "10"),
    at("D2 from 22:00", {"start_time": "22:00"}, "2024-01-15T21:30:00Z", "1"),
    at("D2 before it", {"start_time": "22:00"}, "2024-01-15T18:30:00Z", "10"),
    at("D2 after midnight", {"start_time": "22:00"}, "2024-01-15T23:30:00Z", "10"),
    at("D2 until 06:00", {"end_time": "06:00"}, "2024-01-15T03:30:00Z", "1"),
    at("D2 at 06:00", {"end_time": "06:00"}, "2024-01-15T05:00:00Z", "10"),
    at("D3 Friday at 23:00", FRIDAY_NIGHT, "2024-01-19T22:00:00Z", "1"),
    at("D3 Saturday at 02:00", FRIDAY_NIGHT, "2024-01-20T01:00:00Z", "10"),
    at("D3 Friday at 02:00", FRIDAY_NIGHT, "2024-01-19T01:00:00Z", "1"),
    at("D1 an empty list of days", {"day_of_week": []}, "2024-01-19T01:00:00Z", "1"),
    at("D1 start_date begins at local midnight", {"start_date": "2024-01-16"}, "2024-01-15T23:00:00Z", "1"),
    at("D1 end_date ends there", {"end_date": "2024-01-16"}, "2024-01-15T23:00:00Z", "10"),
    at("D1 the leap day", {"start_date": "2024-02-29", "end_date": "2024-03-01"}, "2024-02-29T12:00:00Z", "1"),
    at("D1 summer time", {"start_time": "12:00", "end_time": "13:00"}, "2024-07-15T10:00:00Z", "1"),
    at("D1 a second before the end", {"start_time": "08:00", "end_time": "17:00"}, "2024-01-15T15:59:59Z", "1", said=SPANS),
    at("D1 at the end", {"start_time": "08:00", "end_time": "17:00"}, "2024-01-15T16:00:00Z", "10", silent=SPANS),
    at("D1 parts of a second", {"start_time": "08:00", "end_time": "17:00"}, "2024-01-15T15:59:59.999Z", "1"),
    at("D1 a time with an offset", {"start_time": "19:00", "end_time": "20:00"}, "2024-01-15T20:30:00+02:00", "1"),
]
HALF = Decimal("0.5")
FROM_2_TO_3 = {"start_time": "02:00", "end_time": "03:00"}
HALF_PAST = {"start_time": "02:30", "end_time": "03:30"}
NIGHTS = [
    by_night("spring: the hour that does not exist", FROM_2_TO_3, "2024-03-31T00:30:00Z", 1, "10", silent=SPANS),
    by_night("spring: a window that begins in it", HALF_PAST, "2024-03-31T01:00:00Z", HALF, "0.5", silent=SPANS),
    by_night("spring: the half hour before", HALF_PAST, "2024-03-31T00:30:00Z", HALF, "5", silent=SPANS),
    by_night("spring: a Sunday of 23 hours", {"day_of_week": ["SUNDAY"]}, "2024-03-30T23:00:00Z", 23, "23", silent=SPANS),
    by_night("spring: a night of 7 hours", {"start_time": "22:00", "end_time": "06:00"}, "2024-03-30T20:00:00Z", 9, "27", options=LINEAR),
    by_night("autumn: the first 02:30", HALF_PAST, "2024-10-27T00:30:00Z", HALF, "0.5", silent=SPANS),
    by_night("autumn: the second 02:00", HALF_PAST, "2024-10-27T01:00:00Z", HALF, "5", silent=SPANS),
    by_night("autumn: the second 02:30", HALF_PAST, "2024-10-27T01:30:00Z", 1, "1", silent=SPANS),
    by_night("autumn: all of it", HALF_PAST, "2024-10-27T00:30:00Z", 2, "2", said=SPANS),
    by_night("autumn: all of it, divided", HALF_PAST, "2024-10-27T00:30:00Z", 2, "6.5", options=LINEAR),
    by_night("autumn: a Sunday of 25 hours", {"day_of_week": ["SUNDAY"]}, "2024-10-26T22:00:00Z", 25, "25", silent=SPANS),
]
DAY = tariff(element(energy("0.3"), start_time="08:00", end_time="20:00"), element(energy("0.1")))
TEN = period(0, ENERGY=10)
DAYBREAK = "2024-01-15T01:00:00Z"
SUNDAY_OR_MONDAY = hour(period(0, start=DAYBREAK, ENERGY=1), start=DAYBREAK, cdr_location={"country": "USA"})


def somewhere(what: str, document: Any, location: dict[str, Any] | None, cost: str, zone: str | None = None, **more: Any) -> Any:
    return row(what, document, hour(TEN, **({"cdr_location": location} if location else {})), cost, zone=zone, **more)


USA = {"country": "USA"}
ZONES = [
    somewhere("the Location's", DAY, {"country": "USA", "time_zone": "America/New_York"}, "1"),
    somewhere("the one given before it", DAY, {"country": "NLD", "time_zone": "Europe/Amsterdam"}, "1", zone="America/New_York"),
    somewhere("a country's", DAY, {"country": "BEL"}, "3", said=INFERRED),
    somewhere("a country of two letters", DAY, {"country": "NL"}, "3", said=INFERRED),
    somewhere("two zones, one clock", DAY, {"country": "DEU"}, "3", said=INFERRED),
    somewhere("a wrong zone, but a country", DAY, {"country": "BEL", "time_zone": "CET+1"}, "3", said="timezone_unknown timezone_inferred"),
    somewhere("many clocks", DAY, USA, "timezone_required"),
    somewhere("nowhere", DAY, None, "timezone_required"),
    somewhere("no such zone", DAY, None, "timezone_required", zone="Mars/Olympus"),
    row("a day that differs", tariff(element(energy(1), day_of_week=["MONDAY"])), SUNDAY_OR_MONDAY, "timezone_required", zone=None),
    row(
        "a day that it runs into",
        tariff(element(energy(1), day_of_week=["WEDNESDAY"]), element(energy("0.3"))),
        cdr(2880, period(0, ENERGY=1), cdr_location={"country": "USA"}),
        "timezone_required",
        zone=None,
    ),
    row(
        "a power that ranges over a limit on any clock",
        tariff(element(energy("0.5"), min_power=22), element(energy("0.3")), element(parking(1), start_time="08:00")),
        hour(period(0, ENERGY=10, MIN_POWER=5, MAX_POWER=30), cdr_location={"country": "USA"}),
        "3",
        zone=None,
        said=SPANS,
    ),
    somewhere("not asked for", tariff(element(energy("0.3"))), USA, "3", silent=INFERRED),
    somewhere("asked for by what is not used", tariff(element(energy("0.3")), element(parking(1), start_time="08:00")), USA, "3"),
    somewhere("asked for by what never applies", tariff(element(energy("0.3")), element(energy(1), start_time="08:00")), USA, "3"),
    somewhere("the whole day", tariff(element(energy("0.3"), start_time="00:00", end_time="00:00")), USA, "3"),
    somewhere("a date far away", tariff(element(energy(1), start_date="2030-01-01"), element(energy("0.3"))), USA, "3"),
    somewhere("one price by day and night", tariff(element(energy("0.3"), start_time="08:00"), element(energy("0.3"))), USA, "3"),
]
FAST = tariff(element(energy("0.6"), min_power=22), element(energy("0.3")))
SLOW = tariff(element(energy("0.2"), max_power=22), element(energy("0.5")))
STRONG = tariff(element(energy("0.6"), min_current=16), element(energy("0.3")))


def flow(what: str, document: Any, cost: str, said: str = "", silent: str = "", version: str = "2.2.1", **volumes: Any) -> Any:
    return row(what, document, hour(period(0, **volumes)), cost, said=said, silent=silent, version=version)


POWERS = [
    flow("W1 over a minimum", FAST, "6", SPANS, ENERGY=20, MIN_POWER=10, MAX_POWER=30),
    flow("W1 over a maximum", SLOW, "10", SPANS, ENERGY=20, MIN_POWER=10, MAX_POWER=30),
    flow("W1 a minimum is included", FAST, "13.2", silent=SPANS, ENERGY=22, MIN_POWER=22, MAX_POWER=22),
    flow("W1 a maximum is not", SLOW, "11", silent=SPANS, ENERGY=22, MIN_POWER=22, MAX_POWER=22),
    flow("W2 only the lowest, above", SLOW, "15", silent=SPANS, ENERGY=30, MIN_POWER=25),
    flow("W2 only the lowest, above a minimum", FAST, "18", silent=SPANS, ENERGY=30, MIN_POWER=25),
    flow("W2 only the highest, below", FAST, "1.5", silent=SPANS, ENERGY=5, MAX_POWER=10),
    flow("W2 only the highest, below a maximum", SLOW, "1", silent=SPANS, ENERGY=5, MAX_POWER=10),
    flow("W2 the average is above", SLOW, "15", ENERGY=30, MIN_POWER=5),
    flow("W2 only the average", SLOW, "2", "power_inferred", ENERGY=10),
    flow("W2 2.1.1 has no power", FAST, "18 -", "power_inferred", version="2.1.1", ENERGY=30),
    flow("W2 an average below the lowest that is stated", SLOW, "10", ENERGY=20, MIN_POWER=43),
    row(
        "W1 a divided period keeps the power that it states",
        tariff(element(energy("0.6"), min_power=22, end_time="10:30"), element(energy("0.2"))),
        hour(period(0, ENERGY=10, MIN_POWER=30, MAX_POWER=30)),
        "4",
        options=LINEAR,
    ),
    row("W2 no time has passed, but it states some", FAST, hour(period(60, ENERGY=30, TIME=1)), "18", said="power_inferred"),
    row("W2 the average of the time that passed", FAST, cdr(30, period(0, ENERGY=11)), "6.6", said="power_inferred"),
    flow("W2 no current is known", STRONG, "6", "current_unknown", ENERGY=20),
    flow("W2 the lowest current", STRONG, "12", silent="current_unknown", ENERGY=20, MIN_CURRENT=20),
    flow("W2 the highest current", STRONG, "6", silent=f"{SPANS} current_unknown", ENERGY=20, MAX_CURRENT=10),
    flow("W2 time without energy", tariff(element(time(6), max_power=1)), "0", "power_unknown", TIME=1),
    flow("W2 a parked car takes no power", tariff(element(parking(6), max_power=1)), "6", silent="power_unknown", PARKING_TIME=1),
    flow("W2 and no current", tariff(element(parking(6), max_current=1)), "6", silent="current_unknown", PARKING_TIME=1),
    flow("W2 it does not reach a minimum", tariff(element(parking(6), min_power=1)), "0", silent="power_unknown", PARKING_TIME=1),
]
LONG = tariff(element(energy("0.9"), min_duration=3600), element(energy("0.3")))
DURATIONS = [
    row("U1 exactly", LONG, cdr(90, period(0, ENERGY=10), period(60, ENERGY=10)), "12"),
    row("U1 from the first period", LONG, cdr(90, period(30, ENERGY=10), period(80, ENERGY=10)), "6"),
    row(
        "U1 parking counts",
        tariff(element(parking(6, 60), min_duration=3600), element(time(1, 60))),
        cdr(90, period(0, TIME="0.5"), period(30, PARKING_TIME="0.5"), period(60, PARKING_TIME="0.5")),
        "3.5",
        said="dimension_not_priced",
    ),
    row(
        "U1 real time in the autumn night",
        LONG,
        cdr(
            120,
            period(0, start="2024-10-27T00:30:00Z", ENERGY=5),
            period(60, start="2024-10-27T00:30:00Z", ENERGY=3),
            start="2024-10-27T00:30:00Z",
        ),
        "4.2",
    ),
]


@pytest.mark.parametrize("asked", [*WINDOWS, *NIGHTS])
def test_the_clock(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", ZONES)
def test_the_zone(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", POWERS)
def test_power(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", DURATIONS)
def test_duration(asked: Row) -> None:
    check(asked)
