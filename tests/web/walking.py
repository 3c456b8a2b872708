"""A walk past every page in every state that it has, with a browser that has no network: what it asks for is answered in this process.

A walk yields the name of what is to be seen and where it stands, after it has brought the node to that state; of the answer to a form, and
of a page that somebody else sees, also what was answered. Who adds a page adds it to the walk; `test_accessible.py` fails for a page, a
form and a template that nobody has seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route
from starlette.requests import Request
from starlette.responses import Response

from interplug.backend.alerts import Following
from interplug.charges import corrections
from interplug.drivers.offers import read_offer
from interplug.drivers.places import PlaceList
from interplug.drivers.reserving import tick
from interplug.store.drivers import Drive
from interplug.store.faults import Fault
from interplug.store.tx import Tx
from interplug.web.door import Application, Door, Receive, Send
from interplug.web.driver.elsewhere import CONNECT
from interplug.web.driver.pages import Pages
from interplug.web.driver.paying import Till
from interplug.web.invoices import PREFIX
from interplug.web.terminals import Terminals
from tests.drivers.played import RETAIL, UID, World, session
from tests.drivers.test_reserving import result
from tests.modules import said
from tests.payments.standing import AGED, CHALLENGED, GOOD, SPENT
from tests.stories.paying import Street
from tests.web.members import EMAIL, PASSWORD, carded, letters, link, post, start
from tests.web.members import account as make_account
from tests.web.starting import begun, number
from tests.web.test_invoices import charged, invoiced
from tests.web.test_methods import pressed, remembered
from tests.web.test_reserving import accepted
from tests.web.test_station import TARIFF, WEEKDAYS, told
from tests.web.visiting import Answer, Message, Visit, ask, body, scope

HOST = "http://node.example"
HOP = frozenset({"content-length", "connection", "transfer-encoding"})
Seen = tuple[str, str] | tuple[str, str, Answer]
"""A name for what is seen, and its path; and what was answered there, where it is the answer to a form."""


@dataclass
class Walker:
    """The browser of a visitor. `visit` is the same visitor without a browser, who presses the buttons."""

    page: Page
    app: Application
    visit: Visit
    instead: dict[str, Answer] = field(default_factory=dict)

    async def begin(self) -> None:
        await self.page.route("**/*", self._answer)

    async def open(self, path: str, answer: Answer | None = None) -> None:
        self.instead = {} if answer is None else {path: answer}
        await self.page.goto(HOST + path)
        await self.page.wait_for_load_state("load")

    async def _answer(self, route: Route) -> None:
        request, parts = route.request, urlsplit(route.request.url)
        if f"{parts.scheme}://{parts.netloc}" != HOST or "text/event-stream" in request.headers.get("accept", ""):
            await route.abort()
            return
        url = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = self.visit.headers({name: value for name, value in request.headers.items() if name != "cookie"})
        answer = self.instead.get(url) or await ask(self.app, scope(request.method, url, headers), body(request.post_data_buffer or b""))
        assert answer is not None
        kept = {name: value for name, value in answer.headers if name not in HOP}
        await route.fulfill(status=answer.status, headers=kept, body=answer.body)


async def driver(world: World, pages: Pages, visit: Visit) -> AsyncIterator[Seen]:
    yield "empty list", "/?text=zzz"
    yield "list", "/"
    station = f"/stations/{await number(visit)}"
    yield "station", station
    yield "no drives", "/drives"
    form = await visit.get(f"{station}/problem")
    fields = {"csrf": form.field("csrf"), "evse": "E1", "said": ""}
    yield "problem with nothing chosen", f"{station}/problem", await visit.post(f"{station}/problem", {**fields, "kind": ""})
    yield "problem reported", f"{station}/problem", await visit.post(f"{station}/problem", {**fields, "kind": "CABLE"})
    yield "not found", "/nowhere"
    yield "code on a plug that nobody knows", "/s/NL*XXX*E9"
    yield "page that has expired", "/drives", await visit.post("/drives", {"csrf": "x"})
    yield "no connection", "/offline"
    yield "notices of a stranger", "/notices"
    url, drive, person = await begun(visit, world)
    yield "drive asked", url
    yield "station while charging", station
    for state, reason in (
        ("ASKED", ""),
        ("STARTED", ""),
        ("UNSURE", "The operator has not confirmed that charging began. If it does, you see it here."),
        ("FAILED", "Somebody was quicker: the station is in use. (Bay 4)"),
    ):
        await _set(world, drive, state, reason)
        yield f"drive {state.lower()}", url
    await _set(world, drive, "ACCEPTED")
    await world.tell("sessions", session(world, person, drive, kwh=7.25, total_cost={"excl_vat": 2.5, "incl_vat": 3}))
    yield "drive charging", url
    await visit.post(f"{url}/stop", {"csrf": (await visit.get(url)).field("csrf")})
    yield "drive stopping", url
    await _set(world, drive, "FINISHED")
    yield "drive finished", url
    token = session(world, person, drive)["cdr_token"]
    await world.tell("cdrs", said.said("cdr", said.theirs(said.cdr(cdr_token=token, authorization_reference=drive.id)), "2.2.1"))
    yield "receipt", url
    yield "drives", "/drives"
    yield "notices", "/notices"
    refused = await visit.post("/drives", {**fields, "station": station.rpartition("/")[2], "connector": "9"})
    yield "start that is refused", "/drives", refused


async def at_the_plug(world: World, visit: Visit) -> AsyncIterator[Seen]:
    """What a station may tell besides, reservations, and what may go wrong."""
    offer = read_offer({"id": "OURS", "tariff": TARIFF})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    hours = {"twentyfourseven": False, "regular_hours": WEEKDAYS}
    closing = {"period_begin": "2099-12-25T00:00:00Z", "period_end": "2099-12-26T00:00:00Z"}
    able = {"status": "AVAILABLE", "capabilities": ["REMOTE_START_STOP_CAPABLE", "RESERVABLE"], "last_updated": world.clock.text(1)}
    way = [{"language": "en", "text": "Behind the station"}]
    operator = {"name": "Elektrizitätsversorgungsgesellschaftsverbund" * 2}
    more = {"facilities": ["CAFE"], "parking_type": "PARKING_GARAGE", "directions": way, "operator": operator}
    long = [{"language": "en", "text": "Parkeergarageverdiepingminuseenentwintigparkeerplaats" * 2}]
    await told(
        world,
        evses=[said.evse(floor_level="-1", directions=long, **able)],
        opening_times={**hours, "exceptional_closings": [closing]},
        **more,
    )
    station = f"/stations/{await number(visit)}"
    yield "station with all", f"{station}?kwh=20&ac=11&dc=50&idle=60"
    yield "report a problem", f"{station}/problem"
    page = await visit.get(station)
    named = {name: page.field(name) for name in ("csrf", "station", "evse", "connector")}
    kept = (await visit.post("/reservations", {**named, "minutes": "30"})).header("location")
    yield "reservation asked", kept
    one = await accepted(world)
    yield "reservation", kept
    yield "station while reserved", station
    await visit.post(f"{kept}/cancel", {"csrf": named["csrf"]})
    row = await world.node.store.read(lambda tx: tx.reservations.get(one.id))
    assert row is not None
    await result(world, row.cancel_command, "ACCEPTED")
    await tick(world.node)
    yield "reservation cancelled", kept
    url, drive, person = await begun(visit, world)
    await result(world, drive.command, "FAILED")
    await world.follower.tick()
    yield "drive that failed", url
    document = session(world, person, drive, kwh=5)
    await world.tell("sessions", document)
    world.clock.move(600)
    parked = [{"start_date_time": world.clock.text(-60), "dimensions": [{"type": "PARKING_TIME", "volume": Decimal("0.02")}]}]
    await world.tell("sessions", {**document, "kwh": 7, "charging_periods": parked, "last_updated": world.clock.text()})
    yield "drive that stands idle", url
    await visit.post(f"{url}/stop", {"csrf": named["csrf"]})
    now = await world.now(drive)
    await result(world, now.stop_command, "FAILED")
    await world.follower.tick()
    yield "drive that does not stop", url
    out = {**able, "status": "OUTOFORDER", "last_updated": world.clock.text()}
    await told(world, evses=[said.evse(floor_level="-1", **out)], last_updated=world.clock.text())
    yield "drive at a station that fails", url
    await visit.post(f"{url}/stop", {"csrf": named["csrf"]})
    await result(world, (await world.now(drive)).stop_command, "ACCEPTED")
    yield "drive whose station says that it stops", url
    world.clock.move(91)
    await world.follower.tick()
    yield "drive that is not over", url
    yield "drives with one that is not over", "/drives"


async def account(world: World, pages: Pages, visit: Visit) -> AsyncIterator[Seen]:
    """Of who has an account, or makes one."""

    async def letter() -> str:
        """The link of the last letter."""
        (last,) = await letters(world)
        return link(last)

    yield "sign in", "/account/sign-in"
    yield "sign in with a wrong password", "/account/sign-in", await post(visit, "/account/sign-in", email=EMAIL, password="wrong")
    yield "make an account", "/account/new"
    yield "no address", "/account/new", await post(visit, "/account/new", email="ann")
    yield "password forgotten", "/account/forgotten"
    yield "letter sent", "/account/new", await post(visit, "/account/new", email=EMAIL)
    choosing = await letter()
    yield "choose a password", choosing
    yield "password too short", choosing, await post(visit, choosing, password="short")
    yield "link that is over", "/account/new/nothing"
    drive = await start(world, visit)
    yield "charging of a guest", "/drives"
    await carded(world, visit)
    yield "account", "/account"
    yield "notices of a member", "/notices"
    yield "security", "/account/security"
    yield "cards", "/account/cards"
    await post(visit, f"/account/cards/{UID.lower()}/block", blocked="1")
    await post(visit, "/account/cards", label="Another", address="Ann Example\nStreet 1\n10115 Berlin")
    yield "cards blocked and ordered", "/account/cards"
    yield "no favourites", "/account/favourites"
    (place,) = (await visit.get("/stations.json")).json["stations"]
    await post(visit, f"/stations/{place['id']}/favourite", kept="1")
    await post(visit, f"/stations/{place['id']}/watch", waits="1")
    yield "favourites", "/account/favourites"
    yield "payment", "/account/payment"
    yield "no invoices", "/account/invoices"
    offer = read_offer({"id": "OURS", "tariff": RETAIL})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), 0))
    for name in ("C1", "C2"):
        await charged(world, name)
        (one,) = await invoiced(world)
        await world.node.store.write(lambda tx, one=one: tx.invoices.paid(one, world.clock()))  # type: ignore[misc]
    yield "paid invoice", f"/account/invoices/{one.number}"
    await charged(world, "C3", credit=True, credit_reference_id="C1")
    (note,) = await invoiced(world)
    yield "credit note", f"/account/invoices/{note.number}"
    for name in ("C4", "C5"):
        await charged(world, name)
    (one,) = await invoiced(world)
    yield "open invoice", f"/account/invoices/{one.number}"
    yield "invoices", "/account/invoices"
    yield "my data", "/account/data"
    yield "charging", "/drives"
    yield "charging searched", "/drives?place=nowhere&from=2026-01-01"
    yield "drive with a link to send", drive
    sent = await post(visit, f"{drive}/link", email="bob@example.org")
    yield "link to a drive sent", f"{drive}/link", sent
    lent, other = await letter(), Visit(pages, {"language": visit.cookies.get("language", "en")})
    yield "drive of somebody else", (await other.get(lent)).header("location"), await other.get(drive)
    yield "charging of who was sent a link", "/drives", await other.get("/drives")
    yield "link to a drive that is over", "/link/nothing"
    refused = await post(visit, "/account/address", email="other@example.org", password="wrong")
    yield "not sure who it is", "/account/address", refused
    moving = await post(visit, "/account/address", email="other@example.org", password=PASSWORD)
    yield "letter to another address sent", "/account/address", moving
    yield "another address", await letter()
    driver = await world.node.store.read(lambda tx: tx.accounts.by_email(EMAIL))
    assert driver is not None
    told = {"service": "Example", "subject": "s", "label": "ann@example.org"}
    secret = await pages.favourites.members.ticket(CONNECT, told, 600, driver.driver)
    yield "connect a service", f"/account/connect/{secret}"
    yield "letter for another password sent", "/account/forgotten", await post(Visit(pages), "/account/forgotten", email=EMAIL)
    resetting = await letter()
    yield "another password", resetting
    yield "another password too short", resetting, await post(visit, resetting, password="short")
    begun_here = await world.node.store.read(lambda tx: tx.drivers.get(drive.rpartition("/")[2]))
    assert begun_here is not None
    await _set(world, begun_here, "FAILED")
    yield "account erased", "/account/erase", await post(visit, "/account/erase", password=PASSWORD, really="yes")


async def paying(world: World, pages: Pages, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Seen]:
    """Where drivers pay by card: a guest, and then somebody with an account."""
    yield "station with a hold", f"/stations/{await number(visit)}"
    url, _, _ = await begun(visit, world)
    yield "drive to be paid", url
    bank = _on_page((await visit.get(f"{url}/pay")).header("location"))
    yield "bank", bank
    secret = {"secret": (await visit.get(bank)).field("secret")}
    form = bank.partition("?")[0]
    await visit.post(form, {**secret, "card": "4000000000000002"})
    yield "bank after a declined card", bank
    proof = _on_page((await visit.post(form, {**secret, "card": "4000002500003155"})).header("location"))
    yield "bank that asks for a proof", proof
    await visit.post(proof.partition("?")[0], {**secret, "answer": "no"})
    await visit.get(f"{url}/paid")
    yield "drive whose card was declined", url

    async def give_up(url: str) -> None:
        await visit.post(f"{url}/give-up", {"csrf": (await visit.get(url)).field("csrf")})
        world.clock.move(700)

    await give_up(url)
    await make_account(world, visit)
    yield "no saved cards", "/account/payment"
    cards = {}
    for card in (GOOD, AGED, SPENT, CHALLENGED):
        cards[card] = await remembered(world, pages, visit, card)
        world.clock.move(700)
    yield "saved cards", "/account/payment"
    yield "station with saved cards", f"/stations/{await number(visit)}"
    declined = (await pressed(visit, cards[SPENT])).header("location")
    yield "drive whose saved card is declined", declined
    await give_up(declined)
    url = (await pressed(visit, cards[CHALLENGED])).header("location")
    yield "drive whose bank asks for a proof", url
    bank = _on_page((await visit.get(f"{url}/pay")).header("location"))
    yield "bank that asks for a proof of a saved card", bank
    yield "bank that may remember the card", bank.replace("challenge", "form")
    secret = {"secret": (await visit.get(bank)).field("secret")}

    async def field(till: Till, request: Request, drive: Drive) -> Response:
        """As with a provider whose field stands in our page."""
        return await till.page(request, drive, key="pk", secret="s", session="", back="/")

    monkeypatch.setattr(Till, "pay", field)
    yield "pay", f"{url}/pay"
    await visit.post(bank.partition("?")[0], {**secret, "answer": "yes"})
    await visit.get(f"{url}/paid")
    yield "drive that is paid", url


def _on_page(url: str) -> str:
    """What of a URL of ours the browser asks for."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def console(world: World, visit: Visit) -> AsyncIterator[Seen]:
    yield "operators sign in", "/console/sign-in"
    proof = (await visit.get("/console/sign-in")).field("csrf")
    wrong = await visit.post("/console/sign-in", {"csrf": proof, "name": "Ann", "password": "wrong"})
    yield "operator with a wrong password", "/console/sign-in", wrong
    await visit.post("/console/sign-in", {"csrf": proof, "name": "Ann", "password": "correct horse battery"})
    yield "no alerts", "/console"
    for code, severity in (("GroundFailure", "critical"), ("StationSilent", "major"), ("WeakSignal", "info")):
        fault = Fault(
            station="CS1", evse=1, connector=1, code=code, severity=severity, vendor_code="E-104", info="38 mA", source="status",
            opened_at=world.node.clock(),
        )  # fmt: skip
        await world.node.store.write(lambda tx, fault=fault: tx.faults.open(fault))  # type: ignore[misc]
    await Following(world.node).look()
    yield "alerts", "/console"
    yield "console not found", "/console/nowhere"


