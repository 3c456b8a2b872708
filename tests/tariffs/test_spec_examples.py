"""The worked examples of the specifications, as facts: tariff, session, amounts before and after taxes.

Two printed figures are slips and stand here as the rules give them: 114 minutes at 1.25 per hour are 2.375 (printed 2.28), and the step of
100 Wh holds for the tariff with the alternative URL (5.625, not 5.61).
"""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import price
from tests.tariffs.build import cdr, component, element, period, tariff

ZONE = "Europe/Amsterdam"
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
WEEKEND = ["SATURDAY", "SUNDAY"]
MONDAY, SATURDAY = "2024-01-15T08:30:00Z", "2024-01-13T12:30:00Z"

ENERGY = component("ENERGY", "0.25", 1, 10)
FEE = component("FLAT", "0.50", 1, 20)
SIMPLE = tariff(element(ENERGY))
WITH_FEE = tariff(element(FEE, ENERGY))
MINIMUM = tariff(element(ENERGY), min_price={"excl_vat": Decimal("0.50"), "incl_vat": Decimal("0.55")})
MAXIMUM = tariff(element(FEE, ENERGY), max_price={"excl_vat": 10, "incl_vat": 11})
PARKING_AND_FEE = tariff(element(FEE, ENERGY, component("PARKING_TIME", 2, 900, 20)))
PER_HOUR = tariff(element(component("TIME", 2, 60, 10)))
TWO_PER_HOUR = tariff(element(component("TIME", 3, 60, 10), component("PARKING_TIME", 5, 300, 20)))
MANY_LANGUAGES = tariff(element(component("TIME", "1.90", 300, "5.2")))
ALTERNATIVE_URL = tariff(element(FEE, component("ENERGY", "0.25", 100, 10)))
COMPLEX = tariff(
    element(component("FLAT", "2.50", 1, 15)),
    element(component("TIME", 1, 900, 20), max_current=32),
    element(component("TIME", 2, 600, 20), min_current=32, day_of_week=WEEKDAYS),
    element(component("TIME", "1.25", 600, 20), min_current=32, day_of_week=WEEKEND),
    element(component("PARKING_TIME", 5, 300, 10), start_time="09:00", end_time="18:00", day_of_week=WEEKDAYS),
    element(component("PARKING_TIME", 6, 300, 10), start_time="10:00", end_time="17:00", day_of_week=["SATURDAY"]),
)
FREE = tariff(element(component("FLAT", 0, 0, 0)))
RESERVED = tariff(element(component("TIME", 5, 60, 20), reservation="RESERVATION"), element(FEE, ENERGY))
RESERVED_WITH_FEE = tariff(
    element(component("FLAT", 2, 1, 20), component("TIME", 5, 300, 20), reservation="RESERVATION"), element(FEE, ENERGY)
)
EXPIRY_FEE = tariff(
    element(component("FLAT", 4, 1, 20), reservation="RESERVATION_EXPIRES"),
    element(component("TIME", 2, 600, 20), reservation="RESERVATION"),
    element(FEE, ENERGY),
)
EXPIRY_TIME = tariff(
    element(component("TIME", 6, 600, 20), reservation="RESERVATION_EXPIRES"),
    element(component("TIME", 3, 600, 20), reservation="RESERVATION"),
    element(FEE, ENERGY),
)
SWITCHING = tariff(
    element(component("TIME", "1.20", 1800), component("PARKING_TIME", 1, 900), start_time="00:00", end_time="17:00"),
    element(component("TIME", "2.40", 900), component("PARKING_TIME", 1, 900), start_time="17:00", end_time="20:00"),
)
BY_POWER = tariff(
    element(component("ENERGY", "0.20", 1, 20), max_power=16),
    element(component("ENERGY", "0.35", 1, 20), max_power=32),
    element(component("ENERGY", "0.50", 1, 20)),
)
BY_DURATION = tariff(
    element(component("ENERGY", 0, 1, 20), max_duration=1800),
    element(component("ENERGY", "0.25", 1, 20), max_duration=3600),
    element(component("ENERGY", "0.40", 1, 20)),
)


def power(kw: int) -> dict[str, int]:
    return {"MIN_POWER": kw, "MAX_POWER": kw}


def held(minutes: int) -> Any:
    """A reservation that was used: 20 kWh in the hour after it."""
    return cdr(minutes + 60, period(0, RESERVATION_TIME=hours(minutes)), period(minutes, ENERGY=20, TIME=1))


def hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.0001"))


def charged(kwh: str, parked: int = 0) -> Any:
    later = [period(60, PARKING_TIME=hours(parked))] if parked else []
    return cdr(60 + parked, period(0, ENERGY=kwh, TIME=1), *later)


