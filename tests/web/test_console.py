"""The operators' page: nothing without a sign-in, what is wrong in plain words, live, and a button that says who looks after it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.backend.alerts import Following
from interplug.config import AlertSettings, ConsoleSettings, Server, Settings
from interplug.modules.node import Node
from interplug.stations.csms import provisioning
from interplug.store.faults import Fault
from interplug.web import console as console_page
from interplug.web import passwords, signing
from interplug.web.console import Console
from interplug.web.door import Door
from tests.charges.meters import open_place
from tests.nodes import CPO, Clock, close, make_node
from tests.web.visiting import Answer, Visit, running

PASSWORD = "correct horse battery"


@pytest.fixture
async def node(tmp_path: Path, clock: Clock) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, [CPO], clock=clock, alerts=AlertSettings(settle=0), console=ConsoleSettings(session_hours=2))
    await open_place(made)
    await provisioning.add(made, "CS1", "LOC1", outlets=[], profile=0, password=None)
    await signing.put(made, "Ann", PASSWORD)
    yield made
    await close(made)


@pytest.fixture
async def console(node: Node) -> AsyncIterator[Console]:
    async with running(Console(node)) as made:
        yield made


@pytest.fixture
def visit(console: Console) -> Visit:
    return Visit(console)


async def sign_in(visit: Visit, name: str = "ann", password: str = PASSWORD) -> Answer:
    proof = (await visit.get("/console/sign-in")).field("csrf")
    return await visit.post("/console/sign-in", {"csrf": proof, "name": name, "password": password})


async def breaks(node: Node, code: str = "GroundFailure", info: str = "38 mA") -> None:
    fault = Fault(
        station="CS1", evse=1, connector=1, code=code, severity="critical", vendor_code="E-104", info=info, source="status",
        opened_at=node.clock(),
    )  # fmt: skip
    await node.store.write(lambda tx: tx.faults.open(fault))
    await Following(node).look()


async def test_nothing_is_shown_to_who_is_not_signed_in(node: Node, visit: Visit) -> None:
    await breaks(node)
    answer = await visit.get("/console")
    assert (answer.status, answer.header("location")) == (303, "/console/sign-in")
    assert (await visit.get("/console/live")).status == 403
    assert (await visit.post("/console/alerts/1/acknowledge", {"csrf": "x"})).status == 403
    assert "GroundFailure" not in (await visit.get("/console/sign-in")).text


async def test_an_operator_signs_in_and_sees_what_is_wrong_in_plain_words(node: Node, visit: Visit, clock: Clock) -> None:
    await breaks(node)
    clock.move(120)
    answer = await sign_in(visit)
    assert (answer.status, answer.header("location")) == (303, "/console")
    page = (await visit.get("/console")).text
    assert "Current leaks to earth; the station has switched off." in page
    assert all(said in page for said in ("CS1", "Harbour", "EVSE1", "GroundFailure", "critical", "E-104", "38 mA", "2 min ago"))


async def test_what_a_station_says_of_itself_is_text_and_nothing_else(node: Node, visit: Visit) -> None:
    await breaks(node, info="<script>alert(1)</script>")
    await sign_in(visit)
    page = (await visit.get("/console")).text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


async def test_the_cookie_is_for_this_page_alone_and_goes_no_way_but_https(visit: Visit) -> None:
    answer = await sign_in(visit)
    [cookie, known] = [value for name, value in answer.headers if name == "set-cookie"]
    assert re.fullmatch(r"__Host-interplug-console-[0-9a-f]{8}=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure", cookie)
    rest = r"Path=/console; Max-Age=31536000; HttpOnly; SameSite=Strict; Secure"
    assert re.fullmatch(rf"interplug-console-[0-9a-f]{{8}}-known=[\w-]{{24}}\.[0-9a-f]{{64}}; {rest}", known)
    assert "default-src 'self'" in answer.header("content-security-policy")
    assert answer.header("cache-control") == "no-store"


async def test_without_https_browsers_would_not_keep_a_secure_cookie(node: Node) -> None:
    node.settings = Settings(server=Server(public_url="http://127.0.0.1:8080"))
    [cookie] = [value for name, value in (await Visit(Console(node)).get("/console/sign-in")).headers if name == "set-cookie"]
    assert cookie.startswith("interplug-console-") and cookie.endswith("; HttpOnly; SameSite=Strict")


async def test_a_key_that_was_there_before_the_sign_in_opens_nothing_after_it(visit: Visit) -> None:
    await visit.get("/console/sign-in")
    before = dict(visit.cookies)
    await sign_in(visit)
    assert visit.cookies != before
    visit.cookies = before
    assert (await visit.get("/console")).status == 303


async def test_a_wrong_name_and_a_wrong_password_look_the_same(visit: Visit) -> None:
    wrong, unknown = await sign_in(visit, password="another password"), await sign_in(visit, name="nobody")
    assert (wrong.status, unknown.status) == (403, 403)
    said = re.compile(r'role="alert">([^<]*)')
    assert said.findall(wrong.text) == said.findall(unknown.text) == ["There is no operator with this name and this password."]


async def test_guessing_is_slowed_and_ends_after_a_while(visit: Visit, clock: Clock) -> None:
    for _ in range(passwords.ATTEMPTS):
        assert (await sign_in(visit, password="a guess of many")).status == 403
    assert (await sign_in(visit)).status == 429
    clock.move(passwords.WITHIN + 1)
    assert (await sign_in(visit)).status == 303


async def test_who_guesses_keeps_no_operator_out_of_a_browser_that_is_known(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "OF_A_NAME", 3)
    await sign_in(visit)
    visit.cookies = {name: value for name, value in visit.cookies.items() if name.endswith("-known")}
    stranger = Visit(visit.app)
    for _ in range(passwords.OF_A_NAME):
        await sign_in(stranger, password="a guess of many")
    assert (await sign_in(stranger)).status == 429 and (await sign_in(visit)).status == 303


async def test_a_form_of_another_site_does_nothing(node: Node, visit: Visit) -> None:
    await breaks(node)
    await sign_in(visit)
    for proof in ("", "0" * 64, "é"):
        assert (await visit.post("/console/alerts/1/acknowledge", {"csrf": proof})).status == 403
        assert (await visit.post("/console/sign-out", {"csrf": proof})).status == 403
        assert (await visit.post("/console/sign-in", {"csrf": proof, "name": "ann", "password": PASSWORD})).status == 403
    assert (await visit.get("/console")).status == 200


async def test_who_acknowledges_is_named(node: Node, visit: Visit) -> None:
    await breaks(node)
    await sign_in(visit)
    proof = (await visit.get("/console")).field("csrf")
    assert (await visit.post("/console/alerts/1/acknowledge", {"csrf": proof})).status == 303
    page = (await visit.get("/console")).text
    assert "ann looks after it." in page and "Acknowledge<" not in page
    assert (await visit.post("/console/alerts/99/acknowledge", {"csrf": proof})).status == 404


async def test_the_page_is_live_and_says_when_it_is_over(node: Node, visit: Visit, clock: Clock) -> None:
    await sign_in(visit)
    async with visit.stream("/console/live") as events:
        assert await events.status == 200
        assert "Nothing is wrong" in await events.next("alerts")
        await breaks(node)
        assert "Current leaks to earth" in await events.next("alerts")
        clock.move(65)
        await node.store.write(lambda tx: tx.faults.close(1, node.clock()))
        await Following(node).look()
        assert "gone at the moment" in await events.next("alerts")
        await Following(node).look()
        said = await events.next("alerts")
        assert "Nothing is wrong" in said and "lasted 1:05" in said


async def test_what_is_wrong_is_counted_whole_and_shown_page_by_page(
    node: Node, visit: Visit, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest that is open is not lost behind many newer ones; what is over comes after all that is open."""
    monkeypatch.setattr(console_page, "PAGE", 2)
    for number, code in enumerate(("GroundFailure", "HighTemperature", "UnderVoltage", "OverVoltage"), 1):
        await breaks(node, code)
        if code == "UnderVoltage":
            clock.move(60)
            await node.store.write(lambda tx, number=number: tx.faults.close(number, node.clock()))  # type: ignore[misc]
            await Following(node).look()
            await Following(node).look()
    await sign_in(visit)
    pages = [(await visit.get(f"/console?page={page}")).text for page in (1, 2, 3, -1, "x")]
    shown = [re.findall(r"alert-(\d)", page) for page in pages]
    assert shown == [["4", "2"], ["1", "3"], ["1", "3"], ["4", "2"], ["4", "2"]]
    assert all("3 are open" in page for page in pages)
    assert "/console?page=2" in pages[0] and "/console?page=1" in pages[1] and "page=3" not in pages[1]
    form = {"csrf": (await visit.get("/console?page=2")).field("csrf"), "page": "2"}
    assert (await visit.post("/console/alerts/1/acknowledge", form)).header("location") == "/console?page=2"
    async with visit.stream("/console/live?page=2") as events:
        assert re.findall(r"alert-(\d)", await events.next("alerts")) == ["1", "3"]


