"""A reservation on the driver's pages: from the plug to the start, live, and nobody else's."""

from __future__ import annotations

import pytest

from interplug.drivers.reserving import happened, tick
from interplug.modules import asking
from interplug.store.accounts import Account
from interplug.store.reservations import Reservation
from interplug.store.tx import Tx
from interplug.web.driver.driving import STARTS
from interplug.web.driver.pages import Pages
from tests.drivers.played import World
from tests.drivers.test_reserving import station
from tests.web.starting import number, offered, words
from tests.web.visiting import Answer, Visit


async def reserve(visit: Visit, world: World, minutes: str = "30") -> Answer:
    await station(world)
    page = await visit.get(f"/stations/{await number(visit)}")
    assert "Reserve" in words(page) and "names nothing for reserving" in words(page)
    fields = {name: page.field(name) for name in ("csrf", "station", "evse", "connector")}
    return await visit.post("/reservations", {**fields, "minutes": minutes})


async def accepted(world: World) -> Reservation:
    [one] = await world.node.store.read(lambda tx: tx.reservations.in_states(("ASKED",)))
    row = await asking.status(world.node, one.command)
    assert row is not None
    await world.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {"result": "ACCEPTED"})
    await tick(world.node)
    return one


async def test_from_the_plug_to_the_drive(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    assert "Asking the operator" in words(await visit.get(url))
    await accepted(world)
    page = await visit.get(url)
    assert "Reserved for you" in words(page) and "Time left 30:00" in words(page)
    assert (await visit.get(f"{url}.json")).json["state"] == "RESERVED"
    assert "Reserved for you" in words(await visit.get(f"/stations/{await number(visit)}")), "there, too"
    answer = await visit.post(f"{url}/start", {"csrf": page.field("csrf")})
    assert answer.header("location") == url.replace("reservations", "drives"), "under the same reference"
    twice = await visit.post(f"{url}/start", {"csrf": page.field("csrf")})
    assert twice.header("location") == answer.header("location"), "who presses twice means one"


async def test_the_page_says_what_charging_costs_and_nothing_starts_at_another_price(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    await accepted(world)
    await offered(world, fee={"per_session": 1, "currency": "EUR", "vat": 0})
    page = await visit.get(url)
    assert "€1.00 per session" in words(page)
    await offered(world, fee={"per_session": 2, "currency": "EUR", "vat": 0})
    answer = await visit.post(f"{url}/start", {name: page.field(name) for name in ("csrf", "price")})
    assert answer.status == 409 and "price has just changed" in answer.text
    assert [one.url.rpartition("/")[2] for one in world.cpo.asked] == ["RESERVE_NOW"]


async def test_the_open_page_hears_of_it_and_ends_with_it(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    async with visit.stream(f"{url}/live") as events:
        assert "Asking" in await events.next("reservation")
        await accepted(world)
        shown = await events.next("reservation")
        assert "Reserved for you" in shown
        world.clock.move(1801)
        await tick(world.node)
        assert "The time is over" in await events.next("reservation")
        await events.next("over")


async def test_a_reservation_is_told_of_no_longer_to_who_is_somebody_else_by_now(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    async with visit.stream(f"{url}/live") as events:
        await events.next("reservation")
        one = await accepted(world)
        await events.next("reservation")
        await world.node.store.write(lambda tx: open_account_of(tx, one.driver))
        world.clock.move(1801)
        await tick(world.node)
        assert "You are signed out." in await events.next("reservation")
        await events.next("over")


async def open_account_of(tx: Tx, driver: str) -> None:
    """Of a guest: the browser's cookie is worth nothing any more."""
    await tx.accounts.add(Account(driver, None, "", "en", 0))


async def test_it_is_let_go_with_a_proof_alone(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    await accepted(world)
    assert (await visit.post(f"{url}/cancel")).status == 403
    page = await visit.get(url)
    assert (await visit.post(f"{url}/cancel", {"csrf": page.field("csrf")})).status == 303
    assert "Letting it go" in words(await visit.get(url))


async def test_it_is_nobody_elses(world: World, pages: Pages, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    stranger = Visit(pages)
    proof = (await stranger.get("/stations.json")).json["csrf"]
    assert [(await stranger.get(one)).status for one in (url, f"{url}.json", f"{url}/live")] == [404] * 3
    assert [(await stranger.post(f"{url}/{what}", {"csrf": proof})).status for what in ("start", "cancel")] == [404] * 2


@pytest.mark.parametrize("minutes", ["", "7", "x", "999999999"])
async def test_only_the_times_that_are_offered(world: World, visit: Visit, minutes: str) -> None:
    answer = await reserve(visit, world, minutes)
    assert answer.status == 409 and "for how long" in words(answer) and world.cpo.asked == []


async def test_the_list_of_drives_leads_back_to_it(world: World, visit: Visit) -> None:
    url = (await reserve(visit, world)).header("location")
    assert f'href="{url}"' in (await visit.get("/drives")).text


async def test_who_reserves_again_and_again_has_to_wait(world: World, visit: Visit) -> None:
    for _ in range(STARTS):
        url = (await reserve(visit, world)).header("location")
        await accepted(world)
        [one] = await world.node.store.read(lambda tx: tx.reservations.in_states(("RESERVED",)))
        await happened(world.node, one.id, "over")
        assert url.endswith(one.id)
    assert (await reserve(visit, world)).status == 429
