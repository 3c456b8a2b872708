"""The one place between stored, newest documents and what a connection says or sees.

`read` takes what a partner sent, in its version, to the newest form; `show` takes a stored document to what this connection
may see of it, in its version: `tariff_ids` of Tariffs that it cannot see are left out, what its version cannot say is
withheld (None). A translation is pure; the facts that it declares to need (the owner, a Location, a Token, Tariffs, the time)
are gathered here. Feeds, replicas, inboxes, calls and push all go through this file, so no two of them can differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from interplug.config import Settings
from interplug.model.types import BadJson, decode_json, fold
from interplug.model.validate import Invalid, validate
from interplug.partners.directory import Connection
from interplug.protocol.status import SERVER_ERROR, OcpiError, invalid, malformed
from interplug.store.keys import OWN
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.facts import Facts

from . import contracts
from .merge import without_nulls
from .node import Call, Node
from .zones import zone_at

Document = dict[str, Any]
Owner = tuple[str, str]
WITH_TARIFFS = ("location", "evse", "connector")


# --- what a partner sent


def body(call: Call) -> Document:
    """The JSON object in the body of a request; `null` in it equals absent, except at the top, where a patch may be refused for it."""
    raw = call.request.body
    try:
        document = decode_json(raw)
    except BadJson as error:
        raise malformed(f"the body is not readable JSON: {error.reason}") from None
    if not isinstance(document, dict):
        raise invalid("$: expected an object")
    return {name: without_nulls(value) for name, value in document.items()} if b"null" in raw else document


async def read(call: Call, kind: str, document: Document, owner: Owner | None = None, *, patch: bool = False) -> Document:
    """A partner's document in the newest form. `owner` is whom the URL or the connection names, for versions that do not say it."""
    if not patch and None in document.values():
        document = {name: value for name, value in document.items() if value is not None}
    version, place = call.version.number, document.get("location")
    if chain.newest(kind, version):
        return document
    facts = await facts_up(call.node, call.connection, version, kind, document, owner)
    try:
        newest = chain.up(kind, document, version, facts, patch=patch)
        if kind == "session" and isinstance(place, dict) and "location" not in newest:
            # 2.1.1 puts the whole Location into a Session. It may be one that we are never given otherwise, so it is kept.
            newest = {**newest, "location": chain.up("location", place, version, facts)}
        return newest
    except UNREADABLE as error:
        raise invalid(f"$: this is no {kind} of OCPI {call.version.number} ({type(error).__name__})") from None


UNREADABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What a step raises at a field of quite another type than its version has, before the newest model could name it."""


async def facts_up(node: Node, connection: Connection, version: str, kind: str, document: Document, owner: Owner | None) -> Facts:
    """What a step upward needs of a document that came over this connection."""
    needed = chain.needs(kind, version, upward=True)
    if "time_zone" in needed:
        return Facts(owner=owner, time_zone=zone_at(document))
    if "token_owner" not in needed or kind not in ("session", "cdr"):
        return Facts(owner=owner, token_owner=owner)
    # A Session or a CDR of theirs names a Token of ours.
    ours, contract = node.directory.party_for(connection, "EMSP"), document.get("auth_id")
    token = await contracts.token(node.store, contract) if isinstance(contract, str) else None
    return Facts(owner=owner, token=token, token_owner=(ours.country_code, ours.party_id) if ours else None)


# --- what a connection sees


async def show(
    tx: Tx, connection: Connection, version: str, kind: str, document: Document, now: int, settings: Settings
) -> Document | None:
    """A stored document as this connection sees it; None: it cannot be said in that version."""
    if kind in WITH_TARIFFS and await restricted(tx, connection):
        document = without_tariffs(document, await hidden(tx, connection, _referred(document)))
    return await show_to_all(tx, version, kind, document, now, settings)


async def show_to_all(tx: Tx, version: str, kind: str, document: Document, now: int, settings: Settings) -> Document | None:
    """A stored document in that version, for whoever may see all that it refers to; the same dict where nothing differs."""
    needed = chain.needs(kind, version)
    facts = await _facts_down(tx, kind, document, now, settings) if needed else plain_facts(settings)
    return chain.down(kind, document, version, facts)


def say(call: Call, kind: str, document: Document) -> Document:
    """What we answer in the version of the call, for kinds whose translation needs to know nothing else."""
    view = chain.down(kind, document, call.version.number, plain_facts(call.node.settings))
    if view is None:
        raise OcpiError(SERVER_ERROR, f"OCPI {call.version.number} cannot say this")
    return view


def plain_facts(settings: Settings) -> Facts:
    return Facts(postal_code_filler=settings.ocpi.postal_code_filler, command_timeout=settings.ocpi.command_timeout)


async def _facts_down(tx: Tx, kind: str, document: Document, now: int, settings: Settings) -> Facts:
    place = tariffs = None
    if kind in WITH_TARIFFS:
        ids = _several(document)
        tariffs = {name: found for name in ids if (found := await _own(tx, "tariffs", name)) is not None}
    elif kind in ("session", "cdr"):
        place = await _place(tx, kind, document)
    return Facts(
        location=place,
        tariffs=tariffs,
        now=now,
        postal_code_filler=settings.ocpi.postal_code_filler,
        command_timeout=settings.ocpi.command_timeout,
    )


async def _own(tx: Tx, module: str, id: str) -> Document | None:
    found = await tx.objects.find_id(module, id, OWN)
    return found[0].document if found else None


async def _place(tx: Tx, kind: str, document: Document) -> Document | None:
    """The Location of a Session or CDR, ours or a partner's, or the one that came inside it."""
    name = document["location_id"] if kind == "session" else document["cdr_location"]["id"]
    party = fold(document["country_code"]), fold(document["party_id"])
    for stored in await tx.objects.find_id("locations", name):
        if (fold(stored.key.country), fold(stored.key.party)) == party:
            return stored.document
    inside = document.get("location")
    try:
        validate("location", inside if isinstance(inside, dict) else {})
    except Invalid:
        return None
    return inside


