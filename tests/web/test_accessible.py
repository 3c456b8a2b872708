"""Every page holds WCAG 2.2 AA as far as a program can tell (axe), in light and dark, on a phone and on a desk.

`INTERPLUG_SCREENSHOTS` names a folder for a picture of each (`make screenshots`).
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from starlette.routing import Match, Route

from interplug.config import AccountSettings, AlertSettings, NoticeSettings, Payments
from interplug.web import signing
from interplug.web.console import Console
from interplug.web.door import Application
from interplug.web.driver.pages import Pages
from interplug.web.terminals import Terminals
from tests.drivers.played import World, open_world
from tests.nodes import close
from tests.web import walking
from tests.web.starting import number
from tests.web.test_terminals import open_street
from tests.web.visiting import Visit, scope

AXE = Path(__file__).parents[1] / "vendor/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = (390, 844), (1280, 900)
LOOKS = [("light", PHONE), ("dark", PHONE), ("light", DESK), ("dark", DESK)]
PAYERS: dict[str, Any] = {
    "payments": Payments(provider="test", webhook_secret="s"),
    "alerts": AlertSettings(smtp_host="mail.example", mail_from="charging@node.example"),
}
pytestmark = pytest.mark.browser


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await open_world(tmp_path, notices=NoticeSettings(contact="mailto:me@example.org"))
    await walking.listed(made)
    yield made
    await close(made.node)


async def looked_at(page: Page, app: Application, visit: Visit, walk: AsyncIterator[walking.Seen]) -> list[str]:
    """What axe found, in words."""
    walker = walking.Walker(page, app, visit)
    await walker.begin()
    await page.emulate_media(reduced_motion="reduce")
    found = []
    async for name, path, *answer in walk:
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await walker.open(path, *answer)
        await page.evaluate(AXE.read_text())
        for scheme, (width, height) in LOOKS:
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.set_viewport_size({"width": width, "height": height})
            await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            found += [f"{name}, {scheme}, {width}: {one}" for one in await violations(page)]
            await pictured(page, f"{name} {scheme} {width}")
    return found


NARROW = 320
"""Pixels to which pages have to reflow (WCAG 1.4.10)."""


@pytest.mark.parametrize("language", ["nl", "de"])
async def test_longer_words_fit_on_a_small_phone(page: Page, world: World, pages: Pages, visit: Visit, language: str) -> None:
    walker = walking.Walker(page, pages, visit)
    await walker.begin()
    visit.cookies["language"] = language
    await page.set_viewport_size({"width": NARROW, "height": 640})
    found = []
    async for name, path, *answer in walking.driver(world, pages, visit):
        await walker.open(path, *answer)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        found += [f"{name} is {wide} wide"] if wide > NARROW else []
        found += await page.evaluate(
            "[...document.querySelectorAll('.ways a')].filter(a => a.scrollWidth > a.clientWidth).map(a => a.innerText)"
        )
        await pictured(page, f"{language} {name} small")
    assert found == []


async def violations(page: Page) -> list[str]:
    result: dict[str, Any] = await page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], elementRef: false})", RULES
    )
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{one['id']}: {node['html'][:120]} {node['failureSummary']}" for one in result["violations"] for node in one["nodes"]]
    return [*told, f"is {wide} pixels wider than the screen"] if wide > 0 else told


async def pictured(page: Page, name: str) -> None:
    folder = os.environ.get("INTERPLUG_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{re.sub(r'[^a-z0-9]+', '-', name)}.png", full_page=True)


async def test_the_drivers_pages(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    assert await looked_at(page, pages, visit, walking.driver(world, pages, visit)) == []


async def test_a_station_with_all_that_it_may_tell_and_what_goes_wrong_there(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    assert await looked_at(page, pages, visit, walking.at_the_plug(world, visit)) == []


async def test_the_pages_of_who_pays(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await open_world(tmp_path, **PAYERS)
    await walking.listed(world)
    pages = Pages(world.node)
    visit = Visit(pages)
    assert await looked_at(page, pages, visit, walking.paying(world, pages, visit, monkeypatch)) == []
    await close(world.node)


async def test_the_operators_pages(page: Page, world: World) -> None:
    await signing.put(world.node, "Ann", "correct horse battery")
    console = Console(world.node)
    visit = Visit(console)
    assert await looked_at(page, console, visit, walking.console(world, visit)) == []


async def test_the_screens_of_a_terminal(page: Page, tmp_path: Path) -> None:
    street = await open_street(tmp_path)
    shown = Terminals(street.desk)
    visit = Visit(shown)
    assert await looked_at(page, shown, visit, walking.terminal(street, visit)) == []
    await street.close()


NO_PAGES = (
    *("*.json", "*.csv", "*.pdf", "*.xml", "*/live", "*/photos/*", "/worker.js", "/manifest.webmanifest"),
    *("/found", "/row/*"),  # parts of the list
    *("/s/*", "/start", "/link/*", "*/paid", "/account/with", "/account/with/*"),  # lead on to pages
)


async def test_every_page_is_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser: what the walks pass, and what is left over."""
    members: dict[str, Any] = {
        "alerts": AlertSettings(smtp_host="mail.example", mail_from="charging@node.example"),
        "accounts": AccountSettings(cards=True, oidc={"Example": "https://id.example"}, oidc_clients={"Example": "us"}),
    }
    passed = [
        await _passed(tmp_path / "1", {}, lambda world, pages, visit: walking.driver(world, pages, visit)),
        await _passed(tmp_path / "2", {}, lambda world, _, visit: walking.at_the_plug(world, visit)),
        await _passed(tmp_path / "3", members, lambda world, pages, visit: walking.account(world, pages, visit)),
        await _passed(tmp_path / "4", PAYERS, lambda world, pages, visit: walking.paying(world, pages, visit, monkeypatch)),
        await _passed(tmp_path / "5", {}, lambda world, _, visit: walking.console(world, visit), Console),
    ]
    every, seen = (set[str]().union(*found) for found in zip(*passed, strict=True))
    assert {path for path in every - seen if not any(fnmatch(path, pattern) for pattern in NO_PAGES)} == set()


