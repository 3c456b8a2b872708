"""A meter that does not move at a plug that is broken is no second fault."""

from __future__ import annotations

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.derived import SELDOM, STUCK
from interplug.stations.csms.service import Csms
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import meter, start, status
from tests.stations.csms.stations import Station, carried


@pytest.mark.parametrize(
    ("said", "connector", "stuck"),
    [("Charging", 1, True), ("Faulted", 1, False), ("Unavailable", 1, False), ("Faulted", 0, False), ("Faulted", 2, True)],
    ids=["it charges", "the plug is broken", "the plug is out of service", "the station is broken", "the other plug is broken"],
)
async def test_only_where_it_could_charge_is_a_meter_missed(
    csms: Csms, node: Node, one: Station, provider: Provider, clock: Clock, said: str, connector: int, stuck: bool
) -> None:
    number = await start(one, clock)
    await status(one, clock, "Charging")
    clock.move(60)
    await meter(one, clock, number, 1010)
    clock.move(60)
    await status(one, clock, said, connector, errorCode="InternalError" if said == "Faulted" else "NoError")
    await carried(csms)
    clock.move(node.settings.stations.meter_stuck_after + 60)
    for _ in range(SELDOM):
        await csms.silence.look()
    assert bool(await node.store.read(lambda tx: tx.faults.derived(STUCK))) == stuck
