"""`--jsonl`: a line in, a line out, in order, over several processes where there is much to do (`crew`).

Input is read in pieces of whole lines, plain or gzip, however long it is. Somebody who types, or waits for each answer before the next
question, gets it at once: before waiting for input, all that is known is written.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast

from interplug.sync import files
from interplug.tariffs import lines

from .bar import Bar
from .crew import Crew
from .ending import Ending
from .reading import STANDARD_INPUT, opened, size_of

PIECE = 1 << 18
"""Bytes that one process is given at a time."""


def stream(work: lines.Work, paths: list[Path] | None, jobs: int | None) -> int:
    with Bar(size_of(paths), "lines") as bar:
        out = sys.stdout.buffer

        def take(answered: bytes) -> None:
            out.write(answered)
            bar.count(answered.count(b"\n"))

        with Crew(partial(answers, work), take, jobs) as crew:

            def all_known() -> None:
                crew.finish()
                out.flush()

            try:
                for path in paths or [STANDARD_INPUT]:
                    with opened(path) as source:
                        for piece in pieces(source.file, all_known):
                            crew.give(piece, len(piece))
                            bar.advance(source.passed())
            except Ending:
                # What was whole is answered.
                all_known()
                raise
            all_known()
    return 0


def answers(work: lines.Work, piece: bytes) -> bytes:
    return b"".join(lines.answer(work, line) + b"\n" for line in piece.split(b"\n") if line.strip())


def pieces(source: files.Bytes, before_waiting: Callable[[], None]) -> Iterator[bytes]:
    """Whole lines, about `PIECE` bytes at a time; fewer where no more has come yet. Of a line beyond all reason the end is left out."""
    kept: list[bytes] = []
    held = 0
    while True:
        if not _ready(source):
            before_waiting()
        with files.whole():
            found = source.read1(PIECE)
        if not found:
            break
        if held > files.LARGEST:
            found = b"".join(found.partition(b"\n")[1:])
        whole, newline, rest = found.rpartition(b"\n")
        if newline:
            yield b"".join([*kept, whole, newline])
            kept, held = [rest] if rest else [], len(rest)
        elif held <= files.LARGEST:
            kept.append(found)
            held += len(found)
    if kept:
        yield b"".join(kept)


def _ready(source: files.Bytes) -> bool:
    try:
        return bool(select.select([cast(IO[bytes], source)], [], [], 0)[0])
    except (OSError, ValueError, TypeError):
        # Not a file of the system: what it has is there.
        return True
