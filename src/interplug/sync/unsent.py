"""How many objects partners lack, of all partners at once, as `/metrics` asks for it again and again.

A lane that is live holds what is unsent. One whose partner is left alone holds nothing: for these the log is read, once for all of them
and its newest part alone, and counted in a thread, so that a hundred dead partners hold up nobody. Of a partner that lacks more than
that part tells, so many are lacking at least.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from interplug.partners.directory import Connection
from interplug.store.keys import Change
from interplug.store.store import Store

from .lane import PART, Lane, wants

NEWEST = 5_000
"""Numbers of the log that are looked at."""


async def unsent(store: Store, lanes: Mapping[int, Lane]) -> dict[int, int]:
    """Objects by connection; what it refused is not among them."""
    waiting = {of: lane.waiting() for of, lane in lanes.items()}
    behind = [(of, lane.connection, lane.reached(), lane.failures > 0) for of, lane in lanes.items() if not lane.live and lane.distance()]
    if not behind:
        return waiting
    changes = await _after(store, max(min(cursor for _, _, cursor, _ in behind), store.head - NEWEST))
    counted = await asyncio.to_thread(lambda: {of: _lacking(connection, cursor, changes) for of, connection, cursor, _ in behind})
    for of, _, _, failed in behind:
        # Whoever is left alone did not take something, however long ago that changed.
        waiting[of] = max(waiting[of], counted[of], int(failed))
    return waiting


async def _after(store: Store, number: int) -> list[Change]:
    """Part by part, for reading a part of it holds up everybody else a little."""
    changes: list[Change] = []
    more = True
    while more:
        part, number, more = await store.news(number, PART)
        changes += part
    return changes


def _lacking(connection: Connection, cursor: int, changes: Iterable[Change]) -> int:
    return len({change.pk for change in changes if change.no > cursor and wants(connection, change)})
