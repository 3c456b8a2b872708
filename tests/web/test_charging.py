"""Charging with a real browser at a real station of another company, through what may come in between."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from interplug.config import Payments
from interplug.drivers.offers import read_offer
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unsent
from tests.web.living import Living, two_nodes
from tests.web.test_browser import SLOW, choose, listed

GOOD, NEVER_RAISED = "4242 4242 4242 4242", "4000 0000 0000 2000"


async def start(page: Page, living: Living) -> None:
    """From the front page to the button."""
    await listed(page, living)
    await choose(page)
    await page.get_by_role("button", name="Start charging").first.click()


async def pay(page: Page, card: str) -> None:
    await page.get_by_role("link", name="Pay by card").click()
    await page.get_by_label("Card number").fill(card)
    await page.get_by_role("button", name="Pay").click()


async def charges(page: Page) -> None:
    """The car charges, and energy has flowed."""
    await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_visible(timeout=SLOW)
    await expect(page.locator("dt:text-is('Energy') + dd")).not_to_have_text(re.compile(r"^0.00"), timeout=SLOW)


async def stop(page: Page) -> None:
    await page.get_by_role("button", name="Stop charging").click()
    await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=SLOW)


def own_price(price: str) -> dict[str, Any]:
    energy = {"type": "ENERGY", "price": Decimal(price), "vat": Decimal(0), "step_size": 1}
    return {"tariff": {"currency": "EUR", "tax_included": "NO", "elements": [{"price_components": [energy]}]}}


async def offered(node: Node, price: dict[str, Any]) -> None:
    """For every plug."""
    offer = read_offer({"id": "OURS", **price})
    await node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), node.clock() - 1))


async def nobody(request: Request) -> Response:
    raise Unsent("refused")


@pytest.mark.browser
@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
async def test_a_guest_pays_by_card_and_follows_the_charge_to_the_receipt(page: Page, tmp_path: Path, version: str) -> None:
    async with two_nodes(tmp_path, version, Payments(provider="test")) as living:
        await offered(living.emsp, {"fee": {"per_session": Decimal(1), "currency": "EUR", "vat": Decimal(21)}})
        await start(page, living)
        await pay(page, GOOD)
        await charges(page)
        await expect(page.get_by_text("of what is held is used")).to_be_visible()
        # The curve and its table come by themselves.
        await page.evaluate("window.untouched = true")
        await expect(page.get_by_text("The course as a table")).to_be_visible(timeout=SLOW)
        await expect(page.locator("#curve canvas")).to_be_visible(timeout=SLOW)
        await page.get_by_text("The course as a table").click()
        await expect(page.locator("#course tbody tr").nth(1)).to_be_visible()
        assert await page.evaluate("window.untouched")
        await stop(page)
        receipt = await page.locator(".receipt").inner_text()
        assert "bill is right for its tariff" in receipt and "Receipt as PDF" in receipt
        await expect(page.locator("#payment")).to_contain_text("Paid by card", timeout=SLOW)
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="Receipt as PDF").click()
        assert (await (await coming.value).path()).read_bytes().startswith(b"%PDF-")


@pytest.mark.browser
async def test_a_hold_that_is_too_small_warns_and_ends_the_charge(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0", Payments(provider="test", hold_least=4, hold_most=4)) as living:
        await offered(living.emsp, own_price("60"))
        await start(page, living)
        await pay(page, NEVER_RAISED)
        await expect(page.get_by_text("What is held is nearly used up")).to_be_visible(timeout=2 * SLOW)
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=2 * SLOW)
        await expect(page.locator("#payment")).to_contain_text("Paid by card", timeout=SLOW)
        [payment] = await living.emsp.store.read(lambda tx: tx.payments.newest(0, 5))
        assert payment.stopped_at and payment.kept <= payment.held == 4


@pytest.mark.browser
async def test_an_operator_that_goes_away_in_mid_session_and_comes_back(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.2.1") as living:
        await start(page, living)
        await charges(page)
        both = [(node, node.client.transport) for node in (living.cpo, living.emsp)]
        for node, _ in both:
            node.client.transport = nobody
        await page.get_by_role("button", name="Stop charging").click()
        await expect(page.get_by_text("could not be stopped from here")).to_be_visible(timeout=SLOW)
        await expect(page.get_by_text("pull the plug out")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"Quote [0-9A-F]{4}-[0-9A-F]{4}"))).to_be_visible()
        await expect(page.get_by_text("does not answer at the moment")).to_be_visible(timeout=SLOW)
        await expect(page.get_by_text(re.compile("The operator told this .* ago"))).to_be_visible()
        for node, transport in both:
            node.client.transport = transport
        await page.get_by_role("button", name="Try to stop again").click()
        await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=2 * SLOW)


@pytest.mark.browser
async def test_a_tab_that_was_closed_is_found_again(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.1.1") as living:
        await start(page, living)
        await charges(page)
        context = page.context
        await page.close()
        again = await context.new_page()
        await again.goto(living.url)
        await again.get_by_role("link", name="My charging").first.click()
        await again.get_by_role("main").get_by_role("listitem").get_by_role("link").first.click()
        await charges(again)
        await stop(again)


@pytest.mark.browser
@pytest.mark.parametrize("version", ["2.1.1", "2.3.0"])
async def test_a_plug_is_reserved_and_started_from_there(page: Page, tmp_path: Path, version: str) -> None:
    async with two_nodes(tmp_path, version) as living:
        await listed(page, living)
        await choose(page)
        plug = page.locator(".evses > li").first
        await plug.get_by_text("Reserve").first.click()
        await plug.get_by_role("button", name="15 min").first.click()
        await expect(page.get_by_role("heading", name="Reserved for you")).to_be_visible(timeout=SLOW)
        await expect(page.locator("[data-left]")).to_have_text(re.compile("14:5"), timeout=SLOW)
        await page.get_by_role("button", name="I am there").click()
        await charges(page)
        await stop(page)


@pytest.mark.browser
async def test_a_code_leads_to_a_plug_where_a_problem_is_reported(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living:
        await listed(page, living)
        await choose(page)
        name = await page.locator(".evses .id").nth(1).inner_text()
        await page.goto(f"{living.url}/s/{name}")
        await expect(page.locator("li:target")).to_contain_text(name)
        await page.locator("li:target").get_by_role("link", name="Report a problem here").click()
        await page.get_by_label("Cable or plug is broken or stuck").check()
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text(re.compile(r"Reference: [0-9A-F]{4}-[0-9A-F]{4}"))).to_be_visible()
        [problem] = await living.emsp.store.read(lambda tx: tx.problems.list())
        assert (problem.evse_id, problem.kind) == (name, "CABLE")


@pytest.mark.browser
async def test_an_estimate_is_worked_out_for_my_car(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living:
        await offered(living.emsp, own_price("0.50"))
        await listed(page, living)
        await choose(page)
        await page.get_by_text("Your car: 30 kWh").click()
        await page.get_by_label("Energy to charge (kWh)").fill("12")
        await page.get_by_role("button", name="Work out").click()
        await expect(page.get_by_text("About €6.00 for 12 kWh").first).to_be_visible()
        # Kept for the next station, and in what comes live.
        await page.get_by_role("link", name="All stations").click()
        await choose(page)
        await expect(page.get_by_text("About €6.00 for 12 kWh").first).to_be_visible()
