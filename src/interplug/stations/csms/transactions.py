"""What stations tell of transactions, carried into the book of our charging. Here it gets its meaning, whatever version told it.

Which one is meant says `meant`. Told twice, it is the same: readings are totals, an end is final. A transaction whose driver nobody pays
for is followed like any other and has no Session; so has one that runs before its driver is known.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from interplug.charges import charging
from interplug.charges.bills import Ending
from interplug.charges.pinned import NoPlace, find_place
from interplug.model.power import watts_of
from interplug.model.types import fold
from interplug.modules.authorise import Authorisation
from interplug.modules.node import Node
from interplug.store.charging_stations import Outlet, StationRow
from interplug.store.ocpp import Hold, Transaction
from interplug.store.stations import Reading
from interplug.store.tx import Tx

from . import meant, meters, starts
from .course import UNBEGUN, WATTS, Course
from .events import INVALID, Admission, IdToken, Superseded, Told
from .meant import LATE, outlet_at
from .quirks import Quirk
from .tokens import Admissions
from .trouble import FAULT_REASONS

log = logging.getLogger(__name__)
FOLLOWS = 2.0
"""Seconds in which a station may tell what has ended a charge after it has told of the end."""
NUMBERS = "ocpp transaction"


@dataclass(slots=True)
class Transactions:
    node: Node
    admissions: Admissions
    _troubles: dict[str, asyncio.Event] = field(default_factory=dict)

    async def tell(self, station: StationRow, told: Told, quirk: Quirk) -> Admission:
        """What the station hears of the token in it, and the number of the transaction. Raises Superseded."""
        row = await self.node.store.read(lambda tx: meant.find(tx, station, told))
        if row is None and told.aside:
            return INVALID
        if row is None:
            row = await self._new(station, told)
        elif told.evse and not row.evse:
            row.evse, row.connector = told.evse, told.connector
            await self._only(row.station, row.evse, row.begun_at, row.number)
        course = Course.read(row.doc)
        course.called = course.called or told.number
        if told.kind == "begun" and course.doubt == UNBEGUN and not row.session:
            row.begun_at = min(row.begun_at, told.at)
            course.over, row.ended_at = row.ended_at, 0  # it ends again, as one that somebody pays for
        admission = await self._admit(station, row, course, told, quirk)
        if not row.ended_at:
            course.meter_key = station.about.get(meters.name(row.evse), "") or course.meter_key
            await self._follow(station, row, course, told)
        elif row.session and (words := course.late(told)):
            row.doc = course.raw()
            await self.node.store.write(lambda tx: _save(tx, station, row))
            await charging.told_late(self.node, row.session, words)
        return admission._replace(number=row.number)

    async def _new(self, station: StationRow, told: Told) -> Transaction:
        at = min([told.at, *(sample.at for sample in told.samples)])
        course = Course.begun(told)
        course.register.at = at
        evse, guessed = await self.node.store.read(lambda tx: meant.place(tx, station, told))
        if guessed:
            course.doubt = "neither its beginning was reported nor where it was"

        async def work(tx: Tx) -> Transaction:
            number = str(await tx.bump(NUMBERS)) if told.named_by_us or not told.number else told.number
            row = Transaction(
                station=station.id,
                number=number,
                evse=evse,
                connector=told.connector,
                token=told.token.text if told.token else "",
                begun_at=at,
                heard_at=self.node.clock(),
                doc=course.raw(),
            )
            await _save(tx, station, row)
            return row

        if told.kind != "begun":
            log.warning("station %s: transaction %s was never begun here", station.id, told.number or "without a number")
        if evse and (told.evse or not told.named_by_us):
            await self._only(station.id, evse, at)
        return await self.node.store.write(work)

    async def _only(self, station: str, evse: int, at: int, number: str = "") -> None:
        """What began there before the one that began at `at` has ended."""
        for before in await self.node.store.read(lambda tx: tx.ocpp.open(station), snapshot=False):
            if before.evse == evse and before.number != number and before.begun_at <= at:
                await self.lost(before)

    # --- who charges

    async def _admit(self, station: StationRow, row: Transaction, course: Course, told: Told, quirk: Quirk) -> Admission:
        if row.session:
            return Admission("Accepted") if told.token is None else await self._known(row, station, told.token, told.kind)
        token = told.token or (course.waits if row.evse else None)
        if token is None or row.ended_at:
            return INVALID
        outlet = outlet_at(station, row.evse, row.connector)
        offline = told.offline or self.node.clock() - told.at > LATE or told.kind == "ended" or course.over > 0 or told.token is None
        admission, granted = await self.admissions.ask(station, token, outlet, offline=offline, reversed_uid=quirk.reversed_uid)
        row.token, course.waits = token.text, None
        if granted is None:
            return admission
        if not row.evse:
            course.waits = token  # the card first, the cable later
            return admission
        if outlet is None:
            log.warning("station %s: EVSE %s of transaction %s is not mapped to any of ours", station.id, row.evse, row.number)
            return INVALID
        return admission._replace(begins=True) if await self._begin(station, row, course, outlet, granted, told) else INVALID

    async def _known(self, row: Transaction, station: StationRow, token: IdToken, kind: str) -> Admission:
        """A token at a charge that runs: its driver's, or one of the same group; both may end it."""
        if row.token in ("", fold(token.text)) or kind == "ended":
            return Admission("Accepted", lasting=True)
        admission, _ = await self.admissions.ask(station, token, outlet_at(station, row.evse, row.connector))
        return admission

    async def _begin(
        self, station: StationRow, row: Transaction, course: Course, outlet: Outlet, granted: Authorisation, told: Told
    ) -> bool:
        token: dict[str, Any] = granted.token or {}
        hold = await self._hold(station, outlet, token, granted, told)
        before = course.paid(told, row.begun_at)
        try:
            row.session = await charging.begin(
                self.node,
                location_id=station.place,
                evse_uid=outlet.evse_uid,
                connector_id=outlet.connector_id,
                cdr_token=token,
                auth_method=granted.method,
                connection=granted.connection or 0,
                at=course.begins_at,
                kwh=before,
                authorization_reference=granted.reference,
                reservation=hold.session if hold else None,
            )
        except NoPlace as error:
            log.warning("station %s: %s", station.id, error)
            course.begins_at = 0
            return False
        course.watts = await self.node.store.read(lambda tx: _watts(tx, station, outlet))
        row.doc = course.raw()
        self.admissions.used(station, IdToken(row.token))

        async def work(tx: Tx) -> None:
            await _save(tx, station, row)
            if hold is not None:
                await tx.ocpp.release(hold.number)

        await self.node.store.write(work)
        return True

    async def _hold(self, station: StationRow, outlet: Outlet, token: dict[str, Any], granted: Authorisation, told: Told) -> Hold | None:
        """The reservation that this driver now uses, said by the station or known by the token."""
        holds = [hold for hold in await self.node.store.read(lambda tx: tx.ocpp.holds(), snapshot=False) if hold.station == station.id]
        named = next((hold for hold in holds if hold.number == told.reservation), None)
        mine = (hold for hold in holds if hold.token == fold(token["uid"]) and hold.connection == granted.connection)
        here = (0, *(one.evse for one in station.outlets if one.evse_uid == outlet.evse_uid))
        return named or next((hold for hold in mine if hold.evse in here), None)

    # --- what it takes, and its end

    async def _follow(self, station: StationRow, row: Transaction, course: Course, told: Told) -> None:
        phase, before = course.phase, course.register.total
        row.heard_at = now = self.node.clock()
        readings = course.follow(told, now)
        if before < starts.LITTLE <= course.register.total:
            await starts.worked(self.node, row.station, row.evse)
        every = self.node.after(self.node.settings.stations.session_every) - now
        if told.kind == "ended" or course.over:
            row.ended_at = course.over or max(row.begun_at, course.until)
            fault = await self._fault(row, told) if told.kind == "ended" else None
            await self._end(row, course, readings, fault)
            if row.session and course.register.total < starts.LITTLE:
                await starts.failed(
                    self.node, row.station, row.evse, f"the last charge took no energy, and ended by {told.reason or 'itself'}"
                )
        elif row.session:
            quietly = not course.begins_at and course.phase == phase and course.until - course.told_at < every
            await charging.meter(self.node, row.session, readings, quietly=quietly)
            course.told_at = course.told_at if quietly else course.until
        course.begins_at = 0
        row.doc = course.raw()
        await self.node.store.write(lambda tx: _save(tx, station, row))

    async def _end(self, row: Transaction, course: Course, readings: list[Reading], fault: str | None) -> None:
        if not row.session:
            return
        ending = Ending(fault, course.signed_data(), course.doubts(row.begun_at, row.ended_at), course.untimed)
        await charging.end(self.node, row.session, row.ended_at, readings=readings, ending=ending)

    async def _fault(self, row: Transaction, told: Told) -> str | None:
        """What ended a charge, where no driver did: the station says so, or gives no reason that explains it and something is broken there,
        which some stations tell after the end."""
        if told.reason in FAULT_REASONS or not row.session:
            return FAULT_REASONS.get(told.reason)
        if told.reason not in ("", "Other", "AbnormalCondition"):
            return None
        found = await self._open_fault(row)
        if not found and told.reason == "Other" and self._may_follow(told):
            found = await self._following(row)
        return found or ("AbnormalCondition" if told.reason == "AbnormalCondition" else None)

    def _may_follow(self, told: Told) -> bool:
        """What happened long ago is explained by what came before it; a station that waits for an answer tells nothing meanwhile."""
        return self.node.clock() - told.at < LATE and (told.named_by_us or told.token is None)

    async def _following(self, row: Transaction) -> str | None:
        event = self._troubles.setdefault(row.station, asyncio.Event())
        try:
            async with asyncio.timeout(FOLLOWS):
                while True:
                    event.clear()
                    if found := await self._open_fault(row):
                        return found
                    await event.wait()
        except TimeoutError:
            return None
        finally:
            del self._troubles[row.station]

    def troubled(self, station: str) -> None:
        """A fault has opened there."""
        if station in self._troubles:
            self._troubles[station].set()

    async def _open_fault(self, row: Transaction) -> str | None:
        faults = await self.node.store.read(lambda tx: tx.faults.of_station(row.station), snapshot=False)
        told = [fault for fault in faults if fault.evse in (0, row.evse) and fault.source != "derived"]
        here = [fault.code for fault in told if fault.severity in ("critical", "major")]
        return next(iter(here), None)

    async def lost(self, row: Transaction) -> None:
        """The station no longer speaks of it, and its plug is free: it ends with what was last known (the driver pays nothing later)."""
        course = Course.read(row.doc)
        row.ended_at = max(course.register.at, row.begun_at)
        await self._end(row, course, [], "the station did not report the end")
        await self.node.store.write(lambda tx: tx.ocpp.save(row))


async def _save(tx: Tx, station: StationRow, row: Transaction) -> None:
    """A process that was halted since it has read the row does not write over what another has carried meanwhile. Raises Superseded."""
    if not await tx.charging_stations.lives(station.id, station.epoch):
        raise Superseded(station.id)
    await tx.ocpp.save(row)


async def _watts(tx: Tx, station: StationRow, outlet: Outlet) -> int:
    """What the connector can deliver at most."""
    connector = (await find_place(tx, station.place, outlet.evse_uid, outlet.connector_id)).connector
    return watts_of(connector) or WATTS
