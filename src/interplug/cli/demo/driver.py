"""A driver of the provider with a phone: what the driver's pages offer, used over HTTP, nothing else.

The pages answer programs with the JSON of what they show, under the same rules (cookie, proof against forged forms, limits).
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any

import aiohttp

from interplug.model.types import BadJson, decode_json

from .processes import DemoFailed

Document = dict[str, Any]
LOOK = 0.25
"""Seconds between two looks at a page."""
CARD = "4242424242424242"
"""Of the test provider."""
SLOW = 23
"""Kilowatts."""
CALL = aiohttp.ClientTimeout(total=30)


class Phone:
    def __init__(self, url: str) -> None:
        self._session = aiohttp.ClientSession(
            url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"accept": "application/json"}, timeout=CALL
        )
        self._proof = ""

    async def __aenter__(self) -> Phone:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def _see(self, path: str, **query: str) -> Document:
        return await self._ask("GET", path, params=query)

    async def _press(self, path: str, **fields: str) -> Document:
        return await self._ask("POST", path, json={"csrf": self._proof, **fields})

    async def _ask(self, method: str, path: str, **sent: Any) -> Document:
        try:
            async with self._session.request(method, path, **sent) as answer:
                document: Document = decode_json(await answer.read())
        except (aiohttp.ClientError, TimeoutError, BadJson) as error:
            raise DemoFailed(f"the driver's page {path} does not answer: {str(error) or type(error).__name__}") from None
        if answer.status >= 400:
            raise DemoFailed(f"the driver's page {path} says: {document.get('error', answer.status)}")
        self._proof = document.get("csrf", self._proof)
        return document

    # --- what a driver does

    async def everywhere(self, **query: str) -> list[Document]:
        """Every station that the pages list."""
        found: list[Document] = []
        page = pages = 1
        while page <= pages:
            document = await self._see("/stations.json", page=str(page), **query)
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
        return await self._see(f"/stations/{id}.json")

    async def start(self, station: Document, evse: Document, connector: Document) -> Document:
        return await self._press(
            "/drives", station=str(station["id"]), evse=evse["uid"], connector=connector["id"], price=connector["price_key"]
        )

    async def pay(self, id: str, card: str = CARD) -> None:
        """Enters the card on the provider's own page, and comes back."""
        try:
            async with self._session.get(f"/drives/{id}/pay", headers={"accept": "text/html"}) as answer:
                page = await answer.text()
            action, secret = (
                re.findall(pattern, page)[0] for pattern in (r'action="[^"]*?(/payments/[^"]+)"', r'name="secret" value="([^"]+)"')
            )
            async with self._session.post(action, data={"secret": secret, "card": card}, headers={"accept": "text/html"}) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, IndexError) as error:
            raise DemoFailed(f"the card could not be entered: {str(error) or type(error).__name__}") from None

    async def drive(self, id: str) -> Document:
        return await self._see(f"/drives/{id}.json")

    async def stop(self, id: str) -> Document:
        return await self._press(f"/drives/{id}/stop")

    async def until(self, id: str, what: str, holds: Callable[[Document], bool], seconds: float) -> Document:
        """The page of a drive as soon as `holds`; a drive that failed, or one that takes too long, ends the demo."""
        seen: Document = {}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = await self.drive(id)
                    if holds(seen):
                        return seen
                    if seen["state"] == "FAILED":
                        raise DemoFailed(f"the drive failed while waiting for {what}: {seen['reason']}")
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise DemoFailed(f"{what} did not come within {seconds:.0f} s; the page shows {_brief(seen)}") from None


def _brief(drive: Document) -> Document:
    return {name: drive.get(name) for name in ("state", "kwh", "reason", "session_id")}
