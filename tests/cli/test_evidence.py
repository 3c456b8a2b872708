"""`interplug evidence`: a file for its owner alone, a report, and the manifest as JSON."""

import stat
import zipfile
from pathlib import Path

import pytest

from interplug.model.types import encode_json
from tests.cli.conftest import Command
from tests.modules import said


@pytest.fixture
def imported(interplug: Command, tmp_path: Path) -> Command:
    """A CDR of our own, from a file."""
    (tmp_path / "cdrs.jsonl").write_bytes(encode_json({**said.cdr("C/1"), "country_code": "NL", "party_id": "TNM"}))
    assert interplug("import", "cdrs.jsonl").code == 0
    return interplug


def test_an_archive_is_written_once_and_for_its_owner_alone(imported: Command, tmp_path: Path) -> None:
    told = imported("evidence", "C/1")
    assert told.code == 0 and told.out.startswith("evidence-C_1.zip") and "missing: messages: no partner is known" in told.out
    assert stat.S_IMODE((tmp_path / "evidence-C_1.zip").stat().st_mode) == 0o600
    assert zipfile.ZipFile(tmp_path / "evidence-C_1.zip").testzip() is None
    again = imported("evidence", "C/1")
    assert again.code == 1 and "already a file" in again.err


def test_the_manifest_as_json(imported: Command) -> None:
    manifest = imported("evidence", "C/1", "--out", "one.zip", "--json").json
    assert manifest["cdr"] == "C/1" and manifest["archive"]["file"] == "one.zip" and len(manifest["archive"]["sha256"]) == 64
    assert {"cdr/received.json", "cdr/stored.json", "price/check.json"} <= {one["name"] for one in manifest["files"]}


def test_a_cdr_that_is_not_there(imported: Command) -> None:
    assert imported("evidence", "C2").code == 1
    assert imported("evidence").code == 2
