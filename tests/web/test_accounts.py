"""Accounts of drivers on the pages: made, signed in to, forgotten, connected, emptied; and what nobody can do to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from interplug.config import AccountSettings
from interplug.drivers.drives import new_driver
from interplug.web import live, passwords
from interplug.web.driver.pages import Pages
from tests.drivers.played import UID, World, open_world, session
from tests.drivers.test_cards import tapped
from tests.nodes import close
from tests.web.members import EMAIL, MAILS, PASSWORD, account, carded, letters, link, post, sign_in, start
from tests.web.starting import words
from tests.web.test_live import location
from tests.web.visiting import Answer, Visit


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"alerts": MAILS, "accounts": AccountSettings(cards=True)}


# --- an account is made


async def test_a_guest_who_makes_an_account_keeps_the_drive_and_finds_it_elsewhere(world: World, pages: Pages, visit: Visit) -> None:
    drive = await start(world, visit)
    guest = dict(visit.cookies)
    answer = await account(world, visit)
    assert (answer.status, answer.header("location")) == (303, "/account")
    assert (await visit.get(drive)).status == 200
    elsewhere = Visit(pages)
    assert (await elsewhere.get(drive)).status == 404
    assert (await sign_in(elsewhere)).header("location") == "/account"
    assert (await elsewhere.get(drive)).status == 200
    # The cookie of the guest is worth nothing any more: signing out everywhere would not reach it.
    assert (await Visit(pages, guest).get(drive)).status == 404


async def test_a_guest_who_signs_in_brings_the_drive_along(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    guest = Visit(pages)
    drive = await start(world, guest)
    await sign_in(guest)
    assert (await guest.get(drive)).status == 200 and (await visit.get(drive)).status == 200


async def test_a_link_followed_in_another_browser_brings_what_the_first_has_charged(world: World, pages: Pages, visit: Visit) -> None:
    drive = await start(world, visit)
    await post(visit, "/account/new", email=EMAIL)
    (letter,) = await letters(world)
    mailbox = Visit(pages)
    assert (await post(mailbox, link(letter), password=PASSWORD)).status == 303
    assert (await mailbox.get(drive)).status == 200


async def test_nobody_finds_out_who_has_an_account(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    stranger = Visit(pages)
    for path in ("/account/new", "/account/forgotten"):
        known, unknown = [await post(stranger, path, email=email) for email in (EMAIL, "bob@example.org")]
        assert (known.status, unknown.status) == (200, 200)
        assert _bare(known, EMAIL) == _bare(unknown, "bob@example.org")
        assert len(await letters(world)) == 2
    wrong, nobody = await sign_in(stranger, password="another password"), await sign_in(stranger, email="bob@example.org")
    assert _bare(wrong, EMAIL) == _bare(nobody, "bob@example.org") and (wrong.status, nobody.status) == (403, 403)


def _bare(answer: Answer, email: str) -> str:
    return re.sub(r'value="[0-9a-f]{64}"', "", answer.text).replace(email, "")


async def test_who_has_an_account_already_is_told_so_in_the_letter_alone(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    await post(Visit(pages), "/account/new", email=EMAIL.upper())
    (letter,) = await letters(world)
    assert letter.address == EMAIL and "has one already" in letter.text


@pytest.mark.parametrize("email", ["", "ann", "a@b\r\nBcc: c@d.de", "a" * 300 + "@example.org"])
async def test_what_is_no_address_gets_no_letter(world: World, visit: Visit, email: str) -> None:
    assert (await post(visit, "/account/new", email=email)).status == 409
    assert await letters(world) == []


async def test_a_password_that_is_too_short_uses_up_no_link(world: World, visit: Visit) -> None:
    await post(visit, "/account/new", email=EMAIL)
    (letter,) = await letters(world)
    answer = await post(visit, link(letter), password="short")
    assert answer.status == 400 and "10 to 1000" in answer.text
    assert (await post(visit, link(letter), password=PASSWORD)).status == 303


# --- links


async def test_a_link_is_good_once_and_for_two_hours(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    for _ in range(2):
        await post(visit, "/account/forgotten", email=EMAIL)
    first, second = await letters(world)
    for _ in range(3):
        assert (await visit.get(link(first))).status == 200  # looked at by a program that opens what is in mails
    other = Visit(pages)
    assert (await post(other, link(first), password="another password")).status == 303
    for used in (first, second):
        assert (await visit.get(link(used))).status == 404
        assert (await post(visit, link(used), password="a third password")).status == 404
    world.clock.move(4000)
    await post(visit, "/account/forgotten", email=EMAIL)
    (late,) = await letters(world)
    world.clock.move(2 * 3600)
    assert (await post(visit, link(late), password="a third password")).status == 404
    assert (await sign_in(Visit(pages), password="another password")).status == 303


async def test_a_new_password_signs_everybody_else_out(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    await post(visit, "/account/forgotten", email=EMAIL)
    (letter,) = await letters(world)
    other = Visit(pages)
    await post(other, link(letter), password="another password")
    assert (await visit.get("/account")).header("location") == "/account/sign-in"
    assert (await other.get("/account")).status == 200
    assert (await sign_in(visit)).status == 403


async def test_a_link_of_one_kind_is_none_of_another(world: World, visit: Visit) -> None:
    await post(visit, "/account/new", email=EMAIL)
    (letter,) = await letters(world)
    secret = link(letter).rpartition("/")[2]
    for path in ("/account/reset/", "/account/new/x", "/account/reset/x"):
        assert (await visit.get(path + (secret if path.endswith("reset/") else ""))).status == 404


async def test_an_address_becomes_another_when_its_mailbox_says_so(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    assert (await post(visit, "/account/address", email="new@example.org", password="guess of many")).status == 403
    await post(visit, "/account/address", email="new@example.org", password=PASSWORD)
    (letter,) = await letters(world)
    assert letter.address == "new@example.org"
    stranger = Visit(pages)
    assert (await stranger.get(link(letter))).status == 303  # to sign in
    await account(world, stranger, "bob@example.org")
    assert (await post(stranger, link(letter))).status == 404
    await post(visit, "/account/address", email="new@example.org", password=PASSWORD)
    (letter,) = await letters(world)
    assert (await post(visit, link(letter))).status == 303
    assert (await sign_in(Visit(pages), email="new@example.org")).status == 303
    assert (await sign_in(Visit(pages))).status == 403


# --- sessions


async def test_signing_in_and_out_gives_the_browser_another_name(world: World, visit: Visit) -> None:
    await visit.get("/account/new")
    seen = [dict(visit.cookies)]
    await account(world, visit)
    seen.append(dict(visit.cookies))
    signed_in = dict(visit.cookies)
    await post(visit, "/account/sign-out")
    seen.append(dict(visit.cookies))
    assert len({str(one) for one in seen}) == 3
    visit.cookies = signed_in
    assert (await visit.get("/account")).status == 303  # it ended here, and not only in the browser


async def test_signing_out_everywhere_is_everywhere(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    others = [Visit(pages), Visit(pages)]
    for other in others:
        await sign_in(other)
    assert "3 browsers" in (await visit.get("/account/security")).text
    await post(visit, "/account/sign-out", everywhere="1")
    assert [(await one.get("/account")).status for one in (visit, *others)] == [303] * 3


async def test_a_live_page_ends_with_its_session(world: World, pages: Pages, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.01)
    await account(world, visit)
    async with visit.stream("/drives/live") as events:
        await events.next("drives")
        other = Visit(pages)
        await sign_in(other)
        await post(other, "/account/sign-out", everywhere="1")
        await events.next("over")


async def charges(world: World, url: str, kwh: float) -> None:
    """The operator tells how the drive goes on."""
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None
    driver = await world.node.store.read(lambda tx: tx.drivers.driver(drive.driver))
    assert driver is not None
    await world.tell("sessions", session(world, driver, drive, kwh=kwh))


@pytest.mark.parametrize("how", ["here", "everywhere", "by its time"])
async def test_a_drive_is_told_of_no_longer_once_the_session_has_ended(world: World, pages: Pages, visit: Visit, how: str) -> None:
    await account(world, visit)
    other = Visit(pages)
    await sign_in(other)
    url = await start(world, visit)
    async with visit.stream(f"{url}/live") as events, other.stream(f"{url}/live") as others:
        await events.next("stop")
        await others.next("stop")
        if how == "by its time":
            world.clock.move(91 * 86_400)
        else:
            await post(Visit(pages, dict(visit.cookies)), "/account/sign-out", **({"everywhere": "1"} if how == "everywhere" else {}))
        await charges(world, url, 1.5)
        assert "You are signed out." in await events.next("state")
        assert await events.next("stop") == "" and events.passed == []
        await events.next("over")
        await events.end()
        if how == "here":
            assert "1.50" in await others.next("figures")
        else:
            assert "You are signed out." in await others.next("state")


async def test_the_page_of_a_station_ends_with_the_session_and_comes_back_as_a_strangers(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    (place,) = (await visit.get("/stations.json")).json["stations"]
    async with visit.stream(f"/stations/{place['id']}/live") as events:
        await events.next("evse-2")
        await post(Visit(pages, dict(visit.cookies)), "/account/sign-out")
        await world.tell("locations", location(world, "CHARGING"))
        await events.next("over")
        await events.end()


async def test_a_session_ends_by_itself(world: World, visit: Visit) -> None:
    await account(world, visit)
    world.clock.move(91 * 86_400)
    assert (await visit.get("/account")).status == 303


async def test_two_tabs_of_one_browser_are_one_session_and_an_old_form_does_nothing(world: World, visit: Visit) -> None:
    before = (await visit.get("/account/new")).field("csrf")
    await account(world, visit)
    answer = await visit.post("/account/sign-out", {"csrf": before})
    assert answer.status == 403 and "expired" in answer.text
    assert (await visit.get("/account")).status == 200


async def test_guessing_is_slowed_for_a_name_in_every_process(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    workers = [Pages(world.node), Pages(world.node)]
    for number in range(passwords.OF_A_NAME):
        assert (await sign_in(Visit(workers[number % 2]), password="a guess of many")).status == 403
    assert (await sign_in(Visit(pages))).status == 429
    world.clock.move(passwords.WITHIN + 1)
    assert (await sign_in(Visit(pages))).status == 303


async def test_who_guesses_from_elsewhere_keeps_nobody_out_of_a_browser_that_is_known(
    world: World, pages: Pages, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "OF_A_NAME", 3)
    await account(world, visit)
    assert (await post(visit, "/account/sign-out")).status == 303
    stranger = Visit(pages)
    for _ in range(passwords.OF_A_NAME):
        await sign_in(stranger, password="a guess of many")
    assert (await sign_in(stranger)).status == 429
    assert (await sign_in(visit)).status == 303, "it is known for this name"
    assert (await sign_in(Visit(pages))).status == 429


async def test_a_browser_that_is_known_may_not_guess_for_ever_nor_at_another_name(
    world: World, pages: Pages, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "OF_A_NAME", 5)
    await account(world, visit)
    other = Visit(pages)
    await account(world, other, "bob@example.org")
    for one in (visit, other):
        await post(one, "/account/sign-out")
    for _ in range(passwords.OF_A_NAME):
        assert (await sign_in(visit, password="a guess of many")).status == 403
    assert (await sign_in(visit)).status == 429
    known = dict(visit.cookies)
    (name,) = [name for name in other.cookies if name.endswith("-known")]
    for forged in (other.cookies[name], "x.y", "", ".", known[name][:-1] + "g"):
        visit.cookies[name] = forged
        assert (await sign_in(visit, password="a guess of many")).status == 403, "counted among strangers, of whom none has tried yet"


async def test_a_mailbox_is_not_flooded(world: World, pages: Pages) -> None:
    said = [(await post(Visit(pages), "/account/forgotten", email=EMAIL)).status for _ in range(4)]
    assert said == [200, 200, 200, 429] and len(await letters(world)) == 3


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_elsewhere_after_signing_in(world: World, pages: Pages, visit: Visit, back: str) -> None:
    await account(world, visit)
    assert (await sign_in(Visit(pages), back=back)).header("location") == "/account"
    assert (await sign_in(Visit(pages), back="/drives")).header("location") == "/drives"


@pytest.mark.parametrize("path", ["", "/security", "/cards", "/favourites", "/payment", "/data", "/data.json"])
async def test_pages_of_an_account_are_for_who_is_signed_in(world: World, visit: Visit, path: str) -> None:
    assert (await visit.get(f"/account{path}")).status == (401 if path.endswith(".json") else 303)
    await account(world, visit)
    assert (await visit.get(f"/account{path}")).status == 200


@pytest.mark.parametrize("path", ["sign-in", "sign-out", "new", "forgotten", "password", "address", "cards", "erase", "passkeys/new"])
async def test_a_form_of_another_site_does_nothing(world: World, visit: Visit, path: str) -> None:
    await account(world, visit)
    assert (await visit.post(f"/account/{path}", {"csrf": "0" * 64})).status == 403


async def test_where_there_are_no_accounts_there_is_no_way_to_them(tmp_path: Path) -> None:
    made = await open_world(tmp_path, accounts=AccountSettings(enabled=False))
    visit = Visit(Pages(made.node))
    assert (await visit.get("/account")).status == 404 and 'href="/account"' not in (await visit.get("/")).text
    await close(made.node)


# --- cards


async def test_a_card_is_ordered_and_blocked_by_its_driver_alone(world: World, pages: Pages, visit: Visit) -> None:
    await carded(world, visit)
    assert "The blue car" in (await visit.get("/account/cards")).text
    stranger = Visit(pages)
    await account(world, stranger, "bob@example.org")
    assert (await post(stranger, f"/account/cards/{UID.lower()}/block", blocked="1")).status == 404
    assert (await post(visit, f"/account/cards/{UID.lower()}/block", blocked="1")).status == 303
    assert "Blocked" in (await visit.get("/account/cards")).text


async def test_what_is_charged_with_the_card_appears_in_the_open_list_by_itself(world: World, pages: Pages, visit: Visit) -> None:
    await carded(world, visit)
    driver = await world.node.store.read(lambda tx: tx.drivers.with_token(UID))
    assert driver is not None
    async with visit.stream("/drives/live") as events:
        assert "not charged yet" in await events.next("drives")
        await world.tell("sessions", tapped(world, driver))
        assert "The blue car" in await events.next("drives")
    (drive,) = (await visit.get("/drives.json?card=04a1b2c3")).json["drives"]
    assert (await visit.get("/drives.json?card=page")).json["total"] == 0
    assert (await visit.get(f"/drives/{drive['id']}")).status == 200


# --- history


async def test_history_is_searched_and_taken_along(world: World, visit: Visit) -> None:
    drive = await start(world, visit)
    name = drive.rpartition("/")[2]
    for query, count in (("", 1), ("from=2026-01-01&to=2026-01-01", 1), ("from=2026-01-02", 0), ("place=nowhere", 0), ("from=nonsense", 1)):
        assert (await visit.get(f"/drives.json?{query}")).json["total"] == count, query
    page = await visit.get("/drives?place=nowhere")
    assert page.status == 200 and "0 charges" in page.text
    table = await visit.get("/drives.csv")
    head, row = table.text.strip().splitlines()
    assert head.startswith("charge,began_at") and row.startswith(name) and "'" not in row, "what is empty is empty"
    assert (await Visit(visit.app).get("/drives.csv")).text.strip() == head


async def test_days_are_those_of_the_stations_clock(world: World, visit: Visit) -> None:
    world.clock.move(-1800)  # half past eleven in the evening of UTC, half past twelve in Amsterdam
    await start(world, visit)
    assert "1 Jan 2026, 00:30 CET" in words(await visit.get("/drives"))
    for query, count in (("from=2026-01-01", 1), ("to=2025-12-31", 0), ("from=0001-01-01&to=9999-12-31", 1)):
        assert (await visit.get(f"/drives.json?{query}")).json["total"] == count, query


async def test_a_page_beyond_the_end_is_the_last_one(world: World, visit: Visit) -> None:
    await start(world, visit)
    for page in ("2", "999", "99999999999999999"):
        shown = await visit.get(f"/drives?page={page}")
        assert "Stationsplein 1" in words(shown) and "You have not charged" not in shown.text, page
        assert (await visit.get(f"/drives.json?all=1&page={page}")).json["drives"] == []


# --- favourites


async def test_a_station_is_kept_and_told_of_once_when_something_is_free(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    (place,) = (await visit.get("/stations.json")).json["stations"]
    path = f"/stations/{place['id']}"
    assert (await post(visit, f"{path}/favourite", kept="1")).header("location") == path
    assert place["name"] in (await visit.get("/account/favourites")).text
    assert (await post(visit, f"{path}/watch", waits="1")).status == 303
    told: list[tuple[str, str, str]] = []

    class Push:
        async def notify(self, driver: str, text: str, url: str) -> None:
            told.append((driver, text, url))

    pages.favourites.notices = Push()
    await pages.favourites.tick()
    await pages.favourites.tick()
    (letter,) = await letters(world)
    assert letter.address == EMAIL and "free charge point" in letter.subject and path in letter.text
    assert [one[2].endswith(path) for one in told] == [True]
    await post(visit, f"{path}/favourite", kept="0")
    assert place["name"] not in (await visit.get("/account/favourites")).text
    assert (await post(visit, "/stations/999/favourite", kept="1")).status == 404


# --- a link to a drive


async def test_a_drive_is_followed_on_another_device_by_a_link_and_nothing_else_is(world: World, pages: Pages, visit: Visit) -> None:
    drive = await start(world, visit)
    assert (await post(visit, f"{drive}/link", email=EMAIL)).status == 200
    (letter,) = await letters(world)
    device = Visit(pages)
    assert (await device.get(drive)).status == 404
    assert (await device.get(link(letter))).header("location") == drive
    assert (await device.get(drive)).status == 200
    assert (await device.get("/drives.json")).json["drives"] == []
    found = await device.get("/drives")
    assert "Sent to you with a link" in found.text and f'href="{drive}"' in found.text, "and found again"
    assert "Sent to you" not in (await visit.get("/drives")).text
    other = "1" if link(letter).endswith("0") else "0"
    assert (await Visit(pages).get(link(letter)[:-1] + other)).status == 404
    async with device.stream(f"{drive}/live") as events:
        await events.next("stop")
        world.clock.move(15 * 86_400)
        await charges(world, drive, 1.5)
        assert "This link is not good any more." in await events.next("state")
        await events.next("over")
    assert (await device.get(drive)).status == 404 and (await Visit(pages).get(link(letter))).status == 404


async def test_a_link_to_somebody_elses_drive_is_sent_to_nobody(world: World, pages: Pages, visit: Visit) -> None:
    drive = await start(world, visit)
    assert (await post(Visit(pages), f"{drive}/link", email="eve@example.org")).status == 404
    assert await letters(world) == []


# --- the driver's data


async def test_all_that_is_kept_of_a_driver_is_one_document(world: World, visit: Visit) -> None:
    await carded(world, visit)
    await start(world, visit)
    document: dict[str, Any] = (await visit.get("/account/data.json")).json
    assert document["account"]["email"] == EMAIL and len(document["charges"]) == 1
    assert {one["type"] for one in document["tokens"]} == {"APP_USER", "RFID"}
    assert PASSWORD not in str(document) and "argon2" not in str(document)


async def test_an_erased_account_is_gone_and_its_cards_are_refused(world: World, pages: Pages, visit: Visit) -> None:
    await carded(world, visit)
    other = Visit(pages)
    await sign_in(other)
    assert (await post(visit, "/account/erase", password="guess of many", really="yes")).status == 403
    assert (await post(visit, "/account/erase", password=PASSWORD)).status == 409
    answer = await post(visit, "/account/erase", password=PASSWORD, really="yes")
    assert answer.status == 200 and "Your account is erased" in answer.text
    assert [(await one.get("/account")).status for one in (visit, other)] == [303, 303]
    assert (await sign_in(other)).status == 403
    said = (await world.partner.fetch(f"tokens/{UID}/authorize", "POST")).data
    assert isinstance(said, dict) and said["allowed"] == "BLOCKED"
    driver = await new_driver(world.node)
    assert await world.node.store.read(lambda tx: tx.accounts.get(driver.id)) is None
