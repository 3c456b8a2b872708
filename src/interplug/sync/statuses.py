"""What is said of the status of an EVSE: read, translated and written once for all partners of a version, not once for each.

Nothing older is ever said after something newer: what was made is said again only to a partner that needs to know, and has been told,
of nothing later than what the log had reached before it was read (`at_least`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from interplug.model.types import encode_json
from interplug.modules import lens
from interplug.modules.node import Node
from interplug.store.keys import Key, StoredEvse
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS, Version

MOST = 5_000
"""Statuses that are remembered."""
Place = tuple[Key, str, str]
"""The Location, the uid of the EVSE, the version."""


async def sayable(tx: Tx, key: Key, version: Version) -> bool:
    """Parts of a private Location are as private as it is, where a version cannot say that (8.3.1)."""
    if version.private_locations:
        return True
    location = await tx.objects.get(key, whole=False)
    return location is not None and location.document.get("publish") is not False


@dataclass(slots=True, frozen=True)
class Status:
    """`reached`: every change up to this number is in it. `body` is the PATCH; None: there is nothing to say."""

    reached: int
    key: Key
    uid: str
    last_updated: int
    changed_no: int
    audience: int
    body: bytes | None


class Statuses:
    def __init__(self, node: Node) -> None:
        self.node = node
        self._known: dict[Place, Status] = {}
        self._reading: dict[Place, tuple[int, asyncio.Future[None]]] = {}
        """What is being read just now, and the number that it will have reached."""

    async def of(self, key: Key, uid: str, version: str, at_least: int) -> Status | None:
        """None: the EVSE is not there."""
        place = key, uid, version
        while True:
            known = self._known.get(place)
            if known is not None and known.reached >= at_least:
                return known
            under_way = self._reading.get(place)
            if under_way is None or under_way[0] < at_least:
                return await self._read(place)
            await asyncio.wait([under_way[1]])

    async def _read(self, place: Place) -> Status | None:
        reached, ended = self.node.store.head, asyncio.get_running_loop().create_future()
        self._reading[place] = reached, ended
        try:
            status = await self.node.store.read(lambda tx: self._said(tx, *place, reached))
        finally:
            ended.set_result(None)
            if self._reading.get(place) == (reached, ended):
                del self._reading[place]
        known = self._known.get(place)
        if status is not None and (known is None or known.reached < reached):
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[place] = status
        return status

    async def _said(self, tx: Tx, key: Key, uid: str, version: str, reached: int) -> Status | None:
        evse: StoredEvse | None = await tx.objects.get_evse(key, uid)
        if evse is None:
            return None
        shown = None
        if await sayable(tx, key, VERSIONS[version]):
            shown = await lens.show_to_all(tx, version, "evse", evse.document, self.node.clock(), self.node.settings)
        body = None if shown is None else encode_json({name: shown[name] for name in ("status", "last_updated")})
        return Status(reached, key, evse.uid, evse.last_updated, evse.changed_no, evse.audience, body)
