"""Saved bank cards on the driver's pages: seen, made the usual one, removed, chosen at a start; and what nobody else can do with them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from interplug.config import Payments
from interplug.drivers.offers import read_offer
from interplug.web.driver.pages import Pages
from tests.drivers.played import RETAIL, World
from tests.drivers.test_reserving import station
from tests.payments.standing import AGED, CHALLENGED, GOOD, OTHER, SPENT
from tests.web.members import MAILS, PASSWORD, account, post, start
from tests.web.starting import number, words
from tests.web.test_paying import entered
from tests.web.test_reserving import accepted
from tests.web.visiting import Answer, Visit


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"alerts": MAILS, "payments": Payments(provider="test", webhook_secret="s")}


@pytest.fixture
async def world(world: World) -> World:
    """Its price is our own."""
    offer = read_offer({"id": "OURS", "tariff": RETAIL})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    return world


async def ended(world: World, drive: str) -> None:
    """The operator does not want it, and so another one can be begun."""
    found = await world.node.store.read(lambda tx: tx.drivers.get(drive.rpartition("/")[2]))
    assert found is not None
    await world.result(found, "REJECTED")


async def remembered(world: World, pages: Pages, visit: Visit, card: str = GOOD) -> str:
    """A card that was remembered at a charge that came to nothing; its id."""
    drive = await start(world, visit)
    await entered(visit, drive, card, remember=True)
    await ended(world, drive)
    assert pages.desk is not None
    await pages.desk.purse.tick()
    return str(next(one["id"] for one in await methods(visit) if one["last4"] == card[-4:]))


async def methods(visit: Visit) -> list[dict[str, Any]]:
    return list((await visit.get("/account/payment", accept="application/json")).json["methods"])


async def pressed(visit: Visit, method: str) -> Answer:
    station = (await visit.get("/stations.json")).json["stations"][0]["id"]
    page = await visit.get(f"/stations/{station}")
    fields = {"csrf": page.field("csrf"), "station": str(station), "evse": "E1", "connector": "1", "price": page.field("price")}
    return await visit.post("/drives", {**fields, "method": method})


async def test_save_choose_and_remove(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    assert "None yet. When you pay by card" in words(await visit.get("/account/payment"))
    card = await remembered(world, pages, visit)
    page = await visit.get("/account/payment")
    assert "Visa •••• 4242" in page.text and "12/2029" in page.text and GOOD not in page.text
    station = (await visit.get("/stations.json")).json["stations"][0]["id"]
    assert f'<option value="{card}" selected>Visa •••• 4242</option>' in (await visit.get(f"/stations/{station}")).text
    asked = len(world.cpo.asked)
    drive = (await pressed(visit, card)).header("location")
    found = (await visit.get(f"{drive}.json")).json
    assert (found["state"], found["payment"]["state"], found["payment"]["held"]) == ("ACCEPTED", "held", 37)
    assert len(world.cpo.asked) == asked + 1
    assert (await post(visit, f"/account/payment/{card}/remove")).status == 303
    assert await methods(visit) == [] and "4242" not in (await visit.get(f"/stations/{station}")).text
    await ended(world, drive)
    assert (await pressed(visit, card)).status == 409


async def test_a_saved_card_that_is_declined_says_so_and_another_one_pays(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    card, asked = await remembered(world, pages, visit, SPENT), len(world.cpo.asked)
    drive = (await pressed(visit, card)).header("location")
    page = words(await visit.get(drive))
    assert "The card is declined. Nothing is held yet, and nothing was started. Pay with another card." in page
    assert len(world.cpo.asked) == asked
    await entered(visit, drive, OTHER)
    assert (await visit.get(f"{drive}.json")).json["state"] == "ACCEPTED" and len(world.cpo.asked) == asked + 1


async def test_a_bank_that_wants_a_proof_is_a_button_on_the_page(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    drive = (await pressed(visit, await remembered(world, pages, visit, CHALLENGED))).header("location")
    page = words(await visit.get(drive))
    assert "Your bank wants to make sure that it is you." in page and "Confirm with your bank" in page
    assert "/challenge/" in (await visit.get(f"{drive}/pay")).header("location")


async def test_an_expired_card_is_marked_and_not_offered(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    await remembered(world, pages, visit)
    card = await remembered(world, pages, visit, AGED)
    found = {one["id"]: (one["usual"], one["expired"]) for one in await methods(visit)}
    assert found.pop(card) == (False, True) and list(found.values()) == [(True, False)]
    station = (await visit.get("/stations.json")).json["stations"][0]["id"]
    page = (await visit.get(f"/stations/{station}")).text
    assert "•••• 0069" not in page and "•••• 4242" in page
    assert "Expired" in (await visit.get("/account/payment")).text


async def test_the_usual_one_is_chosen_where_nobody_chooses(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    first = await remembered(world, pages, visit)
    world.clock.move(60)
    await remembered(world, pages, visit, OTHER)
    assert [(one["last4"], one["usual"]) for one in await methods(visit)] == [("4444", True), ("4242", False)]
    await post(visit, f"/account/payment/{first}/usual")
    assert [(one["last4"], one["usual"]) for one in await methods(visit)] == [("4242", True), ("4444", False)]


async def test_the_same_start_again_is_paid_with_the_same_card(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    drive = (await pressed(visit, await remembered(world, pages, visit))).header("location")
    await ended(world, drive)
    again = await visit.post(f"{drive}/again", {"csrf": (await visit.get(drive)).field("csrf")})
    assert (await visit.get(f"{again.header('location')}.json")).json["payment"]["state"] == "held"


async def test_who_was_lent_a_drive_starts_again_with_a_card_of_their_own(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    drive = (await pressed(visit, await remembered(world, pages, visit))).header("location")
    await ended(world, drive)
    cookies, other = pages.surface.cookies, Visit(pages)
    await other.get("/")
    other.cookies[cookies.lent_name] = cookies.lending(drive.rpartition("/")[2], world.clock() + 10**9)
    again = await other.post(f"{drive}/again", {"csrf": (await other.get(drive)).field("csrf")})
    assert again.status == 303 and again.header("location") != drive
    assert (await other.get(f"{again.header('location')}.json")).json["state"] == "PAYING"


async def test_saved_cards_are_their_drivers_alone(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    card = await remembered(world, pages, visit)
    stranger, guest = Visit(pages), Visit(pages)
    await account(world, stranger, "bob@example.org")
    assert await methods(stranger) == []
    for path in ("remove", "usual"):
        assert (await post(stranger, f"/account/payment/{card}/{path}")).status == 409
        assert (await post(guest, f"/account/payment/{card}/{path}")).status == 303
        assert (await visit.post(f"/account/payment/{card}/{path}", {"csrf": "0" * 64})).status == 403
    assert (await pressed(stranger, card)).status == (await pressed(guest, card)).status == 409
    assert [one["id"] for one in await methods(visit)] == [card] and world.cpo.asked[1:] == []


async def test_who_is_invoiced_is_offered_no_card(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    await remembered(world, pages, visit)
    settings = msgspec.structs.replace(world.node.settings.payments, method="invoice")
    world.node.settings = msgspec.structs.replace(world.node.settings, payments=settings)
    station = (await visit.get("/stations.json")).json["stations"][0]["id"]
    assert "4242" not in (await visit.get(f"/stations/{station}")).text
    assert "4242" in (await visit.get("/account/payment")).text, "what is kept can still be removed"


async def test_they_are_in_my_data_and_go_with_the_account(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    await remembered(world, pages, visit)
    (one,) = (await visit.get("/account/data.json")).json["payment_methods"]
    assert (one["brand"], one["last4"], one["expires"], one["usual"]) == ("visa", "4242", "2029-12", True)
    assert pages.desk is not None
    payer = await world.node.store.read(lambda tx: tx.db.one("select customer from payer"))
    assert payer is not None
    assert len(await pages.desk.till.provider.methods(payer[0])) == 1
    assert (await post(visit, "/account/erase", password=PASSWORD, really="yes")).status == 200
    await pages.desk.purse.tick()
    assert await pages.desk.till.provider.methods(payer[0]) == []


async def test_a_reserved_charge_point_is_started_with_a_saved_card(world: World, pages: Pages, visit: Visit) -> None:
    await account(world, visit)
    card = await remembered(world, pages, visit)
    await station(world)
    page = await visit.get(f"/stations/{await number(visit)}")
    fields = {name: page.field(name) for name in ("csrf", "station", "evse", "connector")}
    kept = (await visit.post("/reservations", {**fields, "minutes": "30"})).header("location")
    await accepted(world)
    page = await visit.get(kept)
    assert f'<option value="{card}" selected>' in page.text
    started = await visit.post(f"{kept}/start", {"csrf": page.field("csrf"), "price": page.field("price"), "method": card})
    assert (await visit.get(f"{started.header('location')}.json")).json["payment"]["state"] == "held"
