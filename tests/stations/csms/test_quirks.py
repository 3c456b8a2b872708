"""What models do that OCPP does not say, over real sockets; a model without the quirk is refused the same."""

from __future__ import annotations

import pytest

from interplug.config import Stations
from interplug.stations.csms import quirks
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from interplug.stations.ocpp.frames import Error
from tests.nodes import Clock
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying20 import CARD, Transaction, status
from tests.stations.csms.stations import Station, raw, station


@pytest.fixture
def settings() -> Stations:
    return Stations(enabled=True, port=0, status_settle=0, quirks={"acme": "reversed_uid+loose"})


async def boot(one: Station, vendor: str) -> None:
    if one.dialect is V16:
        await one.say("BootNotification", chargePointVendor=vendor, chargePointModel="M")
    else:
        await one.say("BootNotification", chargingStation={"vendorName": vendor, "model": "M"}, reason="PowerUp")


STATUS = {"connectorId": "1", "errorCode": "NoError", "status": "Available", "info": "x", "vendorThing": 1}


@pytest.mark.parametrize(("vendor", "mended"), [("Acme", True), ("Etrel", True), ("Exact", False)])
async def test_numbers_as_strings_and_fields_of_its_own(csms: Csms, provider: Provider, vendor: str, mended: bool) -> None:
    async with station(csms, V16) as one:
        await boot(one, vendor)
        answer = await raw(one, "1", "StatusNotification", dict(STATUS))
        assert isinstance(answer, Error) is not mended


@pytest.mark.parametrize(("vendor", "status"), [("Acme", "Accepted"), ("Exact", "Invalid")])
async def test_a_reader_that_gives_the_bytes_the_other_way_round(csms: Csms, provider: Provider, vendor: str, status: str) -> None:
    await provider.partner.send("PUT", "tokens/BE/XYZ/04A1B2C3", {**FULL_TOKEN, "uid": "04A1B2C3", "whitelist": "ALWAYS"})
    async with station(csms, V16) as one:
        await boot(one, vendor)
        assert (await one.say("Authorize", idTag="C3B2A104"))["idTagInfo"]["status"] == status


async def test_available_with_the_cable_in_and_the_charge_running(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V201) as one:
        await boot(one, "FoxESS")
        await status(one, clock, "Occupied")
        await Transaction(one, clock).tell("Started", "Authorized", wh=0, idToken=CARD, info={"chargingState": "Charging"})
        await status(one, clock, "Available")
        assert await provider.status() == "CHARGING"


async def test_messages_of_1_6_on_a_socket_of_2_0_1(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V201) as one:
        await boot(one, "FoxESS")
        start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": clock.text()}
        number = (await raw(one, "1", "StartTransaction", start)).payload["transactionId"]
        clock.move(3600)
        stop = {"transactionId": number, "meterStop": 3000, "timestamp": clock.text()}
        assert (await raw(one, "2", "StopTransaction", stop)).payload == {}
        await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 3


def test_the_configured_come_before_the_known() -> None:
    about = {"vendor": "FoxESS", "model": "A7"}
    assert quirks.of(about, {}).speaks_16
    assert quirks.of(about, {"foxess a": "loose"}) == quirks.NONE._replace(loose=True)
    assert quirks.of({}, {"foxess": "loose"}) == quirks.NONE
