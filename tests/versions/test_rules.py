"""The bridging rules one by one: what a partner of an older version is told, and what is understood of what it says."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.model.types import parse_time
from interplug.versions.chain import KINDS, NO_FACTS, REMOVE, Facts, down, needs, same, up
from interplug.versions.table import NEWEST, VERSIONS, best
from tests.versions.documents import (
    CDR,
    CONNECTOR,
    EVSE,
    LOCATION,
    LOCATION_211,
    SESSION,
    TARIFF,
    TOKEN,
    WHEN,
    priced,
)

OWNER = Facts(owner=("NL", "TST"))


def said(kind: str, document: dict[str, Any], version: str, facts: Facts = NO_FACTS, *, patch: bool = False) -> dict[str, Any]:
    view = down(kind, document, version, facts, patch=patch)
    assert view is not None
    return view


def test_the_newest_form_is_never_touched() -> None:
    assert all(down(kind, LOCATION, NEWEST) is LOCATION and up(kind, LOCATION, NEWEST) is LOCATION for kind in KINDS)
    assert same("location", LOCATION, NEWEST)


def test_what_needs_no_change_is_the_same_document() -> None:
    assert down("location", LOCATION, "2.2.1") is LOCATION
    assert same("location", LOCATION, "2.2.1")
    assert not same("location", {**LOCATION, "help_phone": "+31"}, "2.2.1")
    assert not same("location", LOCATION, "2.1.1")


def test_what_depends_on_facts_is_never_the_same() -> None:
    assert "location" in needs("session", "2.1.1")
    assert needs("location", "2.2.1") == frozenset()
    assert "owner" in needs("location", "2.1.1", upward=True)
    assert all(needs(kind, NEWEST) == frozenset() for kind in KINDS)


def test_versions_are_chosen_from_the_newest() -> None:
    assert list(VERSIONS) == ["2.3.0", "2.2.1", "2.1.1"]
    assert best(["2.0", "2.1.1", "2.2.1"]) == "2.2.1"
    assert best(["2.0"]) is None


# --- Locations ----------------------------------------------------------------------------------------------------------------------------


def test_a_location_that_must_not_be_shown_is_withheld_from_2_1_1() -> None:
    private = {**LOCATION, "publish": False}
    assert down("location", private, "2.1.1") is None
    assert said("location", private, "2.2.1")["publish"] is False


@pytest.mark.parametrize(
    ("parking_type", "in_221", "in_211"),
    [
        (None, None, "UNKNOWN"),
        ("ON_STREET", "ON_STREET", "ON_STREET"),
        ("ON_DRIVEWAY", "ON_DRIVEWAY", "OTHER"),
        ("ALONG_MOTORWAY", "ALONG_MOTORWAY", "OTHER"),
        ("HARBOUR", None, "OTHER"),
    ],
)
def test_parking_types(parking_type: str | None, in_221: str | None, in_211: str) -> None:
    location = {**LOCATION, "parking_type": parking_type}
    assert said("location", location, "2.2.1").get("parking_type") == in_221
    assert said("location", location, "2.1.1")["type"] == in_211


def test_fields_that_2_1_1_requires_are_filled_in_whole_objects_alone() -> None:
    facts = Facts(postal_code_filler="0000")
    assert said("location", LOCATION, "2.1.1", facts)["postal_code"] == "0000"
    assert said("location", {"name": "New"}, "2.1.1", facts, patch=True) == {"name": "New"}
    taken_away = {"postal_code": REMOVE, "parking_type": REMOVE}
    assert said("location", taken_away, "2.1.1", facts, patch=True) == {"postal_code": "0000", "type": "UNKNOWN"}


def test_a_filler_that_comes_back_is_no_postal_code() -> None:
    assert "postal_code" not in up("location", {**LOCATION_211, "postal_code": "-"}, "2.1.1", OWNER)
    assert up("location", {"postal_code": "-", "type": "UNKNOWN"}, "2.1.1", OWNER, patch=True) == {
        "postal_code": REMOVE,
        "parking_type": REMOVE,
    }


def test_a_location_of_2_1_1_gets_an_owner_and_a_time_zone() -> None:
    raised = up("location", LOCATION_211, "2.1.1", OWNER)
    assert (raised["country_code"], raised["party_id"], raised["publish"]) == ("NL", "TST", True)
    assert raised["time_zone"] == "Europe/Amsterdam"
    told = up("location", LOCATION_211, "2.1.1", Facts(owner=("NL", "TST"), time_zone="America/Kralendijk"))
    assert told["time_zone"] == "America/Kralendijk"


@pytest.mark.req("LOC-054")
@pytest.mark.parametrize(
    ("stored", "sent"),
    [("52.0907", "52.090700"), ("5.12140", "5.121400"), ("-0.1234567", "-0.123457"), ("52.090700", "52.090700")],
)
def test_2_1_1_gets_six_decimals(stored: str, sent: str) -> None:
    location = {**LOCATION, "coordinates": {"latitude": stored, "longitude": stored}}
    assert said("location", location, "2.1.1")["coordinates"] == {"latitude": sent, "longitude": sent}


@pytest.mark.req("LOC-053")
def test_seven_decimals_are_cut_where_they_do_not_fit() -> None:
    far = {"latitude": "-12.1234567", "longitude": "-123.1234567"}
    assert said("evse", {**EVSE, "coordinates": far}, "2.2.1")["coordinates"] == {"latitude": "-12.123457", "longitude": "-123.123457"}


@pytest.mark.req("TYP-005")
def test_text_for_2_1_1_is_printable_ascii() -> None:
    location = {**LOCATION, "name": "Łódź – Straße", "city": "Αθήνα", "address": "Tab\there", "operator": {"name": "Å" * 100}}
    view = said("location", location, "2.1.1")
    assert (view["name"], view["city"], view["address"]) == ("Lodz - Strasse", "Athina", "Tab here")
    assert view["operator"]["name"] == "A" * 100


def test_an_address_is_cut_and_a_state_dropped() -> None:
    view = said("location", {**LOCATION, "address": "x" * 50, "state": "UT"}, "2.1.1")
    assert view["address"] == "x" * 45
    assert "state" not in view


@pytest.mark.req("LOC-057")
@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"twentyfourseven": True}, {"twentyfourseven": True}),
        ({"twentyfourseven": False, "regular_hours": [1]}, {"regular_hours": [1]}),
    ],
)
def test_hours(newer: dict[str, Any], older: dict[str, Any]) -> None:
    assert said("location", {**LOCATION, "opening_times": newer}, "2.1.1")["opening_times"] == older
    assert up("location", {**LOCATION_211, "opening_times": older}, "2.1.1", OWNER)["opening_times"] == newer


def test_environmental_impact_has_another_key() -> None:
    mix = {"is_green_energy": True, "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 5}]}
    view = said("location", {**LOCATION, "energy_mix": mix}, "2.1.1")
    assert view["energy_mix"]["environ_impact"] == [{"source": "CARBON_DIOXIDE", "amount": 5}]
    assert up("location", view, "2.1.1", OWNER)["energy_mix"] == mix


# --- EVSEs and Connectors -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standard", "in_221", "in_211"),
    [("IEC_62196_T2", True, True), ("CHAOJI", True, False), ("MCS", False, False), ("SAE_J3400", False, False), ("OWN_PLUG", False, False)],
)
def test_a_connector_without_a_name_is_left_out(standard: str, in_221: bool, in_211: bool) -> None:
    evse = {**EVSE, "connectors": [CONNECTOR, {**CONNECTOR, "id": "2", "standard": standard}]}
    assert len(said("evse", evse, "2.2.1")["connectors"]) == 1 + in_221
    assert len(said("evse", evse, "2.1.1")["connectors"]) == 1 + in_211


def test_an_evse_without_connectors_is_left_out_and_its_location_stays() -> None:
    location = {**LOCATION, "evses": [{**EVSE, "connectors": [{**CONNECTOR, "standard": "MCS"}]}]}
    assert said("location", location, "2.2.1")["evses"] == []
    assert down("evse", location["evses"][0], "2.2.1") is None


def test_sae_j3400_becomes_tesla_s_only_by_configuration() -> None:
    connector = {**CONNECTOR, "standard": "SAE_J3400"}
    assert down("connector", connector, "2.2.1") is None
    assert said("connector", connector, "2.2.1", Facts(sae_j3400_as_tesla_s=True))["standard"] == "TESLA_S"


def test_connector_fields_of_2_1_1() -> None:
    connector = {**CONNECTOR, "power_type": "AC_2_PHASE_SPLIT", "max_electric_power": 7000, "tariff_ids": ["T1"]}
    view = said("connector", connector, "2.1.1")
    assert (view["voltage"], view["amperage"], view["tariff_id"], view["power_type"]) == (230, 32, "T1", "AC_1_PHASE")
    assert view.keys().isdisjoint({"max_voltage", "max_amperage", "max_electric_power", "tariff_ids"})
    assert up("connector", {"tariff_id": "T2"}, "2.1.1", patch=True) == {"tariff_ids": ["T2"]}


TARIFFS = {
    "HAPPY": {**TARIFF, "type": "AD_HOC_PAYMENT"},
    "OLD": {**TARIFF, "end_date_time": "2024-01-01T00:00:00Z"},
    "NOW": {**TARIFF, "type": "REGULAR"},
}


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        (["HAPPY", "OLD", "NOW"], "NOW"),
        (["ELSEWHERE", "NOW"], "NOW"),
        (["ELSEWHERE", "OTHER"], "ELSEWHERE"),
        (["HAPPY", "OLD"], None),
        ([], None),
    ],
)
def test_of_several_tariffs_2_1_1_sees_the_regular_one_that_is_valid(ids: list[str], chosen: str | None) -> None:
    facts = Facts(tariffs=TARIFFS, now=parse_time(WHEN))
    assert said("connector", {**CONNECTOR, "tariff_ids": ids}, "2.1.1", facts).get("tariff_id") == chosen


def test_remote_start_is_hidden_where_the_connector_would_have_to_be_named() -> None:
    asking = {**EVSE, "capabilities": ["REMOTE_START_STOP_CAPABLE", "START_SESSION_CONNECTOR_REQUIRED"]}
    two = {**asking, "connectors": [CONNECTOR, {**CONNECTOR, "id": "2"}]}
    assert said("evse", two, "2.1.1")["capabilities"] == []
    assert said("evse", asking, "2.1.1")["capabilities"] == ["REMOTE_START_STOP_CAPABLE"]


def test_newer_capabilities_and_restrictions_are_dropped() -> None:
    evse = {**EVSE, "capabilities": ["RFID_READER", "PED_TERMINAL", "DANCE"], "parking_restrictions": ["EV_ONLY", "TAXIS"], "parking": []}
    newer, older = said("evse", evse, "2.2.1"), said("evse", evse, "2.1.1")
    assert (newer["capabilities"], older["capabilities"]) == (["RFID_READER", "PED_TERMINAL"], ["RFID_READER"])
    assert newer["parking_restrictions"] == older["parking_restrictions"] == ["EV_ONLY"]
    assert "parking" not in newer


def test_a_status_patch_is_the_same_in_every_version() -> None:
    patch = {"status": "CHARGING", "last_updated": WHEN}
    assert all(down("evse", patch, version, patch=True) == patch == up("evse", patch, version, patch=True) for version in VERSIONS)


@pytest.mark.req("TYP-009")
def test_2_1_1_gets_whole_seconds() -> None:
    assert said("evse", {**EVSE, "last_updated": "2024-06-01T12:00:00.999Z"}, "2.1.1")["last_updated"] == WHEN
    assert said("evse", {**EVSE, "last_updated": "2024-06-01T12:00:00.999Z"}, "2.2.1")["last_updated"] == "2024-06-01T12:00:00.999Z"


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


# --- Tokens and authorisations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "in_221", "in_211"),
    [
        ("RFID", "RFID", "RFID"),
        ("APP_USER", "APP_USER", "OTHER"),
        ("AD_HOC_USER", "AD_HOC_USER", "OTHER"),
        ("EMAID", "OTHER", "OTHER"),
        ("VOICE", "OTHER", "OTHER"),
    ],
)
def test_token_types_go_down_and_come_back_for_who_remembers(type: str, in_221: str, in_211: str) -> None:
    token = {**TOKEN, "type": type}
    for version, expected in (("2.2.1", in_221), ("2.1.1", in_211)):
        view = said("token", token, version)
        assert view["type"] == expected
        assert up("token", view, version, Facts(owner=("DE", "EMP"), token=token)) == token


def test_a_token_of_2_1_1_has_an_auth_id_and_no_owner() -> None:
    view = said("token", {**TOKEN, "group_id": "G"}, "2.1.1")
    assert view["auth_id"] == TOKEN["contract_id"]
    assert view.keys().isdisjoint({"country_code", "party_id", "contract_id", "group_id"})


def test_an_authorisation_of_2_1_1_gets_the_token_that_was_asked_about() -> None:
    answer = {"allowed": "ALLOWED"}
    assert up("authorization_info", answer, "2.1.1", Facts(token=TOKEN))["token"] == TOKEN
    unknown = up("authorization_info", answer, "2.1.1", Facts(owner=("DE", "EMP"), now=parse_time(WHEN)))["token"]
    assert (unknown["uid"], unknown["type"], unknown["contract_id"], unknown["issuer"]) == ("#NA", "OTHER", "#NA", "#NA")
    assert (unknown["valid"], unknown["last_updated"]) == (True, WHEN)
    assert said("authorization_info", {**answer, "token": TOKEN, "authorization_reference": "R"}, "2.1.1") == answer


# --- Commands -----------------------------------------------------------------------------------------------------------------------------

START = {"response_url": "https://example.com/r", "token": TOKEN, "location_id": "L1", "evse_uid": "E1", "connector_id": "1"}


def test_start_session_loses_its_connector_and_finds_the_single_one() -> None:
    view = said("start_session", START, "2.1.1")
    assert "connector_id" not in view
    asking = {**LOCATION, "evses": [{**EVSE, "capabilities": ["START_SESSION_CONNECTOR_REQUIRED"]}]}
    assert up("start_session", view, "2.1.1", Facts(owner=("DE", "EMP"), location=asking)) == START
    assert "connector_id" not in up("start_session", view, "2.1.1", Facts(owner=("DE", "EMP"), location=LOCATION))


@pytest.mark.req("CMD-037")
def test_reservations_are_counted_in_2_1_1() -> None:
    order = {"response_url": "https://example.com/r", "token": TOKEN, "expiry_date": WHEN, "reservation_id": "R1", "location_id": "L1"}
    assert down("reserve_now", order, "2.1.1") is None
    view = said("reserve_now", order, "2.1.1", Facts(reservation_number=17))
    assert view["reservation_id"] == 17
    assert up("reserve_now", view, "2.1.1", OWNER)["reservation_id"] == "17"
    assert up("reserve_now", view, "2.1.1", Facts(reservation_id="R1"))["reservation_id"] == "R1"
    assert said("reserve_now", {**order, "reservation_id": "23"}, "2.1.1")["reservation_id"] == 23


def test_2_1_1_cannot_cancel_a_reservation() -> None:
    assert down("cancel_reservation", {"response_url": "https://example.com", "reservation_id": "1"}, "2.1.1") is None


@pytest.mark.parametrize(
    ("result", "in_211"),
    [
        ("ACCEPTED", "ACCEPTED"),
        ("FAILED", "REJECTED"),
        ("EVSE_OCCUPIED", "REJECTED"),
        ("EVSE_INOPERATIVE", "REJECTED"),
        ("UNKNOWN_RESERVATION", "REJECTED"),
        ("CANCELED_RESERVATION", "REJECTED"),
        ("TIMEOUT", "TIMEOUT"),
        ("NOT_SUPPORTED", "NOT_SUPPORTED"),
    ],
)
def test_command_results(result: str, in_211: str) -> None:
    assert said("command_result", {"result": result, "message": []}, "2.1.1") == {"result": in_211}


@pytest.mark.req("CMD-007")
def test_answers_to_commands_from_2_1_1() -> None:
    assert up("command_result", {"result": "UNKNOWN_SESSION"}, "2.1.1") == {"result": "FAILED"}
    assert up("command_response", {"result": "TIMEOUT"}, "2.1.1", Facts(command_timeout=45)) == {"result": "REJECTED", "timeout": 45}
    assert said("command_response", {"result": "ACCEPTED", "timeout": 30}, "2.1.1") == {"result": "ACCEPTED"}


# --- Credentials, version details, hub clients --------------------------------------------------------------------------------------------


def role(name: str, party: str) -> dict[str, Any]:
    return {"role": name, "country_code": "NL", "party_id": party, "business_details": {"name": f"{party} {name}"}}


CREDENTIALS = {
    "token": "secret",
    "url": "https://example.com/ocpi/versions",
    "roles": [role("CPO", "ABC"), role("EMSP", "ABC"), role("CPO", "DEF")],
}


@pytest.mark.req("CRD-034")
@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (NO_FACTS, "ABC CPO"),
        (Facts(owner=("nl", "def")), "DEF CPO"),
        (Facts(owner=("NL", "ABC"), role="EMSP"), "ABC EMSP"),
        (Facts(role="EMSP"), "ABC EMSP"),
        (Facts(owner=("XX", "YYY")), "ABC CPO"),
    ],
)
def test_2_1_1_sees_one_party(facts: Facts, name: str) -> None:
    view = said("credentials", CREDENTIALS, "2.1.1", facts)
    assert view["business_details"] == {"name": name}
    assert "roles" not in view


def test_a_party_of_2_1_1_has_the_role_that_is_known_of_it() -> None:
    view = said("credentials", CREDENTIALS, "2.1.1")
    assert up("credentials", view, "2.1.1", Facts(role="CPO"))["roles"] == [role("CPO", "ABC")]
    assert up("credentials", view, "2.1.1")["roles"][0]["role"] == "OTHER"


@pytest.mark.req("CRD-035", "CRD-038", "CRD-039")
def test_a_hub_presents_itself_by_a_role_in_2_2_1_and_by_its_id_in_2_3_0() -> None:
    hub = {**CREDENTIALS, "hub_party_id": "NLHUB", "roles": [role("OTHER", "HUB"), role("CPO", "ABC")]}
    view = said("credentials", hub, "2.2.1")
    assert view["roles"] == [{**role("OTHER", "HUB"), "role": "HUB"}]
    raised = up("credentials", view, "2.2.1")
    assert (raised["hub_party_id"], raised["roles"]) == ("NLHUB", [role("OTHER", "HUB")])
    nameless = said("credentials", {**hub, "roles": [role("CPO", "ABC")]}, "2.2.1")
    assert nameless["roles"][0]["business_details"] == {"name": "NLHUB"}


@pytest.mark.req("VER-005")
def test_2_1_1_lists_a_module_once_from_the_side_of_the_role() -> None:
    def endpoint(identifier: str, side: str) -> dict[str, Any]:
        return {"identifier": identifier, "role": side, "url": f"https://example.com/{identifier}/{side}"}

    both = [endpoint(module, side) for module in ("locations", "tokens", "hubclientinfo") for side in ("SENDER", "RECEIVER")]
    details = {"version": "2.3.0", "endpoints": [endpoint("credentials", "SENDER"), *both]}

    def urls(facts: Facts) -> list[str]:
        view = said("version_details", details, "2.1.1", facts)
        assert view["version"] == "2.1.1"
        assert all(entry.keys() == {"identifier", "url"} for entry in view["endpoints"])
        return [entry["url"].removeprefix("https://example.com/") for entry in view["endpoints"]]

    assert urls(Facts(role="CPO")) == ["credentials/SENDER", "locations/SENDER", "tokens/RECEIVER"]
    assert urls(Facts(role="EMSP")) == ["credentials/SENDER", "locations/RECEIVER", "tokens/SENDER"]


def test_endpoints_of_2_1_1_get_their_side() -> None:
    details = {"version": "2.1.1", "endpoints": [{"identifier": "locations", "url": "https://example.com/l"}]}
    sides = lambda facts: [entry["role"] for entry in up("version_details", details, "2.1.1", facts)["endpoints"]]  # noqa: E731
    assert sides(Facts(role="CPO")) == ["SENDER"]
    assert sides(Facts(role="EMSP")) == ["RECEIVER"]
    assert sides(NO_FACTS) == ["SENDER", "RECEIVER"]


def test_a_hub_client_is_never_told_to_2_1_1() -> None:
    client = {"country_code": "NL", "party_id": "ABC", "role": "HUB", "status": "CONNECTED", "last_updated": WHEN}
    assert down("client_info", client, "2.1.1") is None
    assert up("client_info", client, "2.2.1")["role"] == "OTHER"
