"""Drivers who come and go by themselves, stations that break and are mended, lines that are lost: what a day brings to a crowd.

Chance is seeded. Who comes plugs in and shows a card; whoever is not let in drives away at once. A card is where its car stands, and needs
a while to the next place. A crowd begins its day in the middle: until as many cars stand there as usually do, they come ten times as often.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from .cars import Car, some_car
from .crowd import Crowd
from .evse import Evse
from .faults import CODES
from .mixes import Habits
from .station import Station
from .transaction import SECOND, Token

HURRY = 10
DRIVE = 60 * SECOND
"""Between two places, at least."""
TRIES = 20
"""Plugs that are looked at until one is free."""


class Arrivals:
    def __init__(self, crowd: Crowd, habits: Habits, cards: Sequence[Token] = (), seed: int = 1) -> None:
        """Without `cards` every driver has one that nobody has seen before."""
        self._crowd, self._habits = crowd, habits
        self._chance = random.Random(f"arrivals/{seed}")
        self._cards = list(cards)
        self._cars: dict[str, tuple[Evse, Car]] = {}
        """With which each card came last, and to which EVSE."""
        self._stations = list(crowd.stations)
        self._evses = [(station, evse) for station in self._stations for evse in station.evses]
        self._number = 0
        self._later: set[asyncio.Task[None]] = set()
        self._filling = True

    async def run(self) -> None:
        """Until it is cancelled."""
        habits = self._habits
        try:
            await asyncio.gather(
                self._again(habits.gap, len(self._evses), self._arrive),
                self._again(habits.fault_every, len(self._stations), self._break),
                self._again(habits.drop_every, len(self._stations), self._drop),
            )
        finally:
            for task in self._later:
                task.cancel()

    async def _again(self, every: float, places: int, what: Callable[[], None]) -> None:
        """By chance, so often at each place on average."""
        while every and places:
            seconds = self._chance.expovariate(places / every)
            await self._sleep(seconds / HURRY if what == self._arrive and self._fills() else seconds)
            what()

    def _fills(self) -> bool:
        """Once there are as many cars as usually, it is an ordinary day."""
        standing = sum(evse.car is not None for _, evse in self._evses)
        self._filling = self._filling and standing < self._habits.busy * len(self._evses)
        return self._filling

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._crowd.csms.speed)

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        async def later() -> None:
            await self._sleep(seconds)
            what()

        task = asyncio.get_running_loop().create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- drivers

    def _arrive(self) -> None:
        for _ in range(TRIES):
            station, evse = self._chance.choice(self._evses)
            if station.online and evse.car is None and evse.usable and evse.hold is None and not evse.authorised:
                card = self._card(station.advance())
                if card is not None:
                    self._charge(station, evse, card)
                return

    def _charge(self, station: Station, evse: Evse, card: Token) -> None:
        car = some_car(self._chance)
        car.leaves_at = station.advance() + int(self._chance.uniform(*self._habits.stay)) * SECOND
        connector = self._chance.randint(1, len(evse.plan.connectors))
        if not station.plug_in(evse.number, car, connector):
            return
        self._cars[card.id] = evse, car

        def told(let_in: bool) -> None:
            if not let_in:
                car.leaves_at = station.now
                station.unplug(evse.number)

        station.tap(evse.number, card, told)

    def _card(self, now: int) -> Token | None:
        """One whose car stands nowhere here."""
        if not self._cards:
            self._number += 1
            return Token(f"{self._chance.getrandbits(32):08X}{self._number:06X}")
        free = [one for one in self._cards if not self._stands(one, now)]
        return self._chance.choice(free) if free else None

    def _stands(self, card: Token, now: int) -> bool:
        evse, car = self._cars.get(card.id, (None, None))
        return evse is not None and car is not None and (evse.car is car or now < car.leaves_at + DRIVE)

    # --- what goes wrong

    def _break(self) -> None:
        station = self._chance.choice(self._stations)
        number = self._chance.randint(0, len(station.evses))
        code = self._chance.choice(CODES)
        station.fault(code, number, vendor_code=f"E-{self._chance.randint(100, 999)}", text=f"simulated {code}")
        self._after(self._chance.expovariate(1 / self._habits.fault_lasts), lambda: station.clear(number, code))

    def _drop(self) -> None:
        line = self._crowd.line(self._chance.choice(self._stations).plan.id)
        task = asyncio.get_running_loop().create_task(line.cut())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        self._after(self._chance.expovariate(1 / self._habits.drop_lasts), line.restore)
