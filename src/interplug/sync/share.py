"""How much one partner is sent in a second, where that is limited: what was not used in the last second may be used at once."""

from __future__ import annotations

from collections.abc import Callable


class Share:
    """`rate` requests a second; 0 is no limit. `timer` runs in seconds."""

    def __init__(self, rate: float, timer: Callable[[], float]) -> None:
        self.rate, self.timer = rate, timer
        self._left = max(rate, 1.0)
        self._at = timer()

    def take(self, requests: int) -> float:
        """Takes as many if there is anything left, for what goes beyond it is waited for afterwards; else the seconds to wait."""
        if not self.rate:
            return 0.0
        now = self.timer()
        self._left = min(max(self.rate, 1.0), self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self.rate
        self._left -= requests
        return 0.0
