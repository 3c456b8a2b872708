"""May this card charge here? The CPO's side of authorisation: what we hold of the Token, its whitelist, and the eMSP itself.

    ALWAYS           our copy decides, nobody is asked; one that is not valid is refused
    ALLOWED          our copy decides where it is valid; otherwise the eMSP is asked, for it may have become so
    ALLOWED_OFFLINE  the eMSP is asked, and our copy decides only when no answer comes
    NEVER            the eMSP is asked each time, and without its answer nobody charges
    unknown          those eMSPs are asked that give us no Tokens (13.1.3)

After a START_SESSION or RESERVE_NOW its Token is good at that EVSE without a question: RFID for fifteen minutes, APP_USER and
AD_HOC_USER for as long as the command is kept in mind (13.3.5). EMAID and OTHER are not covered by that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from interplug.model.types import decode_json, fold
from interplug.model.validate import Invalid, validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Reply
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.facts import Facts
from interplug.versions.table import VERSIONS

from .command_checks import place_of
from .merge import without_nulls
from .node import Node

Document = dict[str, Any]

MINUTE = 60_000_000
COMMANDED = {"RFID": 15 * MINUTE, "APP_USER": 24 * 60 * MINUTE, "AD_HOC_USER": 24 * 60 * MINUTE}
"""How long a command speaks for its Token at that EVSE."""
ASKED = ("START_SESSION", "RESERVE_NOW")
AT_A_TIME = 16
"""Most eMSPs that are asked about an unknown card; more would be a search, not a question."""


@dataclass(slots=True, frozen=True)
class Authorisation:
    """`method` is OCPI's AuthMethod; `connection` is where Session and CDR have to go; `token` is the newest form."""

    allowed: str
    method: str = "AUTH_REQUEST"
    token: Document | None = None
    connection: int | None = None
    reference: str | None = None
    location: Document | None = None
    info: str | None = None

    @property
    def granted(self) -> bool:
        return self.allowed == "ALLOWED" and self.token is not None


REFUSED = Authorisation("NOT_ALLOWED")


class Place(NamedTuple):
    """Where the card was shown: the key of the own Location, and the EVSE, as far as they are known."""

    location: Key | None
    evse_uid: str | None


async def authorise(
    node: Node,
    token_uid: str,
    type: str = "RFID",
    location_id: str | None = None,
    evse_uid: str | None = None,
    *,
    patience: float | None = None,
) -> Authorisation:
    """Decides for a Token at one of our own EVSEs. Never raises because of a partner. `patience`: seconds after which an eMSP that was
    asked has not answered; else it is that of any call."""

    async def work(tx: Tx) -> tuple[Place, Authorisation | None, list[Stored]]:
        place = Place(await _location(tx, location_id, evse_uid), evse_uid)
        return place, await commanded(tx, node, token_uid, type, place), await _copies(tx, token_uid, type)

    place, by_command, copies = await node.store.read(work)
    if by_command is not None:
        return by_command
    for stored in copies:
        connection = _holder(node, stored, place)
        if connection is not None:
            return await _known(node, stored, connection, place, patience)
    return await _unknown(node, token_uid, type, place, patience)


async def _location(tx: Tx, location_id: str | None, evse_uid: str | None) -> Key | None:
    """The own Location of that id; of several parties' the one that has the EVSE."""
    found = await tx.objects.find_id("locations", location_id, OWN) if location_id else []
    having = [stored.key for stored in found if evse_uid and await tx.objects.get_evse(stored.key, evse_uid)]
    return next(iter(having), found[0].key if found else None)


# --- a command speaks for it


async def commanded(tx: Tx, node: Node, uid: str, type: str, place: Place) -> Authorisation | None:
    """Whether a command of a partner lets this Token charge at that EVSE."""
    if place.location is None:
        return None
    now = node.clock()
    since = now - max(COMMANDED.values())
    for evse in dict.fromkeys((place.evse_uid or "", "")):
        for command in await tx.commands.received_at(place_of(place.location), evse, since):
            token = decode_json(command.document).get("token") or {}
            if _speaks(node, command, token, uid, type, now):
                reference = decode_json(command.document).get("authorization_reference")
                return Authorisation("ALLOWED", "COMMAND", token, command.connection, reference)
    return None


def _speaks(node: Node, command: Command, token: Document, uid: str, type: str, now: int) -> bool:
    sender = node.directory.by_id(command.connection)
    of_an_app = type == "OTHER" and sender is not None and not sender.speaks.app_tokens
    lasts = COMMANDED.get("APP_USER" if of_an_app else type, 0)
    return command.command in ASKED and command.token == fold(uid) and token.get("type") == type and now - command.created_at < lasts


# --- our copy


async def _copies(tx: Tx, uid: str, type: str) -> list[Stored]:
    """What partners gave us under this uid: of that type, or from those whose version cannot tell types apart. Of two that are valid the
    one that was here first is meant: who brings a uid that another one has does not take over its driver."""
    found = await tx.objects.find_id("tokens", uid)
    theirs = [stored for stored in found if stored.key.source != OWN]
    return sorted(theirs, key=lambda stored: (stored.key.kind != type, not stored.document["valid"], stored.pk))


