"""The map in a real browser, which draws it: clusters, a station that is picked, a search, filters, near me, the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from interplug.config import Map
from interplug.model.types import encode_json
from tests.conftest import CHROMIUM_FLAGS
from tests.web.living import Living, two_nodes
from tests.web.test_accessible import in_all_looks
from tests.web.test_browser import SLOW, listed, rows
from tests.web.tiled import DEEPEST, archive, drawn, elsewhere, tile

DRAWING = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
"""WebGL without a graphics card."""
LAND, VIOLET = "f7f8f3", "5f3dc4"
"""What we draw land with, and what somebody else does."""
UTRECHT = {"latitude": 52.0907, "longitude": 5.1214}


@pytest.fixture
async def drawing(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        flags = [flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"] + DRAWING
        started = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield started
        await started.close()


@asynccontextmanager
async def shown(drawing: Browser, living: Living, width: int = 390) -> AsyncIterator[Page]:
    context = await drawing.new_context(
        viewport={"width": width, "height": 844},
        locale="en-GB",
        geolocation=UTRECHT,
        permissions=["geolocation"],
        color_scheme="light",
        ignore_https_errors=True,
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await listed(page, living)
    await expect(page.locator("#map[data-ready]")).to_be_visible(timeout=SLOW)
    yield page
    await context.close()
    assert errors == []


@pytest.mark.browser
async def test_a_station_is_picked_on_the_map_after_a_search(drawing: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living, shown(drawing, living) as page:
        canvas = page.locator("#map canvas")
        await expect(page.locator("#map")).to_have_attribute("data-points", "3")
        name = await rows(page).first.inner_text()
        await page.get_by_label("Place, street, operator or number").fill(name)
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator("#map")).to_have_attribute("data-points", "1", timeout=SLOW)
        await expect(page.locator("#found")).to_contain_text("One station")
        assert re.search(r"\?text=", page.url)
        await page.wait_for_function("document.querySelector('#map[data-ready]')")
        box = await canvas.bounding_box()
        assert box is not None
        await canvas.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})  # what was found is in the middle
        await expect(canvas).to_have_css("cursor", "pointer", timeout=SLOW)
        await canvas.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        await expect(page.locator("#picked")).to_contain_text(name, timeout=SLOW)
        assert await in_all_looks(page, "map with a station that is picked") == []
        await page.locator("#picked").get_by_role("link").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def zoomed_out(page: Page) -> None:
    """With the keyboard, until there are clusters."""
    await page.locator("#map canvas").focus()
    view = page.locator("#map")
    while await view.get_attribute("data-clusters") == "0":
        zoom = await view.get_attribute("data-zoom") or ""
        await page.keyboard.press("Minus")
        await expect(view).not_to_have_attribute("data-zoom", zoom, timeout=SLOW)
    await expect(view).to_have_attribute("data-points", "0")


@pytest.mark.browser
async def test_clusters_are_for_everybody(drawing: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living, shown(drawing, living) as page:
        await zoomed_out(page)
        assert await in_all_looks(page, "map with clusters") == []


@pytest.mark.browser
async def test_zoomed_out_there_are_clusters_and_the_keyboard_is_enough(drawing: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living, shown(drawing, living, width=1280) as page:
        await zoomed_out(page)
        await page.get_by_label("Place, street, operator or number").focus()
        await page.keyboard.type("utrecht")
        await page.keyboard.press("Enter")
        await expect(page.locator("#found")).to_contain_text("3 stations")
        await page.keyboard.press("Tab")  # past the button, to Near me
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#found")).to_contain_text("the nearest first", timeout=SLOW)
        await rows(page).first.focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/stations/[0-9]+$"), timeout=SLOW)


@pytest.mark.browser
async def test_filters_narrow_list_and_map_together(drawing: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living, shown(drawing, living) as page:
        await page.get_by_text("Filters").click()
        await page.get_by_label("Power").select_option(label="150 kW or more")
        strong = await page.locator("#map").get_attribute("data-points")
        await expect(page).to_have_url(re.compile("watts=150000"), timeout=SLOW)
        await page.locator("[name=operator]").select_option(label="Voltstroom")
        await expect(page).to_have_url(re.compile("operator=Voltstroom"), timeout=SLOW)
        await page.get_by_label("Power").select_option(label="any")
        await expect(page.locator("#map")).to_have_attribute("data-points", "3", timeout=SLOW)
        await expect(page.locator("#found")).to_contain_text("3 stations")
        assert strong is not None


@pytest.mark.browser
async def test_what_is_near_comes_with_its_distance(drawing: Browser, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.3.0") as living, shown(drawing, living) as page:
        await page.get_by_role("button", name="Near me").click()
        await expect(page.locator(".away").first).to_have_text(re.compile(r"\d (m|km)"), timeout=SLOW)
        await expect(page).to_have_url(re.compile("near=52.09070"))


@pytest.mark.browser
async def test_what_lies_behind_the_stations_is_a_pmtiles_file_of_ones_own(drawing: Browser, tmp_path: Path) -> None:
    """Water where nothing is drawn; land is in the file alone, down to a zoom far above that of the page."""
    behind = Map(pmtiles=str(archive(tmp_path / "world.pmtiles")), attribution="© Somebody")
    async with two_nodes(tmp_path, "2.3.0", map=behind) as living, shown(drawing, living) as page:
        await drawn(page, LAND)
        assert float(await page.locator("#map").get_attribute("data-zoom") or 0) > DEEPEST
        await expect(page.locator("#map")).to_have_attribute("data-points", "3")
        await expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("© Somebody")


@pytest.mark.browser
async def test_a_style_from_elsewhere_is_drawn_with_the_tiles_that_were_named_and_no_others(drawing: Browser, tmp_path: Path) -> None:
    async with elsewhere(tmp_path, 3) as (styles, tiles, strangers):
        sources = {
            name: {"type": "vector", "tiles": [f"{one.url}/{{z}}/{{x}}/{{y}}"], "maxzoom": DEEPEST}
            for name, one in (("land", tiles), ("more", strangers))
        }
        layers = [
            {"id": "land", "type": "fill", "source": "land", "source-layer": "earth", "paint": {"fill-color": f"#{VIOLET}"}},
            {"id": "more", "type": "fill", "source": "more", "source-layer": "earth", "paint": {"fill-color": "#ffffff"}},
        ]
        glyphs = f"{styles.url}/fonts/{{fontstack}}/{{range}}.pbf"
        styles.has["/style.json"] = encode_json({"version": 8, "glyphs": glyphs, "sources": sources, "layers": layers})
        tiles.has["/"] = strangers.has["/"] = tile("earth")
        behind = Map(style_url=f"{styles.url}/style.json", hosts=[tiles.url], attribution="© Elsewhere")
        async with two_nodes(tmp_path, "2.3.0", map=behind) as living, shown(drawing, living) as page:
            await drawn(page, VIOLET)
            await expect(page.locator("#map")).to_have_attribute("data-points", "3")
            await expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("© Elsewhere")
        assert tiles.asked and styles.asked[0] == "/style.json"
        assert strangers.asked == [], "the page may load from nowhere else"


@pytest.mark.browser
async def test_a_browser_that_cannot_draw_has_the_whole_list(page: Page, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, "2.2.1") as living:
        await page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        await listed(page, living)
        await expect(rows(page)).to_have_count(3)
        await expect(page.locator("#map")).to_be_hidden()
        await page.get_by_label("Free now").check()
        await expect(page).to_have_url(re.compile("free=1"), timeout=SLOW)
        await expect(rows(page).first).to_be_visible()
