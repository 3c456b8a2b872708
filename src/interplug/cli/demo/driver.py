"""A driver of the provider with a phone."""

from __future__ import annotations

import random
import re
from typing import Any

import aiohttp

from .processes import DemoFailed
from .visitor import CARD, Visitor

Document = dict[str, Any]
SLOW = 23
"""Kilowatts."""


class Phone(Visitor):
    def __init__(self, url: str) -> None:
        super().__init__(url, "the driver's page", "/drives/{}.json")

    async def everywhere(self, **query: str) -> list[Document]:
        """Every station that the pages list."""
        found: list[Document] = []
        page = pages = 1
        while page <= pages:
            document = await self.see("/stations.json", page=str(page), **query)
            pages, page = document["pages"], page + 1
            found += document["stations"]
        return found

    async def choose(self, partner: str, chance: random.Random) -> tuple[Document, Document, Document]:
        """A station of this operator, an EVSE and a connector that can be started, where a car is not full in a minute."""
        rows = [row for row in await self.everywhere(free="1") if row["partner"] == partner]
        chance.shuffle(rows)
        for row in rows:
            station = await self.station(row["id"])
            for evse in station["evses"]:
                for connector in evse["connectors"]:
                    if connector["startable"] and connector["max_kw"] <= SLOW:
                        return station, evse, connector
        raise DemoFailed(f"no station of {partner} can be started")

    async def station(self, id: int) -> Document:
        return await self.see(f"/stations/{id}.json")

    async def start(self, station: Document, evse: Document, connector: Document) -> Document:
        return await self.press(
            "/drives", station=str(station["id"]), evse=evse["uid"], connector=connector["id"], price=connector["price_key"]
        )

    async def pay(self, id: str, card: str = CARD) -> None:
        """Enters the card on the provider's own page, and comes back."""
        try:
            async with self.session.get(f"/drives/{id}/pay", headers={"accept": "text/html"}) as answer:
                page = await answer.text()
            action, secret = (
                re.findall(pattern, page)[0] for pattern in (r'action="[^"]*?(/payments/[^"]+)"', r'name="secret" value="([^"]+)"')
            )
            async with self.session.post(action, data={"secret": secret, "card": card}, headers={"accept": "text/html"}) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, IndexError) as error:
            raise DemoFailed(f"the card could not be entered: {str(error) or type(error).__name__}") from None

    async def drive(self, id: str) -> Document:
        return await self.see(self.page(id))

    async def stop(self, id: str) -> Document:
        return await self.press(f"/drives/{id}/stop")
