"""Documents from files and standard input, for the commands that need no node.

Every object in a file counts: alone, in a list, in the `data` of an OCPI response, or one a line; plain or gzip, one at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interplug.model.types import BadJson, decode_json
from interplug.sync import files

from .ending import end


def documents(paths: list[Path] | None) -> Iterator[dict[str, Any]]:
    """What is no object comes as `{"unreadable": reason}`; a file that ends in its middle ends the command, after what was whole."""
    for path in paths or [Path("-")]:
        try:
            if str(path) == "-":
                yield from _documents(files.opened(sys.stdin.buffer))
            else:
                with path.open("rb") as file:
                    yield from _documents(files.opened(file))
        except files.Unreadable as error:
            end(f"{path} cannot be read: {error}")


def _documents(file: files.Bytes) -> Iterator[dict[str, Any]]:
    for raw in files.objects(file):
        try:
            found = decode_json(raw)
        except BadJson as error:
            found = {"unreadable": error.reason}
        yield found if isinstance(found, dict) else {"unreadable": "not an object"}
