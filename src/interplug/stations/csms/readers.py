"""A card reader that is broken is not offered: while a ReaderFailure is open, the EVSE does not name the capability RFID_READER.

That it has one is remembered with what the station says of itself, in the transaction that takes the capability away, so that it comes
back when the reader works again, and no EVSE gets one that it never had.
"""

from __future__ import annotations

from interplug.charges import charging
from interplug.modules.node import Node
from interplug.store.charging_stations import StationRow
from interplug.store.evses import evses_called
from interplug.store.tx import Tx

CODE = "ReaderFailure"
CAPABILITY = "RFID_READER"
MARK = f"{CAPABILITY} of "


def taken(about: dict[str, str]) -> dict[str, str]:
    """What has to be kept of what is remembered of a station when it says anew what it is."""
    return {name: value for name, value in about.items() if name.startswith(MARK)}


async def level(node: Node, station: StationRow, uid: str, *, broken: bool) -> None:
    """Brings the capability of one EVSE level with what is known of its reader."""
    mark = MARK + uid
    if broken == (mark in station.about):
        return

    async def work(tx: Tx) -> dict[str, str]:
        about = {name: value for name, value in station.about.items() if name != mark}
        changed = await charging.evse_capability(tx, node, station.place, uid, CAPABILITY, there=not broken)
        if broken and changed:
            about[mark] = "taken"
        if about != station.about:
            await tx.charging_stations.about(station.id, station.epoch, about)
        return about

    station.about = await node.store.write(work, evses_called(uid))