def settled(kind: str, version: str, document: Document) -> bool:
    """Whether the document looks the same to everybody at any time in that version, so that its bytes may be kept."""
    needed = chain.needs(kind, version)
    if kind == "tariff" and needed:
        return "start_date_time" not in document and "end_date_time" not in document
    return not needed or (kind == "location" and not _several(document))


# --- tariffs that a connection may not see


class _Connector(msgspec.Struct, gc=False):
    tariff_ids: list[str] | None = None
    tariff_id: str | None = None


class _Evse(msgspec.Struct, gc=False):
    connectors: list[_Connector] | None = None


class _Location(msgspec.Struct, gc=False):
    evses: list[_Evse] | None = None


_LOCATION = msgspec.json.Decoder(_Location)


def referred(raw: bytes) -> set[str]:
    """The ids of Tariffs in the bytes of a Location, in any version, without building its documents."""
    return {name for evse in _LOCATION.decode(raw).evses or () for connector in evse.connectors or () for name in _ids(connector)}


def _ids(connector: _Connector) -> Iterable[str]:
    return connector.tariff_ids or ((connector.tariff_id,) if connector.tariff_id else ())


def _connectors(document: Document) -> Iterable[Document]:
    if "evses" in document:
        return (connector for evse in document["evses"] or () for connector in evse.get("connectors") or ())
    return document["connectors"] or () if "connectors" in document else (document,)


def _referred(document: Document) -> set[str]:
    return {name for connector in _connectors(document) for name in connector.get("tariff_ids") or ()}


def _several(document: Document) -> set[str]:
    """Tariffs among which an older version has to choose."""
    lists = (connector.get("tariff_ids") or () for connector in _connectors(document))
    return {name for names in lists if len(names) > 1 for name in names}


async def restricted(tx: Tx, connection: Connection) -> bool:
    """Whether there are Tariffs of ours that this connection cannot see; mostly there are none."""
    return not set(await tx.objects.audiences("tariffs", OWN)).issubset(connection.audiences)


async def hidden(tx: Tx, connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that name Tariffs of ours, none of which this connection can see."""
    return {name for name in ids if await _unseen(tx, connection, name)}


async def _unseen(tx: Tx, connection: Connection, id: str) -> bool:
    found = await tx.objects.find_id("tariffs", id, OWN)
    return bool(found) and all(stored.audience not in connection.audiences for stored in found)


def without_tariffs(document: Document, ids: set[str]) -> Document:
    """The Location, EVSE or Connector without references to these Tariffs; shares what does not change."""
    if not ids:
        return document
    for name in ("evses", "connectors"):
        if document.get(name):
            return {**document, name: [without_tariffs(part, ids) for part in document[name]]}
    if ids.isdisjoint(document.get("tariff_ids") or ()):
        return document
    left = [name for name in document["tariff_ids"] if name not in ids]
    rest = {name: value for name, value in document.items() if name != "tariff_ids"}
    return {**rest, "tariff_ids": left} if left else rest
