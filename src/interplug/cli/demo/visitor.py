"""A person at the pages of a node: what they offer, used over HTTP, nothing else.

The pages answer programs with the JSON of what they show, under the same rules (cookie, proof against forged forms, limits).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import aiohttp

from interplug.model.types import BadJson, decode_json

from .processes import DemoFailed

Document = dict[str, Any]
LOOK = 0.25
"""Seconds between two looks at a page."""
CARD = "4242424242424242"
"""Of the test provider."""
CALL = aiohttp.ClientTimeout(total=30)


class Visitor:
    def __init__(self, url: str, where: str, charges: str) -> None:
        """`where` the person is, in words; `charges` are shown at this path, with the id of one in it."""
        self.session = aiohttp.ClientSession(
            url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"accept": "application/json"}, timeout=CALL
        )
        self._where, self._charges, self._proof = where, charges, ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def see(self, path: str, **query: str) -> Document:
        return await self._ask("GET", path, params=query)

    async def press(self, path: str, **fields: str) -> Document:
        return await self._ask("POST", path, json={"csrf": self._proof, **fields})

    async def _ask(self, method: str, path: str, **sent: Any) -> Document:
        try:
            async with self.session.request(method, path, **sent) as answer:
                document: Document = decode_json(await answer.read())
        except (aiohttp.ClientError, TimeoutError, BadJson) as error:
            raise DemoFailed(f"{self._where} ({path}) does not answer: {str(error) or type(error).__name__}") from None
        if answer.status >= 400:
            raise DemoFailed(f"{self._where} ({path}) says: {document.get('error', answer.status)}")
        self._proof = document.get("csrf", self._proof)
        return document

    def page(self, charge: str) -> str:
        return self._charges.format(charge)

    async def until(self, charge: str, what: str, holds: Callable[[Document], bool], seconds: float) -> Document:
        """The page of a charge as soon as `holds`; one that failed, or of which nothing new is told for too long, ends the demo."""
        seen: Document = {}
        told: Document = {}
        try:
            async with asyncio.timeout(seconds) as limit:
                while not holds(seen := await self.see(self.page(charge))):
                    if seen["state"] == "FAILED":
                        raise DemoFailed(f"the charge failed while waiting for {what}: {seen['reason']}")
                    if _brief(seen) != told:
                        told = _brief(seen)
                        limit.reschedule(asyncio.get_running_loop().time() + seconds)
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise DemoFailed(f"{what} did not come, and nothing new for {seconds:.0f} s; {self._where} shows {_brief(seen)}") from None
        return seen


def _brief(charge: Document) -> Document:
    return {name: charge[name] for name in ("state", "kwh", "reason", "session_id") if name in charge}
