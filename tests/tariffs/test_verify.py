"""The check of a partner's CDR: three answers, and the reason of a difference."""

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import SPEC, Verified, cost_documents, price, verify
from tests.tariffs.build import cdr, component, element, period, tariff

ZONE = "Europe/Amsterdam"
ENERGY = component("ENERGY", "0.25", 100, 10)
TARIFF = tariff(element(component("FLAT", "0.50", 1, 20), ENERGY))
SESSION = cdr(60, period(0, ENERGY="20.45", TIME=1))


def check(claimed: Any, session: Any = SESSION, document: Any = TARIFF, version: str = "2.2.1", **fields: Any) -> Verified:
    return verify({**session, "total_cost": claimed, **fields}, [document], version=version, timezone=fields.pop("timezone", ZONE))


@pytest.mark.req("CDR-058", "CDR-043")
@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [
        ({"excl_vat": Decimal("5.625"), "incl_vat": Decimal("6.2375")}, "match"),
        ({"excl_vat": Decimal("5.63"), "incl_vat": Decimal("6.24")}, "match"),
        ({"excl_vat": Decimal("5.62"), "incl_vat": Decimal("6.24")}, "match"),  # the midpoint to even
        ({"excl_vat": Decimal("5.6")}, "mismatch"),
        ({"excl_vat": Decimal("5.625"), "incl_vat": Decimal("6.25")}, "mismatch"),
        ({"excl_vat": 6}, "mismatch"),
        (Decimal("5.625"), "match"),
        ({}, "unverifiable"),
        (None, "unverifiable"),
    ],
)
def test_figures_are_compared_as_they_are_written(claimed: Any, verdict: str) -> None:
    assert check(claimed).verdict == verdict


@pytest.mark.req("CDR-019", versions="2.2.1")
def test_a_credit_cdr_negates_its_total_and_nothing_else() -> None:
    parts = {"total_energy_cost": {"excl_vat": Decimal("5.125")}, "credit": True}
    assert check({"excl_vat": Decimal("-5.625")}, **parts).verdict == "match"
    assert check({"excl_vat": Decimal("5.625")}, **parts).verdict == "mismatch"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"currency": "SEK"}, "currency_mismatch"),
        ({"charging_periods": [period(0, "T2", ENERGY=1)]}, "unknown_tariff"),
        ({"charging_periods": [period(0, TIME=1)], "total_energy": 20}, "volume_missing"),
        ({"charging_periods": 3}, "invalid_field"),
    ],
)
def test_what_cannot_be_checked_says_why(fields: Any, code: str) -> None:
    found = check({"excl_vat": 1}, **fields)
    assert found.verdict == "unverifiable" and code in {problem.code for problem in found.warnings}


def test_without_a_zone_nothing_is_assumed() -> None:
    by_night = tariff(element(ENERGY, start_time="22:00", end_time="06:00"), element(component("ENERGY", 1)))
    found = verify({**SESSION, "total_cost": {"excl_vat": 1}}, [by_night], version="2.2.1")
    assert (found.verdict, [problem.code for problem in found.warnings]) == ("unverifiable", ["timezone_required"])


def test_totals_outside_all_bounds_are_wrong_however_the_energy_fell() -> None:
    change = tariff(element(component("ENERGY", "0.20"), end_time="10:30"), element(component("ENERGY", "0.40")))
    session = cdr(60, period(0, ENERGY=10))
    assert [check({"excl_vat": claimed}, session, change).verdict for claimed in (2, 3, 4, 5)] == [
        "match",
        "unverifiable",
        "unverifiable",
        "mismatch",
    ]


RIGHT = {"excl_vat": Decimal("5.625")}


