"""`interplug quarantine`: the original and the reason, until somebody drops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command

BAD = '{"country_code": "NL", "party_id": "TNM", "id": "L9", "city": 7, "evses": []}'


@pytest.fixture
def held(interplug: Command, tmp_path: Path) -> Command:
    (tmp_path / "bad.jsonl").write_text(f'{{"nonsense": 1}}\n{BAD}\n')
    assert interplug("import", "bad.jsonl").code == 0
    return interplug


def test_it_is_listed_with_its_reason_newest_first(held: Command) -> None:
    found = held("quarantine", "list", "--json").json
    assert [(one["from"], one["module"], one["id"]) for one in found] == [("file", "locations", "L9"), ("file", "", "")]
    assert "is no Location" in found[1]["reason"]
    assert [one["id"] for one in held("quarantine", "list", "--module", "locations", "--partner", "-", "--json").json] == ["L9"]
    assert "L9" in held("quarantine", "list").out


def test_it_is_shown_as_it_came(held: Command) -> None:
    number = held("quarantine", "list", "--json").json[0]["number"]
    assert held("quarantine", "show", str(number), "--json").json["original"] == BAD
    assert BAD in held("quarantine", "show", str(number)).out


def test_it_is_dropped_once(held: Command) -> None:
    number = str(held("quarantine", "list", "--json").json[0]["number"])
    assert [held("quarantine", word, number).code for word in ("drop", "drop", "show")] == [0, 1, 1]
    assert len(held("quarantine", "list", "--json").json) == 1
