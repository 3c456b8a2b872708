"""A partner of each version charges at a simulated station, over OCPI: commands in, results, Sessions and the CDR out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response
from interplug.stations.simulator.fleet import Fleet
from interplug.stations.simulator.memory import Car
from interplug.stations.simulator.physics import Vehicle
from interplug.versions.table import VERSIONS
from tests.charges.meters import TOKEN, open_place, tariff
from tests.modules.said import said
from tests.nodes import CPO, Clock, Partner, Wire, befriend, close, make_node

FULL_TOKEN = {**TOKEN, "issuer": "XYZ", "valid": True, "whitelist": "ALWAYS", "last_updated": "2026-01-01T00:00:00Z"}
RESULT_URL = "https://emsp.example/results/1"


class Results:
    def __init__(self, wire: Wire) -> None:
        self.said: list[str] = []
        wire.places["https://emsp.example"] = self

    async def __call__(self, request: Request) -> Response:
        self.said.append(decode_json(request.body)["result"])
        return Response(200, b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}')


async def command(node: Node, emsp: Partner, name: str, **fields: Any) -> str:
    """What is answered at once; the result has been sent when this returns."""
    document = said(name.lower(), {"response_url": RESULT_URL, **fields}, emsp.version)
    answer = await emsp.send("POST", f"commands/{name}", document)
    while node.tasks:
        await asyncio.gather(*node.tasks)
    return str(answer.data["result"])


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.req("CMD-004", "CMD-008", "CMD-030", "SES-001", versions="2.2.1|2.3.0")
async def test_a_foreign_driver_charges_and_the_bill_is_there(tmp_path: Path, version: str) -> None:
    clock, wire = Clock(), Wire()
    results = Results(wire)
    node = await make_node(tmp_path, [CPO], clock=clock, wire=wire)
    emsp = await befriend(node, version, parties=[("EMSP", "BE", "XYZ")], name="emsp")
    await open_place(node, tariff())
    fleet = node.stations = Fleet(node, arrives=None)
    await fleet.load()

    assert await command(node, emsp, "START_SESSION", token=FULL_TOKEN, location_id="LOC1", evse_uid="EVSE1") == "ACCEPTED"
    await fleet.plug_in("LOC1", "EVSE1", Car(Vehicle(40_000), 0.3))
    for _ in range(20):
        clock.move(60)
        await fleet.tick()
    [running] = (await emsp.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data
    assert running["status"] == "ACTIVE" and running["kwh"] > 3

    assert await command(node, emsp, "STOP_SESSION", session_id=running["id"]) == "ACCEPTED"
    [ended] = (await emsp.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data
    [bill] = (await emsp.fetch("cdrs")).data
    assert ended["status"] == "COMPLETED" and ended["kwh"] == bill["total_energy"] and ended["total_cost"] == bill["total_cost"]
    assert results.said == ["ACCEPTED", "ACCEPTED"]
    await close(node)


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.req("CMD-040")
async def test_a_station_that_breaks_takes_its_reservation_back(tmp_path: Path, version: str) -> None:
    clock, wire = Clock(), Wire()
    results = Results(wire)
    node = await make_node(tmp_path, [CPO], clock=clock, wire=wire)
    emsp = await befriend(node, version, parties=[("EMSP", "BE", "XYZ")], name="emsp")
    await open_place(node, tariff())
    fleet = node.stations = Fleet(node, arrives=None)
    await fleet.load()
    place = {"location_id": "LOC1", "evse_uid": "EVSE1"}
    await command(node, emsp, "RESERVE_NOW", token=FULL_TOKEN, reservation_id="R1", expiry_date=clock.text(900), **place)
    await fleet.fault("LOC1", "EVSE1")
    assert results.said == ["ACCEPTED", "CANCELED_RESERVATION"]
    await close(node)
