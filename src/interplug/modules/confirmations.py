"""Financial advice confirmations: what a PTP captured for a charge, and what of it has to stand on the CPO's invoice.

The PTP lists them and POSTs each to the CPO. A confirmation belongs to the CDR that we sent this PTP with its authorization_reference;
about a charge that is not its own a PTP says nothing. A later word about the same capture replaces the earlier, which is kept as evidence.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import parse_time
from interplug.protocol.envelope import Answer
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import invalid
from interplug.store.tx import Tx

from . import feed, payments, replica, terminals
from .node import Call
from .payments import SPOKEN

Document = dict[str, Any]


async def post(call: Call) -> Answer:
    document, mended = payments.repaired(call)
    key = payments.key(call, document["id"])
    reference = document["authorization_reference"]

    async def work(tx: Tx) -> bool:
        bill = await tx.terminals.bill(call.connection.id, reference)
        if bill is None:
            raise invalid(f"$.authorization_reference: no charge of yours has the reference {reference}")
        saved = await tx.objects.save(key, document, last_updated=parse_time(document["last_updated"]), evidence=replica.evidence(call))
        newest = await tx.objects.get_pk(bill.confirmation) if bill.confirmation else None
        if newest is None or parse_time(document["last_updated"]) >= newest.last_updated:
            await tx.terminals.confirm(bill, saved.pk)
        return saved.created

    created: bool = await call.node.store.write(work)
    return Answer(message=mended, http=201 if created else 200)


CONFIRMATIONS = Module(
    id="financial-advice-confirmations",
    kind="financial_advice_confirmation",
    sender=("PTP",),
    receiver=("CPO",),
    key=(),
    routes=(
        Route("SENDER", "GET", "", feed.page, SPOKEN),
        Route("SENDER", "GET", "{id}", feed.single, SPOKEN),
        Route("RECEIVER", "POST", "", post, SPOKEN),
        Route("RECEIVER", "GET", "{id}", terminals.get, SPOKEN),
    ),
)
