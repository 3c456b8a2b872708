"""A PATCH is checked for the keys that it holds; the keys that it lacks are none of its business."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.validate import OBJECTS, Invalid, validate, validate_patch
from tests.model.documents import MINIMAL, T

REMOVE = object()


def refusal(kind: str, patch: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        validate_patch(kind, patch, REMOVE)
    return caught.value


def valid(kind: str, patch: Any) -> bool:
    try:
        validate_patch(kind, patch, REMOVE)
    except Invalid:
        return False
    return True


@given(st.data())
def test_any_part_of_a_valid_object_is_a_valid_patch(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(MINIMAL)))
    keys = data.draw(st.sets(st.sampled_from(sorted(MINIMAL[kind]))))
    assert valid(kind, {key: MINIMAL[kind][key] for key in keys} | {"x_unknown": "\n"})


@pytest.mark.req("TRM-001", "TRM-004")
@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_optional_fields_can_be_taken_away_and_required_ones_cannot(kind: str) -> None:
    for field in msgspec.structs.fields(OBJECTS[kind]):
        for nothing in (None, REMOVE):
            if field.required:
                caught = refusal(kind, {field.name: nothing})
                assert (caught.path, caught.reason) == (f"$.{field.name}", "is required and cannot be taken away")
            else:
                assert valid(kind, {field.name: nothing})


def test_the_mark_is_none_of_ours_unless_the_caller_says_so() -> None:
    with pytest.raises(Invalid):
        validate_patch("evse", {"floor_level": REMOVE})


@pytest.mark.parametrize(
    ("kind", "patch", "path"),
    [
        ("evse", {"status": "FREE", "last_updated": T}, "$.status"),
        ("evse", {"connectors": [], "last_updated": T}, "$.connectors"),
        ("evse", {"physical_reference": "x" * 17}, "$.physical_reference"),
        ("evse", {"coordinates": {"latitude": "1"}}, "$.coordinates.longitude"),
        ("location", {"evses": [{"uid": "E1"}, {"uid": "E2", "status": "FREE"}]}, "$.evses[1].status"),
        ("location", {"evses": [{"uid": "E1", "connectors": [{"id": "1", "max_voltage": "x"}]}]}, "$.evses[0].connectors[0].max_voltage"),
        ("location", {"evses": [{"status": "CHARGING"}]}, "$.evses[0].uid"),
        ("location", {"evses": [5]}, "$.evses[0]"),
        ("location", {"evses": {}}, "$.evses"),
        ("evse", {"connectors": [{"max_voltage": 230}]}, "$.connectors[0].id"),
        ("session", {"charging_periods": [{"start_date_time": T}]}, "$.charging_periods[0].dimensions"),
        ("session", [], "$"),
    ],
)
def test_a_refusal_names_the_place(kind: str, patch: Any, path: str) -> None:
    assert refusal(kind, patch).path == path


def test_evses_and_connectors_of_a_patch_are_patches() -> None:
    part = {"uid": "E1", "status": "CHARGING", "connectors": [{"id": "1", "max_voltage": 230}]}
    assert valid("location", {"evses": [part]})
    with pytest.raises(Invalid):
        validate("evse", part)
