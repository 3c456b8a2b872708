"""Figures by hand: limits (P), reservations (V), which tariff (T), taxes (X), rounding (R), the odd (O)."""

from decimal import Decimal as D
from decimal import localcontext
from typing import Any

import pytest

from interplug.tariffs import SPEC, price
from interplug.tariffs.money import Rounder
from tests.tariffs.build import cdr, element, period, tariff
from tests.tariffs.by_hand import Row, check, energy, flat, hour, parking, row, time

QUARTER = [element(energy("0.25", 1, 10))]


def limited(
    what: str, elements: list[Any], kwh: Any, cost: str, version: str = "2.2.1", said: str = "", silent: str = "", **fields: Any
) -> Any:
    return row(what, tariff(*elements, **fields), hour(period(0, ENERGY=kwh)), cost, version=version, said=said, silent=silent)


def of(excl: Any, incl: Any = None) -> dict[str, Any]:
    return {"excl_vat": D(excl), **({} if incl is None else {"incl_vat": D(incl)})}


LIMITS = [
    limited("P1 the maximum before tax bites", [element(energy("0.6", 1, 5))], 20, "10 12.6", max_price=of(10, 13)),
    limited("P1 both bite", [element(energy("0.6", 1, 20))], 20, "10 11", max_price=of(10, 11)),
    limited("P1 the minimum after tax bites", [element(energy("0.45", 1, 10))], 1, "0.45 0.6", min_price=of("0.4", "0.6")),
    limited("P2 a minimum before tax alone", QUARTER, "1.2", "0.5 0.55", min_price=of("0.5")),
    limited("P2 null is not there", QUARTER, "1.2", "0.5 0.55", min_price={**of("0.5"), "incl_vat": None}),
    limited("P2 a maximum over two rates", [element(flat("0.5", 1, 20), energy("0.25", 1, 10))], 30, "4 4.425", max_price=of(4)),
    limited("P2 nothing used, one rate", QUARTER, 0, "0.5 0.55", min_price=of("0.5")),
    limited("P2 nothing used, two rates", [element(energy("0.25", 1, 10), time(1, 1, 20))], 0, "0.5 -", min_price=of("0.5")),
    limited("P2 nothing used, no rates", [element(energy("0.25"))], 0, "0.5", min_price=of("0.5")),
    limited("P2 no rate and a rate of 0 cost the same", [element(energy("0.25"), time(1, 1, 0))], 0, "0.5", min_price=of("0.5")),
    limited("P2 a minimum long reached", QUARTER, 10, "2.5 2.75", min_price=of("0.5")),
    limited("P3 crossed", [element(energy("0.3"))], 1, "5", said="price_limits_cross", min_price=of(6, 6), max_price=of(5, 5)),
    limited("P3 alike", [element(energy("0.3"))], 1, "5", silent="price_limits_cross", min_price=of(5, 5), max_price=of(5, 5)),
    row(
        "P3 each tariff's minimum for its part",
        [tariff(element(energy("0.3", 1000)), id="A", min_price=of(2, 2)), tariff(element(energy("0.6", 500)), id="B")],
        hour(period(0, "A", ENERGY="4.2"), period(30, "B", ENERGY="3.1")),
        "3.98",
    ),
    row(
        "P3 each tariff's maximum for its part",
        [tariff(element(energy("0.3")), id="A", max_price=of(1, 1)), tariff(element(energy("0.6")), id="B", max_price=of(100, 100))],
        hour(period(0, "A", ENERGY=10), period(30, "B", ENERGY=10)),
        "7",
    ),
    limited("P2 in 2.3.0", [element(energy("0.6", 1, 20))], 20, "10 12", "2.3.0", tax_included="NO", max_price={"before_taxes": 10}),
    limited(
        "P1 in 2.3.0 as 2.2.1 spells it", [element(energy("0.6", 1, 20))], 20, "10 11", "2.3.0", tax_included="NO", max_price=of(10, 11)
    ),
    limited(
        "P1 an amount before tax that nobody knows",
        [element(energy("0.5"))],
        10,
        "- 6",
        "2.3.0",
        tax_included="YES",
        min_price={"before_taxes": 4, "after_taxes": 6},
    ),
]
SESSION_FEE = element(flat("0.5", 1, 20), energy("0.25", 1, 10))
EXPIRY_FEE = [
    element(flat(4, 1, 20), reservation="RESERVATION_EXPIRES"),
    element(time(2, 600, 20), reservation="RESERVATION"),
    SESSION_FEE,
]
EXPIRY_TIME = [
    element(time(6, 600, 20), reservation="RESERVATION_EXPIRES"),
    element(time(3, 600, 20), reservation="RESERVATION"),
    SESSION_FEE,
]
HOUR_RESERVED = hour(period(0, RESERVATION_TIME=1))
NINETY = cdr(90, period(0, RESERVATION_TIME="1.5"))
RESERVATIONS = [
    row("V1 a fee for expiry", tariff(*EXPIRY_FEE), HOUR_RESERVED, "6 7.2", reservation="6 7.2", fixed="0"),
    row("V1 a time for expiry", tariff(*EXPIRY_TIME), NINETY, "9 10.8"),
    row("V1 whatever the order", tariff(*EXPIRY_TIME[::-1]), NINETY, "9 10.8"),
    row("V1 0 kWh is no session", tariff(*EXPIRY_FEE), hour(period(0, RESERVATION_TIME=1, ENERGY=0)), "6 7.2"),
    row(
        "V1 nothing of the session is due",
        tariff(*EXPIRY_FEE),
        cdr(90, period(0, RESERVATION_TIME=1), period(60, ENERGY=0)),
        "6 7.2",
        fixed="0",
    ),
    row("V1 its step", tariff(*EXPIRY_TIME), cdr(62, period(0, RESERVATION_TIME="1.0333")), "7 8.4"),
    row("V1 nothing about expiry", tariff(element(time(3), flat(1), reservation="RESERVATION"), SESSION_FEE), HOUR_RESERVED, "4"),
    row(
        "V1 two fees",
        tariff(element(flat(1), reservation="RESERVATION"), element(flat(4), reservation="RESERVATION_EXPIRES")),
        HOUR_RESERVED,
        "4",
    ),
    row("V1 used", tariff(*EXPIRY_FEE), cdr(82, period(0, RESERVATION_TIME="0.3667"), period(22, ENERGY=20, TIME=1)), "6.5 7.3"),
    row("V1 used to park", tariff(*EXPIRY_FEE), hour(period(0, RESERVATION_TIME="0.5"), period(30, PARKING_TIME="0.5")), "1.5 1.8"),
    row("V1 told that it was used", tariff(*EXPIRY_FEE), HOUR_RESERVED, "2 2.4", options={"expired": False}),
    row("V2 time is no reserved time", tariff(element(time(3))), HOUR_RESERVED, "0", said="dimension_not_priced"),
    row(
        "V2 nor the other way",
        tariff(element(time(3), reservation="RESERVATION"), element(energy(1))),
        hour(period(0, TIME=1, ENERGY=1)),
        "1",
    ),
    row(
        "V a reservation by the clock",
        tariff(
            element(time(6), reservation="RESERVATION", start_time="10:00", end_time="10:30"), element(time(12), reservation="RESERVATION")
        ),
        cdr(90, period(0, RESERVATION_TIME="0.5"), period(30, RESERVATION_TIME="0.5"), period(60, ENERGY=1)),
        "9",
    ),
]
JULY = "2024-07-01T00:00:00Z"
OLD, NEW = tariff(element(energy("0.3")), id="OLD", end_date_time=JULY), tariff(element(energy("0.5")), id="NEW", start_date_time=JULY)
A, B = tariff(element(energy("0.3", 1000)), id="A"), tariff(element(energy("0.6", 500)), id="B")
CHANGED = "tariff_changed_during_session"