def timed(minutes: int, parked: int = 0, start: str = MONDAY, **dimensions: Any) -> Any:
    later = [period(minutes, start=start, PARKING_TIME=hours(parked))] if parked else []
    return cdr(minutes + parked, period(0, start=start, TIME=hours(minutes), **dimensions), *later, start=start)


def req(rule: str, document: Any, session: Any, excl: str, incl: str) -> Any:
    return pytest.param(document, session, excl, incl, marks=pytest.mark.req(rule), id=rule + "-" + excl)


EXAMPLES = [
    req("TAR-060", SIMPLE, charged("20"), "5.0000", "5.5000"),
    req("TAR-061", WITH_FEE, charged("20"), "5.5000", "6.1000"),
    req("TAR-035", WITH_FEE, charged("20"), "5.5000", "6.1000"),
    req("TAR-062", MINIMUM, charged("20"), "5.0000", "5.5000"),
    req("TAR-062", MINIMUM, charged("1"), "0.5000", "0.5500"),
    req("TAR-026", MINIMUM, charged("1"), "0.5000", "0.5500"),
    req("TAR-063", PARKING_AND_FEE, charged("20", 40), "7.0000", "7.9000"),
    req("TAR-064", MAXIMUM, charged("50"), "10.0000", "11.0000"),
    req("TAR-064", MAXIMUM, charged("30"), "8.0000", "8.8500"),
    req("TAR-027", MAXIMUM, charged("50"), "10.0000", "11.0000"),
    req("TAR-065", PER_HOUR, timed(150, 30), "5.0000", "5.5000"),
    req("TAR-067", TWO_PER_HOUR, timed(150, 42), "11.2500", "12.7500"),
    req("TAR-068", MANY_LANGUAGES, timed(150), "4.7500", "4.9970"),
    req("TAR-069", ALTERNATIVE_URL, charged("20.45"), "5.6250", "6.2375"),
    req("TAR-070", COMPLEX, timed(165, 42, MIN_CURRENT=16, MAX_CURRENT=16), "9.0000", "10.3000"),
    req("TAR-071", COMPLEX, timed(114, 71, SATURDAY, MIN_CURRENT=43, MAX_CURRENT=43), "12.3750", "13.9750"),
    req("TAR-072", FREE, charged("20", 40), "0.0000", "0.0000"),
    req("TAR-017", FREE, charged("20", 40), "0.0000", "0.0000"),
    req("TAR-073", RESERVED, held(15), "6.7500", "7.6000"),
    req("TAR-074", RESERVED_WITH_FEE, held(13), "8.7500", "10.0000"),
    req("TAR-075", EXPIRY_FEE, held(22), "6.5000", "7.3000"),
    req("TAR-075", EXPIRY_FEE, cdr(60, period(0, RESERVATION_TIME=1)), "6.0000", "7.2000"),
    req("TAR-057", EXPIRY_FEE, cdr(60, period(0, RESERVATION_TIME=1)), "6.0000", "7.2000"),
    req("TAR-076", EXPIRY_TIME, held(22), "7.0000", "7.9000"),
    req("TAR-076", EXPIRY_TIME, cdr(90, period(0, RESERVATION_TIME="1.5")), "9.0000", "10.8000"),
    req("TAR-058", EXPIRY_TIME, cdr(90, period(0, RESERVATION_TIME="1.5")), "9.0000", "10.8000"),
    req(
        "TAR-080",
        BY_POWER,
        cdr(70, period(0, ENERGY=1, **power(6)), period(10, ENERGY=40, **power(48)), period(60, ENERGY="0.5", **power(4))),
        "20.3000",
        "24.3600",
    ),
    req("TAR-081", BY_DURATION, cdr(40, period(0, ENERGY=5), period(30, ENERGY="1.2")), "0.3000", "0.3600"),
]


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.parametrize(("document", "session", "excl", "incl"), EXAMPLES)
def test_worked_example(document: Any, session: Any, excl: str, incl: str, version: str) -> None:
    newest = {
        **document,
        "tax_included": "NO",
        **{
            name: {"before_taxes": document[name]["excl_vat"], "after_taxes": document[name]["incl_vat"]}
            for name in ("min_price", "max_price")
            if name in document
        },
    }
    priced = price(session, [newest if version == "2.3.0" else document], version=version, timezone=ZONE)
    assert (str(priced.total_cost.excl), str(priced.total_cost.incl)) == (excl, incl)


