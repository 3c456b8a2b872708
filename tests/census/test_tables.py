"""The census tables hang together, what `strategy` makes passes `check`, and `check` finds what it is there to find."""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.census.tables import CARDINALITIES, KINDS, SCALARS, VERSIONS, check, is_open, object_of, strategy, table, values

EVERY_OBJECT = [(version, name) for version in VERSIONS for name in table(version).objects]

LOCATION: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "ABC",
    "id": "L1",
    "publish": True,
    "address": "Dam 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": {"latitude": "52.373100", "longitude": "4.892600"},
    "time_zone": "Europe/Amsterdam",
    "last_updated": "2024-01-01T00:00:00Z",
}
EVSE: dict[str, Any] = {
    "uid": "E1",
    "status": "AVAILABLE",
    "connectors": [
        {
            "id": "1",
            "standard": "IEC_62196_T2",
            "format": "SOCKET",
            "power_type": "AC_3_PHASE",
            "max_voltage": 230,
            "max_amperage": 32,
            "last_updated": "2024-01-01T00:00:00Z",
        }
    ],
    "last_updated": "2024-01-01T00:00:00Z",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_type_that_a_field_names_exists(version: str) -> None:
    facts = table(version)
    assert facts.version == version
    assert not facts.objects.keys() & facts.enums.keys()
    known = SCALARS | facts.objects.keys() | facts.enums.keys()
    assert {field.type for fields in facts.objects.values() for field in fields.values()} <= known


@pytest.mark.parametrize(("version", "name"), EVERY_OBJECT)
def test_every_row_is_sound(version: str, name: str) -> None:
    for field in table(version).objects[name].values():
        assert re.fullmatch("[a-z][a-z0-9_]*", field.name)
        assert field.card in CARDINALITIES
        assert (field.length is None) or (field.length > 0 and field.type in SCALARS)
        assert field.grammar is None or (re.compile(field.grammar) and field.type in ("string", "CiString"))
        assert (field.min is None and field.max is None) or field.type in ("int", "number")


@pytest.mark.parametrize("version", VERSIONS)
def test_enum_values_are_words_and_listed_once(version: str) -> None:
    for name, enum in table(version).enums.items():
        assert len(set(enum.values)) == len(enum.values) > 0, name
        assert all(re.fullmatch("[A-Za-z0-9_./]+", value) for value in enum.values), name
        assert set(enum.session_only) <= set(enum.values)


@pytest.mark.parametrize(("version", "name"), EVERY_OBJECT)
def test_what_strategy_makes_passes_check(version: str, name: str) -> None:
    @settings(max_examples=30, deadline=None, database=None)
    @given(strategy(version, name))
    def holds(document: dict[str, Any]) -> None:
        assert check(version, name, document, strict_fields=True) == []

    holds()


@settings(max_examples=50, deadline=None)
@given(strategy("2.3.0", "Connector", custom=True))
def test_open_enums_take_values_of_their_own(connector: dict[str, Any]) -> None:
    assert check("2.3.0", "Connector", connector) == []
    assert check("2.2.1", "Connector", connector | {"standard": "X_CUSTOM"}) == ["$.standard: 'X_CUSTOM' is not a ConnectorType of 2.2.1"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(EVERY_OBJECT).flatmap(lambda key: st.tuples(st.just(key), strategy(*key))), st.data())
def test_a_required_field_taken_away_or_null_is_found(case: tuple[tuple[str, str], dict[str, Any]], data: st.DataObject) -> None:
    (version, name), document = case
    required = [field.name for field in table(version).objects[name].values() if field.required]
    if not required:
        return
    gone = data.draw(st.sampled_from(required))
    without = {key: value for key, value in document.items() if key != gone}
    assert f"$.{gone}: required" in check(version, name, without)
    assert f"$.{gone}: required" in check(version, name, {**document, gone: None})
    assert f"$.{gone}: required" not in check(version, name, without, partial=True)


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        ({"id": "x" * 37}, "$.id: 37 characters, at most 36 allowed"),
        ({"id": "Größe"}, "$.id: not printable ASCII"),
        ({"id": 7}, "$.id: not a CiString"),
        ({"name": "two\nlines"}, "$.name: control character"),
        ({"publish": "true"}, "$.publish: not a boolean"),
        ({"last_updated": "2024-01-01T00:00:00+00:00"}, "$.last_updated: '2024-01-01T00:00:00+00:00' is not a UTC time"),
        ({"last_updated": "2024-02-30T00:00:00Z"}, "$.last_updated: '2024-02-30T00:00:00Z' is not a UTC time"),
        ({"last_updated": "2024-01-01T00:00:00.123456Z"}, "$.last_updated: 27 characters, at most 25 allowed"),
        ({"coordinates": {"latitude": "52.37", "longitude": "4.892600"}}, "$.coordinates.latitude: "),
        ({"time_zone": "Europe/Atlantis"}, "$.time_zone: "),
        ({"evses": {}}, "$.evses: not a list"),
        ({"evses": [{**EVSE, "connectors": []}]}, "$.evses[0].connectors: empty list"),
        ({"evses": [{**EVSE, "status": "BUSY"}]}, "$.evses[0].status: 'BUSY' is not a Status of 2.3.0"),
        ({"evses": [EVSE, EVSE]}, "$.evses: uid 'e1' twice"),
        ({"evses": [{**EVSE, "parking": [{"parking_id": "P"}]}]}, "$.evses[0].parking: 'P' is no parking place"),
        ({"publish_allowed_to": [{"group_id": "G"}]}, "$.publish_allowed_to: only with publish=false"),
        ({"publish": False, "publish_allowed_to": [{"uid": "U"}]}, "$.publish_allowed_to[0].type: needed beside uid"),
        ({"publish": False, "publish_allowed_to": [{}]}, "$.publish_allowed_to[0]: one of uid"),
        ({"opening_times": {"twentyfourseven": False}}, "$.opening_times.regular_hours: needed"),
        ({"operator": {"name": "A", "website": "no url"}}, "$.operator.website: 'no url' is not a URL"),
    ],
)
def test_each_kind_of_violation_is_named_with_its_path(change: dict[str, Any], violation: str) -> None:
    assert check("2.3.0", "Location", LOCATION) == []
    [found] = check("2.3.0", "Location", LOCATION | change)
    assert found.startswith(violation)


