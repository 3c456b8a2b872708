"""A tariff in plain words, region by region, and two tariffs side by side."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from interplug.tariffs import TariffError, compare, explain
from interplug.tariffs.compiled import compile_tariff
from interplug.tariffs.described import merged
from interplug.tariffs.phrases import CATALOGUES, ENGLISH
from interplug.tariffs.regions import Regions
from interplug.tariffs.restrictions import SESSION
from interplug.tariffs.typical import KNOWN
from tests.tariffs.build import component, element, tariff
from tests.tariffs.test_properties import ZONE, tariffs

WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
DEAR, CHEAP = component("ENERGY", "0.40"), component("ENERGY", "0.30")


def told(document: dict[str, Any], title: str = "Energy", version: str = "2.2.1") -> list[tuple[str, str]]:
    sections = {section.title: section for section in explain(document, version=version).sections}
    return [(entry.when, entry.price) for entry in sections[title].prices]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (tariff(element(DEAR)), [("", "€0.40 per kWh")]),
        (tariff(element(component("ENERGY", "0.4", 1, 21))), [("", "€0.40 per kWh (€0.484 with 21 % tax)")]),
        (
            tariff(element(DEAR, start_time="07:00", end_time="23:00", day_of_week=WEEKDAYS), element(CHEAP)),
            [("on weekdays 07:00 to 23:00", "€0.40 per kWh"), ("at all other times", "€0.30 per kWh")],
        ),
        (
            tariff(element(CHEAP, start_time="23:00", end_time="07:00"), element(DEAR)),
            [("23:00 to 07:00", "€0.30 per kWh"), ("07:00 to 23:00", "€0.40 per kWh")],
        ),
        # The second element keeps only what the first has left of it.
        (
            tariff(element(DEAR, max_kwh=10), element(CHEAP, max_kwh=20)),
            [
                ("for the first 10 kWh", "€0.40 per kWh"),
                ("between 10 and 20 kWh", "€0.30 per kWh"),
                ("after 20 kWh", "no charge"),
            ],
        ),
        # Two elements, one price: one line.
        (
            tariff(element(DEAR, day_of_week=["SATURDAY"]), element(CHEAP, day_of_week=["MONDAY"]), element(DEAR)),
            [("on Tuesday to Sunday", "€0.40 per kWh"), ("on Monday", "€0.30 per kWh")],
        ),
        (tariff(element(DEAR), element(CHEAP, max_kwh=5)), [("", "€0.40 per kWh")]),
        (
            tariff(element(CHEAP, start_date="2024-07-01", end_date="2024-09-01"), element(DEAR)),
            [("from 2024-07-01 until before 2024-09-01", "€0.30 per kWh"), ("before 2024-07-01 or from 2024-09-01", "€0.40 per kWh")],
        ),
        (
            tariff(element(DEAR, min_power=50), element(CHEAP)),
            [("from 50 kW", "€0.40 per kWh"), ("below 50 kW", "€0.30 per kWh")],
        ),
    ],
)
def test_each_price_with_the_conditions_that_are_left_for_it(document: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(when, price) for when, price in told(document)] == expected


def test_steps_limits_and_validity_are_told() -> None:
    found = explain(
        tariff(
            element(component("TIME", 3, 900), component("FLAT", 1)),
            min_price={"excl_vat": 1, "incl_vat": "1.21"},
            start_date_time="2024-01-01T00:00:00Z",
        ),
        version="2.2.1",
    ).text()
    assert "The session's total is rounded up to the next 15 min." in found
    assert "The session costs at least €1.00 before taxes and €1.21 with taxes." in found
    assert "For sessions that start from 2024-01-01T00:00:00Z (UTC)." in found and "Fee, once a session\n  €1.00" in found


def test_a_free_tariff_says_so() -> None:
    assert explain(tariff(element(component("FLAT", 0))), version="2.2.1").text().endswith("Nothing is charged.")


def test_a_step_that_only_some_prices_have_stands_with_them() -> None:
    found = told(tariff(element(component("ENERGY", "0.4", 1000), max_kwh=10), element(CHEAP)))
    assert found[0][1].endswith("if the session ends so, its total is rounded up to the next 1 kWh")
    assert found[1][1] == "€0.30 per kWh"


def test_reservations_have_their_own_sections() -> None:
    document = tariff(
        element(component("TIME", 2), reservation="RESERVATION"),
        element(component("FLAT", 5), reservation="RESERVATION_EXPIRES"),
        element(DEAR),
    )
    assert told(document, "Reserved time") == [("", "€2.00 per hour")]
    assert told(document, "Fee, if nobody comes") == [("", "€5.00")]


def test_examples_are_worked_prices() -> None:
    found = explain(tariff(element(component("ENERGY", "0.25", 1, 20))), version="2.2.1")
    assert [example.cost for example in found.examples] == [
        (session.kwh * Decimal("0.25"), session.kwh * Decimal("0.3")) for session in KNOWN
    ]
    assert "| 20 kWh in 2 h from Wednesday 10:00 | €5.00 | €6.00 |" in found.markdown()


def test_examples_are_in_local_time() -> None:
    night = tariff(element(CHEAP, start_time="20:00", end_time="00:00"), element(DEAR), country_code="US")
    costs = {
        zone: [e.cost.excl for e in explain(night, version="2.2.1", timezone=zone).examples]
        for zone in (None, "Asia/Tokyo", "America/New_York")
    }
    assert costs[None] == costs["Asia/Tokyo"] == costs["America/New_York"]


def test_every_language_has_every_phrase_with_the_same_places() -> None:
    for catalogue in CATALOGUES.values():
        assert catalogue.keys() == ENGLISH.keys()
        for name, phrase in ENGLISH.items():
            assert sorted(re.findall(r"\{\w+\}", catalogue[name])) == sorted(re.findall(r"\{\w+\}", phrase)), name
    assert "je kWh" in explain(tariff(element(DEAR)), version="2.2.1", language="de").text()
    shouted = {name: phrase.upper() if "{" not in phrase else phrase for name, phrase in ENGLISH.items()}
    assert "ENERGY" in explain(tariff(element(DEAR)), version="2.2.1", language=shouted).text()
    with pytest.raises(TariffError, match="unknown_language"):
        explain(tariff(element(DEAR)), version="2.2.1", language="xx")


@settings(max_examples=30)
@given(document=tariffs())
def test_any_tariff_is_explained_and_merging_keeps_the_region(document: dict[str, Any]) -> None:
    assert explain(document, version="2.2.1", timezone=ZONE).text().startswith("Tariff T1")
    regions = Regions(compile_tariff(document, "2.2.1"))
    for dimension in range(3):
        boxes = regions.unpriced(SESSION, dimension)
        assert sum(map(size, merged(boxes))) == sum(map(size, boxes))


def size(box: tuple[int, ...]) -> int:
    found = 1
    for mask in box:
        found *= mask.bit_count()
    return found


# --- two tariffs


def test_two_tariffs_on_the_same_sessions() -> None:
    by_energy = tariff(element(component("ENERGY", "0.50")))
    by_time = tariff(element(component("TIME", 6)))
    found = compare(by_energy, by_time, version="2.2.1").to_document()
    assert (found["sessions"], found["first_cheaper"] + found["second_cheaper"] + found["equal"]) == (72, 72)
    # Slow charging is dear by time, fast charging by energy.
    dear, cheap = found["furthest"]
    assert (dear["session"]["kwh"], dear["session"]["charging_s"], dear["difference"]) == ("50", 16364, "2.2733")
    assert (cheap["session"]["kwh"], cheap["session"]["charging_s"], cheap["difference"]) == ("50", 1200, "-23.0000")


def test_a_tariff_is_equal_to_itself_in_another_version() -> None:
    older = tariff(
        element(component("ENERGY", "0.5", 1, 21), start_time="08:00", end_time="20:00"), element(component("ENERGY", "0.4", 1, 21))
    )
    found = compare(older, {**older, "tax_included": "NO"}, version="2.2.1", second_version="2.3.0", timezone=ZONE)
    assert (found.first_cheaper, found.second_cheaper, found.mean_difference, found.side) == (0, 0, 0, "incl")


def test_currencies_are_not_compared() -> None:
    with pytest.raises(TariffError, match="currency_mismatch"):
        compare(tariff(element(DEAR)), tariff(element(DEAR), currency="CHF"), version="2.2.1")
