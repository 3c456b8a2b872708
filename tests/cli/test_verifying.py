"""`interplug cdr verify`: files in, what is wrong by partner and cause out; no node and none of its libraries."""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interplug.cli import crew, reading
from interplug.model.types import encode_json, parse_time
from interplug.stations.simulator.ocmf import Signer
from interplug.stations.simulator.readings import Reading
from interplug.tariffs import Options, cost_documents, price
from tests.cli.conftest import Command
from tests.tariffs.build import cdr, component, element, period, tariff

ZONE = "Europe/Amsterdam"
PRICES = tariff(
    element(component("ENERGY", "0.40", 1, 21), start_time="10:00"),
    element(component("ENERGY", "0.25", 1, 21)),
    element(component("PARKING_TIME", 6, 900, 21)),
)


def written(id: str, options: Options = Options(), **fields: Any) -> dict[str, Any]:  # noqa: B008
    """A CDR of 10 kWh from 10:00 local time, and 50 minutes parked."""
    session = cdr(110, period(0, ENERGY=10, TIME=1), period(60, PARKING_TIME="0.8333"), id=id, tariffs=[PRICES])
    location = {"country": "NLD", "time_zone": ZONE}
    found = {**session, "country_code": "NL", "party_id": "TNM", "cdr_location": location, **fields}
    return {**found, **cost_documents(price(found, found["tariffs"], version="2.2.1", timezone=ZONE, options=options), "2.2.1")}


MONTH = [
    written("C1"),
    written("C2", Options(clock="utc")),
    written("C3", Options(clock="utc")),
    written("C4", Options(preset="exact"), party_id="ABC"),
    {**written("C5"), "tariffs": []},
]


def test_what_is_wrong_by_partner_and_cause(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "cdrs.json").write_bytes(encode_json({"status_code": 1000, "data": MONTH, "timestamp": "2024-02-01T00:00:00Z"}))
    said = interplug("cdr", "verify", "cdrs.json")
    assert said.code == 1 and said.out.startswith("5 CDRs: 1 right, 3 wrong, 1 cannot be checked\n")
    # 10 kWh at 0.25 in place of 0.40, twice.
    assert "NL-TNM: 2 wrong, 3.00 EUR too little: utc_used_for_local_time" in said.out
    # 50 minutes at 6.00 an hour in place of a whole hour.
    assert "NL-ABC: 1 wrong, 1.00 EUR too little: step_size_ignored" in said.out
    assert "NL-TNM: 1 not checkable: no_valid_tariff" in said.out


def test_the_example_is_worked_by_hand(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "cdrs.json").write_bytes(encode_json(MONTH[3]))
    said = interplug("cdr", "verify", "cdrs.json").out
    assert "The volumes were not rounded up to the tariff's step_size." in said
    assert "10 kWh at 0.40: 4.00 before taxes, 4.84 with taxes" in said
    assert "2999.88 s were used, billed in steps of 900 s: 3600.00 s" in said
    assert "tax of 21 % on 10.00: 2.10" in said and "sum: 10.00 before taxes, 12.10 with taxes EUR" in said
    assert "total_cost before taxes: 8.9998 is claimed, 10.00 is right, 1.0002 too little" in said
    assert "with that mistake the same sum gives what is claimed" in said


def test_as_one_document(interplug: Command, tmp_path: Path) -> None:
    (tmp_path / "cdrs.jsonl.gz").write_bytes(gzip.compress(b"\n".join(encode_json(one) for one in MONTH)))
    found = interplug("cdr", "verify", "cdrs.jsonl.gz", "--json").json
    other, first = found["partners"]
    assert (found["cdrs"], first["partner"], first["match"], first["mismatch"], first["unverifiable"]) == (5, "NL-TNM", 1, 2, 1)
    assert [(cause["cause"], cause["count"], cause["excess"]) for cause in first["causes"]] == [
        ("utc_used_for_local_time", 2, "-3"),
        ("no_valid_tariff", 1, "0"),
    ]
    assert other["causes"][0]["ids"] == ["C4"]


def test_all_right_ends_with_zero(interplug: Command) -> None:
    said = interplug("cdr", "verify", typed=encode_json([MONTH[0]]))
    assert said.code == 0 and said.out.startswith("1 CDRs: 1 right")


def test_tariffs_of_another_file_are_found_by_id_or_party(interplug: Command, tmp_path: Path) -> None:
    others = [tariff(element(component("ENERGY", 9)), id=f"X{n}", party_id="TNM") for n in range(3)]
    (tmp_path / "tariffs.json").write_bytes(encode_json([*others, {**PRICES, "party_id": "TNM"}]))
    periods = [{**one, "tariff_id": "t1"} for one in MONTH[0]["charging_periods"]]
    named = {**MONTH[0], "tariffs": [], "charging_periods": periods}
    assert interplug("cdr", "verify", "--tariffs", "tariffs.json", typed=encode_json(named)).code == 0
    (tmp_path / "one.json").write_bytes(encode_json({**PRICES, "party_id": "TNM"}))
    unnamed = {**MONTH[0], "tariffs": []}
    assert interplug("cdr", "verify", "--tariffs", "one.json", typed=encode_json(unnamed)).code == 0


