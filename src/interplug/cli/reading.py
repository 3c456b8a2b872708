"""Documents from files and standard input, for the commands that need no node.

Every object in a file counts: alone, in a list, in the `data` of an OCPI response, one a line, or a row of a CSV export; plain or gzip, one
at a time.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from interplug.model.types import BadJson, decode_json
from interplug.sync import files

from . import tables
from .ending import end


def documents(paths: list[Path] | None) -> Iterator[dict[str, Any]]:
    """What is no object comes as `{"unreadable": reason}`; a file that ends in its middle ends the command, after what was whole."""
    for path in paths or [Path("-")]:
        try:
            if str(path) == "-":
                yield from _documents(sys.stdin.buffer)
            else:
                with path.open("rb") as file:
                    yield from _documents(file)
        except (files.Unreadable, csv.Error) as error:
            end(f"{path} cannot be read: {error}")


def _documents(raw: IO[bytes]) -> Iterator[dict[str, Any]]:
    file = cast(io.BufferedReader, files.opened(raw))
    first = file.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return tables.rows(file) if first not in (b"{", b"[", b"") else _objects(file)


def _objects(file: files.Bytes) -> Iterator[dict[str, Any]]:
    for raw in files.objects(file):
        try:
            found = decode_json(raw)
        except BadJson as error:
            found = {"unreadable": error.reason}
        yield found if isinstance(found, dict) else {"unreadable": "not an object"}
