"""`interplug import` and `export`: objects in and out, with a report that a program can read and an exit code that it can trust."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json
from tests.cli.conftest import Command
from tests.sync.test_importing import location, token


def written(path: Path, documents: list[Any]) -> str:
    path.write_bytes(encode_json(documents))
    return str(path)


def test_the_report_says_what_was_accepted_repaired_and_refused(interplug: Command, tmp_path: Path) -> None:
    bad = location("L2", coordinates={"latitude": "north", "longitude": "4.480000"})
    said = interplug("import", written(tmp_path / "l.json", [location("L1"), bad]), "--json")
    assert said.code == 0
    report = said.json
    assert (report["read"], report["accepted"], report["refused"], report["repaired"]) == (2, 1, 1, 0)
    assert report["reasons"][0]["path"] == "$.coordinates.latitude"
    assert report["parties"] == ["CPO NL-TNM"]


def test_people_read_the_reasons_too(interplug: Command, tmp_path: Path) -> None:
    said = interplug("import", written(tmp_path / "l.json", [location("L1"), location("L2", city=None)]))
    assert "read 2: 1 accepted" in said.out
    assert "$.city is required (such as L2)" in said.out


def test_several_files_and_kinds_in_one_go(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(encode_json(token())))
    said = interplug("import", written(tmp_path / "l.json", [location()]), str(tmp_path / "t.jsonl.gz"), "--json")
    assert said.json["modules"] == {"locations": 1, "tokens": 1}


def test_a_dash_reads_standard_input(interplug: Command) -> None:
    assert interplug("import", "-", "--json", typed=encode_json([location()])).json["accepted"] == 1


def test_a_file_that_breaks_off_is_a_failure_that_keeps_what_was_read(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_bytes(encode_json([location("L1"), location("L2")])[:-30])
    said = interplug("import", str(tmp_path / "cut.json"), "--json")
    assert (said.code, said.json["accepted"]) == (1, 1)
    assert "cut.json" in said.err
    assert said.json["unreadable"][0]["file"].endswith("cut.json")


def test_a_file_in_which_nothing_can_be_read_is_a_failure_and_what_it_holds_is_kept(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text("<html>Not Found</html>")
    said = interplug("import", str(tmp_path / "page.json"), written(tmp_path / "l.json", [location()]), "--json")
    assert (said.code, said.json["accepted"], said.json["refused"]) == (1, 1, 1)
    assert "page.json: there is no JSON object in it" in said.err
    assert said.json["unreadable"] == [{"file": str(tmp_path / "page.json"), "reason": "there is no JSON object in it"}]


def test_a_file_that_is_not_there_is_a_failure_and_the_others_are_read(interplug: Command, tmp_path: Path) -> None:
    said = interplug("import", "absent.json", written(tmp_path / "l.json", [location()]), "--json")
    assert (said.code, said.json["accepted"]) == (1, 1)
    assert "absent.json" in said.err


@pytest.mark.parametrize("arguments", [(), ("--jsn", "x.json"), ("x.json", "--version", "9.9"), ("x.json", "--party", "nonsense")])
def test_a_wish_that_makes_no_sense_is_a_usage_error(interplug: Command, arguments: tuple[str, ...]) -> None:
    assert interplug("import", *arguments).code == 2


def test_what_is_exported_is_what_was_imported(interplug: Command, tmp_path: Path) -> None:
    interplug("import", written(tmp_path / "l.json", [location("L1"), location("L2")]))
    said = interplug("export", "locations")
    assert [decode_json(line) for line in said.out.encode().splitlines()] == [location("L1"), location("L2")]


def test_an_export_is_packed_where_its_name_says_so_and_speaks_any_version(interplug: Command, tmp_path: Path) -> None:
    interplug("import", written(tmp_path / "l.json", [location("L1"), location("L2", publish=False)]))
    said = interplug("export", "locations", "--out", "out.jsonl.gz", "--version", "2.1.1", "--json")
    assert (said.json["written"], said.json["withheld"]) == (1, 1)
    (line,) = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()
    assert decode_json(line)["type"] == "UNKNOWN"


def test_an_export_may_be_of_one_party(interplug: Command, tmp_path: Path) -> None:
    interplug("import", written(tmp_path / "l.json", [location("L1"), location("L2", party_id="OTH")]))
    assert [decode_json(line)["id"] for line in interplug("export", "locations", "--party", "NL-OTH").out.encode().splitlines()] == ["L2"]


@pytest.mark.parametrize("arguments", [(), ("invoices",), ("locations", "invoices"), ("locations", "--version", "1.0")])
def test_what_cannot_be_exported_is_a_usage_error(interplug: Command, arguments: tuple[str, ...]) -> None:
    interplug("party", "add", "CPO", "NL-TNM")
    assert interplug("export", *arguments).code == 2


def test_several_modules_in_one_file_come_back_as_they_were(interplug: Command, tmp_path: Path) -> None:
    interplug("import", written(tmp_path / "in.json", [location(), token()]))
    interplug("export", "locations", "tokens", "--out", "out.jsonl")
    said = interplug("import", "out.jsonl", "--store", f"sqlite:///{tmp_path / 'other.db'}", "--json")
    assert (said.json["modules"], said.json["repaired"]) == ({"locations": 1, "tokens": 1}, 0)
