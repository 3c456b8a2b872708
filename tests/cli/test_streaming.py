"""Many lines over several processes: in order, none lost; and an answer at once for one who waits for it."""

import contextlib
import gzip
import io
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from interplug.cli import crew, streaming
from interplug.model.types import encode_json
from interplug.sync import files
from tests.cli.conftest import Command
from tests.cli.test_tariff import LINE


def numbered(count: int) -> bytes:
    return b"".join(encode_json({"tariff": {"id": str(number)}, "version": "2.2.1", "n": number}) + b"\n" for number in range(count))


def echo(line: Mapping[str, object]) -> dict[str, object]:
    return {"n": line["n"], "process": os.getpid()}


def test_lines_are_answered_in_order_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, out = tmp_path / "lines", io.TextIOWrapper(io.BytesIO())
    given.write_bytes(numbered(3000))
    monkeypatch.setattr(crew, "MUCH", 20_000)
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


def test_of_a_line_beyond_all_reason_the_beginning_is_kept_and_the_next_line_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PIECE", 16)
    monkeypatch.setattr(files, "LARGEST", 40)
    found = b"".join(streaming.pieces(io.BufferedReader(io.BytesIO(b"a\n" + b"x" * 500 + b"\nb\nc")), lambda: None))
    first, long, *others = found.split(b"\n")
    assert (first, others) == (b"a", [b"b", b"c"]) and set(long) == set(b"x") and len(long) < 80


@pytest.mark.parametrize("cut", [0, 9])
def test_lines_may_be_packed_and_what_was_whole_is_answered(interplug: Command, tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(b"\n".join([encode_json(LINE)] * 20_000))
    (tmp_path / "lines.gz").write_bytes(packed[: len(packed) - cut])
    said = interplug("tariff", "price", "--jsonl", "lines.gz", "--jobs", "1")
    assert said.code == bool(cut) and said.out.count("\n") >= 19_000 and ("lines.gz cannot be read" in said.err) is bool(cut)
    assert {json.loads(line)["total_cost"]["excl"] for line in said.out.splitlines()} == {"5.0000"}


PRICE = [sys.executable, "-c", "from interplug.cli.main import main; main()", "tariff", "price", "--jsonl", "--jobs", "2"]
MUCH = (encode_json(LINE) + b"\n") * (2 * crew.MUCH // len(encode_json(LINE)))


def test_nothing_is_left_behind_by_one_that_was_killed() -> None:
    with subprocess.Popen(PRICE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, answered = _ends(process)
        feeding = threading.Thread(target=lambda: asked.write(MUCH))
        feeding.start()
        for _ in range(MUCH.count(b"\n")):
            answered.readline()
        feeding.join()
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        ends = [os.pidfd_open(pid) for pid in children]
        process.kill()
    assert len(children) >= 2
    for end in ends:
        assert select.select([end], [], [], 30)[0]
        os.close(end)


def test_a_reader_that_goes_away_is_no_fault() -> None:
    with subprocess.Popen(PRICE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        asked, answered = _ends(process)
        answered.close()
        with contextlib.suppress(BrokenPipeError):
            asked.write(MUCH)
            asked.close()
        assert process.stderr is not None and process.stderr.read() == b""


def _ends(process: "subprocess.Popen[bytes]") -> tuple[BinaryIO, BinaryIO]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout  # type: ignore[return-value]