async def _passed(
    folder: Path,
    settings: dict[str, Any],
    walk: Callable[[World, Any, Visit], AsyncIterator[walking.Seen]],
    surface: type[Pages] | type[Console] = Pages,
) -> tuple[set[str], set[str]]:
    """All pages that there are with these settings, and those that a walk passes."""
    folder.mkdir()
    world = await open_world(folder, **settings)
    await walking.listed(world)
    await signing.put(world.node, "Ann", "correct horse battery")
    pages = surface(world.node)
    routes = [route for route in pages.app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    seen = {route.path async for _, path, *_ in walk(world, pages, Visit(pages)) for route in routes if _leads(route, path)}
    await close(world.node)
    return {route.path for route in routes}, seen


def _leads(route: Route, path: str) -> bool:
    return route.matches(scope("GET", path))[0] is Match.FULL


COVERED = """(() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    if (one === document.body) return null;
    const x = box.left + box.width / 2, y = box.top + Math.min(box.height / 2, 20);
    const there = document.elementFromPoint(x, y);
    const seen = there !== null && (one.contains(there) || there.contains(one) || one.matches('.chip > input'));
    return [one.innerText || one.name || one.tagName, seen, box.height > 0];
})()"""


async def test_with_the_keyboard_one_sees_where_one_is(page: Page, world: World, pages: Pages, visit: Visit) -> None:
    """From the first to the last thing on a page, and none of them is hidden by the bars above and below (WCAG 2.4.11)."""
    walker = walking.Walker(page, pages, visit)
    await walker.begin()
    await page.set_viewport_size({"width": PHONE[0], "height": 500})
    for path in ("/", f"/stations/{await number(visit)}", "/drives", "/notices"):
        await walker.open(path)
        passed, hidden = [], []
        for _ in range(200):
            await page.keyboard.press("Tab")
            found = await page.evaluate(COVERED)
            if found is None:
                break
            passed.append(found[0])
            hidden += [] if found[1] else [found[0]]
        assert passed[0] == "Skip to content" and passed[-1].strip() == "Deutsch" and hidden == [], path