@pytest.mark.parametrize(
    "time", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.2Z", "2024-01-01T00:00:00.123", "2024-12-31T23:59:60Z"]
)
def test_times_of_the_newer_versions(time: str) -> None:
    assert check("2.2.1", "Location", LOCATION | {"last_updated": time}) == []


def test_2_1_1_has_ascii_texts_and_whole_seconds() -> None:
    text = {"language": "de", "text": "Größe"}
    assert check("2.2.1", "DisplayText", text) == []
    assert check("2.1.1", "DisplayText", text) == ["$.text: not printable ASCII"]
    period = {"period_begin": "2024-01-01T00:00:00.5Z", "status": "PLANNED"}
    assert check("2.2.1", "StatusSchedule", period) == []
    assert check("2.1.1", "StatusSchedule", period) == ["$.period_begin: '2024-01-01T00:00:00.5Z' has a fraction of a second"]


@pytest.mark.parametrize(
    ("number", "reasons"),
    [
        (1, []),
        (Decimal("1.2345"), []),
        (Decimal("1.23450"), []),
        (Decimal("1E+3"), []),
        (Decimal("1.23456"), ["$.volume: 1.23456 has more than 4 decimals"]),
        ("1.5", ["$.volume: not a number"]),
        (True, ["$.volume: not a number"]),
        (Decimal("NaN"), ["$.volume: not a finite number"]),
    ],
)
def test_numbers_are_json_numbers_with_up_to_four_decimals(number: object, reasons: list[str]) -> None:
    assert check("2.3.0", "CdrDimension", {"type": "ENERGY", "volume": number}) == reasons


def test_unknown_fields_count_only_when_asked() -> None:
    nested = deepcopy(LOCATION) | {"operator": {"name": "A", "vat_number": "1"}}
    assert check("2.2.1", "Location", nested) == []
    assert check("2.2.1", "Location", nested, strict_fields=True) == ["$.operator.vat_number: BusinessDetails of 2.2.1 has no such field"]


