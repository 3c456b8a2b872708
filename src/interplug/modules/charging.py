"""The book of our own charging: Sessions and CDRs, whoever runs the stations (the simulator, OCPP, the owner's back-end).

A station reports what happened, with the time at which it happened: `begin`, `meter`, `end`, `reserve`, `release`. Each report
is one transaction: the readings, the Session that partners see and, at the end, its CDR go to disk together or not at all.
Readings are totals, so a report that is repeated changes nothing and one that is late finds its place. A Session and its CDR
are seen by the connection whose driver it is and by nobody else (CDR-025); connection 0 is a driver of our own.

This file knows no station, no socket and no price; moves between states are those of `session_states`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from interplug.model.types import fold, format_time, parse_time
from interplug.model.validate import validate
from interplug.store.keys import OWN, Key
from interplug.store.stations import Charge, Reading
from interplug.store.tx import Tx

from . import bills
from .metering import Metered, measure, remembered
from .node import Node
from .pinned import Pinned, Place, find_place, pin
from .session_states import BILLED, OPEN, advance

log = logging.getLogger(__name__)
Document = dict[str, Any]
OWN_DRIVERS = "own drivers"
"""The class of partners, without members, that sees the Sessions of our own drivers."""
LOST = "the station was not heard of any more; closed with its last reading"


def whole(at: int) -> int:
    """A time as a document can spell it."""
    return at // 1000 * 1000


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
    authorization_reference: str | None = None,
    reservation: str | None = None,
) -> str:
    """The cable is in and the driver is known: a Session, PENDING until the first reading. `reservation` is the Session of a
    reservation that this driver now uses; it goes on under its id (SES-030). Raises NoPlace."""
    said = _said(cdr_token, auth_method, authorization_reference)

    async def work(tx: Tx) -> str:
        place = await find_place(tx, location_id, evse_uid, connector_id)
        await _close_others(tx, node, place, reservation)
        charge = await tx.stations.get(reservation) if reservation else None
        if charge is not None and advance(charge.state, "begun") is not None:
            await _move(tx, node, charge, place, "begun", said)
            return charge.id
        charge = await _new(tx, node, place, connection, "begun", at)
        await _announce(tx, node, charge, place, said, at)
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
    said = _said(cdr_token, "COMMAND", authorization_reference)

    async def work(tx: Tx) -> str:
        place = await find_place(tx, location_id, evse_uid, connector_id)
        for charge in await tx.stations.reservations(connection, reservation_id, "RESERVATION"):
            if charge.place == fold(place.key.id) and (charge.country, charge.party) == (place.key.country, place.key.party):
                charge.reserved_until, charge.evse = expires_at, place.evse["uid"]
                await _move(tx, node, charge, place, "reserved", said)
                return charge.id
        charge = await _new(tx, node, place, connection, "reserved", at, reservation_id, expires_at)
        await tx.stations.read(charge.id, [Reading(whole(at), Decimal(0), "reserved")], node.clock())
        await _announce(tx, node, charge, place, said, at)
        return charge.id

    return await node.store.write(work)


async def meter(node: Node, session_id: str, readings: Iterable[Reading]) -> None:
    """What the meter of a running Session said; late ones too. The first makes the Session ACTIVE, from its time on."""
    found = [Reading(whole(one.at), one.kwh, one.phase, one.power, one.current, one.soc) for one in readings]

    async def work(tx: Tx) -> None:
        charge = await tx.stations.get(session_id)
        if charge is None or not await tx.stations.read(session_id, found, node.clock()):
            return
        state = advance(charge.state, "metered")
        if state is None:
            log.info("readings of Session %s came after its end", session_id)
            return
        charge.state = state
        await _update(tx, node, charge)

    if found:
        await node.store.write(work)


async def end(node: Node, session_id: str, at: int, *, readings: Sequence[Reading] = (), fault: str | None = None) -> str | None:
    """The Session is over at `at`; `fault` says what ended it where it was no driver. Its CDR is written in the same
    transaction. The state that it has now; None where there is no such Session. Once over, it stays as it was."""
    found = [Reading(whole(one.at), one.kwh, one.phase, one.power, one.current, one.soc) for one in readings]

    async def work(tx: Tx) -> str | None:
        charge = await tx.stations.get(session_id)
        if charge is None:
            return None
        if charge.state in OPEN and await tx.stations.read(session_id, found, node.clock()):
            charge.state = advance(charge.state, "metered") or charge.state
        await _finish(tx, node, charge, "ended", whole(at), fault)
        return charge.state

    return await node.store.write(work)


async def release(node: Node, session_id: str, at: int, event: str) -> str | None:
    """A reservation ends unused: "expired", or "canceled" by either side. An expired one is billed where the tariff says so
    (RESERVATION_EXPIRES); a canceled one never, for OCPI has no price for it."""

    async def work(tx: Tx) -> str | None:
        charge = await tx.stations.get(session_id)
        if charge is None:
            return None
        if charge.state == "RESERVATION":
            await _finish(tx, node, charge, event, whole(at), None)
        return charge.state

    return await node.store.write(work)


async def close_lost(node: Node, silent_since: int) -> list[str]:
    """Ends what no station speaks of any more: reservations past their time, and Sessions unheard of since then."""

    async def work(tx: Tx) -> list[str]:
        closed = []
        for charge in await tx.stations.in_state("RESERVATION"):
            if charge.reserved_until <= node.clock():
                await _finish(tx, node, charge, "expired", charge.reserved_until, None)
                closed.append(charge.id)
        for state in ("PENDING", "ACTIVE"):
            for charge in await tx.stations.in_state(state):
                if charge.heard_at < silent_since:
                    await _finish(tx, node, charge, "lost", None, LOST)
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

    return await node.store.write(work)


# --- the Session as partners see it


def _said(cdr_token: Document, auth_method: str, reference: str | None) -> Document:
    """Who charges, in the words of the latest authorisation (SES-036, SES-037)."""
    token = {name: cdr_token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}
    return {"cdr_token": token, "auth_method": auth_method} | ({"authorization_reference": reference} if reference else {})


async def _new(tx: Tx, node: Node, place: Place, connection: int, event: str, at: int, reservation: str = "", until: int = 0) -> Charge:
    pinned = await pin(tx, place, _sees(node, connection), at)
    charge = Charge(
        id=str(uuid.uuid4()),
        country=place.key.country,
        party=place.key.party,
        place=place.key.id,
        evse=place.evse["uid"],
        connection=connection,
        state=advance("", event) or "",
        reservation=reservation,
        reserved_until=until,
        begun_at=at,
        heard_at=node.clock(),
        pinned=pinned.raw(),
    )
    await tx.stations.add(charge)
    return charge


def _sees(node: Node, connection: int) -> tuple[int, ...]:
    """The audiences of that partner; our own drivers see what everybody sees."""
    found = node.directory.by_id(connection) if connection else None
    return found.audiences if found is not None else (0,)


async def _announce(tx: Tx, node: Node, charge: Charge, place: Place, said: Document, at: int) -> None:
    """The first form of the Session; start_date_time is that of its creation until there is energy (SES-033)."""
    session = {
        "country_code": place.location["country_code"],
        "party_id": place.location["party_id"],
        "id": charge.id,
        "start_date_time": format_time(whole(at)),
        "kwh": 0,
        **said,
        **_where(place),
        "currency": Pinned.read(charge.pinned).currency,
        "status": charge.state,
    }
    await _save(tx, node, charge, session)


def _where(place: Place) -> Document:
    return {"location_id": place.location["id"], "evse_uid": place.evse["uid"], "connector_id": place.connector["id"]}


async def _move(tx: Tx, node: Node, charge: Charge, place: Place, event: str, said: Document) -> None:
    """A reservation that is changed, or that is being used now: the same Session, with what is known now."""
    charge.state = advance(charge.state, event) or charge.state
    charge.heard_at = node.clock()
    pinned = Pinned.read(charge.pinned)
    if pinned.place["connector_id"] != place.connector["id"] or pinned.place["evse_uid"] != place.evse["uid"]:
        charge.pinned = (await pin(tx, place, _sees(node, charge.connection), charge.begun_at)).raw()
    await tx.stations.update(charge)
    session = await _session(tx, charge)
    await _save(tx, node, charge, {**session, **said, **_where(place), "status": charge.state})


async def _update(tx: Tx, node: Node, charge: Charge, ended: int | None = None) -> tuple[Document, Metered]:
    """The Session after new readings, or at its end."""
    charge.heard_at = node.clock()
    await tx.stations.update(charge)
    pinned = Pinned.read(charge.pinned)
    metered = await measure(tx, remembered(node.store), charge.id, pinned)
    session = {**await _session(tx, charge), "status": charge.state}
    if metered.began is not None:
        session["start_date_time"] = format_time(metered.began)
    if ended is not None:
        session["end_date_time"] = format_time(ended)
    session = bills.running(session, pinned, metered)
    await _save(tx, node, charge, session)
    return session, metered


async def _session(tx: Tx, charge: Charge) -> Document:
    stored = await tx.objects.get(Key("sessions", OWN, charge.country, charge.party, charge.id))
    assert stored is not None
    return stored.document


async def _save(tx: Tx, node: Node, charge: Charge, session: Document) -> None:
    now = whole(node.clock())
    session = {**session, "last_updated": format_time(now)}
    validate("session", session)
    key = Key("sessions", OWN, charge.country, charge.party, charge.id)
    await tx.objects.save(key, session, last_updated=now, audience=await _audience(tx, charge))


async def _audience(tx: Tx, charge: Charge) -> int:
    return charge.connection or await tx.parties.audience_class(OWN_DRIVERS)


# --- the end


async def _close_others(tx: Tx, node: Node, place: Place, but: str | None) -> None:
    """A car begins at an EVSE where one is still said to charge: that one's end was lost on the way."""
    for charge in await tx.stations.at_evse(place.key.country, place.key.party, place.key.id, place.evse["uid"], ("PENDING", "ACTIVE")):
        if charge.id != but:
            await _finish(tx, node, charge, "lost", None, LOST)


