"""Work on many pieces by several processes, answered in order, where there is enough of it to be worth their start.

The first pieces are worked on here; when a lot has come, processes are started and each piece goes to the next one that is free.
Only a few pieces are under way at a time, so memory stays the same however much comes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from .ending import end

MUCH = 4 << 20
"""More bytes than this are worth the start of processes."""
_AHEAD = 3

P = TypeVar("P")
R = TypeVar("R")


class Crew(Generic[P, R]):
    """`take` is called with what `work` makes of each piece, in the order in which the pieces were given."""

    def __init__(self, work: Callable[[P], R], take: Callable[[R], None], jobs: int | None) -> None:
        self._work = work
        self._take = take
        self._jobs = jobs or os.cpu_count() or 1
        self._given = 0
        self._pool: ProcessPoolExecutor | None = None
        self._under_way: deque[Future[R]] = deque()

    def __enter__(self) -> Crew[P, R]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def give(self, piece: P, size: int) -> None:
        self._given += size
        if self._jobs == 1 or self._given <= MUCH:
            self._take(self._work(piece))
            return
        if self._pool is None:
            # Fresh processes: nothing of this one (files, signals) is shared with them.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=context, initializer=_begin, initargs=(self._work,))
        self._under_way.append(self._pool.submit(_worked, piece))
        while len(self._under_way) > self._jobs * _AHEAD:
            self._take_next()

    def finish(self) -> None:
        """Takes all that is under way."""
        while self._under_way:
            self._take_next()

    def _take_next(self) -> None:
        try:
            found = self._under_way.popleft().result()
        except BrokenProcessPool:
            end("a process that did a part of the work was ended from outside")
        self._take(found)


# --- in the processes ---------------------------------------------------------------------------------------------------------------------

_WORK: list[Callable[[Any], Any]] = []


def _begin(work: Callable[[Any], Any]) -> None:
    _WORK[:] = [work]
    # Ctrl-C reaches all processes of a terminal; it is for the first one to say what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    """A process that was killed ends nobody, and those who wait for its next piece would wait for ever."""
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
    os._exit(1)


def _worked(piece: Any) -> Any:
    return _WORK[0](piece)
