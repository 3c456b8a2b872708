"""A driver with a real browser: from the list to the receipt, at a real station of another company."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from pypdf import PdfReader

from interplug.config import Payments
from interplug.modules import assigning
from interplug.modules.node import Node
from interplug.modules.payments import invoice_base_url
from interplug.partners.presentation import root
from interplug.web import signing
from tests.web.living import Living, operator, two_nodes, two_sides_of_a_terminal

SLOW = 30_000
"""Milliseconds; the machine may be busy. Nothing here waits longer than it has to."""


async def choose(page: Page) -> None:
    """From the front page to a station with a free charge point."""
    await expect(rows(page).first).to_be_visible(timeout=SLOW)
    await page.get_by_text("Filters").click()
    await page.get_by_label("Power").select_option(label="22 kW or more")
    await page.get_by_label("Free now").check()
    await page.get_by_role("button", name="Search").click()
    await rows(page).first.click()
    await expect(page.get_by_text("Free", exact=True).first).to_be_visible()


def rows(page: Page) -> Locator:
    return page.get_by_role("listitem").get_by_role("link")


async def listed(page: Page, living: Living) -> None:
    """The front page, as soon as the eMSP has pulled the stations."""
    position = 0
    while not (await living.emsp.store.read(lambda tx: tx.finding.plugs())):
        position = await living.emsp.store.changed(position, 1.0)
    await page.goto(living.url)


@pytest.mark.browser
@pytest.mark.parametrize("version", ["2.1.1", "2.3.0"])
async def test_from_the_list_to_the_receipt(page: Page, tmp_path: Path, version: str) -> None:
    async with two_nodes(tmp_path, version) as living:
        await listed(page, living)
        await choose(page)
        assert "per kWh" in await page.locator("main").inner_text()
        await page.get_by_role("button", name="Start charging").first.click()
        await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=SLOW)
        # The figures move by themselves: nothing is reloaded.
        await page.evaluate("window.untouched = true")
        await expect(page.locator("#figures")).to_contain_text("kW")
        energy = page.locator("dt:text-is('Energy') + dd")
        await expect(energy).not_to_have_text("0.00 kWh", timeout=SLOW)
        assert await page.evaluate("window.untouched")
        await page.get_by_role("button", name="Stop charging").click()
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)
        receipt = await page.locator(".receipt").inner_text()
        assert "bill is right for its tariff" in receipt and "Energy" in receipt and "€" in receipt
        assert "another price" not in receipt and "Price at the start" in receipt
        await page.get_by_role("link", name="My charging").first.click()
        await expect(page.get_by_text("Finished and billed")).to_be_visible()


@pytest.mark.browser
async def test_a_card_that_is_declined_a_proof_and_a_hold(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0", Payments(provider="test")) as living:
        await listed(page, living)
        await choose(page)
        await expect(page.get_by_text("will be held on your card before the start").first).to_be_visible()
        await page.get_by_role("button", name="Start charging").first.click()
        await expect(page.get_by_role("heading", name="Payment first")).to_be_visible()
        await page.get_by_role("link", name="Pay by card").click()
        await page.get_by_label("Card number").fill("4000 0000 0000 0002")
        await page.get_by_role("button", name="Pay").click()
        await expect(page.get_by_text("The card is declined.")).to_be_visible()
        await page.get_by_label("Card number").fill("4000 0025 0000 3155")
        await page.get_by_role("button", name="Pay").click()
        await page.get_by_role("button", name="Yes, it is me").click()
        await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=SLOW)
        await expect(page.locator("#payment")).to_contain_text("held on your card")
        await expect(page.locator("dt:text-is('Energy') + dd")).not_to_have_text("0.00 kWh", timeout=SLOW)
        await page.get_by_role("button", name="Stop charging").click()
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)
        await page.reload()
        await expect(page.locator("#payment")).to_be_visible()


@pytest.mark.browser
async def test_a_page_that_is_not_live_any_more_says_so(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.2.1") as living:
        await listed(page, living)
        await choose(page)
        await page.context.set_offline(True)
        living.pages.end()
        await expect(page.get_by_text("Not live at the moment")).to_be_visible(timeout=SLOW)


@pytest.mark.browser
async def test_without_scripts_everything_works_by_reloading(browser: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.2.1") as living:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await listed(page, living)
        await choose(page)
        await page.get_by_role("button", name="Start charging").first.click()
        await expect(page.get_by_role("button", name="Stop charging")).to_be_visible(timeout=SLOW)
        await page.get_by_role("button", name="Stop charging").click()
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)
        await context.close()


@pytest.mark.browser
async def test_the_keyboard_is_enough(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living:
        await listed(page, living)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to content"
        await rows(page).first.focus()
        await page.keyboard.press("Enter")
        button = page.get_by_role("button", name="Start charging").first
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/drives/[0-9a-f]+$"), timeout=SLOW)


@pytest.mark.browser
async def test_an_operator_sees_a_fault_come_and_go(page: Page, tmp_path: Path) -> None:
    async with operator(tmp_path) as (node, crowd, station):
        await signing.put(node, "ann", "correct horse battery")
        await page.goto(f"{root(node.settings)}/console")
        await page.get_by_label("Name").fill("ann")
        await page.get_by_label("Password").fill("correct horse battery")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("Nothing is wrong")).to_be_visible(timeout=SLOW)
        crowd.fault(station, "GroundFailure", 1, vendor_code="E-104")
        await expect(page.get_by_text("Current leaks to earth")).to_be_visible(timeout=SLOW)
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_text("ann looks after it.")).to_be_visible(timeout=SLOW)
        crowd.clear(station, 1)
        await expect(page.get_by_role("heading", name="Over")).to_be_visible(timeout=SLOW)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=SLOW)


@pytest.mark.browser
async def test_a_card_at_a_terminal_from_the_tap_to_the_receipt(page: Page, tmp_path: Path) -> None:
    async with two_sides_of_a_terminal(tmp_path) as (cpo, ptp):
        reference = await shipped(cpo, ptp)
        await page.goto(f"{root(ptp.settings)}/terminals")
        await page.get_by_role("link", name=reference).click()
        await page.get_by_role("radio").and_(page.locator(":enabled")).first.check()
        await page.get_by_label("Card of the test provider").select_option("4000000000000002")
        await page.get_by_role("button", name="Hold the card to the reader").click()
        await expect(page.get_by_text("The card is declined.")).to_be_visible(timeout=SLOW)
        await page.get_by_role("link", name="Terminal").click()
        await page.get_by_role("radio").and_(page.locator(":enabled")).first.check()
        await page.get_by_role("button", name="Hold the card to the reader").click()
        await expect(page.get_by_role("heading", name="Charging.")).to_be_visible(timeout=SLOW)
        await expect(page.locator("#paid")).to_contain_text("€40.00 held on the card")
        await expect(page.locator("dt:text-is('Energy') + dd")).not_to_have_text("0.00 kWh", timeout=SLOW)
        await page.get_by_role("button", name="Hold the same card to the reader again").click()
        # By itself: the bill, the capture, and where the operator's invoice stands.
        await expect(page.locator("#paid")).to_contain_text("paid by card", timeout=SLOW)
        paid = re.findall("€[0-9.]+", await page.locator("#paid").inner_text())[0]
        await page.get_by_role("link", name="Receipt").click()
        await expect(page.get_by_role("heading", name="Invoice")).to_be_visible(timeout=SLOW)
        assert page.url.startswith(f"{root(cpo.settings)}/invoices/")
        await expect(page.get_by_text("Card: **** **** **** 4242")).to_be_visible()
        await expect(page.locator("tfoot")).to_contain_text(paid)
        await expect(page.get_by_text(f"Paid. {paid} by card.")).to_be_visible()
        async with page.expect_download() as printed:
            await page.evaluate("const one = document.querySelector('a[href$=\".pdf\"]'); one.download = ''; one.click()")
        file = await (await printed.value).path()
        assert "Invoice" in PdfReader(file).pages[0].extract_text()


async def shipped(cpo: Node, ptp: Node) -> str:
    """A terminal that the operator has activated at its first station, and writes the invoices for; its reference."""
    (provider,) = cpo.directory.all(registered=True)
    position = 0
    while True:
        places, _ = await ptp.store.read(lambda tx: tx.objects.batch("locations", 0, 10))
        if any(evse["status"] == "AVAILABLE" for place in places for evse in place.document["evses"]):
            break
        position = await ptp.store.changed(position, 1.0)
    billing = {"invoice_creator": "CPO", "invoice_base_url": invoice_base_url(cpo, provider)}
    await assigning.activate(cpo, provider, {"reference": "SN-1", "location_ids": [places[0].key.id], **billing})
    return "SN-1"
