"""Which drive a Session or a CDR of a partner belongs to.

By authorization_reference where the CPO gives it back; a CDR by its Session; else by the driver's Token and the EVSE, begun not before the
drive (2.1.1 knows no reference).
"""

from __future__ import annotations

from interplug.model.types import fold, parse_time
from interplug.store.drivers import Drive
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx

from .states import FAILED, WAITING

LATE = 60 * 60 * 1_000_000
"""After a start has failed a Session may still come of it, but not one that began so much later."""
EARLY = 5 * 60 * 1_000_000
"""Clocks differ: a Session may say that it began so much before it was asked for."""


async def drive_of(tx: Tx, stored: Stored) -> Drive | None:
    """The drive to which a Session or CDR belongs, if any: by our reference, else (2.1.1 has none) by Token, Session, EVSE and time."""
    document, source = stored.document, stored.key.source
    reference = document.get("authorization_reference")
    named = await tx.drivers.get(fold(reference)) if reference else None
    if named is not None:
        return named if named.connection == source else None
    token = document["cdr_token"]
    driver = await tx.drivers.with_token(token["uid"]) or await tx.drivers.with_contract(token["contract_id"])
    if driver is None:
        return None
    drives = [drive for drive in await tx.drivers.of_driver(driver.id) if drive.connection == source]
    session = await session_of(tx, stored)
    for drive in drives:
        if (session and drive.session == session) or _fits(drive, stored, await _since(tx, drive)):
            return drive
    return None


async def _since(tx: Tx, drive: Drive) -> int:
    """When it may have begun at the earliest; one that was reserved goes on with the Session of its reservation."""
    reserved = await tx.reservations.get(drive.id)
    return (drive.created_at if reserved is None else reserved.created_at) - EARLY


async def session_of(tx: Tx, stored: Stored) -> int:
    """The number of the Session that a CDR names; 0: it names none that is known."""
    name = stored.document.get("session_id") if stored.key.module == "cdrs" else None
    key = stored.key
    session = await tx.objects.get(Key("sessions", key.source, key.country, key.party, name)) if name else None
    return 0 if session is None else session.pk


def _fits(drive: Drive, stored: Stored, since: int) -> bool:
    document = stored.document
    if stored.key.module == "sessions":
        evse, known = document["evse_uid"], drive.session
    else:
        evse, known = document["cdr_location"]["evse_uid"], drive.cdr
    if known:
        return known == stored.pk
    began = parse_time(document["start_date_time"])
    late = drive.state == FAILED and began > drive.deadline + LATE
    return drive.state in WAITING and not late and fold(evse) == fold(drive.evse) and began >= since