def on(start: str) -> dict[str, Any]:
    return hour(period(0, start=start, ENERGY=10), start=start)


CHOICE = [
    row("T1 the moment it begins", [OLD, NEW], on(JULY), "5", silent=CHANGED),
    row("T1 until the moment it ends", [OLD, NEW], on("2024-06-30T23:00:00Z"), "3", silent=CHANGED),
    row("T1 outlived", OLD, on("2024-06-30T23:30:00Z"), "3", said=CHANGED),
    row("T1 over", OLD, on(JULY), "no_valid_tariff"),
    row("T1 to come", NEW, on("2024-06-30T23:00:00Z"), "no_valid_tariff"),
    row("T1 none", [], on(JULY), "no_valid_tariff"),
    row("T2 ids are alike in capitals", tariff(element(energy("0.3")), id="abc"), hour(period(0, "ABC", ENERGY=10)), "3"),
    row(
        "T2 there and back: the step of the last",
        [A, B],
        hour(period(0, "A", ENERGY="1.1"), period(20, "B", ENERGY="1.1"), period(40, "A", ENERGY="1.1")),
        "1.53",
        billed={"energy_kwh": "4"},
    ),
    row(
        "T2 two of one name: the one that is valid",
        [tariff(element(energy("0.3")), id="A", end_date_time="2024-01-01T00:00:00Z"), tariff(element(energy("0.5")), id="A")],
        hour(period(0, "A", ENERGY=10)),
        "5",
    ),
    row("T2 unknown", A, hour(period(0, "A", ENERGY=1), period(20, "Q", ENERGY=1)), "unknown_tariff"),
    row(
        "T3 one period without",
        [A, B],
        hour(period(0, "B", ENERGY=1), period(20, ENERGY=5), period(40, "B", ENERGY=1)),
        "1.2",
        said="period_without_tariff",
    ),
    row("T3 null ids", A, hour({**period(0, ENERGY=1), "tariff_id": None}), "0.3"),
    row("those of the CDR", [], hour(period(0, ENERGY=10), tariffs=[A]), "3"),
    row("those given before them", B, hour(period(0, ENERGY=10), tariffs=[A]), "6"),
    row("another currency", tariff(element(energy("0.3")), currency="CHF"), hour(period(0, ENERGY=10)), "3", said="currency_mismatch"),
]


