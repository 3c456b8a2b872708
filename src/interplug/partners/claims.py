"""Whose a party is: the partner's that has registered it itself, and no other's, be it a hub's, unless the operator allows it by name.

Between two platforms that register it themselves the role counts, for a company may be a CPO on one and an eMSP on the other; each writes
what belongs to its own role. A hub is measured by the party alone. Its credentials may not name such a party anew; where its
HubClientInfo does, or the party came later, the party is left out of what it may write for as long as that is so. A party that nobody
has registered itself may be named by any number of hubs. A suspended connection keeps its parties.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from interplug.protocol.status import invalid
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx

from . import states
from .connection import Connection, connection_of

Key = tuple[str, str]
HOLDING = (states.REGISTERED, states.SUSPENDED)
TAKEN = "is registered by another platform"


async def check(tx: Tx, row: ConnectionRow, credentials: dict[str, Any]) -> None:
    """2001 where the credentials of this connection name a party of another partner. It reads the rows in the transaction that
    stores them: what another handshake, or another process, committed a moment ago is seen by no directory yet."""
    before, new = _plain(row), _plain(msgspec.structs.replace(row, credentials=credentials))
    others = [_plain(other) for other in await tx.partners.all()]
    held = {(one.role, one.party.key) for other in _rivals(new, others) for one in other.parties}
    keys = {key for _, key in held}
    free = new.allow or frozenset()
    if new.hub is not None and before.hub is not None and before.state in HOLDING:
        # Who registers itself does not keep the hub that named it before from renewing its tokens.
        free |= {before.hub.key, *(one.party.key for one in before.parties)}
    if new.hub is not None and new.hub.key in keys - free:
        raise invalid(f"$.hub_party_id: {new.hub} {TAKEN}")
    for one in new.parties:
        key = one.party.key
        if key not in free and (key in keys if new.hub is not None else (one.role, key) in held):
            raise invalid(f"$.roles: {one.role} {one.party} {TAKEN}")


def leave_out(connections: Iterable[Connection]) -> None:
    """Takes from each what others have registered themselves. An allow-list is the operator's own word and stands."""
    connections = list(connections)
    holders: dict[Key, dict[str, set[int]]] = {}
    """Of each party the partners that have registered it themselves, by role."""
    for one in connections:
        if one.hub is None and one.state in HOLDING:
            for own in one.parties:
                holders.setdefault(own.party.key, {}).setdefault(own.role, set()).add(one.partner_id)
    for connection in connections:
        if connection.allow is not None:
            continue
        mine = {connection.partner_id}
        taken = {(role, key) for key in connection.writable for role, whose in holders.get(key, {}).items() if whose - mine}
        if connection.hub is None:
            connection.others = taken - {(one.role, one.party.key) for one in connection.parties}
        else:
            connection.left_out = frozenset(key for _, key in taken)
            connection.writable -= connection.left_out


def _rivals(connection: Connection, others: Iterable[Connection]) -> Iterable[Connection]:
    """The connections of other partners that have registered parties themselves."""
    return (one for one in others if one.partner_id != connection.partner_id and one.hub is None and one.state in HOLDING)


def _plain(row: ConnectionRow) -> Connection:
    return connection_of(row, [], (), frozenset())
