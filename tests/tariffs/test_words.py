"""What a driver reads of a tariff."""

from typing import Any

import pytest

from interplug.tariffs import words
from tests.tariffs.build import component, element, tariff

ENERGY = component("ENERGY", "0.35", 1)
NIGHT = component("ENERGY", "0.25")
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (tariff(element(ENERGY)), "€0.35 per kWh"),
        (tariff(element(component("ENERGY", "0.3", 1, 21))), "€0.363 per kWh"),
        (tariff(element(component("FLAT", 0))), "free"),
        (tariff(element(component("ENERGY", 0))), "free charging"),
        (tariff(element(component("TIME", 6), min_duration=14400), element(ENERGY)), "€0.35 per kWh, €0.10 per minute after 4 h"),
        (
            tariff(element(NIGHT, start_time="22:00", end_time="06:00"), element(ENERGY)),
            "€0.25 per kWh from 22:00 to 06:00, otherwise €0.35 per kWh",
        ),
        (tariff(element(ENERGY, start_time="00:00", end_time="23:59")), "€0.35 per kWh"),
        (tariff(element(ENERGY, day_of_week=WEEKDAYS), element(NIGHT)), "€0.35 per kWh on weekdays, otherwise €0.25 per kWh"),
        (tariff(element(NIGHT, max_kwh=10), element(ENERGY)), "€0.25 per kWh for the first 10 kWh, otherwise €0.35 per kWh"),
        (tariff(element(component("FLAT", 1), ENERGY), currency="SEK"), "SEK 0.35 per kWh, SEK 1.00 per session"),
        (tariff(element(component("PARKING_TIME", 5, 900))), "€5.00 per hour parked (each started 15 min)"),
        (tariff(element(component("TIME", 2), reservation="RESERVATION"), element(ENERGY)), "€0.35 per kWh, €2.00 per hour reserved"),
        (tariff(element(ENERGY), min_price={"excl_vat": 1}, max_price={"excl_vat": 20}), "€0.35 per kWh, at least €1.00, at most €20.00"),
    ],
)
def test_a_tariff_in_words(document: dict[str, Any], said: str) -> None:
    assert words(document, version="2.2.1") == said


def test_what_is_over_is_left_out_and_what_has_begun_needs_no_date() -> None:
    yearly = tariff(element(NIGHT, end_date="2026-01-01"), element(ENERGY, start_date="2026-01-01", end_date="2027-01-01"))
    assert words(yearly, version="2.2.1", today="2026-06-01") == "€0.35 per kWh before 2027-01-01"
    assert words(yearly, version="2.2.1", today="2025-06-01") == (
        "€0.25 per kWh before 2026-01-01, €0.35 per kWh from 2026-01-01 before 2027-01-01"
    )


def test_prices_whose_tax_is_not_known_say_so() -> None:
    assert words(tariff(element(ENERGY)), version="2.1.1") == "€0.35 per kWh plus taxes"


def test_before_taxes_on_request() -> None:
    assert words(tariff(element(component("ENERGY", "0.3", 1, 21))), version="2.2.1", taxes=False) == "€0.30 per kWh plus taxes"
