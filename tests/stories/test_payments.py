"""Drivers pay by card over real sockets: an operator with stations, a provider with its pages, and a payment provider in between."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn

from interplug.config import Payments
from interplug.drivers.offers import read_offer
from interplug.model.types import decode_json
from interplug.payments.ledger import Memory
from interplug.payments.service import Service
from interplug.store.payments import Payment
from interplug.web.banking import drawn
from tests.payments.standing import CHALLENGED, DECLINED, GOOD, UNRULY
from tests.web.living import Living, two_nodes

SECRET = "whsec-of-the-story"
PATIENCE = 90.0
PARTS = [
    {"type": "FLAT", "price": Decimal(1), "vat": 21, "step_size": 1},
    {"type": "ENERGY", "price": Decimal("0.50"), "vat": 21, "step_size": 1},
]
RETAIL = {"currency": "EUR", "tax_included": "NO", "elements": [{"price_components": PARTS}]}


@dataclass
class Town:
    """Everything there is, and a browser."""

    living: Living
    service: Service
    browser: aiohttp.ClientSession

    async def get(self, path: str) -> Any:
        async with self.browser.get(f"{self.living.url}{path}", headers={"accept": "application/json"}) as answer:
            return decode_json(await answer.read())

    async def start(self) -> str:
        """Presses start at a free plug; the path of the drive."""
        listed = await self.until(lambda: self.get("/stations.json?free=1"), lambda found: found["total"] > 0)
        station = listed["stations"][0]["id"]
        shown = await self.until(lambda: self.get(f"/stations/{station}.json"), lambda one: any(_ready(evse) for evse in one["evses"]))
        evse = next(evse for evse in shown["evses"] if _ready(evse))
        plug = evse["connectors"][0]
        asked = {"station": str(station), "evse": evse["uid"], "connector": plug["id"], "price": plug["price_key"], "csrf": shown["csrf"]}
        async with self.browser.post(f"{self.living.url}/drives", json=asked, headers={"accept": "application/json"}) as answer:
            drive = decode_json(await answer.read())
        assert answer.status == 201 and drive["state"] == "PAYING", drive
        return f"/drives/{drive['id']}"

    async def pay(self, drive: str, card: str, *, comes_back: bool = True) -> str:
        """What the provider's page says in the end; without coming back nothing but a webhook tells the node."""
        async with self.browser.get(f"{self.living.url}{drive}/pay") as answer:
            page, url = await answer.text(), str(answer.url)
        assert url.startswith(self.service.bank.url), "the card is entered at the provider"
        page = await self._press(page, {"card": card}, comes_back)
        if "Is it you?" in page:
            page = await self._press(page, {"answer": "yes"}, comes_back)
        return page

    async def _press(self, page: str, fields: dict[str, str], comes_back: bool) -> str:
        action = re.findall(r'action="([^"]+)"', page)[0]
        secret = re.findall(r'name="secret" value="([^"]+)"', page)[0]
        async with self.browser.post(action, data={**fields, "secret": secret}, allow_redirects=False) as answer:
            where = answer.headers["location"]
        if where.startswith(self.living.url) and not comes_back:
            return ""
        async with self.browser.get(where) as answer:
            return await answer.text()

    async def until(self, look: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not good(found := await look()):
                await asyncio.sleep(0.1)
        return found

    async def state(self, drive: str, *states: str) -> Any:
        return await self.until(lambda: self.get(f"{drive}.json"), lambda one: one["state"] in states)

    async def payment(self, drive: str, *states: str) -> Payment:
        node = self.living.emsp
        name = drive.rpartition("/")[2]

        async def look() -> Payment | None:
            return await node.store.read(lambda tx: tx.payments.of_drive(name))

        found: Payment = await self.until(look, lambda one: one is not None and one.state in states)
        return found

    async def stop(self, drive: str) -> None:
        csrf = (await self.get(f"{drive}.json"))["csrf"]
        async with self.browser.post(f"{self.living.url}{drive}/stop", data={"csrf": csrf}, allow_redirects=False) as answer:
            assert answer.status == 303

    def books(self, payment: Payment) -> tuple[str, Decimal, Decimal]:
        """The provider's own."""
        assert isinstance(self.service.bank.ledger, Memory)
        hold = decode_json(self.service.bank.ledger.documents[payment.reference])
        return hold["status"], Decimal(hold["captured"]), Decimal(hold["refunded"])


def _ready(evse: Any) -> bool:
    return evse["status"] == "AVAILABLE" and evse["connectors"][0]["startable"]


@asynccontextmanager
async def provider() -> AsyncIterator[Service]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        service = Service(f"http://127.0.0.1:{listener.getsockname()[1]}", "", SECRET, draw=drawn)
        server = uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server._serve([listener]))
        async with service.running():
            yield service
        server.should_exit = True
        await serving


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with provider() as service:
        jar = aiohttp.CookieJar(unsafe=True)  # of a host without a name, too
        payments = Payments(provider="test", test_url=service.bank.url, webhook_secret=SECRET)
        async with two_nodes(tmp_path, "2.2.1", payments) as living, aiohttp.ClientSession(cookie_jar=jar) as browser:
            service.webhook = f"{living.url}/payments/webhook"
            offer = read_offer({"id": "OURS", "tariff": RETAIL})
            node = living.emsp
            await node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), node.clock() - 1))
            yield Town(living, service, browser)


async def test_from_the_card_to_the_receipt_with_webhooks_in_any_order(town: Town) -> None:
    """The browser never comes back from the provider: late, doubled and disordered webhooks are all that tells the node."""
    drive = await town.start()
    await town.pay(drive, UNRULY, comes_back=False)
    charging = await town.state(drive, "CHARGING")
    assert charging["payment"]["held"] > 0
    await town.until(lambda: town.get(f"{drive}.json"), lambda one: one["kwh"] and one["kwh"] > 0)
    await town.stop(drive)
    await town.state(drive, "BILLED")
    payment = await town.payment(drive, "captured")
    shown = await town.until(lambda: town.get(f"{drive}.json"), lambda one: one["receipt"] and one["invoices"])
    kept = Decimal(shown["receipt"]["total"]["after_taxes"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert payment.kept == kept >= Decimal("1.21") and town.books(payment) == ("captured", kept, 0)
    assert (shown["payment"]["paid"], shown["invoices"]) == (kept, ["INV-000001"])


async def test_a_declined_card_then_a_proof_then_a_start_that_is_given_up(town: Town) -> None:
    drive = await town.start()
    assert "declined" in await town.pay(drive, DECLINED)
    assert (await town.get(f"{drive}.json"))["state"] == "PAYING"
    csrf = (await town.get(f"{drive}.json"))["csrf"]
    async with town.browser.post(f"{town.living.url}{drive}/give-up", data={"csrf": csrf}, allow_redirects=False) as answer:
        assert answer.status == 303
    assert town.books(await town.payment(drive, "voided"))[0] == "voided"
    again = await town.start()
    await town.pay(again, CHALLENGED)
    await town.state(again, "ACCEPTED", "STARTED", "CHARGING")
    assert (await town.payment(again, "held")).held > 0


async def test_nobody_is_told_of_a_payment_that_another_browser_made(town: Town) -> None:
    drive = await town.start()
    async with aiohttp.ClientSession() as stranger, stranger.get(f"{town.living.url}{drive}/pay") as answer:
        assert answer.status == 404
    await town.pay(drive, GOOD)
    await town.state(drive, "ACCEPTED", "STARTED", "CHARGING")
