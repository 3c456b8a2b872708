"""Cards of drivers: RFID Tokens of a driver's contract. A driver orders one, the provider's people send it and say which it is.

No driver may name a card: a uid is no secret and proves nothing, anybody who has held the card or stood behind it knows it. What is
blocked is told to every CPO at once, and refused to who asks; while a CPO cannot ask, only one that it knew as valid charges.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from interplug.model.said import said
from interplug.model.types import fold, format_time
from interplug.modules.node import Node
from interplug.store.cards import CANCELLED, ORDERED, RFID, SENT, Card, Order
from interplug.store.drivers import Driver
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from .plugs import NotPossible
from .tokens import token_key

Document = dict[str, Any]
UID = re.compile(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20}")
"""Four, seven or ten bytes (ISO 14443)."""
OPEN_ORDERS = 3
LIKE = ("country_code", "party_id", "issuer", "contract_id", "group_id")
"""What a card has in common with the Token of the page."""
PERSONAL = ("visual_number", "language")


@dataclass(slots=True, frozen=True)
class Shown:
    """A card as its driver sees it."""

    card: Card
    uid: str
    valid: bool


async def cards_of(tx: Tx, node: Node, driver: str) -> list[Shown]:
    found = []
    for card in await tx.cards.of_driver(driver):
        stored = await _token(tx, node, card)
        if card.kind == RFID and stored is not None:
            found.append(Shown(card, stored.document["uid"], stored.document["valid"]))
    return found


async def order(node: Node, driver: Driver, label: str, address: str) -> Order:
    """Raises NotPossible where several are ordered already."""
    made = Order(secrets.token_hex(8), driver.id, label, address, ORDERED, "", node.clock())

    async def work(tx: Tx) -> None:
        if sum(one.state == ORDERED for one in await tx.cards.orders_of(driver.id)) >= OPEN_ORDERS:
            raise NotPossible(said("You have ordered several cards already that have not been sent yet."))
        await tx.cards.order(made)

    await node.store.write(work)
    return made


async def cancel(node: Node, driver: str, id: str) -> None:
    async def work(tx: Tx) -> None:
        found = await tx.cards.get_order(id)
        if found is None or found.driver != driver or not await tx.cards.end_order(id, CANCELLED, node.clock()):
            raise NotPossible(said("This order is not open any more."))

    await node.store.write(work)


async def sent(node: Node, id: str, uid: str) -> Card:
    """The card of an order is on its way: from here on it charges."""
    if not UID.fullmatch(uid):
        raise NotPossible("a uid of a card has 8, 14 or 20 hexadecimal digits")

    async def work(tx: Tx) -> Card:
        found = await tx.cards.get_order(id)
        driver = await tx.drivers.driver(found.driver) if found is not None else None
        if found is None or driver is None:
            raise NotPossible(f"there is no order {id!r}")
        if not await tx.cards.end_order(id, SENT, node.clock(), fold(uid)):
            raise NotPossible(f"the order has ended before: {found.state}")
        return await give(tx, node, driver, uid, found.label)

    return await node.store.write(work)


async def give(tx: Tx, node: Node, driver: Driver, uid: str, label: str) -> Card:
    """A new card of the driver's contract."""
    now, own = node.clock(), await tx.objects.get(token_key(node, driver))
    if own is None or not own.document["valid"]:
        raise NotPossible("the driver has no valid contract")
    card = Card(RFID, fold(uid), driver.id, driver.contract_id, label, now)
    if await tx.objects.find_id("tokens", uid, OWN) or not await tx.cards.add(card):
        raise NotPossible(f"there is a Token {uid!r} already")
    token: Document = {name: own.document[name] for name in LIKE if name in own.document}
    token |= {"uid": uid, "type": RFID, "valid": True, "whitelist": "ALLOWED_OFFLINE", "last_updated": format_time(now)}
    await tx.objects.save(_key(node, card), token, last_updated=now)
    return card


async def block(tx: Tx, node: Node, card: Card, blocked: bool) -> None:
    stored = await _token(tx, node, card)
    if stored is not None and stored.document["valid"] is blocked:
        await validity(tx, node, stored, not blocked)


async def void(tx: Tx, node: Node, stored: Stored) -> None:
    """Good no longer, and what may say whose it was is gone."""
    await validity(tx, node, stored, False, PERSONAL)


async def validity(tx: Tx, node: Node, stored: Stored, valid: bool, without: Collection[str] = ()) -> None:
    """Of one of our Tokens; push brings it to every CPO."""
    now = max(node.clock(), stored.last_updated + 1000)
    kept = {name: value for name, value in stored.document.items() if name not in without}
    await tx.objects.save(stored.key, {**kept, "valid": valid, "last_updated": format_time(now)}, last_updated=now)


async def tokens_of(tx: Tx, node: Node, driver: Driver) -> list[Stored]:
    """All Tokens of a driver: the page's, cards, and those of guests who came to be this driver."""
    found = [await tx.objects.get(token_key(node, driver))]
    found += [await _token(tx, node, card) for card in await tx.cards.of_driver(driver.id)]
    return [one for one in found if one is not None]


async def _token(tx: Tx, node: Node, card: Card) -> Stored | None:
    return await tx.objects.get(_key(node, card))


def _key(node: Node, card: Card) -> Key:
    party = node.directory.our_parties("EMSP")[0]
    return Key("tokens", OWN, party.country_code, party.party_id, card.uid, card.kind)
