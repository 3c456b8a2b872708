"""The tolerant reader: each known deviation of real partners, by what it becomes and what is reported of it."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.model.types import parse_time
from interplug.model.validate import Invalid, validate
from interplug.versions.chain import Facts, up
from interplug.versions.table import VERSIONS
from interplug.versions.tolerant import repair
from tests.census.tables import KINDS, object_of, strategy
from tests.versions.documents import CDR, CONNECTOR, EVSE, LOCATION, LOCATION_211, SESSION, TARIFF, TOKEN, WHEN, priced

FACTS = Facts(owner=("NL", "TST"), received_at=parse_time(WHEN))


def mended(kind: str, document: Any, version: str = "2.3.0", facts: Facts = FACTS) -> tuple[Any, list[tuple[str, str]]]:
    before = copy.deepcopy(document)
    out, repairs = repair(kind, document, version, facts)
    assert document == before, "the argument was changed"
    return out, [(found.name, found.path) for found in repairs]


@pytest.mark.parametrize(("kind", "version"), [(kind, version) for kind in KINDS for version in VERSIONS if object_of(version, kind)])
def test_what_is_right_stays_the_same_document(kind: str, version: str) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy(version, object_of(version, kind)))
    def untouched(document: dict[str, Any]) -> None:
        out, repairs = repair(kind, document, version, Facts(time_zone="Europe/Paris"))
        # 2.1.1 may leave out the choice of Hours altogether; that is told.
        assert [found for found in repairs if found.name != "twentyfourseven missing"] == []
        assert out == document or repairs

    untouched()


@pytest.mark.parametrize(
    ("field", "came", "becomes", "name"),
    [
        ("last_updated", "2024-06-01T14:00:00+02:00", "2024-06-01T12:00:00Z", "time"),
        ("last_updated", "2024-06-01T12:00:00.123456789+00:00", "2024-06-01T12:00:00.123Z", "time"),
        ("country", "NL", "NLD", "country"),
        ("country_code", "NLD", "NL", "country"),
        ("publish", "true", True, "boolean as string"),
        ("id", 17, "17", "string as number"),
        ("postal_code", 3511, "3511", "string as number"),
        ("name", "Two\r\nlines\xa0here", "Two lines here", "control characters"),
        ("facilities", "HOTEL", ["HOTEL"], "single item"),
        ("directions", "Around the corner", [{"language": "en", "text": "Around the corner"}], "text without language"),
        (
            "coordinates",
            {"latitude": Decimal("52.1"), "longitude": "5,1"},
            {"latitude": "52.100000", "longitude": "5.100000"},
            "coordinates",
        ),
        (
            "coordinates",
            {"latitude": "52.123456789", "longitude": "5.12140"},
            {"latitude": "52.123457", "longitude": "5.12140"},
            "coordinates",
        ),
    ],
)
def test_values_of_a_location(field: str, came: Any, becomes: Any, name: str) -> None:
    out, repairs = mended("location", {**LOCATION, field: came})
    assert out[field] == becomes
    assert {found for found, _ in repairs} == {name}
    assert all(path.startswith(f"$.{field}") for _, path in repairs)
    validate("location", out)


def test_empty_is_absent_where_it_may_be() -> None:
    out, repairs = mended("location", {**LOCATION, "state": "", "city": "", "operator": {"name": "A", "website": ""}})
    assert "state" not in out
    assert (out["city"], out["operator"]) == ("", {"name": "A"})
    assert repairs == [("empty string", "$.state"), ("empty string", "$.operator.website")]


def test_a_company_without_a_name_is_none() -> None:
    out, repairs = mended("location", {**LOCATION, "owner": {"name": ""}})
    assert "owner" not in out
    assert repairs[-1] == ("company without a name", "$.owner")


def test_a_null_in_a_list_is_left_out() -> None:
    out, repairs = mended("connector", {**CONNECTOR, "tariff_ids": [None, "T1"]})
    assert (out["tariff_ids"], repairs) == (["T1"], [("null in a list", "$.tariff_ids")])


def test_a_null_elsewhere_is_nothing_to_tell() -> None:
    assert mended("location", {**LOCATION, "name": None})[1] == []


@pytest.mark.parametrize(
    ("change", "becomes", "names"),
    [
        ({"max_voltage": "230"}, {"max_voltage": 230}, ["whole number"]),
        ({"max_amperage": Decimal("32.0")}, {"max_amperage": 32}, ["whole number"]),
        ({"standard": "Type2"}, {"standard": "IEC_62196_T2"}, ["connector standard"]),
        ({"standard": "IEC_60309_2_THREE_32"}, {"standard": "IEC_60309_2_three_32"}, ["connector standard"]),
        ({"standard": "OWN_PLUG"}, {"standard": "OWN_PLUG"}, []),
        ({"max_power": 11}, {"max_electric_power": 11000}, ["max_power for max_electric_power"]),
        ({"max_power": Decimal("22000")}, {"max_electric_power": 22000}, ["max_power for max_electric_power"]),
        ({"tariff_id": "T1"}, {"tariff_ids": ["T1"]}, ["tariff_id for tariff_ids"]),
    ],
)
def test_connectors(change: dict[str, Any], becomes: dict[str, Any], names: list[str]) -> None:
    out, repairs = mended("connector", {**CONNECTOR, **change}, "2.2.1")
    assert out.items() >= becomes.items()
    assert [name for name, _ in repairs] == names
    validate("connector", out)


def test_names_of_the_other_version() -> None:
    older = {**{key: value for key, value in CONNECTOR.items() if not key.startswith("max_")}, "voltage": 230, "ampere": 32}
    assert mended("connector", older, "2.2.1")[0] == CONNECTOR
    assert mended("connector", CONNECTOR, "2.1.1")[0].items() >= {"voltage": 230, "amperage": 32}.items()
    evse = {**{key: value for key, value in EVSE.items() if key != "uid"}, "id": "E1"}
    assert mended("evse", evse, "2.2.1") == (EVSE, [("id for uid", "$.uid")])
    token = {**{key: value for key, value in TOKEN.items() if key != "contract_id"}, "auth_id": "DEEMPC00000001"}
    assert mended("token", token, "2.2.1")[0] == TOKEN
    cdr = {**{key: value for key, value in CDR.items() if key != "end_date_time"}, "stop_date_time": WHEN}
    assert mended("cdr", cdr, "2.3.0")[0]["end_date_time"] == WHEN


@pytest.mark.parametrize(
    ("hours", "version", "becomes"),
    [
        ({}, "2.2.1", {"twentyfourseven": True}),
        (
            {"regular_hours": [{"weekday": 1, "period_begin": "8:00", "period_end": "24:00"}]},
            "2.2.1",
            {"twentyfourseven": False, "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "23:59"}]},
        ),
        (
            {"regular_hours": [{"weekday": "1", "period_begin": "08:00:00", "period_end": "20:00"}]},
            "2.1.1",
            {"regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}]},
        ),
    ],
)
def test_opening_times(hours: dict[str, Any], version: str, becomes: dict[str, Any]) -> None:
    assert mended("location", {**LOCATION, "opening_times": hours}, version)[0]["opening_times"] == becomes


def test_what_is_missing_is_told_from_what_is_known() -> None:
    bare = {key: value for key, value in LOCATION.items() if key not in ("time_zone", "last_updated")}
    bare["evses"] = [{key: value for key, value in EVSE.items() if key != "last_updated"}]
    out, repairs = mended("location", bare)
    assert (out["time_zone"], out["last_updated"], out["evses"][0]["last_updated"]) == ("Europe/Amsterdam", WHEN, WHEN)
    assert sorted(repairs) == [
        ("last_updated missing", "$.evses[0].last_updated"),
        ("last_updated missing", "$.last_updated"),
        ("time_zone missing", "$.time_zone"),
    ]
    assert mended("location", bare, facts=Facts(time_zone="America/Aruba"))[0]["time_zone"] == "America/Aruba"
    assert "last_updated" not in mended("location", bare, facts=Facts())[0]


@pytest.mark.parametrize(
    ("version", "came", "becomes"),
    [
        ("2.3.0", {"excl_vat": 1, "incl_vat": 2}, {"before_taxes": 1, "taxes": [{"name": "VAT", "amount": 1}]}),
        ("2.3.0", 1, {"before_taxes": 1}),
        ("2.2.1", {"before_taxes": 1, "taxes": [{"name": "VAT", "amount": 1}]}, {"excl_vat": 1, "incl_vat": 2}),
        ("2.2.1", "1.50", {"excl_vat": Decimal("1.50")}),
        ("2.1.1", {"excl_vat": 1, "incl_vat": 2}, 1),
        ("2.1.1", "2.00", Decimal("2.00")),
    ],
)
def test_prices_in_another_shape(version: str, came: Any, becomes: Any) -> None:
    out, repairs = mended("session", {**SESSION, "total_cost": came}, version)
    assert out["total_cost"] == becomes
    assert repairs


def test_limits_in_another_shape() -> None:
    assert mended("tariff", {**TARIFF, "min_price": {"excl_vat": 1}})[0]["min_price"] == {"before_taxes": 1}
    assert mended("tariff", {**TARIFF, "min_price": {"before_taxes": 1}}, "2.2.1")[0]["min_price"] == {"excl_vat": 1}


def test_tariffs() -> None:
    component = {"type": "ENERGY", "price": "0,25"}
    element = {"price_components": [component], "restrictions": [{"start_time": "8:00", "end_time": "24:00", "max_kwh": "10"}]}
    out, repairs = mended("tariff", {**TARIFF, "elements": element})
    assert out["elements"] == [
        {
            "price_components": [{"type": "ENERGY", "price": Decimal("0.25"), "step_size": 1}],
            "restrictions": {"start_time": "08:00", "end_time": "00:00", "max_kwh": 10},
        }
    ]
    assert {name for name, _ in repairs} == {
        "single item",
        "object in a list",
        "number as string",
        "clock time",
        "step_size missing",
    }
    validate("tariff", out)


def test_several_restrictions_in_a_list_are_not_understood() -> None:
    tariff = {**TARIFF, "elements": [{**priced("1"), "restrictions": [{"min_kwh": 1}, {"max_kwh": 2}]}]}
    assert mended("tariff", tariff) == (tariff, [])


def test_a_cdr_without_periods_has_its_energy() -> None:
    out, repairs = mended("cdr", {**CDR, "charging_periods": []})
    assert out["charging_periods"] == [{"start_date_time": WHEN, "dimensions": [{"type": "ENERGY", "volume": Decimal("1.5")}]}]
    assert repairs == [("charging_periods missing", "$.charging_periods")]


def test_a_vendors_session_states_are_active() -> None:
    assert mended("session", {**SESSION, "status": "IDLING"})[0]["status"] == "ACTIVE"


def test_roles_that_the_version_does_not_have() -> None:
    hub = {"role": "HUB", "country_code": "NL", "party_id": "HUB", "business_details": {"name": "Hub"}}
    credentials = {"token": "t", "url": "https://example.com", "roles": [hub, {**hub, "role": "PTP", "party_id": "PAY"}]}
    out, _ = mended("credentials", credentials)
    assert (out["hub_party_id"], [role["role"] for role in out["roles"]]) == ("NLHUB", ["OTHER", "PTP"])
    assert mended("credentials", credentials, "2.2.1") == (credentials, [])
    client = {"country_code": "NL", "party_id": "HUB", "role": "HUB", "status": "CONNECTED", "last_updated": WHEN}
    assert mended("client_info", client)[0]["role"] == "OTHER"
    assert mended("client_info", client, "2.2.1") == (client, [])


def test_a_bare_word_is_a_result() -> None:
    assert mended("command_response", "ACCEPTED", "2.1.1") == ({"result": "ACCEPTED"}, [("bare result", "$")])


def test_an_overlong_id_is_never_cut() -> None:
    assert mended("location", {**LOCATION, "id": "x" * 60})[0]["id"] == "x" * 60
    assert mended("location", {**LOCATION, "name": "x" * 300})[0]["name"] == "x" * 300


def test_a_reference_to_a_location_is_no_location() -> None:
    answer = {"allowed": "ALLOWED", "token": TOKEN, "location": {"location_id": "L1"}}
    assert mended("authorization_info", answer) == (answer, [])


def test_a_mended_document_of_2_1_1_can_be_raised() -> None:
    bad = {
        **LOCATION_211,
        "country": "NL",
        "coordinates": {"latitude": 52, "longitude": Decimal("5.1")},
        "last_updated": "2024-06-01 12:00:00",
    }
    with pytest.raises(Invalid):
        validate("location", up("location", bad, "2.1.1", FACTS))
    raised = up("location", repair("location", bad, "2.1.1")[0], "2.1.1", FACTS)
    validate("location", raised)
    assert (raised["country"], raised["last_updated"]) == ("NLD", "2024-06-01T12:00:00Z")


WORDS = (
    "id uid evses connectors coordinates latitude country total_cost min_price elements price_components restrictions roles role status "
    "opening_times regular_hours period_end last_updated directions max_power charging_periods total_energy start_date_time price standard "
    "start_time total_fixed_cost location taxes before_taxes excl_vat amount"
)
FIELDS = WORDS.split()
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.decimals(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)),
    max_leaves=12,
)


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("kind", ["location", "tariff", "session", "cdr", "credentials", "client_info", "command_result"])
def test_whatever_comes_the_reader_does_not_break(kind: str, version: str) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON)))
    def survives(document: Any) -> None:
        repair(kind, document, version, FACTS)

    survives()
