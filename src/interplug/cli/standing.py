"""`interplug status`: how things stand, from the node's own database and, when it runs, from its own answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from interplug import __version__
from interplug.charges.missing import missing
from interplug.config import Settings
from interplug.modules.node import Node
from interplug.partners import audiences, registration
from interplug.partners.presentation import root
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Request, Unreachable
from interplug.store import schema
from interplug.store.cursors import LOG
from interplug.store.keys import OWN

from .ending import columns, show
from .opening import REPORTING, Reporting, with_node


def status(*, common: Reporting = REPORTING) -> None:
    """What this node is, whom it works with, what it holds, and what stands in its way."""
    document = with_node(common, _status)
    show(document, _lines(document), json=common.json)


async def _status(node: Node) -> dict[str, Any]:
    counts = await node.store.read(lambda tx: tx.objects.counts())
    refused = await node.store.read(lambda tx: tx.cursors.refused())
    behind = await node.store.read(lambda tx: tx.cursors.all())
    resyncs = await node.store.read(lambda tx: tx.cursors.resyncs())
    names = {one.id: one.partner for one in node.directory.all()}
    late = {one.id for one in registration.overdue(node.directory)}
    head = await node.store.look()
    return {
        "version": __version__,
        "running": await answers(node.settings),
        "public_url": root(node.settings),
        "database": node.store.place.shown,
        "schema": schema.newest(),
        "parties": [f"{one.role} {one.country_code}-{one.party_id}" for one in node.directory.our_parties()],
        "objects": {module: n for (module, source), n in counts.items() if source == OWN},
        "received": [
            {"partner": names.get(source, str(source)), "module": module, "objects": n}
            for (module, source), n in counts.items()
            if source != OWN
        ],
        "partners": [
            {
                "id": one.id,
                "partner": one.partner,
                "state": one.state,
                "version": one.version,
                "unsent_since": behind[one.id, LOG] if one.registered and behind.get((one.id, LOG), head) < head else None,
                "needs_full_pull": audiences.needed(row for row in resyncs if row.connection == one.id),
                "rotation_due": one.id in late,
                "refused": sum(row.connection == one.id for row in refused),
            }
            for one in node.directory.all()
        ],
        "changes": head,
        "quarantine": await node.store.read(lambda tx: tx.quarantine.count()),
        "cdrs": await verdicts(node),
        "alerts": await node.store.read(lambda tx: tx.alerts.counts()),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"Interplug {document['version']}, {'running' if document['running'] else 'not running'} at {document['public_url']}"
    yield f"database    {document['database']} (change {document['changes']})"
    yield f"parties     {', '.join(document['parties']) or 'none yet'}"
    yield f"objects     {_counts(document['objects'])}"
    yield f"quarantine  {document['quarantine']}"
    yield f"CDRs        {_said(document['cdrs'])}"
    if document["alerts"]:
        yield f"alerts      {_counts(document['alerts'])} (interplug alert list)"
    if document["partners"]:
        yield ""
        received: dict[str, dict[str, int]] = {}
        for row in document["received"]:
            received.setdefault(row["partner"], {})[row["module"]] = row["objects"]
        rows = [
            (
                one["id"],
                one["partner"],
                one["state"],
                one["version"],
                one["refused"],
                "needed" if one["needs_full_pull"] else "",
                "due" if one["rotation_due"] else "",
                _counts(received.get(one["partner"], {})),
            )
            for one in document["partners"]
        ]
        yield from columns(("id", "partner", "state", "OCPI", "refused", "full pull", "rotation", "received"), rows)


async def verdicts(node: Node) -> dict[str, Any]:
    """How many CDRs have each verdict, our own and received; what is held, argued about, or still to come."""
    counts = await node.store.read(lambda tx: tx.checks.counts())
    found: dict[str, dict[str, int]] = {"own": {}, "received": {}}
    for (source, verdict), n in counts.items():
        side = found["own" if source == OWN else "received"]
        side[verdict] = side.get(verdict, 0) + n
    return {
        **found,
        "unchecked": await node.store.read(lambda tx: tx.checks.unchecked()),
        "held": await node.store.read(lambda tx: tx.holds.count()),
        "disputed": await node.store.read(lambda tx: tx.holds.disputed()),
        "missing": len(await missing(node)),
    }


def _said(cdrs: dict[str, Any]) -> str:
    parts = [f"{side}: {_counts({verdict.replace('_', ' '): n for verdict, n in cdrs[side].items()})}" for side in ("own", "received")]
    parts += [f"{cdrs[name]} {name}" for name in ("unchecked", "held", "disputed", "missing") if cdrs[name]]
    return "; ".join(parts)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {module}" for module, n in counts.items()) or "none"


async def answers(settings: Settings) -> bool:
    """Whether a node is running at the address of these settings."""
    address = settings.server.host if settings.server.host not in ("0.0.0.0", "::") else "127.0.0.1"
    scheme = "https" if settings.server.tls_certificate else "http"
    near = msgspec.structs.replace(settings.network, allow_private=True, allow_http=True, timeout=2.0)
    transport = HttpTransport(near)
    try:
        answer = await transport(Request("GET", f"{scheme}://{address}:{settings.server.port}/health/live", {}))
        return answer.status == 200
    except Unreachable:
        return False
    finally:
        await transport.close()
