"""Exhibits packed into one ZIP file, with a manifest that names each with its hash. Pure: no store, no clock, no file.

The same exhibits give the same bytes. `sha256sum --check SHA256SUMS` in the unpacked folder needs nothing of ours.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from interplug.model.types import encode_json

Document = dict[str, Any]
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first day that a ZIP file knows: when each exhibit came to be stands in the manifest."""


class Exhibit(NamedTuple):
    name: str
    what: str
    """In words, for somebody who has never seen such an archive."""
    raw: bytes


class Missing(NamedTuple):
    what: str
    why: str


def readable(value: Any) -> bytes:
    """JSON for people."""
    return msgspec.json.format(encode_json(value), indent=2) + b"\n"


def manifest(about: Document, exhibits: Sequence[Exhibit], missing: Sequence[Missing]) -> Document:
    return {
        **about,
        "files": [{"name": one.name, "what": one.what, "bytes": len(one.raw), "sha256": _hash(one.raw)} for one in exhibits],
        "missing": [one._asdict() for one in missing],
    }


def packed(manifest: Document, exhibits: Sequence[Exhibit]) -> bytes:
    files = [(MANIFEST, readable(manifest)), *((one.name, one.raw) for one in exhibits)]
    sums = "".join(f"{_hash(raw)}  {name}\n" for name, raw in files).encode()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in (*files[:1], (SUMS, sums), *files[1:]):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), raw, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
