"""The replica: the receiver's copy of an object that the partner owns (4.1.5).

PUT creates or replaces, PATCH changes the fields that are present, GET shows what we hold, DELETE (Tariffs only) ends it.
The rule of this file: a connection writes only for parties that its credentials or its hub's client list name, below its
own number, and the ids in the body are those of the URL. What arrives older than what we hold is answered 1000 and not
applied. EVSEs and Connectors have URLs of their own; they are in `children.py`.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold, parse_time
from interplug.model.validate import validate, validate_patch
from interplug.partners.roles import SENDERS
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.protocol.status import CLIENT_ERROR, UNKNOWN_LOCATION, OcpiError, invalid, not_found
from interplug.store.keys import Evidence, Key, Stored
from interplug.store.tx import Tx
from interplug.versions.facts import REMOVE

from . import lens
from .merge import merge
from .node import Call

Document = dict[str, Any]

CHECKED = b""
"""For `validate`: the texts of what is stored and of a patch were checked when each of them came."""


# --- whose, and where


def owner(call: Call) -> tuple[str, str]:
    """The party in the URL as it presented itself, if this connection may write for it (TRN-046)."""
    country, party = call.params["country_code"], call.params["party_id"]
    connection, role = call.connection, SENDERS.get(call.place.module.id)
    if not call.node.directory.may_write(connection, country, party, role) and not _forwarded(call, country, party):
        raise not_found(f"{country[:2]}-{party[:3]} is no party of this connection")
    for known in (*connection.parties, *connection.reachable):
        if known.party.key == (country.upper(), party.upper()):
            return known.country_code, known.party_id
    return country, party


def _forwarded(call: Call, country: str, party: str) -> bool:
    """An eMSP forwards the Sessions of its drivers at other operators to an SCSP, as they are (15.1.2)."""
    directory = call.node.directory
    to_us = call.place.module.id == "sessions" and bool(directory.shown(call.connection, "SCSP"))
    return to_us and "EMSP" in directory.their_roles(call.connection) and not directory.is_ours(Party(country, party))


def key(call: Call, kind: str = "") -> Key:
    """Where the object of the URL stands in the store: below the connection that it came over."""
    country, party = owner(call)
    return Key(call.place.module.id, call.connection.id, country, party, call.params["id"], kind)


def unknown(call: Call) -> OcpiError:
    """404 with the code that the version has for what is missing."""
    codes = {"locations": UNKNOWN_LOCATION, "tokens": call.version.unknown_token_code}
    return not_found(f"no {call.place.module.kind} {call.params['id'][:40]!r} is known here", codes.get(call.place.module.id, CLIENT_ERROR))


def same_ids(document: Document, wanted: dict[str, str]) -> None:
    """2001 when an id in the body is not the one in the URL (TRN-047); `wanted` by field name."""
    for name, value in wanted.items():
        given = document.get(name)
        if isinstance(given, str) and fold(given) != fold(value):
            raise invalid(f"$.{name}: {given[:40]!r} contradicts the URL, which says {value[:40]!r}")


def ids(key: Key) -> dict[str, str]:
    return {"country_code": key.country, "party_id": key.party, "uid" if key.module == "tokens" else "id": key.id}


def evidence(call: Call) -> Evidence:
    return Evidence(call.request.body, call.connection.id, call.version.number, call.now)


# --- the four methods, for a key that the module has found


async def shown(call: Call, stored: Stored | None) -> Answer:
    """The answer of a GET of one stored object."""
    if stored is None:
        raise unknown(call)
    return await shown_as(call, call.place.module.kind, stored.document)


async def shown_as(call: Call, kind: str, document: Document) -> Answer:
    async def work(tx: Tx) -> Document | None:
        return await lens.show(tx, call.connection, call.version.number, kind, document, call.now, call.node.settings)

    view = await call.node.store.read(work)
    if view is None:
        raise unknown(call)
    return Answer(view)


async def replace(call: Call, key: Key, document: Document) -> Answer:
    """Stores a validated document under `key`."""

    async def work(tx: Tx) -> bool:
        return await save(tx, call, key, document)

    return stored(await call.node.store.write(work))


async def save(tx: Tx, call: Call, key: Key, document: Document) -> bool:
    """Whether it is new."""
    return (await tx.objects.save(key, document, last_updated=parse_time(document["last_updated"]), evidence=evidence(call))).created


def stored(created: bool) -> Answer:
    """201 when it is new (STS-006)."""
    return Answer(http=201 if created else 200)


async def change(call: Call, key: Key, patch: Document) -> Answer:
    """Merges a patch in the newest form into what stands under `key`."""
    kind = call.place.module.kind
    check_patch(call, kind, patch)
    same_ids(patch, ids(key))

    async def work(tx: Tx) -> None:
        stored = await tx.objects.get(key)
        if stored is None:
            raise unknown(call)
        document = merge(kind, stored.document, with_times(without_ids(patch, ids(key))))
        # The time of the message decides whether it is late; without one (2.1.1) it counts as of now for the object that we hold.
        dated = "last_updated" in patch
        moment = parse_time(patch["last_updated"]) if dated else stored.last_updated
        validate(kind, document, CHECKED)
        await tx.objects.save(key, document, last_updated=moment, evidence=evidence(call), patched=dated)

    await call.node.store.write(work)
    return Answer()


def with_times(patch: Document) -> Document:
    """What it says of EVSEs without a time of their own is of its own time: late where we know of them what is newer."""
    time = patch.get("last_updated")
    if time is None or not patch.get("evses"):
        return patch
    return {**patch, "evses": [evse if evse.get("last_updated") else {**evse, "last_updated": time} for evse in patch["evses"]]}


def without_ids(patch: Document, names: dict[str, str]) -> Document:
    """The spelling of an id stays as it was first received."""
    return {name: value for name, value in patch.items() if name not in names}


def check_patch(call: Call, kind: str, patch: Document) -> None:
    if call.version.patch_needs_last_updated and patch.get("last_updated") is None:
        raise invalid("$.last_updated: is required in a PATCH")
    validate_patch(kind, patch, REMOVE, call.request.body)


# --- as the rows name them, for modules whose key is the URL


async def get(call: Call) -> Answer:
    place = key(call)

    async def work(tx: Tx) -> Stored | None:
        return await tx.objects.get(place)

    return await shown(call, await call.node.store.read(work))


async def put(call: Call) -> Answer:
    place = key(call)
    return await replace(call, place, await received(call, place))


async def received(call: Call, key: Key) -> Document:
    """The whole document in the body, in the newest form, checked."""
    kind = call.place.module.kind
    document = await lens.read(call, kind, lens.body(call), (key.country, key.party))
    same_ids(document, ids(key))
    validate(kind, document, call.request.body)
    return document


async def patch(call: Call) -> Answer:
    place = key(call)
    document = await lens.read(call, call.place.module.kind, lens.body(call), (place.country, place.party), patch=True)
    return await change(call, place, document)


async def delete(call: Call) -> Answer:
    """The object is no longer shown; what we held is kept as evidence (TAR-008)."""
    place = key(call)

    async def work(tx: Tx) -> bool:
        return await tx.objects.remove(place, evidence(call))

    if not await call.node.store.write(work):
        raise unknown(call)
    return Answer()
