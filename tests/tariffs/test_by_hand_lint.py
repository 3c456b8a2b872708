"""Lint as a table: the tariff, and everything that is to be said of it; what is sound gets silence.

Paths are JSON pointers; `1.0` is the first component of the second element, `1:` are the restrictions of that element.
"""

from typing import Any

import pytest

from interplug.tariffs import lint
from tests.tariffs.build import element, tariff
from tests.tariffs.by_hand import energy, flat, parking, time

Said = tuple[str, str]
E = energy("0.30")
OTHER = energy("0.40")
WEEK = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
GAP = ("dimension_not_exhaustive", "/elements")


def of(excl: Any, incl: Any) -> dict[str, Any]:
    return {"excl_vat": excl, "incl_vat": incl}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def component(place: str, name: str = "") -> str:
    index, position = place.split(".")
    return f"/elements/{index}/price_components/{position}{name and '/' + name}"


def restriction(element: int, name: str = "") -> str:
    return f"/elements/{element}/restrictions{name and '/' + name}"


RESERVED, EXPIRED = {"reservation": "RESERVATION"}, {"reservation": "RESERVATION_EXPIRES"}
SOUND: dict[str, tuple[dict[str, Any], str]] = {
    "one price": (tariff(element(E)), "2.2.1"),
    "free": (tariff(element(flat(0, 0))), "2.2.1"),
    "day and night": (tariff(element(E, start_time="07:00", end_time="23:00"), element(OTHER)), "2.2.1"),
    "a window over midnight": (tariff(element(E, start_time="22:00", end_time="06:00"), element(OTHER)), "2.2.1"),
    "Friday until midnight": (tariff(element(E, start_time="22:00", end_time="00:00", day_of_week=["FRIDAY"]), element(OTHER)), "2.2.1"),
    "weekdays and weekends": (tariff(element(E, day_of_week=WEEK[:5]), element(OTHER, day_of_week=WEEK[5:])), "2.2.1"),
    "tiers": (tariff(element(E, max_kwh=10), element(OTHER, min_kwh=10, max_kwh=20), element(E, min_kwh=20)), "2.2.1"),
    "powers": (tariff(element(E, max_power=16), element(OTHER, max_power=32), element(energy(1))), "2.2.1"),
    "durations": (tariff(element(energy(0), max_duration=1800), element(E, max_duration=3600), element(OTHER)), "2.2.1"),
    "seasons": (tariff(element(E, start_date="2024-04-01", end_date="2024-10-01"), element(OTHER)), "2.2.1"),
    "a fee for staying": (tariff(element(flat(1), min_duration=3600), element(E)), "2.2.1"),
    "a reservation": (tariff(element(time(5, 60), **RESERVED), element(flat("0.5"), E)), "2.2.1"),
    "a fee for expiry": (tariff(element(flat(4), **EXPIRED), element(time(2, 600), **RESERVED), element(E)), "2.2.1"),
    "a time for expiry": (tariff(element(time(6, 600), **EXPIRED), element(time(3, 600), **RESERVED), element(E)), "2.2.1"),
    "a time step of one second": (tariff(element(time(3, 1), parking(5, 300))), "2.2.1"),
    "0 % is a rate": (tariff(element(energy(1, 1, 0))), "2.2.1"),
    "100 % is one": (tariff(element(energy(1, 1, 100))), "2.2.1"),
    "limits alike": (tariff(element(E), min_price=of(5, 5), max_price=of(5, 5)), "2.2.1"),
    "the owner in small letters": ({**tariff(element(E)), "country_code": "nl"}, "2.2.1"),
    "2.3.0": (tariff(element(energy("0.5", 1, 21)), tax_included="YES"), "2.3.0"),
    "2.3.0, nothing to tax": (tariff(element(E), tax_included="N/A"), "2.3.0"),
    "2.1.1": (without(tariff(element(flat(1)), element(E)), "country_code", "party_id"), "2.1.1"),
    "every field": (
        tariff(
            element(E),
            type="REGULAR",
            tariff_alt_text=[{"language": "en", "text": "cheap"}],
            tariff_alt_url="https://example.com",
            min_price=of(1, 2),
            max_price=of(9, 10),
            start_date_time="2024-01-01T00:00:00Z",
            end_date_time="2025-01-01T00:00:00Z",
            energy_mix={"is_green_energy": True},
        ),
        "2.2.1",
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound(name: str) -> None:
    document, version = SOUND[name]
    assert lint(document, version=version) == []


BEFORE, AFTER = {"start_date_time": "2024-02-01T00:00:00Z"}, "2024-01-01T00:00:00Z"
STEP, VAT = "step_size", "vat"
ODD: list[tuple[str, dict[str, Any], list[Said]]] = [
    (
        "hidden by one",
        tariff(element(E), element(OTHER, start_time="08:00", end_time="10:00")),
        [("component_unreachable", component("1.0"))],
    ),
    (
        "hidden by two",
        tariff(element(E, start_time="08:00", end_time="20:00"), element(OTHER, start_time="20:00", end_time="08:00"), element(E)),
        [("component_unreachable", component("2.0"))],
    ),
    (
        "hidden by two that overlap",
        tariff(element(E, max_kwh=10), element(OTHER, min_kwh=5), element(E, day_of_week=["MONDAY"])),
        [("component_unreachable", component("2.0"))],
    ),
    ("one of two hidden", tariff(element(E), element(OTHER, time(1))), [("component_unreachable", component("1.0"))]),
    (
        "hidden in a reservation",
        tariff(element(time(1), **RESERVED), element(time(2), **RESERVED), element(E)),
        [("component_unreachable", component("1.0"))],
    ),
    ("no price at night", tariff(element(E, start_time="07:00", end_time="23:00")), [GAP]),
    ("no price between 10 and 11", tariff(element(E, max_kwh=10), element(OTHER, min_kwh=11)), [GAP]),
    ("no price before a date", tariff(element(E, start_date="2024-01-01")), [GAP]),
    ("parking on Mondays", tariff(element(parking(1), day_of_week=["MONDAY"]), element(E)), [GAP]),
    (
        "a minute before midnight",
        tariff(element(E, start_time="00:00", end_time="23:59")),
        [GAP, ("end_time_gap", restriction(0, "end_time"))],
    ),
    (
        "a minute at six",
        tariff(element(E, start_time="08:00", end_time="17:59"), element(OTHER, start_time="18:00", end_time="08:00")),
        [GAP, ("end_time_gap", restriction(0, "end_time"))],
    ),
    ("a minute at another price", tariff(element(E, start_time="08:00", end_time="23:59"), element(OTHER)), []),
    ("an hour and a minute", tariff(element(E, start_time="00:00", end_time="22:59")), [GAP]),
    ("minimum at the maximum", tariff(element(E, min_kwh=10, max_kwh=10), element(OTHER)), [("restriction_impossible", restriction(0))]),
    ("a maximum of nothing", tariff(element(E, max_kwh=0), element(OTHER)), [("restriction_impossible", restriction(0))]),
    ("powers crossed", tariff(element(E, min_power=20, max_power=10), element(OTHER)), [("restriction_impossible", restriction(0))]),
    ("currents crossed", tariff(element(E, min_current=20, max_current=20), element(OTHER)), [("restriction_impossible", restriction(0))]),
    (
        "a Monday that is no Sunday",
        tariff(element(E, start_date="2024-01-15", end_date="2024-01-16", day_of_week=["SUNDAY"]), element(OTHER)),
        [("restriction_impossible", restriction(0))],
    ),
    ("0 kWh or more", tariff(element(E, min_kwh=0)), [("restriction_without_effect", restriction(0, "min_kwh"))]),
    ("0 s or more", tariff(element(E, min_duration=0)), [("restriction_without_effect", restriction(0, "min_duration"))]),
    ("0 A or more", tariff(element(E, min_current=0)), [("restriction_without_effect", restriction(0, "min_current"))]),
    ("all days", tariff(element(E, day_of_week=WEEK)), [("restriction_without_effect", restriction(0, "day_of_week"))]),
    (
        "all hours",
        tariff(element(E, start_time="00:00", end_time="00:00")),
        [("restriction_without_effect", restriction(0, name)) for name in ("start_time", "end_time")],
    ),
    ("until midnight", tariff(element(E, end_time="00:00")), [("restriction_without_effect", restriction(0, "end_time"))]),
    (
        "Friday night",
        tariff(element(E, start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"]), element(OTHER)),
        [("wrapping_window_with_day", restriction(0))],
    ),
    (
        "all nights",
        tariff(element(E, start_time="22:00", end_time="06:00", day_of_week=WEEK), element(OTHER)),
        [("restriction_without_effect", restriction(0, "day_of_week"))],
    ),
    ("two prices", tariff(element(E, OTHER, E)), [("duplicate_dimension", component("0.1")), ("duplicate_dimension", component("0.2"))]),
    ("a fee with a step", tariff(element(flat(1, 300))), [("flat_step_size", component("0.0", STEP))]),
    ("no step", tariff(element(energy(1, 0))), [("zero_step_size", component("0.0", STEP))]),
    ("a step for nothing", tariff(element(time(3, 60), parking(5, 300))), [("time_step_unused", component("0.0", STEP))]),
    (
        "a step for nothing, though parking is free by night",
        tariff(element(time(3, 60)), element(parking(5, 300), start_time="08:00", end_time="20:00"), element(parking(0))),
        [("time_step_unused", component("0.0", STEP))],
    ),
    (
        "a step where parking has no price by night",
        tariff(element(time(3, 60)), element(parking(5, 300), start_time="08:00", end_time="20:00")),
        [GAP],
    ),
    ("energy reserved", tariff(element(E, **RESERVED), element(OTHER)), [("reservation_dimension", component("0.0"))]),
    ("parking reserved", tariff(element(parking(1), time(1), **EXPIRED), element(E)), [("reservation_dimension", component("0.0"))]),
    ("limits crossed", tariff(element(E), min_price=of(6, 7), max_price=of(5, 8)), [("price_limits_cross", "/min_price")]),
    ("crossed after tax", tariff(element(E), min_price=of(4, 9), max_price=of(5, 8)), [("price_limits_cross", "/min_price")]),
    ("a limit turned", tariff(element(E), max_price=of(5, 4)), [("limit_incl_below_excl", "/max_price")]),
    ("7 % as a fraction", tariff(element(energy(1, 1, "0.07"))), [("vat_suspicious", component("0.0", VAT))]),
    ("a rate below nothing", tariff(element(energy(1, 1, -5))), [("vat_out_of_range", component("0.0", VAT))]),
    ("a rate above all", tariff(element(energy(1, 1, 121))), [("vat_out_of_range", component("0.0", VAT))]),
    ("no step said", tariff(element({"type": "ENERGY", "price": 1})), [("missing_required_field", component("0.0", STEP))]),
    ("no owner", without(tariff(element(E)), "country_code"), [("missing_required_field", "/country_code")]),
    ("a currency of null", {**tariff(element(E)), "currency": None}, [("missing_required_field", "/currency")]),
    ("half a limit", tariff(element(E), min_price={"incl_vat": 5}), [("missing_required_field", "/min_price/excl_vat")]),
    (
        "nulls",
        tariff({**element({**E, "vat": None}), "restrictions": None}, tariff_alt_url=None),
        [("null_field", component("0.0", VAT)), ("null_field", "/elements/0/restrictions"), ("null_field", "/tariff_alt_url")],
    ),
    ("a field of 2.3.0", tariff(element(E), tax_included="NO"), [("unknown_field", "/tax_included")]),
    ("an owner of three letters", {**tariff(element(E)), "country_code": "NLD"}, [("country_code_alpha2", "/country_code")]),
    ("a small currency", tariff(element(E), currency="eur"), [("currency_case", "/currency")]),
    ("over before it begins", tariff(element(E), **BEFORE, end_date_time=AFTER), [("validity_empty", "/end_date_time")]),
    ("over as it begins", tariff(element(E), **BEFORE, end_date_time=BEFORE["start_date_time"]), [("validity_empty", "/end_date_time")]),
]


@pytest.mark.parametrize(("document", "said"), [pytest.param(document, said, id=name) for name, document, said in ODD])
def test_what_is_odd(document: dict[str, Any], said: list[Said]) -> None:
    assert sorted((finding.code, finding.path) for finding in lint(document, version="2.2.1")) == sorted(said)


@pytest.mark.parametrize(
    ("document", "version", "said"),
    [
        (tariff(element(energy(1, 1, 21)), tax_included="N/A"), "2.3.0", ("tax_rate_without_tax", component("0.0", VAT))),
        (tariff(element(E)), "2.3.0", ("missing_required_field", "/tax_included")),
        (
            tariff(element(E), tax_included="NO", min_price={"after_taxes": 5}),
            "2.3.0",
            ("missing_required_field", "/min_price/before_taxes"),
        ),
        (
            tariff(element(E), tax_included="NO", min_price={"before_taxes": 1, "excl_vat": 1}),
            "2.3.0",
            ("unknown_field", "/min_price/excl_vat"),
        ),
        (tariff(element(E, min_current=1), element(OTHER)), "2.1.1", ("unknown_field", restriction(0, "min_current"))),
    ],
)
def test_what_is_odd_in_one_version(document: dict[str, Any], version: str, said: Said) -> None:
    assert said in {(finding.code, finding.path) for finding in lint(document, version=version)}


def test_nothing_at_all() -> None:
    missing = ["/country_code", "/currency", "/elements", "/id", "/last_updated", "/party_id"]
    assert [(finding.code, finding.path) for finding in lint({}, version="2.2.1")] == [("missing_required_field", path) for path in missing]
