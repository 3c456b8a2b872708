"""Fetches the vendored web files again, by name and version, and holds them to the hashes of the manifests.

`make vendor` is for reviewers (the files are what npm serves) and for updates: change a version in a manifest and run
`make vendor ARGS=--update`, which writes the new hashes. Nothing of npm is needed to use or to build Interplug.
"""

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "src/interplug/web/static/vendor", ROOT / "tests/vendor")
"""What pages load, and what only tests do."""


def pack(name: str, version: str, folder: Path) -> Path:
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return folder / done.stdout.strip().splitlines()[-1]


def fetch(into: Path, package: dict[str, Any], update: bool) -> list[str]:
    """Writes the files of one package; returns what differs from the manifest (nothing is written for those)."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder, tarfile.open(pack(package["name"], package["version"], Path(folder))) as archive:
        for file in package["files"]:
            member = archive.extractfile(f"package/{file['source']}")
            if member is None:
                raise SystemExit(f"{package['name']} {package['version']} holds no {file['source']}")
            content = member.read()
            digest = hashlib.sha256(content).hexdigest()
            if update:
                file["sha256"] = digest
            elif digest != file["sha256"]:
                wrong.append(f"{file['path']}: {digest} is not {file['sha256']}")
                continue
            (into / file["path"]).write_bytes(content)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch the vendored web files again.")
    parser.add_argument("--update", action="store_true", help="write the hashes of what was fetched into the manifests")
    options = parser.parse_args()
    wrong, files = [], 0
    for folder in FOLDERS:
        manifest = folder / "manifest.json"
        packages = json.loads(manifest.read_text())
        wrong += [line for package in packages for line in fetch(folder, package, options.update)]
        files += sum(len(package["files"]) for package in packages)
        if options.update:
            manifest.write_text(json.dumps(packages, indent=2) + "\n")
    print("\n".join(wrong) or f"{files} files as in the manifests")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