@pytest.mark.parametrize(
    ("field", "claimed", "computed"),
    [
        ("total_energy", "25", "20.4500"),
        ("total_energy", "20.5", "20.4500"),
        ("total_time", "3", "1.0000"),
        ("total_time", "3600", "1.0000"),
    ],
)
def test_volumes_that_contradict_the_periods_are_differences(field: str, claimed: str, computed: str) -> None:
    found = check(RIGHT, **{field: Decimal(claimed)})
    [difference] = found.to_document()["differences"]
    assert (difference["field"], difference["side"], difference["computed"]) == (field, None, computed)
    assert (found.verdict, found.causes) == ("mismatch", ())


@pytest.mark.parametrize(
    ("field", "claimed"),
    [("total_energy", "20.45"), ("total_energy", "20.4504"), ("total_time", "1"), ("total_parking_time", "0")],
)
def test_volumes_that_agree_are_none(field: str, claimed: str) -> None:
    assert check(RIGHT, **{field: Decimal(claimed)}).verdict == "match"


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [("2", "match"), ("1.5", "match"), ("1.25", "match"), ("1.75", "match"), ("1.6667", "mismatch"), ("0.5", "mismatch")],
)
def test_the_time_of_a_session_is_that_of_the_clock_or_of_its_periods_with_the_reservation_or_without(claimed: str, verdict: str) -> None:
    """Half an hour reserved, one charged, a quarter parked, and a quarter of which nothing is said."""
    held = cdr(120, period(0, RESERVATION_TIME="0.5"), period(30, ENERGY="20.45", TIME=1), period(90, PARKING_TIME="0.25"))
    assert check(RIGHT, held, total_time=Decimal(claimed)).verdict == verdict


def test_two_decimals_leave_half_of_the_last_open() -> None:
    measured = cdr(60, period(0, ENERGY="20.4547", TIME=1))
    assert [check(RIGHT, measured, total_energy=Decimal(claimed)).verdict for claimed in ("20.45", "20.451", "20.44")] == [
        "match",
        "mismatch",
        "mismatch",
    ]


def test_parking_that_no_period_states_cannot_be_checked() -> None:
    silent = cdr(60, period(0, ENERGY="20.45"))
    free = check(RIGHT, silent, total_parking_time=1)
    assert free.verdict == "match" and "volume_mismatch" in {problem.code for problem in free.warnings}
    priced = tariff(*TARIFF["elements"], element(component("PARKING_TIME", 2)))
    dear = check({"excl_vat": Decimal("7.625")}, silent, priced, total_parking_time=1)
    assert dear.verdict == "unverifiable" and "volume_missing" in {problem.code for problem in dear.warnings}


def test_a_start_that_is_not_known_has_no_time_to_compare() -> None:
    nobody_knows = cdr(60, period(0, ENERGY="20.45", TIME=1), total_time=1)
    assert check(RIGHT, {**nobody_knows, "start_date_time": "1970-01-01T00:00:00Z"}).verdict == "match"


# --- causes: each mistake planted into many CDRs --------------------------------------------------------------------------------

MISTAKES: dict[str, dict[str, Any]] = {
    "step_size_ignored": {"step": "none"},
    "step_size_per_period": {"step": "period"},
    "price_limit_ignored": {"limits": False},
    "utc_used_for_local_time": {"clock": "utc"},
    "flat_per_period": {"flat": "period"},
    "vat_on_gross": {"tax": "of_gross"},
    "vat_ignored": {"tax": "none"},
    "net_and_gross_swapped": {"tax": "swapped"},
}
HOURLY = tariff(element(component("TIME", "2.70", 1, 21), component("PARKING_TIME", "3.93", 300, 21)))


def rich_tariff(draw: random.Random) -> dict[str, Any]:
    def cents(least: int, most: int) -> Decimal:
        return Decimal(draw.randint(least, most)) / 100

    clock = draw.choice([("08:00", "11:00"), ("09:30", "20:00")])
    return tariff(
        element(component("FLAT", cents(20, 200), 1, 21)),
        element(component("ENERGY", cents(30, 70), 500, 21), start_time=clock[0], end_time=clock[1]),
        element(component("ENERGY", cents(10, 29), 500, 21), component("PARKING_TIME", cents(100, 500), 600, 21)),
        max_price={"excl_vat": cents(200, 400), "incl_vat": cents(242, 480)},
    )


