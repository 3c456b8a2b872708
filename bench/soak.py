"""A node under a steady load for as long as somebody has time for: does its memory grow, do its tables?

The load, each second: OWN changes of own EVSEs, each told to PARTNERS partners; PATCHES of statuses from a CPO; PAGES pages of Locations
read by an eMSP, in the newest version and in 2.1.1. Messages are kept for a quarter of the time, so their table must have come to rest by
the half. Memory is what is the process's own (RssAnon), its slope that of a line through the samples of the second half.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import uvloop

from bench import data, fanout, load, nodes, sink, writes
from bench.rows import Plan, Row

OWN, PARTNERS, PATCHES, PAGES = 8, 30, 60, 4
LOAD = f"{OWN} own changes/s to {PARTNERS} partners, {PATCHES} PATCHes/s, {PAGES} pages/s"
HELD = 2_000
SLOPE = 1.0
"""Megabytes a minute."""
SAMPLE = 5.0
LONG_ENOUGH = 10.0
"""Minutes from which the slope of memory says something."""
READERS = {"reader230": "2.3.0", "reader211": "2.1.1"}
LISTS = {"reader230": "/ocpi/2.3.0/sender/locations", "reader211": "/ocpi/2.1.1/cpo/locations"}


def _fill(database: Path, port: int) -> None:
    async def work(filled: nodes.Filled) -> None:
        await filled.party("CPO", *data.PARTY)
        await filled.party("EMSP", *writes.EMSP[1:])
        await filled.partners((f"p{n}", "2.2.1", ("EMSP", "DE", f"{n:03X}"), (), sink.url(n, port, 0)) for n in range(PARTNERS))
        for name, version in READERS.items():
            await filled.partner(name, version, ("EMSP", "DE", name[-3:]))
        cpo = await filled.partner("cpo", "2.2.1", ("CPO", "BE", "XYZ"))
        await filled.objects("locations", data.locations(HELD))
        theirs = ({**data.location(n), "country_code": "BE", "party_id": "XYZ"} for n in range(HELD))
        await filled.objects("locations", theirs, cpo)

    nodes.fill(database, work)


def rows(plan: Plan) -> Iterator[Row]:
    database, seconds = plan.folder / "soak.db", plan.minutes * 60
    partners = fanout.Partners(nodes.free_port(), dead=0)
    try:
        _fill(database, partners.port)
        kept = {"INTERPLUG__STORE__MESSAGE_DAYS": str(seconds / 4 / 86_400)}
        node = nodes.serve(database, {"cpo": "2.2.1", **READERS}, more=kept)
        driving = _begin(database, node, seconds)
        try:
            yield from _watched(plan, node, partners, database, seconds)
        finally:
            for process in driving:
                process.terminate()
                process.wait(30)
            node.stop()
    finally:
        partners.stop()


def _begin(database: Path, node: nodes.Server, seconds: float) -> list[subprocess.Popen[str]]:
    chance = random.Random(3)
    lines = []
    for n in range(int(seconds * OWN)):
        evse = chance.randrange(HELD)
        lines.append(json.dumps([n / OWN, data.location_id(evse), data.evse_uid(evse, 0)]))
    begun = []
    for module, given in (("bench.changes", "\n".join(lines)), ("bench.soak", json.dumps([node.port, node.headers, seconds]))):
        words = [f"sqlite:///{database}"] if module == "bench.changes" else []
        file = database.with_name(module)
        file.write_text(given)
        command = ["taskset", "-c", nodes.LOAD_CORE, sys.executable, "-m", module, *words]
        with file.open() as source, database.with_name(f"{module}.out").open("w") as out:
            begun.append(subprocess.Popen(command, cwd=nodes.ROOT, stdin=source, stdout=out, text=True))
    return begun


def _watched(plan: Plan, node: nodes.Server, partners: fanout.Partners, database: Path, seconds: float) -> Iterator[Row]:
    began, cpu = time.monotonic(), node.cpu()
    samples: list[tuple[float, float]] = []
    pushed, half = 0, dict[str, int]()
    while (at := time.monotonic() - began) < seconds - 2:
        time.sleep(min(SAMPLE, seconds / 40))
        pushed += len(partners.taken())
        samples.append((at / 60, load.own_memory(node.process.pid)))
        if at > seconds / 2 and not half:
            half = _tables(database)
            plan.say(f"soak: half of {plan.minutes:g} minutes, {samples[-1][1]:.0f} MB")
    cpu, end = node.cpu() - cpu, _tables(database)
    answered = sum(json.loads(line) for line in database.with_name("bench.soak.out").read_text().splitlines())
    late = [one for one in samples if one[0] > samples[-1][0] / 2]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope
    did = f"{LOAD}: {pushed / seconds:.0f} pushed and {answered / seconds:.0f} answered a second, {cpu / seconds:.0%} of a core"
    yield Row(
        claim=f"soak of {plan.minutes:g} minutes: memory grows by less than {SLOPE:g} MB a minute",
        measured=f"{slope:.2f} MB/min",
        holds=slope < SLOPE and pushed > 0.9 * seconds * OWN * PARTNERS,
        void=plan.minutes < LONG_ENOUGH,
        details=f"{late[0][1]:.0f} MB at the half, {late[-1][1]:.0f} MB at the end; {did}",
        numbers={"slope": slope, "mb": late[-1][1]},
    )
    grown = {name: (half.get(name, 0), n) for name, n in end.items() if n > half.get(name, 0) * 1.2 + 100}
    yield Row(
        claim=f"soak of {plan.minutes:g} minutes: no table grows in the second half beyond what is kept for a quarter of the time",
        measured="none" if not grown else ", ".join(f"{name} {before} to {n}" for name, (before, n) in grown.items()),
        holds=not grown,
        details=", ".join(f"{name} {half.get(name, 0)}, {n}" for name, n in end.items() if n > 500),
    )


def _tables(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        names = [row[0] for row in connection.execute(fanout.TABLES)]
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in names}


# --- the load from outside, a process of its own


async def _loaded(port: int, headers: dict[str, dict[str, str]], seconds: float) -> None:
    chance, end = random.Random(5), time.monotonic() + seconds
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:

        async def one(method: str, path: str, name: str, body: bytes | None = None) -> None:
            try:
                await asked(method, path, name, body)
            except aiohttp.ClientConnectionError:  # a connection that was idle was closed just then
                await asked(method, path, name, body)

        async def asked(method: str, path: str, name: str, body: bytes | None) -> None:
            sent = {**headers[name], "Content-Type": "application/json"}
            async with session.request(method, base + path, headers=sent, data=body) as answer:
                text = await answer.read()
                if answer.status != 200 or b'"status_code":1000' not in text[:100] + text[-200:]:
                    raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")

        async def patch() -> None:
            n = chance.randrange(HELD)
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            body = json.dumps({"status": chance.choice(data.STATUSES), "last_updated": moment}).encode()
            await one("PATCH", f"/ocpi/2.2.1/receiver/locations/BE/XYZ/{data.location_id(n)}/{data.evse_uid(n, 0)}", "cpo", body)

        async def page() -> None:
            name = chance.choice(list(LISTS))
            await one("GET", f"{LISTS[name]}?offset={chance.randrange(HELD)}&limit=100", name)

        while time.monotonic() < end:
            began = time.monotonic()
            await asyncio.gather(*(patch() for _ in range(PATCHES)), *(page() for _ in range(PAGES)))
            print(PATCHES + PAGES, flush=True)
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


if __name__ == "__main__":
    uvloop.run(_loaded(*json.load(sys.stdin)))
