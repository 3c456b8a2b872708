"""What follows from nothing being said: a station that has been away for too long, a charge whose end was lost, a reservation that is over.

One process does this, whoever has the sockets; everything it needs stands in the database.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from interplug.charges import charging
from interplug.store.ocpp import Transaction
from interplug.store.tx import Tx

from .derived import Derived
from .desk import Desk
from .hall import BEAT_LOST
from .statuses import FREE

TICK = 1.0
SILENT = 48 * 3600
"""Seconds after which a Session that nobody speaks of is closed, at whatever station."""


@dataclass(slots=True)
class Watch:
    desk: Desk
    _gone: dict[str, int] = field(default_factory=dict)
    derived: Derived = field(init=False)

    def __post_init__(self) -> None:
        self.derived = Derived(self.desk.node)

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(TICK)

    async def look(self) -> None:
        await self._away()
        await self._lost()
        await self._holds()
        await self.derived.look()
        node = self.desk.node
        await charging.close_lost(node, node.after(-SILENT))

    async def _away(self) -> None:
        node = self.desk.node
        settings = node.settings.stations
        gone, unheard = node.after(-settings.offline_after), node.after(-(settings.offline_after + BEAT_LOST))
        rows = await node.store.read(lambda tx: tx.charging_stations.silent(gone, unheard), snapshot=False)
        for row in rows:
            if self._gone.get(row.id) != row.epoch:
                await self.desk.publish(row, online=False)
        self._gone = {row.id: row.epoch for row in rows}

    async def _lost(self) -> None:
        node = self.desk.node
        before = node.after(-node.settings.stations.lost_after)

        async def work(tx: Tx) -> list[Transaction]:
            found = []
            for row in await tx.ocpp.all_open():
                if row.heard_at <= before:
                    said = [one for one in await tx.charging_stations.statuses(row.station) if one.evse == row.evse]
                    if said and all(one.status in FREE and row.begun_at < one.at <= before for one in said):
                        found.append(row)
            return found

        for row in await node.store.read(work):
            await self.desk.transactions.lost(row)
            await self.desk.publish_of(row.station, row.evse)

    async def _holds(self) -> None:
        """The station lets a reservation go at its time by itself."""
        now = self.desk.node.clock()
        for hold in await self.desk.node.store.read(lambda tx: tx.ocpp.holds(), snapshot=False):
            if hold.until <= now:
                await self.desk.let_go(hold, "expired", told=False)
