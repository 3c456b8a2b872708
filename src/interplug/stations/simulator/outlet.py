"""One EVSE of the simulator: what happens at it, what it tells its operator, and what it remembers.

It moves by the table of `states`, takes energy by `physics`, and tells of it through `modules.charging` as a real station
would: readings while it charges, the end, its status. Out of reach it goes on and tells everything when it is back. Every
time is given by the caller; whoever calls holds `lock`, for one thing happens at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from decimal import Decimal
from typing import Any

from interplug.charges import charging
from interplug.charges.bills import Ending
from interplug.charges.book import whole
from interplug.charges.pinned import NoPlace
from interplug.model.types import decode_json, encode_json, fold
from interplug.modules import schedules
from interplug.modules.call import cancel_reservation
from interplug.modules.node import Node
from interplug.store.keys import Key
from interplug.store.stations import Reading

from . import physics
from .memory import Car, Current, Driver, Hold, Memory, Meter
from .states import OFFLINE, PUBLISHED, advance

SECOND = 1_000_000
LINGERS = 30 * 60 * SECOND
"""How long a car that is full stands there when nobody says when it leaves."""
VOLTS = {"DC": 400.0}
WATTS = {"DC": 50_000.0}
CARS = ((36_000.0, 7_400.0, 50_000.0), (58_000.0, 11_000.0, 120_000.0), (77_000.0, 11_000.0, 170_000.0), (95_000.0, 22_000.0, 270_000.0))
"""Battery in Wh, most watts from AC, most from DC."""


class Outlet:
    def __init__(self, node: Node, key: Key, evse: dict[str, Any], memory: Memory, interval: int) -> None:
        """`key` is that of the Location; `interval` is seconds of the node's clock between two readings."""
        self.node = node
        self.key = key
        self.evse = evse
        self.memory = memory
        self.lock = asyncio.Lock()
        self.published = str(evse["status"])
        self._interval = interval
        self._kept = b""
        self._meter: tuple[str, Meter] | None = None

    @property
    def id(self) -> str:
        return fold(f"{self.key.country}/{self.key.party}/{self.key.id}/{self.evse['uid']}")

    @property
    def seed(self) -> str:
        """Of what chance decides here."""
        return f"{self.node.settings.simulator.seed}/{self.id}"

    @property
    def idle(self) -> bool:
        """Nothing can happen here until somebody comes."""
        memory = self.memory
        at_rest = memory.state in ("free", "plugged", "finishing", "faulted", "closed") and memory.charge is None and memory.hold is None
        return at_rest and not (memory.car and memory.car.leaves_at) and self.published == self.status

    @property
    def status(self) -> str:
        return PUBLISHED[self.memory.state] if self.memory.online else OFFLINE

    def connector(self, id: str | None) -> dict[str, Any] | None:
        found = [one for one in self.evse["connectors"] if id is None or fold(one["id"]) == fold(id)]
        return found[0] if found else None

    def held_for(self, driver: Driver) -> bool:
        """Whether the reservation, if there is one, is this driver's."""
        hold = self.memory.hold
        return hold is None or (hold.connection == driver.connection and hold.token_uid == fold(driver.token["uid"]))

    # --- what happens at the station

    def _go(self, event: str) -> bool:
        state = advance(self.memory.state, event)
        if state is None:
            return False
        self.memory.state = state
        if state == "free" and self.memory.car is not None:
            self._go("plug")
        elif state == "free" and self.memory.hold is not None:
            self._go("reserve")
        return True

    async def plug(self, now: int, car: Car) -> bool:
        """False: there is a car already."""
        if self.memory.car is not None or advance(self.memory.state, "plug") is None:
            return False
        self.memory.car = car
        self._go("plug")
        driver, self.memory.driver = self.memory.driver, None
        if self.memory.state == "charging" and driver is not None:
            with contextlib.suppress(NoPlace):
                await self._begin(now, driver)
        await self.settle(now)
        return True

    async def authorise(self, now: int, driver: Driver) -> str | None:
        """A driver may charge: at once where the cable is in (the id of the Session), else when it comes."""
        self._go("authorise")
        session = None
        if self.memory.state == "charging":
            session = await self._begin(now, driver)
        else:
            self.memory.driver = driver
        await self.settle(now)
        return session

    async def _begin(self, now: int, driver: Driver) -> str:
        car, connector = self.memory.car, self.connector(driver.connector_id)
        assert car is not None and connector is not None
        hold = self.memory.hold
        try:
            session = await self._announce(now, driver, connector, hold.session if hold is not None else None)
        except NoPlace:
            # Taken out of the operator's books meanwhile: nobody can charge here, the cable is in all the same.
            self.memory.state = "plugged"
            raise
        kind = "DC" if connector["power_type"] == "DC" else "AC"
        self.memory.hold = None
        self.memory.charge = Current(
            session=session,
            card=fold(driver.token["uid"]),
            started_at=whole(now),
            power_type=connector["power_type"],
            watts=float(connector.get("max_electric_power") or WATTS.get(kind, 11_000.0)),
            volts=VOLTS.get(kind, 230.0),
            vehicle=car.vehicle,
            soc=car.soc,
        )
        self._plan(now)
        return session

    async def _announce(self, now: int, driver: Driver, connector: dict[str, Any], reservation: str | None) -> str:
        return await charging.begin(
            self.node,
            location_id=self.key.id,
            evse_uid=self.evse["uid"],
            connector_id=connector["id"],
            cdr_token=driver.token,
            auth_method=driver.auth_method,
            connection=driver.connection,
            at=now,
            authorization_reference=driver.reference,
            reservation=reservation,
        )

    async def stop(self, now: int) -> bool:
        """The charge ends, the cable stays."""
        ended = self.memory.charge is not None and self._go("stop")
        if ended:
            self._end(now)
            await self.settle(now)
        return ended

    async def unplug(self, now: int) -> None:
        self._end(now)
        self.memory.car = None
        self._go("unplug")
        await self.settle(now)

    async def fault(self, now: int, code: str) -> None:
        """Nobody charges here any more; a reservation is taken back (CMD-040)."""
        self._end(now, code)
        self.memory.driver = None
        self._go("fault")
        hold, self.memory.hold = self.memory.hold, None
        await self.settle(now)
        if hold is not None:
            await charging.release(self.node, hold.session, now, "canceled")
            await cancel_reservation(self.node, hold.connection, hold.reservation_id, "the station is out of order")

    async def clear(self, now: int) -> None:
        self._go("clear")
        await self.settle(now)

    async def reach(self, now: int, online: bool) -> None:
        """The line to the operator breaks, or is there again."""
        self.memory.online = online
        await self.settle(now)

    async def hold(self, now: int, hold: Hold) -> None:
        self.memory.hold = hold
        self._go("reserve")
        await self.settle(now)

    async def release(self, now: int, event: str | None) -> None:
        """The reservation is over; None: it has moved elsewhere and goes on there."""
        hold, self.memory.hold = self.memory.hold, None
        self._go("release")
        if hold is not None and event is not None:
            await charging.release(self.node, hold.session, now, event)
        await self.settle(now)

    # --- limits

    async def steer(self, now: int, connection: int, profile: dict[str, Any] | None) -> bool:
        """Takes a charging profile for the charge that goes on, or the one of `connection` away; False: there is none."""
        current = self.memory.charge
        if current is None or current.ended_at or (profile is None and connection not in current.profiles):
            return False
        others = {of: text for of, text in current.profiles.items() if of != connection}
        current.profiles = others if profile is None else {**others, connection: encode_json(profile).decode()}
        self._plan(now)
        await self.settle(now)
        return True

    async def allow(self, now: int, watts: float | None) -> None:
        """The place allows so much from now on; None: what the plug gives."""
        self.memory.most = watts
        self._plan(now)
        await self.settle(now)

    def _plan(self, now: int) -> None:
        current = self.memory.charge
        if current is None:
            return
        second = self._seconds(current, now)
        steps, _ = self._limits(current)
        self._charged(current).at(second)  # it has counted no further than what stays as it was
        coming = [(max(second, -((current.started_at - at) // SECOND)), watts) for at, watts in steps]
        current.limits = [one for one in current.limits if one[0] < second]
        current.limits += {second: None, **{at: None if watts is None else float(watts) for at, watts in coming}}.items()

    def _limits(self, current: Current) -> tuple[list[schedules.Step], schedules.Plug]:
        plug = schedules.Plug(Decimal(current.watts), Decimal(current.volts), physics.PHASES.get(current.power_type, 1))
        profiles = [decode_json(text.encode()) for text in current.profiles.values()]
        wished = [schedules.steps(profile, current.started_at, plug) for profile in profiles]
        local = [] if self.memory.most is None else [(current.started_at, Decimal(self.memory.most))]
        return schedules.least([*wished, local]), plug

    def active(self, now: int, seconds: int) -> dict[str, Any] | None:
        """The ActiveChargingProfile from now on; None: nothing is charging."""
        current = self.memory.charge
        if current is None or current.ended_at:
            return None
        steps, plug = self._limits(current)
        unit = schedules.unit_of(decode_json(text.encode()) for text in current.profiles.values())
        return schedules.active(steps, plug, whole(now), seconds, unit)

    def _end(self, now: int, fault: str = "") -> None:
        current = self.memory.charge
        if current is None or current.ended_at:
            return
        current.ended_at, current.fault = max(now, current.started_at), fault
        if self.memory.car is not None:
            self.memory.car.soc = self._charged(current).at(self._seconds(current, now)).soc

    # --- time passes

    async def tick(self, now: int) -> None:
        memory = self.memory
        if memory.hold is not None and memory.hold.expires_at <= now:
            await self.release(memory.hold.expires_at, "expired")
        driver = memory.driver
        if driver is not None and driver.arrives_at and driver.arrives_at <= now:
            await self.plug(now, car_for(driver, self.seed, now))
        elif driver is not None and driver.until <= now:
            memory.driver = None
            self._go("give_up")
        current = memory.charge
        if memory.state == "charging" and current is not None and self._charged(current).at(self._seconds(current, now)).full:
            self._go("fill")
            if memory.car is not None and not memory.car.leaves_at:
                memory.car.leaves_at = now + LINGERS
        if memory.car is not None and memory.car.leaves_at and memory.car.leaves_at <= now:
            await self.unplug(memory.car.leaves_at)
        await self.settle(now)

    async def settle(self, now: int) -> None:
        """Tells the operator what there is to tell, and remembers. In this order: what was not told is told again."""
        if self.memory.online and self.memory.charge is not None:
            await self._tell(self.memory.charge, now)
        if self.status != self.published:
            await charging.evse_status(self.node, self.key.id, self.evse["uid"], self.status, now)
            self.published = self.status
        raw = self.memory.raw()
        if raw != self._kept:
            await self.node.store.write(lambda tx: tx.stations.remember(self.id, raw, now))
            self._kept = raw

    async def _tell(self, current: Current, now: int) -> None:
        end = self._seconds(current, current.ended_at or now)
        readings = self.readings(current, end, final=bool(current.ended_at))
        if current.ended_at:
            await charging.end(self.node, current.session, current.ended_at, readings=readings, ending=Ending(current.fault or None))
            self.memory.charge = None
        elif readings:
            await charging.meter(self.node, current.session, readings)
            current.told_until = (readings[-1].at - current.started_at) // SECOND

    # --- the meter

    def _seconds(self, current: Current, now: int) -> int:
        return max(0, (now - current.started_at) // SECOND)

    def _charged(self, current: Current) -> Meter:
        if self._meter is None or self._meter[0] != current.session:
            self._meter = current.session, Meter(current)
        return self._meter[1]

    def readings(self, current: Current, end: int, *, final: bool) -> list[Reading]:
        """On a grid of seconds since the charge began, so that what is told twice is the same twice; besides the moment at
        which the car was full, and the end."""
        meter, told = self._charged(current), current.told_until
        grid = [0] if told < 0 else []
        grid += range((max(told, 0) // self._interval + 1) * self._interval, end + 1, self._interval)
        grid += [start for start, _ in current.limits if told < start <= end]
        filled = int(meter.at(end).elapsed)
        if meter.at(end).full and told < filled:
            grid.append(filled)
        if final and end > told:
            grid.append(end)
        return [self._reading(current, meter, second) for second in sorted(set(grid))]

    def _reading(self, current: Current, meter: Meter, second: int) -> Reading:
        charge = meter.at(second)
        return Reading(
            at=current.started_at + second * SECOND,
            kwh=Decimal(physics.meter(charge)) / 1000,
            phase="parked" if charge.full else "charging",
            power=Decimal(round(physics.power(charge))),
            current=Decimal(f"{physics.current(charge, current.volts):.1f}"),
            soc=Decimal(int(charge.soc * 100)) if current.power_type == "DC" else None,
        )


def car_for(driver: Driver, seed: str, now: int) -> Car:
    """The car of a simulated driver: a small, a middle or a large one, more or less empty, the same for the same moment."""
    chance = random.Random(f"{seed}/{driver.token['uid']}/{now}")
    battery, most_ac, most_dc = chance.choice(CARS)
    return Car(physics.Vehicle(battery, most_ac, most_dc), chance.uniform(0.1, 0.55))
