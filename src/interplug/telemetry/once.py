"""One fault, one traceback: where the same fault comes again and again, as with every request on a full disk, it is counted.

The same fault is an error of one kind from one place in the code, told by one logger. Its first traceback in a while is written; what
comes within QUIET seconds after it is counted, and the next one that is written says how many there were.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType

QUIET = 60.0
MOST = 200
"""Faults that are remembered."""
Fault = tuple[str, object, type[BaseException], str, int]


class Once(logging.Filter):
    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._timer = timer
        self._seen: dict[Fault, tuple[float, int]] = {}
        """When a fault was last written, and how often it came since."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = _fault(record)
        if fault is None:
            return True
        now, (written, more) = self._timer(), self._seen.get(fault, (float("-inf"), 0))
        if now - written < QUIET:
            self._seen[fault] = written, more + 1
            return False
        if more:
            record.msg, record.args = f"{record.getMessage()} (and {more} times since it was last told)", None
        if len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[fault] = now, 0
        return True


def _fault(record: logging.LogRecord) -> Fault | None:
    if not isinstance(record.exc_info, tuple) or record.exc_info[0] is None:
        return None
    kind, _, trace = record.exc_info
    return record.name, record.msg, kind, *_place(trace)


def _place(trace: TracebackType | None) -> tuple[str, int]:
    """Where it was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return ("", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
