"""What real stations do that no model's quirk is needed for: it is understood, and nobody pays for it."""

from __future__ import annotations

from decimal import Decimal

from interplug.stations.csms.service import Csms
from tests.nodes import Clock
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import meter, start, status, stop
from tests.stations.csms.stations import Station

HOUR = 3600
START = {"token": FULL_TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1"}


async def energy(csms: Csms, provider: Provider) -> Decimal:
    await csms.hall.posts["CS1"].carried()
    [bill] = await provider.cdrs()
    return Decimal(bill["total_energy"])


async def test_meter_values_that_follow_the_end_change_nothing(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    clock.move(HOUR)
    await stop(one, clock, number, 6000)
    before = await energy(csms, provider)
    clock.move(5)
    await meter(one, clock, number, 6100)
    assert (before, await energy(csms, provider)) == (5, 5)
    assert (await provider.session())["status"] == "COMPLETED"


async def test_a_station_that_gives_the_transaction_a_number_of_its_own(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    """It takes no notice of ours; one runs there, so that one is meant."""
    number = await start(one, clock) + 4711
    clock.move(HOUR)
    await meter(one, clock, number, 3000)
    clock.move(HOUR)
    await stop(one, clock, number, 6000, idTag="CARD1")
    assert await energy(csms, provider) == 5


async def test_a_card_is_the_same_in_small_letters(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    assert (await one.say("Authorize", idTag="card1"))["idTagInfo"]["status"] == "Accepted"
    number = await start(one, clock, "Card1")
    clock.move(HOUR)
    await stop(one, clock, number, 6000, idTag="CARD1")
    assert await energy(csms, provider) == 5
    assert (await provider.session())["cdr_token"]["uid"] == "CARD1"


async def test_a_car_that_stands_there_after_its_charge_is_in_the_way(one: Station, provider: Provider, clock: Clock) -> None:
    number = await start(one, clock)
    await status(one, clock, "Charging")
    clock.move(HOUR)
    await stop(one, clock, number, 6000)
    await status(one, clock, "Finishing")
    assert await provider.status() == "CHARGING"
    one.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    assert await provider.command("START_SESSION", **START) == ("ACCEPTED", ["EVSE_OCCUPIED"])
    await status(one, clock, "Available")
    assert await provider.status() == "AVAILABLE"


async def test_what_is_wrong_at_connector_0_is_wrong_at_all_of_them(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    await status(one, clock, "Faulted", 0, errorCode="PowerSwitchFailure", vendorErrorCode="K1")
    assert [await provider.status(uid) for uid in ("EVSE1", "EVSE2")] == ["OUTOFORDER"] * 2
    await status(one, clock, "Available", 2)
    assert await provider.status("EVSE2") == "OUTOFORDER", "what one connector says does not end it"
    await status(one, clock, "Available", 0)
    assert [await provider.status(uid) for uid in ("EVSE1", "EVSE2")] == ["AVAILABLE"] * 2
    [fault] = await csms.node.store.read(lambda tx: tx.faults.since(0))
    assert fault.closed_at and (fault.code, fault.vendor_code) == ("PowerSwitchFailure", "K1")


async def test_what_a_plug_said_before_a_charge_began_is_over(csms: Csms, one: Station, provider: Provider, clock: Clock) -> None:
    clock.move(60)
    number = await start(one, clock)
    assert await provider.status() == "CHARGING", "it has not said so itself yet"
    await status(one, clock, "Unavailable")
    assert await provider.status() == "INOPERATIVE"
    clock.move(60)
    await stop(one, clock, number, 1000)
    await status(one, clock, "Available")
    assert await provider.status() == "AVAILABLE"
