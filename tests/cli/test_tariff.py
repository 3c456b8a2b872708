"""`interplug tariff`: lines in, lines out, in order; files for people."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

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
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
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
