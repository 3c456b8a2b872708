"""`interplug evidence`: one archive with everything that this node can say about a CDR."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.charges import archive
from interplug.charges.evidence import collect
from interplug.modules.node import Node

from .ending import columns, end, show
from .opening import REPORTING, Reporting, with_node
from .records import OF_PARTNER, found


def evidence(
    id: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="File to write; without it, evidence-ID.zip here.")] = None,
    partner: OF_PARTNER = None,
    retail: Annotated[bool, Parameter(negative=(), help="Also what the driver pays, which is no business of the partner.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Pack everything about a CDR into one archive, to argue about it.

    The CDR as it was received and as it is stored, the tariffs of that time, the price worked by hand, the check, the course of the
    session, the commands and the messages of both directions, and a manifest that names each file with its hash and says what is missing
    and why. With --json the manifest is printed. No token of a partner is in it, but personal data of a driver are.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node) -> tuple[dict[str, Any], list[archive.Exhibit]]:
        return await collect(node, await found(node, id, partner), retail=retail)

    manifest, exhibits = with_node(common, work)
    packed = archive.packed(manifest, exhibits)
    path = out or Path(f"evidence-{re.sub(r'[^A-Za-z0-9._-]', '_', id)}.zip")
    _write(path, packed)
    told = {"file": str(path), "bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
    show({**manifest, "archive": told}, _lines(manifest, told), json=common.json)


def _write(path: Path, packed: bytes) -> None:
    """For its owner alone; one that is there already is evidence, too."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(packed)
    except FileExistsError:
        end(f"there is already a file {path}; name another with --out")


def _lines(manifest: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['file']}, {told['bytes']:,} bytes, SHA-256 {told['sha256']}"
    yield from columns(("file", "what"), [(one["name"], one["what"]) for one in manifest["files"]])
    for one in manifest["missing"]:
        yield f"missing: {one['what']}: {one['why']}"
