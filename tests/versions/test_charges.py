"""Tariffs, Sessions and CDRs between the versions: the bridging rules one by one."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.model.types import parse_time
from interplug.versions.chain import Facts, down, up
from tests.versions.documents import CDR, CONNECTOR, EVSE, LOCATION, SESSION, TARIFF, TOKEN, WHEN, priced
from tests.versions.views import said

OWNER = Facts(owner=("NL", "TST"))


# --- Tariffs ------------------------------------------------------------------------------------------------------------------------------


def prices(tariff: dict[str, Any]) -> list[Any]:
    return [component["price"] for element in tariff["elements"] for component in element["price_components"]]


def test_prices_with_tax_are_sent_net() -> None:
    view = said("tariff", {**TARIFF, "tax_included": "YES", "elements": [priced("0.30", 20)]}, "2.2.1")
    assert prices(view) == [Decimal("0.25")]
    assert "tax_included" not in view
    assert up("tariff", view, "2.2.1")["tax_included"] == "NO"


def test_prices_with_tax_of_an_unknown_rate_are_withheld() -> None:
    tariff = {**TARIFF, "tax_included": "YES", "elements": [priced("0.30")]}
    assert down("tariff", tariff, "2.2.1") is None
    assert down("tariff", tariff, "2.1.1") is None


def test_where_no_tax_applies_no_rate_is_sent() -> None:
    view = said("tariff", {**TARIFF, "tax_included": "N/A", "elements": [priced("0.30", 20)]}, "2.2.1")
    assert view["elements"] == [priced("0.30")]


@pytest.mark.req("TAR-028")
def test_limits_have_other_names() -> None:
    view = said("tariff", {**TARIFF, "min_price": {"before_taxes": 1, "after_taxes": 2}}, "2.2.1")
    assert view["min_price"] == {"excl_vat": 1, "incl_vat": 2}
    assert up("tariff", view, "2.2.1")["min_price"] == {"before_taxes": 1, "after_taxes": 2}


@pytest.mark.req("TAR-054")
@pytest.mark.parametrize(
    ("version", "restriction", "kept"),
    [
        ("2.2.1", {"reservation": "RESERVATION"}, True),
        ("2.2.1", {"booking": "BOOKING"}, False),
        ("2.2.1", {"max_vehicle_soc": 80}, False),
        ("2.2.1", {"booking": None}, True),
        ("2.1.1", {"reservation": "RESERVATION"}, False),
        ("2.1.1", {"min_current": 16}, False),
        ("2.1.1", {"min_power": 16}, True),
    ],
)
def test_an_element_with_an_unknown_restriction_never_becomes_unconditional(version: str, restriction: Any, kept: bool) -> None:
    tariff = {**TARIFF, "elements": [priced("0.10", **restriction), priced("0.20")]}
    expected = [Decimal("0.10"), Decimal("0.20")] if kept else [Decimal("0.20")]
    assert prices(said("tariff", tariff, version)) == expected


def test_a_tariff_that_would_lose_the_price_of_a_dimension_is_withheld() -> None:
    flat = {"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}]}
    assert down("tariff", {**TARIFF, "elements": [priced("0.10", min_current=16), flat]}, "2.1.1") is None
    assert down("tariff", {**TARIFF, "elements": [priced("0.10", reservation="RESERVATION")]}, "2.1.1") is None
    assert prices(said("tariff", {**TARIFF, "elements": [priced("0.10", reservation="RESERVATION"), flat]}, "2.1.1")) == [1]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, True),
        ({"type": "REGULAR"}, True),
        ({"type": "PROFILE_CHEAP"}, False),
        ({"start_date_time": "2024-06-02T00:00:00Z"}, False),
        ({"end_date_time": WHEN}, False),
        ({"end_date_time": "2024-06-02T00:00:00Z"}, True),
    ],
)
def test_2_1_1_sees_regular_tariffs_while_they_are_valid(change: dict[str, Any], shown: bool) -> None:
    view = down("tariff", {**TARIFF, **change}, "2.1.1", Facts(now=parse_time(WHEN)))
    assert (view is not None) == shown


@pytest.mark.req("TAR-025", "TAR-034")
def test_a_tariff_of_2_1_1_has_no_owner_no_vat_and_no_validity() -> None:
    more = {
        "type": "REGULAR",
        "min_price": {"before_taxes": 1},
        "max_price": {"before_taxes": 9},
        "start_date_time": WHEN,
        "end_date_time": WHEN,
    }
    view = said("tariff", {**TARIFF, **more}, "2.1.1")
    assert view.keys() == {"id", "currency", "elements", "last_updated"}
    assert view["elements"] == [priced("0.25")]


def test_a_tariff_patch_of_2_1_1_brings_net_prices() -> None:
    patch = {"elements": [priced("0.10")]}
    assert up("tariff", patch, "2.1.1", patch=True) == {**patch, "tax_included": "NO"}
    assert up("tariff", {"currency": "SEK"}, "2.1.1", patch=True) == {"currency": "SEK"}


# --- Sessions and CDRs --------------------------------------------------------------------------------------------------------------------

KNOWN = Facts(owner=("NL", "TST"), location=LOCATION, token=TOKEN)


@pytest.mark.req("SES-040")
def test_taxes_become_one_sum_and_a_sum_becomes_one_tax() -> None:
    taxes = [{"name": "VAT", "amount": Decimal("0.10")}, {"name": "City", "amount": Decimal("0.05")}]
    view = said("session", {**SESSION, "total_cost": {"before_taxes": Decimal("0.5"), "taxes": taxes}}, "2.2.1")
    assert view["total_cost"] == {"excl_vat": Decimal("0.5"), "incl_vat": Decimal("0.65")}
    assert up("session", view, "2.2.1")["total_cost"] == {
        "before_taxes": Decimal("0.5"),
        "taxes": [{"name": "VAT", "amount": Decimal("0.15")}],
    }


def test_without_taxes_nothing_is_said_of_the_gross_amount() -> None:
    for price in ({"before_taxes": 1}, {"before_taxes": 1, "taxes": []}):
        assert said("session", {**SESSION, "total_cost": price}, "2.2.1")["total_cost"] == {"excl_vat": 1}


def test_where_no_tax_applies_net_is_gross() -> None:
    cdr = {**CDR, "total_cost": {"before_taxes": 1}, "tariffs": [{**TARIFF, "tax_included": "N/A"}]}
    assert said("cdr", cdr, "2.2.1")["total_cost"] == {"excl_vat": 1, "incl_vat": 1}


@pytest.mark.req("SES-040", "CDR-044")
def test_2_1_1_gets_the_net_number() -> None:
    assert said("session", SESSION, "2.1.1", KNOWN)["total_cost"] == Decimal("0.50")
    assert said("cdr", CDR, "2.1.1", KNOWN)["total_cost"] == Decimal("0.50")
    assert up("session", {"total_cost": 3}, "2.1.1", patch=True) == {"total_cost": {"before_taxes": 3}}


@pytest.mark.req("SES-042")
def test_a_session_of_2_1_1_holds_the_part_of_the_location_that_is_used() -> None:
    location = {
        **LOCATION,
        "publish": False,
        "evses": [{**EVSE, "uid": "E0"}, {**EVSE, "connectors": [CONNECTOR, {**CONNECTOR, "id": "2"}]}],
    }
    view = said("session", SESSION, "2.1.1", Facts(location=location))
    (evse,) = view["location"]["evses"]
    assert (view["location"]["id"], evse["uid"], [part["id"] for part in evse["connectors"]]) == ("L1", "E1", ["1"])
    assert view["location"]["type"] == "UNKNOWN"
    assert view.keys().isdisjoint({"location_id", "evse_uid", "connector_id", "cdr_token"})


def test_a_session_at_an_unknown_location_is_withheld_from_2_1_1() -> None:
    assert down("session", SESSION, "2.1.1") is None
    assert down("session", SESSION, "2.1.1", Facts(location={**LOCATION, "id": "L2"})) is None


@pytest.mark.req("SES-043")
def test_a_session_of_2_1_1_names_its_token_by_auth_id() -> None:
    view = said("session", SESSION, "2.1.1", KNOWN)
    assert view["auth_id"] == "DEEMPC00000001"
    assert up("session", view, "2.1.1", KNOWN)["cdr_token"] == SESSION["cdr_token"]
    stranger = up("session", view, "2.1.1", Facts(owner=("NL", "TST"), token_owner=("DE", "EMP")))
    assert stranger["cdr_token"] == {
        "country_code": "DE",
        "party_id": "EMP",
        "uid": "#NA",
        "type": "OTHER",
        "contract_id": "DEEMPC00000001",
    }


@pytest.mark.req("SES-041")
def test_a_session_of_2_1_1_is_understood() -> None:
    raised = up("session", said("session", SESSION, "2.1.1", KNOWN), "2.1.1", KNOWN)
    assert [raised[key] for key in ("country_code", "party_id", "location_id", "evse_uid", "connector_id")] == [
        "NL",
        "TST",
        "L1",
        "E1",
        "1",
    ]
    assert raised["start_date_time"] == WHEN


@pytest.mark.req("SES-006", "CDR-048")
@pytest.mark.parametrize(
    ("change", "expected"),
    [({"status": "RESERVATION"}, {"status": "PENDING"}), ({"auth_method": "COMMAND"}, {"auth_method": "AUTH_REQUEST"})],
)
def test_words_that_2_1_1_does_not_have(change: dict[str, Any], expected: dict[str, Any]) -> None:
    assert said("session", {**SESSION, **change}, "2.1.1", KNOWN).items() >= expected.items()


@pytest.mark.req("CDR-034")
def test_dimensions_that_2_1_1_does_not_have_are_dropped_and_none_left_is_energy_0() -> None:
    power = {"type": "MAX_POWER", "volume": 11}
    energy = {"type": "ENERGY", "volume": 1}
    period = {"start_date_time": WHEN, "dimensions": [energy, power], "tariff_id": "T1"}
    assert said("charging_period", period, "2.1.1") == {"start_date_time": WHEN, "dimensions": [energy]}
    assert said("charging_period", {**period, "dimensions": [power]}, "2.1.1")["dimensions"] == [{"type": "ENERGY", "volume": 0}]
    flat = {"start_date_time": WHEN, "dimensions": [{"type": "FLAT", "volume": 1}]}
    assert up("charging_period", flat, "2.1.1")["dimensions"] == [{"type": "ENERGY", "volume": 0}]


@pytest.mark.req("CDR-022")
def test_a_credit_cdr_and_an_overlong_id_are_withheld_from_2_1_1() -> None:
    assert down("cdr", {**CDR, "credit": True, "credit_reference_id": "C0"}, "2.1.1") is None
    assert down("cdr", {**CDR, "id": "x" * 39}, "2.1.1") is None


@pytest.mark.req("CDR-056", "CDR-045")
def test_the_place_of_a_cdr_is_a_location_in_2_1_1() -> None:
    view = said("cdr", CDR, "2.1.1", KNOWN)
    (evse,) = view["location"]["evses"]
    assert (evse["status"], evse["connectors"][0]["voltage"], view["location"]["postal_code"]) == ("AVAILABLE", 230, "-")
    unknown = said("cdr", CDR, "2.1.1")["location"]
    assert (unknown["type"], unknown["evses"][0]["status"], unknown["evses"][0]["connectors"][0]["voltage"]) == ("UNKNOWN", "UNKNOWN", 0)
    raised = up("cdr", view, "2.1.1", KNOWN)
    assert (raised["cdr_location"], raised["end_date_time"]) == (CDR["cdr_location"], CDR["end_date_time"])


def test_a_cdr_of_2_1_1_without_evse_id_says_so() -> None:
    view = said("cdr", CDR, "2.1.1", KNOWN)
    del view["location"]["evses"][0]["evse_id"]
    assert up("cdr", view, "2.1.1", KNOWN)["cdr_location"]["evse_id"] == "#NA"


@pytest.mark.parametrize(
    ("standard", "power_type", "expected"),
    [("MCS", "DC", "IEC_62196_T2_COMBO"), ("SAE_J3400", "DC", "TESLA_S"), ("OWN_PLUG", "AC_3_PHASE", "IEC_62196_T2")],
)
def test_a_cdr_is_not_held_back_for_the_name_of_a_plug(standard: str, power_type: str, expected: str) -> None:
    place = {**CDR["cdr_location"], "connector_standard": standard, "connector_power_type": power_type}
    assert said("cdr", {**CDR, "cdr_location": place}, "2.2.1")["cdr_location"]["connector_standard"] == expected


def test_a_cdr_keeps_the_tariff_that_was_charged_valid_or_not() -> None:
    cdr = {**CDR, "tariffs": [{**TARIFF, "type": "PROFILE_FAST", "end_date_time": "2020-01-01T00:00:00Z"}]}
    view = said("cdr", cdr, "2.1.1", Facts(now=parse_time(WHEN)))
    assert [tariff["id"] for tariff in view["tariffs"]] == ["T1"]
    assert up("cdr", view, "2.1.1", OWNER)["tariffs"][0].items() >= {"party_id": "TST", "tax_included": "NO"}.items()
