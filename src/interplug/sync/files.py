"""The objects of a file, one after another, however large the file is.

A file is a JSON list, an OCPI response envelope with the list in `data`, or objects one after another (JSON lines), plain or
gzip. It is read in pieces; what is held at a time is one piece and the object that is being read. An object comes out as the bytes it
has in the file, so that what cannot be understood can be kept as it came. A line that is no JSON costs that line, but a file without
any object is none of these; a list that is broken ends there, for nobody can say where its next object begins.

This file does not know what an object means.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import IO, Protocol, cast

PIECE = 1 << 20
LARGEST = 16 << 20
"""Most characters of one object."""
BLANK = " \t\r\n"
GZIP = b"\x1f\x8b"

_BLANK = re.compile(r"[ \t\r\n,]*")
# Only the end of a value is wanted, so numbers stay text: a long one must cost nothing.
_parse = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode


class Unreadable(Exception):
    """The file is not what it should be, or ends too early; the objects before that place have been read."""


class Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def read1(self, size: int, /) -> bytes: ...
    def peek(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """What is read within it may be packed, and the packing damaged."""
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        raise Unreadable(f"the packed file is damaged or ends too early ({error})") from None


def opened(file: IO[bytes]) -> Bytes:
    """The bytes of the file, unpacked where they are packed."""
    buffered = cast(BufferedReader, file)
    return cast(Bytes, gzip.open(buffered)) if buffered.peek(2)[:2] == GZIP else buffered


def objects(file: Bytes) -> Iterator[bytes]:
    """The objects in `file`, each as it is written there; raises `Unreadable` at the place where it cannot go on."""
    text = _Text(file)
    first = text.skip(BLANK + "\ufeff")
    if first == "[":
        text.at += 1
        yield from _list(text)
    elif first == "{" and (data := _data(text.window, text.at)) is not None:
        text.at = data
        yield from _enveloped(text)
    else:
        yield from _values(text)


def _enveloped(text: _Text) -> Iterator[bytes]:
    """`data` of an envelope: a list, or one object."""
    first = text.skip(BLANK)
    if first == "[":
        text.at += 1
        yield from _list(text)
    elif first == "{" and (end := text.value()) is not None:
        yield text.cut(end)
    else:
        raise text.wrong("the envelope has no objects in data:")


class _Text:
    """A window on the text: `window[at]` is the next character. Bytes that are no UTF-8 pass through and come out again."""

    def __init__(self, file: Bytes) -> None:
        self._read = file.read
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._passed = 0
        self.window = ""
        self.at = 0

    def more(self) -> bool:
        """Reads on and forgets what has been passed; False at the end of the file."""
        with whole():
            piece = self._read(PIECE)
        self._passed += self.at
        self.window = self.window[self.at :] + self._decode(piece, not piece)
        self.at = 0
        return bool(piece)

    def skip(self, letters: str) -> str:
        """Passes over `letters`; the next other character, "" at the end."""
        while True:
            while self.at < len(self.window):
                if self.window[self.at] not in letters:
                    return self.window[self.at]
                self.at += 1
            if not self.more():
                return ""

    def value(self) -> int | None:
        """Where the value that begins here ends; None when it is no JSON, or does not end within `LARGEST`."""
        while True:
            try:
                return _parse(self.window, self.at)[1]
            except (ValueError, RecursionError):
                if len(self.window) - self.at > LARGEST or not self.more():
                    return None

    def cut(self, end: int) -> bytes:
        start, self.at = self.at, end
        return self.window[start:end].encode("utf-8", "surrogateescape")

    def wrong(self, what: str) -> Unreadable:
        return Unreadable(f"{what} at character {self._passed + self.at + 1}")


def _list(text: _Text) -> Iterator[bytes]:
    """What stands in a list, whose bracket has been passed."""
    if text.skip(BLANK) == "]":
        return
    while True:
        if not text.skip(BLANK):
            raise text.wrong("the list ends too early")
        end = text.value()
        if end is None:
            raise text.wrong("the list is broken or ends too early: no JSON value")
        yield text.cut(end)
        after = text.skip(BLANK)
        if after == "]":
            return
        if after != ",":
            raise text.wrong("the list is broken or ends too early: no comma")
        text.at += 1


def _values(text: _Text) -> Iterator[bytes]:
    """Values one after another. What is none is passed on as the rest of its line, for the reader to refuse."""
    any_object, any_line = False, False
    while first := text.skip(BLANK):
        end = text.value()
        any_object, any_line = any_object or (first == "{" and end is not None), True
        yield text.cut(_line_end(text) if end is None else end)
    if any_line and not any_object:
        raise Unreadable("there is no JSON object in it")


def _line_end(text: _Text) -> int:
    while (found := text.window.find("\n", text.at)) < 0:
        if not text.more():
            return len(text.window)
    return found


def _data(window: str, at: int) -> int | None:
    """Where the value of `data` begins in the object that begins at `at`; what stands before it must stand in the window."""
    try:
        at = _passed(window, at + 1)
        while window.startswith('"', at):
            name, at = _parse(window, at)
            at = _passed(window, at)
            if not window.startswith(":", at):
                return None
            at = _passed(window, at + 1)
            if name == "data":
                return at
            at = _passed(window, _parse(window, at)[1])
    except (ValueError, RecursionError):
        pass
    return None


def _passed(window: str, at: int) -> int:
    blank = _BLANK.match(window, at)
    return at if blank is None else blank.end()
