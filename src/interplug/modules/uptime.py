"""How much of the time an EVSE of ours could be used: what is known of its status, second by second, added up.

Up is whoever can charge a car or is just doing so; down is out of service; unknown is a station that is not heard of, which is not up
either. An EVSE that is planned or removed is not meant to be there, and what was before the record began nobody can say: both count in
nothing. A period holds its first moment and not its last. Pure, but for `of_locations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from interplug.model.types import fold
from interplug.store.keys import OWN, Stored
from interplug.store.statuses import Turn
from interplug.store.tx import Tx

CLASSES = {
    "AVAILABLE": "up",
    "BLOCKED": "up",  # it works, and a car stands before it
    "CHARGING": "up",
    "RESERVED": "up",
    "INOPERATIVE": "down",
    "OUTOFORDER": "down",
    "PLANNED": "away",
    "REMOVED": "away",
}
"""All other statuses, UNKNOWN among them, are unknown."""
BATCH = 500


@dataclass(slots=True)
class Uptime:
    """Microseconds of each kind. `unrecorded`: before the record began."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    away: int = 0
    unrecorded: int = 0

    @property
    def counted(self) -> int:
        return self.up + self.down + self.unknown

    @property
    def share(self) -> Decimal | None:
        """Of the time that counts; None where none does."""
        return Decimal(self.up) / self.counted if self.counted else None

    def add(self, kind: str, time: int) -> None:
        setattr(self, kind, getattr(self, kind) + time)


def measure(turns: Sequence[Turn], start: int, end: int) -> Uptime:
    """Of one EVSE, from `start` until `end`; `turns` in their order, the first of them what held at the start if anything is known."""
    found = Uptime()
    kind, since = "unrecorded", start
    for turn in turns:
        at = min(max(turn.at, since), end)
        found.add(kind, max(0, at - since))
        kind, since = CLASSES.get(turn.status, "unknown"), max(since, at)
    found.add(kind, max(0, end - since))
    return found


def summed(parts: Iterable[Uptime]) -> Uptime:
    """Each EVSE counts for as long as it was meant to be there."""
    total = Uptime()
    for part in parts:
        for name in ("up", "down", "unknown", "away", "unrecorded"):
            total.add(name, getattr(part, name))
    return total


class Measured(NamedTuple):
    uid: str
    uptime: Uptime
    recorded_since: int
    """0: there is no record."""


@dataclass(slots=True)
class Place:
    """A Location with its EVSEs, in their order."""

    location: Stored
    evses: list[Measured] = field(default_factory=list)

    @property
    def uptime(self) -> Uptime:
        return summed(one.uptime for one in self.evses)


async def of_locations(tx: Tx, start: int, end: int, id: str | None = None) -> list[Place]:
    """Of our own Locations, or of the one with that id."""
    found: list[Place] = []
    after = 0
    while True:
        part, after = await tx.objects.batch("locations", after, BATCH, OWN)
        if not part:
            return found
        for one in part:
            if one.audience >= 0 and (id is None or fold(one.key.id) == fold(id)):
                found.append(await _place(tx, one, start, end))


async def _place(tx: Tx, location: Stored, start: int, end: int) -> Place:
    turns, begins = await tx.statuses.of(location.pk, start), await tx.statuses.begins(location.pk)
    place = Place(location)
    for evse in location.document.get("evses") or ():
        uid = fold(evse["uid"])
        place.evses.append(Measured(evse["uid"], measure(turns.get(uid, ()), start, end), begins.get(uid, 0)))
    return place
