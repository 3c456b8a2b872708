"""The app on the home screen: what a browser needs to install it, and what it shows where nobody answers."""

from __future__ import annotations

import asyncio
import json
import re
import struct

import pytest
from playwright.async_api import Page, expect

from interplug.web.driver import installing
from interplug.web.driver.pages import Pages
from interplug.web.rendering import EDITION, STATIC
from tests.drivers.played import World, session
from tests.drivers.test_reserving import station
from tests.web.serving import lend, served
from tests.web.starting import begun, number
from tests.web.visiting import Visit


async def until(page: Page, condition: str) -> None:
    await page.evaluate(f"(async () => {{ while (!({condition})) await new Promise(done => setTimeout(done, 50)); }})()")


CONTROLLED = "navigator.serviceWorker.controller"


@pytest.mark.browser
async def test_a_browser_can_install_it(page: Page, pages: Pages) -> None:
    async with served(pages) as there:
        await page.goto(there.url)
        await until(page, CONTROLLED)
        devtools = await page.context.new_cdp_session(page)
        manifest = await devtools.send("Page.getAppManifest")
        assert manifest["errors"] == [] and json.loads(manifest["data"])["display"] == "standalone"
        found = (await devtools.send("Page.getInstallabilityErrors"))["installabilityErrors"]
        # Playwright's pages are those of a private window, where nothing is ever installed.
        assert [one["errorId"] for one in found if one["errorId"] != "in-incognito"] == []


@pytest.mark.browser
async def test_the_last_drive_can_be_read_where_nobody_answers(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive, kwh=7.25))
    async with served(pages) as there:
        await lend(visit, page.context, there.url)
        await page.goto(there.url)
        await until(page, CONTROLLED)
        await page.goto(there.url + url)
        await expect(page.get_by_role("button", name="Stop charging")).to_be_visible()
        await there.end()
        await page.goto(there.url + "/drives")
        await expect(page.get_by_text("7.25 kWh")).to_be_visible()
        await expect(page.get_by_text("Not live at the moment: what you see was true")).to_be_visible(timeout=20_000)
        await expect(page.get_by_role("button", name="Stop charging")).to_be_hidden()
        await page.goto(there.url + "/stations/1")
        await expect(page.get_by_role("heading", name="No connection")).to_be_visible()
        assert await page.evaluate("caches.open('drive').then(one => one.keys()).then(all => all.length)") == 1


@pytest.mark.browser
async def test_what_is_kept_of_a_drive_goes_when_it_is_no_longer_the_visitors(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    url, *_ = await begun(visit, world)
    async with served(pages) as there:
        await lend(visit, page.context, there.url)
        await page.goto(there.url)
        await until(page, CONTROLLED)
        await page.goto(there.url + url)
        await until(page, "(await caches.keys()).includes('drive')")
        await page.context.clear_cookies()
        await page.goto(there.url + url)
        await until(page, "!(await caches.keys()).includes('drive')")


@pytest.mark.browser
async def test_a_page_that_nobody_looks_at_lets_its_stream_go(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    """A browser has six connections to one place; the page on which a charge is stopped may be the seventh."""

    async def hidden(yes: bool) -> None:
        await page.evaluate(f"Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {str(yes).lower()} }})")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    async def streams(count: int) -> None:
        while len(pages.surface.streams._watches) != count:
            await asyncio.sleep(0.02)

    await station(world)
    async with served(pages) as there:
        await page.goto(f"{there.url}/stations/{await number(visit)}")
        await streams(1)
        await hidden(True)
        await streams(0)
        await station(world, "OUTOFORDER")
        await hidden(False)
        await expect(page.get_by_text("Out of order").first).to_be_visible()
        await streams(1)


@pytest.mark.browser
async def test_a_release_brings_its_own_files(page: Page, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(pages) as there:
        with monkeypatch.context() as before:
            before.setattr(installing, "EDITION", "older")
            await page.goto(there.url)
            await until(page, CONTROLLED)
            await until(page, "(await caches.keys()).join() === 'files-older'")
        await page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update())")
        await until(page, f"(await caches.keys()).join() === 'files-{EDITION}'")


async def test_all_that_a_drive_is_shown_with_is_kept(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive, kwh=7.25))
    named = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', (await visit.get(url)).text))
    worker = (await visit.get("/worker.js")).text
    assert len(named) > 8 and [one for one in named if one not in worker] == []


async def test_a_page_that_is_kept_is_the_page_of_a_drive_only(visit: Visit) -> None:
    worker = await visit.get("/worker.js")
    assert worker.header("content-type").startswith("text/javascript") and worker.header("cache-control") == "no-store"
    assert EDITION in worker.text and "respondWith" in worker.text
    named = [one["src"] for one in (await visit.get("/manifest.webmanifest")).json["icons"]]
    assert all([(await visit.get(url)).status == 200 for url in named])


@pytest.mark.parametrize(("name", "size"), [("icon-180", 180), ("icon-192", 192), ("icon-512", 512), ("icon-full-512", 512)])
def test_the_pictures_have_their_sizes(name: str, size: int) -> None:
    assert struct.unpack(">II", (STATIC / f"{name}.png").read_bytes()[16:24]) == (size, size)
