"""Which of our EVSEs name certain Tariffs, and what happens to them when such a Tariff is for other partners than before.

A Connector shows each partner only those of its Tariffs that the partner may see. So when a Tariff moves to another audience, the EVSEs
that name it look different to some, though nobody has changed them: they get a new `last_updated` and a number in the change log, once,
and are pushed and pulled like anything that has changed. A reader of the log does this, with a cursor of its own, so no crash leaves
any out. There is no index for it: all our Locations are read, which is seldom needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial

from interplug.model.types import fold
from interplug.modules.node import Node
from interplug.store.cursors import TARIFFS_MOVED
from interplug.store.keys import OWN, Stored
from interplug.store.store import Store
from interplug.store.tx import Tx

AT_ONCE = 100
ROUND = 1.0
"""Seconds between looks at the log when there was nothing to do."""
Place = tuple[Stored, list[str]]


async def naming(store: Store, tariffs: Iterable[str]) -> AsyncIterator[list[Place]]:
    """Our Locations with an EVSE that names one of the Tariffs, and the uids of those EVSEs; some Locations at a time."""
    wanted = {fold(name) for name in tariffs}
    after = 0
    while True:
        found, after = await store.read(lambda tx, after=after: tx.objects.batch("locations", after, AT_ONCE, OWN))  # type: ignore[misc]
        if not found:
            return
        places = [(stored, _uids(stored, wanted)) for stored in found]
        yield [place for place in places if place[1]]


def _uids(stored: Stored, wanted: set[str]) -> list[str]:
    return [
        evse["uid"]
        for evse in stored.document.get("evses") or ()
        if any(fold(name) in wanted for connector in evse.get("connectors") or () for name in connector.get("tariff_ids") or ())
    ]


async def renew_naming(node: Node, tariffs: Iterable[str]) -> None:
    """The EVSEs that name one of the Tariffs count as changed now."""

    async def renew(tx: Tx, places: list[Place]) -> None:
        for stored, uids in places:
            for uid in uids:
                await tx.objects.renew_evse(stored.key, uid, node.clock())

    async for places in naming(node.store, tariffs):
        await node.store.write(partial(renew, places=places))


class TariffsMoved:
    """The reader of the log that does it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    async def run(self) -> None:
        while True:
            if not await self.turn():
                await asyncio.sleep(ROUND)

    async def turn(self) -> bool:
        """Follows the Tariffs that have moved since the last time; False: none has."""
        store = self.node.store
        after = await store.read(lambda tx: tx.cursors.get(OWN, TARIFFS_MOVED)) or 0
        changes, reached, more = await store.news(after, 500, ("tariffs",))
        moved = {change.key.id for change in changes if change.source == OWN and change.was}
        if moved:
            await renew_naming(self.node, moved)
        if changes:
            await store.write(lambda tx: tx.cursors.move([(OWN, TARIFFS_MOVED, reached)]))
        return more or bool(moved)
