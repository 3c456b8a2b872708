"""What was vendored is what the manifest says, and nothing else lies beside it."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = pytest.mark.parametrize("vendor", [ROOT / "src/interplug/web/static/vendor", ROOT / "tests/vendor"], ids=["pages", "tests"])


@FOLDERS
def test_the_manifest_tells_every_vendored_file_with_its_hash(vendor: Path) -> None:
    packages = json.loads((vendor / "manifest.json").read_text())
    told = {file["path"]: file["sha256"] for package in packages for file in package["files"]}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir() if path.name != "manifest.json"}
    assert found == told


@FOLDERS
def test_each_package_brings_its_licence(vendor: Path) -> None:
    packages = json.loads((vendor / "manifest.json").read_text())
    assert packages
    for package in packages:
        assert package["licence"]
        assert any(file["source"] in ("LICENSE", "LICENSE.txt") for file in package["files"])
