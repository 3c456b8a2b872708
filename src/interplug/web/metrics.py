"""`/metrics`: what this process counted and what its database holds, as Prometheus reads it.

Nothing here is in the way of a request: figures are plain numbers (`telemetry.figures`), read in the loop as rows; names, labels and text
are made of them in a thread. Labels are bounded: modules, methods, versions and statuses that we know, and partners one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from interplug import __version__
from interplug.modules.node import Node
from interplug.partners import audiences, states
from interplug.protocol.http import Response
from interplug.store.keys import OWN
from interplug.store.tx import Tx
from interplug.sync.push import Push
from interplug.sync.unsent import unsent
from interplug.telemetry.figures import Spread

from .siblings import Siblings, merged

log = logging.getLogger(__name__)

T = TypeVar("T")
Missing = Callable[[], Awaitable[Mapping[str, str]]]
PATIENCE = 2.0
"""Seconds that the database has for its figures."""
PARTNER = ("partner", "connection")
Row = tuple[tuple[str, ...], Any]
REQUEST = ("direction", "module", "method", "version", "http", "ocpi")


class Held(NamedTuple):
    """What the database says: counts by source or connection and module."""

    objects: Mapping[tuple[str, int], int]
    refused: Mapping[tuple[int, str], int]
    quarantine: Mapping[tuple[int, str], int]
    full_pulls: set[int]
    """The connections that need one."""
    alerts: Mapping[str, int]
    """Those that are open, by severity."""
    untold: int
    """Messages about alerts that wait to be taken."""


class Family(NamedTuple):
    """Rows of one name: the values of the labels, and a number or a spread."""

    kind: Callable[..., Any]
    name: str
    help: str
    labels: tuple[str, ...]
    rows: Sequence[Row]


async def exposition(node: Node, push: Push, missing: Missing, siblings: Siblings | None = None) -> Response:
    """All figures as they are now, of this process and of its siblings; `missing` is what `/health/ready` tells."""
    told = asyncio.create_task(siblings.told()) if siblings is not None else None
    families, held = await asyncio.gather(_counted(node, push, missing), _known(node.store.read(_counts)))
    body = await asyncio.to_thread(_written, [*families, *(_held(node, held) if held is not None else ())])
    if siblings is not None and told is not None:
        body = await asyncio.to_thread(merged, {siblings.number: body, **await told}, siblings.all())
    return Response(200, body, {"content-type": CONTENT_TYPE_LATEST})


async def counted(node: Node, push: Push, missing: Missing) -> bytes:
    """For a sibling that is asked: what this process alone knows, without what any of them reads in the database."""
    return await asyncio.to_thread(_written, await _counted(node, push, missing))


async def _counted(node: Node, push: Push, missing: Missing) -> list[Family]:
    """Both wait for the database at once, or one that is away would be waited for twice."""
    wrong, partners = await asyncio.gather(missing(), _partners(node, push))
    return [*_process(node, wrong), *_requests(node), *partners]


async def _known(asked: Awaitable[T]) -> T | None:
    """What the database says; None when it does not answer, for then most of all the rest has to be told."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await asked
    except Exception as error:  # noqa: BLE001 (whatever it is, there are no figures)
        log.warning("the database does not answer, so its figures are left out of /metrics: %r", error)
        return None


async def _counts(tx: Tx) -> Held:
    resyncs = await tx.cursors.resyncs()
    full_pulls = {one.connection for one in resyncs if audiences.needed([one])}
    untold = sum((await tx.alerts.unsent()).values())
    alerts = await tx.alerts.counts()
    return Held(await tx.objects.counts(), await tx.cursors.refused_counts(), await tx.quarantine.counts(), full_pulls, alerts, untold)


# --- what is read


def _process(node: Node, missing: Mapping[str, str]) -> Iterator[Family]:
    writing, log = node.store.writing, node.messages
    yield _gauge("info", "This release of Interplug.", [((__version__,), 1)], "version")
    yield _gauge("ready", "1 as long as /health/ready says so.", [((), int(not missing))])
    yield _gauge("missing", "What is not ready.", [((name,), 1) for name in missing], "what")
    yield _gauge("changes", "The newest number of the change log.", [((), node.store.head)])
    yield _gauge("store_waiting", "Transactions that wait to be written.", [((), node.store.waiting)])
    yield _counter("store_transactions", "Transactions that were written.", [((), writing.transactions)])
    yield _counter("store_failures", "Groups of transactions of which nothing was written.", [((), writing.failed)])
    yield _spread("store_commit_seconds", "Commits: how long the disk took for a group of transactions.", [((), writing.commits)])
    yield _counter("messages", "Messages handed to the message log.", [((), log.logged)])
    yield _counter("messages_lost", "Messages that the log could not write.", [((), log.lost)])