def rich_session(draw: random.Random) -> dict[str, Any]:
    start = f"2024-01-15T{draw.choice(['07', '08', '10'])}:00:00Z"
    periods = [period(30 * index, start=start, ENERGY=Decimal(draw.randint(2000, 9000)) / 1000) for index in range(3)]
    parked = period(90, start=start, PARKING_TIME=Decimal(draw.randint(1000, 9000)) / 10000)
    return cdr(150, *periods, parked, start=start)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named_first(mistake: str) -> None:
    draw = random.Random(mistake)
    named = planted = 0
    while planted < 100:
        session, document = rich_session(draw), rich_tariff(draw)
        if mistake != "price_limit_ignored" and draw.random() < 0.7:
            del document["max_price"]
        wrong = price(session, [document], version="2.2.1", timezone=ZONE, options=replace(SPEC, **MISTAKES[mistake]))
        right = price(session, [document], version="2.2.1", timezone=ZONE)
        if wrong.total_cost == right.total_cost:
            continue
        planted += 1
        found = verify({**session, **cost_documents(wrong, "2.2.1")}, [document], version="2.2.1", timezone=ZONE)
        assert found.verdict != "match"
        named += found.causes[:1] == (mistake,)
    assert named >= 90


@pytest.mark.parametrize(
    ("claimed", "cause"),
    [
        ({"excl_vat": Decimal("6.1875"), "incl_vat": Decimal("6.80625")}, "vat_on_gross"),  # 5.625 with its 10 % is 6.1875
        ({"excl_vat": Decimal("6.1875"), "incl_vat": Decimal("5.625")}, "net_and_gross_swapped"),
    ],
)
def test_a_cdr_that_has_the_gross_amount_before_taxes_is_explained(claimed: Any, cause: str) -> None:
    document = tariff(element(component("FLAT", "0.50", 1, 10), ENERGY))
    assert check({"excl_vat": Decimal("5.625"), "incl_vat": Decimal("6.1875")}, document=document).verdict == "match"
    found = check(claimed, document=document)
    assert (found.verdict, found.causes) == ("mismatch", (cause,))


def test_an_amount_in_the_wrong_place_is_no_cause_where_taxes_are_not_known() -> None:
    document = tariff(element(component("FLAT", "0.50"), component("ENERGY", "0.25", 100)))
    assert check(Decimal("9.99"), document=document, version="2.1.1").causes == ()


# --- hours with four decimals, money of the seconds -----------------------------------------------------------------------------------


def hours(seconds: int) -> Decimal:
    return (Decimal(seconds) / 3600).quantize(Decimal("0.0001"))


def money(exact: Decimal) -> dict[str, Decimal]:
    return {"excl_vat": exact.quantize(Decimal("0.0001")), "incl_vat": (exact * Decimal("1.21")).quantize(Decimal("0.0001"))}


def test_hours_of_four_decimals_do_not_make_the_money_of_the_seconds_wrong() -> None:
    """The operator counts seconds, and OCPI shows hours: 6183 s in four periods are 1.7176 h, which is 6183.36 s."""
    draw = random.Random("seconds")
    for _ in range(200):
        seconds = [draw.randint(60, 5000) for _ in range(4)]
        session = cdr(400, *(period(90 * index, TIME=hours(used)) for index, used in enumerate(seconds)))
        found = check(money(Decimal(sum(seconds)) * Decimal("2.70") / 3600), session, HOURLY)
        assert (found.verdict, found.differences, found.causes) == ("match", (), ())


def test_more_than_hours_leave_open_is_a_difference() -> None:
    found = check(money(Decimal("2.7012")), cdr(60, period(0, TIME=1)), HOURLY)
    assert found.verdict == "mismatch"


