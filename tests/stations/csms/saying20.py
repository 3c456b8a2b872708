"""What a station of OCPP 2.0.1 or 2.1 says, a line for each message."""

from __future__ import annotations

from typing import Any

from tests.nodes import Clock
from tests.stations.csms.stations import Station

CARD = {"idToken": "CARD1", "type": "ISO14443"}


async def status(one: Station, clock: Clock, status: str, evse: int = 1) -> None:
    await one.say("StatusNotification", timestamp=clock.text(), connectorStatus=status, evseId=evse, connectorId=1)


class Transaction:
    """What a station tells of one."""

    def __init__(self, one: Station, clock: Clock, id: str = "T1", evse: int = 1) -> None:
        self.one, self.clock, self.id, self.evse, self.number = one, clock, id, evse, 0

    async def tell(
        self, kind: str, trigger: str, *, wh: int | None = None, info: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        if wh is not None:
            context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
            more["meterValue"] = [{"timestamp": self.clock.text(), "sampledValue": [{"value": wh, "context": context}]}]
        self.number += 1
        return await self.one.say(
            "TransactionEvent",
            eventType=kind,
            timestamp=self.clock.text(),
            triggerReason=trigger,
            seqNo=self.number - 1,
            transactionInfo={"transactionId": self.id, **(info or {})},
            **({"evse": {"id": self.evse, "connectorId": 1}} if kind == "Started" else {}),
            **more,
        )
