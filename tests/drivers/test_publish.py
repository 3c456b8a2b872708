"""Who may see a Location that is not published."""

from typing import Any

import pytest

from interplug.drivers.publish import may_see

TOKEN = {"uid": "ABC", "type": "RFID", "visual_number": "V1", "issuer": "Us", "group_id": "G1"}


def seen(*entries: dict[str, Any], token: dict[str, Any] | None = TOKEN) -> bool:
    return may_see({"publish": False, "publish_allowed_to": list(entries)}, token)


@pytest.mark.req("LOC-031")
def test_a_published_location_is_everybodys_and_another_nobodys() -> None:
    assert may_see({"publish": True}, None)
    assert not may_see({"publish": False}, TOKEN)
    assert not seen({"uid": "ABC", "type": "RFID"}, token=None)


@pytest.mark.req("LOC-033")
@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"uid": "abc", "type": "RFID"}, True),
        ({"uid": "ABC", "type": "APP_USER"}, False),
        ({"visual_number": "V1", "issuer": "Us"}, True),
        ({"visual_number": "V1", "issuer": "Them"}, False),
        ({"group_id": "g1"}, True),
        ({"group_id": "G1", "uid": "OTHER", "type": "RFID"}, False),
        ({}, False),
    ],
)
def test_all_that_an_entry_says_must_match(entry: dict[str, Any], expected: bool) -> None:
    assert seen(entry) is expected


@pytest.mark.req("LOC-033")
def test_one_entry_that_matches_is_enough() -> None:
    assert seen({"group_id": "G9"}, {"group_id": "G1"})
