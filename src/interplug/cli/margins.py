"""`interplug margin`: what our eMSP bought beside what it sold, by partner and offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.margins import Row, margin, margins
from interplug.model.types import decode_json
from interplug.modules.node import Node
from interplug.store.bills import Bill

from .ending import columns, show
from .opening import REPORTING, Reporting, with_node
from .options import time_of
from .partners import named

LAST = 2**62


def report(
    *,
    since: Annotated[str | None, Parameter(help="Sessions that ended from this day or time (UTC) on, as 2026-01-01.")] = None,
    until: Annotated[str | None, Parameter(help="Sessions that ended before it.")] = None,
    partner: Annotated[str | None, Parameter(help="Only what this partner sent.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """What was bought from partners beside what was sold to drivers, before taxes, and the margin."""
    first, last = 0 if since is None else time_of(since), LAST if until is None else time_of(until)

    async def work(node: Node) -> list[dict[str, Any]]:
        source = None if partner is None else named(node, partner).id
        names = {one.id: one.partner for one in node.directory.all(removed=True)}
        bills = await node.store.read(lambda tx: tx.bills.ended(first, last))
        found = margins(one for one in bills if source in (None, one.source))
        return [_document(row, names.get(row.source, str(row.source))) for row in found]

    found = with_node(common, work)
    show(found, _lines(found), json=common.json)


def _document(row: Row, partner: str) -> dict[str, Any]:
    return {
        "partner": partner,
        "offer": row.offer or None,
        "currency": row.currency,
        "cdrs": row.cdrs,
        "kwh": row.kwh,
        "bought": row.bought,
        "sold": row.sold,
        "margin": row.margin,
        "unknown": row.unknown,
        "unknown_bought": row.bought_unknown,
        "reasons": row.reasons,
    }


def _lines(found: list[dict[str, Any]]) -> Iterator[str]:
    if not found:
        yield "nothing was billed yet"
        return
    heads = ("partner", "offer", "CDRs", "kWh", "bought", "sold", "margin", "currency", "unknown")
    keys = ("partner", "offer", "cdrs", "kwh", "bought", "sold", "margin", "currency", "unknown")
    yield from columns(heads, [["pass-through" if key == "offer" and row[key] is None else row[key] for key in keys] for row in found])
    for row in found:
        for reason, times in row["reasons"].items():
            yield f"unknown for {times} CDRs of {row['partner']}: {reason}"


def billed(bill: Bill | None) -> dict[str, Any] | None:
    """The bill of one CDR, as `interplug cdr show` and `list` tell it."""
    if bill is None:
        return None
    found, reason = margin(bill)
    return {
        "offer": bill.offer or None,
        "drive": bill.drive or None,
        "bought": _sides(bill.bought_currency, bill.bought_net, bill.bought_gross),
        "sold": _sides(bill.sold_currency, bill.sold_net, bill.sold_gross) if bill.sold_currency else None,
        "margin": found,
        "margin_unknown": reason or None,
        "lines": decode_json(bill.lines),
    }


def _sides(currency: str, net: Any, gross: Any) -> dict[str, Any]:
    return {"currency": currency, "before_taxes": net, "after_taxes": gross}


def bill_lines(found: dict[str, Any]) -> Iterator[str]:
    """For people."""
    sold = found["sold"]
    said = (
        "not known"
        if sold is None
        else f"{_side(sold['before_taxes'])} {sold['currency']} before taxes, {_side(sold['after_taxes'])} with taxes"
    )
    yield f"sold       {said}, {'offer ' + found['offer'] if found['offer'] else 'pass-through'}"
    yield f"margin     {found['margin'] if found['margin'] is not None else 'not known: ' + found['margin_unknown']}"


def _side(value: Any) -> str:
    return "unknown" if value is None else str(value)
