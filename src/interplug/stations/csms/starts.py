"""Starts that come to nothing at one EVSE, one after the other: a fault that the station itself does not know of.

A start has failed when the station refuses to begin, and when a charge that somebody was to pay for ends without energy. The first charge
that takes energy is the proof that the EVSE works, and closes the fault. It says nothing of the EVSE's status: the next one may well
charge there.
"""

from __future__ import annotations

from decimal import Decimal

from interplug.modules.node import Node
from interplug.store.faults import Fault
from interplug.store.tx import Tx

from . import trouble

CODE = "StartsFailing"
LITTLE = Decimal(10)
"""Wh below which a charge has taken no energy."""


async def failed(node: Node, station: str, evse: int, why: str) -> None:
    """A start has come to nothing; after `stations.failed_starts` in a row that is a fault."""
    most = node.settings.stations.failed_starts
    if not most:
        return

    async def work(tx: Tx) -> None:
        now = node.clock()
        times, _ = await tx.faults.failed_start(station, evse, now)
        if times >= most:
            info = f"{times} starts in a row have failed; {why}"
            severity = trouble.severity(CODE)
            fault = Fault(station=station, evse=evse, code=CODE, severity=severity, info=info, source="derived", opened_at=now)
            await tx.faults.open(fault)

    await node.store.write(work)


async def worked(node: Node, station: str, evse: int) -> None:
    """A charge has taken energy: the fault is over."""
    if not await node.store.read(lambda tx: tx.faults.has_failed(station, evse), snapshot=False):
        return

    async def work(tx: Tx) -> None:
        await tx.faults.started(station, evse)
        for fault in await tx.faults.of_station(station):
            if (fault.code, fault.source, fault.evse) == (CODE, "derived", evse):
                await tx.faults.close(fault.no, node.clock())

    await node.store.write(work)
