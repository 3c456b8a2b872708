"""Several processes that serve one database and one address: a parent that begins them, replaces one that dies, and passes on the end.

The parent holds nothing but the socket on which all of them listen. A process that ends by itself with the code of a wrong configuration
ends the others, too: the next one would do no better. Those that are left go on when the parent is killed no longer than it takes them
to hear of it (Linux tells them).
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from types import FrameType

from .ending import CONFIGURATION, FAILED

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until a process that died is replaced."""
PR_SET_PDEATHSIG = 1
ENDS = (signal.SIGTERM, signal.SIGINT)


class Parent:
    """`divide` returns in each worker; the parent's own way ends there, when the last worker has ended."""

    def __init__(self) -> None:
        self.workers: dict[int, int] = {}
        self.ending = False
        self.code = 0

    def divide(self, count: int) -> int:
        """Which of the workers this process is, from 0."""
        for one in ENDS:
            signal.signal(one, self._pass_on)
        for number in range(count):
            if self._begin(number):
                return number
        while self.workers:
            pid, status = os.waitpid(-1, 0)
            number, code = self.workers.pop(pid), os.waitstatus_to_exitcode(status)
            if self.ending:
                self.code = self.code or (FAILED if code else 0)
            elif code == CONFIGURATION:
                self.code = code
                self._end(signal.SIGTERM)
            else:
                log.error("the worker %d has ended (%d) and is replaced", pid, code)
                time.sleep(PAUSE)
                if self._begin(number):
                    return number
        raise SystemExit(self.code)

    def _begin(self, number: int) -> bool:
        """True in the new process; there is none any more when the end has come."""
        if self.ending:
            return False
        sys.stdout.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self.workers[pid] = number
            return False
        os.setpgid(0, 0)  # Ctrl-C goes to the parent, who passes it on, once
        for one in ENDS:
            signal.signal(one, signal.SIG_DFL)
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit(FAILED)
        return True

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._end(signal.Signals(number))

    def _end(self, how: signal.Signals) -> None:
        self.ending = True
        for pid in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
