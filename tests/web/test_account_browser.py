"""A driver with an account in a real browser: by e-mail, with a passkey, and with a card at a real station of another company."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from playwright.async_api import Browser, CDPSession, Page, expect
from pypdf import PdfReader

from interplug.config import AccountSettings, AlertSettings, Payments, Server
from interplug.drivers import cards
from interplug.drivers.invoicing import monthly
from interplug.drivers.offers import read_offer
from interplug.stations.simulator.transaction import Token
from tests.drivers.played import RETAIL, UID
from tests.web.living import NO_PAYMENTS, Living, two_nodes
from tests.web.members import EMAIL, PASSWORD
from tests.web.test_accessible import pictured
from tests.web.test_browser import choose, listed

SLOW = 30_000
pytestmark = pytest.mark.browser


class Mailbox:
    """A mail server, and the only mailbox there."""

    def __init__(self) -> None:
        self.mails: asyncio.Queue[str] = asyncio.Queue()
        self.port = 0

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        self.mails.put_nowait(envelope.content.decode().replace("=\r\n", ""))
        return "250 taken"

    async def link(self) -> str:
        """That of the next letter."""
        async with asyncio.timeout(20):
            found = re.search(r"http://localhost\S+", await self.mails.get())
        assert found is not None
        return found[0]


@asynccontextmanager
async def living(folder: Path, payments: Payments = NO_PAYMENTS) -> AsyncIterator[tuple[Living, Mailbox]]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    mails = AlertSettings(smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none", mail_from="charging@node.example")
    sections = {"alerts": mails, "accounts": AccountSettings(cards=True), "server": Server(host="localhost", port=0)}
    try:
        async with two_nodes(folder, "2.2.1", payments, **sections) as found:
            yield found, box
    finally:
        server.close()
        await server.wait_closed()


async def made(page: Page, living: Living, box: Mailbox) -> None:
    await page.goto(f"{living.url}/account")
    await page.get_by_role("link", name="Make an account").click()
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_role("button", name="Send me the link").click()
    await expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    await page.goto(await box.link())
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Keep this password").click()
    await expect(page.get_by_role("heading", name="Account")).to_be_visible()


async def authenticator(page: Page) -> CDPSession:
    """A device that keeps passkeys, and whose holder it knows."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


async def test_from_a_letter_to_a_password_to_a_passkey_and_in_again(page: Page, tmp_path: Path) -> None:
    async with living(tmp_path) as (node, box):
        await authenticator(page)
        await made(page, node, box)
        await page.get_by_role("link", name="Sign-in and security").click()
        await page.get_by_label("Name of this device").fill("My phone")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.locator("strong", has_text="My phone")).to_be_visible()
        await pictured(page, "passkeys of a driver")
        await page.get_by_role("button", name="Sign out everywhere").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_text(EMAIL)).to_be_visible()
        await page.get_by_role("link", name="Sign-in and security").click()
        await page.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("None yet. A passkey")).to_be_visible()
        await page.get_by_role("button", name="Sign out everywhere").click()
        # The device has it still; here nobody knows it any more.
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.locator("#passkey-problem")).to_contain_text("could not be used")
        await page.get_by_label("E-mail address").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("heading", name="Account")).to_be_visible()


async def test_an_account_with_a_passkey_and_nothing_else(page: Page, tmp_path: Path) -> None:
    async with living(tmp_path) as (node, _box):
        await authenticator(page)
        await page.goto(f"{node.url}/account/new")
        await pictured(page, "an account with a passkey")
        await page.get_by_role("button", name="With a passkey").click()
        await expect(page.get_by_role("heading", name="Sign-in and security")).to_be_visible()
        await page.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("This is the last way into your account")).to_be_visible()


async def test_a_device_that_is_not_sure_who_holds_it_makes_no_passkey(page: Page, tmp_path: Path) -> None:
    async with living(tmp_path) as (node, _box):
        session = await authenticator(page)
        await page.goto(f"{node.url}/account/new")
        [found] = [one async for one in _authenticators(session)]
        await session.send("WebAuthn.setUserVerified", {"authenticatorId": found, "isUserVerified": False})
        await page.get_by_role("button", name="With a passkey").click()
        await expect(page.get_by_role("button", name="With a passkey")).to_be_enabled(timeout=SLOW)
        assert page.url.endswith("/account/new")


async def _authenticators(session: CDPSession) -> AsyncIterator[str]:
    options = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": False}
    yield (await session.send("WebAuthn.addVirtualAuthenticator", {"options": options}))["authenticatorId"]


