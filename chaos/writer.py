"""`python -m chaos.writer ROLE CONFIG SEED CONNECTION`: an owner's systems beside a node, in a process of their own that may be killed.

An operator's stations charge cars, change their status and are described anew; a provider's cards are blocked and given free again.
All of it goes through the store as a command would do it. Before each write a line says what is tried, after it another that it is safe;
what is written under one key is written one after another. A line on standard input ends it in order.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug import config
from interplug.charges import charging
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.modules.opening import opened
from interplug.modules.session_states import BILLED
from interplug.store.keys import OWN, Key
from interplug.store.stations import Reading
from interplug.store.tx import Tx

from .city import CARDS, OPERATOR, PROVIDER, card

KILOWATTS = Decimal(7)
STATES = ("AVAILABLE", "CHARGING", "BLOCKED", "OUTOFORDER", "INOPERATIVE")
STATIONS = 6
"""Cars that charge at the same time; the EVSEs after these change their status and nothing else."""


def say(*line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Writer:
    def __init__(self, node: Node, seed: str, connection: int) -> None:
        self.node, self.connection = node, connection
        self.chance = random.Random(seed)
        self.ending = False

    async def tried(self, key: str, value: Any, write: Callable[[], Awaitable[Any]]) -> None:
        """That a write fails is weather here, too."""
        say("try", key, value)
        try:
            await write()
        except Exception as error:  # noqa: BLE001 (a disk that is full, a database that is held: all there is to do is to go on)
            say("failed", key, repr(error))
            await asyncio.sleep(0.2)
            return
        say("ack", key)

    async def pause(self, longest: float) -> None:
        await asyncio.sleep(self.chance.uniform(0.2, 1) * longest)

    async def run(self, *loops: Callable[[], Awaitable[None]]) -> None:
        async def repeat(one: Callable[[], Awaitable[None]]) -> None:
            while not self.ending:
                try:
                    await one()
                except Exception as error:  # noqa: BLE001
                    say("failed", one.__name__, repr(error))
                    await asyncio.sleep(0.2)

        await asyncio.gather(*(repeat(one) for one in loops))


class Stations(Writer):
    """The operator's."""

    async def live(self) -> None:
        say("up")
        await self.end_what_was_left()
        evses = [(stored.key.id, evse["uid"]) for stored in await self.node.store.read(locations) for evse in stored.document["evses"]]
        await self.run(
            *(self.charges(*place) for place in evses[:STATIONS]),
            *(self.changes(evses[STATIONS + number :: 3]) for number in range(3)),
            self.describes(sorted({location for location, _ in evses})),
            self.prices,
        )

    async def end_what_was_left(self) -> None:
        """The stations come back after their operator's systems died."""
        for state in ("ACTIVE", "PENDING"):
            for charge in await self.node.store.read(lambda tx, state=state: tx.stations.in_state(state)):  # type: ignore[misc]
                await self.end(charge.id, charge.heard_at, [])

    async def end(self, session: str, at: int, readings: list[Reading]) -> None:
        said = await charging.end(self.node, session, at, readings=readings)
        if said == BILLED:
            say("try", f"cdr/{session}", True)
            say("ack", f"cdr/{session}")

    def charges(self, location: str, uid: str) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            await self.status(location, uid, "CHARGING")
            begun, began = self.node.clock(), time.monotonic()

            def reading() -> Reading:
                seconds = time.monotonic() - began
                kwh = (KILOWATTS * Decimal(seconds) / 3600).quantize(Decimal("0.0001"))
                return Reading(begun + int(seconds * 1_000_000), kwh, "charging", KILOWATTS * 1000)

            session = await charging.begin(
                self.node, location_id=location, evse_uid=uid, connector_id="1", cdr_token=card(self.chance.randrange(CARDS), begun),
                auth_method="WHITELIST", connection=self.connection, at=begun,
            )  # fmt: skip
            await self.tried(f"session/{session}", "0", lambda: charging.meter(self.node, session, [Reading(begun, Decimal(0))]))
            for _ in range(self.chance.randint(1, 5)):
                await self.pause(0.4)
                now = reading()
                await self.tried(f"session/{session}", str(now.kwh), lambda now=now: charging.meter(self.node, session, [now]))  # type: ignore[misc]
            last = reading()
            say("try", f"session/{session}", str(last.kwh))
            await self.end(session, last.at, [last])
            say("ack", f"session/{session}")
            await self.status(location, uid, "AVAILABLE")
            await self.pause(0.5)

        return once

    async def status(self, location: str, uid: str, value: str) -> None:
        await self.tried(
            f"status/{location}/{uid}", value, lambda: charging.evse_status(self.node, location, uid, value, self.node.clock())
        )

    def changes(self, evses: list[tuple[str, str]]) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            await self.status(*self.chance.choice(evses), self.chance.choice(STATES))
            await self.pause(0.15)

        return once

    def describes(self, names: list[str]) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            location, name = self.chance.choice(names), f"Place {self.chance.randrange(10**6)}"
            await self.tried(f"name/{location}", name, lambda: self.replace("locations", location, "name", name))
            await self.pause(1.0)

        return once

    async def prices(self) -> None:
        tariff, text = f"{OPERATOR.party_id}-GARAGE", f"Garage {self.chance.randrange(10**6)}"
        value = [{"language": "en", "text": text}]
        await self.tried(f"tariff/{tariff}", text, lambda: self.replace("tariffs", tariff, "tariff_alt_text", value))
        await self.pause(3.0)

    async def replace(self, module: str, id: str, field: str, value: Any) -> None:
        key, now = Key(module, OWN, OPERATOR.country_code, OPERATOR.party_id, id), self.node.clock()

        async def work(tx: Tx) -> None:
            stored = await tx.objects.get(key, whole=False)
            assert stored is not None
            document = {**stored.document, field: value, "last_updated": format_time(now)}
            await tx.objects.save(key, document, last_updated=now, whole=False)

        await self.node.store.write(work)


class Cards(Writer):
    """The provider's."""

    async def live(self) -> None:
        say("up")
        await self.run(*(self.changes(range(number, CARDS, 2)) for number in range(2)))

    def changes(self, numbers: range) -> Callable[[], Awaitable[None]]:
        count = itertools.count(self.chance.randrange(10**6))

        async def once() -> None:
            now = self.node.clock()
            document = card(self.chance.choice(numbers), now) | {"visual_number": f"{next(count)}", "valid": self.chance.random() < 0.7}
            key = Key("tokens", OWN, *PROVIDER[:2], document["uid"], document["type"])

            async def work(tx: Tx) -> None:
                await tx.objects.save(key, document, last_updated=now)

            await self.tried(f"token/{document['uid']}", document["visual_number"], lambda: self.node.store.write(work))
            await self.pause(0.5)

        return once


async def locations(tx: Tx) -> list[Any]:
    return [stored async for stored in tx.objects.each("locations", OWN)]


async def main(role: str, file: str, seed: str, connection: str) -> None:
    async with opened(config.load(Path(file))) as node:
        writer = (Stations if role == "cpo" else Cards)(node, seed, int(connection))

        async def told() -> None:
            await asyncio.to_thread(sys.stdin.readline)
            writer.ending = True

        ended = asyncio.create_task(told())
        await writer.live()
        await ended


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
