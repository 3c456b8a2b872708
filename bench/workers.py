"""Two processes on one PostgreSQL, to one: what a request costs the node, and how long statements wait for locks.

PATCHes of statuses from 64 connections, each durable before its answer. Workers, database and load share both cores, so the rates say
what this machine can do with everything on it. The server itself notes every statement that has waited for a lock for LONG.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench import data, load, nodes, server, writes
from bench.load import Ask, Run
from bench.rows import Plan, Row
from tests.postgres import Cluster

LONG = 5
"""Milliseconds."""
WAITED = re.compile(r"process \d+ acquired (\w+) on .* after ([\d.]+) ms")
NOTING = {"log_lock_waits": "on", "deadlock_timeout": f"{LONG}ms", "log_min_messages": "log"}


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("EMSP", *writes.EMSP[1:])
    cpo = await filled.partner("cpo", "2.2.1", writes.CPO)
    await filled.objects("locations", data.locations(writes.HELD), cpo)


def rows(plan: Plan) -> Iterator[Row]:
    if not server.there():
        plan.say("workers: no PostgreSQL here")
        return
    with server.cluster(**NOTING) as cluster, cluster.database() as url:
        nodes.fill(url, _filled)
        rounds = _Rounds(plan, cluster, url)
        both = [(rounds.run(1), rounds.run(2)) for _ in range(plan.rounds)]
        yield _cost(both)
        yield _waits(both)


class _Rounds:
    def __init__(self, plan: Plan, cluster: Cluster, url: str) -> None:
        self.plan, self.url, self.log = plan, url, cluster.folder / "log"
        self.start = int(time.time())

    def run(self, workers: int) -> tuple[Run, list[float]]:
        """A round, and the long waits in it, in milliseconds."""
        node = nodes.serve(self.url, {"cpo": "2.2.1"}, workers=workers, log=self.plan.folder / f"workers{workers}.log")
        try:
            self._sent(node, 1)  # connections, statements, caches
            noted = self.log.stat().st_size
            run = self._sent(node, self.plan.seconds * 2)
            return run, [float(ms) for _, ms in WAITED.findall(_since(self.log, noted))]
        finally:
            node.stop()

    def _sent(self, node: nodes.Server, seconds: float) -> Run:
        self.start += 1_000_000  # later than anything that an earlier round has said
        ask = Ask(node.headers["cpo"], writes.patches(), writes.CONNECTIONS, "fresh", "PATCH", writes.PATCH, (str(self.start),))
        return load.wrk(node, ask, seconds, self.plan.folder, settled=False)


def _since(log: Path, size: int) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(size)
        return file.read()


def _cost(both: list[tuple[tuple[Run, list[float]], tuple[Run, list[float]]]]) -> Row:
    one, two = [run for (run, _), _ in both], [run for _, (run, _) in both]
    factor = statistics.median(more.cpu / less.cpu for less, more in zip(one, two, strict=True))
    errors = sum(run.errors for run in (*one, *two))
    return Row(
        claim="two workers on PostgreSQL, to one: CPU of the node a request at most 1.15 times",
        measured=f"{factor:.2f} times",
        holds=factor <= 1.15 and not errors,
        details=f"{_told('one', one)}; {_told('two', two)}; {errors} errors",
        numbers={"factor": factor, "one_rate": _rate(one), "two_rate": _rate(two)},
    )


def _waits(both: list[tuple[tuple[Run, list[float]], tuple[Run, list[float]]]]) -> Row:
    waits = sorted(ms for _, (_, found) in both for ms in found)
    requests = sum(run.requests for _, (run, _) in both)
    longest = f"{waits[-1]:.1f} ms" if waits else f"under {LONG} ms"
    return Row(
        claim=f"two workers on PostgreSQL: no statement waits for a lock longer than {LONG} ms",
        measured=f"longest {longest}",
        holds=not waits,
        details=f"{len(waits)} such waits during {requests} requests"
        + (f", half of them under {statistics.median(waits):.1f} ms" if waits else ""),
        numbers={"waits": len(waits), "longest": waits[-1] if waits else 0.0},
    )


def _told(who: str, runs: list[Run]) -> str:
    cpu, p99 = statistics.median(run.cpu for run in runs), statistics.median(run.p99 for run in runs)
    return f"{who} {_rate(runs):.0f}/s, {cpu:.0f} µs CPU, p99 {p99:.0f} ms"


def _rate(runs: list[Run]) -> float:
    return statistics.median(run.rate for run in runs)
