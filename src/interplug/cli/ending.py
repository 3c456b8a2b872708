"""How a command ends: its exit code, and what it says where.

0 done, 1 failed, 2 usage, 3 partner or network, 4 configuration. What a command reports goes to standard output, as lines for people
or, with --json, as one JSON document; everything else (progress, warnings, the reason of a failure) goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from cyclopts import App, CycloptsError
from rich.console import Console
from rich.table import Table

from interplug.model.types import encode_json

FAILED = 1
USAGE = 2
NETWORK = 3
CONFIGURATION = 4

Codes = tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...]
"""What failures mean."""

errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
framed = Console(stderr=True, highlight=False)
"""For text in a frame, which a line that does not wrap would leave."""


class Ending(Exception):
    """A command cannot go on; the text is for the person at the terminal."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def end(text: str, code: int = FAILED) -> NoReturn:
    raise Ending(text, code)


def carry_out(app: App, arguments: Sequence[str] | None, codes: Callable[[], Codes]) -> int:
    """One command of `app`; its exit code. The one place in which a failure becomes a number."""
    try:
        ended = app(arguments, exit_on_error=False, print_error=True, error_console=framed)
    except CycloptsError:
        return USAGE
    except Ending as ending:
        errors.print(f"interplug: {ending}", markup=False)
        return ending.code
    except KeyboardInterrupt:
        errors.print("interplug: interrupted", markup=False)
        return 130
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        code = next((code for kinds, code in codes() if isinstance(error, kinds)), None)
        if code is None:
            raise
        errors.print(f"interplug: {plain(error)}", markup=False)
        return code
    # A command that has read to its end and found something wrong says so by its number.
    return ended if isinstance(ended, int) else 0


def plain(error: Exception) -> str:
    """What the system says about a file, in its words and without its number; what a database says, without our statement."""
    if isinstance(error, OSError) and error.strerror and isinstance(error.filename, str | Path):
        return f"{error.filename}: {error.strerror}"
    return str(getattr(error, "orig", None) or error)


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
        table.add_row(*map(cell, row))
    console = Console(width=1000, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def cell(value: object) -> str:
    """One value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
