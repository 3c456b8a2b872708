"""Alerts follow the log of faults: what opens there opens an alert, and what has been gone for a while closes it.

A fault that comes and goes is one alert for as long as it does not stay away (`alerts.settle`), and tells how often it came; so the
fiftieth time in a minute tells nobody anything. That it has opened is told at once. Everything follows from rows: each fault names its
alert, what is to be told is written in the same transaction, and a process that ends in the middle is continued by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.store.alerts import Alert, Standing
from interplug.store.faults import Fault
from interplug.store.keys import OWN, Key
from interplug.store.tx import Tx

from .words import at_least, described

TICK = 0.5
AT_ONCE = 500
OPENED, CLOSED = "alert.opened", "alert.closed"


async def name_of(tx: Tx, alert: Alert) -> str:
    """Of the Location; its id where it has none, or is gone."""
    if not alert.place:
        return ""
    stored = await tx.objects.get(Key("locations", OWN, alert.country, alert.party, alert.place))
    return (stored.document.get("name") if stored is not None else None) or alert.place


@dataclass(slots=True)
class Following:
    node: Node
    targets: Mapping[str, str] = field(default_factory=dict)
    """Whom to tell, and the least severity to tell of."""

    async def run(self) -> None:
        while True:
            while await self.look():
                pass
            await asyncio.sleep(TICK)

    async def look(self) -> bool:
        """Whether there may be more to do at once."""
        store = self.node.store
        new = await store.read(lambda tx: tx.faults.unfollowed(AT_ONCE), snapshot=False)
        standing = await store.read(lambda tx: tx.alerts.standing(), snapshot=False)
        if new or any(self._moves(one) for one in standing):
            await store.write(self._level)
        return len(new) == AT_ONCE

    async def _level(self, tx: Tx) -> None:
        for fault in await tx.faults.unfollowed(AT_ONCE):
            await tx.faults.follow(fault.no, await self._follow(tx, fault))
        for one in await tx.alerts.standing():
            if self._moves(one):
                await self._move(tx, one)

    async def _follow(self, tx: Tx, fault: Fault) -> int:
        """The alert that a fault belongs to."""
        alert = await tx.alerts.same(fault.station, fault.evse, fault.connector, fault.code)
        if alert is None:
            return await self._open(tx, fault)
        alert.severity, alert.vendor_code, alert.info = fault.severity, fault.vendor_code, fault.info
        alert.times += 1
        await tx.alerts.update(alert)
        await self.tell_opened(tx, alert)
        return alert.no

    async def _open(self, tx: Tx, fault: Fault) -> int:
        station = await tx.charging_stations.get(fault.station)
        outlets = station.outlets if station is not None else []
        alert = Alert(
            station=fault.station,
            evse=fault.evse,
            connector=fault.connector,
            code=fault.code,
            severity=fault.severity,
            vendor_code=fault.vendor_code,
            info=fault.info,
            source=fault.source,
            country=station.country if station is not None else "",
            party=station.party if station is not None else "",
            place=station.place if station is not None else "",
            evse_uid=next((one.evse_uid for one in outlets if one.evse == fault.evse), ""),
            opened_at=fault.opened_at,
        )
        await tx.alerts.open(alert)
        await self.tell_opened(tx, alert)
        return alert.no

    # --- while it stands

    def _moves(self, one: Standing) -> bool:
        if one.there or not one.alert.quiet_at:
            return one.there == bool(one.alert.quiet_at)
        return one.alert.quiet_at <= self.node.after(-self.node.settings.alerts.settle)

    async def _move(self, tx: Tx, one: Standing) -> None:
        """It is gone for now, it is there again, or it has been gone long enough; by our clock, for a station's may be wrong."""
        alert, now = one.alert, self.node.clock()
        if one.there or not alert.quiet_at:
            alert.quiet_at = 0 if one.there else now
            await tx.alerts.update(alert)
            return
        alert.closed_at = max(alert.opened_at, min(one.gone_at, now))
        await tx.alerts.update(alert)
        await self.tell(tx, alert, CLOSED, await self.told(tx, alert))

    # --- whom to tell

    async def tell_opened(self, tx: Tx, alert: Alert) -> None:
        """Once each; a fault that comes back worse may be the business of more of them."""
        wanted = {target for target, least in self.targets.items() if at_least(alert.severity, least)}
        await self.tell(tx, alert, OPENED, wanted - await self.told(tx, alert))

    async def told(self, tx: Tx, alert: Alert) -> set[str]:
        return {message.target for message in await tx.alerts.messages(alert.no)} & self.targets.keys()

    async def tell(self, tx: Tx, alert: Alert, event: str, targets: set[str]) -> None:
        if targets:
            said = encode_json({"event": event, "alert": described(alert, await name_of(tx, alert))})
            for target in sorted(targets):
                await tx.alerts.say(alert.no, target, event, said)
