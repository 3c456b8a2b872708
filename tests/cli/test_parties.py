"""`interplug party`: who we are, and how a command says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_a_party_is_added_once_and_listed(interplug: Command) -> None:
    added = interplug("party", "add", "CPO", "nl-tnm", "--name", "The New Motion", "--json")
    assert (added.code, added.json) == (0, {"role": "CPO", "country_code": "NL", "party_id": "TNM", "added": True, "untold": []})
    assert interplug("party", "add", "CPO", "NL-TNM", "--json").json["added"] is False
    (party,) = interplug("party", "list", "--json").json
    assert (party["role"], party["party_id"], party["business_details"]) == ("CPO", "TNM", {"name": "The New Motion"})


def test_a_new_name_replaces_the_old_one(interplug: Command) -> None:
    interplug("party", "add", "CPO", "NL-TNM", "--name", "Old")
    interplug("party", "add", "CPO", "NL-TNM", "--name", "New", "--website", "https://new.example")
    assert interplug("party", "list", "--json").json[0]["business_details"] == {"name": "New", "website": "https://new.example"}


def test_people_are_told_in_words(interplug: Command) -> None:
    assert interplug("party", "add", "EMSP", "DE-ABC", "--name", "Abc").out == "EMSP DE-ABC added\n"
    assert "DE-ABC" in interplug("party", "list").out


@pytest.mark.parametrize("text", ["NL", "NLD-TNM", "NL-TOOLONG", "NL_TNM", ""])
def test_what_is_no_party_is_a_usage_error(interplug: Command, text: str) -> None:
    said = interplug("party", "add", "CPO", text)
    assert (said.code, said.out) == (2, "")
    assert "NL-TNM" in said.err


@pytest.mark.parametrize("arguments", [("party", "add", "BANK", "NL-TNM"), ("party", "list", "--nonsense"), ("nonsense",)])
def test_what_nobody_knows_is_a_usage_error(interplug: Command, arguments: tuple[str, ...]) -> None:
    assert interplug(*arguments).code == 2


@pytest.mark.parametrize(
    "arguments",
    [("party", "list"), ("status",), ("partner", "list"), ("cdr", "list"), ("export", "locations"), ("doctor",), ("db", "status")],
)
def test_a_command_that_looks_makes_no_database(interplug: Command, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = interplug(*arguments)
    assert said.code == 4
    assert "there is no database" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[server]\nprot = 1\n", "prot"),
        ("[server\n", "line"),
        ('[server]\nbody_timeout = "long"\n', "body_timeout"),
        ("[nonsense]\n", "nonsense"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(interplug: Command, tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "wrong.toml").write_text(content)
    said = interplug("party", "list", "--config", str(tmp_path / "wrong.toml"))
    assert said.code == 4
    assert named in said.err


def test_a_file_that_is_not_there_is_named(interplug: Command) -> None:
    said = interplug("party", "list", "--config", "absent.toml")
    assert said.code == 4
    assert "absent.toml" in said.err


def test_another_kind_of_database_is_a_configuration_error(interplug: Command) -> None:
    said = interplug("party", "list", "--store", "mysql://user:secret@host/db")
    assert said.code == 4
    assert "secret" not in said.err


def test_the_store_of_the_command_line_counts_more_than_the_configured_one(interplug: Command, tmp_path: Path) -> None:
    interplug("party", "add", "CPO", "NL-TNM", "--store", f"sqlite:///{tmp_path / 'other.db'}")
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "node.db").exists()


def test_who_has_no_party_cannot_register_and_is_told_what_to_do(interplug: Command) -> None:
    interplug("db", "upgrade")
    said = interplug("partner", "register", "https://partner.example/ocpi/versions", typed=b"token\n")
    assert said.code == 1
    assert "interplug party add" in said.err
