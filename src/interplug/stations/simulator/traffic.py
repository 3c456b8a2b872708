"""Drivers who come and go by themselves, so that a city is never empty: our own, and now and then a card of a partner.

A third of the stations are kept busy. Chance is seeded; what a driver does follows from the seed and the clock.
"""

from __future__ import annotations

import random
from typing import Any, Protocol

from interplug.model.types import fold
from interplug.modules.node import Node, Outcome
from interplug.store.tx import Tx

from .memory import Driver
from .outlet import SECOND, Outlet, car_for

BUSY = 0.3
ROAMING = 0.3
"""How many come with a partner's card, where there are any."""
CARDS = 500


class Stations(Protocol):
    node: Node
    outlets: dict[str, Outlet]

    async def tap(self, location_id: str, evse_uid: str, token_uid: str, type: str = "RFID") -> Outcome: ...
    async def let_in(self, outlet: Outlet, driver: Driver) -> Outcome: ...


class Traffic:
    def __init__(self, stations: Stations, seed: int) -> None:
        self._stations = stations
        self._chance = random.Random(f"traffic/{seed}")
        self._next = 0
        self._number = 0

    async def tick(self) -> None:
        """At most one driver arrives."""
        now = self._stations.node.clock()
        outlets = list(self._stations.outlets.values())
        free = [one for one in outlets if one.memory.state == "free" and one.memory.online and one.memory.hold is None]
        if now < self._next or not free or len(free) < len(outlets) * (1 - BUSY):
            return
        self._next = self._stations.node.after(self._chance.uniform(0.5, 3))
        await self._arrive(self._chance.choice(free), now)

    async def _arrive(self, outlet: Outlet, now: int) -> None:
        self._number += 1
        driver = Driver(self._card_of_ours(outlet), "WHITELIST", 0)
        car = car_for(driver, outlet.seed, now)
        car.leaves_at = now + int(self._chance.uniform(12, 75) * 60) * SECOND
        async with outlet.lock:
            if not await outlet.plug(now, car):
                return
        card = await self._partners_card() if self._chance.random() < ROAMING else None
        if card is not None:
            let_in = await self._stations.tap(outlet.key.id, outlet.evse["uid"], card)
        else:
            let_in = await self._stations.let_in(outlet, driver)
        if let_in.result != "ACCEPTED":
            async with outlet.lock:
                await outlet.unplug(self._stations.node.clock())

    def _card_of_ours(self, outlet: Outlet) -> dict[str, Any]:
        number = f"{self._number:06}"
        party = {"country_code": outlet.key.country, "party_id": outlet.key.party}
        return {**party, "uid": f"OWN{number}", "type": "RFID", "contract_id": f"{outlet.key.country}-{outlet.key.party}-{number}"}

    async def _partners_card(self) -> str | None:
        """One that charges nowhere else here: a card is in one place at a time."""
        used = {one.memory.charge.card for one in self._stations.outlets.values() if one.memory.charge is not None}

        async def work(tx: Tx) -> list[str]:
            stored, _ = await tx.objects.batch("tokens", 0, CARDS)
            return [one.key.id for one in stored if one.key.source and one.key.kind == "RFID" and one.document["valid"]]

        cards = [card for card in await self._stations.node.store.read(work) if fold(card) not in used]
        return self._chance.choice(cards) if cards else None
