"""A card at the payment terminal of a street: tapped, charged, tapped again, billed, captured, and the receipt where its code leads.

The terminal's screen is used over HTTP, nothing else, as a passer-by would; what the operator holds is read at the operator's node.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp

from interplug.model.types import BadJson, decode_json

from . import ends
from .driver import CALL, CARD, LOOK
from .processes import DemoFailed
from .stage import TERMINAL, Stage
from .story import ATTEMPTS, Tell

Document = dict[str, Any]
STARTS, BILLS = 40.0, 40.0
KWH = Decimal("0.5")
"""So much is charged at least."""


class Screen:
    def __init__(self, url: str, terminal: str) -> None:
        self._session = aiohttp.ClientSession(
            url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"accept": "application/json"}, timeout=CALL
        )
        self.path, self._proof = f"/terminals/{terminal}", ""

    async def __aenter__(self) -> Screen:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def see(self, charge: str = "") -> Document:
        return await self._ask("GET", charge)

    async def press(self, charge: str = "", **fields: str) -> Document:
        return await self._ask("POST", charge, json={"csrf": self._proof, **fields})

    async def _ask(self, method: str, charge: str, **sent: Any) -> Document:
        path = f"{self.path}/{charge}" if charge else self.path
        try:
            async with self._session.request(method, path, **sent) as answer:
                document: Document = decode_json(await answer.read())
        except (aiohttp.ClientError, TimeoutError, BadJson) as error:
            raise DemoFailed(f"the terminal does not answer: {str(error) or type(error).__name__}") from None
        if answer.status >= 400:
            raise DemoFailed(f"the terminal says: {document.get('error', answer.status)}")
        self._proof = document.get("csrf", self._proof)
        return document

    async def until(self, charge: str, what: str, holds: Callable[[Document], bool], seconds: float) -> Document:
        seen: Document = {}
        try:
            async with asyncio.timeout(seconds):
                while not holds(seen := await self.see(charge)):
                    if seen["state"] == "FAILED":
                        raise DemoFailed(f"the charge at the terminal failed while waiting for {what}: {seen['reason']}")
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise DemoFailed(f"{what} did not come within {seconds:.0f} s at the terminal, which shows {seen}") from None
        return seen

    async def receipt(self, url: str) -> str:
        """What a phone shows that has read the code."""
        try:
            async with self._session.get(url, headers={"accept": "text/html"}) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoFailed(f"the receipt at {url} cannot be had: {str(error) or type(error).__name__}") from None
        if answer.status != 200:
            raise DemoFailed(f"there is no receipt at {url} ({answer.status})")
        return text


async def tapped(built: Stage, tell: Tell) -> Document:
    """The whole story, and what of it stands at the operator."""
    began, operator = time.monotonic(), built.beta
    async with Screen(built.terminals.url, built.terminal) as screen:
        plug, charge = await _charging(screen)
        held = charge["payment"]
        tell(f"{operator.name}: a card was held to terminal {TERMINAL}, {held['held']} {held['currency']} are held, the car charges")
        name = charge["authorization_reference"]
        await screen.until(name, "energy", lambda seen: (seen["kwh"] or 0) >= KWH, STARTS)
        await screen.press(name)
        done = await screen.until(name, "the receipt", lambda seen: bool(seen["over"]), BILLS)
        receipt = await _confirmed(screen, done)
    paid = done["payment"]
    await _check(built, name, done, receipt)
    tell(f"{operator.name}: {done['kwh']} kWh paid at the terminal, {paid['paid']} {paid['currency']}, receipt {done['receipt']}")
    return {
        "operator": operator.name,
        "provider": built.terminals.name,
        "terminal": TERMINAL,
        "location": plug["location_id"],
        "evse": plug["evse_uid"],
        "price": plug["price"],
        "authorization_reference": name,
        "kwh": done["kwh"],
        "held": held["held"],
        "paid": paid["paid"],
        "currency": paid["currency"],
        "state": paid["state"],
        "receipt": done["receipt"],
        "seconds": round(time.monotonic() - began, 1),
    }


async def _charging(screen: Screen) -> tuple[Document, Document]:
    """The plug, and the charge once it runs. Somebody else may have been quicker at the plug."""
    for attempt in range(ATTEMPTS):
        plugs = [one for one in (await screen.see())["plugs"] if one["free"]]
        if not plugs:
            await asyncio.sleep(LOOK * 8)
            continue
        asked = await screen.press(plug=plugs[attempt % len(plugs)]["plug"], card=CARD)
        try:
            name = asked["authorization_reference"]
            return plugs[attempt % len(plugs)], await screen.until(name, "charging", lambda seen: bool(seen["kwh"]), STARTS)
        except DemoFailed:
            if attempt == ATTEMPTS - 1:
                raise
    raise DemoFailed("the terminal had no free plug")


async def _confirmed(screen: Screen, done: Document) -> str:
    """The receipt, once the operator has put on it what the terminal's provider says was taken."""
    text = ""
    for _ in range(int(BILLS / LOOK)):
        text = await screen.receipt(done["receipt"])
        if "Paid." in text:
            return text
        await asyncio.sleep(LOOK)
    raise DemoFailed(f"the receipt at {done['receipt']} does not say that it was paid")


async def _check(built: Stage, name: str, done: Document, receipt: str) -> None:
    """What was paid is the operator's bill, and stands on the operator's receipt."""
    cdrs = (await ends.held(built.beta, "cdrs"))["cdr"].values()
    bill = next((one for one in cdrs if one.get("authorization_reference") == name), None)
    if bill is None:
        raise DemoFailed(f"{built.beta.name} has no CDR for the charge at the terminal")
    cost = bill["total_cost"]
    due = sum((Decimal(tax["amount"]) for tax in cost["taxes"]), Decimal(cost["before_taxes"])).quantize(Decimal("0.01"))
    paid = Decimal(done["payment"]["paid"])
    if paid != due or f"€{paid:.2f} by card" not in receipt or done["kwh"] != bill["total_energy"]:
        raise DemoFailed(f"{paid} was paid at the terminal, the bill is {due} for {bill['total_energy']} kWh, the screen says {done}")
