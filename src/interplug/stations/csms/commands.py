"""Commands of partners, carried out at stations that speak OCPP: the `ChargingStations` of the node.

Which connector is meant is known from the station's outlets; how it is said, from the version that it speaks; what its answer means in
OCPI, from the table beside the call. That a station has accepted a start is no session: that begins when the station tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interplug.charges import charging
from interplug.charges.pinned import NoPlace
from interplug.model.types import fold, format_time, parse_time
from interplug.modules.node import Node, Outcome
from interplug.stations.ocpp.link import ORDINARY, SOON, URGENT, Gone, Refused, Silent
from interplug.store.charging_stations import Outlet, StationRow, Status
from interplug.store.ocpp import Hold, Transaction
from interplug.store.tx import Tx

from . import starts
from .desk import Desk
from .events import IdToken
from .limits import AWAY, Limits
from .lines import Lines
from .meant import outlet_at
from .speech import Want, reason
from .versions import of_version

Document = dict[str, Any]
NOWHERE = Outcome("REJECTED", "there is no station that could do it")
WORDS = {
    "REJECTED": "the station refuses it",
    "FAILED": "the station could not do it",
    "NOT_SUPPORTED": "the station cannot do this",
    "EVSE_OCCUPIED": "it is in use or reserved",
    "EVSE_INOPERATIVE": "the station is out of order",
    "UNKNOWN_RESERVATION": "the station does not know this reservation",
}
"""What is said of a result of which the station itself says no more."""
PRIORITY = {"stop_session": URGENT, "unlock_connector": URGENT, "start_session": SOON}
RESERVATIONS = "ocpp reservation"
REMOTE_STARTS = "ocpp remote start"


@dataclass(slots=True)
class Spot:
    """A connector of a station, and what the station last said of it."""

    station: StationRow
    outlet: Outlet
    status: Status | None

    @property
    def rank(self) -> tuple[bool, int]:
        """How good it is to charge at, the best first."""
        order = ("Preparing", "Occupied", "Available", "Reserved")
        said = self.status.status if self.status else ""
        return not self.station.holder, order.index(said) if said in order else len(order)


@dataclass(slots=True)
class Commands:
    node: Node
    desk: Desk
    lines: Lines
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = self.desk.limits = Limits(self.node, self.lines, self.desk.shy)

    async def start_session(self, command: Document, connection: int) -> Outcome:
        spot = await self._spot(command)
        if spot is None:
            return NOWHERE
        number = await self.node.store.write(lambda tx: tx.bump(REMOTE_STARTS))
        outcome = await self._ask("start_session", spot.station, await self._want(spot, command["token"], number=number))
        outcome = await self._why(spot, outcome) if outcome.result == "REJECTED" else outcome
        if outcome.result in ("REJECTED", "FAILED") and spot.station.holder:
            await starts.failed(self.node, spot.station.id, spot.outlet.evse, f"the station refused the last one: {outcome.message}")
        return outcome

    async def stop_session(self, command: Document, connection: int) -> Outcome:
        row = await self.node.store.read(lambda tx: tx.ocpp.of_session(command["session_id"]), snapshot=False)
        station = await self._station(row.station) if row is not None else None
        if row is None or station is None:
            return Outcome("FAILED", "no station has this session")
        if row.ended_at:
            return Outcome("FAILED", "the session has ended")
        return await self._ask("stop_session", station, Want(transaction=row.number))

    async def reserve_now(self, command: Document, connection: int) -> Outcome:
        old = await self._hold(connection, command["reservation_id"])
        spot = await self._spot(command, old)
        if spot is None:
            return NOWHERE
        number = old.number if old is not None else await self.node.store.write(lambda tx: tx.bump(RESERVATIONS))
        until = parse_time(command["expiry_date"])
        want = await self._want(spot, command["token"], number=number, until=format_time(until, whole_seconds=True))
        outcome = await self._ask("reserve_now", spot.station, want)
        if outcome.result == "TIMEOUT" and old is None:
            # It may have reserved all the same, for somebody who was told that it did not.
            self.node.begin(self._ask("cancel_reservation", spot.station, Want(number=number)))
        if outcome.result != "ACCEPTED":
            return outcome
        if old is not None and old.station != spot.station.id and (left := await self._station(old.station)) is not None:
            await self._ask("cancel_reservation", left, Want(number=number))  # the driver wants it elsewhere now
        return await self._book(command, connection, spot, number, until)

    async def _book(self, command: Document, connection: int, spot: Spot, number: int, until: int) -> Outcome:
        try:
            session = await charging.reserve(
                self.node,
                location_id=spot.station.place,
                evse_uid=spot.outlet.evse_uid,
                connector_id=spot.outlet.connector_id,
                cdr_token=command["token"],
                connection=connection,
                reservation_id=command["reservation_id"],
                expires_at=until,
                at=self.node.clock(),
                authorization_reference=command.get("authorization_reference"),
            )
        except NoPlace as error:
            return Outcome("FAILED", str(error))
        token = command["token"]["uid"]
        hold = Hold(number, spot.station.id, spot.outlet.evse, connection, command["reservation_id"], session, token, until)
        await self.node.store.write(lambda tx: tx.ocpp.hold(hold))
        return Outcome("ACCEPTED", session_id=session)

    async def cancel_reservation(self, command: Document, connection: int) -> Outcome:
        hold = await self._hold(connection, command["reservation_id"])
        station = await self._station(hold.station) if hold is not None else None
        if hold is None or station is None:
            return Outcome("UNKNOWN_RESERVATION", "no station knows this reservation")
        outcome = await self._ask("cancel_reservation", station, Want(number=hold.number))
        if outcome.result in ("ACCEPTED", "UNKNOWN_RESERVATION"):
            await self.desk.let_go(hold, "canceled", told=False)
        return outcome

    async def unlock_connector(self, command: Document, connection: int) -> Outcome:
        spot = await self._spot(command)
        return await self._ask("unlock_connector", spot.station, Want(spot.outlet)) if spot is not None else NOWHERE

    # --- limits of power

    async def set_charging_profile(self, command: Document, connection: int) -> Outcome:
        return await self.limits.set(command["session_id"], command["charging_profile"], connection)

    async def active_charging_profile(self, command: Document, connection: int) -> Outcome:
        return await self.limits.plan(command["session_id"], command["duration"])

    async def clear_charging_profile(self, command: Document, connection: int) -> Outcome:
        return await self.limits.clear(command["session_id"], connection)

    async def level_charging_profiles(self, command: Document, connection: int) -> None:
        await self.limits.level(command["session_id"], connection)

    # --- saying it

    async def _ask(self, name: str, station: StationRow, want: Want) -> Outcome:
        if not station.holder or not station.version:
            return AWAY
        asked = of_version(station.version).wants[name](want)
        try:
            answer = await self.lines.call(station.id, asked.action, asked.payload, priority=PRIORITY.get(name, ORDINARY))
        except Refused as error:
            unable = error.code in ("NotImplemented", "NotSupported")
            return Outcome("NOT_SUPPORTED" if unable else "FAILED", error.description or f"the station answers {error.code}")
        except (Silent, Gone) as error:
            return Outcome("TIMEOUT", str(error))
        said = str(answer.get("status"))
        result = asked.results.get(said, "FAILED")
        return Outcome(result, reason(answer) or WORDS.get(result))

    async def _want(self, spot: Spot, token: Document, *, number: int, until: str = "") -> Want:
        longest = of_version(spot.station.version).longest_token if spot.station.version else 20
        group = token.get("group_id")
        return Want(
            outlet=spot.outlet,
            token=await self.desk.admissions.said(token, longest),
            group=IdToken(group, "Central") if group and len(group) <= longest else None,
            number=number,
            until=until,
        )

    async def _why(self, spot: Spot, outcome: Outcome) -> Outcome:
        """A station says no more than that it rejects; what is known of it says why."""

        async def work(tx: Tx) -> tuple[list[Transaction], list[str]]:
            faults = await tx.faults.of_station(spot.station.id)
            told = [fault.code for fault in faults if fault.source != "derived" and fault.evse in (0, spot.outlet.evse)]
            return await tx.ocpp.open(spot.station.id), told

        running, faults = await self.node.store.read(work)
        said = "" if outcome.message == WORDS["REJECTED"] else outcome.message
        if any(row.evse == spot.outlet.evse for row in running):
            return Outcome("EVSE_OCCUPIED", said or "somebody is charging there")
        if spot.status is not None and spot.status.status == "Finishing":
            return Outcome("EVSE_OCCUPIED", said or "the last car is still there")
        if spot.status is not None and spot.status.status in ("Faulted", "Unavailable"):
            named = f" ({', '.join(faults)})" if faults else ""
            return Outcome("EVSE_INOPERATIVE", said or WORDS["EVSE_INOPERATIVE"] + named)
        return outcome

    # --- who is meant

    async def _station(self, id: str) -> StationRow | None:
        return await self.node.store.read(lambda tx: tx.charging_stations.get(id), snapshot=False)

    async def _hold(self, connection: int, reservation: str) -> Hold | None:
        holds = await self.node.store.read(lambda tx: tx.ocpp.holds(), snapshot=False)
        return next((one for one in holds if one.connection == connection and one.reservation == fold(reservation)), None)

    async def _spot(self, command: Document, hold: Hold | None = None) -> Spot | None:
        """The connector that a command names; without an EVSE, the best of the Location."""
        uid, wanted = fold(command.get("evse_uid") or ""), fold(command.get("connector_id") or "")

        async def work(tx: Tx) -> list[Spot]:
            found = []
            for station in await tx.charging_stations.at(command["location_id"]):
                said = {(one.evse, one.connector): one for one in await tx.charging_stations.statuses(station.id)}
                found += [Spot(station, one, said.get((one.evse, one.connector))) for one in station.outlets]
            return found

        spots = [
            spot
            for spot in await self.node.store.read(work)
            if (not uid or fold(spot.outlet.evse_uid) == uid) and (not wanted or fold(spot.outlet.connector_id) == wanted)
        ]
        if hold is not None and not uid:
            spots = [one for one in spots if one.station.id == hold.station and one.outlet == outlet_at(one.station, hold.evse)] or spots
        return min(spots, key=lambda spot: spot.rank, default=None)
