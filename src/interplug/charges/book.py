"""Writing the Sessions and CDRs of our own charging, inside the transaction of a report (`charging`).

A charge is a row with what was pinned when it began; its readings are rows, too. The Session that partners see is made from
both after each report, and at the end its CDR, in the same transaction. A Session and its CDR are seen by the connection
whose driver it is and by nobody else (CDR-025); connection 0 is a driver of our own.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from interplug.model.types import format_time
from interplug.model.validate import validate
from interplug.modules import terminals
from interplug.modules.node import Node
from interplug.modules.session_states import BILLED, advance
from interplug.partners.connection import OWN_DRIVERS
from interplug.store.holds import Note
from interplug.store.keys import OWN, Key
from interplug.store.stations import Charge, Reading
from interplug.store.tx import Tx

from . import bills, holding, invoices
from .bills import Ending
from .metering import Metered, measure, remembered
from .pinned import Pinned, Place, pin

Document = dict[str, Any]
LOST = Ending("the station was not heard of any more; closed with its last reading")


def whole(at: int) -> int:
    """A time as a document can spell it."""
    return at // 1000 * 1000


# --- the Session as partners see it


def said(cdr_token: Document, auth_method: str, reference: str | None) -> Document:
    """Who charges, in the words of the latest authorisation (SES-036, SES-037)."""
    token = {name: cdr_token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}
    return {"cdr_token": token, "auth_method": auth_method} | ({"authorization_reference": reference} if reference else {})


async def new(tx: Tx, place: Place, pinned: Pinned, **more: Any) -> Charge:
    """The row of a charge that begins; `more` are its connection, state, times and reservation."""
    charge = Charge(
        id=str(uuid.uuid4()),
        country=place.key.country,
        party=place.key.party,
        place=place.key.id,
        evse=place.evse["uid"],
        pinned=pinned.raw(),
        **more,
    )
    await tx.stations.add(charge)
    return charge


def sees(node: Node, connection: int) -> tuple[int, ...]:
    """The audiences of that partner; our own drivers see what everybody sees."""
    found = node.directory.by_id(connection) if connection else None
    return found.audiences if found is not None else (0,)


async def announce(tx: Tx, node: Node, charge: Charge, place: Place, said: Document) -> None:
    """The first form of the Session; start_date_time is that of its creation until there is energy (SES-033)."""
    session = {
        "country_code": place.location["country_code"],
        "party_id": place.location["party_id"],
        "id": charge.id,
        "start_date_time": format_time(whole(charge.begun_at)),
        "kwh": 0,
        **said,
        **_where(place),
        "currency": Pinned.read(charge.pinned).currency,
        "status": charge.state,
    }
    await _save(tx, node, charge, session)


def _where(place: Place) -> Document:
    return {"location_id": place.location["id"], "evse_uid": place.evse["uid"], "connector_id": place.connector["id"]}


async def move(tx: Tx, node: Node, charge: Charge, place: Place, event: str, said: Document) -> None:
    """A reservation that is changed, or that is being used now: the same Session, with what is known now."""
    charge.state = advance(charge.state, event) or charge.state
    charge.heard_at = node.clock()
    pinned = Pinned.read(charge.pinned)
    if pinned.place["connector_id"] != place.connector["id"] or pinned.place["evse_uid"] != place.evse["uid"]:
        again = await pin(tx, place, sees(node, charge.connection), charge.begun_at)
        charge.pinned = msgspec.structs.replace(again, begun_at=pinned.begun_at, begun_kwh=pinned.begun_kwh).raw()
    await tx.stations.update(charge)
    session = await _session(tx, charge)
    await _save(tx, node, charge, {**session, **said, **_where(place), "status": charge.state})


async def update(tx: Tx, node: Node, charge: Charge, ended: int | None = None) -> tuple[Document, Metered]:
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


async def close_others(tx: Tx, node: Node, place: Place, at: int, but: str | None) -> None:
    """A car begins at an EVSE where an earlier one is still said to charge: that one's end was lost on the way. One that began later goes
    on: this beginning is told late."""
    for charge in await tx.stations.at_evse(place.key.country, place.key.party, place.key.id, place.evse["uid"], ("PENDING", "ACTIVE")):
        if charge.id != but and charge.begun_at <= at:
            await finish(tx, node, charge, "lost", None, LOST)


async def finish(tx: Tx, node: Node, charge: Charge, event: str, at: int | None, ending: Ending) -> None:
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
    if charge.state == "ACTIVE" and (not metered.periods() or (ending.fault is not None and not metered.kwh)):
        event = "nothing"
    charge.state = advance(charge.state, event) or charge.state
    session, metered = await update(tx, node, charge, ended)
    remembered(node.store).pop(charge.id, None)
    if charge.state == BILLED and _billable(session, metered):
        cdr = bills.bill(session, pinned, metered, whole(node.clock()), ending)
        tariff = metered.cutter.tariff
        doubt = ending.doubt or (ending.untimed if tariff is not None and tariff.timed else "")
        issued = await _bill(tx, node, charge, cdr, pinned.time_zone, doubt)
        if ending.untimed and doubt != ending.untimed:
            await tx.holds.note(Note(issued.saved.pk, "late", ending.untimed, "the station", node.clock()))


def _billable(session: Document, metered: Metered) -> bool:
    """Every charge has its CDR, a free one too; a reservation that was never used only if it costs something."""
    if metered.began is not None:
        return True
    cost = session.get("total_cost")
    return cost is not None and cost["before_taxes"] > 0


async def _bill(tx: Tx, node: Node, charge: Charge, cdr: Document, zone: str | None, doubt: str) -> holding.Issued:
    key = Key("cdrs", OWN, charge.country, charge.party, charge.id)
    reference = cdr.get("authorization_reference")
    if reference and await terminals.invoiced_here(tx, charge.connection, charge.place, charge.evse):
        # Whoever holds the terminal captures, and we write the invoice.
        cdr = {**cdr, "invoice_reference_id": await invoices.take_number(tx, node)}
    wrong = bills.differing(cdr, zone)
    return await holding.issue(tx, node.directory, key, cdr, await _audience(tx, charge), zone=zone, wrong=wrong, doubt=doubt)