def taxed(what: str, included: str | None, components: list[Any], cost: str, **more: Any) -> Any:
    said = {"tax_included": included} if included else {}
    return row(what, tariff(element(*components), **said), hour(period(0, ENERGY=10, TIME=1)), cost, version="2.3.0", **more)


UNKNOWN = "taxes_unknown"
TAXES = [
    row("X1 2.1.1", tariff(element(energy("0.3")), element(flat(1))), hour(period(0, ENERGY=10)), "4 -", version="2.1.1"),
    row("X1 2.2.1, one with VAT", tariff(element(energy("0.3", 1, 10), flat(1))), hour(period(0, ENERGY=10)), "4 4.3"),
    taxed("X2 included, two rates", "YES", [energy("0.363", 1, 21), time("1.09", 1, 9)], "4 4.72", energy="3 3.63", time="1 1.09"),
    taxed("X2 included, no rate", "YES", [energy("0.363")], "- 3.63", said=UNKNOWN),
    taxed("X2 included, a rate missing", "YES", [energy("0.363", 1, 21), time(1)], "- 4.63", energy="3 3.63", time="- 1", said=UNKNOWN),
    taxed("X2 included, 0 %", "YES", [energy("0.3", 1, 0)], "3"),
    taxed("X2 included, without an end", "YES", [energy(1, 1, 21)], "8.2645 10"),
    taxed("X2 added, a rate missing", "NO", [energy("0.3", 1, 21), time(1)], "4 4.63", silent=UNKNOWN),
    taxed("X2 added, no rate", "NO", [energy("0.3")], "3 -", said=UNKNOWN),
    taxed("X2 added, a rate of what is not used", "NO", [energy("0.3"), parking(1, 1, 21)], "3"),
    taxed("X2 not applicable", "N/A", [energy("0.3")], "3", silent=f"tax_rate_ignored {UNKNOWN}"),
    taxed("X2 not applicable, with a rate", "N/A", [energy("0.3", 1, 21)], "3", said="tax_rate_ignored"),
    taxed("X2 not said", None, [energy("0.3", 1, 21)], "3 3.63", said="missing_required_field"),
]


def one_kwh(what: str, price: str, cost: str, options: dict[str, Any] | None = None, currency: str = "EUR", kwh: Any = 1) -> Any:
    return row(
        what, tariff(element(energy(price)), currency=currency), hour(period(0, ENERGY=kwh), currency=currency), cost, options=options
    )


