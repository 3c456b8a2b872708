"""The local list of a station: who is on it, how it is sent, and when it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interplug.config import Stations
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201, Dialect
from interplug.stations.ocpp.link import Refused
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.stations import Station, station

CARDS = [("A1", "ALWAYS", True), ("A2", "ALLOWED", True), ("A3", "ALLOWED_OFFLINE", True), ("A4", "NEVER", True), ("A5", "ALWAYS", False)]
BOOT: dict[Dialect, dict[str, Any]] = {
    V16: {"chargePointVendor": "Acme", "chargePointModel": "Wall 1"},
    V201: {"chargingStation": {"vendorName": "Acme", "model": "Wall 2"}, "reason": "PowerUp"},
}
VERSION = {V16: "listVersion", V201: "versionNumber"}


@pytest.fixture
def settings() -> Stations:
    return Stations(enabled=True, port=0, status_settle=0, local_list=500)


async def give(provider: Provider, cards: list[tuple[str, str, bool]]) -> None:
    for uid, whitelist, valid in cards:
        token = {**FULL_TOKEN, "uid": uid, "contract_id": f"BE-XYZ-{uid}", "whitelist": whitelist, "valid": valid}
        await provider.partner.send("PUT", f"tokens/BE/XYZ/{uid}", token)


async def boot(one: Station) -> None:
    assert (await one.say("BootNotification", **BOOT[one.dialect]))["status"] == "Accepted"


@pytest.mark.parametrize("dialect", [V16, V201], ids=lambda dialect: dialect.version)
async def test_cards_that_we_may_decide_about_are_on_it_and_it_is_sent_once(csms: Csms, provider: Provider, dialect: Dialect) -> None:
    await give(provider, CARDS)
    name = VERSION[dialect]
    async with station(csms, dialect) as one:
        one.answers["GetLocalListVersion"] = {name: 0}
        await boot(one)
        sent = await one.asked("SendLocalList")
        listed = [entry["idTag"] if dialect is V16 else entry["idToken"]["idToken"] for entry in sent["localAuthorizationList"]]
        assert (listed, sent["updateType"]) == (["A1", "A2", "A3"], "Full")
        one.answers["GetLocalListVersion"] = {name: sent[name]}
        one.answers["SendLocalList"] = Refused("InternalError", "nobody should have sent it")
        await boot(one)
        await one.asked("GetLocalListVersion")
        await one.say("Heartbeat")
        with pytest.raises(asyncio.QueueEmpty):
            one._asked.get_nowait()


async def test_a_long_list_goes_in_parts_whose_numbers_grow(csms: Csms, provider: Provider) -> None:
    await give(provider, [(f"C{number:03}", "ALWAYS", True) for number in range(120)])
    async with station(csms, V16) as one:
        one.answers["GetLocalListVersion"] = {"listVersion": 0}
        await boot(one)
        first, second = await one.asked("SendLocalList"), await one.asked("SendLocalList")
        assert [len(part["localAuthorizationList"]) for part in (first, second)] == [100, 20]
        assert (first["updateType"], second["updateType"]) == ("Full", "Differential")
        assert second["listVersion"] == first["listVersion"] + 1


async def test_a_station_without_lists_is_left_alone(csms: Csms, provider: Provider) -> None:
    await give(provider, CARDS)
    async with station(csms, V16) as one:
        one.answers["GetLocalListVersion"] = {"listVersion": -1}
        await boot(one)
        await one.asked("GetLocalListVersion")
        assert "currentTime" in await one.say("Heartbeat")
