"""`interplug tariff`: lines in, lines out, in order; files for people."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from interplug.cli.ending import Ending
from interplug.cli.tariff import tariff as command
from interplug.model.types import decode_json, encode_json
from tests.tariffs.build import cdr, component, element, period, tariff

TARIFF = tariff(element(component("ENERGY", "0.25", 1, 10)))
CDR = cdr(60, period(0, ENERGY=20), total_cost={"excl_vat": 5, "incl_vat": 5.5})
LINE = {"cdr": CDR, "tariffs": [TARIFF], "version": "2.2.1", "timezone": "Europe/Amsterdam"}


class Streams:
    """Standard input and output, as bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def run(self, arguments: list[str], given: bytes = b"") -> tuple[int, str]:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(given))))
        self._monkeypatch.setattr(sys, "stdout", out)
        code = command(arguments, exit_on_error=False, result_action="return_value")
        return code, out.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    return Streams(monkeypatch)


def asked(*lines: Any) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else encode_json(line) for line in lines)


def test_price_answers_each_line_in_order_and_goes_on_after_a_bad_one(streams: Streams) -> None:
    code, out = streams.run(["price", "--jsonl"], asked(LINE, b"{not json", {**LINE, "tariffs": []}, [], LINE))
    first, bad, none, wrong, last = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert first == last and first["total_cost"] == {"excl": "5.0000", "incl": "5.5000"}
    assert [answer["error"]["code"] for answer in (bad, none, wrong)] == ["invalid_json", "no_valid_tariff", "invalid_field"]


def test_options_of_a_line_are_used(streams: Streams) -> None:
    _, out = streams.run(["price", "--jsonl"], asked({**LINE, "options": {"decimals": 2}}, {**LINE, "options": {"decimal": 2}}))
    rounded, refused = (json.loads(line) for line in out.splitlines())
    assert rounded["total_cost"]["excl"] == "5.00" and refused["error"]["code"] == "invalid_field"


def test_verify_and_lint_answer_lines(streams: Streams) -> None:
    _, out = streams.run(["verify", "--jsonl"], asked(LINE))
    assert json.loads(out)["verdict"] == "match"
    _, out = streams.run(["lint", "--jsonl"], asked({"tariff": {**TARIFF, "currency": "eur"}, "version": "2.2.1"}))
    assert [finding["code"] for finding in json.loads(out)["findings"]] == ["currency_case"]


def test_files_are_priced_with_tariffs_from_other_files(streams: Streams, tmp_path: Path) -> None:
    session, tariffs = tmp_path / "cdr.json", tmp_path / "tariffs.json"
    session.write_bytes(encode_json({"status_code": 1000, "data": [CDR], "timestamp": "2024-01-01T00:00:00Z"}))
    tariffs.write_bytes(encode_json([TARIFF]))
    code, out = streams.run(["price", str(session), "--tariffs", str(tariffs)])
    assert code == 0 and out.startswith("total 5.0000 before taxes, 5.5000 after EUR\n  ENERGY 20 at 0.25")
    code, out = streams.run(["verify", str(session), "--tariffs", str(tariffs), "--json"])
    assert code == 0 and json.loads(out)["verdict"] == "match"


def test_a_mismatch_and_a_finding_end_with_one(streams: Streams, tmp_path: Path) -> None:
    wrong = tmp_path / "line.json"
    wrong.write_bytes(encode_json({**LINE, "cdr": {**CDR, "total_cost": {"excl_vat": 9}}}))
    code, out = streams.run(["verify", str(wrong)])
    assert code == 1 and "total_cost (excl): claimed 9.0000, computed 5.0000" in out
    code, out = streams.run(["lint"], encode_json({**TARIFF, "elements": []}))
    assert code == 1 and "missing_required_field /elements" in out


@pytest.mark.parametrize(
    ("cdr_fields", "tariff_fields", "version"),
    [({}, {}, "2.2.1"), ({}, {"tax_included": "NO"}, "2.3.0"), ({"stop_date_time": "2024-01-15T10:00:00Z"}, {}, "2.1.1")],
)
def test_the_version_of_documents_is_recognised(streams: Streams, cdr_fields: Any, tariff_fields: Any, version: str) -> None:
    line = {"cdr": {**CDR, **cdr_fields}, "tariffs": [{**TARIFF, **tariff_fields}]}
    _, recognised = streams.run(["price", "--jsonl"], asked(line))
    _, told = streams.run(["price", "--jsonl"], asked({**line, "version": version}))
    assert decode_json(recognised.encode()) == decode_json(told.encode())


