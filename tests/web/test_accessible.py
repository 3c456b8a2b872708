"""Every page holds WCAG 2.2 AA as far as a program can tell (axe), in light and dark, on a phone and on a desk, in every language.

`INTERPLUG_SCREENSHOTS` names a folder for a picture of each (`make screenshots`).
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.routing import Match, Route

from interplug.config import AccountSettings, AlertSettings, NoticeSettings, Payments
from interplug.web import signing
from interplug.web.console import Console
from interplug.web.door import Application
from interplug.web.driver.pages import Pages
from interplug.web.rendering import HERE, TEMPLATES
from tests.drivers.played import World, open_world
from tests.nodes import close
from tests.web import walking
from tests.web.starting import number
from tests.web.test_terminals import open_street
from tests.web.visiting import Visit, scope

AXE = Path(__file__).parents[1] / "vendor/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK, NARROW, SHEET = (390, 844), (1280, 900), (320, 640), (794, 1123)
"""The narrowest is that to which pages have to reflow (WCAG 1.4.10)."""
Look = tuple[str, tuple[int, int], str]
LOOKS: dict[str, list[Look]] = {
    "en": [("light", PHONE, "screen"), ("dark", PHONE, "screen"), ("light", DESK, "screen"), ("dark", DESK, "screen")],
    "nl": [("light", NARROW, "screen")],
    "de": [("dark", NARROW, "screen")],
}
PRINTED = ("receipt", "invoice")
"""What people print."""
in_every_language = pytest.mark.parametrize("language", LOOKS)
pytestmark = pytest.mark.browser
MAILS = AlertSettings(smtp_host="mail.example", mail_from="charging@node.example")
PAYERS: dict[str, Any] = {"payments": Payments(provider="test", webhook_secret="s"), "alerts": MAILS}
SERVICE = {"oidc": {"Example": "https://id.example"}, "oidc_clients": {"Example": "us"}}
Walk = Callable[[World, Any, Visit], AsyncIterator[walking.Seen]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await open_world(tmp_path, notices=NoticeSettings(contact="mailto:me@example.org"))
    await walking.listed(made)
    yield made
    await close(made.node)


async def looked_at(page: Page, app: Application, visit: Visit, walk: AsyncIterator[walking.Seen], language: str) -> list[str]:
    """What axe found, in words."""
    walker = walking.Walker(page, app, visit)
    await walker.begin()
    visit.cookies["language"] = language
    found = []
    async for name, path, *answer in walk:
        looks = LOOKS[language]
        await _turned(page, looks[0])
        await walker.open(path, *answer)
        printed = language == "en" and any(word in name for word in PRINTED)
        found += await in_all_looks(page, f"{language} {name}", [*looks, *([("light", SHEET, "print")] if printed else [])])
    return found


async def in_all_looks(page: Page, name: str, looks: Sequence[Look] = LOOKS["en"]) -> list[str]:
    """What axe finds on the page that is open."""
    found = []
    await page.emulate_media(reduced_motion="reduce")  # else a colour is looked at on its way to another one
    await page.evaluate(AXE.read_text())
    for look in looks:
        await _turned(page, look)
        seen = f"{name} {look[0]} {look[1][0]}{' print' * (look[2] == 'print')}"
        found += [f"{seen}: {one}" for one in await violations(page)]
        await pictured(page, seen)
    return found


async def _turned(page: Page, look: Look) -> None:
    scheme, (width, height), media = look
    await page.emulate_media(color_scheme=scheme, media=media)  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


BESIDE = """[...document.querySelectorAll('.ways a, button, .button')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
    .map(one => `does not fit: ${one.innerText}`)"""
"""Words that stand over the edge of what they are in."""


async def violations(page: Page) -> list[str]:
    result: dict[str, Any] = await page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], elementRef: false})", RULES
    )
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{one['id']}: {node['html'][:120]} {node['failureSummary']}" for one in result["violations"] for node in one["nodes"]]
    told += await page.evaluate(BESIDE)
    return [*told, f"is {wide} pixels wider than the screen"] if wide > 0 else told


async def pictured(page: Page, name: str) -> None:
    folder = os.environ.get("INTERPLUG_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{re.sub(r'[^a-z0-9]+', '-', name)}.png", full_page=True)


@in_every_language
async def test_the_drivers_pages(page: Page, world: World, pages: Pages, visit: Visit, language: str) -> None:
    assert await looked_at(page, pages, visit, walking.driver(world, pages, visit), language) == []


@in_every_language
async def test_a_station_with_all_that_it_may_tell_and_what_goes_wrong_there(
    page: Page, world: World, pages: Pages, visit: Visit, language: str
) -> None:
    assert await looked_at(page, pages, visit, walking.at_the_plug(world, visit), language) == []


@in_every_language
async def test_the_pages_of_an_account(page: Page, tmp_path: Path, language: str) -> None:
    world = await open_world(tmp_path, alerts=MAILS, accounts=AccountSettings(cards=True, **SERVICE))
    await walking.listed(world)
    pages = Pages(world.node)
    visit = Visit(pages)
    assert await looked_at(page, pages, visit, walking.account(world, pages, visit), language) == []
    await close(world.node)


@in_every_language
async def test_the_pages_of_who_pays(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    world = await open_world(tmp_path, **PAYERS)
    await walking.listed(world)
    pages = Pages(world.node)
    visit = Visit(pages)
    assert await looked_at(page, pages, visit, walking.paying(world, pages, visit, monkeypatch), language) == []
    await close(world.node)


@in_every_language
async def test_the_operators_pages(page: Page, world: World, language: str) -> None:
    await signing.put(world.node, "Ann", "correct horse battery")
    console = Console(world.node)
    visit = Visit(console)
    assert await looked_at(page, console, visit, walking.console(world, visit), language) == []


@in_every_language
async def test_the_screens_of_a_terminal_and_its_invoice(page: Page, tmp_path: Path, language: str) -> None:
    street = await open_street(tmp_path)
    both = walking.Both(street)
    visit = Visit(both)
    assert await looked_at(page, both, visit, walking.terminal(street, visit), language) == []
    await street.close()


# --- nothing is left out

NO_PAGES = (
    *("*.json", "*.csv", "*.pdf", "*.xml", "*.mvt", "*/live", "/live", "*/photos/*", "/worker.js", "/manifest.webmanifest", "/static/*"),
    *("/found", "/row/*"),  # parts of the list
    *("/s/*", "/start", "/link/*", "*/paid", "/account/with", "/account/with/*"),  # lead on to pages
)
LEAD_ON = (
    *("/language", "*/language", "/notices", "/stations/*/favourite", "/stations/*/watch", "/account/payment/*"),
    *("/drives/{id}/again", "/drives/{id}/stop", "/drives/{id}/give-up", "/reservations", "/reservations/{id}/*"),
    *("/account/sign-out", "/account/password", "/account/address/*", "/account/cards", "/account/cards/*", "/account/orders/*"),
    *("/account/connect/*", "/account/disconnect/*", "/console/sign-out", "/console/alerts/*", "/terminals/{id}/{drive}"),
    *("/payments/test/*",),  # the bank's, which leads back to it
    *("/notices/browsers*", "/account/passkeys*", "/payments/webhook"),  # JSON, for scripts and programs
)
"""Forms that are answered with another page, and where they are refused with the page that says why."""
LATER = {"console/_over.html", "driver/_ended.html", "driver/_gone.html", "driver/_picked.html", "driver/_said.html", "console/back.html"}
"""What comes to a page that is open; the last one leads on by itself at once."""


async def test_every_page_every_form_and_every_template_is_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser: what the walks pass, and what is left over."""
    used = _used_templates(monkeypatch)
    members: dict[str, Any] = {"alerts": MAILS, "accounts": AccountSettings(cards=True, **SERVICE)}
    walks = [
        await _passed(tmp_path / "1", {"notices": NoticeSettings(contact="mailto:me@example.org")}, walking.driver),
        await _passed(tmp_path / "2", {}, lambda world, _, visit: walking.at_the_plug(world, visit)),
        await _passed(tmp_path / "3", members, walking.account),
        await _passed(tmp_path / "4", PAYERS, lambda world, pages, visit: walking.paying(world, pages, visit, monkeypatch)),
        await _passed(tmp_path / "5", {}, lambda world, _, visit: walking.console(world, visit), Console),
        await _passed_at_a_terminal(tmp_path / "6"),
    ]
    every, seen = (set[tuple[str, str]]().union(*found) for found in zip(*walks, strict=True))
    left = every - seen
    assert {path for method, path in left if method == "GET" and not any(fnmatch(path, one) for one in NO_PAGES)} == set()
    assert {path for method, path in left if method == "POST" and not any(fnmatch(path, one) for one in LEAD_ON)} == set()
    assert {str(path.relative_to(HERE / "templates")) for path in (HERE / "templates").rglob("*.html")} - used == LATER


def _used_templates(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    used: set[str] = set()
    load = TEMPLATES.get_template

    def noted(name: Any, *rest: Any, **more: Any) -> Any:
        used.add(str(name))
        return load(name, *rest, **more)

    monkeypatch.setattr(TEMPLATES, "get_template", noted)
    return used


async def _passed(
    folder: Path, settings: dict[str, Any], walk: Walk, surface: type[Pages] | type[Console] = Pages
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """All pages and forms that there are with these settings, and those that a walk passes."""
    folder.mkdir()
    world = await open_world(folder, **settings)
    await walking.listed(world)
    await signing.put(world.node, "Ann", "correct horse battery")
    shown = surface(world.node)
    visit = Visit(shown)
    found = await _walked(shown.app, visit, walk(world, shown, visit))
    await close(world.node)
    return found


async def _passed_at_a_terminal(folder: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    folder.mkdir()
    street = await open_street(folder)
    both = walking.Both(street)
    visit = Visit(both)
    found = await _walked(both.screen.app, visit, walking.terminal(street, visit))
    await street.close()
    return found


async def _walked(app: Starlette, visit: Visit, walk: AsyncIterator[walking.Seen]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    routes = [(method, one) for one in app.routes if isinstance(one, Route) for method in (one.methods or set()) - {"HEAD"}]
    seen: set[tuple[str, str]] = set()
    async for _name, path, *answer in walk:
        if not answer:
            await visit.get(path)
        led = {(method, route.path) for method, route in routes if route.matches(scope(method, path))[0] is Match.FULL}
        forms = {one for one in led if one[0] == "POST"}
        # What was answered is a page, too, where it was somebody else who asked for it.
        seen |= forms if answer and forms else led - forms
    return {(method, route.path) for method, route in routes}, seen


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
        await _seen_all_the_way(page, path)


async def _seen_all_the_way(page: Page, path: str) -> None:
    passed, hidden = [], []
    for _ in range(200):
        await page.keyboard.press("Tab")
        found = await page.evaluate(COVERED)
        if found is None:
            break
        passed.append(found[0])
        hidden += [] if found[1] else [found[0]]
    assert passed[0] == "Skip to content" and passed[-1].strip() == "Deutsch" and hidden == [], path


async def test_the_button_that_ends_a_charge_is_on_the_screen_whatever_is_told_above_it(
    page: Page, world: World, pages: Pages, visit: Visit
) -> None:
    walker = walking.Walker(page, pages, visit)
    await walker.begin()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    async for name, path, *_answer in walking.at_the_plug(world, visit):
        if name == "drive at a station that fails":
            await walker.open(path)
            button, ways = await page.locator("#stop").bounding_box(), await page.locator(".ways").bounding_box()
            assert button is not None and ways is not None and button["y"] + button["height"] <= ways["y"]
            await _seen_all_the_way(page, path)