def _holder(node: Node, stored: Stored, place: Place) -> Connection | None:
    """The connection that it came over, if that is one, the party is still its, and it can take what is charged at that place."""
    connection = node.directory.by_id(stored.key.source)
    if connection is None or not connection.registered or not _knows(connection, place):
        return None
    return connection if node.directory.may_write(connection, stored.key.country, stored.key.party, "EMSP") else None


def _knows(connection: Connection, place: Place) -> bool:
    """Nobody charges at a party of ours that the eMSP is not shown: it would take neither Session nor CDR."""
    return place.location is None or connection.shows(place.location)


async def _known(node: Node, stored: Stored, connection: Connection, place: Place, patience: float | None) -> Authorisation:
    token = stored.document
    whitelist, valid = token["whitelist"], token["valid"]
    copy = Authorisation("ALLOWED" if valid else "BLOCKED", "WHITELIST", token, connection.id)
    if whitelist == "ALWAYS" or (whitelist == "ALLOWED" and valid):
        return copy
    answered = await ask(node, connection, token["uid"], token["type"], place, token, patience)
    if answered is not None:
        return answered
    return copy if whitelist == "ALLOWED_OFFLINE" else Authorisation("NOT_ALLOWED", "AUTH_REQUEST", token, connection.id)


# --- the eMSP itself


async def ask(
    node: Node, connection: Connection, uid: str, type: str, place: Place, token: Document | None, patience: float | None = None
) -> Authorisation | None:
    """A real-time authorisation at one eMSP; None when no answer came. A Token that it does not know is refused."""
    to = Party(token["country_code"], token["party_id"]) if token else None
    if to is not None and connection.absent(to, "EMSP"):
        return None
    location = place.location
    references: Document | None = {"location_id": location.id} if location else None
    if references is not None and place.evse_uid:
        references["evse_uids"] = [place.evse_uid]
    version = connection.version or ""
    document = chain.down("location_references", references, version) if references else None
    sender = Party(location.country, location.party) if location else None
    kind = {"type": type} if type != "RFID" or VERSIONS[version].token_type_param else {}
    try:
        async with asyncio.timeout(patience):
            call = partial(node.client.call, connection, "POST", "tokens", "SENDER", uid, "authorize")
            reply = await call(query=kind, document=document, to=to, sender=sender, anybody=to is None)
    except TimeoutError:
        return None
    return _read(node, connection, uid, type, reply, token)


def _read(node: Node, connection: Connection, uid: str, type: str, reply: Reply, known: Document | None) -> Authorisation | None:
    """What the eMSP's answer says; an answer that is none, or about somebody else's Token, counts as no answer."""
    if reply.code is None or reply.http >= 500 or reply.code >= 3000:
        return None
    if not reply.ok or not isinstance(reply.data, dict):
        return Authorisation("NOT_ALLOWED", "AUTH_REQUEST", known, connection.id, info=reply.message)
    party = node.directory.their_party(connection, "EMSP")
    facts = Facts(token=known, owner=(party.country_code, party.party_id) if party else None, now=node.clock())
    info = chain.up("authorization_info", without_nulls(reply.data), connection.version or "", facts)
    try:
        validate("authorization_info", info)
    except Invalid:
        return None
    token = info["token"]
    if token["uid"] == "#NA":
        # 2.1.1 answers without the Token: of a card that we never saw we know what was read, and who answered for it.
        token = {**token, "uid": uid, "type": type}
    if fold(token["uid"]) != fold(uid) or not node.directory.may_write(connection, token["country_code"], token["party_id"], "EMSP"):
        return None
    said = (info.get("info") or {}).get("text")
    reference = info.get("authorization_reference")
    return Authorisation(info["allowed"], "AUTH_REQUEST", token, connection.id, reference, info.get("location"), said)


async def _unknown(node: Node, uid: str, type: str, place: Place, patience: float | None) -> Authorisation:
    """Asks the eMSPs that give us no Tokens; the first that lets the card charge has it."""
    candidates = await _silent(node, type, place)
    answers = await asyncio.gather(*(ask(node, one, uid, type, place, None, patience) for one in candidates))
    said = [answer for answer in answers if answer is not None]
    return next((answer for answer in said if answer.granted), said[0] if said else REFUSED)


async def _silent(node: Node, type: str, place: Place) -> list[Connection]:
    """Registered eMSPs that answer authorisations, and hubs that find one; cards only of those that have given us no Tokens at all."""
    able = [one for one in node.directory.all(registered=True) if one.endpoint("tokens", "SENDER") and _knows(one, place)]

    async def work(tx: Tx) -> Iterable[Connection]:
        return [one for one in able if type == "EMAID" or _withholds(one, await tx.objects.owners("tokens", one.id))]

    return list(await node.store.read(work))[:AT_A_TIME]


def _withholds(connection: Connection, given: set[tuple[str, str]]) -> bool:
    """Whether there may be cards that we were not given: of a hub, those of any eMSP behind it. `given`: the parties whose we have."""
    if connection.hub is None or not given:
        return not given
    behind = (one for one in (*connection.parties, *connection.reachable) if one.role == "EMSP" and one.party.key in connection.writable)
    return any((fold(one.country_code), fold(one.party_id)) not in given for one in behind)
