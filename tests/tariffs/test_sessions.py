"""Sessions are priced like CDRs, also while they run, and in the words of every version."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import Priced, price
from tests.tariffs.build import START, codes, component, element, period, tariff

TARIFF = tariff(element(component("FLAT", 1), component("ENERGY", "0.50"), component("PARKING_TIME", 6, 60)))


def running(*periods: dict[str, Any], **fields: Any) -> Priced:
    session = {"start_date_time": START, "currency": "EUR", "kwh": 4, "status": "ACTIVE", "charging_periods": list(periods), **fields}
    return price(session, [TARIFF], version="2.2.1")


def test_the_running_cost_needs_no_end() -> None:
    priced = running(period(0, ENERGY=4, TIME="0.5"), period(30, PARKING_TIME="0.25"))
    assert priced.total_cost.excl == Decimal("4.5000") and codes(priced) == set()


def test_a_session_that_has_used_nothing_yet_owes_its_fee() -> None:
    assert running(period(0, ENERGY=0, TIME=0)).total_cost.excl == 1


def test_a_session_without_periods_says_so() -> None:
    priced = running()
    assert priced.total_cost.excl == 0 and codes(priced) == {"missing_required_field"}


def test_the_last_period_of_a_running_session_lasts_as_long_as_it_says() -> None:
    by_power = tariff(element(component("ENERGY", 1), min_power=22), element(component("ENERGY", "0.5")))
    session = {"start_date_time": START, "currency": "EUR", "charging_periods": [period(0, ENERGY=15, TIME="0.5")]}
    assert price(session, [by_power], version="2.2.1").total_cost.excl == 15


@pytest.mark.req("CDR-045", "TAR-054", versions="2.1.1")
def test_the_oldest_names_of_the_times_are_read() -> None:
    session = {
        "start_datetime": START,
        "end_datetime": "2024-01-15T10:00:00Z",
        "charging_periods": [period(0, ENERGY=20)],
        "currency": "EUR",
    }
    cdr = {**session, "stop_date_time": "2024-01-15T10:00:00Z"}
    by_power = tariff(element(component("ENERGY", 1), max_power=22), element(component("ENERGY", 3)))
    assert [price(each, [by_power], version="2.1.1").total_cost.excl for each in (session, cdr)] == [20, 20]


@pytest.mark.req("TAR-017", "TAR-072", versions="2.1.1")
def test_free_is_free_in_the_oldest_version_too() -> None:
    free = tariff(element(component("FLAT", 0, 0)))
    assert price({"start_date_time": START, "charging_periods": [period(0, ENERGY=20)]}, [free], version="2.1.1").total_cost.excl == 0


@pytest.mark.req("CDR-033", "CDR-032", versions="2.2.1")
def test_dimensions_that_price_nothing_are_passed_over() -> None:
    priced = running(period(0, ENERGY=2, ENERGY_IMPORT=9, POWER=9, FLAT=9, STATE_OF_CHARGE=80, SOMETHING=1))
    assert priced.total_cost.excl == 2 and codes(priced) == {"unknown_dimension"}


def test_a_line_tells_its_quantity_in_the_unit_of_its_price() -> None:
    fee, energy, parked = running(period(0, ENERGY=4, TIME="0.5"), period(30, PARKING_TIME="0.25")).lines
    assert (fee.quantity, energy.quantity, parked.quantity, parked.billed) == (None, 4, Decimal("0.25"), 900)
    assert parked.excl == parked.quantity * parked.price