def test_a_block_that_only_hours_of_four_decimals_hide_cannot_be_told() -> None:
    """Three times 0.1112 h are 1200.96 s: may be 1200 s, four blocks of 300, or 1201 s, which are five."""
    session = cdr(21, *(period(7 * index, PARKING_TIME="0.1112") for index in range(3)))
    assert check(money(Decimal("1.31")), session, HOURLY).verdict == "match"
    doubtful = check(money(Decimal("1.6375")), session, HOURLY)
    assert (doubtful.verdict, doubtful.causes) == ("unverifiable", ("hours_taken_literally",))
    assert "hours_imprecise" in {problem.code for problem in doubtful.warnings}
    assert check(money(Decimal("1.9650")), session, HOURLY).verdict == "mismatch"


def test_a_forgotten_step_is_named_where_the_money_is_that_of_the_seconds() -> None:
    session = cdr(70, period(0, PARKING_TIME=hours(4101)))
    found = check(money(Decimal(4101) * Decimal("3.93") / 3600), session, HOURLY)
    assert (found.verdict, found.causes[:1]) == ("mismatch", ("step_size_ignored",))


def test_of_two_causes_the_more_common_is_named_first() -> None:
    by_watt_hour = {**TARIFF, "id": "T2", "elements": [element(component("FLAT", "0.50", 1, 20), component("ENERGY", "0.25", 1, 10))]}
    found = verify({**SESSION, "total_cost": {"excl_vat": Decimal("5.6125")}}, [TARIFF, by_watt_hour], version="2.2.1", timezone=ZONE)
    assert found.causes == ("step_size_ignored", "other_tariff")


def test_taxes_that_are_not_listed_claim_nothing() -> None:
    taxed = {**TARIFF, "tax_included": "NO"}
    assert check({"before_taxes": Decimal("5.63"), "taxes": []}, document=taxed, version="2.3.0").verdict == "match"
    listed = [{"name": "VAT", "amount": Decimal("0.5")}, {"name": "VAT", "amount": Decimal("0.11")}]
    assert check({"before_taxes": Decimal("5.63"), "taxes": listed}, document=taxed, version="2.3.0").verdict == "match"
    assert check({"before_taxes": Decimal("5.63"), "taxes": listed[:1]}, document=taxed, version="2.3.0").verdict == "mismatch"
    assert check({"before_taxes": Decimal("5.63"), "taxes": [*listed, {}]}, document=taxed, version="2.3.0").verdict == "match"


def test_another_version_of_the_tariff_is_named() -> None:
    newer = {**TARIFF, "elements": [element(component("ENERGY", "0.31", 100, 10))], "start_date_time": "2024-02-01T00:00:00Z"}
    wrong = price(SESSION, [{**newer, "start_date_time": None}], version="2.2.1")
    found = verify({**SESSION, **cost_documents(wrong, "2.2.1")}, [TARIFF, newer], version="2.2.1", timezone=ZONE)
    assert (found.verdict, found.causes) == ("mismatch", ("other_tariff",))


def test_another_version_of_the_tariff_is_named_first_among_many() -> None:
    draw = random.Random("other")
    named = 0
    for _ in range(100):
        session = rich_session(draw)
        older, newer = ({**rich_tariff(draw), "id": name} for name in ("T1", "T2"))
        newer["start_date_time"] = "2024-02-01T00:00:00Z"
        wrong = price(session, [{**newer, "start_date_time": None}], version="2.2.1", timezone=ZONE)
        found = verify({**session, **cost_documents(wrong, "2.2.1")}, [older, newer], version="2.2.1", timezone=ZONE)
        named += found.causes[:1] == ("other_tariff",)
    assert named >= 90


def test_no_cause_is_named_on_a_match() -> None:
    draw = random.Random(1)
    for _ in range(100):
        session, document = rich_session(draw), rich_tariff(draw)
        right = price(session, [document], version="2.2.1", timezone=ZONE)
        found = verify({**session, **cost_documents(right, "2.2.1")}, [document], version="2.2.1", timezone=ZONE)
        assert (found.verdict, found.causes) == ("match", ())
