"""Documents from files and standard input, for the commands that need no node.

Every object in a file counts: alone, in a list, in the `data` of an OCPI response, one a line, or a row of a CSV export; plain or gzip, one
at a time.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.sync import files

from . import tables
from .ending import end

STANDARD_INPUT = Path("-")
PIECE = 1 << 18
"""Bytes of objects that are handed on together."""


class Source:
    """A file that is being read, unpacked where it is packed."""

    def __init__(self, path: Path, raw: IO[bytes]) -> None:
        self.name = name_of(path)
        self.file = files.opened(raw)
        self._raw = raw
        self._passed = 0

    def passed(self) -> int:
        """Bytes of it, as they lie there, since this was last asked; 0 where nobody knows."""
        try:
            at = self._raw.tell()
        except (OSError, ValueError):
            return 0
        at, self._passed = at - self._passed, at
        return at


def name_of(path: Path) -> str:
    return "standard input" if path == STANDARD_INPUT else str(path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source]:
    """A file that cannot be read further ends the command, in words."""
    try:
        if path == STANDARD_INPUT:
            yield Source(path, sys.stdin.buffer)
        else:
            with path.open("rb") as raw:
                yield Source(path, raw)
    except files.Unreadable as error:
        end(f"{name_of(path)} cannot be read: {error}")


def size_of(paths: list[Path] | None) -> int:
    """Bytes of all files; 0 where nobody knows."""
    sizes = [path.stat().st_size if path.is_file() else 0 for path in paths or ()]
    return sum(sizes) if all(sizes) else 0


class Piece(NamedTuple):
    """Objects that follow each other in a file, as JSON; `first` is the number of the first of them."""

    name: str
    first: int
    objects: list[bytes]
    size: int
    passed: int


def pieces(paths: list[Path] | None, spelling: tables.Spelling = tables.PLAIN) -> Iterator[Piece]:
    """A file that ends in its middle ends the command, after what was whole."""
    for path in paths or [STANDARD_INPUT]:
        with opened(path) as source:
            first, held, size = 1, list[bytes](), 0
            broken = None
            try:
                for raw in _objects(source, spelling):
                    held.append(raw)
                    size += len(raw)
                    if size >= PIECE:
                        yield Piece(source.name, first, held, size, source.passed())
                        first, held, size = first + len(held), [], 0
            except files.Unreadable as error:
                broken = error
            if held:
                yield Piece(source.name, first, held, size, source.passed())
            if broken is not None:
                raise broken


def documents(paths: list[Path] | None) -> Iterator[dict[str, Any]]:
    """What is no object comes as `{"unreadable": reason}`."""
    for piece in pieces(paths):
        yield from map(document, piece.objects)


def document(raw: bytes) -> dict[str, Any]:
    try:
        found = decode_json(raw)
    except BadJson as error:
        return {"unreadable": error.reason}
    return found if isinstance(found, dict) else {"unreadable": "not an object"}


def _objects(source: Source, spelling: tables.Spelling) -> Iterator[bytes]:
    with files.whole():
        first = source.file.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in (b"{", b"[", b""):
        return files.objects(source.file)
    return map(encode_json, tables.rows(cast(IO[bytes], source.file), spelling))
