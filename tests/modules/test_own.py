"""The rules for senders: what is mended by name, and what is refused."""

from typing import Any

import pytest

from interplug.model.validate import Invalid
from interplug.modules.own import settle
from tests.modules import said

WEEKDAY = {"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}
PARKING = {"id": "P1", "vehicle_types": ["PERSONAL_VEHICLE"], "restricted_to_type": False, "reservation_required": False}


def mended(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    document, done = settle("location", said.location(**fields))
    return document, [one.name for one in done]


def test_a_sound_location_is_the_very_same() -> None:
    document = said.location()
    assert settle("location", document)[0] is document


@pytest.mark.req("LOC-032")
def test_publish_allowed_to_goes_where_the_location_is_published() -> None:
    allowed = [{"group_id": "G"}]
    document, names = mended(publish=True, publish_allowed_to=allowed)
    assert "publish_allowed_to" not in document and names == ["publish_allowed_to of a published Location"]
    assert mended(publish=False, publish_allowed_to=allowed)[1] == []


@pytest.mark.req("LOC-056", versions="2.2.1|2.3.0")
@pytest.mark.parametrize(
    ("hours", "shown"),
    [
        ({"twentyfourseven": True}, {"twentyfourseven": True}),
        ({"twentyfourseven": False, "regular_hours": [WEEKDAY]}, {"twentyfourseven": False, "regular_hours": [WEEKDAY]}),
        ({"twentyfourseven": True, "regular_hours": [WEEKDAY]}, {"twentyfourseven": True}),
        ({"twentyfourseven": False, "regular_hours": []}, None),
        ({"twentyfourseven": False}, None),
    ],
)
def test_round_the_clock_has_no_hours_and_anything_else_has_some(hours: dict[str, Any], shown: dict[str, Any] | None) -> None:
    assert mended(opening_times=hours)[0].get("opening_times") == shown


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param({"country": "NL"}, "$.country", marks=pytest.mark.req("LOC-036")),
        pytest.param({"country_code": "NLD"}, "$.country_code", marks=pytest.mark.req("LOC-036", versions="2.2.1|2.3.0")),
        pytest.param({"time_zone": "Europe/Nowhere"}, "$.time_zone", marks=pytest.mark.req("LOC-038")),
        pytest.param({"time_zone": "CET+1"}, "$.time_zone", marks=pytest.mark.req("LOC-038")),
        pytest.param({"parking_places": [PARKING, {**PARKING, "id": "p1"}]}, "$.parking_places", marks=pytest.mark.req("LOC-048")),
        pytest.param(
            {"evses": [said.evse(parking=[{"parking_id": "P9"}])], "parking_places": [PARKING]},
            "$.evses[0].parking[0].parking_id",
            marks=pytest.mark.req("LOC-049"),
        ),
        pytest.param({"publish": False, "publish_allowed_to": [{}]}, "$.publish_allowed_to[0]", marks=pytest.mark.req("LOC-061")),
        pytest.param(
            {"publish": False, "publish_allowed_to": [{"uid": "1"}]}, "$.publish_allowed_to[0].type", marks=pytest.mark.req("LOC-061")
        ),
        pytest.param(
            {"publish": False, "publish_allowed_to": [{"visual_number": "1"}]},
            "$.publish_allowed_to[0].issuer",
            marks=pytest.mark.req("LOC-061"),
        ),
    ],
)
def test_what_cannot_be_mended_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        settle("location", {**said.location(), **fields})
    assert caught.value.path == path


def test_references_to_parking_that_is_there_are_fine() -> None:
    assert mended(evses=[said.evse(parking=[{"parking_id": "p1"}])], parking_places=[PARKING])[1] == []


@pytest.mark.req("LOC-010")
def test_a_location_is_at_least_as_new_as_its_newest_evse() -> None:
    later = "2026-03-01T00:00:00Z"
    document, names = mended(evses=[said.evse(), said.evse("E2", last_updated=later)])
    assert document["last_updated"] == later and names == ["last_updated older than an EVSE's"]
