"""How much one partner is sent in a second, where that is limited: what was not used in the last second may be used at once."""

from __future__ import annotations

from collections.abc import Callable


class Share:
    """`rate` requests a second; 0 is no limit. `timer` runs in seconds."""

    def __init__(self, rate: float, timer: Callable[[], float]) -> None:
        self.rate, self.timer = rate, timer
        self._left = max(rate, 1.0)
        self._taken = 0
        self._at = timer()

    def take(self) -> float:
        """0: something may be sent, and its first request is paid for; else the seconds to wait."""
        if not self.rate:
            return 0.0
        now = self.timer()
        self._left = min(max(self.rate, 1.0), self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self.rate
        self._left -= 1
        self._taken += 1
        return 0.0

    def spend(self) -> None:
        """A request is made. What is more than was taken for, as a larger form that follows a smaller, is waited for afterwards."""
        if self._taken:
            self._taken -= 1
        else:
            self._left -= 1
