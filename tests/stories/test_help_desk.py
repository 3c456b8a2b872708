"""A help desk with nothing but commands: every command of OCPI at a station of another company, done or honestly not done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.cli.demo.processes import DemoFailed, NodeProcess
from interplug.model.types import encode_json
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.line import Csms
from interplug.stations.simulator.places import station_at
from tests.sync.test_importing import location

T = "2026-01-01T00:00:00Z"
ABLE = ["CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE", "REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE"]
TOKEN = {
    "country_code": "DE", "party_id": "EEE", "uid": "CARD", "type": "RFID", "contract_id": "DEEEEC1", "issuer": "E", "valid": True,
    "whitelist": "NEVER", "last_updated": T,
}  # fmt: skip


def evse(uid: str, status: str) -> dict[str, Any]:
    plug = {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16}
    return {"uid": uid, "status": status, "capabilities": ABLE, "connectors": [{**plug, "last_updated": T}], "last_updated": T}


@pytest.fixture
async def desk(engine: str, tmp_path: Path) -> AsyncIterator[NodeProcess]:
    """A provider that is registered with an operator, who has a station that works and one that does not."""
    cpo = NodeProcess(tmp_path / "cpo", "cpo", "Cpo", "CPO", "NL-AAA", ["2.2.1"], "", charges=True)
    emsp = NodeProcess(tmp_path / "emsp", "emsp", "Emsp", "EMSP", "DE-EEE", ["2.2.1"], "")
    place = location("L1", party_id="AAA", evses=[evse("E1", "AVAILABLE"), evse("E2", "INOPERATIVE")])
    station = station_at(place, "2.0.1", {"MeterValueSampleInterval": "1"})
    for node, objects in ((cpo, place), (emsp, TOKEN)):
        (node.folder / "objects.json").write_bytes(encode_json(objects))
        await node.command("import", str(node.folder / "objects.json"))
        if node is cpo:
            (node.folder / "stations.json").write_bytes(encode_json([{"id": station.id, "location": "L1", "profile": 0}]))
            await node.command("station", "import", str(node.folder / "stations.json"))
        await node.start()
    crowd = Crowd([station], Csms(cpo.stations_url), arrives=1.0, leaves=1.0)
    crowd.line(station.id).station.operate(2, False)
    standing = asyncio.create_task(crowd.run())
    invited = await cpo.command("partner", "invite", "emsp")
    await emsp.command("partner", "register", invited["versions_url"], "--name", "cpo", typed=invited["token"])
    yield emsp
    standing.cancel()
    await asyncio.wait([standing])
    for node in (cpo, emsp):
        await node.end()
        node.release()


async def asked(desk: NodeProcess, command: str, **options: str) -> str:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return str((await desk.command("command", "send", command, "cpo", *words))["result"])


async def session(desk: NodeProcess, status: str) -> str:
    async with asyncio.timeout(30):
        while True:
            for one in await desk.lines("export", "sessions", "--partner", "cpo"):
                if one["status"] == status:
                    return str(one["id"])


@pytest.mark.req("CMD-001", "CMD-042")
async def test_every_command_is_carried_out_at_the_station(desk: NodeProcess) -> None:
    place = {"location": "L1", "evse": "E1"}
    assert await asked(desk, "UNLOCK_CONNECTOR", **place, connector="1") == "ACCEPTED"
    assert await asked(desk, "RESERVE_NOW", **place, token="CARD", reservation="R1") == "ACCEPTED"
    assert await asked(desk, "CANCEL_RESERVATION", reservation="R1") == "ACCEPTED"
    assert await asked(desk, "START_SESSION", **place, token="CARD", connector="1") == "ACCEPTED"
    running = await session(desk, "ACTIVE")
    with pytest.raises(DemoFailed, match=r"failed \(1\).*UNLOCK_CONNECTOR was not carried out"):
        await asked(desk, "UNLOCK_CONNECTOR", **place, connector="1")
    assert await asked(desk, "STOP_SESSION", session=running) == "ACCEPTED"
    results = [(one["command"], one["result"]) for one in await desk.command("command", "list", "--partner", "cpo")]
    assert results[:2] == [("STOP_SESSION", "ACCEPTED"), ("UNLOCK_CONNECTOR", "REJECTED")]


@pytest.mark.req("CHP-003", "CHP-005", "CHP-011", "CHP-015", "SES-052", "SES-053")
async def test_a_charge_is_limited_over_time_and_no_longer(desk: NodeProcess) -> None:
    await asked(desk, "START_SESSION", location="L1", evse="E1", token="CARD", connector="1")
    running = await session(desk, "ACTIVE")
    assert (await desk.command("profile", "set", "cpo", running, "10", "3600=6", "--duration", "7200"))["result"] == "ACCEPTED"
    plan = (await desk.command("profile", "get", "cpo", running, "--seconds", "600"))["plan"]["charging_profile"]
    assert (plan["charging_rate_unit"], plan["duration"]) == ("A", 600)
    assert [one["limit"] for one in plan["charging_profile_period"]] == [10.0]
    [known] = await desk.command("profile", "list")
    assert (known["session"], known["of"], known["set_by"]) == (running, "cpo", "ourselves")
    assert known["profile"]["charging_profile_period"][1] == {"start_period": 3600, "limit": 6} and known["plan"]["duration"] == 600
    with pytest.raises(DemoFailed, match=r"failed \(1\).*SET_CHARGING_PROFILE was not carried out"):
        await desk.command("profile", "set", "cpo", running, "16")
    refused = (await desk.command("command", "list"))[0]
    assert (refused["result"], refused["message"]) == ("TOO_OFTEN", "this Session was asked about just now")
    assert (await desk.command("profile", "clear", "cpo", running))["result"] == "ACCEPTED"
    assert (await desk.command("profile", "list"))[0]["profile"] is None
    assert (await desk.command("profile", "prefer", "cpo", running, "REGULAR", "--energy", "2.5"))["answer"] == "ACCEPTED"
    with pytest.raises(DemoFailed, match=r"failed \(1\).*PROFILE_TYPE_NOT_SUPPORTED"):
        await desk.command("profile", "prefer", "cpo", running, "FAST")
    for words, code in ((["set", "cpo", "nope", "6"], 1), (["set", "cpo", running, "6.25"], 2), (["set", "cpo", running], 2)):
        with pytest.raises(DemoFailed, match=rf"failed \({code}\)"):
            await desk.command("profile", *words)


async def test_what_cannot_be_done_is_said(desk: NodeProcess) -> None:
    with pytest.raises(DemoFailed, match=r"failed \(1\).*START_SESSION was not carried out"):
        await asked(desk, "START_SESSION", location="L1", evse="E2", token="CARD")
    (row,) = await desk.command("command", "list")
    assert (row["answered"], row["result"], row["state"]) == ("ACCEPTED", "EVSE_INOPERATIVE", "failed")
    for options, code in (({"session": "nope"}, 1), ({}, 2)):
        with pytest.raises(DemoFailed, match=rf"failed \({code}\)"):
            await asked(desk, "STOP_SESSION", **options)
    await desk.end()
    with pytest.raises(DemoFailed, match=r"failed \(1\).*no node answers"):
        await asked(desk, "STOP_SESSION", session="nope")
