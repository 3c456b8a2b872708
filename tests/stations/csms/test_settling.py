"""What flickers is told at once and once more, and not each time."""

from __future__ import annotations

import asyncio

import pytest

from interplug.config import Stations
from interplug.stations.csms.service import Csms
from interplug.stations.csms.settling import Again, Settling
from interplug.stations.ocpp.dialects import V16
from interplug.store.tx import Tx
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, status
from tests.stations.csms.stations import station


@pytest.fixture
def settings() -> Stations:
    return Stations(enabled=True, port=0, status_settle=1000, call_timeout=20, authorise_timeout=20)


async def changes(csms: Csms) -> int:
    """How often the EVSE was told anew."""

    async def work(tx: Tx) -> int:
        [evse] = await tx.objects.find_evse("EVSE1")
        return evse.changed_no

    return await csms.node.store.read(work)


async def test_a_contact_that_chatters_is_told_at_once_and_once_more(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        before = await changes(csms)
        await status(one, clock, "Faulted", errorCode="GroundFailure")
        assert await provider.status() == "OUTOFORDER", "that is told at once"
        first = await changes(csms)
        assert first > before
        for _ in range(10):
            await status(one, clock, "Available")
            await status(one, clock, "Faulted", errorCode="GroundFailure")
        await status(one, clock, "Available")
        assert await changes(csms) == first
        await csms.desk.settling._wait(("CS1", "EVSE1"), 0)
        assert await provider.status() == "AVAILABLE", "as it is when that is over"


async def test_what_is_asked_last_is_what_is_told_when_it_may() -> None:
    settling, done = Settling(0.05), asyncio.Event()
    told: list[str] = []

    def say(text: str) -> Again:
        async def again() -> None:
            told.append(text)
            done.set()

        return again

    spot = "CS1", "EVSE1"
    assert settling.may_tell(spot, say("never"))
    settling.told(spot)
    assert not settling.may_tell(spot, say("first"))
    assert not settling.may_tell(spot, say("second"))
    assert settling.may_tell(("CS1", "EVSE2"), say("another EVSE"))
    await done.wait()
    assert told == ["second"] and settling.may_tell(spot, say("again"))
    await settling.end()
