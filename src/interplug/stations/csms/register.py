"""How much energy a transaction has taken, from what the register of the meter shows. Pure.

Registers of real stations are reset at a restart or at each transaction, show the life of the meter in one message and the charge
alone in the next, run back by rounding, or are -1. Each value is therefore judged by itself: of what it could mean, that is taken
which continues what was known without exceeding what the connector can deliver; only positive differences count. What cannot be
explained is counted as the difference to the value before and makes the transaction doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from .clocks import TOLERATED

MARGIN = 12
"""Tenths of what the connector can deliver."""
MOST = Decimal(10**12)
"""Wh that no meter shows in its life."""
LITTLE = 200
"""Wh that are never too much: readings are not taken exactly when they say."""
TEN_HOURS = 36_000_000_000
NOBODYS = -1
"""What flew before the first value is paid by nobody."""


class Register(msgspec.Struct, kw_only=True):
    """`start` is the register at the beginning, `last` the newest value, `total` the Wh taken so far, `at` when that was."""

    at: int
    start: Decimal | None = None
    last: Decimal | None = None
    total: Decimal = Decimal(0)
    doubt: str = ""
    assumed_at: int = 0
    """When `start` was taken from a value that only came first, for no beginning was told; 0: it was, NOBODYS: no matter."""

    def begin(self, value: Decimal | None) -> None:
        if value is not None and 0 <= value < MOST and self.start is None:
            self.start = self.last = value

    def take(self, value: Decimal, at: int, watts: int) -> Decimal | None:
        """The Wh taken by then; None where the value says nothing."""
        if not 0 <= value < MOST:
            self._doubt(f"the register was {value} Wh")
            return None
        if self.start is None:
            self.begin(value)
            self.assumed_at = self.assumed_at or at
        assert self.start is not None and self.last is not None
        return self._late(value) if at < self.at else self._count(value, at, _bound(watts, at - self.at))

    def end(self, value: Decimal, at: int, watts: int, heard: int) -> None:
        """The end was told with an earlier time than the newest value, by a clock that is wrong. What it shows counts all the same, for
        nothing comes after it; it flew before we `heard` of it."""
        if at < self.at and self.last is not None and self.last < value < MOST:
            self._count(value, self.at, _bound(watts, heard - self.at + TOLERATED))

    def began(self, value: Decimal, at: int, watts: int) -> None:
        """The register at the beginning, told after values of later. It counts where what lies between can have flown meanwhile."""
        if self.start is None or self.assumed_at <= 0 or not 0 <= value <= self.start:
            return
        if self.start - value <= _bound(watts, self.assumed_at - at):
            self.total += self.start - value
            self.start, self.assumed_at = value, 0

    def continues(self, value: Decimal, at: int, watts: int) -> bool:
        """Whether this may be the same meter in the same charge."""
        return self.start is None or (at >= self.at and self._continued(value, _bound(watts, at - self.at)) is not None)

    def _count(self, value: Decimal, at: int, most: int) -> Decimal:
        """`most`: the Wh that can have flown since the newest value."""
        assert self.last is not None
        total = self._continued(value, most)
        if total is None and value >= self.last:
            total = self.total + value - self.last
            self._doubt(f"{value - self.last:f} Wh more at once than the connector can deliver")
        self.total = self.total if total is None else total
        self.last, self.at = value, at
        return self.total

    def _continued(self, value: Decimal, most: int) -> Decimal | None:
        return next((one for one in self._meanings(value) if self.total <= one <= self.total + most), None)

    def add(self, wh: Decimal, at: int) -> Decimal:
        """For meters that tell only what went through since they last told."""
        if at > self.at and wh > 0:
            self.total, self.at = self.total + wh, at
        return self.total

    def add_last(self, wh: Decimal, watts: int, heard: int) -> None:
        """As `end`, of a meter that tells what went through since it last told."""
        if 0 < wh <= _bound(watts, heard - self.at + TOLERATED):
            self.total += wh

    def _meanings(self, value: Decimal) -> Iterator[Decimal]:
        """Since the beginning; since the value before; of this charge alone."""
        assert self.start is not None and self.last is not None
        yield value - self.start
        if value >= self.last:
            yield self.total + value - self.last
        yield value

    def _late(self, value: Decimal) -> Decimal | None:
        """One that comes after later ones: it counts for its time where it fits between the beginning and the newest."""
        assert self.start is not None
        since = value - self.start
        return since if 0 <= since <= self.total else None

    def _doubt(self, why: str) -> None:
        self.doubt = self.doubt or why


def _bound(watts: int, microseconds: int) -> int:
    """Wh that a connector can deliver in that time, and a little."""
    return LITTLE + MARGIN * watts * max(microseconds, 0) // TEN_HOURS
