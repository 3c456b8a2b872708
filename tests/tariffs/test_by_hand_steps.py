"""Figures by hand: which component prices what (E, F) and what step_size rounds (S). Sessions start at 10:00 local time, a Monday."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import price
from tests.tariffs.build import cdr, element, period, tariff
from tests.tariffs.by_hand import ZONE, Row, check, energy, flat, hour, parking, row, time

SPANS = "period_spans_price_change"
LINEAR = {"split": "linear"}
BY_CLOCK = tariff(element(energy("0.2"), start_time="00:00", end_time="10:30"), element(energy("0.4")))
BY_KWH = tariff(element(energy("0.2"), max_kwh=4), element(energy("0.4")))
FREE_HALF_HOUR = tariff(element(energy(0), max_duration=1800), element(energy("0.5")))
FEE_FROM_5_KWH = tariff(element(flat(3), min_kwh=5), element(energy("0.1")))
MONDAYS = tariff(element(energy("0.2"), day_of_week=["MONDAY"]), element(energy("0.4")))
EVENING, LATE = "2024-01-15T22:30:00Z", "2024-01-15T22:00:00Z"
EVENINGS = tariff(element(energy("0.2"), start_time="22:00"), element(energy("0.4")))
EARLY = tariff(element(energy("0.2"), end_time="06:00"), element(energy("0.4")))
TEN = hour(period(0, ENERGY=10))

SELECTION = [
    row("E1 clock", BY_CLOCK, hour(period(0, ENERGY=6)), "1.2", said=SPANS),
    row("E1 clock, divided", BY_CLOCK, hour(period(0, ENERGY=6)), "1.8", options=LINEAR),
    row("E1 cut at the change", BY_CLOCK, hour(period(0, ENERGY=3), period(30, ENERGY=3)), "1.8", silent=SPANS),
    row(
        "E1 another element, the same price",
        tariff(element(energy("0.2"), end_time="10:30"), element(energy("0.2"))),
        hour(period(0, ENERGY=6)),
        "1.2",
        silent=SPANS,
    ),
    row(
        "E1 a price of something not used",
        tariff(*BY_CLOCK["elements"], element(parking(1))),
        hour(period(0, PARKING_TIME=1)),
        "1",
        silent=SPANS,
    ),
    row("E1 kWh", BY_KWH, TEN, "2", said=SPANS),
    row("E1 kWh, divided", BY_KWH, TEN, "3.2", options=LINEAR),
    row("E1 up to the threshold", BY_KWH, hour(period(0, ENERGY=4)), "0.8", silent=SPANS),
    row(
        "E1 kWh thresholds divide time evenly",
        tariff(element(energy("0.2"), time(1), max_kwh=4), element(energy("0.4"), time(2))),
        hour(period(0, ENERGY=10, TIME=1)),
        "4.8",
        options=LINEAR,
        time="1.6",
    ),
    row("E1 duration", FREE_HALF_HOUR, hour(period(0, ENERGY=8)), "0", said=SPANS),
    row("E1 duration, divided", FREE_HALF_HOUR, hour(period(0, ENERGY=8)), "2", options=LINEAR),
    row("E1 a fee due inside", FEE_FROM_5_KWH, TEN, "1", said=SPANS),
    row("E1 a fee due inside, divided", FEE_FROM_5_KWH, TEN, "4", options=LINEAR),
    row("E1 midnight ends a Monday", MONDAYS, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "2", said=SPANS),
    row("E1 midnight, divided", MONDAYS, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "3", options=LINEAR),
    row("E1 midnight ends a window without an end", EVENINGS, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "2", said=SPANS),
    row("E1 the same, divided", EVENINGS, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "3", options=LINEAR),
    row("E1 midnight begins a window without a start", EARLY, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "4", said=SPANS),
    row("E1 that one, divided", EARLY, hour(period(0, start=EVENING, ENERGY=10), start=EVENING), "3", options=LINEAR),
    row(
        "E1 three prices",
        tariff(
            element(energy("0.1"), start_time="10:00", end_time="10:15"),
            element(energy("0.2"), start_time="10:15", end_time="10:30"),
            element(energy("0.4")),
        ),
        hour(period(0, ENERGY=8)),
        "2.2",
        options=LINEAR,
    ),
    row(
        "E1 a date",
        tariff(element(energy("0.1"), start_date="2024-01-16"), element(energy("0.5"))),
        cdr(120, period(0, start=LATE, ENERGY=10), start=LATE),
        "3",
        options=LINEAR,
    ),
    row(
        "E1 a date after weeks",
        tariff(element(energy("0.1"), start_date="2024-01-30"), element(energy("0.5"))),
        cdr(20 * 1440, TEN["charging_periods"][0]),
        "5",
        said=SPANS,
    ),
    row(
        "E1 a Session that still runs lasts as long as it says",
        BY_CLOCK,
        {"start_date_time": TEN["start_date_time"], "currency": "EUR", "charging_periods": [period(0, ENERGY=6, TIME=1)]},
        "1.8",
        options=LINEAR,
    ),
    row("E2 twice in an element", tariff(element(energy("0.3"), energy("0.9"))), TEN, "3", said="duplicate_dimension"),
    row("E2 a fee twice in an element", tariff(element(flat(1), flat(2))), TEN, "1", said="duplicate_dimension"),
    row(
        "E3 2.1.1",
        tariff(element(flat("2.5")), element(time(1, 900), max_power=32), element(time(2, 600), min_power=32), element(parking(5, 300))),
        hour(period(0, ENERGY=10, TIME="0.5"), period(30, PARKING_TIME="0.5")),
        "5.5 -",
        version="2.1.1",
        fixed="2.5 -",
    ),
    row(
        "F1 a later fee of the same phase",
        tariff(element(flat(5), min_duration=3600), element(flat(1)), element(energy("0.1"))),
        cdr(120, period(0, ENERGY=10), period(60, ENERGY=10)),
        "3",
        said="flat_suppressed",
    ),
    row(
        "F1 one for the reservation, one for the session",
        tariff(element(flat(2, 1, 20), time(5, 300, 20), reservation="RESERVATION"), element(flat("0.5", 1, 20), energy("0.25", 1, 10))),
        cdr(73, period(0, RESERVATION_TIME="0.2167"), period(13, ENERGY=20, TIME=1)),
        "8.75 10",
        reservation="3.25 3.9",
        fixed="0.5 0.6",
    ),
    row(
        "F1 two tariffs, one session",
        [tariff(element(flat(1), energy("0.1")), id="A"), tariff(element(flat(2), energy("0.2")), id="B")],
        hour(period(0, "A", ENERGY=10), period(30, "B", ENERGY=10)),
        "4",
        said="flat_suppressed",
    ),
    row(
        "F1 once charged, no later one is in doubt",
        tariff(element(flat(5), min_duration=3600), element(flat(1)), element(energy("0.1"))),
        cdr(120, period(0, ENERGY=10), period(30, ENERGY=10)),
        "3",
        silent=SPANS,
    ),
    row(
        "nothing used needs no price",
        tariff(element(energy("0.1"), max_kwh=10)),
        hour(period(0, ENERGY=10), period(30, ENERGY=0)),
        "1",
        silent="dimension_not_priced",
    ),
    row(
        "E1 energy fed back passes a threshold",
        BY_KWH,
        hour(period(0, ENERGY=4), period(30, ENERGY=2), period(40, ENERGY=-3)),
        "0.4",
        said=SPANS,
    ),
    row(
        "E1 energy that stays above it does not",
        BY_KWH,
        hour(period(0, ENERGY=4), period(30, ENERGY=2), period(40, ENERGY=-1)),
        "1.2",
        silent=SPANS,
    ),
    row("F1 never due", FEE_FROM_5_KWH, hour(period(0, ENERGY=4)), "0.4", silent="dimension_not_priced"),
]
CHANGES = tariff(element(energy("0.3", 1000), end_time="10:30"), element(energy("0.6", 500)))
BOTH = tariff(element(time(6, 600), parking(12, 600)))
TEN_MINUTE_BLOCKS = tariff(element(time(6, 600)))

STEPS = [
    row("S1 nothing in the last period", CHANGES, hour(period(0, ENERGY="5.3"), period(30, ENERGY=0)), "1.8", billed={"energy_kwh": "6"}),
    row("S1 the last component", CHANGES, hour(period(0, ENERGY="5.3"), period(30, ENERGY="1.1")), "2.31", billed={"energy_kwh": "6.5"}),
    row(
        "S1 the last is free",
        tariff(element(energy("0.3", 1000), end_time="10:30"), element(energy(0, 1000))),
        hour(period(0, ENERGY="5.3"), period(30, ENERGY="1.2")),
        "1.59",
        billed={"energy_kwh": "7"},
    ),
    row(
        "S2 a gap in the middle counts for nothing",
        tariff(element(energy("0.35", 1000), max_duration=1800), element(energy("0.5", 1000), min_duration=3600)),
        cdr(90, period(0, ENERGY="2.3"), period(30, ENERGY=4), period(60, ENERGY="1.1")),
        "1.655",
        billed={"energy_kwh": "4"},
        said="dimension_not_priced",
    ),
    row(
        "S3 parking first",
        BOTH,
        cdr(42, period(0, PARKING_TIME="0.2"), period(12, TIME="0.5")),
        "7",
        billed={"time_s": "1800", "parking_s": "1200"},
    ),
    row("S3 no time parked", BOTH, cdr(20, period(0, TIME="0.3"), period(18, PARKING_TIME=0)), "2", billed={"time_s": "1200"}),
    row(
        "S3 parked twice",
        BOTH,
        hour(period(0, TIME="0.25"), period(15, PARKING_TIME="0.2"), period(27, TIME="0.25"), period(42, PARKING_TIME="0.2")),
        "9",
        billed={"time_s": "1800", "parking_s": "1800"},
    ),
    row(
        "S3 parking that no element prices now",
        tariff(element(time(6, 900)), element(parking(12, 600), start_time="22:00", end_time="23:00")),
        cdr(35, period(0, TIME="0.3333"), period(20, PARKING_TIME="0.25")),
        "3",
        billed={"time_s": "1800"},
        said="dimension_not_priced",
    ),
    row(
        "S3 free parking takes the rounding",
        tariff(element(time(6, 900), parking(0, 600))),
        cdr(35, period(0, TIME="0.2"), period(12, PARKING_TIME="0.3833")),
        "1.2",
        billed={"time_s": "720", "parking_s": "1800"},
    ),
    row(
        "S4 three buckets",
        tariff(element(time(6, 300), reservation="RESERVATION"), element(time(3, 600), parking(12, 900))),
        hour(period(0, RESERVATION_TIME="0.1167"), period(7, TIME="0.2"), period(19, PARKING_TIME="0.2833")),
        "7.6",
        reservation="1",
        time="0.6",
        parking="6",
    ),
    row(
        "S4 two reserved periods, one bucket",
        tariff(element(time(6, 600), reservation="RESERVATION"), element(energy("0.5"))),
        hour(period(0, RESERVATION_TIME="0.1"), period(6, RESERVATION_TIME="0.15"), period(15, ENERGY=2)),
        "3",
        reservation="2",
    ),
    row("S5 ten exact periods", tariff(element(time(36))), cdr(60, *[period(6 * i, TIME="0.1") for i in range(10)]), "36"),
    row("S5 at least one block", TEN_MINUTE_BLOCKS, cdr(1, period(0, TIME="0.0001")), "1", billed={"time_s": "600"}),
    row("S5 more than the slack", TEN_MINUTE_BLOCKS, cdr(11, period(0, TIME="0.1669")), "2", billed={"time_s": "1200"}),
    row("S5 more digits, less slack", TEN_MINUTE_BLOCKS, cdr(11, period(0, TIME="0.16669")), "2", billed={"time_s": "1200"}),
    row("S5 the last of many digits", TEN_MINUTE_BLOCKS, cdr(10, period(0, TIME="0.1666666667")), "1", billed={"time_s": "600"}),
    row("S5 few digits leave no more than 0.36 s", TEN_MINUTE_BLOCKS, cdr(12, period(0, TIME="0.17")), "2", billed={"time_s": "1200"}),
    row("S5 parking", tariff(element(parking(6, 600))), cdr(10, period(0, PARKING_TIME="0.1667")), "1", billed={"parking_s": "600"}),
    row("S5 each period has its slack", TEN_MINUTE_BLOCKS, cdr(20, period(0, TIME="0.1667"), period(10, TIME="0.1667")), "2"),
    row("S5 energy is meant as written", tariff(element(energy(1, 1000))), hour(period(0, ENERGY="1.0001")), "2"),
    row(
        "S5 what is not rounded is paid as written",
        tariff(element(time("1.2"), end_time="10:10"), element(time("2.4", 900))),
        cdr(20, period(0, TIME="0.1667"), period(10, TIME="0.1667")),
        "0.99996",
        billed={"time_s": "1800"},
        options={"decimals": 6},
    ),
    row(
        "S5 a divided period has one slack",
        tariff(element(time(6, 600), end_time="10:05"), element(time(12, 600))),
        cdr(10, period(0, TIME="0.1668")),
        "3.4996",
        options=LINEAR,
    ),
    row("S6 no step", tariff(element(energy("0.3", 0))), hour(period(0, ENERGY="1.2345")), "0.37035", options={"decimals": 6}),
    row("S6 a fee has no step", tariff(element(flat("1.5", 3600))), hour(period(0, ENERGY=1)), "1.5"),
    row("the preset exact", tariff(element(energy("0.25", 500), time(1, 900))), hour(period(0, ENERGY="0.1152", TIME="0.3")), "0.3288",
        options={"preset": "exact"}),
]  # fmt: skip


# 10.5 kWh in the hour from 10:00; before half past they cost this, after it that.
BOUNDS = [
    (energy("0.2"), energy("0.4"), "2.1 2.1", "4.2 4.2"),
    # Cheapest before taxes is not cheapest after them.
    (energy("0.2", 1, 21), energy("0.21", 1, 0), "2.1 2.205", "2.205 2.541"),
    # A block of 100 kWh is paid for only if nothing at all was charged after half past.
    (energy("0.1", 100_000), energy("0.2"), "1.05 1.05", None),
    (energy("0.2"), energy("0.1", 20_000), None, "3.05 3.05"),
]


@pytest.mark.parametrize(("before", "after", "lowest", "highest"), BOUNDS)
def test_the_bounds_of_an_undivided_period(before: Any, after: Any, lowest: str | None, highest: str | None) -> None:
    changing = tariff(element(before, end_time="10:30"), element(after))
    found = price(hour(period(0, ENERGY="10.5")), [changing], version="2.2.1", timezone=ZONE).bounds
    for expected, bound in zip((lowest, highest), found, strict=True):
        assert expected is None or bound == tuple(map(Decimal, expected.split()))


@pytest.mark.parametrize(("hours", "lowest", "highest"), [(1, "1.5", "1.5"), ("0.3", "0.3", "0.6")])
def test_the_bounds_of_time(hours: Any, lowest: str, highest: str) -> None:
    """Time that fills its period fell where it fell; less than that may have been at any of its prices."""
    changing = tariff(element(time(1, 0), end_time="10:30"), element(time(2, 0)))
    found = price(hour(period(0, TIME=hours)), [changing], version="2.2.1", timezone=ZONE).bounds
    assert [bound.excl for bound in found] == [Decimal(lowest), Decimal(highest)]


@pytest.mark.parametrize("asked", SELECTION)
def test_which_component_prices_what(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", STEPS)
def test_what_a_step_rounds(asked: Row) -> None:
    check(asked)
