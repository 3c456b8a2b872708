"""Reading a file object by object: every shape of file, plain and packed, and what a damaged one costs."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc

import pytest

from interplug.sync import files
from interplug.sync.files import Unreadable, objects, opened


def read(content: bytes) -> list[bytes]:
    return list(objects(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (b'[{"a":1},\r\n {"b":[1,{"c":2}]}]', [b'{"a":1}', b'{"b":[1,{"c":2}]}']),
        (b'\xef\xbb\xbf[{"a":1}]', [b'{"a":1}']),
        (b'{"status_code":1000,"data":[{"a":1},{"a":2}],"timestamp":"t"}', [b'{"a":1}', b'{"a":2}']),
        (b'{"data":[]}', []),
        (b'{"data": {"a":1}}', [b'{"a":1}']),
        (b'{"a":1}\n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
        (b'{"a":\n  1\n}\n', [b'{"a":\n  1\n}']),
    ],
)
def test_a_list_an_envelope_and_lines_hold_the_same_objects(content: bytes, expected: list[bytes]) -> None:
    assert read(content) == expected


def test_a_packed_file_is_unpacked(tmp_path) -> None:
    (tmp_path / "list.json.gz").write_bytes(gzip.compress(b'[{"a":1}]'))
    with (tmp_path / "list.json.gz").open("rb") as file:
        assert list(objects(opened(file))) == [b'{"a":1}']


def test_a_line_that_is_no_json_costs_that_line() -> None:
    assert read(b'{"a":1}\n{"b":2\n{"c":3}\n') == [b'{"a":1}', b'{"b":2', b'{"c":3}']


@pytest.mark.parametrize("content", [b"hello", b"<html>\n</html>\n", b"id,city\n17,Gent\n", b'{"a":1', b"PK\x03\x04\xff\xfe"])
def test_a_file_without_any_object_is_unreadable(content: bytes) -> None:
    found: list[bytes] = []
    with pytest.raises(Unreadable, match="no JSON object"):
        found.extend(objects(io.BytesIO(content)))
    assert b"".join(found) == b"".join(content.split(b"\n"))


def test_bytes_that_are_no_text_come_out_as_they_went_in() -> None:
    assert read(b'[{"a":"\xff\xfe"}]') == [b'{"a":"\xff\xfe"}']


@pytest.mark.parametrize(
    "content",
    [b'[{"a":1},{"b":', b'[{"a":1} {"b":2}]', b'[{"a":1},', b'[{"a":1},{"b" 2}]', b'{"data":[{"a":1}', b'[{"a":1},' + b"[" * 100_000],
)
def test_a_broken_list_ends_after_the_objects_before_the_break(content: bytes) -> None:
    found: list[bytes] = []
    with pytest.raises(Unreadable, match="character"):
        found.extend(objects(io.BytesIO(content)))
    assert found == [b'{"a":1}']


def test_an_envelope_without_objects_says_so() -> None:
    with pytest.raises(Unreadable, match="no objects in data"):
        read(b'{"status_code":2001,"data":null}')


def test_a_packed_file_that_ends_too_early_is_told(tmp_path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b'[{"a":1}]')[:-6])
    with (tmp_path / "cut.gz").open("rb") as file, pytest.raises(Unreadable, match="packed"):
        list(objects(opened(file)))


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_objects_may_lie_across_pieces(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", piece)
    expected = [{"id": f"L{number}", "name": 'Zürich \\ " straße', "n": number / 8} for number in range(30)]
    found = [json.loads(one) for one in read(json.dumps(expected, ensure_ascii=False).encode())]
    assert found == expected


def test_memory_does_not_grow_with_the_file(tmp_path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(b"[" + b",".join([b'{"id":"%08d","text":"%s"}' % (number, b"x" * 400) for number in range(60_000)]) + b"]")
    tracemalloc.start()
    with path.open("rb") as file:
        assert sum(1 for _ in objects(opened(file))) == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 3
