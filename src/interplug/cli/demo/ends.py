"""Both ends of a link, read apart: what an operator holds, and what the provider holds of it, each from its own node.

A demo that looked at one end only would prove nothing. Each figure comes from that node's own database by a command of that node.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from interplug.model.types import decode_json, parse_time

from .processes import DemoFailed, NodeProcess

Document = dict[str, Any]
SECOND = 1_000_000
LEVEL_WITHIN = 30.0


async def held(node: NodeProcess, module: str, partner: str | None = None) -> dict[str, Document]:
    """By id. `partner`: what it sent, instead of the node's own."""
    out = node.folder / f"{module}{'-received' if partner else ''}.jsonl"
    await node.command("export", module, "--out", str(out), *(("--partner", partner) if partner else ()))
    return {document["id"]: document for document in _lines(out)}


def _lines(path: Path) -> list[Document]:
    return [decode_json(line) for line in path.read_bytes().splitlines()]


def money(document: Document) -> Document | None:
    cost = document.get("total_cost")
    return None if cost is None else {"currency": document["currency"], "before_taxes": cost["before_taxes"], "taxes": _taxes(cost)}


def _taxes(cost: Document) -> Any:
    return sum(tax["amount"] for tax in cost.get("taxes") or ())


async def of_drive(operator: NodeProcess, provider: NodeProcess, session_id: str, cdr_id: str) -> dict[str, Document]:
    """The Session and the CDR at both ends."""
    own_sessions, sessions, own_cdrs, cdrs = await asyncio.gather(
        held(operator, "sessions"), held(provider, "sessions", operator.name), held(operator, "cdrs"), held(provider, "cdrs", operator.name)
    )
    return {"operator": _figures(own_sessions, own_cdrs, session_id, cdr_id), "provider": _figures(sessions, cdrs, session_id, cdr_id)}


def _figures(sessions: dict[str, Document], cdrs: dict[str, Document], session_id: str, cdr_id: str) -> Document:
    session, cdr = sessions.get(session_id), cdrs.get(cdr_id)
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
        ours = await asyncio.gather(held(operator, "locations"), held(operator, "cdrs"))
        await asyncio.sleep(1.0)
        theirs = await asyncio.gather(held(provider, "locations", operator.name), held(provider, "cdrs", operator.name))
        behind = _behind(ours[0], theirs[0]) + [
            f"CDR {name}" for name, cdr in ours[1].items() if name not in theirs[1] and _billed(cdr, provider)
        ]
        if not behind:
            evses = sum(len(location["evses"]) for location in ours[0].values())
            return {"seconds": round(loop.time() - began, 1), "evses": evses, "cdrs": len(theirs[1]), "behind": 0}
    raise DemoFailed(f"{provider.name} was not level with {operator.name} after {LEVEL_WITHIN:.0f} s: {', '.join(behind[:5])}")


def _behind(ours: dict[str, Document], theirs: dict[str, Document]) -> list[str]:
    """EVSEs of which the provider holds something older than the operator did. 2.1.1 says whole seconds only."""
    known = {evse["uid"]: evse for location in theirs.values() for evse in location["evses"]}
    behind = []
    for location in ours.values():
        for evse in location["evses"]:
            other = known.get(evse["uid"])
            if other is None or _whole(other) < _whole(evse) or (_whole(other) == _whole(evse) and other["status"] != evse["status"]):
                behind.append(f"EVSE {evse['uid']} {evse['status']}")
    return behind


def _whole(evse: Document) -> int:
    return parse_time(evse["last_updated"]) // SECOND


def _billed(cdr: Document, provider: NodeProcess) -> bool:
    token = cdr["cdr_token"]
    return f"{token['country_code']}-{token['party_id']}" == provider.party


def lost(ours: dict[str, Document], theirs: dict[str, Document]) -> set[str]:
    """The fields that did not arrive as they were sent off."""
    return {f"{name.split()[0]}{path}" for name, document in ours.items() if name in theirs for path in _lost(document, theirs[name])}


def _lost(ours: Any, theirs: Any, path: str = "") -> set[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {found for name, value in ours.items() for found in _lost(value, theirs.get(name), f"{path}.{name}")}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return {found for pair in zip(ours, theirs, strict=True) for found in _lost(*pair, f"{path}[]")}
    return set() if ours == theirs or path.endswith((".last_updated", ".status")) else {path}
