"""The store without a door: statuses of EVSEs, 64 at a time, each durable before the next of its task.

Beside it stands the bare driver with batches as large as the store's groups came to be: for each change the document of its EVSE
replaced and a row of history with the next number, for each batch the counter and a commit that is on the disk. On SQLite one connection,
on PostgreSQL eight at once. What the store does besides (reading what is replaced, comparing, the row of the Location, waking who waits)
is what it has to be as quick as.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import uvloop

from bench import data, nodes, server
from bench.load import Run
from bench.rows import Plan, Row, ratio
from interplug.model.types import format_time, parse_time
from interplug.store.keys import OWN, Key
from interplug.store.store import Store
from interplug.store.tx import Tx

HELD, TASKS, CONNECTIONS = 2_000, 64, 8
PRAGMAS = [f"pragma {text}" for text in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "mmap_size=4294967296")]
TABLES = (
    "create table evse (pk integer primary key, moment bigint, no bigint, document {blob})",
    "create table history (no bigint primary key, evse integer, document {blob})",
    "create table counter (no bigint)",
    "insert into counter values (0)",
)
INSERT = "insert into evse values (?, 0, 0, ?)"
PUT = "update evse set moment = ?, no = ?, document = ? where pk = ?"
NOTE = "insert into history values (?, ?, ?)"
COUNT = "update counter set no = no + ? returning no"
DOCUMENTS = [data.encoded(data.location(n)["evses"][0]) for n in range(HELD)]


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("CPO", *data.PARTY)
    await filled.objects("locations", data.locations(HELD))


def rows(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "alone.db"
    nodes.fill(database, _filled)
    runs = []
    for number in range(plan.rounds):
        ours, batch = _ours(plan, f"sqlite:///{database}", number)
        runs.append((ours, _sqlite(plan, plan.folder / f"raw{number}.db", batch)))
    name = "store alone: status of an EVSE, durable, 64 tasks, {}"
    yield ratio(plan, name.format("SQLite"), 0.5, [one for one, _ in runs], [one for _, one in runs], saturated=False)
    if server.there():
        yield _on_postgres(plan, name.format(f"PostgreSQL, {CONNECTIONS} connections of the bare"))


def _on_postgres(plan: Plan, name: str) -> Row:
    with server.cluster() as cluster, cluster.database() as url, cluster.database("template0") as raw:
        nodes.fill(url, _filled)
        uvloop.run(_prepared(raw))
        runs = []
        for number in range(plan.rounds):
            ours, batch = _ours(plan, url, number)
            runs.append((ours, uvloop.run(_postgres(plan, raw, batch))))
    return ratio(plan, name, 0.5, [one for one, _ in runs], [one for _, one in runs], saturated=False)


def _ours(plan: Plan, url: str, number: int) -> tuple[Run, int]:
    """A round, and the mean size of a group."""
    store = Store.open(url)
    start = parse_time("2027-01-01T00:00:00Z") + number * 10**12
    keys = [Key("locations", OWN, *data.PARTY, data.location_id(n)) for n in range(HELD)]
    done = 0

    async def task(first: int) -> None:
        nonlocal done
        at = first
        while time.perf_counter() < end:
            key, uid, moment = keys[at % HELD], data.evse_uid(at % HELD, 0), start + at * 1_000_000
            status = "CHARGING" if at // HELD % 2 else "AVAILABLE"

            async def work(tx: Tx, key: Key = key, uid: str = uid, moment: int = moment, status: str = status) -> None:
                found = await tx.objects.get_evse(key, uid)
                assert found is not None
                document = {**found.document, "status": status, "last_updated": format_time(moment)}
                await tx.objects.save_evse(key, uid, document, last_updated=moment)

            await store.write(work)
            done += 1
            at += TASKS

    async def run() -> None:
        await asyncio.gather(*(task(first) for first in range(TASKS)))
        await store.close()

    cpu, began = time.process_time(), time.perf_counter()
    end = began + plan.seconds
    uvloop.run(run())
    run_of = _run(done, time.process_time() - cpu, time.perf_counter() - began)
    return run_of, max(1, round(store.writing.transactions / max(1, sum(store.writing.commits.counts))))


def _sqlite(plan: Plan, path: Path, batch: int) -> Run:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in (*PRAGMAS, *(text.format(blob="blob") for text in TABLES)):
            connection.execute(statement)
        connection.executemany(INSERT, enumerate(DOCUMENTS))
        at = 0
        cpu, began = time.process_time(), time.perf_counter()
        while time.perf_counter() < began + plan.seconds:
            connection.execute("begin immediate")
            [last] = connection.execute(COUNT, (batch,)).fetchone()
            for number in range(last - batch, last):
                evse = number % HELD
                connection.execute(PUT, (at, number, DOCUMENTS[evse], evse))
                connection.execute(NOTE, (number, evse, DOCUMENTS[evse]))
            connection.execute("commit")
            at += batch
        return _run(at, time.process_time() - cpu, time.perf_counter() - began)


async def _prepared(url: str) -> None:
    connection = await asyncpg.connect(url)
    for text in TABLES:
        await connection.execute(text.format(blob="bytea"))
    await connection.executemany(_numbered(INSERT), list(enumerate(DOCUMENTS)))
    await connection.close()


async def _postgres(plan: Plan, url: str, batch: int) -> Run:
    connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
    done = 0

    async def task(place: int, connection: asyncpg.Connection) -> None:
        nonlocal done
        at = place  # each has EVSEs of its own
        while time.perf_counter() < began + plan.seconds:
            evses = [(at + CONNECTIONS * n) % HELD for n in range(batch)]
            async with connection.transaction():
                await connection.executemany(_numbered(PUT), [(at, at, DOCUMENTS[evse], evse) for evse in evses])
                last = await connection.fetchval(_numbered(COUNT), batch)
                await connection.executemany(_numbered(NOTE), [(last - n, evse, DOCUMENTS[evse]) for n, evse in enumerate(evses)])
            at += CONNECTIONS * batch
            done += batch

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(task(place, connection) for place, connection in enumerate(connections)))
    took = time.perf_counter() - began
    run_of = _run(done, time.process_time() - cpu, took)
    for connection in connections:
        await connection.close()
    return run_of


def _numbered(sql: str) -> str:
    """PostgreSQL's marks for values."""
    parts = sql.split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


def _run(done: int, cpu: float, took: float) -> Run:
    return Run(done / took, cpu / done * 1e6, 0.0, 0.0, done, 0, cpu / took, 0.0, 0.0)
