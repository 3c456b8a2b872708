"""The inbox: CDRs that partners POST to us (10.2.2). A CDR never changes, so the second arrival decides nothing.

New: stored with its evidence, 201 and the URL under which we serve it. The same again: the same URL. The same id with another
content: refused, and kept beside the first as evidence, for somebody will have to explain it. What we serve under that URL is
what was posted, byte for byte, as long as it is asked for in the version in which it came.
"""

from __future__ import annotations

from typing import Any

import msgspec

from interplug.model.types import parse_time
from interplug.model.validate import validate
from interplug.protocol.envelope import Answer
from interplug.protocol.status import invalid
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx

from . import lens, replica
from .addresses import endpoint
from .node import Call

Document = dict[str, Any]
CONFLICT = "conflict"


async def post(call: Call) -> Answer:
    owner = None
    if not call.version.owner_in_objects:
        party = call.node.directory.their_party(call.connection, "CPO")
        owner = (party.country_code, party.party_id) if party else None
    document = await lens.read(call, "cdr", lens.body(call), owner)
    validate("cdr", document)
    country, party_id = document["country_code"], document["party_id"]
    if not call.node.directory.may_write(call.connection, country, party_id, "CPO"):
        raise invalid(f"$.party_id: {country}-{party_id} is no party of this connection")
    key = Key("cdrs", call.connection.id, country, party_id, document["id"])
    known = await call.node.store.write(lambda tx: _store(tx, call, key, document))
    if known is not None and _contradicts(known, document):
        raise invalid(f"$.id: CDR {document['id']} is known with another content; a CDR never changes")
    return Answer(http=201 if known is None else 200, headers={"location": _url(call, key if known is None else known.key)})


async def _store(tx: Tx, call: Call, key: Key, document: Document) -> Stored | None:
    """What was there already. A contradiction is kept as evidence, not as the CDR."""
    known = await tx.objects.get(key)
    if known is None:
        await tx.objects.save(key, document, last_updated=parse_time(document["last_updated"]), evidence=replica.evidence(call))
    elif _contradicts(known, document):
        await tx.history.add(key, await tx.number(), CONFLICT, replica.evidence(call))
    return known


def _contradicts(known: Stored, document: Document) -> bool:
    """Whether it is another content; ids that differ in case alone are the same ids."""
    return known.document != {**document, **{name: known.document[name] for name in ("country_code", "party_id", "id")}}


def _url(call: Call, key: Key) -> str:
    place = call.place
    role = call.params.get("role")
    return endpoint(call.node.settings, call.version.number, place.module, place.side, key.country, key.party, key.id, role=role)


async def get(call: Call) -> Answer:
    """The CDR of this connection under the URL that `post` handed out."""
    key = Key("cdrs", call.connection.id, call.params["country_code"], call.params["party_id"], call.params["id"])

    async def work(tx: Tx) -> tuple[Stored | None, bytes | None]:
        stored = await tx.objects.get(key)
        return stored, await _posted(tx, call, key) if stored is not None else None

    stored, raw = await call.node.store.read(work)
    return Answer(msgspec.Raw(raw)) if raw is not None else await replica.shown(call, stored)


async def _posted(tx: Tx, call: Call, key: Key) -> bytes | None:
    """The bytes as they were posted; a version that came by pull, or in another version, is not what this URL stands for."""
    first = next((state for state in await tx.history.versions_of(key) if state.why == "new"), None)
    return first.document if first is not None and first.version == call.version.number else None
