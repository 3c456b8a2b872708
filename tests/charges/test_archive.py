"""The archive: the same exhibits are the same bytes, and a stranger can check every file without anything of ours."""

import hashlib
import io
import zipfile

from interplug.charges.archive import Exhibit, Missing, manifest, packed
from interplug.model.types import decode_json

EXHIBITS = [Exhibit("b/one.json", "First.", b'{"a": 1}'), Exhibit("a/two.txt", "Second.", b"")]


def test_the_same_exhibits_are_the_same_bytes() -> None:
    said = manifest({"cdr": "C1"}, EXHIBITS, [Missing("messages", "too old")])
    assert packed(said, EXHIBITS) == packed(said, EXHIBITS)


def test_files_come_in_the_order_given_after_manifest_and_sums() -> None:
    said = manifest({"cdr": "C1"}, EXHIBITS, [Missing("messages", "too old")])
    with zipfile.ZipFile(io.BytesIO(packed(said, EXHIBITS))) as archive:
        assert archive.namelist() == ["manifest.json", "SHA256SUMS", "b/one.json", "a/two.txt"]
        read = decode_json(archive.read("manifest.json"))
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert sums == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name != "SHA256SUMS"}
    assert read["cdr"] == "C1" and read["missing"] == [{"what": "messages", "why": "too old"}]
    assert [(one["name"], one["bytes"], sums[one["name"]] == one["sha256"]) for one in read["files"]] == [
        ("b/one.json", 8, True),
        ("a/two.txt", 0, True),
    ]
