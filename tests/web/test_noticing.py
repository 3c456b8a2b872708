"""Notices: who is told what and how, once; and what a browser names as its push service is not believed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import http_ece  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import Page
from starlette.requests import Request
from starlette.responses import Response

from interplug.backend.browsers import MOST, Browsers, vapid_of
from interplug.backend.webpush import CURVE, point, spelled
from interplug.config import AlertSettings, Network, NoticeSettings
from interplug.drivers.places import PlaceList
from interplug.model.types import decode_json
from interplug.store.accounts import Account
from interplug.web.driver import news
from interplug.web.driver.pages import Pages
from tests.drivers.played import World, open_world, session
from tests.modules import said
from tests.nodes import close
from tests.web.serving import served
from tests.web.starting import begun
from tests.web.visiting import Answer, Visit

NEAR = Network(allow_private=True, allow_http=True)
MAIL = AlertSettings(smtp_host="mail.example", mail_from="node@example.org")


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"notices": NoticeSettings(contact="mailto:me@example.org"), "network": NEAR, "alerts": MAIL}


@pytest.fixture
async def browsers(world: World) -> AsyncIterator[Browsers]:
    vapid = vapid_of(world.node)
    assert vapid is not None
    made = Browsers(world.node, vapid)
    yield made
    await made.close()


class PushService:
    """What a browser has its notices from. `answer` is what it says to who brings one."""

    def __init__(self) -> None:
        self.key, self.secret = ec.generate_private_key(CURVE), os.urandom(16)
        self.answer, self.got, self.headers = 201, list[Any](), list[dict[str, str]]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = http_ece.decrypt(await request.body(), private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        self.headers.append(dict(request.headers))
        if self.answer < 300:
            self.got.append(decode_json(body))
        await Response(status_code=self.answer)(scope, receive, send)

    def subscription(self, url: str) -> dict[str, Any]:
        return {"endpoint": url, "keys": {"p256dh": spelled(point(self.key.public_key())), "auth": spelled(self.secret)}}


async def subscribe(visit: Visit, document: dict[str, Any]) -> Answer:
    proof = (await visit.get("/notices")).text.partition('data-csrf="')[2].partition('"')[0]
    return await visit.post_json("/notices/browsers", document, proof or (await visit.get("/")).field("csrf"))


async def test_a_driver_is_told_when_charging_begins_and_is_over_each_once(
    world: World, pages: Pages, visit: Visit, browsers: Browsers
) -> None:
    service, drives = PushService(), pages.noticing.drives
    url, drive, driver = await begun(visit, world)
    async with served(service) as there:
        assert (await subscribe(visit, service.subscription(f"{there.url}/one"))).status == 204
        await drives.tick()
        assert not await browsers.tick()
        await world.tell("sessions", session(world, driver, drive, kwh=7.25))
        for _ in range(2):
            await drives.tick()
            await browsers.tick()
        assert service.got == [{"text": "Charging has begun: Stationsplein 1.", "url": url}]
        assert service.headers[0]["ttl"] == "3600" and service.headers[0]["authorization"].startswith("vapid t=")
        token = session(world, driver, drive)["cdr_token"]
        await world.tell("cdrs", said.said("cdr", said.theirs(said.cdr(cdr_token=token, authorization_reference=drive.id)), "2.2.1"))
        for _ in range(2):
            await drives.tick()
            await browsers.tick()
        assert [one["text"] for one in service.got[1:]] == ["Charging is over: Stationsplein 1. 1.00 kWh, €0.25."]


async def test_what_happened_before_is_no_news_and_a_fault_meanwhile_is(
    world: World, pages: Pages, visit: Visit, browsers: Browsers
) -> None:
    service, drives = PushService(), pages.noticing.drives
    _, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive))
    async with served(service) as there:
        await subscribe(visit, service.subscription(f"{there.url}/one"))
        await drives.tick()
        assert not await browsers.tick()
        world.clock.move(5)
        broken = [said.evse("E1", status="OUTOFORDER", last_updated=world.clock.text())]
        location = said.theirs(said.location(evses=broken, last_updated=world.clock.text()))
        await world.tell("locations", said.said("location", location, "2.2.1"))
        await drives.tick()
        await browsers.tick()
        assert "out of order" in service.got[0]["text"] and len(service.got) == 1


async def test_a_push_service_that_is_away_is_asked_again_and_a_browser_that_is_gone_is_forgotten(
    world: World, pages: Pages, visit: Visit, browsers: Browsers
) -> None:
    service = PushService()
    _, drive, _ = await begun(visit, world)
    async with served(service) as there:
        await subscribe(visit, service.subscription(f"{there.url}/one"))
        service.answer = 503
        await pages.noticing.notices.notify(drive.driver, "Free.", "https://node.example/stations/7")
        assert await browsers.tick() and not await browsers.tick()
        service.answer = 201
        world.clock.move(30)
        assert await browsers.tick() and service.got == [{"text": "Free.", "url": "/stations/7"}]
        service.answer = 410
        await pages.noticing.notices.notify(drive.driver, "Free.", "/")
        await browsers.tick()
        assert await world.node.store.read(lambda tx: tx.notices.of_driver(drive.driver)) == []
        await pages.noticing.notices.notify(drive.driver, "Free.", "/")
        assert not await browsers.tick()


@pytest.mark.parametrize(
    "endpoint",
    ["", "ftp://push.example/", "http://169.254.169.254/latest", "https://user@push.example/", "https://push.example/\r\nx: y", "x" * 3000],
)
async def test_what_is_no_push_service_is_refused(world: World, visit: Visit, endpoint: str) -> None:
    _, drive, _ = await begun(visit, world)
    assert (await subscribe(visit, PushService().subscription(endpoint))).status == 400
    assert await world.node.store.read(lambda tx: tx.notices.of_driver(drive.driver)) == []


async def test_inner_addresses_are_for_networks_that_allow_them(tmp_path: Path) -> None:
    world = await open_world(tmp_path, notices=NoticeSettings(contact="mailto:me@example.org"), network=Network())
    await PlaceList(world.node).tick()
    visit = Visit(Pages(world.node))
    await begun(visit, world)
    for endpoint in ("https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/x", "http://push.example/"):
        assert (await subscribe(visit, PushService().subscription(endpoint))).status == 400
    await close(world.node)


async def test_keys_others_browsers_and_strangers(world: World, pages: Pages, visit: Visit) -> None:
    service = PushService()
    assert (await subscribe(visit, service.subscription("https://push.example/1"))).status == 409
    _, drive, _ = await begun(visit, world)
    assert (await subscribe(visit, {"endpoint": "https://push.example/1", "keys": {"p256dh": "x", "auth": "y"}})).status == 400
    assert (await subscribe(visit, {"endpoint": "https://push.example/1", "keys": "x"})).status == 400
    for place in range(MOST + 2):
        assert (await subscribe(visit, service.subscription(f"https://push.example/{place}"))).status == 204
    kept = await world.node.store.read(lambda tx: tx.notices.of_driver(drive.driver))
    assert len(kept) == MOST
    other = Visit(pages)
    proof = (await other.get("/")).field("csrf")
    await other.post_json("/notices/browsers/drop", {"endpoint": kept[0].endpoint}, proof)
    assert len(await world.node.store.read(lambda tx: tx.notices.of_driver(drive.driver))) == MOST
    proof = (await visit.get("/")).field("csrf")
    await visit.post_json("/notices/browsers/drop", {"endpoint": kept[0].endpoint}, proof)
    assert len(await world.node.store.read(lambda tx: tx.notices.of_driver(drive.driver))) == MOST - 1


async def test_an_e_mail_where_that_was_chosen_in_its_language(world: World, pages: Pages, visit: Visit) -> None:
    _, drive, driver = await begun(visit, world)

    async def chosen(tx: Any) -> None:
        await tx.accounts.add(Account(drive.driver, "ann@example.org", "", "en", 1))
        await tx.notices.mail(drive.driver, "en")

    await world.node.store.write(chosen)
    await world.tell("sessions", session(world, driver, drive))
    for _ in range(2):
        await pages.noticing.drives.tick()
    [letter] = await world.node.store.read(lambda tx: tx.letters.due(world.clock(), 9))
    assert letter.address == "ann@example.org" and letter.subject == "Charging has begun: Stationsplein 1."
    assert f"https://node.example/drives/{drive.id}" in letter.text


@pytest.mark.browser
async def test_a_browser_shows_a_notice_that_leads_to_its_page(page: Page, pages: Pages) -> None:
    async with served(pages) as there:
        await page.context.grant_permissions(["notifications"], origin=there.url)
        await page.goto(there.url)
        await page.evaluate("navigator.serviceWorker.ready")
        devtools = await page.context.new_cdp_session(page)
        registration = ""

        def registered(event: dict[str, Any]) -> None:
            nonlocal registration
            for one in event["registrations"]:
                registration = one["registrationId"]

        devtools.on("ServiceWorker.workerRegistrationUpdated", registered)
        await devtools.send("ServiceWorker.enable")
        await page.evaluate("navigator.serviceWorker.ready")
        told = '{"text": "Charging is over: Stationsplein 1.", "url": "/drives/x"}'
        await devtools.send("ServiceWorker.deliverPushMessage", {"origin": there.url, "registrationId": registration, "data": told})
        shown = await page.evaluate(
            """(async () => {
                const here = await navigator.serviceWorker.ready;
                for (;;) {
                    const [one] = await here.getNotifications();
                    if (one) return [one.title, one.body, one.data.url];
                    await new Promise(done => setTimeout(done, 50));
                }
            })()"""
        )
        assert shown == ["Interplug", "Charging is over: Stationsplein 1.", "/drives/x"]


@pytest.mark.parametrize(
    ("state", "live", "paid", "wrong", "told"),
    [
        ("ASKED", {}, None, "", ()),
        ("CHARGING", {}, None, "", ("began",)),
        ("CHARGING", {"soc": 90}, None, "", ("began", "full")),
        ("CHARGING", {"soc": 100, "idle": True}, None, "", ("began", "idle")),
        ("CHARGING", {}, SimpleNamespace(warned=7), "faulty", ("began", "fault", "hold")),
        ("CHARGING", {}, None, "stop_failed", ("began", "unstopped")),
        ("STOPPING", {}, SimpleNamespace(warned=0), "", ("began",)),
        ("FAILED", {}, None, "", ("failed",)),
        ("BILLED", {"soc": 100, "idle": True}, SimpleNamespace(warned=7), "", ("over",)),
    ],
)
def test_what_there_is_to_tell(state: str, live: dict[str, Any], paid: Any, wrong: str, told: tuple[str, ...]) -> None:
    here = SimpleNamespace(**{"soc": None, "idle": False, **live})
    drive, deal = SimpleNamespace(state=state, reason=""), SimpleNamespace(idle_fee="€6.00 per hour")
    signs = {"faulty": wrong == "faulty", "stop_failed": wrong == "stop_failed"}
    ride: Any = SimpleNamespace(drive=drive, live=here, payment=paid, deal=deal, name="A", called=state, **signs)
    assert news.news(ride) == told
    assert all("A" in news.text(ride, what) for what in told if what != "over")
    assert "€6.00 per hour" in news.text(ride, "full") + news.text(ride, "idle")
