"""Keeps the drivers' list of stations level with the Locations of all partners: one more reader of the change log.

A Location that is not published, or has no EVSE left, is not shown (LOC-004, LOC-031). When the cursor is lost the list is made
again from the beginning of the log, which holds every Location once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Change, Stored
from interplug.store.places import Place
from interplug.store.tx import Tx

Document = dict[str, Any]
READER = (0, "places")
CHUNK = 200


class PlaceList:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.position = 0

    async def run(self) -> None:
        """Until cancelled."""
        reached = await self.node.store.read(lambda tx: tx.cursors.get(*READER))
        self.position = reached or 0
        while True:
            await self.tick()
            await self.node.store.changed(self.position, 1.0)

    async def tick(self) -> None:
        more = True
        while more:
            changes, reached, more = await self.node.store.news(self.position, CHUNK)
            news = {change.pk: change for change in changes if change.module == "locations" and change.source != OWN}
            if news:
                await self.node.store.write(lambda tx, news=news, reached=reached: self._write(tx, news, reached))  # type: ignore[misc]
            self.position = reached

    async def _write(self, tx: Tx, news: dict[int, Change], reached: int) -> None:
        for pk in news:
            stored = await tx.objects.get_pk(pk)
            place = place_of(stored, self._operator(stored)) if stored is not None else None
            if place is None:
                await tx.places.drop(pk)
            else:
                await tx.places.put(place)
        await tx.cursors.move([(*READER, reached)])

    def _operator(self, stored: Stored) -> str:
        return operator_of(stored, self.node.directory.by_id(stored.key.source))


def operator_of(stored: Stored, connection: Connection | None) -> str:
    """Who runs a Location: as it says, else the party of that name in the partner's credentials (8.3.1); a hub's own name is none."""
    said = (stored.document.get("operator") or {}).get("name")
    if said or connection is None:
        return said or ""
    owner = Party(stored.key.country, stored.key.party).key
    names = (party.business_details.get("name") for party in connection.parties if party.role == "CPO" and party.party.key == owner)
    return next((name for name in names if name), "")


def place_of(stored: Stored, operator: str = "") -> Place | None:
    """The row of a Location; None where drivers are not to see it."""
    document = stored.document
    evses = [evse for evse in document.get("evses") or () if evse["status"] not in ("REMOVED", "PLANNED")]
    if not document.get("publish", True) or not evses or stored.audience < 0:
        return None
    connectors = [connector for evse in evses for connector in evse["connectors"]]
    name = document.get("name") or document["address"]
    told = (
        name,
        document["address"],
        document["city"],
        document.get("postal_code", ""),
        operator,
        *(evse.get("evse_id", "") for evse in evses),
    )
    return Place(
        pk=stored.pk,
        source=stored.key.source,
        name=name,
        address=document["address"],
        city=document["city"],
        operator=operator,
        words=" ".join(part for part in told if part).casefold(),
        plugs="".join(f",{standard}" for standard in sorted({connector["standard"] for connector in connectors})) + ",",
        evses=len(evses),
        free=sum(evse["status"] == "AVAILABLE" for evse in evses),
        watts=max(watts(connector) for connector in connectors),
        heard_at=stored.received_at,
    )


def watts(connector: Document) -> int:
    """The most that a Connector gives: as it says, else volts times amperes times phases (8.3.3)."""
    if connector.get("max_electric_power"):
        return int(connector["max_electric_power"])
    phases = {"AC_3_PHASE": Decimal(3), "AC_2_PHASE": Decimal(2), "AC_2_PHASE_SPLIT": Decimal(2)}.get(connector["power_type"], Decimal(1))
    return int(connector["max_voltage"] * connector["max_amperage"] * phases)
