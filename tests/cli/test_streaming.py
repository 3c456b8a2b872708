"""Many lines over several processes: in order, none lost; and an answer at once for one who waits for it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from interplug.cli import streaming
from interplug.model.types import encode_json
from tests.cli.test_tariff import LINE


def numbered(count: int) -> bytes:
    return b"".join(encode_json({"tariff": {"id": str(number)}, "version": "2.2.1", "n": number}) + b"\n" for number in range(count))


def echo(line: Mapping[str, object]) -> dict[str, object]:
    return {"n": line["n"], "process": os.getpid()}


def test_lines_are_answered_in_order_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, out = tmp_path / "lines", io.TextIOWrapper(io.BytesIO())
    given.write_bytes(numbered(3000))
    monkeypatch.setattr(streaming, "MUCH", 20_000)
    monkeypatch.setattr(streaming, "PIECE", 10_000)
    monkeypatch.setattr(sys, "stdout", out)
    assert streaming.stream(echo, [given, given], 2) == 0
    found = [json.loads(line) for line in out.buffer.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert [answer["n"] for answer in found] == [*range(3000), *range(3000)]
    assert len({answer["process"] for answer in found}) > 1


@pytest.mark.parametrize("text", [b"", b"a", b"a\n", b"a\nb", b"a\r\n\nb\n", b"x" * 50 + b"\n" + b"y" * 30])
def test_pieces_are_whole_lines(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PIECE", 16)
    found = list(streaming.pieces(io.BufferedReader(io.BytesIO(text)), lambda: None))
    assert b"".join(found) == text
    assert all(piece.endswith(b"\n") for piece in found[:-1])


def test_one_who_waits_is_answered_at_once() -> None:
    command = [sys.executable, "-c", "from interplug.cli.main import main; main()", "tariff", "price", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, answered = _ends(process)
        for _ in range(2):
            asked.write(encode_json(LINE) + b"\n")
            asked.flush()
            assert json.loads(answered.readline())["total_cost"]["excl"] == "5.0000"
        asked.close()
    assert process.returncode == 0


def _ends(process: "subprocess.Popen[bytes]") -> tuple[BinaryIO, BinaryIO]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout  # type: ignore[return-value]
