"""What was vendored is what the manifest says, and nothing else lies beside it."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "src/interplug/web/static/vendor"


def test_the_manifest_tells_every_vendored_file_with_its_hash() -> None:
    packages = json.loads((VENDOR / "manifest.json").read_text())
    told = {file["path"]: file["sha256"] for package in packages for file in package["files"]}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "manifest.json"}
    assert found == told


def test_each_package_brings_its_licence() -> None:
    packages = json.loads((VENDOR / "manifest.json").read_text())
    assert packages
    for package in packages:
        assert package["licence"]
        assert any(file["source"] == "LICENSE" for file in package["files"])
