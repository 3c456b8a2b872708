"""A crowd of simulated stations in one process: their lines, the drivers who come by themselves, and the handles for whoever directs it.

The handles are what a test or the demo does to stations: a driver plugs in here, shows a card there, that one breaks, this one's line is
cut. Each raises LookupError for a station or an EVSE that is not there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from .cars import Car
from .dialects import build
from .faults import CODES
from .line import Csms, Figures, Line
from .plan import Plan
from .station import Station
from .transaction import Token

SPREAD = 200.0
"""Stations that begin in a second."""


def clock_of(speed: float = 1.0, epoch: float = 0.0) -> Callable[[], int]:
    """Microseconds UTC, which pass `speed` times as fast since `epoch`."""
    if speed == 1.0:
        return lambda: time.time_ns() // 1000
    return lambda: int((epoch + (time.time() - epoch) * speed) * 1_000_000)


class Crowd:
    def __init__(
        self,
        plans: Iterable[Plan],
        csms: Csms,
        *,
        seed: int = 1,
        epoch: float = 0.0,
        arrives: float | None = None,
        leaves: float | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """`arrives` and `leaves`: what drivers do whom the CSMS lets in and stops, in seconds of the stations' clock."""
        self.csms = csms
        self.clock = clock or clock_of(csms.speed, epoch)
        self.seed = seed
        built = (build(plan, self.clock, str(seed), arrives=arrives, leaves=leaves) for plan in plans)
        self.lines = {station.plan.id: Line(station, csms) for station in built}

    async def run(self) -> None:
        """Until it is cancelled."""
        chance = random.Random(f"begin/{self.seed}")
        seconds = len(self.lines) / SPREAD
        async with asyncio.TaskGroup() as group:
            for line in self.lines.values():
                group.create_task(line.run(chance.uniform(0, seconds)))

    # --- who is meant

    @property
    def stations(self) -> Sequence[Station]:
        return [line.station for line in self.lines.values()]

    def line(self, id: str) -> Line:
        try:
            return self.lines[id]
        except KeyError:
            raise LookupError(f"there is no station {id}") from None

    def _at(self, id: str, evse: int) -> Station:
        station = self.line(id).station
        if station.evse(evse) is None:
            raise LookupError(f"{id} has no EVSE {evse}")
        return station

    # --- what is done to them

    def plug_in(self, id: str, evse: int = 1, *, connector: int = 1, car: Car | None = None) -> bool:
        """False: there is a car already."""
        return self._at(id, evse).plug_in(evse, car, connector)

    async def tap(self, id: str, token: Token, evse: int | None = None) -> bool:
        """Whether the card was let in, or has ended its charge."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        station = self._at(id, 1 if evse is None else evse)
        station.tap(evse, token, lambda accepted: None if answer.done() else answer.set_result(accepted))
        return await answer

    def unplug(self, id: str, evse: int = 1) -> None:
        self._at(id, evse).unplug(evse)

    def leave(self, id: str, evse: int = 1) -> None:
        self._at(id, evse).leave(evse)

    def fault(self, id: str, code: str = "InternalError", evse: int = 0, *, vendor_code: str = "", text: str = "") -> None:
        """0: the whole station."""
        if code not in CODES:
            raise LookupError(f"there is no fault {code}; known are {', '.join(CODES)}")
        self._at(id, evse or 1).fault(code, evse, vendor_code=vendor_code, text=text)

    def clear(self, id: str, evse: int = 0, code: str | None = None) -> None:
        self._at(id, evse or 1).clear(evse, code)

    def allow(self, id: str, watts: float | None) -> None:
        """What the place around the station allows it; None: everything."""
        self.line(id).station.allow(watts)

    async def offline(self, id: str) -> None:
        await self.line(id).cut()

    def online(self, id: str) -> None:
        self.line(id).restore()

    # --- how they are

    def state(self, id: str) -> dict[str, Any]:
        station = self.line(id).station
        station.advance()
        return {
            "station": id,
            "version": station.plan.version,
            "online": station.online,
            "waiting": len(station.outbox),
            "evses": [
                {
                    "evse": one.number,
                    "states": [one.state(number) for number in range(1, len(one.plan.connectors) + 1)],
                    "transaction": one.tx.id if one.tx is not None else None,
                    "delivered_wh": one.tx.delivered if one.tx is not None else None,
                    "cap_w": one.cap if one.cap < float("inf") else None,
                }
                for one in station.evses
            ],
        }

    def figures(self) -> dict[str, int]:
        """Of all of them, now and since the beginning."""
        total = dict.fromkeys(asdict(Figures()), 0)
        for line in self.lines.values():
            for name, number in asdict(line.figures).items():
                total[name] += number
        evses = [evse for station in self.stations for evse in station.evses]
        return {
            "stations": len(self.lines),
            "online": sum(one.online for one in self.stations),
            "charging": sum(one.tx is not None for one in evses),
            "transactions": sum(one.count for one in evses),
            "waiting": sum(len(one.outbox) for one in self.stations),
            "given_up": sum(one.outbox.given_up for one in self.stations),
            **total,
        }
