"""`--jsonl`: a line in, a line out, in order, over several processes where there is much to do.

Input is read in pieces of whole lines. The first ones are answered here; when a lot has come, processes are started and each piece goes
to the next one that is free. Only a few pieces are under way at a time, so memory stays the same however long the input is. Somebody
who types, or waits for each answer before the next question, gets it at once: before waiting for input, all that is known is written.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import select
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from interplug.tariffs import lines

from .ending import end, errors

PIECE = 1 << 18
"""Bytes that one process is given at a time."""
MUCH = 4 << 20
"""More bytes than this are worth the start of processes."""
_AHEAD = 3


def stream(work: lines.Work, files: list[Path] | None, jobs: int | None) -> int:
    with ExitStack() as opened:
        sources = [opened.enter_context(path.open("rb")) for path in files] if files else [sys.stdin.buffer]
        bar = opened.enter_context(Bar(sum(_size(source) for source in sources)))
        try:
            _Stream(work, jobs or os.cpu_count() or 1, bar, opened).run(sources)
        except BrokenProcessPool:
            end("a process that answered lines was ended from outside")
    return 0


def answers(work: lines.Work, piece: bytes) -> bytes:
    return b"".join(lines.answer(work, line) + b"\n" for line in piece.split(b"\n") if line.strip())


class _Stream:
    def __init__(self, work: lines.Work, jobs: int, bar: Bar, opened: ExitStack) -> None:
        self._work = work
        self._jobs = jobs
        self._bar = bar
        self._opened = opened
        self._pool: ProcessPoolExecutor | None = None
        self._under_way: deque[tuple[Future[bytes], int]] = deque()
        self._out = sys.stdout.buffer

    def run(self, sources: Iterable[BinaryIO]) -> None:
        done = 0
        for source in sources:
            for piece in pieces(source, self._drain):
                done += len(piece)
                if self._jobs > 1 and done > MUCH:
                    self._hand_out(piece)
                else:
                    self._write(answers(self._work, piece), len(piece))
        self._drain()
        self._out.flush()

    def _hand_out(self, piece: bytes) -> None:
        if self._pool is None:
            # Fresh processes: nothing of this one (files, signals) is shared with them.
            context = multiprocessing.get_context("spawn")
            self._pool = self._opened.enter_context(ProcessPoolExecutor(self._jobs, mp_context=context))
        self._under_way.append((self._pool.submit(answers, self._work, piece), len(piece)))
        while len(self._under_way) > self._jobs * _AHEAD:
            self._take()

    def _take(self) -> None:
        future, size = self._under_way.popleft()
        self._write(future.result(), size)

    def _drain(self) -> None:
        while self._under_way:
            self._take()
        self._out.flush()

    def _write(self, answered: bytes, size: int) -> None:
        self._out.write(answered)
        self._bar.advance(size, answered.count(b"\n"))


def pieces(source: BinaryIO, before_waiting: Callable[[], None]) -> Iterator[bytes]:
    """Whole lines, about `PIECE` bytes at a time; fewer where no more has come yet."""
    kept: list[bytes] = []
    while True:
        if not _ready(source):
            before_waiting()
        found = cast(io.BufferedReader, source).read1(PIECE)
        if not found:
            break
        whole, newline, rest = found.rpartition(b"\n")
        if newline:
            yield b"".join([*kept, whole, newline])
            kept = [rest] if rest else []
        else:
            kept.append(found)
    if kept:
        yield b"".join(kept)


def _ready(source: BinaryIO) -> bool:
    try:
        return bool(select.select([source], [], [], 0)[0])
    except (OSError, ValueError):
        # Not a file of the system: what it has is there.
        return True


def _size(source: BinaryIO) -> int:
    try:
        return os.fstat(source.fileno()).st_size
    except (OSError, ValueError):
        return 0


class Bar:
    """How far it is, on standard error, where a person sees it."""

    def __init__(self, size: int, things: str = "lines") -> None:
        self._lines = 0
        self._bar = Progress(
            BarColumn(),
            TaskProgressColumn(show_speed=True),
            TextColumn(f"{{task.fields[lines]:,}} {things}"),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )
        self._task = self._bar.add_task("", total=size or None, lines=0)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, size: int, lines: int) -> None:
        self._lines += lines
        self._bar.update(self._task, advance=size, lines=self._lines)
