"""Drivers of a provider that speaks 2.1.1, which says of a Token only that it is a card or something else."""

from __future__ import annotations

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16
from tests.nodes import Clock, Partner, befriend
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import boot, start, stop
from tests.stations.csms.stations import carried, station

HOUR = 3600


@pytest.fixture
async def emsp(node: Node) -> Partner:
    return await befriend(node, "2.1.1", parties=(("EMSP", "BE", "XYZ"),), name="emsp")


@pytest.mark.parametrize("type", ["APP_USER", "RFID"])
async def test_a_start_that_comes_before_its_token_is_billed_to_the_contract_in_it(
    csms: Csms, provider: Provider, clock: Clock, type: str
) -> None:
    """Nobody is asked for the driver whom the provider has sent."""
    driver = {**FULL_TOKEN, "uid": "9C1F2B6E75A34B0C", "type": type, "contract_id": "BE-XYZ-C4711"}
    async with station(csms, V16) as one:
        await boot(one, clock)
        assert await provider.command("START_SESSION", token=driver, location_id="LOC1", evse_uid="EVSE1") == ("ACCEPTED", ["ACCEPTED"])
        asked = await one.asked("RemoteStartTransaction")
        number = await start(one, clock, asked["idTag"])
        running = await provider.session()
        assert (running["auth_id"], running["status"]) == ("BE-XYZ-C4711", "ACTIVE")
        clock.move(HOUR)
        await stop(one, clock, number, 9000, reason="Remote")
        await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["auth_id"], bill["total_energy"], provider.asked) == ("BE-XYZ-C4711", 8, [])
