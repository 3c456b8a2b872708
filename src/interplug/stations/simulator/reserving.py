"""RESERVE_NOW and CANCEL_RESERVATION at simulated stations.

The station is given the id of the Session as its reservation number, so equal ids of two partners never meet (CMD-035). The
same id again at the same Location replaces the reservation (CMD-034), at the same EVSE or at another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from interplug.charges import charging
from interplug.model.types import fold, parse_time
from interplug.modules.node import Node, Outcome

from .memory import Driver, Hold
from .outlet import Outlet
from .states import REFUSALS

Document = dict[str, Any]

AWAY = Outcome("TIMEOUT", "the station does not answer")
NOWHERE = Outcome("FAILED", "there is no such station")


async def reserve(node: Node, there: Sequence[Outlet], command: Document, connection: int) -> Outcome:
    """`there`: all stations of the Location, one at least."""
    expires = parse_time(command["expiry_date"])
    if expires <= node.clock():
        return Outcome("REJECTED", "the reservation would be over already")
    old = holding(there, connection, command["reservation_id"])
    outlet = _wanted(there, command.get("evse_uid"), old)
    if outlet is None:
        return NOWHERE
    driver = Driver(command["token"], "COMMAND", connection, command.get("authorization_reference"))
    async with outlet.lock:
        refusal = _refusal(outlet, old)
        if refusal is not None:
            return refusal
        session = await _book(node, outlet, driver, command["reservation_id"], expires)
        if old is not None and old is not outlet:
            await old.release(node.clock(), None)
        hold = Hold(session, connection, command["reservation_id"], fold(driver.token["uid"]), expires)
        await outlet.hold(node.clock(), hold)
    return Outcome("ACCEPTED", session_id=session)


def _wanted(there: Sequence[Outlet], uid: str | None, old: Outlet | None) -> Outlet | None:
    """The EVSE that was named, the one that is held already, one that is free, or any, which will say why not."""
    if uid is not None:
        return next((one for one in there if fold(one.evse["uid"]) == fold(uid)), None)
    free = [one for one in there if one.memory.online and one.memory.state == "free"]
    return old or (free or there)[0]


def _refusal(outlet: Outlet, old: Outlet | None) -> Outcome | None:
    if not outlet.memory.online:
        return AWAY
    if outlet.memory.state in ("faulted", "closed"):
        return Outcome(*REFUSALS[outlet.memory.state])
    if outlet is not old and outlet.memory.state != "free":
        return Outcome("EVSE_OCCUPIED", "the station is in use or reserved")
    return None


async def _book(node: Node, outlet: Outlet, driver: Driver, reservation_id: str, expires: int) -> str:
    return await charging.reserve(
        node,
        location_id=outlet.key.id,
        evse_uid=outlet.evse["uid"],
        connector_id=None,
        cdr_token=driver.token,
        connection=driver.connection,
        reservation_id=reservation_id,
        expires_at=expires,
        at=node.clock(),
        authorization_reference=driver.reference,
    )


def holding(outlets: Iterable[Outlet], connection: int, reservation_id: str) -> Outlet | None:
    """The station that holds this reservation of this partner."""
    for outlet in outlets:
        hold = outlet.memory.hold
        if hold is not None and hold.connection == connection and fold(hold.reservation_id) == fold(reservation_id):
            return outlet
    return None


async def cancel(node: Node, everywhere: Iterable[Outlet], command: Document, connection: int) -> Outcome:
    outlet = holding(everywhere, connection, command["reservation_id"])
    if outlet is None:
        return Outcome("UNKNOWN_RESERVATION", "no station knows this reservation")
    async with outlet.lock:
        if not outlet.memory.online:
            return AWAY
        await outlet.release(node.clock(), "canceled")
    return Outcome("ACCEPTED")
