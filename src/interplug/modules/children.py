"""EVSEs and Connectors below their Location: the replica's URLs with one and two more segments (8.2.2).

A child is added or replaced without touching its siblings, and its last_updated raises that of its parents, never lowers it. The cost
of a change does not grow with the Location: only the row of the one EVSE is read and written. A child of a parent that we do not hold is
404 with 2003, and nothing is created (LOC-023).
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold, parse_time
from interplug.model.validate import validate
from interplug.protocol.envelope import Answer
from interplug.protocol.status import UNKNOWN_LOCATION, OcpiError, not_found
from interplug.store.evses import evse_of
from interplug.store.heads import late
from interplug.store.keys import Key, StoredEvse
from interplug.store.locations import NoLocation
from interplug.store.tx import Tx

from . import lens, replica
from .merge import latest, merge
from .node import Call

Document = dict[str, Any]


def _unknown(call: Call) -> OcpiError:
    names = [call.params[name][:40] for name in ("id", "evse_uid", "connector_id") if name in call.params]
    return not_found(f"{'/'.join(names)} is not known here", UNKNOWN_LOCATION)


def find_connector(evse: Document, id: str) -> Document | None:
    return next((connector for connector in evse.get("connectors") or () if fold(connector["id"]) == fold(id)), None)


async def _evse(tx: Tx, call: Call, key: Key) -> StoredEvse:
    stored = await tx.objects.get_evse(key, call.params["evse_uid"])
    if stored is None:
        raise _unknown(call)
    return stored


async def _save(tx: Tx, call: Call, key: Key, evse: Document, moment: int) -> bool:
    """Whether it was added."""
    try:
        saved = await tx.objects.save_evse(key, call.params["evse_uid"], evse, last_updated=moment, evidence=replica.evidence(call))
    except NoLocation:
        raise _unknown(call) from None
    return saved.created


# --- EVSEs


async def get_evse(call: Call) -> Answer:
    key = replica.key(call)

    async def work(tx: Tx) -> Document:
        return (await _evse(tx, call, key)).document

    return await replica.shown_as(call, "evse", await call.node.store.read(work))


async def put_evse(call: Call) -> Answer:
    key = replica.key(call)
    document = await lens.read(call, "evse", lens.body(call), (key.country, key.party))
    replica.same_ids(document, {"uid": call.params["evse_uid"]})
    validate("evse", document, call.request.body)
    moment = parse_time(document["last_updated"])

    async def work(tx: Tx) -> bool:
        return await _save(tx, call, key, document, moment)

    return Answer(http=201 if await call.node.store.write(work, evse_of(key, call.params["evse_uid"])) else 200)


async def patch_evse(call: Call) -> Answer:
    key = replica.key(call)
    patch = await lens.read(call, "evse", lens.body(call), (key.country, key.party), patch=True)
    replica.check_patch(call, "evse", patch)
    replica.same_ids(patch, {"uid": call.params["evse_uid"]})

    async def work(tx: Tx) -> None:
        stored = await _evse(tx, call, key)
        document = merge("evse", stored.document, replica.without_ids(patch, {"uid": stored.uid}))
        validate("evse", document, replica.CHECKED)
        await _save(tx, call, key, document, parse_time(document["last_updated"]))

    await call.node.store.write(work, evse_of(key, call.params["evse_uid"]))
    return Answer()


# --- Connectors


async def get_connector(call: Call) -> Answer:
    key = replica.key(call)

    async def work(tx: Tx) -> Document | None:
        return find_connector((await _evse(tx, call, key)).document, call.params["connector_id"])

    connector = await call.node.store.read(work)
    if connector is None:
        raise _unknown(call)
    return await replica.shown_as(call, "connector", connector)


async def put_connector(call: Call) -> Answer:
    key = replica.key(call)
    document = await lens.read(call, "connector", lens.body(call), (key.country, key.party))
    replica.same_ids(document, {"id": call.params["connector_id"]})
    validate("connector", document)

    async def work(tx: Tx) -> bool:
        stored = await _evse(tx, call, key)
        known = find_connector(stored.document, call.params["connector_id"])
        if known is None or not _late(call, document, known):
            await _save_connector(tx, call, key, stored, document if known is None else {**document, "id": known["id"]})
        return known is None

    return Answer(http=201 if await call.node.store.write(work) else 200)


async def patch_connector(call: Call) -> Answer:
    key = replica.key(call)
    patch = await lens.read(call, "connector", lens.body(call), (key.country, key.party), patch=True)
    replica.check_patch(call, "connector", patch)
    replica.same_ids(patch, {"id": call.params["connector_id"]})

    async def work(tx: Tx) -> None:
        stored = await _evse(tx, call, key)
        known = find_connector(stored.document, call.params["connector_id"])
        if known is None:
            raise _unknown(call)
        if not _late(call, patch, known):
            merged = merge("connector", known, replica.without_ids(patch, {"id": known["id"]}))
            validate("connector", merged, replica.CHECKED)
            await _save_connector(tx, call, key, stored, merged)

    await call.node.store.write(work)
    return Answer()


def _late(call: Call, arrived: Document, known: Document) -> bool:
    return "last_updated" in arrived and late(parse_time(arrived["last_updated"]), parse_time(known["last_updated"]), call.now)


async def _save_connector(tx: Tx, call: Call, key: Key, stored: StoredEvse, connector: Document) -> None:
    """The EVSE with this Connector in it, at least as new as the Connector."""
    evse = dict(stored.document)
    others = [known for known in evse.get("connectors") or () if fold(known["id"]) != fold(connector["id"])]
    order = [fold(known["id"]) for known in evse.get("connectors") or ()]
    place = order.index(fold(connector["id"])) if fold(connector["id"]) in order else len(others)
    evse["connectors"] = [*others[:place], connector, *others[place:]]
    evse["last_updated"] = latest(evse["last_updated"], connector["last_updated"])
    await _save(tx, call, key, evse, parse_time(evse["last_updated"]))