@pytest.mark.parametrize("text", [b"", b"[]", b'{"cdr": 5}', b'[{"id": 1, "tariffs": 5}, null]', b'{"charging_periods": [5]}'])
def test_nothing_in_a_file_breaks_it(interplug: Command, text: bytes) -> None:
    said = interplug("cdr", "verify", typed=text)
    assert said.code == 0 and "0 right, 0 wrong" in said.out


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_ends_early_says_so_after_what_was_whole(interplug: Command, tmp_path: Path, packed: bool) -> None:
    whole = encode_json(MONTH * 200)
    (tmp_path / "cdrs.json").write_bytes(gzip.compress(whole)[:-50] if packed else whole[:-50])
    said = interplug("cdr", "verify", "cdrs.json")
    assert said.code == 1 and "cdrs.json cannot be read" in said.err
    assert packed or said.out.startswith("999 CDRs: 200 right, 600 wrong")


def test_a_broken_line_costs_that_line_and_its_place_is_told(interplug: Command, tmp_path: Path) -> None:
    good = encode_json(MONTH[0])
    (tmp_path / "cdrs.jsonl").write_bytes(b"\n".join([good, good[:-9], good]))
    said = interplug("cdr", "verify", "cdrs.jsonl")
    assert said.out.startswith("3 CDRs: 2 right, 0 wrong, 1 cannot be checked") and "number 2 of cdrs.jsonl" in said.out


def test_several_processes_say_what_one_says(interplug: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cdrs.jsonl").write_bytes(b"\n".join(encode_json({**one, "id": f"C{n}"}) for n, one in enumerate(MONTH * 60)))
    one = interplug("cdr", "verify", "cdrs.jsonl", "cdrs.jsonl", "--json", "--jobs", "1").json
    monkeypatch.setattr(crew, "MUCH", 40_000)
    monkeypatch.setattr(reading, "PIECE", 20_000)
    assert interplug("cdr", "verify", "cdrs.jsonl", "cdrs.jsonl", "--json", "--jobs", "2").json == one
    assert one["cdrs"] == 600 and one["partners"][1]["causes"][0]["ids"][:3] == ["C1", "C2", "C6"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--jobs", "0"], "Must be >= 1"),
        (["--version", "3.0"], "is not spoken here"),
        (["--timezone", "Mars"], "there is no time zone Mars"),
        (["--column", "energy"], "say FIELD=NAME"),
        (["--frob"], "Unknown option"),
    ],
)
def test_a_wrong_usage_is_told(interplug: Command, words: list[str], reason: str) -> None:
    said = interplug("cdr", "verify", *words)
    assert said.code == 2 and reason in said.err


NODE = (
    "aiohttp",
    "alembic",
    "argon2",
    "cryptography",
    "starlette",
    "uvicorn",
    "uvloop",
    "structlog",
    "jinja2",
    "prometheus_client",
    "tzfpy",
)


@pytest.mark.parametrize("words", [["cdr", "verify"], ["tariff", "lint"], ["tariff", "price", "--jsonl"]])
def test_the_base_install_is_enough(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "cdr.json").write_bytes(encode_json(MONTH[0]))
    hidden = f"import sys; sys.modules.update(dict.fromkeys({NODE!r})); from interplug.cli.main import main; main()"
    command = [sys.executable, "-c", hidden, *words, str(tmp_path / "cdr.json")]
    ended = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60)
    assert ended.stderr == "" and ended.stdout
    if words == ["cdr", "verify"]:
        assert ended.returncode == 0 and "1 right" in ended.stdout


def test_what_the_meters_signed_is_checked_too(interplug: Command, tmp_path: Path) -> None:
    meter = Signer("M1", "files")

    def signed(id: str, kwh: int, old: str = "", new: str = "") -> dict[str, Any]:
        one = {**written(id), "total_energy": 10}
        at = parse_time(one["start_date_time"])
        texts = [meter.sign(Reading(at, wh, (), ""), None, mark).signed for wh, mark in ((0, "B"), (kwh * 1000, "E"))]
        values = [
            {"nature": name, "plain_data": "", "signed_data": text.replace(old, new)}
            for name, text in zip(("Start", "End"), texts, strict=True)
        ]
        return {**one, "signed_data": {"encoding_method": "OCMF", "public_key": meter.public_key, "signed_values": values}}

    month = [written("C0"), signed("C1", 10), signed("C2", 9), signed("C3", 10, '"RV":10.000', '"RV":11.000')]
    unread = {
        **written("C4"),
        "signed_data": {"encoding_method": "EDL40 Mennekes", "signed_values": [{"nature": "End", "signed_data": "AA=="}]},
    }
    said = interplug("cdr", "verify", typed=encode_json([*month, unread]))
    assert said.code == 1 and "5 right, 0 wrong" in said.out
    assert (
        "signed by the meter: 1 genuine, and as billed, 1 not genuine, 1 of another energy than is billed, 1 cannot be checked" in said.out
    )
    assert "C2: 9.000 kWh were signed, 10 kWh are billed" in said.out and "C3: the signature of End is wrong" in said.out
    assert interplug("cdr", "verify", typed=encode_json([*month[:2], unread])).code == 0
    found = interplug("cdr", "verify", "--json", typed=encode_json(month)).json["signed"]
    assert [(one["verdict"], one["count"]) for one in found] == [("signed_right", 1), ("signature_wrong", 1), ("signed_energy", 1)]
    assert "signed" not in interplug("cdr", "verify", "--json", typed=encode_json(month[:1])).json
