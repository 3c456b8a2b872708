"""What a station has to say: one call after the other, and those of transactions until they are delivered.

Whatever belongs to a transaction is kept while the line is down, in its order, and repeated when it was refused (1.6 section 4.9: so
often, after longer and longer pauses, then given up). What is else to be said is said now or not at all; who said it hears of that.
What has piled up never keeps a driver at the reader waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
SECOND = 1_000_000


def _nothing(answer: Payload | None) -> None:
    return None


@dataclass(slots=True, eq=False)
class Call:
    action: str
    payload: Payload | Callable[[], Payload]
    """Or what makes it when it is sent: a 1.6 station has the number of a transaction only when its beginning was answered."""
    replied: Callable[[Payload | None], None] = _nothing
    """Told the answer; None: it was refused, or never sent."""
    kept: bool = False
    id: str = ""
    number: int = 0
    refusals: int = 0

    def body(self) -> Payload:
        return self.payload() if callable(self.payload) else self.payload


class Outbox:
    def __init__(self, born: int) -> None:
        """`born` makes the ids of this life differ from those of another."""
        self._born = f"{born:x}"
        self._number = 0
        self._piled = 0
        """Up to this number calls were made before the line was there."""
        self._fresh: deque[Call] = deque()
        self._kept: deque[Call] = deque()
        self._pause = 0
        self.given_up = 0
        self.woken: Callable[[], None] = lambda: None
        """Called when there is something to say."""

    def __len__(self) -> int:
        return len(self._fresh) + len(self._kept)

    def put(self, call: Call) -> None:
        self._number += 1
        call.number, call.id = self._number, f"{self._born}-{self._number}"
        (self._kept if call.kept else self._fresh).append(call)
        self.woken()

    def keeps(self, transaction: str | None) -> bool:
        """Whether messages of this transaction, or of any, wait."""
        return any(transaction is None or _of(call) == transaction for call in self._kept)

    def next(self, now: int) -> Call | None:
        """The one to send; it stays until `done` or `refused`."""
        fresh = self._fresh[0] if self._fresh else None
        kept = self._kept[0] if self._kept and self._pause <= now else None
        if fresh is None or kept is None:
            return fresh or kept
        return kept if self._piled < kept.number < fresh.number else fresh

    def fresh(self) -> Call | None:
        """The same for a station that may not speak of transactions yet."""
        return self._fresh[0] if self._fresh else None

    @property
    def due(self) -> int | None:
        """When a pause is over."""
        return self._pause if self._kept and self._pause else None

    def done(self, call: Call, answer: Payload) -> None:
        self._take(call)
        call.replied(answer)

    def unheard(self, call: Call, now: int, interval: int) -> None:
        """No answer came: what is kept is said again, which is no refusal."""
        if call.kept:
            self._pause = now + interval * SECOND
        else:
            self._take(call)
            call.replied(None)

    def refused(self, call: Call, now: int, attempts: int, interval: int) -> None:
        call.refusals += 1
        if call.kept and call.refusals < attempts:
            self._pause = now + call.refusals * interval * SECOND
            return
        self.given_up += call.kept
        self._take(call)
        call.replied(None)

    def _take(self, call: Call) -> None:
        self._pause = 0
        queue = self._kept if call.kept else self._fresh
        if call in queue:  # a line that broke has emptied it
            queue.remove(call)

    def cut(self) -> None:
        """The line is gone."""
        dropped, self._fresh = self._fresh, deque()
        for call in dropped:
            call.replied(None)

    def linked(self) -> None:
        """The line is there: what was kept meanwhile has piled up."""
        self._piled, self._pause = self._number, 0


def _of(call: Call) -> str | None:
    """The 2.x transaction that it tells of."""
    body = call.body()
    found: str | None = body.get("transactionInfo", {}).get("transactionId")
    return found
