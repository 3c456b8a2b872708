"""Where OCPI is silent: one test for each decision, by its letter in the list of policies."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import EXACT, Options, TariffError, price, read_options
from tests.tariffs.build import START, cdr, codes, component, element, period, tariff

ZONE = "Europe/Amsterdam"
ENERGY = component("ENERGY", "0.30")


def cost(session: Any, *documents: Any, **options: Any) -> str:
    return str(price(session, documents, version="2.2.1", timezone=ZONE, options=Options(**options)).total_cost.excl)


def fails(session: Any, *documents: Any, version: str = "2.2.1", timezone: str | None = None) -> str:
    with pytest.raises(TariffError) as raised:
        price(session, documents, version=version, timezone=timezone)
    return raised.value.code


HALF_PAST = cdr(60, period(0, ENERGY=10, TIME=1), cdr_location={"country": "NLD"})
UNTIL_HALF_PAST = tariff(element(component("ENERGY", "0.20"), start_time="00:00", end_time="10:30"), element(component("ENERGY", "0.40")))


@pytest.mark.req("TAR-041", "TAR-043", "TAR-042")
def test_e1_an_undivided_period_takes_its_start_rate_and_tells_the_bounds() -> None:
    priced = price(HALF_PAST, [UNTIL_HALF_PAST], version="2.2.1", timezone=ZONE)
    assert str(priced.total_cost.excl) == "2.0000" and "period_spans_price_change" in codes(priced)
    assert [str(bound.excl) for bound in priced.bounds] == ["2.0000", "4.0000"]
    assert cost(HALF_PAST, UNTIL_HALF_PAST, split="linear") == "3.0000"


def test_e1_bounds_leave_no_freedom_where_there_is_none() -> None:
    by_kwh = tariff(element(component("ENERGY", "0.20"), max_kwh=4), element(component("ENERGY", "0.40")))
    priced = price(HALF_PAST, [by_kwh], version="2.2.1")
    assert {str(bound.excl) for bound in priced.bounds} == {"3.2000"}


def test_e2_the_second_price_of_a_dimension_in_one_element_is_dead() -> None:
    priced = price(HALF_PAST, [tariff(element(ENERGY, component("ENERGY", 9)))], version="2.2.1")
    assert str(priced.total_cost.excl) == "3.0000" and "duplicate_dimension" in codes(priced)


@pytest.mark.req("TAR-012", "TAR-014")
def test_f1_a_second_fee_in_the_same_phase_is_reported_and_not_charged() -> None:
    fees = tariff(element(component("FLAT", 1), max_duration=600), element(component("FLAT", 5)))
    priced = price(cdr(60, period(0, ENERGY=1), period(10, ENERGY=1)), [fees], version="2.2.1")
    assert str(priced.total_cost.excl) == "1.0000" and "flat_suppressed" in codes(priced)


def test_s1_the_last_period_with_a_volume_gives_the_step() -> None:
    steps = tariff(element(component("ENERGY", 1, 1000), max_kwh=1), element(component("ENERGY", 2, 5000)))
    session = cdr(60, period(0, ENERGY="0.5"), period(10, ENERGY="0.7"), period(20, ENERGY=0))
    assert cost(session, steps) == "2.0000"  # 0.5 + 0.7 kWh begin below 1 kWh: two blocks of 1 kWh
    assert cost(cdr(60, period(0, ENERGY="0.5"), period(10, ENERGY="0.7"), period(20, ENERGY="0.1")), steps) == "8.8000"


@pytest.mark.req("TAR-033")
def test_s3_parking_priced_at_nothing_still_takes_the_rounding() -> None:
    free_parking = tariff(element(component("TIME", 6, 600), component("PARKING_TIME", 0, 600)))
    priced = price(cdr(30, period(0, PARKING_TIME="0.25"), period(15, TIME="0.25")), [free_parking], version="2.2.1")
    assert (priced.billed["time_s"], priced.billed["parking_s"]) == (900, 1200)


def test_s5_the_slack_of_written_hours_adds_up_over_periods() -> None:
    thirds = cdr(60, *[period(20 * index, TIME="0.3334") for index in range(3)])
    assert cost(thirds, tariff(element(component("TIME", 6, 600)))) == "6.0000"
    assert cost(thirds, tariff(element(component("TIME", 6, 1)))) == "6.0000"


def test_exact_prices_what_was_measured() -> None:
    blocks = tariff(element(component("ENERGY", 1, 1000)))
    assert cost(cdr(60, period(0, ENERGY="1.25")), blocks) == "2.0000"
    priced = price(cdr(60, period(0, ENERGY="1.25")), [blocks], version="2.2.1", options=EXACT)
    assert str(priced.total_cost.excl) == "1.2500" and priced.options.policies()["step"] == "none"


def limited(**limits: Any) -> tuple[str | None, str | None]:
    volume = limits.pop("kwh", 10)
    mixed = tariff(element(component("ENERGY", 1, 1, 10), component("TIME", 1, 1, limits.pop("rate", 10))), **limits)
    total = price(cdr(60, period(0, ENERGY=volume, TIME=0)), [mixed], version="2.2.1").total_cost
    return str(total.excl), None if total.incl is None else str(total.incl)


@pytest.mark.req("TAR-026", "TAR-027", "TAR-028", versions="2.2.1")
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_price": {"excl_vat": 5}}, ("5.0000", "5.5000")),
        ({"min_price": {"excl_vat": 5}, "kwh": 0}, ("5.0000", "5.5000")),
        ({"min_price": {"excl_vat": 5}, "kwh": 0, "rate": 20}, ("5.0000", None)),
        ({"min_price": {"excl_vat": 6}, "max_price": {"excl_vat": 5}}, ("5.0000", "5.5000")),
        ({"max_price": {"excl_vat": 20, "incl_vat": 9}}, ("10.0000", "9.0000")),
    ],
)
def test_p_limits(limits: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert limited(**limits) == expected


@pytest.mark.req("TAR-044")
@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        ("10:00", "10:00", True),
        (None, "00:00", True),
        ("22:00", "11:00", True),
        ("22:00", "10:00", False),
        ("10:00", None, True),
        ("11:00", "00:00", False),
    ],
)
def test_d2_windows(start: str | None, end: str | None, holds: bool) -> None:
    window = {name: value for name, value in (("start_time", start), ("end_time", end)) if value}
    assert cost(cdr(0, period(0, ENERGY=1)), tariff(element(ENERGY, **window))) == ("0.3000" if holds else "0.0000")


@pytest.mark.req("TAR-049")
@pytest.mark.parametrize(("days", "holds"), [([], True), (["MONDAY"], True), (["SUNDAY"], False), (["Funday"], False)])
def test_days(days: list[str], holds: bool) -> None:
    priced = price(cdr(0, period(0, ENERGY=1)), [tariff(element(ENERGY, day_of_week=days))], version="2.2.1", timezone=ZONE)
    assert str(priced.total_cost.excl) == ("0.3000" if holds else "0.0000")


@pytest.mark.req("TAR-048")
@pytest.mark.parametrize(("first", "last", "holds"), [("2024-01-15", "2024-01-16", True), ("2024-01-14", "2024-01-15", False)])
def test_dates(first: str, last: str, holds: bool) -> None:
    dated = tariff(element(ENERGY, start_date=first, end_date=last))
    assert cost(cdr(0, period(0, ENERGY=1)), dated) == ("0.3000" if holds else "0.0000")


@pytest.mark.req("TAR-053")
@pytest.mark.parametrize(
    ("bounds", "holds"), [({"min_duration": 600}, True), ({"max_duration": 600}, False), ({"min_duration": 601}, False)]
)
def test_durations(bounds: dict[str, int], holds: bool) -> None:
    session = cdr(20, period(0, ENERGY=0), period(10, ENERGY=1))
    assert cost(session, tariff(element(ENERGY, **bounds))) == ("0.3000" if holds else "0.0000")


@pytest.mark.req("TAR-050")
@pytest.mark.parametrize(("bounds", "holds"), [({"min_kwh": 5}, True), ({"max_kwh": 5}, False), ({"min_kwh": "5.0001"}, False)])
def test_energies(bounds: dict[str, Any], holds: bool) -> None:
    session = cdr(20, period(0, ENERGY=5), period(10, ENERGY=1))
    bounded = tariff(element(component("ENERGY", 1), **bounds), element(component("ENERGY", 0)))
    assert Decimal(cost(session, bounded)) - (5 if "max_kwh" in bounds else 0) == (1 if holds else 0)


@pytest.mark.req("TAR-046", "TAR-047")
def test_z1_a_zone_is_given_or_stands_in_the_location_or_follows_from_the_country() -> None:
    at_half_past = {"country": "USA", "time_zone": "Europe/Amsterdam"}
    assert price({**HALF_PAST, "cdr_location": at_half_past}, [UNTIL_HALF_PAST], version="2.2.1").timezone == ZONE
    priced = price(HALF_PAST, [UNTIL_HALF_PAST], version="2.2.1")
    assert priced.timezone == ZONE and "timezone_inferred" in codes(priced)
    assert fails({**HALF_PAST, "cdr_location": {"country": "USA"}}, UNTIL_HALF_PAST) == "timezone_required"


def test_z1_without_a_zone_a_price_that_is_the_same_on_every_clock_is_given() -> None:
    only_parking = tariff(element(component("PARKING_TIME", 5), start_time="08:00", end_time="10:00"), element(ENERGY))
    priced = price({**HALF_PAST, "cdr_location": {"country": "USA"}}, [only_parking], version="2.2.1")
    assert str(priced.total_cost.excl) == "3.0000" and priced.timezone is None


def test_w1_a_range_over_a_limit_matches_neither_side() -> None:
    fast = tariff(element(component("ENERGY", 1), min_power=22), element(component("ENERGY", "0.5"), max_power=22))
    priced = price(cdr(60, period(0, ENERGY=20, TIME=1, MIN_POWER=10, MAX_POWER=40)), [fast], version="2.2.1")
    assert str(priced.total_cost.excl) == "0.0000"
    assert {"period_spans_price_change", "dimension_not_priced"} <= codes(priced)
    assert [str(bound.excl) for bound in priced.bounds] == ["0.0000", "20.0000"]


def test_w2_a_power_that_nobody_knows_matches_nothing() -> None:
    fast = tariff(element(component("TIME", 1), max_current=32), element(component("TIME", 5)))
    priced = price(cdr(60, period(0, TIME=1)), [fast], version="2.2.1")
    assert str(priced.total_cost.excl) == "5.0000" and {"current_unknown", "period_spans_price_change"} <= codes(priced)
    assert [str(bound.excl) for bound in priced.bounds] == ["1.0000", "5.0000"]


@pytest.mark.req("TAR-055", "TAR-056", "TAR-059")
def test_v1_whether_a_reservation_expired_can_be_told() -> None:
    fee = tariff(
        element(component("FLAT", 4), reservation="RESERVATION_EXPIRES"),
        element(component("TIME", 2), reservation="RESERVATION"),
        element(component("FLAT", 1)),
    )
    session = cdr(60, period(0, RESERVATION_TIME=1))
    assert (cost(session, fee), cost(session, fee, expired=False)) == ("6.0000", "2.0000")


@pytest.mark.req("TAR-021", "TAR-022")
def test_t1_validity_begins_included_and_ends_excluded() -> None:
    session = cdr(60, period(0, ENERGY=1))
    assert cost(session, tariff(element(ENERGY), start_date_time=START)) == "0.3000"
    assert fails(session, tariff(element(ENERGY), end_date_time=START)) == "no_valid_tariff"
    assert fails(session) == "no_valid_tariff"


@pytest.mark.req("CDR-029", "TAR-020")
def test_t3_a_period_without_a_name_among_named_ones_costs_nothing() -> None:
    session = cdr(60, period(0, "t1", ENERGY=1), period(30, ENERGY=5))
    priced = price(session, [tariff(element(ENERGY))], version="2.2.1")
    assert str(priced.total_cost.excl) == "0.3000" and "period_without_tariff" in codes(priced)


@pytest.mark.req("TAR-029", "TAR-030", "TAR-031", "TAR-032")
@pytest.mark.parametrize(
    ("tax_included", "rate", "excl", "incl"),
    [
        ("NO", 20, "12.0000", "14.4000"),
        ("YES", 20, "10.0000", "12.0000"),
        ("N/A", 20, "12.0000", "12.0000"),
        ("YES", None, None, "12.0000"),
        ("NO", None, "12.0000", None),
    ],
)
def test_x2_what_a_price_includes(tax_included: str, rate: int | None, excl: str | None, incl: str | None) -> None:
    total = price(
        cdr(60, period(0, ENERGY=10)), [tariff(element(component("ENERGY", "1.2", 1, rate)), tax_included=tax_included)]
    ).total_cost
    assert total.to_document() == {"excl": excl, "incl": incl}


@pytest.mark.req("TAR-033")
def test_x1_no_rate_is_not_a_rate_of_zero() -> None:
    session = cdr(60, period(0, ENERGY=10))
    zero, none = (price(session, [tariff(element(component("ENERGY", 1, 1, rate)))], version="2.2.1").taxes for rate in (0, None))
    assert [tax["percentage"] for tax in zero] == [0] and none == []


@pytest.mark.req("TAR-039")
@pytest.mark.parametrize(
    ("options", "rounded"),
    [({}, "0.1235"), ({"rounding": "half_even"}, "0.1234"), ({"rounding": "currency"}, "0.12"), ({"decimals": 6}, "0.123450")],
)
def test_r1_one_rounding_on_output(options: dict[str, Any], rounded: str) -> None:
    assert cost(cdr(60, period(0, ENERGY=1)), tariff(element(component("ENERGY", "0.12345"))), **options) == rounded


def test_o_volumes_out_of_the_ordinary() -> None:
    twice = period(0, ENERGY=1)
    twice["dimensions"] *= 2
    priced = price(cdr(60, twice, period(90, ENERGY=-3)), [tariff(element(component("ENERGY", 1, 1000)))], version="2.2.1")
    assert str(priced.total_cost.excl) == "-1.0000"
    assert {"duplicate_cdr_dimension", "negative_volume", "periods_outside_session"} <= codes(priced)


def test_currencies_that_differ_are_reported() -> None:
    assert "currency_mismatch" in codes(price(cdr(1, period(0, ENERGY=1)), [tariff(element(ENERGY), currency="SEK")], version="2.2.1"))


def test_an_element_under_a_condition_that_is_not_known_here_prices_nothing() -> None:
    booked = tariff(element(component("ENERGY", 9), booking="BOOKING_OVERTIME"), element(ENERGY))
    assert cost(cdr(60, period(0, ENERGY=10)), booked) == "3.0000"


@pytest.mark.parametrize(
    ("session", "document"),
    [
        (cdr(60, {"start_date_time": "yesterday", "dimensions": []}), tariff(element(ENERGY))),
        (cdr(60, {"dimensions": []}), tariff(element(ENERGY))),
        (cdr(60, {"start_date_time": START, "dimensions": [{"type": "ENERGY", "volume": "much"}]}), tariff(element(ENERGY))),
        (cdr(60, {"start_date_time": START, "dimensions": {}}), tariff(element(ENERGY))),
        (cdr(60, period(0, ENERGY=1)), tariff(element({"type": "ENERGY"}))),
        (cdr(60, period(0, ENERGY=1)), tariff(element(ENERGY, start_time="teatime"))),
        (cdr(60, period(0, ENERGY=1)), tariff(element(ENERGY, end_date="2024-02-30"))),
        (cdr(60, period(0, ENERGY=1)), tariff(element(ENERGY, day_of_week=7))),
        ({**cdr(60), "charging_periods": 5}, tariff(element(ENERGY))),
        ({**cdr(60), "cdr_location": "here"}, tariff(element(ENERGY))),
        (cdr(60, period(0, ENERGY=1)), {**tariff(), "elements": [None]}),
    ],
)
def test_what_has_no_meaning_is_an_error_with_its_place(session: Any, document: Any) -> None:
    assert fails(session, document, timezone=ZONE) == "invalid_field"


@pytest.mark.parametrize("volume", [Decimal(10) ** 12, Decimal("Infinity"), Decimal("NaN"), 10**400, float("inf")])
def test_numbers_beyond_the_stated_limit_are_refused(volume: Any) -> None:
    session = cdr(60, {"start_date_time": START, "dimensions": [{"type": "ENERGY", "volume": volume}]})
    assert fails(session, tariff(element(ENERGY))) == "out_of_range"


def test_options_that_nobody_knows_are_refused() -> None:
    assert read_options({"preset": "exact", "decimals": 2}) == Options(preset="exact", decimals=2)
    for wrong in ({"splitt": "linear"}, {"decimals": 99}, {"rounding": "up"}, {"decimals": True}, "exact"):
        with pytest.raises(TariffError, match="invalid_field"):
            read_options(wrong)
