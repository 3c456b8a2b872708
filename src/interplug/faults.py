"""Faults on purpose, by name: places where this process may be killed, a clock that jumps, and rules that are broken.

`make chaos` sets INTERPLUG_FAULTS for the processes that it starts, a list with commas of

    PLACE:kill:CHANCE            killed (SIGKILL) when it comes by, with this chance
    PLACE:kill=SECONDS:CHANCE    killed within so many seconds from then: in the middle of what begins there
    clock:jump=SECONDS:CHANCE    from one look to the next the clock is up to so many seconds off, either way
    sabotage:NAME                the node breaks a rule of its own, to show that the bench notices
    seed:NUMBER                  of the chances

Unset, which is how every node runs, a place costs one look at an empty table. Every room may call this one; it knows none of them.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

VARIABLE = "INTERPLUG_FAULTS"
PLACES = (
    "store.before_commit",
    "store.in_commit",
    "store.after_commit",
    "push.before_send",
    "push.after_send",
    "push.before_checkpoint",
    "push.after_checkpoint",
    "pull.after_page",
    "payments.before_asking",
    "payments.before_answer",
    "payments.after_answer",
)
SABOTAGES = ("numbers-from-a-sequence", "cursor-before-send", "answer-before-commit")


class BadFaults(ValueError):
    """The variable holds something that is no fault; the text names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    within: float
    """Seconds; 0: at once. Of the clock: how far it jumps."""
    chance: float


@dataclass(slots=True)
class Faults:
    kills: dict[str, Fault] = field(default_factory=dict)
    jump: Fault | None = None
    sabotages: frozenset[str] = frozenset()
    random: random.Random = field(default_factory=random.Random)


def read(text: str) -> Faults:
    """Raises BadFaults."""
    faults = Faults()
    for part in filter(None, (one.strip() for one in text.split(","))):
        place, _, rest = part.partition(":")
        if place == "seed":
            faults.random = random.Random(rest)
        elif place == "sabotage" and rest in SABOTAGES:
            faults.sabotages |= {rest}
        elif place == "clock":
            faults.jump = _fault(part, rest, "jump")
        elif place in PLACES:
            faults.kills[place] = _fault(part, rest, "kill")
        else:
            raise BadFaults(f"{VARIABLE}: {part!r} is no fault")
    return faults


def _fault(part: str, rest: str, action: str) -> Fault:
    done, _, chance = rest.partition(":")
    name, _, within = done.partition("=")
    try:
        fault = Fault(float(within or 0), float(chance))
    except ValueError:
        fault = Fault(0, -1)
    if name != action or not 0 <= fault.chance <= 1:
        raise BadFaults(f"{VARIABLE}: {part!r} is no fault")
    return fault


_faults = read(os.environ.get(VARIABLE, ""))


def at(place: str) -> None:
    """The process has come to this place, and ends here or soon when the faults say so."""
    if _faults.kills:
        fault = _faults.kills.get(place)
        if fault is not None and _faults.random.random() < fault.chance:
            _end(fault.within * _faults.random.random())


def _end(seconds: float) -> None:
    if seconds:
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    else:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # the signal is on its way to another thread, and nothing more may happen here


def sabotaged(name: str) -> bool:
    """Whether this rule is to be broken."""
    return name in _faults.sabotages


def clock(right: Callable[[], int]) -> Callable[[], int]:
    """The clock (microseconds) as it is, or as the faults have it."""
    jump = _faults.jump
    if jump is None:
        return right
    off = 0

    def wrong() -> int:
        nonlocal off
        if _faults.random.random() < jump.chance:
            off = int(_faults.random.uniform(-jump.within, jump.within) * 1_000_000)
        return right() + off

    return wrong
