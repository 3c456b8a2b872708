"""What a document of each kind must say, and how a refusal names the place and the reason."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.validate import OBJECTS, Invalid, validate
from tests.model.documents import CDR, CONNECTOR, CPO, EVSE, LOCATION, MINIMAL, PERIOD, SESSION, TARIFF, TOKEN, URL, T

KINDS = sorted(OBJECTS)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def refusal(kind: str, document: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        validate(kind, document)
    return caught.value


def valid(kind: str, document: Any) -> bool:
    try:
        validate(kind, document)
    except Invalid:
        return False
    return True


def fields(kind: str) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(OBJECTS[kind])


def test_there_is_a_minimal_document_of_every_kind() -> None:
    assert sorted(MINIMAL) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_minimal_document_is_valid(kind: str) -> None:
    before = deepcopy(MINIMAL[kind])
    assert valid(kind, MINIMAL[kind]) and MINIMAL[kind] == before


@pytest.mark.req("TRM-004", "LOC-022", "CDR-013", "SES-049", "STS-014")
@pytest.mark.parametrize("kind", KINDS)
def test_each_required_field_is_missed_by_name(kind: str) -> None:
    for name in (field.name for field in fields(kind) if field.required):
        rest = {key: value for key, value in MINIMAL[kind].items() if key != name}
        for document in (rest, rest | {name: None}):
            caught = refusal(kind, document)
            assert (caught.path, caught.reason) == (f"$.{name}", "is required")


@pytest.mark.req("TRM-001", "TRM-002")
@pytest.mark.parametrize("kind", KINDS)
def test_null_is_absence_in_every_optional_field(kind: str) -> None:
    assert valid(kind, MINIMAL[kind] | {field.name: None for field in fields(kind) if not field.required})


@pytest.mark.req("TRN-055")
@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_pass_whatever_they_hold(kind: str) -> None:
    assert valid(kind, MINIMAL[kind] | {"x_new": {"a": ["\n", "ü", None, Decimal("1.5")]}})


@pytest.mark.req("TRN-055")
def test_unknown_fields_pass_at_any_level() -> None:
    strange = {"x_new": "\t"}
    evse = EVSE | strange | {"connectors": [CONNECTOR | strange]}
    assert valid("location", LOCATION | {"evses": [evse], "operator": {"name": "TNM"} | strange})
    assert valid("session", SESSION | {"charging_periods": [PERIOD | strange], "total_cost": {"before_taxes": 1} | strange})
    assert refusal("location", LOCATION | {"operator": {"name": "\t"}}).path == "$.operator.name"


@pytest.mark.req("TRN-086")
def test_a_required_text_may_say_that_it_is_not_available() -> None:
    place = CDR["cdr_location"] | {"evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA", "country": "#NA"}
    assert valid("session", SESSION | {"evse_uid": "#NA", "connector_id": "#NA"})
    assert valid("cdr", CDR | {"cdr_location": place})
    assert valid("token", TOKEN | {"uid": "#NA", "issuer": "#NA"})


@given(st.sampled_from(KINDS), JUNK)
def test_junk_is_refused_and_nothing_else_is_raised(kind: str, junk: Any) -> None:
    assert refusal(kind, junk).reason


@given(st.data())
def test_junk_in_any_field_is_accepted_or_refused_there(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    name = data.draw(st.sampled_from([field.name for field in fields(kind)]))
    try:
        validate(kind, MINIMAL[kind] | {name: data.draw(JUNK)})
        path = f"$.{name}"
    except Invalid as caught:
        path = caught.path
    assert path.startswith(f"$.{name}")


@pytest.mark.parametrize(
    ("kind", "document", "path", "reason"),
    [
        (
            "location",
            LOCATION | {"evses": [EVSE, EVSE | {"status": "FREE"}]},
            "$.evses[1].status",
            "'FREE' is not one of the values of this field",
        ),
        ("evse", EVSE | {"connectors": []}, "$.connectors", "needs at least one entry"),
        ("evse", EVSE | {"uid": "x" * 37}, "$.uid", "is longer than 36 characters"),
        (
            "evse",
            EVSE | {"connectors": [CONNECTOR | {"max_voltage": "230"}]},
            "$.connectors[0].max_voltage",
            "expected a whole number, got a string",
        ),
        ("evse", EVSE | {"connectors": [CONNECTOR | {"max_amperage": 2**40}]}, "$.connectors[0].max_amperage", "must be <= 2147483647"),
        ("evse", EVSE | {"directions": "left"}, "$.directions", "expected a list, got a string"),
        ("connector", CONNECTOR | {"tariff_ids": [None]}, "$.tariff_ids[0]", "expected a string, got null"),
        (
            "location",
            LOCATION | {"coordinates": {"latitude": "north", "longitude": "4"}},
            "$.coordinates.latitude",
            "is not a number of degrees",
        ),
        ("location", LOCATION | {"last_updated": "yesterday"}, "$.last_updated", "is not a time of RFC 3339"),
        ("session", SESSION | {"kwh": True}, "$.kwh", "expected a number, got true or false"),
        ("token", [TOKEN], "$", "expected an object, got a list"),
    ],
)
def test_a_refusal_names_place_and_reason(kind: str, document: Any, path: str, reason: str) -> None:
    caught = refusal(kind, document)
    assert (caught.path, caught.reason) == (path, reason)
    assert str(caught) == f"{path}: {reason}"


@pytest.mark.req("TYP-010")
@pytest.mark.parametrize("price", ["0.25", True, None, [1]])
def test_a_number_is_a_json_number(price: Any) -> None:
    element = {"price_components": [{"type": "ENERGY", "price": price, "step_size": 1}]}
    assert refusal("tariff", TARIFF | {"elements": [element]}).path == "$.elements[0].price_components[0].price"


@pytest.mark.req("TYP-013")
def test_open_enums_take_new_values() -> None:
    assert valid("connector", CONNECTOR | {"standard": "X_NEW_PLUG", "capabilities": ["X_NEW"]})
    assert valid("evse", EVSE | {"capabilities": ["X_NEW"], "parking_restrictions": ["X_NEW"]})
    assert valid("location", LOCATION | {"facilities": ["SAUNA"], "parking_type": "X_ROOF"})
    assert valid("token", TOKEN | {"type": "X_FACE"})
    assert valid("version_details", {"version": "9.9", "endpoints": [{"identifier": "payments", "role": "SENDER", "url": URL}]})


@pytest.mark.req("TYP-003", "TYP-014")
@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("evse", {"status": "available"}),
        ("connector", {"format": "PLUG"}),
        ("connector", {"power_type": "AC"}),
        ("session", {"status": "IDLING"}),
        ("session", {"auth_method": "GUESS"}),
        ("token", {"whitelist": "allowed"}),
        ("tariff", {"type": "NIGHT"}),
        ("tariff", {"tax_included": "MAYBE"}),
        ("command_response", {"result": "TIMEOUT"}),
        ("client_info", {"status": "GONE"}),
    ],
)
def test_closed_enums_take_no_other_value_and_no_other_case(kind: str, changed: dict[str, Any]) -> None:
    assert refusal(kind, MINIMAL[kind] | changed).path == f"$.{next(iter(changed))}"


@pytest.mark.req("TYP-016", versions="2.3.0")
def test_roles_of_the_newest_version() -> None:
    roles = ["CPO", "EMSP", "NAP", "NSP", "OTHER", "PTP", "SCSP"]
    for role in roles:
        validate("client_info", {**CPO, "role": role, "status": "PLANNED", "last_updated": T})
    for role in ("HUB", "cpo"):
        assert refusal("client_info", {**CPO, "role": role, "status": "PLANNED", "last_updated": T}).path == "$.role"


@pytest.mark.req("TYP-017")
def test_prices_are_before_taxes_and_a_list_of_taxes() -> None:
    taxes = [{"name": "VAT", "percentage": 21, "amount": Decimal("0.21")}]
    validate("session", SESSION | {"total_cost": {"before_taxes": 1, "taxes": taxes}})
    assert refusal("session", SESSION | {"total_cost": {"excl_vat": 1, "incl_vat": 2}}).path == "$.total_cost.before_taxes"


@pytest.mark.req("TYP-011")
def test_display_texts_are_bounded() -> None:
    validate("evse", EVSE | {"directions": [{"language": "nl", "text": "x" * 512}]})
    assert refusal("evse", EVSE | {"directions": [{"language": "nld", "text": "x"}]}).path == "$.directions[0].language"
    assert refusal("evse", EVSE | {"directions": [{"language": "nl", "text": "x" * 513}]}).path == "$.directions[0].text"


@pytest.mark.req("TYP-012")
def test_urls_have_at_most_255_characters() -> None:
    address = "https://cpo.example/" + "a" * 235
    validate("connector", CONNECTOR | {"terms_and_conditions": address})
    assert refusal("connector", CONNECTOR | {"terms_and_conditions": address + "a"}).path == "$.terms_and_conditions"


@pytest.mark.req("TYP-008")
@pytest.mark.parametrize(
    "time", ["2024-05-01T12:00:00", "2024-05-01T12:00:00.123Z", "2024-05-01T12:00:00.1234567Z", "2024-05-01T14:00:00+02:00"]
)
def test_times_of_partners_pass(time: str) -> None:
    assert valid("evse", EVSE | {"last_updated": time})


@pytest.mark.req("LOC-059")
def test_weekdays_and_local_times() -> None:
    def hours(**changed: Any) -> dict[str, Any]:
        regular = {"weekday": 7, "period_begin": "08:00", "period_end": "23:59"} | changed
        return LOCATION | {"opening_times": {"twentyfourseven": False, "regular_hours": [regular]}}

    validate("location", hours())
    for changed in ({"weekday": 0}, {"weekday": 8}, {"period_begin": "8:00"}, {"period_begin": "24:00"}, {"period_end": "20:60"}):
        assert refusal("location", hours(**changed)).path == f"$.opening_times.regular_hours[0].{next(iter(changed))}"


@pytest.mark.req("CDR-018")
def test_a_credit_cdr_names_what_it_takes_back() -> None:
    validate("cdr", CDR | {"credit": True, "credit_reference_id": "C0"})
    validate("cdr", CDR | {"credit": False})
    assert refusal("cdr", CDR | {"credit": True}).path == "$.credit_reference_id"
    assert refusal("cdr", CDR | {"credit": True, "credit_reference_id": None}).path == "$.credit_reference_id"


@pytest.mark.req("TRM-003")
def test_lists_that_may_not_be_empty() -> None:
    assert refusal("cdr", CDR | {"charging_periods": []}).path == "$.charging_periods"
    assert refusal("charging_period", PERIOD | {"dimensions": []}).path == "$.dimensions"
    assert refusal("tariff", TARIFF | {"elements": []}).path == "$.elements"
    validate("location", LOCATION | {"evses": []})
