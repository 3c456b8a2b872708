"""`interplug audience`, and the option of the same name: who sees what, said on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from interplug.model.types import encode_json
from tests.cli.conftest import Command
from tests.sync.test_importing import location


@pytest.fixture
def known(interplug: Command, tmp_path: Path) -> Command:
    """Two Locations, one of them for the fleets, and a partner that is invited to see it."""
    (tmp_path / "all.json").write_bytes(encode_json([location("L1")]))
    (tmp_path / "some.json").write_bytes(encode_json([location("L2")]))
    assert interplug("import", "all.json").code == 0
    assert interplug("import", "some.json", "--audience", "fleets").code == 0
    assert interplug("partner", "invite", "Green", "--audience", "fleets").code == 0
    return interplug


def test_what_is_imported_for_an_audience_is_for_it_alone(known: Command) -> None:
    assert known("audience", "list", "--json").json == [{"audience": "fleets", "partners": ["Green"], "objects": {"locations": 1}}]


def test_importing_again_leaves_the_audience_as_it_is(known: Command) -> None:
    known("import", "some.json")
    assert known("audience", "list", "--json").json[0]["objects"] == {"locations": 1}


def test_objects_are_moved_by_name_or_all_at_once(known: Command) -> None:
    assert known("audience", "set", "fleets", "locations", "l1", "--json").json["changed"] == 1
    assert known("audience", "set", "everybody", "locations", "--all", "--party", "DE-ABC", "--json").json["changed"] == 0
    assert known("audience", "set", "everybody", "locations", "--all", "--json").json["changed"] == 2
    assert known("audience", "list", "--json").json[0]["objects"] == {}


def test_partners_join_and_leave(known: Command) -> None:
    known("partner", "invite", "Blue")
    assert known("audience", "join", "fleets", "Blue").code == 0
    assert known("audience", "leave", "fleets", "Green").code == 0
    assert known("audience", "list", "--json").json[0]["partners"] == ["Blue"]
    assert "Blue" in known("audience", "list").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("leave", "gold", "Green"), 1),
        (("join", "everybody", "Green"), 1),
        (("join", "own drivers", "Green"), 1),
        (("join", "fleets", "Nobody"), 1),
        (("set", "fleets", "locations"), 2),
        (("set", "fleets", "locations", "L1", "--all"), 2),
        (("set", "fleets", "sessions", "--all"), 2),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(known: Command, words: tuple[str, ...], code: int) -> None:
    before = known("audience", "list", "--json").json
    said = known("audience", *words)
    assert said.code == code
    assert said.err
    assert known("audience", "list", "--json").json == before
