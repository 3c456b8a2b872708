"""A reconnect storm: every EVSE of 20,000 stations reports its status again, and few have really changed.

In earnest it comes within 100 s; here as fast as it is taken, which must be less. Once from our own stations, the way they all report
(`charging.evse_status`), while changes are pushed to partners; once over OCPI, as PATCHes of a CPO with a status and a new time each.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import uvloop

from bench import data, fanout, nodes, sink, writes
from bench.rows import Plan, Row
from interplug import config
from interplug.charges import charging
from interplug.sync.push import Push

STATIONS, PARTNERS, AT_ONCE = 20_000, 30, 64
REAL = 50
"""One of so many has really changed."""
SECONDS = 100
Report = tuple[str, str, str]


def _reports() -> tuple[list[Report], int]:
    """In the order in which they happen to come, and how many of them say something new."""
    chance, found, real = random.Random(11), list[Report](), 0
    for n in range(STATIONS):
        for evse in data.location(n)["evses"]:
            status = evse["status"]
            if chance.randrange(REAL) == 0:
                status, real = "CHARGING" if status != "CHARGING" else "AVAILABLE", real + 1
            found.append((data.location_id(n), evse["uid"], status))
    chance.shuffle(found)
    return found, real


def rows(plan: Plan) -> Iterator[Row]:
    yield _from_stations(plan)
    yield _over_ocpi(plan)


# --- our own stations


def _from_stations(plan: Plan) -> Row:
    database, partners = plan.folder / "storm.db", fanout.Partners(nodes.free_port(), dead=0)
    try:
        nodes.fill(database, lambda filled: _owned(filled, partners.port))
        reports, real = _reports()
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {int(nodes.SERVER_CORE)})
        try:
            took, cpu, changed = uvloop.run(_reported(database, reports))
        finally:
            os.sched_setaffinity(0, cores)
        pushed = len(partners.taken())
    finally:
        partners.stop()
    return Row(
        claim=f"all EVSEs of {STATIONS:,} stations report again, one of {REAL} anew: absorbed in {SECONDS} s, changes alone pushed",
        measured=f"{took:.1f} s",
        holds=took < SECONDS and changed == real and pushed == real * PARTNERS,
        details=f"{len(reports)} reports, {len(reports) / took:.0f}/s, {cpu / len(reports) * 1e6:.0f} µs CPU each with what is pushed; "
        f"{real} were changes, {changed} stored, {pushed} pushed to {PARTNERS} partners",
        numbers={"seconds": took, "rate": len(reports) / took},
    )


async def _owned(filled: nodes.Filled, port: int) -> None:
    await filled.party("CPO", *data.PARTY)
    await filled.partners((f"p{n}", "2.2.1", ("EMSP", "DE", f"{n:03X}"), (), sink.url(n, port, 0)) for n in range(PARTNERS))
    await filled.objects("locations", data.locations(STATIONS))


async def _reported(database: Path, reports: list[Report]) -> tuple[float, float, int]:
    """Seconds, seconds of CPU, and how many reports were stored as changes; all is pushed then."""
    async with nodes.Filled(config.load(environment=nodes.settings(database))) as filled:
        node, push = filled.node, Push(filled.node)
        await push.start()
        await push.idle()
        pushing = asyncio.create_task(push.run())
        waiting, changed = list(reports), 0

        async def station() -> None:
            nonlocal changed
            while waiting:
                location, uid, status = waiting.pop()
                new = await charging.evse_status(node, location, uid, status, node.clock())
                changed += new

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(station() for _ in range(AT_ONCE)))
        took = time.perf_counter() - began
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
        await push.start()
        await push.idle()
        return took, time.process_time() - cpu, changed


# --- a partner's


def _over_ocpi(plan: Plan) -> Row:
    database = plan.folder / "storm-ocpi.db"
    nodes.fill(database, _theirs)
    node = nodes.serve(database, {"cpo": "2.2.1"})
    reports, real = _reports()
    try:
        before, cpu = writes.changes(database), node.cpu()
        given = json.dumps([node.port, node.headers["cpo"], reports])
        command = ["taskset", "-c", nodes.LOAD_CORE, sys.executable, "-m", "bench.storm"]
        out = subprocess.run(command, input=given, capture_output=True, text=True, cwd=nodes.ROOT, check=True).stdout
        cpu, changed = node.cpu() - cpu, _told(database, before)
    finally:
        node.stop()
    took = float(out)
    return Row(
        claim=f"the same over OCPI, as PATCHes of a CPO: absorbed in {SECONDS} s, changes alone stand in the log",
        measured=f"{took:.1f} s",
        holds=took < SECONDS and changed == real,
        details=f"{len(reports)} PATCHes, {len(reports) / took:.0f}/s of one client, {cpu / len(reports) * 1e6:.0f} µs CPU each; "
        f"{real} were changes, {changed} stand in the log",
        numbers={"seconds": took, "rate": len(reports) / took},
    )


def _told(database: Path, since: int) -> int:
    """EVSEs that readers of the change log are told of; a new time alone is stored, and nobody is told."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found: int = connection.execute("select count(*) from evse where changed_no > ?", (since,)).fetchone()[0]
    return found


async def _theirs(filled: nodes.Filled) -> None:
    await filled.party("EMSP", *writes.EMSP[1:])
    cpo = await filled.partner("cpo", "2.2.1", writes.CPO)
    await filled.objects("locations", data.locations(STATIONS), cpo)


async def _patched(port: int, headers: dict[str, str], reports: list[Report]) -> float:
    base = f"http://127.0.0.1:{port}/ocpi/2.2.1/receiver/locations/{'/'.join(data.PARTY)}"
    headers = {**headers, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def station() -> None:
            while reports:
                location, uid, status = reports.pop()
                moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                body = f'{{"status":"{status}","last_updated":"{moment}"}}'
                async with session.patch(f"{base}/{location}/{uid}", data=body) as answer:
                    text = await answer.read()
                    if answer.status != 200 or b'"status_code":1000' not in text:
                        raise RuntimeError(f"{location} {uid}: {answer.status} {text[:300]!r}")

        began = time.perf_counter()
        await asyncio.gather(*(station() for _ in range(AT_ONCE)))
        return time.perf_counter() - began


if __name__ == "__main__":
    print(uvloop.run(_patched(*json.load(sys.stdin))))