def _requests(node: Node) -> Iterator[Family]:
    directions = (("in", node.answered), ("out", node.client.asked))
    counts = [((way, *key[:3], str(key[3]), str(key[4])), n) for way, requests in directions for key, n in requests.counts().items()]
    spreads = [((way, *key), spread) for way, requests in directions for key, spread in requests.spreads.items()]
    yield _counter("requests", "Requests of partners (in) and to them (out); http 0: no answer.", counts, *REQUEST)
    yield _spread("request_seconds", "How long requests took.", spreads, "direction", "module", "method")
    names = {one.id: one.partner for one in node.directory.all()}
    rows = [
        ((names.get(of, ""), str(of), way, outcome), n)
        for way, requests in directions
        for of, both in list(requests.partners.items())
        if of in names or not of
        for outcome, n in zip(("well", "failed"), both, strict=True)
    ]
    yield _counter(
        "partner_requests", "Requests by partner; failed: anything but HTTP 2xx with OCPI 1xxx.", rows, *PARTNER, "direction", "outcome"
    )


async def _partners(node: Node, push: Push) -> list[Family]:
    all_states = [
        ((one.partner, str(one.id), one.state, one.version or ""), 1) for one in node.directory.all() if one.state != states.REMOVED
    ]
    lacking = await _known(unsent(node.store, push.lanes)) or {}
    lanes = [((lane.connection.partner, str(of)), of, lane) for of, lane in push.lanes.items()]
    distances, lags = [(labels, lane.distance()) for labels, _, lane in lanes], [(labels, lane.lag()) for labels, _, lane in lanes]
    waiting, failures = (
        [(labels, lacking[of]) for labels, of, _ in lanes if of in lacking],
        [(labels, lane.failures) for labels, _, lane in lanes],
    )
    return [
        _gauge("partner", "The connections to partners, their state and version.", all_states, *PARTNER, "state", "version"),
        _gauge("push_distance", "Numbers of the change log that a partner is behind.", distances, *PARTNER),
        _gauge("push_lag_seconds", "Age of the oldest change that was not delivered to a partner.", lags, *PARTNER),
        _gauge("push_unsent", "Objects that wait to be sent, without those that were refused.", waiting, *PARTNER),
        _gauge("push_failures", "Failures in a row of a partner that is left alone for a while.", failures, *PARTNER),
    ]


def _held(node: Node, held: Held) -> Iterator[Family]:
    names = {one.id: one.partner for one in node.directory.all(removed=True)} | {OWN: ""}
    pulls = [((one.partner, str(one.id)), int(one.id in held.full_pulls)) for one in node.directory.all(registered=True)]
    yield _gauge("needs_full_pull", "1: a partner was behind for so long that it has to read our whole lists.", pulls, *PARTNER)

    def by_partner(counts: Iterable[tuple[int, str, int]]) -> list[tuple[tuple[str, ...], int]]:
        return [((names.get(of, ""), str(of), module), n) for of, module, n in counts]

    objects = by_partner((source, module, n) for (module, source), n in held.objects.items())
    refused = by_partner((of, module, n) for (of, module), n in held.refused.items())
    quarantine = by_partner((of, module, n) for (of, module), n in held.quarantine.items())
    yield _gauge("objects", "Objects that are held; those of connection 0 are our own.", objects, *PARTNER, "module")
    yield _gauge("refused", "Objects that a partner would not take.", refused, *PARTNER, "module")
    yield _gauge("alerts", "What is wrong with our stations now.", [((severity,), n) for severity, n in held.alerts.items()], "severity")
    yield _gauge("alerts_untold", "Messages about alerts that wait to be taken.", [((), held.untold)])
    yield _gauge("quarantine", "What arrived from a partner and could not be taken.", quarantine, *PARTNER, "module")


def _gauge(name: str, help: str, rows: Sequence[Row], *labels: str) -> Family:
    return Family(GaugeMetricFamily, name, help, labels, rows)


def _counter(name: str, help: str, rows: Sequence[Row], *labels: str) -> Family:
    return Family(CounterMetricFamily, name, help, labels, rows)


def _spread(name: str, help: str, spreads: Iterable[tuple[tuple[str, ...], Spread]], *labels: str) -> Family:
    rows = [(values, (spread.bounds, list(spread.counts), spread.sum)) for values, spread in spreads]
    return Family(HistogramMetricFamily, name, help, labels, rows)


# --- what is written


class _Rows(Collector):
    def __init__(self, families: list[Family]) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        for kind, name, told, labels, rows in self.families:
            metric = kind(f"interplug_{name}", told, labels=labels)
            for values, value in rows:
                if kind is HistogramMetricFamily:
                    bounds, counts, total = value
                    buckets = zip((*map(str, bounds), "+Inf"), accumulate(counts), strict=True)
                    metric.add_metric(values, list(buckets), total)
                else:
                    metric.add_metric(values, value)
            yield metric


def _written(families: list[Family]) -> bytes:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(_Rows(families))
    return generate_latest(registry)
