"""Where everything that stations tell gets its meaning, whatever version told it: statuses, faults, reservations; transactions beside it.

What a station says of a connector is kept as it said it, and what partners see of the EVSE is worked out anew from all that is known:
the connectors, the whole station, transactions, faults, and whether there is a line at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from interplug.charges import charging
from interplug.modules.call import cancel_reservation
from interplug.modules.node import Node
from interplug.store.charging_stations import StationRow, Status
from interplug.store.faults import Fault
from interplug.store.ocpp import Hold, Transaction
from interplug.store.tx import Tx

from . import readers, statuses, trouble
from .events import Standing, Superseded, Trouble
from .quirks import Quirk
from .settling import Settling
from .tokens import Admissions
from .transactions import Transactions

FINE = "NoError"


class Known(NamedTuple):
    """What is known of a station at a moment."""

    statuses: list[Status]
    running: list[Transaction]
    faults: list[Fault]


class Limiting(Protocol):
    """What stations tell of charging profiles goes there (`limits`)."""

    async def again(self, station: StationRow) -> None: ...
    async def moved(self, station: str, evse: int) -> None: ...


@dataclass(slots=True)
class Desk:
    node: Node
    shy: set[str] = field(default_factory=set)
    """Stations that did not answer when their configuration was read, and are not asked again: some restart at it, each time."""
    limits: Limiting = field(init=False)
    admissions: Admissions = field(init=False)
    transactions: Transactions = field(init=False)
    settling: Settling = field(init=False)

    def __post_init__(self) -> None:
        self.admissions = Admissions(self.node)
        self.transactions = Transactions(self.node, self.admissions)
        self.settling = Settling(self.node.settings.stations.status_settle)

    # --- statuses

    async def standing(self, station: StationRow, said: Standing, quirk: Quirk) -> None:
        """Raises Superseded."""
        if said.status == "Available" and quirk.available_means_nothing and await self._running_at(station, said.evse):
            return
        evse = said.evse
        row = Status(station.id, evse, said.connector, said.status, said.error or FINE, said.at)

        async def work(tx: Tx) -> None:
            if not await tx.charging_stations.lives(station.id, station.epoch):
                raise Superseded(station.id)
            await tx.charging_stations.status(row)
            if said.error is not None:
                await self._told_by_status(tx, station, said)

        await self.node.store.write(work)
        if said.error not in (None, FINE):
            self.transactions.troubled(station.id)
        await self.publish(station, evse=evse)

    async def _told_by_status(self, tx: Tx, station: StationRow, said: Standing) -> None:
        """1.6 says in each status what is wrong: one thing, or nothing any more."""
        for fault in await tx.faults.of_station(station.id):
            if fault.source == "status" and fault.evse == said.evse and fault.code != said.error:
                await tx.faults.close(fault.no, said.at)
        if said.error != FINE:
            await tx.faults.open(_fault(station, said, str(said.error), "status"))

    async def trouble(self, station: StationRow, said: Trouble) -> None:
        """An event of 2.x opens or closes a fault. Raises Superseded."""

        async def work(tx: Tx) -> None:
            if not await tx.charging_stations.lives(station.id, station.epoch):
                raise Superseded(station.id)
            if said.open:
                await tx.faults.open(_fault(station, said, said.code, "event", said.severity))
                return
            for fault in await tx.faults.of_station(station.id):
                if (fault.source, fault.evse, fault.code) == ("event", said.evse, said.code):
                    await tx.faults.close(fault.no, said.at)

        await self.node.store.write(work)
        if said.open:
            self.transactions.troubled(station.id)
        await self.publish(station, evse=said.evse)

    async def restarted(self, station: StationRow, at: int) -> None:
        """Events of what was wrong before are not taken back after it: what still is wrong is told again. Raises Superseded."""

        async def work(tx: Tx) -> bool:
            if not await tx.charging_stations.lives(station.id, station.epoch):
                raise Superseded(station.id)
            found = [one for one in await tx.faults.of_station(station.id) if one.source == "event" and one.opened_at < at]
            for fault in found:
                await tx.faults.close(fault.no, at)
            return bool(found)

        if await self.node.store.write(work):
            await self.publish(station)

    async def publish(self, station: StationRow, *, online: bool = True, evse: int = 0) -> None:
        """Brings what partners see of a station's EVSEs (of one of them) level with what is known."""
        known = await self.node.store.read(lambda tx: _known(tx, station.id))
        for uid in dict.fromkeys(outlet.evse_uid for outlet in station.outlets if evse in (0, outlet.evse)):
            await self._reader(station, uid, known)
            status = self._status(station, uid, known, online)
            spot = station.id, uid
            if status is None or not self.settling.may_tell(spot, partial(self._again, station.id, uid, online)):
                continue
            if await charging.evse_status(self.node, station.place, uid, status, self.node.clock()):
                self.settling.told(spot)

    async def _reader(self, station: StationRow, uid: str, known: Known) -> None:
        here = (0, *(outlet.evse for outlet in station.outlets if outlet.evse_uid == uid))
        broken = any(fault.code == readers.CODE and fault.evse in here for fault in known.faults)
        await readers.level(self.node, station, uid, broken=broken)

    async def _again(self, id: str, uid: str, online: bool) -> None:
        station = await self.node.store.read(lambda tx: tx.charging_stations.get(id), snapshot=False)
        for outlet in station.outlets if station is not None else ():
            if station is not None and outlet.evse_uid == uid:
                await self.publish(station, online=online, evse=outlet.evse)
                return

    async def publish_of(self, id: str, evse: int) -> None:
        station = await self.node.store.read(lambda tx: tx.charging_stations.get(id), snapshot=False)
        if station is not None:  # one that left a moment ago may be back at once
            patience = self.node.after(-self.node.settings.stations.offline_after)
            await self.publish(station, online=bool(station.holder) or station.since > patience, evse=evse)

    def _status(self, station: StationRow, uid: str, known: Known, online: bool) -> str | None:
        here = {outlet.evse for outlet in station.outlets if outlet.evse_uid == uid}
        whole = next((one.status for one in known.statuses if one.evse == 0), None)
        told = [fault for fault in known.faults if fault.source != "derived"]  # that something seems wrong proves no state
        bad = [fault for fault in told if fault.evse in (0, *here) and fault.severity in ("critical", "major")]
        begun = max((row.begun_at for row in known.running if row.evse in here and row.session), default=0)
        said = [one for one in known.statuses if one.evse in here]
        return statuses.published(
            whole,
            ["Occupied" if one.at <= begun and one.status in statuses.OVERTAKEN else one.status for one in said],
            charging=begun > 0,
            broken=any(fault.source == "event" and fault.severity == "critical" for fault in bad),
            explained=bool(bad),
            online=online,
            table=self.node.settings.stations.statuses,
        )

    async def _running_at(self, station: StationRow, evse: int) -> bool:
        known = await self.node.store.read(lambda tx: tx.ocpp.open(station.id), snapshot=False)
        return any(row.evse == evse for row in known)

    # --- reservations

    async def reservation_over(self, station: StationRow, number: int, event: str) -> None:
        """The station has let a reservation go: "expired", or "canceled"."""
        holds = await self.node.store.read(lambda tx: tx.ocpp.holds(), snapshot=False)
        for hold in holds:
            if hold.number == number and hold.station == station.id:
                await self.let_go(hold, event, told=event == "canceled")

    async def let_go(self, hold: Hold, event: str, *, told: bool) -> None:
        """`told`: the provider hears that its reservation is canceled (CMD-040)."""
        await charging.release(self.node, hold.session, self.node.clock(), event)
        await self.node.store.write(lambda tx: tx.ocpp.release(hold.number))
        if told:
            await cancel_reservation(self.node, hold.connection, hold.reservation, "the station has taken the reservation back")


def _fault(station: StationRow, said: Standing | Trouble, code: str, source: str, severity: str = "") -> Fault:
    return Fault(
        station=station.id,
        evse=said.evse,
        connector=said.connector,
        code=code,
        severity=severity or trouble.severity(code),
        vendor_code=said.vendor_code,
        info=said.info,
        source=source,
        opened_at=said.at,
    )


async def _known(tx: Tx, station: str) -> Known:
    return Known(await tx.charging_stations.statuses(station), await tx.ocpp.open(station), await tx.faults.of_station(station))
