"""`interplug operator`: who may sign in, on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command


def test_operators_are_added_listed_and_removed(interplug: Command, tmp_path: Path) -> None:
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    assert interplug("operator", "add", "Ann", "--password-file", str(secret)).code == 0
    assert interplug("operator", "add", "bob", "--password-file", "-", typed=b"another password\n").code == 0
    assert [one["name"] for one in interplug("operator", "list", "--json").json] == ["ann", "bob"]
    assert interplug("operator", "remove", "ANN").code == 0
    assert interplug("operator", "remove", "ann").code == 1
    assert "correct horse" not in (tmp_path / "node.db").read_bytes().decode("latin-1")


def test_what_is_no_name_or_no_password_is_refused(interplug: Command) -> None:
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0
    assert interplug("operator", "add", "a b", "--password-file", "-", typed=b"another password\n").code == 2
    assert interplug("operator", "add", "ann", "--password-file", "-", typed=b"short\n").code == 2
    assert interplug("operator", "add", "ann").code == 2, "there is nobody to ask"
    assert interplug("operator", "list").out == "nobody yet: interplug operator add ann\n"
