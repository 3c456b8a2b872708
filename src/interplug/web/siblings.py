"""The figures of all workers of one parent, whichever of them is asked: they tell each other over sockets of this machine alone.

Each worker has a listening socket that its parent made before it began, so that all know each other's and one that is replaced is found
where its predecessor was. What is counted in one process has the label `worker`; what all of them see alike (the database, the partners)
has not. A counter that begins anew with a worker that was replaced is thus a series of its own, as Prometheus wants it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

PATIENCE = 3.0
"""Seconds in which a worker tells its figures, or is not up: longer than it waits for its database, of which it has to tell, too."""
WORKER = "worker"
ALIKE = frozenset(f"interplug_{name}" for name in ("info", "changes", "partner", "objects", "refused", "quarantine", "needs_full_pull"))
"""Gauges that are the same whoever is asked; those of push (`interplug_push_*`) are one worker's, and another's tomorrow."""
Tell = Callable[[], Awaitable[bytes]]


def sockets(count: int) -> list[socket.socket]:
    """One for each worker, made by the parent."""
    return [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]


class Siblings:
    """This worker is the one with `number`."""

    def __init__(self, number: int, listeners: Sequence[socket.socket]) -> None:
        self.number = number
        self._listener = listeners[number]
        self._ports = {other: one.getsockname()[1] for other, one in enumerate(listeners) if other != number}

    @contextlib.asynccontextmanager
    async def telling(self, tell: Tell) -> AsyncIterator[None]:
        """Tells whoever connects what `tell` says, for as long as this lasts."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer):
                writer.write(await tell())
                await writer.drain()

        server = await asyncio.start_server(answer, sock=self._listener.dup())
        async with server:
            yield

    async def told(self) -> dict[int, bytes]:
        """What the others say; who says nothing in time is left out."""
        answers = await asyncio.gather(*(self._ask(port) for port in self._ports.values()))
        return {number: answer for number, answer in zip(self._ports, answers, strict=True) if answer}

    async def _ask(self, port: int) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.closing(writer):
                    return await reader.read()
        except (OSError, TimeoutError):
            return b""

    def all(self) -> range:
        return range(len(self._ports) + 1)


def merged(texts: Mapping[int, bytes], workers: Iterable[int]) -> bytes:
    """One exposition of several, each a worker's; of what is alike the first one's word counts."""
    metrics: dict[str, Metric] = {}
    known: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for number, text in texts.items():
        for metric in text_string_to_metric_families(text.decode()):
            into = metrics.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            more = {} if metric.name in ALIKE or metric.name.startswith("interplug_push_") else {WORKER: str(number)}
            for sample in metric.samples:
                labels = {**sample.labels, **more}
                place = sample.name, tuple(sorted(labels.items()))
                if place not in known:
                    known.add(place)
                    into.samples.append(sample._replace(labels=labels))
    up = GaugeMetricFamily("interplug_worker_up", "1: this worker of the parent told its figures.", labels=(WORKER,))
    for number in workers:
        up.add_metric((str(number),), int(number in texts))
    registry = CollectorRegistry()
    registry.register(_Ready([*metrics.values(), up]))
    return generate_latest(registry)


class _Ready(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