def test_a_tariff_is_explained_and_tidied(streams: Streams, tmp_path: Path) -> None:
    file = tmp_path / "tariff.json"
    file.write_bytes(encode_json({**TARIFF, "currency": "eur", "elements": [element(component("ENERGY", "0.25", 0, "0.2"))]}))
    code, out = streams.run(["explain", str(file), "--date", "2026-01-15"])
    assert code == 0 and "€0.25 per kWh" in out and "20 kWh in 2 h from Wednesday 10:00" in out
    assert "**Energie**" in streams.run(["explain", str(file), "--language", "de", "--markdown"])[1]
    code, out = streams.run(["normalize", str(file)])
    assert code == 0 and "done: warning: currency_case" in out and "not done, a price would or might change: warning: zero_step" in out
    assert json.loads(streams.run(["normalize", str(file), "--json"])[1])["tariff"]["currency"] == "EUR"


def test_two_tariffs_are_compared(streams: Streams, tmp_path: Path) -> None:
    file = tmp_path / "tariffs.json"
    file.write_bytes(encode_json([TARIFF, tariff(element(component("ENERGY", "0.20", 1, 10)))]))
    code, out = streams.run(["compare", str(file)])
    assert code == 0 and "second cheaper: 72" in out and "50 kWh in 20 min, Wednesday 02:00: 13.7500 and 11.0000, -2.7500" in out
    assert json.loads(streams.run(["compare", str(file), "--json"])[1])["first_cheaper"] == 0


def test_a_simulated_session_is_a_line_that_verifies(streams: Streams) -> None:
    night = tariff(element(component("ENERGY", "0.20"), start_time="22:00"), element(component("ENERGY", "0.30")))
    arguments = ["simulate", "--start", "2026-01-15T20:00:00Z", "--kwh", "20", "--kw", "10", "--timezone", "Europe/Amsterdam"]
    code, out = streams.run(arguments, encode_json(night))
    assert code == 0 and "2026-01-15T21:00:00Z  ENERGY 10.0000, TIME 1.0000" in out and "total_cost: 5.0000 before taxes" in out
    _, line = streams.run([*arguments, "--json"], encode_json(night))
    assert json.loads(streams.run(["verify", "--jsonl"], line.encode())[1])["verdict"] == "match"
    curve = streams.run(["simulate", "--power", "0:50,1800:50,3600:0", "--start", "2026-01-15T20:00:00Z"], encode_json(TARIFF))[1]
    assert "ENERGY 37.5" in curve


def test_lines_about_tariffs_alone_are_answered(streams: Streams) -> None:
    line = {"tariff": TARIFF, "version": "2.2.1"}
    session = {"start_date_time": "2026-01-15T20:00:00Z", "kwh": 20, "kw": 10}
    assert "€0.25 per kWh" in json.loads(streams.run(["explain", "--jsonl"], asked(line))[1])["text"]
    assert json.loads(streams.run(["normalize", "--jsonl"], asked(line))[1])["applied"] == []
    assert json.loads(streams.run(["compare", "--jsonl"], asked({"tariffs": [TARIFF, TARIFF]}))[1])["equal"] == 72
    simulated = json.loads(streams.run(["simulate", "--jsonl"], asked({**line, "session": session}))[1])
    assert simulated["cdr"]["total_cost"] == {"excl_vat": 5, "incl_vat": 5.5}
    assert json.loads(streams.run(["simulate", "--jsonl"], asked({**line, "session": {}}))[1])["error"]["code"] == "invalid_field"


def test_compare_wants_two(streams: Streams) -> None:
    with pytest.raises(Ending) as ended:
        streams.run(["compare"], encode_json(TARIFF))
    assert ended.value.code == 2


def test_what_is_no_object_is_answered_and_the_rest_goes_on(streams: Streams) -> None:
    code, out = streams.run(["lint"], encode_json(TARIFF) + b"\n5\n" + encode_json(TARIFF))
    assert code == 1 and out.splitlines()[1] == "cannot be answered: invalid_json: not an object" and len(out.splitlines()) == 3
