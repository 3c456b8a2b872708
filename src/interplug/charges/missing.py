"""Sessions for which no CDR has come: ours, for which there should always be one, and those of our drivers at partners.

A Session is listed when nothing has been heard of it for a while (`cdrs.missing_after`) and it has used or cost something: one that is
over, and one that is said to be going on still, for its end may be what was lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interplug.modules.node import Node
from interplug.store.keys import Stored
from interplug.store.tx import Tx

from .judging import HOUR

STATES = ("ACTIVE", "COMPLETED")
MOST = 10_000


async def missing(node: Node, source: int | None = None, limit: int = MOST) -> list[Stored]:
    """The longest unheard of first."""
    before = node.clock() - int(node.settings.cdrs.missing_after * HOUR)

    async def work(tx: Tx) -> list[Stored]:
        found = [await tx.objects.get_pk(pk) for pk in await tx.checks.silent(before, source, MOST)]
        return [one for one in found if one is not None and one.document["status"] in STATES and used(one.document)][:limit]

    return await node.store.read(work)


def used(session: dict[str, Any]) -> bool:
    """Whether there is anything to bill, as far as the Session says."""
    cost = session.get("total_cost") or {}
    return Decimal(session["kwh"]) > 0 or Decimal(cost.get("before_taxes") or 0) > 0
