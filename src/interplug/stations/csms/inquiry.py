"""After a line was lost, or a long silence: does a charge still run of which the station says nothing? A station of 2.x can be asked
(GetTransactionStatus, use case E14); in 1.6 only what it says of its plugs can tell.

A charge that the station has forgotten, and of which it has nothing left to say, ends with what was last known.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from interplug.stations.ocpp.link import IDLE, Link
from interplug.store.charging_stations import StationRow

from .desk import Desk
from .speech import Speech, Want

log = logging.getLogger(__name__)


async def ask(
    desk: Desk, station: StationRow, link: Link, speech: Speech, carried: Callable[[], Awaitable[None]], *, unheard_since: int | None = None
) -> None:
    """`carried`: waits until everything that it has said by now is in the book. `unheard_since`: only of charges of which it has said
    nothing since then. Raises what a call raises."""
    want = speech.wants.get("transaction_status")
    if want is None:
        return
    for row in await desk.node.store.read(lambda tx: tx.ocpp.open(station.id), snapshot=False):
        if unheard_since is not None and row.heard_at > unheard_since:
            continue
        asked = want(Want(transaction=row.number))
        answer = await link.call(asked.action, asked.payload, priority=IDLE)
        if answer.get("ongoingIndicator") is not False or answer.get("messagesInQueue") is not False:
            continue
        await carried()
        now = await desk.node.store.read(lambda tx, number=row.number: tx.ocpp.transaction(station.id, number))  # type: ignore[misc]
        if now is not None and not now.ended_at:
            log.warning("station %s knows nothing more of transaction %s", station.id, row.number)
            await desk.transactions.lost(now)
            await desk.publish(station)
