"""Both ends of a link, read apart: what an operator holds, and what the provider holds of it, each from its own node.

A demo that looked at one end only would prove nothing. Each figure comes from that node's own database by a command of that node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from interplug.model.types import parse_time
from interplug.sync.recognise import MODULES, kind_of

from .processes import DemoFailed, NodeProcess

Document = dict[str, Any]
SECOND = 1_000_000
LEVEL_WITHIN = 30.0
CHARGES = ("sessions", "cdrs")


Objects = dict[str, dict[str, Document]]
"""By kind and id."""


async def held(node: NodeProcess, *modules: str, partner: str | None = None) -> Objects:
    """What the node holds of its own; with `partner`, what that partner sent."""
    found: Objects = {kind: {} for kind in MODULES}
    for document in await node.lines("export", *modules, *(("--partner", partner) if partner else ())):
        found[kind_of(document) or ""][document["id"]] = document
    return found


def money(document: Document) -> Document | None:
    cost = document.get("total_cost")
    return None if cost is None else {"currency": document["currency"], "before_taxes": cost["before_taxes"], "taxes": _taxes(cost)}


def _taxes(cost: Document) -> Any:
    """None where they were not told, which is not zero: 2.1.1 has no word for them."""
    return None if "taxes" not in cost else sum(tax["amount"] for tax in cost["taxes"])


async def of_drive(operator: NodeProcess, provider: NodeProcess, session_id: str, cdr_id: str) -> dict[str, Document]:
    """The Session and the CDR at both ends."""
    ours, theirs = await asyncio.gather(held(operator, *CHARGES), held(provider, *CHARGES, partner=operator.name))
    return {"operator": _figures(ours, session_id, cdr_id), "provider": _figures(theirs, session_id, cdr_id)}


async def sale(provider: NodeProcess, operator: NodeProcess, cdr_id: str) -> Document:
    """What the provider bought and sold, and under which offer; None: the operator's prices passed through."""
    shown = await provider.command("cdr", "show", cdr_id, "--partner", operator.name)
    bill = shown["interplug"]["bill"]
    return {"offer": bill["offer"], "purchase": bill["bought"], "retail": bill["sold"], "margin": bill["margin"]}


def _figures(objects: Objects, session_id: str, cdr_id: str) -> Document:
    session, cdr = objects["session"].get(session_id), objects["cdr"].get(cdr_id)
    return {
        "session": session_id if session else None,
        "status": session["status"] if session else None,
        "kwh": session["kwh"] if session else None,
        "cost": money(session) if session else None,
        "cdr": cdr_id if cdr else None,
        "cdr_kwh": cdr["total_energy"] if cdr else None,
        "cdr_cost": money(cdr) if cdr else None,
        "start": cdr["start_date_time"] if cdr else None,
        "end": cdr["end_date_time"] if cdr else None,
    }


async def level(operator: NodeProcess, provider: NodeProcess) -> Document:
    """Waits until the provider knows everything that the operator knew a moment before: EVSEs with their status, Sessions, CDRs."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    behind = ["nothing was compared"]
    while loop.time() - began < LEVEL_WITHIN:
        ours = await held(operator, "locations", *CHARGES)
        await asyncio.sleep(1.0)
        theirs = await held(provider, "locations", *CHARGES, partner=operator.name)
        behind = [*_evses_behind(ours, theirs), *_charges_behind(ours, theirs, provider.party)]
        if not behind:
            compared = {kind: len(theirs[kind]) for kind in ("location", "session", "cdr")}
            evses = sum(len(location["evses"]) for location in ours["location"].values())
            return {"seconds": round(loop.time() - began, 1), "evses": evses, **compared, "behind": 0}
    raise DemoFailed(f"{provider.name} was not level with {operator.name} after {LEVEL_WITHIN:.0f} s: {', '.join(behind[:5])}")


def _evses_behind(ours: Objects, theirs: Objects) -> Iterator[str]:
    """EVSEs of which the provider holds something older than the operator did. 2.1.1 says whole seconds only."""
    known = {evse["uid"]: evse for location in theirs["location"].values() for evse in location["evses"]}
    for location in ours["location"].values():
        for evse in location["evses"]:
            other = known.get(evse["uid"])
            if other is None or _whole(other) < _whole(evse) or (_whole(other) == _whole(evse) and other["status"] != evse["status"]):
                yield f"EVSE {evse['uid']} {evse['status']}"


def _charges_behind(ours: Objects, theirs: Objects, party: str) -> Iterator[str]:
    """Sessions and CDRs of the provider's drivers that it does not have, or has older."""
    for kind in ("session", "cdr"):
        for name, document in ours[kind].items():
            token, other = document["cdr_token"], theirs[kind].get(name)
            if f"{token['country_code']}-{token['party_id']}" == party and (other is None or _whole(other) < _whole(document)):
                yield f"{kind} {name}"


def _whole(document: Document) -> int:
    return parse_time(document["last_updated"]) // SECOND


def lost(ours: Objects, theirs: Objects) -> set[str]:
    """The fields that did not arrive as they were sent off."""
    return {
        f"{kind}{path}"
        for kind, objects in ours.items()
        for name, document in objects.items()
        if name in theirs[kind]
        for path in _lost(document, theirs[kind][name])
    }


def _lost(ours: Any, theirs: Any, path: str = "") -> set[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {found for name, value in ours.items() for found in _lost(value, theirs.get(name), f"{path}.{name}")}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return {found for pair in zip(ours, theirs, strict=True) for found in _lost(*pair, f"{path}[]")}
    return set() if ours == theirs or path.endswith((".last_updated", ".status")) else {path}
