"""Locations, EVSEs and Connectors between the versions, and what holds for every kind: the bridging rules one by one."""

from typing import Any

import pytest

from interplug.model.types import parse_time
from interplug.versions.chain import KINDS, REMOVE, Facts, down, needs, same, up
from interplug.versions.table import NEWEST, VERSIONS, best
from tests.versions.documents import CONNECTOR, EVSE, LOCATION, LOCATION_211, TARIFF, WHEN
from tests.versions.views import said

OWNER = Facts(owner=("NL", "TST"))


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