async def _set(world: World, drive: Drive, state: str, reason: str = "") -> None:
    async def work(tx: Tx) -> None:
        found = await tx.drivers.get(drive.id)
        assert found is not None
        found.state, found.reason = state, reason
        await tx.drivers.update(found)

    await world.node.store.write(work)


async def listed(world: World) -> None:
    await PlaceList(world.node).tick()


class Both:
    """The screen of a terminal and, under the same host, the operator's invoices, to which its codes lead."""

    def __init__(self, street: Street) -> None:
        self.screen, self.door = Terminals(street.desk), Door(street.cpo, ready=_ready)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await (self.door if scope["path"].startswith(PREFIX) else self.screen)(scope, receive, send)


async def _ready() -> dict[str, str]:
    return {}


async def terminal(street: Street, visit: Visit) -> AsyncIterator[Seen]:
    """The simulated one, from its list to the invoice."""
    yield "terminals", "/terminals"
    yield "terminal", "/terminals/TM-1"
    yield "no terminal", "/terminals/TM-9"
    yield "nothing chosen at the terminal", "/terminals/TM-1", await visit.post("/terminals/TM-1", {"csrf": "x"})
    path, fields = "/terminals/TM-1", {"csrf": (await visit.get("/terminals/TM-1")).field("csrf"), "plug": "L1/E%2F1/1"}
    yield "terminal declined", (await visit.post(path, {**fields, "card": "4000000000000002"})).header("location")
    charge = (await visit.post(path, {**fields, "card": "4242424242424242"})).header("location")
    yield "terminal asked", charge
    await street.settle()
    await street.charge("10")
    yield "terminal charging", charge
    await street.unplug()
    yield "terminal receipt", charge
    yield "terminal with charges", path
    invoice = urlsplit((await visit.get(charge, accept="application/json")).json["receipt"]).path
    yield "invoice", invoice
    yield "no invoice", f"{invoice}x"
    await corrections.credit(street.cpo, street.plugs.session, "billed twice", "Ada")
    yield "invoice that was taken back", invoice
