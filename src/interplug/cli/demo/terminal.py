"""A card at the payment terminal of a street: tapped, charged, tapped again, billed, captured, and the receipt where its code leads.

The terminal's screen is used over HTTP, nothing else, as a passer-by would; what the operator holds is read at the operator's node.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import aiohttp

from . import ends
from .processes import DemoFailed
from .stage import TERMINAL, Stage
from .story import ATTEMPTS, Tell
from .visitor import CARD, LOOK, Visitor

Document = dict[str, Any]
STARTS, BILLS = 40.0, 40.0
KWH = Decimal("0.5")
"""So much is charged at least."""


class Screen(Visitor):
    def __init__(self, url: str, terminal: str) -> None:
        self.path = f"/terminals/{terminal}"
        super().__init__(url, "the terminal", f"{self.path}/{{}}")

    async def receipt(self, url: str) -> str:
        """What a phone shows that has read the code."""
        try:
            async with self.session.get(url, headers={"accept": "text/html"}) as answer:
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
        await screen.press(screen.page(name))
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
        plugs = [one for one in (await screen.see(screen.path))["plugs"] if one["free"]]
        if not plugs:
            await asyncio.sleep(LOOK * 8)
            continue
        asked = await screen.press(screen.path, plug=plugs[attempt % len(plugs)]["plug"], card=CARD)
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
