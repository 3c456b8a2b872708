"""A planned fault of a station: the operator has an alert, and the provider's driver sees that nobody can charge there; then it is over.

The station says so over OCPP, as any other would. What is told was seen at both ends: on the driver's page, and with `alert list`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .driver import Phone
from .processes import DemoFailed, NodeProcess
from .stage import Stage
from .story import Tell

Document = dict[str, Any]
CODE, VENDOR_CODE, TEXT = "GroundFailure", "E-104", "leakage 38 mA"
PATIENCE = 30.0
LOOK = 0.25
LASTS = 1.0
"""Seconds that it lasts where a story is told once."""


async def breakdown(built: Stage, tell: Tell, lasts: float = LASTS) -> Document:
    stations = built.stations[0]
    operator, station = stations.operator, stations.plans[-1].id
    async with Phone(built.provider.url) as phone:
        page = await _page(phone, operator, stations.places[station])
        began = time.monotonic()
        await stations.order("fault", station=station, code=CODE, vendor_code=VENDOR_CODE, text=TEXT)
        await _until("the fault on the driver's page", lambda: _out(phone, page["id"], True))
        seen = time.monotonic() - began
        alert = await _until("the alert", lambda: _alert(operator, station, True))
        tell(f"{operator.name}: {page['name']} is out of order ({CODE}), alert {alert['number']}; on the driver's page after {seen:.1f} s")
        await asyncio.sleep(lasts)
        await stations.order("clear", station=station)
        await _until("the end of the fault on the driver's page", lambda: _out(phone, page["id"], False))
        over = await _until("the end of the alert", lambda: _alert(operator, station, False))
    tell(f"{operator.name}: {page['name']} works again, alert {alert['number']} is over")
    shown = ("number", "code", "severity", "vendor_code", "opened_at", "closed_at", "times")
    return {"operator": operator.name, "station": station, "seconds": round(seen, 1), "alert": {name: over[name] for name in shown}}


async def _page(phone: Phone, operator: NodeProcess, location: str) -> Document:
    for row in await phone.everywhere():
        if row["partner"] == operator.name and (await phone.station(row["id"]))["location"]["id"].lower() == location.lower():
            return row
    raise DemoFailed(f"the driver's page does not list {location} of {operator.name}")


async def _out(phone: Phone, page: int, out: bool) -> Document | None:
    """The page, where all EVSEs are out of order, or none is."""
    seen = await phone.station(page)
    broken = [evse["status"] == "OUTOFORDER" for evse in seen["evses"]]
    return seen if (all(broken) if out else not any(broken)) else None


async def _alert(operator: NodeProcess, station: str, there: bool) -> Document | None:
    listed = await operator.command("alert", "list", "--all", "--station", station)
    return next((one for one in listed if one["vendor_code"] == VENDOR_CODE and one["open"] is there), None)


async def _until(what: str, look: Callable[[], Awaitable[Document | None]]) -> Document:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise DemoFailed(f"{what} did not come within {PATIENCE:.0f} s") from None
