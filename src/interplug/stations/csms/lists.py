"""The local list of a station: cards that may charge while it cannot ask (OCPP 1.6 section 3.5.3, 2.x use cases D01 and D02).

On it stand the valid cards of partners whose whitelist lets us decide: ALWAYS, ALLOWED, ALLOWED_OFFLINE; NEVER means never. The number
of a list is made from what is on it, so a station that has it already is told nothing. A list is sent after a boot, in parts that
stations take; one that has no lists, or refuses one, is left alone.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from interplug.modules.node import Node
from interplug.stations.ocpp.link import IDLE, Link, Refused
from interplug.store.keys import OWN
from interplug.store.tx import Tx

from .events import IdToken
from .speech import Speech
from .tokens import SAID_AS

log = logging.getLogger(__name__)
WHITELISTS = ("ALWAYS", "ALLOWED", "ALLOWED_OFFLINE")
PART = 100
"""Cards in one message."""


@dataclass(frozen=True, slots=True)
class Part:
    """`first`: it replaces what the station has; each later one is added and has the next number."""

    number: int
    first: bool
    tokens: list[IdToken]


async def bring(node: Node, station: str, link: Link, speech: Speech) -> None:
    """Brings the local list of a station level with ours. Raises what a call raises."""
    most = node.settings.stations.local_list
    cards = await node.store.read(lambda tx: _cards(tx, most, speech.longest_token)) if most else []
    if not cards:
        return
    parts = list(_parts(cards))
    known = await link.call("GetLocalListVersion", {}, priority=IDLE)
    if known.get("listVersion", known.get("versionNumber")) in (parts[-1].number, -1):
        return
    for part in parts:
        action, payload = speech.local_list(part.number, part.first, part.tokens)
        said = await link.call(action, payload, priority=IDLE)
        if said.get("status") != "Accepted":
            raise Refused(str(said.get("status")), f"station {station} does not take its local list")
    log.info("station %s has a local list of %d cards", station, len(cards))


def _parts(cards: list[IdToken]) -> Iterator[Part]:
    count = -(-len(cards) // PART)
    last = zlib.crc32("\n".join(card.text for card in cards).encode()) % 2**30 + count
    for place in range(count):
        yield Part(last - count + 1 + place, place == 0, cards[place * PART : (place + 1) * PART])


async def _cards(tx: Tx, most: int, longest: int) -> list[IdToken]:
    found: list[IdToken] = []
    async for stored in tx.objects.each("tokens"):
        token = stored.document
        ours = stored.key.source == OWN or (token["whitelist"] in WHITELISTS)
        if ours and token["valid"] and token["type"] == "RFID" and len(token["uid"]) <= longest:
            found.append(IdToken(token["uid"], SAID_AS["RFID"]))
            if len(found) == most:
                break
    return sorted(found)
