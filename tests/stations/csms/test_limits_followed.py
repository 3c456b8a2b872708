"""From an eMSP's charging profile to the power at the plug of a station that speaks OCPP, and its own limit back to the eMSP.

The station is the simulated one, over a real socket, in each version: what is said here has to be understood there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interplug.config import Stations
from interplug.model.types import decode_json, encode_json
from interplug.modules import steering
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response
from interplug.stations.simulator.cars import Car
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.line import Csms as Address
from interplug.stations.simulator.physics import Vehicle
from interplug.stations.simulator.plan import Connector, Evse, Plan
from interplug.stations.simulator.transaction import Token
from tests.charges.meters import open_place, tariff
from tests.nodes import Partner, Wire, befriend, close, make_node
from tests.stations.csms.partner import Provider
from tests.stations.csms.stations import PASSWORD, add_station, serving
from tests.stations.simulated.served import now

AC = Connector("AC_3_PHASE", 22_000)
CARD = Token("CARD1")
SAMPLED = {"MeterValueSampleInterval": "1", "ClockAlignedDataInterval": "0"}


async def seen(node: Node, found: Callable[[], Any]) -> Any:
    """What `found` comes to, looked at after each change in the node's book."""
    async with asyncio.timeout(20):
        while True:
            head = await node.store.look()
            value = await found()
            if value:
                return value
            await node.store.changed(head, 1.0)


@pytest.mark.req("CHP-003", "CHP-005", "CHP-011", "CHP-015", "CHP-021")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_power_follows_what_an_emsp_sets(tmp_path: Path, version: Any) -> None:
    wire = Wire()
    node = await make_node(tmp_path, [("CPO", "NL", "TNM")], clock=now, wire=wire, stations=Stations(enabled=True, port=0, status_settle=0))
    await open_place(node, tariff())
    await add_station(node)
    emsp = await befriend(node, "2.2.1", parties=(("EMSP", "BE", "XYZ"),), name="emsp")
    heard = told_to(wire, Provider(wire, emsp))
    plan = Plan(id="CS1", version=version, evses=(Evse((AC,)), Evse((AC,))), password=PASSWORD, settings=SAMPLED)
    async with serving(node) as csms:
        crowd = Crowd([plan], Address(f"ws://127.0.0.1:{csms.door.ports['ws']}/ocpp", ping=None))
        running = asyncio.create_task(crowd.run())
        try:
            await seen(node, lambda: known(crowd))
            assert crowd.plug_in("CS1", car=Car(Vehicle(80_000, 11_000), 0.2)) and await crowd.tap("CS1", CARD, 1)
            session = (await seen(node, lambda: active(emsp)))["id"]
            assert await ask(emsp, heard, session, "PUT", 10) == {"result": "ACCEPTED"}
            assert cap(crowd) == 6900
            plan_told = (await ask(emsp, heard, session, "GET"))["profile"]["charging_profile"]
            assert (plan_told["charging_rate_unit"], plan_told["charging_profile_period"][0]["limit"]) == ("A", 10)
            if version != "1.6":
                # The place gives the station less: 1.6 has no word for it.
                crowd.allow("CS1", 4830)
                limit = await seen(node, lambda: update(node, heard))
                assert limit["charging_profile_period"][0]["limit"] == 7
                crowd.allow("CS1", None)
            assert await ask(emsp, heard, session, "DELETE") == {"result": "ACCEPTED"}
            assert cap(crowd) is None
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    await close(node)


def told_to(wire: Wire, provider: Provider) -> list[tuple[str, dict[str, Any]]]:
    """What the eMSP hears beside questions about its tokens."""
    heard: list[tuple[str, dict[str, Any]]] = []

    async def partner(request: Request) -> Response:
        if "/authorize" in request.url:
            return await provider(request)
        heard.append((request.method, decode_json(request.body)))
        return Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}))

    wire.places["https://emsp.example"] = partner
    return heard


async def known(crowd: Crowd) -> bool:
    return bool(crowd.state("CS1")["online"])


def cap(crowd: Crowd) -> float | None:
    limit: float | None = crowd.state("CS1")["evses"][0]["cap_w"]
    return limit


async def active(emsp: Partner) -> dict[str, Any] | None:
    found = (await emsp.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data
    return next((one for one in found if one["status"] == "ACTIVE"), None)


async def update(node: Node, heard: list[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
    await steering.tell(node)
    return next((document["charging_profile"] for method, document in heard if method == "PUT"), None)


async def ask(
    emsp: Partner, heard: list[tuple[str, dict[str, Any]]], session: str, method: str, amperes: int | None = None
) -> dict[str, Any]:
    profile = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": amperes}]}
    body = {"charging_profile": profile, "response_url": "https://emsp.example/r"} if method == "PUT" else None
    query = "" if method == "PUT" else "?duration=600&response_url=https://emsp.example/r"
    answer = await emsp.send(method, f"chargingprofiles/{session}{query}", body)
    assert answer.data["result"] == "ACCEPTED", answer.message
    while emsp.node.tasks:
        await asyncio.gather(*emsp.node.tasks)
    return next(document for said, document in reversed(heard) if said == "POST")
