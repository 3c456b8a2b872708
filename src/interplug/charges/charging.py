"""The book of our own charging: Sessions and CDRs, whoever runs the stations (OCPP, the owner's back-end).

A station reports what happened, with the time at which it happened: `begin`, `meter`, `end`, `reserve`, `release`. Each report
is one transaction: the readings, the Session that partners see and, at the end, its CDR go to disk together or not at all.
Readings are totals, so a report that is repeated changes nothing and one that is late finds its place. Connection 0 is a
driver of our own, whom no partner pays for.

This file knows no station, no socket and no price; moves between states are those of `session_states`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from interplug.model.types import fold, format_time
from interplug.modules import terminals
from interplug.modules.node import Node
from interplug.modules.session_states import STATES, advance
from interplug.store.evses import evses_called
from interplug.store.holds import Note
from interplug.store.keys import OWN, Key
from interplug.store.stations import Reading
from interplug.store.tx import Tx

from . import book
from .bills import STOPPED, Ending
from .book import LOST, whole
from .pinned import Pinned, find_place, pin

log = logging.getLogger(__name__)
ZERO = Decimal(0)
Document = dict[str, Any]

# --- reports of stations


async def begin(
    node: Node,
    *,
    location_id: str,
    evse_uid: str,
    connector_id: str | None,
    cdr_token: Document,
    auth_method: str,
    connection: int,
    at: int,
    kwh: Decimal = ZERO,
    authorization_reference: str | None = None,
    reservation: str | None = None,
    home: bool = False,
) -> str:
    """The cable is in and the driver is known: a Session, PENDING until the first reading. `kwh` is what its meter shows now: the Session
    takes what is counted from there on, whichever readings are lost. `reservation` is the Session of a reservation that this driver now
    uses; it goes on under its id (SES-030). `home`: it is the driver's own charger, and the driver is paid back (CDR-023).
    Raises NoPlace."""
    said = book.said(cdr_token, auth_method, authorization_reference)

    async def work(tx: Tx) -> str:
        place = await find_place(tx, location_id, evse_uid, connector_id)
        await book.close_others(tx, node, place, at, reservation)
        charge = await tx.stations.get(reservation) if reservation else None
        if charge is not None and advance(charge.state, "begun") is not None:
            charge.pinned = Pinned.read(charge.pinned).begun(whole(at), kwh).raw()
            await book.move(tx, node, charge, place, "begun", said)
            return charge.id
        ad_hoc = terminals.paid_here(node.directory.by_id(connection), cdr_token)
        pinned = (await pin(tx, place, book.sees(node, connection), at, home=home, ad_hoc=ad_hoc)).begun(whole(at), kwh)
        state = STATES["", "begun"]
        charge = await book.new(tx, place, pinned, connection=connection, state=state, begun_at=at, heard_at=node.clock())
        await book.announce(tx, node, charge, place, said)
        return charge.id

    return await node.store.write(work)


async def reserve(
    node: Node,
    *,
    location_id: str,
    evse_uid: str,
    connector_id: str | None,
    cdr_token: Document,
    connection: int,
    reservation_id: str,
    expires_at: int,
    at: int,
    authorization_reference: str | None = None,
) -> str:
    """An EVSE is held for a driver: a Session in state RESERVATION (SES-029). The same reservation_id at the same Location
    replaces the one there is (CMD-034), under the same Session. Raises NoPlace."""
    said = book.said(cdr_token, "COMMAND", authorization_reference)

    async def work(tx: Tx) -> str:
        place = await find_place(tx, location_id, evse_uid, connector_id)
        for charge in await tx.stations.reservations(connection, reservation_id, "RESERVATION"):
            if charge.place == fold(place.key.id) and (charge.country, charge.party) == (place.key.country, place.key.party):
                charge.reserved_until, charge.evse = expires_at, place.evse["uid"]
                await book.move(tx, node, charge, place, "reserved", said)
                return charge.id
        pinned = await pin(tx, place, book.sees(node, connection), at)
        held = {"state": STATES["", "reserved"], "reservation": reservation_id, "reserved_until": expires_at}
        charge = await book.new(tx, place, pinned, connection=connection, begun_at=at, heard_at=node.clock(), **held)
        await tx.stations.read(charge.id, [Reading(whole(at), ZERO, "reserved")], node.clock())
        await book.announce(tx, node, charge, place, said)
        return charge.id

    return await node.store.write(work)


def _spelled(readings: Iterable[Reading]) -> list[Reading]:
    return [Reading(whole(one.at), one.kwh, one.phase, one.power, one.current, one.soc) for one in readings]


async def meter(node: Node, session_id: str, readings: Iterable[Reading], *, quietly: bool = False) -> None:
    """What the meter of a running Session said; late ones too. The first makes the Session ACTIVE, from its time on. `quietly`: they
    are kept, and partners see them with the next ones."""
    found = _spelled(readings)

    async def work(tx: Tx) -> None:
        if quietly:
            await tx.stations.read(session_id, found, node.clock())
            return
        charge = await tx.stations.get(session_id)
        if charge is None or not await tx.stations.read(session_id, found, node.clock()):
            return
        state = advance(charge.state, "metered")
        if state is None:
            log.info("readings of Session %s came after its end", session_id)
            return
        charge.state = state
        await book.update(tx, node, charge)

    if found:
        await node.store.write(work)


async def end(node: Node, session_id: str, at: int, *, readings: Sequence[Reading] = (), ending: Ending = STOPPED) -> str | None:
    """The Session is over at `at`; its CDR is written in the same transaction. The state that it has now, None where there is no
    such Session. Once over, it stays as it was: a repeated end and readings that come too late change nothing."""
    found = _spelled(readings)

    async def work(tx: Tx) -> str | None:
        charge = await tx.stations.get(session_id)
        if charge is None:
            return None
        if await tx.stations.read(session_id, found, node.clock()):
            charge.state = advance(charge.state, "metered") or charge.state
        await book.finish(tx, node, charge, "ended", whole(at), ending)
        return charge.state

    return await node.store.write(work)


async def told_late(node: Node, session_id: str, words: str) -> None:
    """Something of a charge came after its end. Its CDR has perhaps left and stays as it is; whoever looks at it can read this."""

    async def work(tx: Tx) -> None:
        charge = await tx.stations.get(session_id)
        cdr = await tx.objects.get(Key("cdrs", OWN, charge.country, charge.party, charge.id)) if charge is not None else None
        if cdr is not None:
            await tx.holds.note(Note(cdr.pk, "late", words, "the station", node.clock()))

    await node.store.write(work)


async def release(node: Node, session_id: str, at: int, event: str) -> str | None:
    """A reservation ends unused: "expired", or "canceled" by either side. An expired one is billed where the tariff says so
    (RESERVATION_EXPIRES); a canceled one never, for OCPI has no price for it."""

    async def work(tx: Tx) -> str | None:
        charge = await tx.stations.get(session_id)
        if charge is None:
            return None
        if charge.state == "RESERVATION":
            await book.finish(tx, node, charge, event, whole(at), STOPPED)
        return charge.state

    return await node.store.write(work)


async def close_lost(node: Node, silent_since: int) -> list[str]:
    """Ends what no station speaks of any more: reservations past their time, and Sessions unheard of since then."""

    async def work(tx: Tx) -> list[str]:
        closed = []
        for charge in await tx.stations.in_state("RESERVATION"):
            if charge.reserved_until <= node.clock():
                await book.finish(tx, node, charge, "expired", charge.reserved_until, STOPPED)
                closed.append(charge.id)
        for state in ("PENDING", "ACTIVE"):
            for charge in await tx.stations.in_state(state):
                if charge.heard_at < silent_since:
                    await book.finish(tx, node, charge, "lost", None, LOST)
                    closed.append(charge.id)
        return closed

    return await node.store.write(work)


async def evse_status(node: Node, location_id: str, evse_uid: str, status: str, at: int) -> bool:
    """Whether the status of an own EVSE is now another; an EVSE that is gone becomes REMOVED and stays listed (LOC-003)."""

    async def work(tx: Tx) -> bool:
        for evse in await tx.objects.find_evse(evse_uid, source=OWN):
            if fold(evse.key.id) == fold(location_id) and evse.status not in (status, "REMOVED"):
                moment = max(whole(at), evse.last_updated)
                document = {**evse.document, "status": status, "last_updated": format_time(moment)}
                return (await tx.objects.save_evse(evse.key, evse_uid, document, last_updated=moment)).changed
        return False

    return await node.store.write(work, evses_called(evse_uid))


async def evse_capability(tx: Tx, node: Node, location_id: str, evse_uid: str, capability: str, *, there: bool) -> bool:
    """Whether an own EVSE has now, or has no more, a capability that it had not, or had."""
    for evse in await tx.objects.find_evse(evse_uid, source=OWN):
        has = evse.document.get("capabilities") or []
        if fold(evse.key.id) == fold(location_id) and evse.status != "REMOVED" and there != (capability in has):
            moment = max(whole(node.clock()), evse.last_updated)
            able = [*has, capability] if there else [one for one in has if one != capability]
            document = {**evse.document, "capabilities": able, "last_updated": format_time(moment)}
            return (await tx.objects.save_evse(evse.key, evse_uid, document, last_updated=moment)).changed
    return False
