"""Which transaction a station means, and where it was.

A station of 2.x names each itself. One of 1.6 has the number that we gave it at its beginning; but some say a number of their own, and
where a beginning never arrived there is none, so they say 0 or -1. Then counts what else is said: the EVSE, the card, what the station
has called it before. An end that says nothing of these may be that of a charge whose beginning was lost; only where the station has one
EVSE, and its meter goes on from what was known, can it be no other than the one that runs. To end another driver's charge by mistake
is worse than to end one late, which happens when the plug is free or the next one begins, with what was last known.
"""

from __future__ import annotations

from interplug.model.types import fold
from interplug.store.charging_stations import Outlet, StationRow
from interplug.store.ocpp import Transaction
from interplug.store.tx import Tx

from .course import Course
from .events import Told
from .statuses import FREE

LATE = 60_000_000
"""Microseconds after which what is told has happened while the station was away."""


def outlet_at(station: StationRow, evse: int, connector: int = 0) -> Outlet | None:
    """The connector that the station means; the first of the EVSE where it names none that we know."""
    there = [outlet for outlet in station.outlets if outlet.evse == evse]
    return next((outlet for outlet in there if outlet.connector == connector), next(iter(there), None))


async def find(tx: Tx, station: StationRow, told: Told) -> Transaction | None:
    """None: one that we do not know."""
    if told.number and (row := await tx.ocpp.transaction(station.id, told.number)) is not None:
        return row
    if told.kind == "begun":
        return await _repeated(tx, station, told) if told.named_by_us else None
    if told.number and not told.named_by_us:
        return None
    rows = [row for row in await tx.ocpp.open(station.id) if _fits(row, told)]
    if told.aside:
        return rows[-1] if rows and told.evse else None
    found = _called(rows, told)
    if told.evse:
        found = (found or _of_card(rows, told) or rows)[-1:]  # of two, one is told late
    elif told.token:
        found = found or _of_card(rows, told) or rows
    elif _only_evse(station):
        found = found or [row for row in rows if row.begun_at <= told.at and _goes_on(row, told)]
    return found[0] if len(found) == 1 else None


async def _repeated(tx: Tx, station: StationRow, told: Told) -> Transaction | None:
    """A beginning is known by its time and register."""
    text = told.token.text if told.token else ""
    for row in await tx.ocpp.begun(station.id, told.evse, text, told.at - LATE):
        if Course.read(row.doc).same_beginning(told):
            return row
    return None


def _fits(row: Transaction, told: Told) -> bool:
    """Whether a transaction may be the one that is told of without its name."""
    here = told.evse in (0, row.evse)
    token = fold(told.token.text) if told.token else ""
    return here and (token == row.token or "" in (token, row.token)) and row.begun_at <= told.at + LATE


def _called(rows: list[Transaction], told: Told) -> list[Transaction]:
    return [row for row in rows if told.number and Course.read(row.doc).called == told.number]


def _of_card(rows: list[Transaction], told: Told) -> list[Transaction]:
    """Its own charge before one whose driver is not known."""
    return [row for row in rows if told.token and row.token == fold(told.token.text)]


def _goes_on(row: Transaction, told: Told) -> bool:
    """What the meter shows is not against it."""
    course, shown = Course.read(row.doc), [one.register for one in told.samples if one.register is not None and one.register >= 0]
    return not shown or course.register.continues(shown[-1], told.at, course.watts)


def _only_evse(station: StationRow) -> int:
    """0: it has several."""
    evses = {outlet.evse for outlet in station.outlets}
    return evses.pop() if len(evses) == 1 else 0


async def place(tx: Tx, station: StationRow, told: Told) -> tuple[int, bool]:
    """The EVSE of a transaction that is new to us, and whether it is a guess. 0: it is not known yet, as where a card came before the
    cable. The end of a charge of 1.6 names none ever: it was where no other charge ran, rather where a plug is in use."""
    if evse := told.evse or _only_evse(station):
        return evse, False
    if not (told.named_by_us and told.kind == "ended" and told.token):
        return 0, False
    taken = {row.evse for row in await tx.ocpp.open(station.id) if row.begun_at <= told.at}
    left = sorted({outlet.evse for outlet in station.outlets} - taken)
    said = {one.evse for one in await tx.charging_stations.statuses(station.id) if one.status not in (*FREE, "Faulted")}
    return next(iter([evse for evse in left if evse in said] or left), 0), len(left) > 1
