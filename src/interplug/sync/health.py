"""How a partner is, told from the database alone: by any command, beside the node that works, or when none does.

What is unsent is counted as push counts it: changes of ours above the partner's cursor that it is told of. How requests went is summed
up by the message log, an hour a row. A partner that has been behind for longer than `delivery.full_pull_after` needs a full pull: what
it was told last is so old that only its reading of our whole lists makes sure of everything; it is told of them meanwhile (`resync`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interplug.modules.node import Node
from interplug.partners import audiences
from interplug.partners.audiences import MODULES, READ, SHARED
from interplug.partners.directory import Connection
from interplug.store.cursors import LOG, Pause, Refused
from interplug.store.keys import OWN, Change, Key
from interplug.store.pulses import HOUR, Contact, Pulse, Tally
from interplug.store.tx import Tx

from .decide import needs_full_pull
from .lane import PART, wants
from .pull import CURSOR

MOST = 20
"""Parts of the log that are counted."""


class Way(msgspec.Struct, frozen=True):
    """Requests in one direction, in this hour and the last: how many, and how many did not go well; when one last did, ever."""

    calls: int
    failed: int
    last_success: int

    @property
    def error_rate(self) -> float:
        return self.failed / self.calls if self.calls else 0.0


class Unsent(msgspec.Struct, frozen=True):
    """Objects that the partner has still to be told of; `more`: at least so many. `since` is when the oldest of them changed."""

    objects: int = 0
    more: bool = False
    since: int = 0


class Stuck(msgspec.Struct, frozen=True):
    """An object that the partner would not take."""

    key: Key | None
    refused: Refused


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Times are microseconds, 0 where there was none. `lag` is in seconds: the age of the oldest change that was not delivered."""

    incoming: Way
    outgoing: Way
    contact: Contact
    cursor: int
    distance: int
    unsent: Unsent
    lag: float
    refused: list[Stuck]
    pause: Pause | None
    pulled: dict[str, int]
    """By module: the newest last_updated that was seen in the partner's lists."""
    pushed: list[str]
    """The modules of which it takes what is pushed."""
    read: dict[str, int]
    """By module: when it last read our whole list."""
    unread: list[str]
    """The modules of which it is not known to have read our list: it was told of what has changed since it registered, and no more."""
    needs_full_pull: bool


async def health(node: Node, connection: Connection) -> Health:
    now, head = node.clock(), await node.store.look()

    async def work(tx: Tx) -> Health:
        cursors = {module: number for (of, module), number in (await tx.cursors.all()).items() if of == connection.id}
        cursor = cursors.get(LOG, head)
        unsent = await _unsent(tx, connection, cursor)
        contact, pulses = await tx.pulses.contact(connection.id), await tx.pulses.of(connection.id)
        needed = audiences.needed(await tx.cursors.resyncs(connection.id))
        read = {module.removeprefix(READ): time for module, time in cursors.items() if module.startswith(READ)}
        pushed = [module.id for module in node.modules if module.id in SHARED and connection.endpoint(module.id, "RECEIVER") is not None]
        ours = {module for module, source in await tx.objects.counts() if source == OWN}
        begun = [time for time in (unsent.since, contact.silent) if time and unsent.objects]
        lag = max(0, now - min(begun)) / 1_000_000 / node.speed if begun else 0.0
        return Health(
            incoming=_way(now, pulses, [one.incoming for one in pulses]),
            outgoing=_way(now, pulses, [one.outgoing for one in pulses]),
            contact=contact,
            cursor=cursor,
            distance=max(0, head - cursor),
            unsent=unsent,
            lag=lag,
            refused=[await _stuck(tx, one) for one in await tx.cursors.refused(connection.id)],
            pause=(await tx.cursors.pauses()).get(connection.id),
            pulled={module.removeprefix(CURSOR): time for module, time in cursors.items() if module.startswith(CURSOR)},
            pushed=pushed,
            read=read,
            unread=[module for module in pushed if module in MODULES and module in ours and module not in read],
            needs_full_pull=bool(needed) or needs_full_pull(lag, node.settings.delivery.full_pull_after),
        )

    return await node.store.read(work)


def _way(now: int, pulses: Sequence[Pulse], tallies: Sequence[Tally]) -> Way:
    recent = [tally for pulse, tally in zip(pulses, tallies, strict=True) if pulse.hour >= now // HOUR - 1]
    last = max((tally.ok_at for tally in tallies), default=0)
    return Way(sum(tally.n for tally in recent), sum(tally.bad for tally in recent), last)


async def _unsent(tx: Tx, connection: Connection, cursor: int) -> Unsent:
    objects: set[int] = set()
    since = 0
    for _ in range(MOST):
        changes = await tx.objects.changes(cursor, PART)
        for change in changes:
            if wants(connection, change):
                since = since or await _changed_at(tx, change)
                objects.add(change.pk)
        if len(changes) < PART:
            return Unsent(len(objects), False, since)
        cursor = changes[-1].no
    return Unsent(len(objects), True, since)


async def _changed_at(tx: Tx, change: Change) -> int:
    if change.evse_uid is not None and (evse := await tx.objects.get_evse(change.key, change.evse_uid)) is not None:
        return evse.last_updated
    stored = await tx.objects.get_pk(change.pk)
    return 0 if stored is None else stored.received_at


async def _stuck(tx: Tx, refused: Refused) -> Stuck:
    stored = await tx.objects.get_pk(refused.pk)
    return Stuck(None if stored is None else stored.key, refused)
