"""From the readings of a meter to the periods and the price of a Session, at a cost that does not grow with the Session.

The truth is the readings in the store. What was made of them so far is kept in memory between two calls and thrown away when
it does not fit them any more: a reading that came late, a transaction that was undone, another process. So nothing is counted
twice and nothing is lost, whatever was interrupted.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from interplug.store.stations import Reading
from interplug.store.store import Store
from interplug.store.tx import Tx
from interplug.tariffs import Cutter, Phase, Sample

from .pinned import Pinned, cutter

KEPT = 1000
"""Sessions that are remembered between two readings."""


class Metered(NamedTuple):
    """What the readings of a session say. `began`: when it stopped being a mere reservation; None: it never did."""

    cutter: Cutter
    taken: int
    first: int | None = None
    began: int | None = None
    last: Reading | None = None

    @property
    def kwh(self) -> Decimal:
        return self.last.kwh - self.cutter.course.first_kwh if self.last is not None else Decimal(0)

    def periods(self) -> list[dict[str, Any]]:
        return self.cutter.documents()


_OF: WeakKeyDictionary[Store, OrderedDict[str, Metered]] = WeakKeyDictionary()


def remembered(store: Store) -> OrderedDict[str, Metered]:
    return _OF.setdefault(store, OrderedDict())


async def measure(tx: Tx, kept: OrderedDict[str, Metered], id: str, pinned: Pinned) -> Metered:
    """All readings of the charge `id`, made into periods."""
    metered = kept.pop(id, None)
    if metered is not None and metered.last is not None and await tx.stations.count(id, metered.last.at) != metered.taken:
        metered = None
    metered = metered or Metered(cutter(pinned.tariff, pinned.time_zone), 0)
    for reading in await tx.stations.readings(id, metered.last.at if metered.last else 0):
        metered = _take(metered, reading)
    kept[id] = metered
    if len(kept) > KEPT:
        kept.popitem(last=False)
    return metered


def _take(metered: Metered, reading: Reading) -> Metered:
    last = metered.last
    if last is not None and reading.kwh < last.kwh:
        # A meter does not run back. What such a reading says besides (the car has stopped) is still true.
        reading = Reading(reading.at, last.kwh, reading.phase, reading.power, reading.current, reading.soc)
    metered.cutter.add(Sample(reading.at, reading.kwh, _phase(reading.phase), reading.power, reading.current))
    began = metered.began
    if began is None and reading.phase != "reserved":
        began = reading.at
    return Metered(metered.cutter, metered.taken + 1, metered.first or reading.at, began, reading)


def _phase(text: str) -> Phase:
    return "reserved" if text == "reserved" else "parked" if text == "parked" else "charging"
