"""All stations of this node's own Locations, simulated: they carry out commands, and time passes for them.

To the node this is `ChargingStations`, as OCPP or the owner's back-end would be. A command is answered when the station has
answered: a station that is out of reach is TIMEOUT, one that cannot is told why in OCPI's words. To the demo it is a set of
hooks: plug in, unplug, break, mend, cut the line. The loop runs in real time and asks the node's clock how much has passed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from interplug.charges import charging
from interplug.charges.pinned import NoPlace
from interplug.model.types import fold
from interplug.modules import steering
from interplug.modules.authorise import authorise
from interplug.modules.node import Node, Outcome
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx

from .memory import Car, Driver, Memory
from .outlet import Outlet, car_for
from .reserving import AWAY, NOWHERE, cancel, reserve
from .states import REFUSALS
from .traffic import Traffic

log = logging.getLogger(__name__)
Document = dict[str, Any]

TICK = 0.25
"""Real seconds between two looks at the clock."""
TIDY = 30.0
"""Real seconds between two looks for Sessions that nobody speaks of any more."""
SILENT = 6 * 3600
"""Seconds of the clock, and at least ten real minutes, after which a Session without readings is closed."""
SIMULATED = frozenset({"AVAILABLE", "BLOCKED", "CHARGING", "RESERVED", "UNKNOWN", "INOPERATIVE", "OUTOFORDER"})
FIRST_STATE = {"INOPERATIVE": "closed", "OUTOFORDER": "faulted"}


class Fleet:
    def __init__(
        self, node: Node, *, interval: float = 2.0, arrives: float | None = 2.0, patience: float = 20.0, leaves: float = 2.0
    ) -> None:
        """In real seconds: between readings; until a driver who was let in plugs in (None: somebody calls `plug_in`); until the
        station stops waiting for the cable; until the car is gone after its driver stopped the charge."""
        self.node = node
        self.outlets: dict[str, Outlet] = {}
        self._interval = max(1, round(interval * node.speed))
        self._arrives, self._patience, self._leaves = arrives, patience, leaves
        self._reached = 0
        self._memories: dict[str, bytes] = {}
        self._traffic = Traffic(self, node.settings.simulator.seed) if node.settings.simulator.traffic else None

    # --- running

    async def load(self) -> None:
        """The stations as they were left. Call it before commands come in."""
        self._memories = await self.node.store.read(lambda tx: tx.stations.memories())
        await self._follow()
        await self.tick()

    async def run(self) -> None:
        """Until it is cancelled."""
        tidy_at = 0.0
        timer = asyncio.get_running_loop().time
        while True:
            await self._follow()
            await self.tick()
            if timer() >= tidy_at:
                tidy_at = timer() + TIDY
                silent = int(max(SILENT, 600 * self.node.speed)) * 1_000_000
                await charging.close_lost(self.node, self.node.clock() - silent)
            await asyncio.sleep(TICK)

    async def tick(self) -> None:
        """What has happened since the last one. One station that fails does not stop the others."""
        for outlet in list(self.outlets.values()):
            if outlet.idle:
                continue
            try:
                async with outlet.lock:
                    await outlet.tick(self.node.clock())
            except Exception:
                log.exception("simulated station %s", outlet.id)
        if self._traffic is not None:
            await self._traffic.tick()

    async def _follow(self) -> None:
        """Own Locations that are new or have changed; while only statuses change there is nothing to do."""
        if self.node.store.head <= self._reached and self._reached:
            return

        async def work(tx: Tx) -> list[Stored]:
            changed: dict[int, None] = {}
            while changes := await tx.objects.changes(self._reached, 1000, "locations"):
                self._reached = changes[-1].no
                changed |= {change.pk: None for change in changes if change.source == OWN and change.what != "status"}
            found = [await tx.objects.get_pk(pk) for pk in changed]
            return [stored for stored in found if stored is not None]

        for stored in await self.node.store.read(work):
            self._take(stored)

    def _take(self, stored: Stored) -> None:
        for evse in stored.document.get("evses") or ():
            known = Outlet(self.node, stored.key, evse, Memory(FIRST_STATE.get(evse["status"], "free")), self._interval)
            if stored.audience < 0 or evse["status"] not in SIMULATED:
                self.outlets.pop(known.id, None)
            elif known.id in self.outlets:
                # Whatever was written over the status, the station's own is published again.
                self.outlets[known.id].evse, self.outlets[known.id].published = evse, known.published
            else:
                if known.id in self._memories:
                    known.memory = Memory.read(self._memories[known.id])
                self.outlets[known.id] = known

    # --- who is meant

    def at(self, location_id: str, evse_uid: str | None = None) -> list[Outlet]:
        wanted, uid = fold(location_id), fold(evse_uid or "")
        return [one for one in self.outlets.values() if fold(one.key.id) == wanted and (not uid or fold(one.evse["uid"]) == uid)]

    def one(self, location_id: str, evse_uid: str) -> Outlet:
        found = self.at(location_id, evse_uid)
        if not found:
            raise LookupError(f"no simulated station {evse_uid} at {location_id}")
        return found[0]

    def _best(self, outlets: Iterable[Outlet], driver: Driver) -> Outlet | None:
        """Where this driver can start; the EVSE that is held for the driver first, then one with a cable in, then any."""
        able = [one for one in outlets if one.held_for(driver) and one.memory.online and one.memory.state not in REFUSALS]
        return min(able, key=lambda one: (one.memory.hold is None, one.memory.car is None), default=None)

    # --- commands of partners

    async def start_session(self, command: Document, connection: int) -> Outcome:
        outlets = self.at(command["location_id"], command.get("evse_uid"))
        if not outlets:
            return NOWHERE
        driver = Driver(command["token"], "COMMAND", connection, command.get("authorization_reference"), command.get("connector_id"))
        outlet = (self._best(outlets, driver) if command.get("evse_uid") is None else None) or outlets[0]
        async with outlet.lock:
            return self._refusal(outlet, driver) or await self._let_in(outlet, driver)

    def _refusal(self, outlet: Outlet, driver: Driver) -> Outcome | None:
        if not outlet.memory.online:
            return AWAY
        if outlet.memory.state in REFUSALS:
            return Outcome(*REFUSALS[outlet.memory.state])
        if not outlet.held_for(driver):
            return Outcome("REJECTED", "the station is reserved for another driver")
        if outlet.connector(driver.connector_id) is None:
            return Outcome("REJECTED", "the station has no such connector")
        return None

    async def _let_in(self, outlet: Outlet, driver: Driver) -> Outcome:
        node = self.node
        driver.until = node.after(self._patience)
        driver.arrives_at = node.after(self._arrives) if self._arrives is not None else 0
        try:
            return Outcome("ACCEPTED", session_id=await outlet.authorise(node.clock(), driver))
        except NoPlace as error:
            return Outcome("FAILED", str(error))

    async def stop_session(self, command: Document, connection: int) -> Outcome:
        outlet = self._charging(command["session_id"])
        return Outcome("FAILED", "no station has this session") if outlet is None else await self._stop(outlet)

    def _charging(self, session: str) -> Outlet | None:
        for outlet in self.outlets.values():
            current = outlet.memory.charge
            if current is not None and fold(current.session) == fold(session):
                return outlet
        return None

    async def _stop(self, outlet: Outlet) -> Outcome:
        async with outlet.lock:
            if not outlet.memory.online:
                return AWAY
            if not await outlet.stop(self.node.clock()):
                return Outcome("FAILED", "the session has ended")
            if outlet.memory.car is not None:
                outlet.memory.car.leaves_at = self.node.after(self._leaves)
        return Outcome("ACCEPTED")

    async def reserve_now(self, command: Document, connection: int) -> Outcome:
        outlets = self.at(command["location_id"])
        return await reserve(self.node, outlets, command, connection) if outlets else NOWHERE

    async def cancel_reservation(self, command: Document, connection: int) -> Outcome:
        return await cancel(self.node, self.outlets.values(), command, connection)

    async def unlock_connector(self, command: Document, connection: int) -> Outcome:
        outlets = self.at(command["location_id"], command["evse_uid"])
        if not outlets:
            return NOWHERE
        outlet = outlets[0]
        async with outlet.lock:
            if not outlet.memory.online:
                return AWAY
            if outlet.connector(command["connector_id"]) is None:
                return Outcome("FAILED", "the station has no such connector")
            if outlet.memory.charge is not None:
                return Outcome("REJECTED", "a session is going on; it has to be stopped first")
            await outlet.unplug(self.node.clock())
        return Outcome("ACCEPTED")

    # --- charging profiles

    async def set_charging_profile(self, command: Document, connection: int) -> Outcome:
        return await self._steer(command, connection, command["charging_profile"])

    async def clear_charging_profile(self, command: Document, connection: int) -> Outcome:
        return await self._steer(command, connection, None)

    async def _steer(self, command: Document, connection: int, profile: Document | None) -> Outcome:
        outlet = self._charging(command["session_id"])
        if outlet is None:
            return NO_CHARGE
        async with outlet.lock:
            if not outlet.memory.online:
                return AWAY
            done = await outlet.steer(self.node.clock(), connection, profile)
        return Outcome("ACCEPTED") if done else NO_CHARGE if profile is not None else Outcome("UNKNOWN", "there is no profile to clear")

    async def active_charging_profile(self, command: Document, connection: int) -> Outcome:
        outlet = self._charging(command["session_id"])
        if outlet is None:
            return NO_CHARGE
        async with outlet.lock:
            if not outlet.memory.online:
                return AWAY
            plan = outlet.active(self.node.clock(), command["duration"])
        return NO_CHARGE if plan is None else Outcome("ACCEPTED", profile=plan)

    # --- hooks: what drivers, the weather and the demo do

    async def plug_in(self, location_id: str, evse_uid: str, car: Car | None = None) -> bool:
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            now = self.node.clock()
            return await outlet.plug(now, car or car_for(outlet.memory.driver or STRANGER, outlet.seed, now))

    async def unplug(self, location_id: str, evse_uid: str) -> None:
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            await outlet.unplug(self.node.clock())

    async def fault(self, location_id: str, evse_uid: str, code: str = "InternalError") -> None:
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            await outlet.fault(self.node.clock(), code)

    async def clear(self, location_id: str, evse_uid: str) -> None:
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            await outlet.clear(self.node.clock())

    async def allow(self, location_id: str, evse_uid: str, watts: float | None) -> None:
        """The place shares its connection otherwise now; who steers the charge is told."""
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            await outlet.allow(self.node.clock(), watts)
            charge = outlet.memory.charge
        if charge is not None:
            await steering.moved(self.node, charge.session)

    async def offline(self, location_id: str, evse_uid: str) -> None:
        await self._reach(location_id, evse_uid, online=False)

    async def online(self, location_id: str, evse_uid: str) -> None:
        await self._reach(location_id, evse_uid, online=True)

    async def _reach(self, location_id: str, evse_uid: str, *, online: bool) -> None:
        outlet = self.one(location_id, evse_uid)
        async with outlet.lock:
            await outlet.reach(self.node.clock(), online)

    async def tap(self, location_id: str, evse_uid: str, token_uid: str, type: str = "RFID") -> Outcome:
        """A card at the reader: asks who may charge, and starts; the card of the running charge stops it."""
        outlet = self.one(location_id, evse_uid)
        if not outlet.memory.online:
            return AWAY
        if outlet.memory.charge is not None and outlet.memory.charge.card == fold(token_uid):
            return await self._stop(outlet)
        verdict = await authorise(self.node, token_uid, type, outlet.key.id, outlet.evse["uid"])
        if not verdict.granted or verdict.token is None:
            return Outcome("REJECTED", verdict.info or "this card may not charge here")
        driver = Driver(verdict.token, verdict.method, verdict.connection or 0, verdict.reference)
        async with outlet.lock:
            return self._refusal(outlet, driver) or await self._let_in(outlet, driver)

    async def let_in(self, outlet: Outlet, driver: Driver) -> Outcome:
        """A driver whom nobody has to be asked about: our own."""
        async with outlet.lock:
            return self._refusal(outlet, driver) or await self._let_in(outlet, driver)


NO_CHARGE = Outcome("REJECTED", "nothing is charging there any more")
STRANGER = Driver({"uid": "stranger"}, "WHITELIST", 0)
