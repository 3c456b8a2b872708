"""What lint says, and what it does not say."""

from typing import Any

import pytest
from hypothesis import given, settings

from interplug.tariffs import TariffError, lint, normalize
from interplug.tariffs.compiled import ENERGY, compile_tariff
from interplug.tariffs.regions import Regions
from interplug.tariffs.restrictions import SESSION, Moment
from tests.tariffs.build import component, element, tariff
from tests.tariffs.test_properties import tariffs

PRICE = component("ENERGY", "0.30")
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


def found(document: Any, version: str = "2.2.1") -> set[tuple[str, str]]:
    return {(finding.code, finding.path) for finding in lint(document, version=version)}


SOUND = [
    tariff(element(PRICE)),
    tariff(element(PRICE, start_time="22:00", end_time="06:00"), element(PRICE, start_time="06:00", end_time="22:00")),
    tariff(element(component("FLAT", 1), min_duration=3600), element(PRICE)),
    tariff(element(PRICE, max_power=50), element(PRICE, min_power=50)),
    tariff(element(PRICE, start_date="2024-01-01", end_date="2024-02-01"), element(PRICE)),
    tariff(element(component("TIME", 1), reservation="RESERVATION"), element(PRICE)),
    tariff(element(component("FLAT", 0, 0))),
]


@pytest.mark.parametrize("document", SOUND)
def test_a_sound_tariff_has_no_finding(document: Any) -> None:
    assert found(document) == set()


@pytest.mark.req("TAR-016")
def test_a_union_of_elements_hides_a_later_one() -> None:
    document = tariff(element(PRICE, day_of_week=WEEKDAYS), element(PRICE, day_of_week=["SATURDAY", "SUNDAY"]), element(PRICE, min_kwh=5))
    assert found(document) == {("component_unreachable", "/elements/2/price_components/0")}


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (tariff(element(PRICE, start_time="00:00", end_time="23:59")), "end_time_gap", "/elements/0/restrictions/end_time"),
        (tariff(element(PRICE, min_power=11)), "dimension_not_exhaustive", "/elements"),
        (
            tariff(element(PRICE, start_date="2024-01-15", end_date="2024-01-15"), element(PRICE)),
            "restriction_impossible",
            "/elements/0/restrictions",
        ),
        (
            tariff(element(PRICE, start_date="2024-01-15", end_date="2024-01-17", day_of_week=["SUNDAY"]), element(PRICE)),
            "restriction_impossible",
            "/elements/0/restrictions",
        ),
        (tariff(element(PRICE, min_kwh=0)), "restriction_without_effect", "/elements/0/restrictions/min_kwh"),
        (tariff(element(PRICE, start_time="00:00", end_time="00:00")), "restriction_without_effect", "/elements/0/restrictions/end_time"),
        (
            tariff(element(PRICE, start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"]), element(PRICE)),
            "wrapping_window_with_day",
            "/elements/0/restrictions",
        ),
        (tariff(element(component("ENERGY", 1, 0))), "zero_step_size", "/elements/0/price_components/0/step_size"),
        (
            tariff(element(component("TIME", 3, 900), component("PARKING_TIME", 5, 300))),
            "time_step_unused",
            "/elements/0/price_components/0/step_size",
        ),
        (tariff(element(PRICE, reservation="RESERVATION"), element(PRICE)), "reservation_dimension", "/elements/0/price_components/0"),
        ({**tariff(element(PRICE)), "country_code": "NLD"}, "country_code_alpha2", "/country_code"),
        (tariff(element(PRICE), currency="eur"), "currency_case", "/currency"),
        (
            tariff(element(PRICE), start_date_time="2024-02-01T00:00:00Z", end_date_time="2024-01-01T00:00:00Z"),
            "validity_empty",
            "/end_date_time",
        ),
        (tariff(), "missing_required_field", "/elements"),
        (tariff(element()), "missing_required_field", "/elements/0/price_components"),
        (tariff(element(PRICE, start_time="25:00")), "invalid_field", "/elements/0/restrictions/start_time"),
        (tariff(element(PRICE, start_time="00:00", end_time="24:00")), "invalid_field", "/elements/0/restrictions/end_time"),
        (tariff(element(PRICE, start_time="00:00", end_time="24:00")), "restriction_without_effect", "/elements/0/restrictions/start_time"),
    ],
)
@pytest.mark.req("TAR-011", "TAR-045")
def test_finding(document: Any, code: str, path: str) -> None:
    assert (code, path) in found(document)


@pytest.mark.req("TAR-045")
@pytest.mark.parametrize(
    ("start", "end", "value"),
    [("9:00", "17:00", "09:00"), ("09:00:00", "17:00", "09:00"), ("09:00", "24:00", "00:00"), ("09:00:30", "17:00", None)],
)
def test_times_that_only_we_can_read(start: str, end: str, value: str | None) -> None:
    document = tariff(element(PRICE, start_time=start, end_time=end), element(component("ENERGY", 1)))
    [finding] = lint(document, version="2.2.1")
    assert (finding.code, finding.fix and finding.fix["value"]) == ("invalid_field", value)
    assert lint(normalize(document, version="2.2.1").document, version="2.2.1") == ([] if value else [finding])


def test_a_rate_where_no_tax_applies() -> None:
    document = tariff(element(component("ENERGY", 1, 1, 21)), tax_included="N/A")
    assert found(document, "2.3.0") == {("tax_rate_without_tax", "/elements/0/price_components/0/vat")}


def test_a_misspelt_field_gets_a_suggestion() -> None:
    [finding] = lint(tariff(element(PRICE), minPrice={"excl_vat": 1}), version="2.2.1")
    assert finding.code == "unknown_field" and "min_price" in finding.message


def test_a_gap_is_shown_by_a_session() -> None:
    [finding] = lint(tariff(element(PRICE, start_time="07:00", end_time="23:00", day_of_week=WEEKDAYS)), version="2.2.1")
    assert "Saturday, 00:00" in finding.message


def test_a_version_that_nobody_knows() -> None:
    with pytest.raises(TariffError, match="unknown_version"):
        lint(tariff(element(PRICE)), version="3.0")


@settings(max_examples=40)
@given(document=tariffs())
def test_regions_agree_with_the_engine(document: Any) -> None:
    """Every cell is in the gap if and only if the engine finds no price there."""
    compiled = compile_tariff(document, "2.2.1")
    regions = Regions(compiled)
    left = regions.unpriced(SESSION, ENERGY)
    days, clock, kwh, elapsed = regions.axes[:4]
    for day in range(0, len(days), 3):
        for second, _ in enumerate(clock):
            for energy in range(len(kwh)):
                for length in range(len(elapsed)):
                    places = (day, second, energy, length)
                    at = Moment()
                    for axis, place in zip(regions.axes, places, strict=False):
                        for name, value in axis[place].change.items():
                            setattr(at, name, value)
                    inside = any(all(box[axis] >> place & 1 for axis, place in enumerate(places)) for box in left)
                    assert inside == (compiled.select(SESSION, at)[ENERGY] is None)
