"""Faults that no station tells, because it cannot: it is silent, or its meter stands still while it says that a car is charging.

They open and close in the log of faults as any other, and never change what is published of an EVSE: a silent station is UNKNOWN by its
silence, and an EVSE whose meter stands still is in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import msgspec

from interplug.modules.node import Node
from interplug.store.faults import Fault
from interplug.store.ocpp import Transaction
from interplug.store.tx import Tx

from . import trouble

SILENT = "StationSilent"
STUCK = "MeterNotMoving"
SELDOM = 5
"""Looks of the watch between two at all meters."""
BROKEN = ("Faulted", "Unavailable")
UNHEARD = 60.0
"""Seconds after which a process that shows no more that it lives has lost its stations."""


class Place(NamedTuple):
    station: str
    evse: int = 0
    connector: int = 0


class Seen(msgspec.Struct):
    """What matters here of a `Course`; the rest is not read."""

    state: str = ""
    moved_at: int = 0


_seen = msgspec.json.Decoder(Seen).decode


@dataclass(slots=True)
class Derived:
    node: Node
    _turns: count[int] = field(default_factory=count)

    async def look(self) -> None:
        await self._level(SILENT, await self._silent())
        if next(self._turns) % SELDOM == 0:
            await self._level(STUCK, await self._stuck())

    async def _silent(self) -> dict[Place, Fault]:
        """Stations that have been here and are away; one that has never come is not missed."""
        node, after = self.node, self.node.settings.stations.silent_after
        if not after:
            return {}
        gone, unheard = node.after(-after), node.after(-(after + UNHEARD))
        rows = await node.store.read(lambda tx: tx.charging_stations.silent(gone, unheard), snapshot=False)
        found = {}
        for row in rows:
            since = row.heard_at if row.holder else row.since
            if since:
                found[Place(row.id)] = _fault(SILENT, Place(row.id), since, "it has no connection any more")
        return found

    async def _stuck(self) -> dict[Place, Fault]:
        """EVSEs at which a car charges, as the station says, and no energy flows. While there is no line nobody can tell."""
        node, after = self.node, self.node.settings.stations.meter_stuck_after
        if not after:
            return {}
        before = node.after(-after)

        async def work(tx: Tx) -> dict[Place, Fault]:
            found = {}
            for row in await tx.ocpp.all_open():
                seen = _seen(row.doc)
                if seen.state in ("", "Charging") and seen.moved_at <= before and await self._charges(tx, row, seen.state, before):
                    place = Place(row.station, row.evse, row.connector)
                    session = f" (Session {row.session})" if row.session else ""
                    found[place] = _fault(STUCK, place, node.clock(), f"it says that a car is charging, and no energy flows{session}")
            return found

        return await node.store.read(work)

    async def _charges(self, tx: Tx, row: Transaction, state: str, before: int) -> bool:
        """Whether the station has been here all the time, and says that it charges: of the transaction, else of the connector. At a plug
        that is broken nothing flows, and that has an alert of its own."""
        station = await tx.charging_stations.get(row.station)
        if station is None or not station.holder or station.since > before:
            return False
        statuses = await tx.charging_stations.statuses(row.station)
        if any(one.status in BROKEN and (one.evse, one.connector) in ((0, 0), (row.evse, row.connector)) for one in statuses):
            return False
        if state:
            return True
        said = [one for one in statuses if one.evse == row.evse]
        return any(one.status == "Charging" and one.at <= before for one in said)

    async def _level(self, code: str, wanted: dict[Place, Fault]) -> None:
        """Opens what is wanted and closes the rest of that code."""
        opened = await self.node.store.read(lambda tx: tx.faults.derived(code), snapshot=False)
        there = {Place(one.station, one.evse, one.connector): one for one in opened}
        if there.keys() != wanted.keys():
            new = [wanted[place] for place in wanted.keys() - there.keys()]
            over = [there[place] for place in there.keys() - wanted.keys()]
            await self.node.store.write(lambda tx: self._write(tx, new, over))

    async def _write(self, tx: Tx, new: Iterable[Fault], over: Iterable[Fault]) -> None:
        for fault in new:
            await tx.faults.open(fault)
        for fault in over:
            await tx.faults.close(fault.no, max(self.node.clock(), fault.opened_at))


def _fault(code: str, place: Place, at: int, info: str) -> Fault:
    severity = trouble.severity(code)
    return Fault(
        station=place.station,
        evse=place.evse,
        connector=place.connector,
        code=code,
        severity=severity,
        info=info,
        source="derived",
        opened_at=at,
    )
