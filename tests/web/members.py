"""Accounts as a person makes and uses them on the driver's pages, for tests that need one."""

from __future__ import annotations

import re

from interplug.config import AlertSettings
from interplug.drivers import cards
from interplug.store.letters import Letter
from tests.drivers.played import UID, World
from tests.web.visiting import Answer, Visit

EMAIL, PASSWORD = "ann@example.org", "correct horse battery"
MAILS = AlertSettings(smtp_host="mail.example", mail_from="charging@node.example")


async def post(visit: Visit, path: str, **fields: str) -> Answer:
    """A form of the page that is open, with its proof."""
    proof = (await visit.get("/account/new")).field("csrf")
    return await visit.post(path, {"csrf": proof, **fields})


async def letters(world: World) -> list[Letter]:
    found = await world.node.store.read(lambda tx: tx.letters.due(world.clock(), 100))
    for one in found:
        await world.node.store.write(lambda tx, no=one.no: tx.letters.drop(no))  # type: ignore[misc]
    return found


def link(letter: Letter) -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", letter.text)
    assert found is not None
    return found[1]


async def account(world: World, visit: Visit, email: str = EMAIL, password: str = PASSWORD) -> Answer:
    """Made as a person does it."""
    assert (await post(visit, "/account/new", email=email)).status == 200
    (letter,) = await letters(world)
    page = link(letter)
    assert (await visit.get(page)).status == 200
    return await post(visit, page, password=password)


async def sign_in(visit: Visit, email: str = EMAIL, password: str = PASSWORD, **more: str) -> Answer:
    return await post(visit, "/account/sign-in", email=email, password=password, **more)


async def start(world: World, visit: Visit) -> str:
    """A drive of whoever looks; its path."""
    (place,) = (await visit.get("/stations.json")).json["stations"]
    page = await visit.get(f"/stations/{place['id']}")
    fields = {"csrf": page.field("csrf"), "station": str(place["id"]), "evse": "E1", "connector": "1", "price": page.field("price")}
    answer = await visit.post("/drives", fields)
    assert answer.status == 303, answer.text
    return answer.header("location")


async def carded(world: World, visit: Visit) -> None:
    await account(world, visit)
    await post(visit, "/account/cards", label="The blue car", address="Ann Example\nStreet 1\n10115 Berlin")
    (ordered,) = await world.node.store.read(lambda tx: tx.cards.orders_in("ordered", 9))
    assert ordered.address == "Ann Example\nStreet 1\n10115 Berlin"
    await cards.sent(world.node, ordered.id, UID)
