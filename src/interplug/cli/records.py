"""`interplug cdr`: the charge detail records, our own and those that we received."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored

from .ending import columns, end, show
from .opening import DASH, REPORTING, Reporting, with_node
from .partners import named


def list_(
    *,
    partner: Annotated[str | None, DASH, Parameter(help="Only those that this partner sent; - for our own.")] = None,
    limit: Annotated[int, Parameter(help="At most so many, the newest first.")] = 50,
    common: Reporting = REPORTING,
) -> None:
    """List CDRs, newest first."""

    async def work(node: Node) -> list[dict[str, Any]]:
        source = None if partner is None else OWN if partner == "-" else named(node, partner).id
        names = {one.id: one.partner for one in node.directory.all()}

        async def read(tx: Any) -> list[Stored]:
            return [stored async for stored in tx.objects.each("cdrs", source)]

        found = sorted(await node.store.read(read), key=lambda stored: stored.last_updated, reverse=True)
        return [_row(stored, names.get(stored.key.source, "own")) for stored in found[:limit]]

    found = with_node(common, work)
    names = ("id", "from", "start", "end", "kwh", "cost", "currency", "session")
    show(found, columns(names, [one.values() for one in found]) if found else ["no CDR yet"], json=common.json)


def _row(stored: Stored, source: str) -> dict[str, Any]:
    cdr = stored.document
    return {
        "id": cdr["id"],
        "from": source,
        "start_date_time": cdr["start_date_time"],
        "end_date_time": cdr["end_date_time"],
        "total_energy": cdr["total_energy"],
        "total_cost": cdr["total_cost"]["before_taxes"],
        "currency": cdr["currency"],
        "session_id": cdr.get("session_id"),
    }


def show_(id: str, /, *, common: Reporting = REPORTING) -> None:
    """Show a CDR as it is stored, in the newest form.

    Parameters
    ----------
    id
        The id of the CDR.
    """
    found = with_node(common, lambda node: node.store.read(lambda tx: tx.objects.find_id("cdrs", id)))
    if not found:
        end(f"there is no CDR {id!r}")
    show(found[0].document, _lines(found[0].document), json=common.json)


def _lines(cdr: dict[str, Any]) -> Iterator[str]:
    cost = cdr["total_cost"]
    taxes = sum(tax["amount"] for tax in cost.get("taxes") or ())
    yield f"CDR        {cdr['id']} of {cdr['country_code']}-{cdr['party_id']}"
    yield f"session    {cdr.get('session_id') or '-'}, {cdr['start_date_time']} to {cdr['end_date_time']}"
    yield f"place      {cdr['cdr_location'].get('name') or ''} {cdr['cdr_location']['address']}, {cdr['cdr_location']['city']}"
    yield f"token      {cdr['cdr_token']['contract_id']}"
    yield f"energy     {cdr['total_energy']} kWh in {cdr['total_time']} h"
    yield f"cost       {cost['before_taxes']} {cdr['currency']} before taxes, taxes {taxes}"
