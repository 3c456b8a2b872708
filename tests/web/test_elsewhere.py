"""Signing in by what another service says: the right way, and every wrong answer of a service, a browser or somebody between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import RSAKey

from interplug.config import AccountSettings, BadSettings, Network
from interplug.drivers.places import PlaceList
from interplug.web.driver.pages import Pages
from tests.drivers.played import World, open_world
from tests.nodes import Clock, close
from tests.web.identity import CLIENT, SECRET, Provider, provider
from tests.web.members import MAILS, account, letters, link, post, start
from tests.web.visiting import Answer, Visit

NAMES = {"oidc_clients": {"Example": CLIENT}, "oidc_secrets": {"Example": SECRET}}


@pytest.fixture
async def service() -> AsyncIterator[Provider]:
    async with provider(Clock()) as made:
        yield made


@pytest.fixture
def sections(service: Provider) -> dict[str, Any]:
    near = Network(allow_private=True, allow_http=True)
    return {"alerts": MAILS, "accounts": AccountSettings(oidc={"Example": service.url}, **NAMES), "network": near}


@pytest.fixture
def world(world: World, service: Provider) -> World:
    """The service has the same clock."""
    service.clock = world.clock
    return world


async def away(visit: Visit, service: Provider) -> str:
    """To the service, and where it sends the browser back to: path and query."""
    await visit.get("/account/sign-in")
    left = await visit.get("/account/with/Example")
    assert left.status == 303 and left.header("location").startswith(f"{service.url}/authorize?")
    back = urlsplit(service.back(left.header("location")))
    return f"{back.path}?{back.query}"


async def through(visit: Visit, service: Provider) -> Answer:
    return await visit.get(await away(visit, service))


async def test_whom_the_service_knows_has_an_account_with_the_address_that_it_has_confirmed(
    world: World, pages: Pages, visit: Visit, service: Provider
) -> None:
    assert (await through(visit, service)).header("location") == "/account"
    page = (await visit.get("/account")).text
    assert "ann@example.org" in page
    again = Visit(pages)
    await through(again, service)
    assert (await again.get("/account")).text.count("ann@example.org") == page.count("ann@example.org")
    assert len(await world.node.store.read(lambda tx: tx.accounts.newest(9))) == 1


async def test_a_guest_who_comes_by_a_service_keeps_the_drive(world: World, visit: Visit, service: Provider) -> None:
    await PlaceList(world.node).tick()
    drive = await start(world, visit)
    await through(visit, service)
    assert (await visit.get(drive)).status == 200


async def test_an_address_that_the_service_has_not_confirmed_is_nobodys(world: World, visit: Visit, service: Provider) -> None:
    service.who["email_verified"] = False
    await through(visit, service)
    (made,) = await world.node.store.read(lambda tx: tx.accounts.newest(9))
    assert made.email is None


async def test_a_service_opens_no_account_that_is_there(world: World, pages: Pages, visit: Visit, service: Provider) -> None:
    await account(world, visit)
    stranger = Visit(pages)
    answer = await through(stranger, service)
    assert answer.status == 409 and "Sign in to it first" in answer.text
    assert (await stranger.get("/account")).status == 303


async def test_its_driver_connects_a_service_by_a_button_and_parts_from_it_while_another_way_is_left(
    world: World, pages: Pages, visit: Visit, service: Provider
) -> None:
    await account(world, visit)
    page = (await through(visit, service)).header("location")
    assert page.startswith("/account/connect/")
    other = Visit(pages)
    assert (await through(other, service)).status == 409  # not connected yet
    assert (await post(visit, page)).status == 303
    assert (await post(visit, page)).status == 404
    assert (await through(other, service)).header("location") == "/account"
    assert (await post(visit, "/account/disconnect/Example")).status == 303
    assert (await through(Visit(pages), service)).status == 409


async def test_the_last_way_in_stays(world: World, visit: Visit, service: Provider) -> None:
    service.who.pop("email")
    await through(visit, service)
    answer = await post(visit, "/account/disconnect/Example")
    assert answer.status == 409 and "last way" in answer.text


WRONG = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "somebody else"},
    {"aud": [CLIENT, "somebody else"]},
    {"azp": "somebody else"},
    {"iss": "https://evil.example"},
    {"exp": 1},
    {"exp": None},
    {"sub": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=[str(one) for one in WRONG])
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(world: World, visit: Visit, service: Provider, wrong: dict[str, Any]) -> None:
    service.wrong = wrong
    assert (await through(visit, service)).status == 502
    assert (await visit.get("/account")).status == 303
    assert await world.node.store.read(lambda tx: tx.accounts.newest(9)) == []


async def test_a_token_that_somebody_else_has_signed_lets_nobody_in(world: World, visit: Visit, service: Provider) -> None:
    service.key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert (await through(visit, service)).status == 502


async def test_an_answer_is_used_once_in_time_and_by_the_browser_that_asked(
    world: World, pages: Pages, visit: Visit, service: Provider
) -> None:
    back = await away(visit, service)
    thief = Visit(pages)
    await thief.get("/account/sign-in")
    assert (await thief.get(back)).status == 400
    assert (await visit.get(back)).status == 400  # gone with the try of the thief
    back = await away(visit, service)
    assert (await visit.get(back)).status == 303
    assert (await visit.get(back)).status == 400
    back = await away(visit, service)
    world.clock.move(11 * 60)
    assert (await visit.get(back)).status == 400


@pytest.mark.parametrize("query", ["", "state=x&code=y", "error=access_denied"])
async def test_who_comes_back_with_nothing_gets_nothing(visit: Visit, query: str) -> None:
    assert (await visit.get(f"/account/with?{query}")).status == 400


async def test_who_does_not_want_to_is_told_so(visit: Visit, service: Provider) -> None:
    back = await away(visit, service)
    refused = back.replace("code=", "error=access_denied&x=")
    assert (await visit.get(refused)).status == 400


async def test_a_service_that_is_down_is_said_to_be(visit: Visit, service: Provider) -> None:
    service.down = True
    answer = await visit.get("/account/with/Example")
    assert answer.status == 503 and "Example does not answer" in answer.text
    assert (await visit.get("/account/with/Nobody")).status == 404


async def test_an_account_of_a_service_can_get_a_password_by_its_mailbox(
    world: World, pages: Pages, visit: Visit, service: Provider
) -> None:
    await through(visit, service)
    await post(visit, "/account/forgotten", email="ann@example.org")
    (letter,) = await letters(world)
    assert (await post(Visit(pages), link(letter), password="correct horse battery")).status == 303


@pytest.mark.parametrize("accounts", [AccountSettings(oidc={"A": "http://id.example"}, **NAMES), AccountSettings(oidc={"B": "https://id"})])
async def test_a_service_without_tls_or_without_a_client_is_no_setting(tmp_path: Path, accounts: AccountSettings) -> None:
    made = await open_world(tmp_path, accounts=accounts, network=Network(allow_private=True))
    with pytest.raises(BadSettings):
        Pages(made.node)
    await close(made.node)
