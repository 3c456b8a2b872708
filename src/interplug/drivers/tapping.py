"""A charge that a driver of ours began with a card: its Session, or the CDR where that comes first, becomes a drive.

It has the price that held when the session started, as a drive that was begun on the page has the price that was shown: the operator's
Tariffs of the plug, and our offer. A credit CDR, a Session that never was, and one that only keeps a plug for the driver make none.
"""

from __future__ import annotations

import secrets
from typing import Any

from interplug.model.types import encode_json, fold, parse_time
from interplug.modules.node import Node
from interplug.store.cards import RFID, Card
from interplug.store.drivers import Drive
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from .drives import SESSION_WITHIN
from .matching import EARLY, session_of
from .offers import chosen, encoded, known
from .plugs import tariffs_of
from .situations import of_cdr, of_session
from .states import STARTED

Document = dict[str, Any]


async def begun_with_card(tx: Tx, node: Node, stored: Stored) -> Drive | None:
    """For what belongs to no drive yet. None: no driver's card, or nothing that was charged."""
    document = stored.document
    if document.get("credit") or document.get("status") == "INVALID":
        return None
    card, began = await _card(tx, node, stored), parse_time(document["start_date_time"])
    if card is None or began < card.created_at - EARLY:  # before it was this driver's
        return None
    if not _charged(document) and await _reserved(tx, stored, card, began):
        return None
    there = await _there(tx, stored, card, began)
    if there is not None:
        return there
    drive = await _drive(tx, node, stored, card)
    await tx.drivers.add(drive)
    return drive


async def _card(tx: Tx, node: Node, stored: Stored) -> Card | None:
    token = stored.document["cdr_token"]
    found = await tx.cards.get(RFID, token["uid"])
    connection = node.directory.by_id(stored.key.source)
    if found is not None or connection is None or VERSIONS[connection.version or ""].token_type_param:
        return found
    # 2.1.1 names the contract alone, and what was taken for its Token may be another of the driver's.
    driver = await tx.drivers.with_token(token["uid"]) or await tx.drivers.with_contract(token["contract_id"])
    cards = await tx.cards.of_driver(driver.id) if driver is not None else []
    return next((one for one in reversed(cards) if one.kind == RFID), None)


def _charged(document: Document) -> bool:
    return document.get("status") not in ("PENDING", "RESERVATION", "COMPLETED") or document["kwh"] > 0


async def _reserved(tx: Tx, stored: Stored, card: Card, began: int) -> bool:
    """Whether it is how the operator tells of a reservation that the driver has made (2.1.1 has no words of its own for that)."""
    evse = fold(_place(stored)[1])
    return any(
        one.connection == stored.key.source and fold(one.evse) == evse and abs(began - one.created_at) <= EARLY
        for one in await tx.reservations.of_driver(card.driver)
    )


async def _there(tx: Tx, stored: Stored, card: Card, began: int) -> Drive | None:
    """The drive that the other of the two has made: a Session that is read after its CDR."""
    evse, which = fold(_place(stored)[1]), "session" if stored.key.module == "sessions" else "cdr"
    for drive in await tx.drivers.of_driver(card.driver):
        same = drive.token == card.uid and drive.connection == stored.key.source and fold(drive.evse) == evse
        if same and not getattr(drive, which) and abs(drive.created_at - began) <= EARLY:
            return drive
    return None


async def _drive(tx: Tx, node: Node, stored: Stored, card: Card) -> Drive:
    key, (place, evse, connector) = stored.key, _place(stored)
    session = stored.key.module == "sessions"
    here = await (of_session if session else of_cdr)(tx, node, stored)
    return Drive(
        id=secrets.token_hex(16),
        driver=card.driver,
        connection=key.source,
        country=key.country,
        party=key.party,
        place=place,
        evse=evse,
        connector=connector,
        state=STARTED,
        session=0 if session else await session_of(tx, stored),
        created_at=parse_time(stored.document["start_date_time"]),
        deadline=node.after(SESSION_WITHIN),
        # A CDR brings the Tariffs that it was priced by; nobody was shown others before.
        shown=encode_json(await _tariffs(tx, key, place, evse, connector) if session else []),
        offer=encoded(chosen(map(known, await tx.offers.at(here.at)), here)),
        token=card.uid,
    )


async def _tariffs(tx: Tx, key: Key, place: str, evse: str, connector: str) -> list[Document]:
    location = Key("locations", key.source, key.country, key.party, place)
    found = await tx.objects.get_evse(location, evse)
    plugs = found.document["connectors"] if found is not None else ()
    plug = next((one for one in plugs if fold(one["id"]) == fold(connector)), None)
    return [] if plug is None else await tariffs_of(tx, location, plug.get("tariff_ids") or ())


def _place(stored: Stored) -> tuple[str, str, str]:
    """Location, EVSE and Connector."""
    document = stored.document
    place = document.get("cdr_location")
    if place is not None:
        return place["id"], place["evse_uid"], place["connector_id"]
    return document["location_id"], document["evse_uid"], document["connector_id"]
