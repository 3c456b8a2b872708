"""How soon partners hear of one EVSE again: a change is told at once, and what follows within a moment is told as one, when that is over.

So a fault is at partners without delay, and a contact that chatters makes two messages and not twenty. What is told in the end is
worked out then, from what is known then; nothing is remembered here but that it has to be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
Spot = tuple[str, str]
"""A station, and the uid of one of its EVSEs."""
Again = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Settling:
    seconds: float
    _told_at: dict[Spot, float] = field(default_factory=dict)
    _again: dict[Spot, Again] = field(default_factory=dict)
    _timers: set[asyncio.Task[None]] = field(default_factory=set)

    def may_tell(self, spot: Spot, again: Again) -> bool:
        """False: not yet; `again` is called when it may, if nothing newer has asked by then."""
        left = self._told_at.get(spot, -self.seconds) + self.seconds - asyncio.get_running_loop().time()
        if left <= 0:
            return True
        if spot not in self._again:
            timer = asyncio.create_task(self._wait(spot, left))
            self._timers.add(timer)
            timer.add_done_callback(self._timers.discard)
        self._again[spot] = again
        return False

    def told(self, spot: Spot) -> None:
        if self.seconds:
            self._told_at[spot] = asyncio.get_running_loop().time()

    async def _wait(self, spot: Spot, seconds: float) -> None:
        await asyncio.sleep(seconds)
        again = self._again.pop(spot)
        self._told_at.pop(spot, None)
        try:
            await again()
        except Exception:
            log.exception("station %s: the status of EVSE %s could not be told", *spot)

    async def end(self) -> None:
        """What was not told yet is told when the station connects again."""
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