async def test_signing_out_ends_the_session_and_its_live_pages(node: Node, visit: Visit) -> None:
    await sign_in(visit)
    proof = (await visit.get("/console")).field("csrf")
    before = dict(visit.cookies)
    async with visit.stream("/console/live") as events:
        await events.next("alerts")
        await visit.post("/console/sign-out", {"csrf": proof})
        await breaks(node)
        said = await events.next("alerts")
        assert "You are signed out." in said and "Current leaks" not in said
        await events.end()
    visit.cookies = before
    assert (await visit.get("/console")).status == 303


async def test_sessions_end_by_themselves_with_another_password_and_with_the_operator(node: Node, visit: Visit, clock: Clock) -> None:
    await sign_in(visit)
    clock.move(2 * 3600)
    assert (await visit.get("/console")).status == 303
    await sign_in(visit)
    await signing.put(node, "ann", "another password")
    assert (await visit.get("/console")).status == 303
    assert (await sign_in(visit, password="another password")).status == 303
    assert await node.store.write(lambda tx: tx.operators.remove("ANN"))
    assert (await visit.get("/console")).status == 303
    assert (await sign_in(visit, password="another password")).status == 403


async def test_who_follows_a_link_of_another_site_stays_signed_in(visit: Visit) -> None:
    await sign_in(visit)
    kept, visit.cookies = dict(visit.cookies), {}
    for page in ("/console", "/console/sign-in"):
        answer = await visit.get(page, **{"sec-fetch-site": "cross-site"})
        assert answer.status == 200 and "0;url=/console" in answer.text and not answer.header("set-cookie")
    visit.cookies = kept
    assert (await visit.get("/console", **{"sec-fetch-site": "same-origin"})).status == 200


async def test_the_door_leads_there_only_where_it_is_on(node: Node, console: Console) -> None:
    async def ready() -> dict[str, str]:
        return {}

    door = Door(node, ready)
    assert (await Visit(door).get("/console")).status == 404
    door.console = console
    assert (await Visit(door).get("/console")).status == 303
    assert (await Visit(door).get("/console/static/console.css")).status == 200
    assert (await Visit(door).get("/consoles")).status == 404


@pytest.mark.parametrize("password", ["short", "x" * 1001])
async def test_a_password_has_a_length(node: Node, password: str) -> None:
    with pytest.raises(passwords.BadPassword):
        await signing.put(node, "bob", password)


async def test_operators_have_a_language_too(node: Node, visit: Visit) -> None:
    await breaks(node)
    await sign_in(visit)
    page = await visit.get("/console")
    chosen = await visit.post("/console/language", {"csrf": page.field("csrf"), "back": "/console", "language": "nl"})
    assert (chosen.status, chosen.header("location")) == (303, "/console")
    page = await visit.get("/console")
    assert '<html lang="nl">' in page.text and "Er lekt stroom naar aarde" in page.text and "kritiek" in page.text
    assert (await visit.post("/console/language", {"csrf": "guessed", "language": "de"})).status == 403
