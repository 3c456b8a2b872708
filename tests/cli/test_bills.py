"""`interplug cdr`: verdicts and what was found, what is held and why, and what people decide."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import encode_json
from tests.cli.conftest import Command
from tests.model import documents

Document = dict[str, Any]


def cdr(name: str, cost: str, **more: Any) -> Document:
    """One kWh at 0.25."""
    named = {"id": name, "session_id": f"S-{name}", "tariffs": [documents.TARIFF], "total_cost": {"before_taxes": Decimal(cost)}}
    return {**documents.CDR, "cdr_token": {**documents.CDR_TOKEN, "uid": name}, **named, **more}


@pytest.fixture
def billed(interplug: Command, tmp_path: Path) -> Command:
    """Three CDRs of our own: C1 is right, C2 costs too much, C3 is the second for the Session of C1."""
    listed = [cdr("C1", "0.25"), cdr("C2", "0.75"), cdr("C3", "0.25", session_id="S-C1")]
    (tmp_path / "c.json").write_bytes(encode_json(listed))
    report = interplug("import", "c.json")
    assert report.code == 0 and "held 1: not_explained (such as C2)" in report.out
    return interplug


def ids(listed: list[Document]) -> list[str]:
    return [one["id"] for one in listed]


def test_the_list_says_what_was_found(billed: Command) -> None:
    listed = {one["id"]: one for one in billed("cdr", "list", "--json").json}
    assert {name: one["verdicts"] for name, one in listed.items()} == {"C1": ["match"], "C2": ["mismatch"], "C3": ["match", "doubled"]}
    assert [(one["held"], one["excess"]) for one in listed.values()] == [(False, None), (True, "0.50"), (False, None)]
    assert listed["C3"]["findings"][0]["code"] == "same_session"
    out = billed("cdr", "list").out
    assert "match, doubled" in out and "held" in out


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--verdict", "mismatch"), ["C2"]),
        (("--verdict", "doubled"), ["C3"]),
        (("--verdict", "match"), ["C3", "C1"]),
        (("--verdict", "orphaned"), []),
        (("--held",), ["C2"]),
        (("--disputed",), []),
        (("--partner", "-", "--limit", "1"), ["C3"]),
    ],
)
def test_the_list_is_narrowed(billed: Command, filters: tuple[str, ...], found: list[str]) -> None:
    assert ids(billed("cdr", "list", *filters, "--json").json) == found


def test_a_verdict_that_is_none_is_a_wrong_usage(billed: Command) -> None:
    said = billed("cdr", "list", "--verdict", "fine")
    assert said.code == 2 and "match, mismatch" in said.err


def test_one_is_shown_with_its_findings_its_price_and_its_notes(billed: Command) -> None:
    out = billed("cdr", "show", "C2").out
    assert "verdict    mismatch, held" in out
    assert "0.75 is claimed, 0.25 is right, 0.50 too much" in out
    assert "1 kWh at 0.25: 0.25" in out and "sum: " in out
    assert "by the check" in out
    ours = billed("cdr", "show", "C2", "--json").json["interplug"]
    assert (ours["held"], ours["check"]["verdicts"], [note["what"] for note in ours["notes"]]) == (True, ["mismatch"], ["held"])


def test_people_hold_release_dispute_and_credit_with_reason_and_name(billed: Command) -> None:
    for words in (
        ("release", "C2", "--reason", "agreed"),
        ("hold", "C1", "--reason", "wait"),
        ("release", "C1"),
        ("dispute", "C1", "--reason", "elsewhere", "--by", "Ada"),
        ("credit", "C1", "--reason", "a mistake"),
        ("dispute", "C1", "--settled"),
    ):
        said = billed("cdr", *words)
        assert said.code == 0, said.err
    assert billed("cdr", "list", "--held").out == "no such CDR\n"
    notes = billed("cdr", "show", "C1", "--json").json["interplug"]["notes"]
    assert [(one["what"], one["reason"]) for one in notes] == [
        ("held", "wait"),
        ("released", ""),
        ("disputed", "elsewhere"),
        ("credited", "a mistake"),
        ("settled", ""),
    ]
    assert notes[2]["who"] == "Ada" and notes[0]["who"]
    listed = {one["id"]: one for one in billed("cdr", "list", "--json").json}
    assert (listed["C1"]["credited"], listed["C1"]["dispute"], listed["C1-C"]["verdicts"]) == (True, "settled", ["match"])


def right(billed: Command, folder: Path, **more: Any) -> Document:
    """C1 as it is shown, with something else in it, in a file."""
    document = {**billed("cdr", "show", "C1", "--json").json, **more}
    (folder / "right.json").write_bytes(encode_json(document))
    return document


@pytest.mark.req("CDR-020")
def test_a_cdr_that_was_wrong_is_taken_back_and_the_right_one_stands_in_its_place(billed: Command, tmp_path: Path) -> None:
    periods = billed("cdr", "show", "C1", "--json").json["charging_periods"]
    twice = [{**periods[0], "dimensions": [{"type": "ENERGY", "volume": 2}]}, *periods[1:]]
    right(billed, tmp_path, charging_periods=twice)
    said = billed("cdr", "correct", "C1", "right.json", "--reason", "2 kWh", "--json")
    assert said.code == 0, said.err
    name = said.json["done"].split("taken back, ")[1].split()[0]
    shown = billed("cdr", "show", name, "--json").json
    assert (shown["total_energy"], shown["total_cost"]["before_taxes"], shown["session_id"]) == (2, 0.5, "S-C1")
    listed = {one["id"]: one for one in billed("cdr", "list", "--json").json}
    assert listed["C1"]["credited"] and "C1-C" in listed and not listed[name]["held"]
    (note,) = billed("cdr", "show", "C1", "--json").json["interplug"]["notes"]
    assert (note["what"], note["reason"]) == ("credited", "2 kWh")
    again = billed("cdr", "correct", "C1", "right.json")
    assert again.code == 1 and "taken back already" in again.err and len(billed("cdr", "list", "--json").json) == len(listed)


def test_what_is_no_cdr_takes_none_back(billed: Command, tmp_path: Path) -> None:
    right(billed, tmp_path, charging_periods=[])
    said = billed("cdr", "correct", "C1", "right.json")
    assert said.code == 1 and "charging_periods" in said.err
    (tmp_path / "two.json").write_bytes(b"[{}, {}]")
    assert "holds 2" in billed("cdr", "correct", "C1", "two.json").err
    (tmp_path / "torn.json").write_bytes(b"[7]")
    assert billed("cdr", "correct", "C1", "torn.json").code == 1
    assert not billed("cdr", "show", "C1", "--json").json["interplug"]["notes"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("hold", "C2"), "held already"),
        (("release", "C1"), "is not held"),
        (("credit", "C2"), "has not left"),
        (("dispute", "C1", "--settled"), "not in dispute"),
        (("hold", "C9"), "no CDR"),
    ],
)
def test_what_cannot_be_done_says_why_and_fails(billed: Command, words: tuple[str, ...], why: str) -> None:
    said = billed("cdr", *words)
    assert (said.code, said.out) == (1, "") and why in said.err


def test_they_are_judged_again_by_command(billed: Command) -> None:
    assert billed("cdr", "check", "--json").json == {"checked": 3, "match": 2, "mismatch": 1, "doubled": 1}
    assert billed("cdr", "check", "C1", "C2").out == "2 checked\n  match 1\n  mismatch 1\n"
    assert ids(billed("cdr", "list", "--held", "--json").json) == ["C2"]


def test_status_and_doctor_count_them(billed: Command) -> None:
    cdrs = billed("status", "--json").json["cdrs"]
    assert cdrs["own"] == {"match": 2, "mismatch": 1, "doubled": 1}
    assert (cdrs["received"], cdrs["held"], cdrs["disputed"], cdrs["missing"], cdrs["unchecked"]) == ({}, 1, 0, 0, 0)
    assert "own: 2 match" in billed("status").out and "1 held" in billed("status").out
    said = billed("doctor", "--offline").out
    assert "1 of ours are held" in said and "1 of ours: doubled" in said


def test_no_session_lacks_its_cdr(billed: Command) -> None:
    assert billed("cdr", "list", "--missing").out == "no Session lacks its CDR\n"