@pytest.mark.req("TAR-077")
def test_switching_from_charging_to_parking_after_the_tariff_changed() -> None:
    start = "2024-01-15T15:55:00Z"
    session = cdr(
        12,
        period(0, start=start, TIME="0.0833"),
        period(5, start=start, TIME="0.0833"),
        period(10, start=start, PARKING_TIME="0.0333"),
        start=start,
    )
    priced = price(session, [SWITCHING], version="2.2.1", timezone=ZONE)
    assert priced.total_cost.excl.quantize(Decimal("0.01")) == Decimal("0.55")
    assert priced.total_parking_cost.excl == Decimal("0.2500")


@pytest.mark.req("TAR-078", "CDR-063", "CDR-064")
def test_switching_while_charging_rounds_once_by_the_last_step() -> None:
    start = "2024-01-15T15:35:00Z"
    session = cdr(35, period(0, start=start, TIME="0.4167"), period(25, start=start, TIME="0.1667"), start=start)
    priced = price(session, [SWITCHING], version="2.2.1", timezone=ZONE)
    assert (priced.total_cost.excl, priced.billed["time_s"]) == (Decimal("1.3000"), 2700)


@pytest.mark.req("TAR-079", "TAR-015")
def test_switching_to_a_free_hour_rounds_only_what_was_to_be_paid() -> None:
    start = "2024-01-15T18:40:00Z"
    session = cdr(
        32,
        period(0, start=start, TIME="0.2"),
        period(12, start=start, PARKING_TIME="0.1333"),
        period(20, start=start, PARKING_TIME="0.2"),
        start=start,
    )
    priced = price(session, [SWITCHING], version="2.2.1", timezone=ZONE)
    assert (priced.total_cost.excl, priced.billed["parking_s"]) == (Decimal("0.7300"), 900)


@pytest.mark.req("TAR-066")
@pytest.mark.parametrize(("tax_included", "rate", "expected"), [("NO", "2.00", ("5.0000", "None")), ("YES", "2.10", ("None", "5.2500"))])
def test_taxes_that_are_settled_elsewhere_stay_unknown(tax_included: str, rate: str, expected: tuple[str, str]) -> None:
    document = tariff(element(component("TIME", rate)), currency="CAD", tax_included=tax_included)
    total = price(timed(150), [document]).total_cost
    assert (str(total.excl), str(total.incl)) == expected


@pytest.mark.req("TAR-040", "TAR-038", "TAR-037")
@pytest.mark.parametrize(("step", "cost"), [(1, "0.0290"), (25, "0.0313"), (500, "0.1250")])
def test_a_few_watt_hours_and_their_steps(step: int, cost: str) -> None:
    priced = price(cdr(5, period(0, ENERGY="0.1152")), [tariff(element(component("ENERGY", "0.25", step)))], version="2.2.1")
    assert str(priced.total_cost.excl) == cost


@pytest.mark.req("CDR-061", "CDR-059")
def test_the_surplus_of_the_session_is_billed_at_the_last_price() -> None:
    document = tariff(element(component("ENERGY", "0.20", 500), max_kwh="4.3"), element(component("ENERGY", "0.27", 500)))
    priced = price(cdr(60, period(0, ENERGY="4.3"), period(30, ENERGY="1.1")), [document], version="2.2.1")
    assert (priced.total_cost.excl, priced.billed["energy_kwh"]) == (Decimal("1.1840"), Decimal("5.5"))


@pytest.mark.req("CDR-062")
def test_time_at_two_prices_is_rounded_as_one() -> None:
    document = tariff(element(component("TIME", 5, 600), max_duration=360), element(component("TIME", 7, 600)))
    priced = price(cdr(28, period(0, TIME="0.1"), period(6, TIME="0.3667")), [document], version="2.2.1")
    assert (priced.total_cost.excl, priced.billed["time_s"]) == (Decimal("3.3000"), 1800)


@pytest.mark.req("CDR-060")
def test_parking_takes_the_rounding_from_charging() -> None:
    document = tariff(element(component("TIME", 1, 300), component("PARKING_TIME", 1, 300)))
    priced = price(cdr(28, period(0, TIME="0.35"), period(21, PARKING_TIME="0.1167")), [document], version="2.2.1")
    assert (priced.billed["time_s"], priced.billed["parking_s"]) == (1260, 600)


@pytest.mark.req("TAR-013", "TAR-034", "TAR-025")
def test_the_oldest_tariff_is_read_per_dimension_and_without_tax() -> None:
    session = timed(165, 42, MIN_CURRENT=16, MAX_CURRENT=16)
    total = price(session, [COMPLEX], version="2.1.1", timezone=ZONE).total_cost
    assert (str(total.excl), total.incl) == ("9.0000", None)