async def _finish(tx: Tx, node: Node, charge: Charge, event: str, at: int | None, remark: str | None) -> None:
    """Ends a charge, with its CDR where there is something to bill; nothing when its state knows no such event."""
    if advance(charge.state, event) is None:
        return
    pinned = Pinned.read(charge.pinned)
    metered = await measure(tx, remembered(node.store), charge.id, pinned)
    last = metered.last.at if metered.last is not None else whole(charge.begun_at)
    ended = max(last, at or 0)
    used = charge.state == "ACTIVE" or event == "expired"
    if used and metered.last is not None and ended > last:
        await tx.stations.read(charge.id, [Reading(ended, metered.last.kwh, metered.last.phase)], node.clock())
        metered = await measure(tx, remembered(node.store), charge.id, pinned)
    if charge.state == "ACTIVE" and (not metered.periods() or (remark is not None and not metered.kwh)):
        event = "nothing"
    charge.state = advance(charge.state, event) or charge.state
    session, metered = await _update(tx, node, charge, ended)
    remembered(node.store).pop(charge.id, None)
    if charge.state == BILLED and _billable(session, metered):
        await _bill(tx, node, charge, bills.bill(session, pinned, metered, whole(node.clock()), remark))


def _billable(session: Document, metered: Metered) -> bool:
    """Every charge has its CDR, a free one too; a reservation that was never used only if it costs something."""
    if metered.began is not None:
        return True
    cost = session.get("total_cost")
    return cost is not None and cost["before_taxes"] > 0


async def _bill(tx: Tx, node: Node, charge: Charge, cdr: Document) -> None:
    key = Key("cdrs", OWN, charge.country, charge.party, charge.id)
    if await tx.objects.get(key) is None:
        await tx.objects.save(key, cdr, last_updated=parse_time(cdr["last_updated"]), audience=await _audience(tx, charge))