async def test_what_is_charged_with_a_card_at_a_station_appears_by_itself(page: Page, browser: Browser, tmp_path: Path) -> None:
    async with living(tmp_path) as (node, box):
        await made(page, node, box)
        await page.get_by_role("link", name="Cards").click()
        await page.get_by_label("Name of the card").fill("The blue car")
        await page.get_by_label("Where it goes").fill("Ann Example\nStreet 1\n10115 Berlin")
        await page.get_by_role("button", name="Order", exact=True).click()
        await expect(page.get_by_text("Ordered", exact=True)).to_be_visible()
        (ordered,) = await node.emsp.store.read(lambda tx: tx.cards.orders_in("ordered", 9))
        await cards.sent(node.emsp, ordered.id, UID)
        await page.goto(f"{node.url}/drives")
        await expect(page.get_by_text("You have not charged yet")).to_be_visible()
        await page.evaluate("window.untouched = true")
        flat = {"type": "FLAT", "price": 1, "vat": 21, "step_size": 1}  # a short charge comes to something, too
        offer = read_offer({"id": "OURS", "tariff": {**RETAIL, "elements": [{"price_components": [flat]}]}})
        await node.emsp.store.write(lambda tx: tx.offers.put("OURS", offer.document(), 0))
        station = node.crowd.stations[0]
        station.plug_in(1)
        station.tap(1, Token(UID))
        await expect(page.locator("main li", has_text="The blue car")).to_be_visible(timeout=SLOW)
        assert await page.evaluate("window.untouched")
        await page.locator("main li a").first.click()
        await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=SLOW)
        await expect(page.locator("dt:text-is('Energy') + dd")).not_to_have_text("0.00 kWh", timeout=SLOW)
        await page.get_by_role("button", name="Stop charging").click()
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)
        assert "€" in await page.locator(".receipt").inner_text()
        # At the end of the month it stands on an invoice.
        position = 0
        while not (invoices := await monthly(node.emsp, node.emsp.clock() + 1)):
            position = await node.emsp.store.changed(position, 1.0)
        (issued,) = invoices
        await page.goto(f"{node.url}/account")
        await page.get_by_role("link", name="Invoices").click()
        await page.get_by_role("link", name=f"Invoice {issued.number}").click()
        await expect(page.get_by_text("Not paid yet")).to_be_visible()
        await expect(page.get_by_role("heading", name="How it is paid")).to_be_visible()
        async with page.expect_download() as printed:
            await page.get_by_role("link", name="Invoice as PDF").click()
        assert issued.number in PdfReader(await (await printed.value).path()).pages[0].extract_text()
        # Blocked, it is refused at the next station.
        await page.goto(f"{node.url}/account/cards")
        await page.get_by_role("button", name="Block").click()
        await expect(page.get_by_text("Blocked", exact=True)).to_be_visible()
        let_in: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        other = node.crowd.stations[1]
        other.plug_in(1)
        other.tap(1, Token(UID), let_in.set_result)
        async with asyncio.timeout(20):
            assert await let_in is False


async def at_the_plug(page: Page, node: Living) -> None:
    await listed(page, node)
    await choose(page)


async def paid_with(page: Page, card: str, *, remember: bool) -> None:
    """On the provider's own page."""
    await page.get_by_label("Card number").fill(card)
    await page.get_by_label("Remember this card").set_checked(remember)
    await page.get_by_role("button", name="Pay").click()


async def stopped(page: Page) -> None:
    """The charge goes on for a moment, ends, and is billed."""
    await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=SLOW)
    await page.get_by_role("button", name="Stop charging").click()
    await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)


async def test_a_bank_card_is_remembered_used_with_one_tap_and_removed(page: Page, tmp_path: Path) -> None:
    async with living(tmp_path, Payments(provider="test")) as (node, box):
        await made(page, node, box)
        await at_the_plug(page, node)
        await page.get_by_role("button", name="Start charging").first.click()
        await page.get_by_role("link", name="Pay by card").click()
        await paid_with(page, "4242 4242 4242 4242", remember=True)
        await stopped(page)
        await page.goto(f"{node.url}/account/payment")
        await expect(page.get_by_text("Visa •••• 4242", exact=True)).to_be_visible()
        await at_the_plug(page, node)
        await expect(page.get_by_label("Pay with").first).to_contain_text("Visa •••• 4242")
        await page.get_by_role("button", name="Start charging").first.click()
        # Nothing is entered: held, and begun.
        await expect(page.locator("#payment")).to_contain_text("held on your card", timeout=SLOW)
        await stopped(page)
        await page.goto(f"{node.url}/account/payment")
        await page.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("None yet. When you pay by card")).to_be_visible()
        await at_the_plug(page, node)
        await expect(page.get_by_label("Pay with")).to_have_count(0)


async def test_a_saved_card_that_is_declined_and_one_whose_bank_wants_a_proof(page: Page, tmp_path: Path) -> None:
    async with living(tmp_path, Payments(provider="test")) as (node, box):
        await made(page, node, box)
        await at_the_plug(page, node)
        await page.get_by_role("button", name="Start charging").first.click()
        await page.get_by_role("link", name="Pay by card").click()
        await paid_with(page, "4000 0000 0000 0341", remember=True)
        await stopped(page)
        await at_the_plug(page, node)
        await page.get_by_role("button", name="Start charging").first.click()
        await expect(page.get_by_text("The card is declined. Nothing is held yet")).to_be_visible()
        await page.get_by_role("link", name="Pay by card").click()
        await expect(page.get_by_text("The card is declined.")).to_be_visible()
        await paid_with(page, "4000 0025 0000 3155", remember=True)
        await page.get_by_role("button", name="Yes, it is me").click()
        await stopped(page)
        await at_the_plug(page, node)
        await page.get_by_label("Pay with").first.select_option(label="Visa •••• 3155")
        await page.get_by_role("button", name="Start charging").first.click()
        await expect(page.get_by_text("Your bank wants to make sure")).to_be_visible()
        await page.get_by_role("link", name="Confirm with your bank").click()
        await page.get_by_role("button", name="Yes, it is me").click()
        await stopped(page)
        await expect(page.locator("#payment")).to_contain_text("€")
