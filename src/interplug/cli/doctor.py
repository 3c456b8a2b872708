"""`interplug doctor`: looks for what is wrong with this node and its partners, and says what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cryptography import x509
from cyclopts import Parameter

from interplug.config import Settings
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.partners import registration
from interplug.partners.keys import key_path
from interplug.partners.presentation import root
from interplug.protocol.envelope import Reply
from interplug.store.tx import Tx
from interplug.store.urls import SqliteFile, place_of
from interplug.sync.health import Health, health

from . import lists
from .alerts import plain
from .ending import FAILED, end, show
from .opening import REPORTING, Reporting, with_node
from .standing import answers, verdicts

ENOUGH_DISK = 500_000_000
SOON = timedelta(days=14)


@dataclass(slots=True, frozen=True)
class Finding:
    """`grave`: the node does not work with it."""

    about: str
    text: str
    grave: bool


def doctor(
    *,
    offline: Annotated[bool, Parameter(negative=(), help="Do not call partners.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Look for what is wrong with this node and its partners; exit code 1 where something grave is."""
    findings = with_node(common, lambda node: _examined(node, calls=not offline))
    document = [{"about": one.about, "finding": one.text, "grave": one.grave} for one in findings]
    lines = [f"{'WRONG' if one.grave else 'note'}  {one.about}: {one.text}" for one in findings] or ["nothing is wrong"]
    show(document, lines, json=common.json)
    if any(one.grave for one in findings):
        end("something is wrong", FAILED)


async def _examined(node: Node, *, calls: bool) -> list[Finding]:
    findings = [*_settings(node.settings), *_certificates(node.settings), *await _content(node)]
    for one in node.directory.all(registered=True) if calls else ():
        access = await node.client.access(one)
        reply = access if isinstance(access, Reply) else await node.client.ask(access, "GET", one.versions_url)
        if not reply.ok:
            findings.append(Finding(one.partner, f"{one.versions_url}: {reply.why()}", grave=True))
    return findings


def _settings(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(root(settings))
    local = url.hostname in ("127.0.0.1", "localhost", "::1")
    if url.scheme != "https" and not local:
        yield Finding("server.public_url", "partners refuse plain http; serve TLS or name the https URL of the proxy", grave=True)
    if local:
        yield Finding("server.public_url", "only this machine can reach the node", grave=False)
    if settings.network.allow_private or settings.network.allow_http:
        yield Finding("network", "private addresses or plain http are allowed; right for a demo, not for the internet", grave=False)
    place = place_of(settings.store.url)
    if isinstance(place, SqliteFile) and (free := shutil.disk_usage(place.path.parent).free) < ENOUGH_DISK:
        yield Finding("disk", f"{free // 1_000_000} MB are free beside the database", grave=free < ENOUGH_DISK // 10)
    key = key_path(settings.store)
    if not settings.store.key and key.exists() and key.stat().st_mode & 0o077:
        yield Finding("node key", f"{key} can be read by others on this machine (chmod 600)", grave=True)


def _certificates(settings: Settings) -> Iterator[Finding]:
    """Partners, or all stations, are gone when one of them ends."""
    server, stations = settings.server, settings.stations
    named = {"server.tls_certificate": server.tls_certificate}
    if stations.enabled:
        names = ("tls_certificate", "client_ca", "sign_certificate")
        named |= {f"stations.{name}": getattr(stations, name) for name in names}
    for name, path in named.items():
        if not path:
            continue
        try:
            until = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(Path(path).read_bytes()))
        except (OSError, ValueError) as error:
            yield Finding(name, f"{path} cannot be read: {error}", grave=True)
            continue
        left = until - datetime.now(UTC)
        if left < SOON:
            said = "has ended" if left < timedelta() else "ends"
            yield Finding(name, f"{path} {said} at {until:%Y-%m-%dT%H:%M:%SZ}", grave=left < timedelta())


def _cdrs(cdrs: dict[str, Any]) -> Iterator[Finding]:
    if cdrs["held"]:
        yield Finding("CDRs", f"{cdrs['held']} of ours are held and do not leave (interplug cdr list --held)", grave=False)
    for verdict in ("mismatch", "implausible", "doubled", "orphaned"):
        if n := cdrs["received"].get(verdict):
            yield Finding("CDRs", f"{n} that partners sent: {verdict} (interplug cdr list --verdict {verdict})", grave=False)
    if n := cdrs["own"].get("doubled"):
        yield Finding("CDRs", f"{n} of ours: doubled (interplug cdr list --partner - --verdict doubled)", grave=False)
    if cdrs["missing"]:
        yield Finding("Sessions", f"{cdrs['missing']} have no CDR yet (interplug cdr list --missing)", grave=False)


def _partner(name: str, one: Health) -> Iterator[Finding]:
    if one.needs_full_pull:
        yield Finding(name, "was behind for so long that it has to read our whole lists: ask for a full pull", grave=False)
    if one.pause is not None:
        yield Finding(name, f"does not take what is pushed since {format_time(one.pause.since)}: {one.pause.why}", grave=False)


async def _alerts(node: Node) -> list[Finding]:
    counts, unsent = await node.store.read(_counts)
    findings = [Finding("alerts", f"{n} {severity} are open (interplug alert list)", grave=False) for severity, n in counts.items()]
    return findings + [Finding("alerts", f"{n} messages wait to be taken by {plain(target)}", grave=False) for target, n in unsent.items()]


async def _counts(tx: Tx) -> tuple[dict[str, int], dict[str, int]]:
    return await tx.alerts.counts(), await tx.alerts.unsent()


async def _content(node: Node) -> list[Finding]:
    findings = []
    if not await answers(node.settings):
        findings.append(Finding("server", f"no node answers at {node.settings.server.host}:{node.settings.server.port}", grave=False))
    if not node.directory.our_parties():
        findings.append(Finding("parties", "this node has none; partners can see nothing of it", grave=True))
    quarantine = await node.store.read(lambda tx: tx.quarantine.count())
    if quarantine:
        findings.append(Finding("quarantine", f"{quarantine} objects could not be taken (interplug quarantine list)", grave=False))
    findings += _cdrs(await verdicts(node))
    findings += await _alerts(node)
    for one in registration.overdue(node.directory):
        findings.append(Finding(one.partner, f"its tokens are older than a month (interplug partner rotate {one.id})", grave=False))
    for one in node.directory.all(registered=True):
        findings += _partner(one.partner, await health(node, one))
        findings += [
            Finding(one.partner, f"its list of {report['module']}: {text}", grave=False)
            for report in await lists.described(node, one)
            for text in (*report["notes"], *([report["fault"]] if report["fault"] else ()))
        ]
    for row in await node.store.read(lambda tx: tx.cursors.refused()):
        partner = node.directory.by_id(row.connection)
        findings.append(Finding(partner.partner if partner else str(row.connection), f"refuses an object: {row.reason}", grave=False))
    return findings
