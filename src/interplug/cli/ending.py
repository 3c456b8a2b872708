"""How a command ends: its exit code, and what it says where.

0 done, 1 failed, 2 usage, 3 partner or network, 4 configuration. What a command reports goes to standard output, as lines for people
or, with --json, as one JSON document; everything else (progress, warnings, the reason of a failure) goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

from interplug.model.types import encode_json

FAILED = 1
USAGE = 2
NETWORK = 3
CONFIGURATION = 4

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Ending(Exception):
    """A command cannot go on; the text is for the person at the terminal."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def end(text: str, code: int = FAILED) -> NoReturn:
    raise Ending(text, code)


def show(document: Any, lines: Iterable[str], *, json: bool) -> None:
    """Reports `document` to a program, or `lines` to a person."""
    if json:
        sys.stdout.buffer.write(msgspec.json.format(encode_json(document)) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in lines:
        print(line)


def columns(names: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Rows below each other, as plain text that a pipe can cut."""
    table = Table(*names, box=None, pad_edge=False, header_style="", show_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(width=1000, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]
