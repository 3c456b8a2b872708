"""Tokens: the eMSP's feed with real-time authorisation, and the CPO's copy of them.

A Token is known by owner, uid and type; 2.1.1 knows no types on its URLs, so there the uid alone says which (TOK-010, TOK-011).
`authorize` decides for our own Tokens alone: an unknown one is HTTP 404 with 2004, a refusal is a success that says why (13.4.1),
and whether the EVSE is free or the place open is not ours to judge (TOK-007).
"""

from __future__ import annotations

import hashlib
from typing import Any

from interplug.model.types import fold
from interplug.model.validate import validate
from interplug.protocol.envelope import Answer
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import NOT_ENOUGH, OcpiError, not_found
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from . import feed, lens, replica
from .node import Call, Verdict

Document = dict[str, Any]


# --- which one


def _type(call: Call) -> str | None:
    """The type in the URL; 2.1.1 peers write it as the template of their version does, or as its table does."""
    query = call.request.query
    return query.get("type") or (None if call.version.token_type_param else query.get("token_type"))


def _one(call: Call, found: list[Stored], type: str | None) -> Stored | None:
    """Of several Tokens with one uid the one of that type; RFID without one, and where there is but one, that."""
    exact = [stored for stored in found if stored.key.kind == (type or "RFID")]
    if exact or (type is not None and call.version.token_type_param):
        return exact[0] if exact else None
    return found[0] if len(found) == 1 else None


async def _theirs(tx: Tx, call: Call, key: Key) -> list[Stored]:
    """The Tokens with the uid of the URL that this connection has given us, of any type."""
    party = (fold(key.country), fold(key.party))
    found = await tx.objects.find_id("tokens", key.id, call.connection.id)
    return [stored for stored in found if (fold(stored.key.country), fold(stored.key.party)) == party]


# --- the CPO's copy


async def get(call: Call) -> Answer:
    return await replica.shown(call, await _known(call, replica.key(call), _type(call)))


async def put(call: Call) -> Answer:
    key = replica.key(call)
    document = await lens.read(call, "token", lens.body(call), (key.country, key.party))
    named = _type(call) if call.version.token_type_param else None
    replica.same_ids(document, replica.ids(key) | ({"type": named} if named else {}))
    validate("token", document, call.request.body)
    known = await _known(call, key, None) if not call.version.token_type_param else None
    kind = known.key.kind if known is not None else document["type"]
    return await replica.replace(call, Key(key.module, key.source, key.country, key.party, key.id, kind), document)


async def patch(call: Call) -> Answer:
    key = replica.key(call)
    document = await lens.read(call, "token", lens.body(call), (key.country, key.party), patch=True)
    stored = await _known(call, key, _type(call))
    if stored is None:
        replica.check_patch(call, "token", document)
        raise replica.unknown(call)
    if call.version.token_type_param:
        replica.same_ids(document, {"type": stored.key.kind})
    return await replica.change(call, stored.key, document)


async def _known(call: Call, key: Key, type: str | None) -> Stored | None:
    async def work(tx: Tx) -> Stored | None:
        return _one(call, await _theirs(tx, call, key), type)

    return await call.node.store.read(work, snapshot=False)


# --- real-time authorisation by the eMSP


async def authorize(call: Call) -> Answer:
    """POST {uid}/authorize: an AuthorizationInfo about one of our Tokens, for this CPO."""
    references = await _references(call)
    stored = await _ours(call)
    if stored is None:
        raise not_found("this Token is not known here", call.version.unknown_token_code)
    verdict = await judge(call, stored.document, references)
    if verdict.place_needed and references is None:
        raise OcpiError(NOT_ENOUGH, "location_id: this Token is good at some places only, so name the Location")
    return Answer(lens.say(call, "authorization_info", _info(call, stored.document, references, verdict)))


async def _references(call: Call) -> Document | None:
    """LocationReferences, if there are any; an empty body needs no Content-Type."""
    if not call.request.body.strip():
        return None
    document = await lens.read(call, "location_references", lens.body(call))
    validate("location_references", document, call.request.body)
    return document


async def _ours(call: Call) -> Stored | None:
    """The own Token of the URL, of the party that TO names or that this connection is shown."""
    shown = call.connection.only("tokens") or call.to

    async def work(tx: Tx) -> list[Stored]:
        return await tx.objects.find_id("tokens", call.params["uid"], OWN)

    found = await call.node.store.read(work, snapshot=False)
    if shown is not None:
        found = [stored for stored in found if shown.key == (stored.key.country.upper(), stored.key.party.upper())]
    # Without a type it is RFID; 2.1.1 has no type that would tell APP_USER from the card with the same uid.
    return _one(call, found, _type(call) or ("RFID" if call.version.token_type_param else None))


async def judge(call: Call, token: Document, references: Document | None) -> Verdict:
    """An invalid Token is BLOCKED; the rest is the business of the eMSP."""
    if not token["valid"]:
        return Verdict("BLOCKED")
    drivers = call.node.drivers
    return Verdict() if drivers is None else await drivers.may_charge(token, references)


def _info(call: Call, token: Document, references: Document | None, verdict: Verdict) -> Document:
    allowed, place = verdict.allowed, None
    if references is not None and allowed == "ALLOWED":
        place = _narrowed(references, verdict)
        if references.get("evse_uids") and not place.get("evse_uids"):
            allowed, place = "NOT_ALLOWED", None
    info: Document = {"allowed": allowed, "token": token}
    if place is not None:
        info["location"] = place
    if allowed == "ALLOWED":
        info["authorization_reference"] = _reference(call)
    if verdict.info:
        info["info"] = {"language": token.get("language") or "en", "text": verdict.info}
    return info


def _narrowed(references: Document, verdict: Verdict) -> Document:
    """The Location with the EVSEs that the driver may use (TOK-027)."""
    asked = references.get("evse_uids") or ()
    if verdict.evse_uids is None:
        return {name: references[name] for name in ("location_id", "evse_uids") if name in references}
    allowed = {fold(uid) for uid in verdict.evse_uids}
    left = [uid for uid in asked if fold(uid) in allowed] if asked else list(verdict.evse_uids)
    return {"location_id": references["location_id"], "evse_uids": left}


def _reference(call: Call) -> str:
    """One for each request; a repeated request gets the same again, without anything having to be stored."""
    request = call.request
    said = f"{call.connection.id}|{request.headers.get('x-request-id') or call.now}|{request.url}".encode()
    return hashlib.blake2b(said + b"|" + request.body, key=call.node.secret[:64], digest_size=16).hexdigest()


TOKENS = Module(
    id="tokens",
    kind="token",
    sender=("EMSP",),
    receiver=("CPO",),
    key=("country_code", "party_id", "id"),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("SENDER", "POST", "{uid}/authorize", authorize),
        Route("RECEIVER", "GET", "{country_code}/{party_id}/{id}", get),
        Route("RECEIVER", "PUT", "{country_code}/{party_id}/{id}", put),
        Route("RECEIVER", "PATCH", "{country_code}/{party_id}/{id}", patch),
    ),
)
