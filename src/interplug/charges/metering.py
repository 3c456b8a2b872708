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

import msgspec

from interplug.store.stations import Reading
from interplug.store.store import Store
from interplug.store.tx import Tx
from interplug.tariffs import Cutter, Phase, Sample

from .pinned import Pinned, cutter

ZERO = Decimal(0)
KEPT = 1000
"""Sessions that are remembered between two readings."""


class Metered(NamedTuple):
    """What the readings of a session say. `zero`: what the meter showed when it began; `began`: when it stopped being a mere reservation;
    None: it never did."""

    cutter: Cutter
    taken: int
    zero: Decimal = ZERO
    first: int | None = None
    began: int | None = None
    last: Reading | None = None

    @property
    def kwh(self) -> Decimal:
        return self.last.kwh - self.zero if self.last is not None and self.began is not None else ZERO

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
        metered = _take(metered, reading, pinned)
    kept[id] = metered
    if len(kept) > KEPT:
        kept.popitem(last=False)
    return metered


def _take(metered: Metered, reading: Reading, pinned: Pinned) -> Metered:
    metered = metered._replace(taken=metered.taken + 1)
    if reading.phase != "reserved":
        if reading.at < pinned.begun_at:  # nobody pays for it
            return metered
        metered = _begun(metered, reading, pinned) if metered.began is None else metered
    # A meter does not run back. What such a reading says besides (the car has stopped) is still true.
    before = metered.last.kwh if metered.last is not None and metered.last.phase != "reserved" else metered.zero
    reading = msgspec.structs.replace(reading, kwh=max(reading.kwh, before))
    metered.cutter.add(Sample(reading.at, reading.kwh - metered.zero, _phase(reading.phase), reading.power, reading.current))
    return metered._replace(first=metered.first or reading.at, last=reading)


def _begun(metered: Metered, reading: Reading, pinned: Pinned) -> Metered:
    """With the first reading of a charge. It runs from there on; from its beginning where energy has flown before, for then a reading was
    lost."""
    if pinned.begun_kwh is None:
        return metered._replace(zero=reading.kwh, began=reading.at)
    zero = pinned.begun_kwh
    if reading.kwh <= zero:
        return metered._replace(zero=zero, began=reading.at)
    metered.cutter.add(Sample(pinned.begun_at, ZERO, "charging"))
    return metered._replace(zero=zero, began=pinned.begun_at, first=metered.first or pinned.begun_at)


def _phase(text: str) -> Phase:
    return "reserved" if text == "reserved" else "parked" if text == "parked" else "charging"
