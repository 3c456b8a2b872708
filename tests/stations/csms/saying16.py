"""What a station of OCPP 1.6J says, a line for each message."""

from __future__ import annotations

from typing import Any

from tests.nodes import Clock
from tests.stations.csms.stations import Station


async def boot(one: Station, clock: Clock) -> None:
    answer = await one.say("BootNotification", chargePointVendor="Acme", chargePointModel="Wall 1", firmwareVersion="1.0")
    assert answer == {"status": "Accepted", "currentTime": clock.text(), "interval": 300}
    for connector in (0, 1, 2):
        await status(one, clock, "Available", connector)


async def status(one: Station, clock: Clock, status: str, connector: int = 1, **more: Any) -> None:
    said = {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": clock.text()}
    await one.say("StatusNotification", **{**said, **more})


async def start(one: Station, clock: Clock, tag: str = "CARD1", meter: int = 1000, **more: Any) -> int:
    answer = await one.say("StartTransaction", connectorId=1, idTag=tag, meterStart=meter, timestamp=clock.text(), **more)
    assert answer["idTagInfo"]["status"] == "Accepted"
    return int(answer["transactionId"])


async def meter(one: Station, clock: Clock, number: int, wh: int, **more: str) -> None:
    values = [{"value": str(wh)}, *({"value": value, "measurand": name.replace("_", ".")} for name, value in more.items())]
    await one.say("MeterValues", connectorId=1, transactionId=number, meterValue=[{"timestamp": clock.text(), "sampledValue": values}])


async def stop(one: Station, clock: Clock, number: int, wh: int, **more: Any) -> None:
    await one.say("StopTransaction", transactionId=number, meterStop=wh, timestamp=clock.text(), **more)


async def settled(one: Station) -> None:
    """Everything that was told before is in the book."""
    await one.say("Heartbeat")