AS_STRINGS = {"type": "ENERGY", "price": "0.3", "step_size": "1000", "vat": "21"}
WITHOUT_Z = {"start_date_time": "2024-01-15T09:00:00", "dimensions": [{"type": "ENERGY", "volume": "9.5"}]}
ROUNDING = [
    one_kwh("R1 a midpoint goes up", "0.00005", "0.0001"),
    one_kwh("R1 away from zero", "0.00005", "-0.0001", kwh=-1),
    one_kwh("R1 to even", "0.00005", "0.0000", {"rounding": "half_even"}),
    one_kwh("R1 two decimals", "0.125", "0.13", {"decimals": 2}),
    one_kwh("R1 euros", "0.125", "0.13", {"rounding": "currency"}),
    one_kwh("R1 yen", "30.5", "31", {"rounding": "currency"}, "JPY"),
    one_kwh("R1 dinars", "0.12345", "0.123", {"rounding": "currency"}, "KWD"),
    row("R1 once", tariff(element(energy("0.00004"), time("0.00004"))), hour(period(0, ENERGY=1, TIME=1)), "0.0001", energy="0.0000"),
    row(
        "R2 strings, and a time without Z",
        tariff(element(AS_STRINGS)),
        hour(WITHOUT_Z),
        "3 3.63",
        said="number_as_string timestamp_spelling",
    ),
    one_kwh("R2 all digits", "0.1234567890123456789", "12345.6789", kwh=100_000),
    one_kwh("R2 beyond any magnitude", "0.3", "out_of_range", kwh=D("1e20")),
    one_kwh("R2 beyond any exponent", "0.3", "out_of_range", kwh=D("1e400")),
]
TIERS = tariff(element(energy("0.2"), max_kwh=4), element(energy("0.4")))
PLAIN = tariff(element(energy("0.3")))
BLOCKS = tariff(element(energy("0.3", 1000)))
TWICE = {**period(0, ENERGY=4), "dimensions": [*period(0, ENERGY=4)["dimensions"], *period(0, ENERGY=6)["dimensions"]]}
RUNNING = {"id": "S", "start_date_time": "2024-01-15T09:00:00Z", "kwh": 10, "currency": "EUR", "status": "ACTIVE"}
ODD = [
    row("O1 out of order", TIERS, hour(period(30, ENERGY=6), period(0, ENERGY=4)), "3.2", said="periods_out_of_order"),
    row("O1 two starts alike", TIERS, hour(period(0, ENERGY=4), period(0, ENERGY=6)), "3.2", silent="periods_out_of_order"),
    row("O2 twice", PLAIN, hour(TWICE), "3", said="duplicate_cdr_dimension"),
    row("O3 fed back", BLOCKS, hour(period(0, ENERGY="-2.5")), "-0.75", billed={"energy_kwh": "-2.5"}, said="negative_volume"),
    row(
        "O3 net",
        BLOCKS,
        hour(period(0, ENERGY="5.5"), period(30, ENERGY="-1.2")),
        "1.5",
        billed={"energy_kwh": "5"},
        said="negative_volume",
    ),
    row(
        "O4 a start of 1970-1-1 is not known",
        PLAIN,
        {**hour(period(0, ENERGY=5)), "start_date_time": "1970-1-1T00:00:00Z"},
        "1.5",
        silent="periods_outside_session",
        said="timestamp_spelling",
    ),
    row("T1 nor does it choose a tariff", NEW, {**on(JULY), "start_date_time": "1970-1-1T00:00:00Z"}, "5"),
    row("O4 before the start", PLAIN, hour(period(-30, ENERGY=5), period(0, ENERGY=5)), "3", said="periods_outside_session"),
    row("O4 after the end", PLAIN, hour(period(0, ENERGY=5), period(90, ENERGY=5)), "3", said="periods_outside_session"),
    row("a dimension of the future", PLAIN, hour(period(0, ENERGY=5, WHATEVER=5)), "1.5", said="unknown_dimension"),
    row(
        "FLAT among the volumes of 2.1.1",
        tariff(element(flat(1), energy("0.3"))),
        hour(period(0, ENERGY=5, FLAT=1)),
        "2.5 -",
        version="2.1.1",
    ),
    row("a Session that still runs", PLAIN, {**RUNNING, "charging_periods": [period(0, ENERGY=5), period(30, ENERGY=5)]}, "3"),
]


def test_a_limit_under_a_rate_of_zero_makes_no_tax() -> None:
    free = tariff(element(energy("0.25", 1, 0)), min_price=of(5, 5))
    taxes = price(hour(period(0, ENERGY=2)), [free], version="2.2.1").taxes
    assert taxes == [{"percentage": 0, "taxable": 5, "amount": 0}]


@pytest.mark.parametrize(("value", "rounded"), [("0.00005", "0.0001"), ("0.000049", "0.0000"), ("-0.00001", "0.0000")])
def test_what_is_a_hair_off_a_midpoint_is_the_midpoint(value: str, rounded: str) -> None:
    """Thirds of a price are cut off after 200 digits."""
    for hair in ("0", "1e-190", "-1e-190"):
        with localcontext(prec=250):
            exact = D(value) + D(hair)
        assert str(Rounder(SPEC, "EUR")(exact)) == rounded


@pytest.mark.parametrize("asked", LIMITS)
def test_limits(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", RESERVATIONS)
def test_reservations(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", CHOICE)
def test_which_tariff(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", TAXES)
def test_taxes(asked: Row) -> None:
    check(asked)


@pytest.mark.parametrize("asked", [*ROUNDING, *ODD])
def test_rounding_and_the_odd(asked: Row) -> None:
    check(asked)