def test_hours_of_2_1_1_are_one_of_two() -> None:
    row = {"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}
    assert check("2.1.1", "Hours", {"twentyfourseven": True}) == []
    assert check("2.1.1", "Hours", {"regular_hours": [row]}) == []
    assert check("2.1.1", "Hours", {"twentyfourseven": False, "regular_hours": [row]}) == []
    assert check("2.1.1", "Hours", {}) == ["$.regular_hours: needed unless twentyfourseven=true"]
    assert check("2.2.1", "Hours", {"regular_hours": [row]}) == ["$.twentyfourseven: required"]
    assert check("2.2.1", "Hours", {"twentyfourseven": True, "regular_hours": [row]}) == [
        "$.regular_hours: only with twentyfourseven=false"
    ]


@settings(max_examples=30, deadline=None)
@given(strategy("2.2.1", "CDR"))
def test_a_credit_cdr_names_the_one_that_it_credits(cdr: dict[str, Any]) -> None:
    cdr = {key: value for key, value in cdr.items() if key != "credit_reference_id"} | {"credit": True}
    assert "$.credit_reference_id: needed in a credit CDR" in check("2.2.1", "CDR", cdr)


def test_dimensions_of_sessions_do_not_stand_in_cdrs() -> None:
    periods = [{"start_date_time": "2024-01-01T00:00:00Z", "dimensions": [{"type": "POWER", "volume": 11}]}]
    found = check("2.3.0", "CDR", {"charging_periods": periods})
    assert "$.charging_periods[0].dimensions: POWER is for Sessions only" in found


@settings(max_examples=20, deadline=None)
@given(strategy("2.1.1", "CDR"), strategy("2.1.1", "EVSE"))
def test_a_cdr_of_2_1_1_holds_only_the_evse_that_was_used(cdr: dict[str, Any], other: dict[str, Any]) -> None:
    [used] = cdr["location"]["evses"]
    assert len(used["connectors"]) == 1
    cdr["location"]["evses"] = [used, other | {"uid": "ANOTHER-ONE"}]
    assert check("2.1.1", "CDR", cdr) == ["$.location.evses: only the EVSE and the Connector that were used"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_name_objects_of_the_newest_version(kind: str, version: str) -> None:
    assert object_of("2.3.0", kind) == KINDS[kind]
    assert object_of(version, kind) in {None, *table(version).objects}


def test_2_1_1_answers_a_command_and_reports_its_result_with_one_object() -> None:
    assert object_of("2.1.1", "command_result") == "CommandResponse"
    assert object_of("2.1.1", "client_info") is None


SPOT_CHECKS = [
    # version, object, field: type, length, cardinality
    ("2.1.1", "Location", "id", "string", 39, "1"),
    ("2.1.1", "Location", "address", "string", 45, "1"),
    ("2.1.1", "Location", "postal_code", "string", 10, "1"),
    ("2.1.1", "Location", "type", "LocationType", None, "1"),
    ("2.1.1", "Connector", "tariff_id", "string", 36, "?"),
    ("2.1.1", "EnvironmentalImpact", "source", "EnvironmentalImpactCategory", None, "1"),
    ("2.1.1", "Session", "start_datetime", "DateTime", None, "1"),
    ("2.1.1", "CDR", "stop_date_time", "DateTime", None, "1"),
    ("2.1.1", "CDR", "id", "CiString", 36, "1"),
    ("2.1.1", "CDR", "total_cost", "number", None, "1"),
    ("2.1.1", "ReserveNow", "reservation_id", "int", None, "1"),
    ("2.1.1", "LocationReferences", "connector_ids", "string", 36, "*"),
    ("2.2.1", "Location", "time_zone", "string", 255, "1"),
    ("2.2.1", "Location", "address", "string", 255, "1"),
    ("2.2.1", "CdrLocation", "address", "string", 45, "1"),
    ("2.2.1", "CdrLocation", "state", "string", 20, "?"),
    ("2.2.1", "Connector", "tariff_ids", "CiString", 36, "*"),
    ("2.2.1", "CDR", "id", "CiString", 39, "1"),
    ("2.2.1", "CDR", "charging_periods", "ChargingPeriod", None, "+"),
    ("2.2.1", "Session", "charging_periods", "ChargingPeriod", None, "*"),
    ("2.2.1", "Tariff", "min_price", "Price", None, "?"),
    ("2.2.1", "Price", "incl_vat", "number", None, "?"),
    ("2.2.1", "SignedValue", "plain_data", "string", 5000, "1"),
    ("2.3.0", "Tariff", "min_price", "PriceLimit", None, "?"),
    ("2.3.0", "Tariff", "tax_included", "TaxIncluded", None, "1"),
    ("2.3.0", "Price", "taxes", "TaxAmount", None, "*"),
    ("2.3.0", "Credentials", "hub_party_id", "CiString", 5, "?"),
    ("2.3.0", "Location", "help_phone", "CiString", 25, "?"),
    ("2.3.0", "EVSE", "accepted_service_providers", "string", 50, "*"),
    ("2.3.0", "Parking", "vehicle_types", "VehicleType", None, "+"),
    ("2.3.0", "Parking", "apds_reference", "CiString", None, "?"),
]


@pytest.mark.parametrize(("version", "name", "field", "type_", "length", "card"), SPOT_CHECKS)
def test_known_facts(version: str, name: str, field: str, type_: str, length: int | None, card: str) -> None:
    row = table(version).objects[name][field]
    assert (row.type, row.length, row.card) == (type_, length, card)


def test_roles_of_the_versions() -> None:
    assert set(values("2.2.1", "Role")) == {"CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP"}
    assert set(values("2.3.0", "Role")) == set(values("2.2.1", "Role")) - {"HUB"} | {"PTP"}


def test_2_3_0_opens_thirteen_enums_and_older_versions_none_but_the_module_ids() -> None:
    opened = {name for name, enum in table("2.3.0").enums.items() if enum.open}
    assert opened == {
        "Capability", "CommandType", "ConnectorCapability", "ConnectorType", "EnvironmentalImpactCategory", "Facility", "ImageCategory",
        "ModuleID", "ParkingRestriction", "ParkingType", "TokenType", "VehicleType", "VersionNumber",
    }  # fmt: skip
    for version in ("2.1.1", "2.2.1"):
        assert [name for name in table(version).enums if is_open(version, name)] == ["ModuleID"]


def test_what_the_versions_added_to_connector_types() -> None:
    old, middle, new = (set(values(version, "ConnectorType")) for version in VERSIONS)
    assert old < middle < new
    assert new - middle == {"MCS", "SAE_J3400"}
    assert {"CHAOJI", "GBT_AC", "GBT_DC", "NEMA_14_50", "PANTOGRAPH_TOP_DOWN"} <= middle - old
