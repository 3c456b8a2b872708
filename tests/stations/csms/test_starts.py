"""What a station's refusal to start comes to: a result with words for the provider, and a fault when it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from interplug.model.types import decode_json
from interplug.protocol.http import Request, Response
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16
from interplug.stations.ocpp.link import Refused
from tests.nodes import Clock, Wire
from tests.stations.csms.partner import FULL_TOKEN, Provider
from tests.stations.csms.saying16 import boot, status
from tests.stations.csms.stations import station

PLACE = {"location_id": "LOC1", "evse_uid": "EVSE1"}


async def faults(csms: Csms) -> list[str]:
    return [one.code for one in await csms.node.store.read(lambda tx: tx.faults.of_station("CS1"))]


async def test_a_station_that_refuses_three_starts_in_a_row_has_a_fault(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        one.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        for _ in range(3):
            assert await faults(csms) == []
            assert await provider.command("START_SESSION", token=FULL_TOKEN, **PLACE) == ("ACCEPTED", ["REJECTED"])
        assert await faults(csms) == ["StartsFailing"]


async def test_that_somebody_else_charges_there_is_no_failed_start(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        await status(one, clock, "Finishing")
        one.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        for _ in range(3):
            assert await provider.command("START_SESSION", token=FULL_TOKEN, **PLACE) == ("ACCEPTED", ["EVSE_OCCUPIED"])
        assert await faults(csms) == []


@pytest.mark.parametrize(
    ("action", "answer", "command", "result", "text"),
    [
        ("RemoteStartTransaction", {"status": "Rejected"}, "START_SESSION", "REJECTED", "the station refuses it"),
        ("RemoteStartTransaction", Refused("InternalError"), "START_SESSION", "FAILED", "the station answers InternalError"),
        ("RemoteStartTransaction", Refused("InternalError", "no power"), "START_SESSION", "FAILED", "no power"),
        ("UnlockConnector", {"status": "UnlockFailed"}, "UNLOCK_CONNECTOR", "FAILED", "the station could not do it"),
        ("UnlockConnector", {"status": "NotSupported"}, "UNLOCK_CONNECTOR", "NOT_SUPPORTED", "the station cannot do this"),
    ],
)
async def test_a_result_that_is_no_success_has_words(
    csms: Csms, provider: Provider, wire: Wire, clock: Clock, action: str, answer: Any, command: str, result: str, text: str
) -> None:
    heard = listen(wire, provider)
    async with station(csms, V16) as one:
        await boot(one, clock)
        one.answers[action] = answer
        more = {"token": FULL_TOKEN} if command == "START_SESSION" else {"connector_id": "1"}
        assert await provider.command(command, **PLACE, **more) == ("ACCEPTED", [result])
    assert heard == [{"result": result, "message": [{"language": "en", "text": text}]}]


async def test_a_start_at_a_broken_station_says_what_is_broken(csms: Csms, provider: Provider, wire: Wire, clock: Clock) -> None:
    heard = listen(wire, provider)
    async with station(csms, V16) as one:
        await boot(one, clock)
        await status(one, clock, "Faulted", errorCode="GroundFailure")
        one.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        assert await provider.command("START_SESSION", token=FULL_TOKEN, **PLACE) == ("ACCEPTED", ["EVSE_INOPERATIVE"])
    assert heard[0]["message"][0]["text"] == "the station is out of order (GroundFailure)"


def listen(wire: Wire, provider: Provider) -> list[dict[str, Any]]:
    """The results as the provider gets them."""
    heard: list[dict[str, Any]] = []

    async def place(request: Request) -> Response:
        if "/results/" in request.url:
            heard.append(decode_json(request.body))
        return await provider(request)

    wire.places["https://emsp.example"] = place
    return heard
