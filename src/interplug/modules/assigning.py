"""What a CPO asks a Payment Terminal Provider (PTP): to activate a terminal, to assign it, to bill for us, to deactivate it.

The PTP owns the terminal: what it has accepted stands in our copy at once, and its own POST, or the next reading of its list, has the
last word.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold
from interplug.model.validate import validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Reply
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from . import payments, terminals
from .merge import merge
from .node import Node

Document = dict[str, Any]
MODULE = "terminals"


class NotPossible(ValueError):
    """Why a terminal cannot be changed, in words for a person."""


class NotTaken(NotPossible):
    """The PTP would not, or did not answer."""


async def activate(node: Node, connection: Connection, terminal: Document) -> Document:
    """`terminal` names its `reference`, or the id that the PTP has given it, and where it stands. What the PTP says that it is now."""
    document = payments.renewed(terminal, node.clock())
    validate("terminal", {"terminal_id": "", **document})
    await node.store.read(lambda tx: _ours_to_name(tx, document, connection))
    reply = await _asked(node, connection, "POST", "activate", document=document)
    found = reply.data if isinstance(reply.data, dict) and reply.data.get("terminal_id") else None
    if found is None:
        return document  # it comes with the PTP's POST
    await _keep(node, connection, found)
    return found


async def change(node: Node, stored: Stored, changes: Document) -> Document:
    """Assigns a terminal (PATCH), or says how it bills: PUT, of the whole, for not every PTP reads that as a merge."""
    connection = _connection(node, stored)
    document = payments.renewed(changes, node.clock())
    now = merge("terminal", stored.document, document)
    validate("terminal", now)
    await node.store.read(lambda tx: _ours_to_name(tx, changes, connection))
    method, said = ("PATCH", document) if changes.keys() <= set(terminals.PLACES) else ("PUT", now)
    await _asked(node, connection, method, stored.key.id, document=said)
    await _keep(node, connection, now)
    return now


async def deactivate(node: Node, stored: Stored) -> Document:
    connection = _connection(node, stored)
    await _asked(node, connection, "POST", stored.key.id, "deactivate")
    now = payments.renewed({**stored.document, **{name: [] for name in terminals.PLACES}}, node.clock())
    await _keep(node, connection, now)
    return now


def _connection(node: Node, stored: Stored) -> Connection:
    if stored.key.source == OWN:
        raise NotPossible("this terminal is our own; its operator assigns it")
    found = node.directory.by_id(stored.key.source)
    if found is None or not found.registered:
        raise NotPossible("there is no connection to the provider of this terminal any more")
    return found


async def _ours_to_name(tx: Tx, document: Document, connection: Connection) -> None:
    """Places of ours, which that PTP may see; else it could not know them."""
    for name in document.get("location_ids") or ():
        if not any(one.audience in connection.audiences for one in await tx.objects.find_id("locations", name, OWN)):
            raise NotPossible(f"there is no Location {name!r} of ours that {connection.partner} may see")
    for uid in document.get("evse_uids") or ():
        if not any(one.audience in connection.audiences for one in await tx.objects.find_evse(uid, source=OWN)):
            raise NotPossible(f"there is no EVSE {uid!r} of ours that {connection.partner} may see")


async def _asked(node: Node, connection: Connection, method: str, *segments: str, document: Document | None = None) -> Reply:
    reply = await node.client.call(connection, method, MODULE, "SENDER", *segments, document=document)
    if not reply.ok:
        raise NotTaken(f"{connection.partner} did not take it: {reply.why()}")
    return reply


async def _keep(node: Node, connection: Connection, document: Document) -> None:
    """Our copy, as it has to be now; the PTP's own word is newer."""
    party: Party | None = payments.provider(node.directory, connection)
    if party is None:
        return
    validate("terminal", document)
    key = Key(MODULE, connection.id, party.country_code, party.party_id, document["terminal_id"])
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=0, force=True))


async def named(tx: Tx, name: str) -> list[Stored]:
    """The terminals with that id, or with that reference, ours and those of PTPs."""
    found = await tx.objects.find_id(MODULE, name)
    if found:
        return found
    return [one async for one in tx.objects.each(MODULE) if fold(one.document.get("reference") or "") == fold(name)]
