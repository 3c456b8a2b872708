"""What normalize tidies, what it leaves to the owner, and that no price ever changes."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.tariffs import lint, normalize, price
from interplug.tariffs.compiled import compile_tariff
from interplug.tariffs.same import same_prices
from tests.tariffs.build import component, element, tariff
from tests.tariffs.test_properties import ZONE, sessions, tariffs, totals

PRICE, OTHER = component("ENERGY", "0.30"), component("ENERGY", "0.20")


@pytest.mark.parametrize(
    ("untidy", "tidy"),
    [
        (tariff(element(PRICE, min_kwh=0)), tariff(element(PRICE))),
        (tariff(element(PRICE, start_time="08:00", end_time="08:00")), tariff(element(PRICE))),
        (tariff(element(PRICE, OTHER)), tariff(element(PRICE))),
        (tariff(element(PRICE), element(OTHER)), tariff(element(PRICE))),
        (tariff(element(PRICE), element(component("TIME", 1), OTHER)), tariff(element(PRICE), element(component("TIME", 1)))),
        (tariff(element(component("FLAT", 1, 5))), tariff(element(component("FLAT", 1, 1)))),
        (tariff(element(PRICE), currency="eur", min_price=None), tariff(element(PRICE))),
    ],
)
def test_what_says_nothing_is_taken_away(untidy: dict[str, Any], tidy: dict[str, Any]) -> None:
    found = normalize(untidy, version="2.2.1")
    assert found.document == tidy and found.refused == () and lint(found.document, version="2.2.1") == []


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (tariff(element(component("ENERGY", 1, 1, "0.21"))), "vat_suspicious"),
        (tariff(element(PRICE, start_time="00:00", end_time="23:59")), "end_time_gap"),
        (tariff(element(component("ENERGY", 1, 0))), "zero_step_size"),
        # A period whose power ranges over the limit matches neither of the first two.
        (tariff(element(PRICE, max_power=50), element(PRICE, min_power=50), element(OTHER)), "component_unreachable"),
        # With its only rate gone, the taxes of 2.3.0 would no longer be known.
        (tariff(element(PRICE), element(component("ENERGY", 1, 1, 21)), tax_included="NO"), "component_unreachable"),
    ],
)
def test_what_changes_a_price_is_left_to_the_owner(document: dict[str, Any], code: str) -> None:
    found = normalize(document, version="2.3.0" if "tax_included" in document else "2.2.1")
    assert found.document == document and [finding.code for finding in found.refused] == [code] and found.applied == ()


def test_a_power_that_nobody_knows_is_none() -> None:
    """A period without energy and power is no period of 0 kW or more: the second element prices it."""
    document = tariff(element(component("TIME", 1), min_power=0), element(component("TIME", 9)))
    found = normalize(document, version="2.2.1")
    assert found.document == document
    assert {finding.code for finding in found.refused} == {"restriction_without_effect", "component_unreachable"}


def test_the_tariff_given_is_not_touched_and_a_broken_one_comes_back() -> None:
    untidy = tariff(element(PRICE, min_kwh=0))
    kept = copy.deepcopy(untidy)
    normalize(untidy, version="2.2.1")
    assert untidy == kept
    broken = tariff(element({"type": "ENERGY", "price": "much"}))
    assert normalize(broken, version="2.2.1").document == broken


@st.composite
def untidy_tariffs(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(tariffs())
    for _ in range(draw(st.integers(1, 5))):
        entry = draw(st.sampled_from(found["elements"]))
        said = entry.setdefault("restrictions", {})
        untidiness = draw(st.integers(0, 6))
        if untidiness == 0:
            entry["price_components"].append(component(draw(st.sampled_from(["ENERGY", "TIME"])), draw(st.integers(0, 3))))
        elif untidiness == 1:
            said.setdefault(draw(st.sampled_from(["min_kwh", "min_duration", "min_power"])), 0)
        elif untidiness == 2:
            said["start_time"] = said["end_time"] = draw(st.sampled_from(["00:00", "09:30"]))
        elif untidiness == 3:
            found["elements"].append(copy.deepcopy(entry))
        elif untidiness == 4:
            entry["price_components"][0]["step_size"] = draw(st.sampled_from([0, 7]))
        elif untidiness == 5:
            said[draw(st.sampled_from(["max_kwh", "end_date", "reservation"]))] = None
        else:
            found["elements"].insert(0, element(draw(st.sampled_from([PRICE, OTHER]))))
    return found


@settings(max_examples=60)
@given(document=untidy_tariffs(), taken=st.lists(sessions(), min_size=1, max_size=3))
def test_no_session_changes_its_price(document: dict[str, Any], taken: list[dict[str, Any]]) -> None:
    found = normalize(document, version="2.2.1")
    for session in taken:
        first, second = (price(session, [each], version="2.2.1", timezone=ZONE) for each in (document, found.document))
        assert totals(first) == totals(second)
    assert not {finding.code for finding in lint(found.document, version="2.2.1")} & {"null_field", "duplicate_dimension"}


@settings(max_examples=40)
@given(one=tariffs(), other=tariffs(), session=sessions())
def test_what_is_proven_equal_is_equal(one: dict[str, Any], other: dict[str, Any], session: dict[str, Any]) -> None:
    if same_prices(compile_tariff(one, "2.2.1"), compile_tariff(other, "2.2.1")):
        first, second = (price(session, [each], version="2.2.1", timezone=ZONE) for each in (one, other))
        assert totals(first) == totals(second)
    assert same_prices(compile_tariff(one, "2.2.1"), compile_tariff(copy.deepcopy(one), "2.2.1"))
