"""The store without a door: statuses of EVSEs, 64 at a time, each durable before the next of its task.

Beside it stands the bare driver, which writes the same rows to the same tables, in batches as large as the store's groups came to be: for
each change the row of its EVSE with the document and its number in the log, and the row of its Location, a call for each table; for each
batch the counter, and a commit that is on the disk. On SQLite one connection, on PostgreSQL eight at once. It knows beforehand what to
write: reading what is replaced, comparing it, and telling 64 who wait is what the store does besides.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg
import uvloop

from bench import data, nodes, server
from bench.load import Run
from bench.rows import Plan, Row, ratio
from interplug.model.types import format_time, parse_time
from interplug.store import heads as objects
from interplug.store.evses import UPDATE, evse_of
from interplug.store.keys import OWN, Key
from interplug.store.server_statements import statement
from interplug.store.store import Store
from interplug.store.tx import Tx

HELD, TASKS, CONNECTIONS = 2_000, 64, 8
PRAGMAS = [f"pragma {text}" for text in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "mmap_size=4294967296")]
PLACES = "select e.object, e.pk from evse e join object o on o.pk = e.object where e.position = 0 order by e.pk"
COUNT = "update counter set no = no + ? where name = 'change' returning no"
DOCUMENTS = [data.encoded(data.location(n)["evses"][0]) for n in range(HELD)]


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("CPO", *data.PARTY)
    await filled.objects("locations", data.locations(HELD))


def rows(plan: Plan) -> Iterator[Row]:
    database, raw = plan.folder / "alone.db", plan.folder / "raw.db"
    nodes.fill(database, _filled)
    nodes.fill(raw, _filled)
    runs = []
    for number in range(plan.rounds):
        ours, batch = _ours(plan, f"sqlite:///{database}", number)
        runs.append((ours, _sqlite(plan, raw, batch)))
    name = "store alone: status of an EVSE, durable, 64 tasks, {}"
    yield ratio(plan, name.format("SQLite"), 0.5, [one for one, _ in runs], [one for _, one in runs], saturated=False)
    if server.there():
        yield _on_postgres(plan, name.format(f"PostgreSQL, {CONNECTIONS} connections of the bare"))


def _on_postgres(plan: Plan, name: str) -> Row:
    with server.cluster() as cluster, cluster.database() as url, cluster.database() as raw:
        nodes.fill(url, _filled)
        nodes.fill(raw, _filled)
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

            await store.write(work, evse_of(key, uid))
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
        for text in PRAGMAS:
            connection.execute(text)
        places = connection.execute(PLACES).fetchall()
        at = 0
        cpu, began = time.process_time(), time.perf_counter()
        while time.perf_counter() < began + plan.seconds:
            connection.execute("begin immediate")
            [last] = connection.execute(COUNT, (batch,)).fetchone()
            evses, heads = _batch(places, range(at, at + batch), last - batch + 1)
            connection.executemany(UPDATE, evses)
            connection.executemany(objects.TOUCH, heads)
            connection.execute("commit")
            at += batch
        return _run(at, time.process_time() - cpu, time.perf_counter() - began)


def _batch(places: Sequence[Sequence[int]], wanted: Iterable[int], first: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The rows of EVSEs and of Locations, numbered from `first` on."""
    evses: list[tuple[object, ...]] = []
    heads: list[tuple[object, ...]] = []
    moment = time.time_ns() // 1000
    for no, one in enumerate(wanted, first):
        location, evse = places[one % HELD]
        evses.append(("CHARGING", no, 0, no, moment, DOCUMENTS[one % HELD], evse))
        heads.append((moment, moment, no, location))
    return evses, heads


async def _postgres(plan: Plan, url: str, batch: int) -> Run:
    connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
    places = await connections[0].fetch(PLACES)
    done = 0

    async def task(at: int, connection: asyncpg.Connection) -> None:
        nonlocal done
        while time.perf_counter() < began + plan.seconds:
            async with connection.transaction():
                last = await connection.fetchval(statement(COUNT).sql, batch)
                wanted = range(at, at + CONNECTIONS * batch, CONNECTIONS)  # each has EVSEs of its own
                evses, heads = _batch(places, wanted, last - batch + 1)
                await connection.executemany(statement(UPDATE).sql, evses)
                await connection.executemany(statement(objects.TOUCH).sql, heads)
            at += CONNECTIONS * batch
            done += batch

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(task(place, connection) for place, connection in enumerate(connections)))
    took = time.perf_counter() - began
    run_of = _run(done, time.process_time() - cpu, took)
    for connection in connections:
        await connection.close()
    return run_of


def _run(done: int, cpu: float, took: float) -> Run:
    return Run(done / took, cpu / done * 1e6, 0.0, 0.0, done, 0, cpu / took, 0.0, 0.0)
