"""The store without a door: statuses of EVSEs, 64 at a time, each durable before the next of its task.

Beside it stands what a plain table of documents costs in SQLite: one thread, as many waiting, for each of them a Location replaced and a
change noted, all that wait in one transaction with `synchronous=FULL`.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench import data, nodes
from bench.load import Run
from bench.rows import Plan, Row, ratio
from interplug.model.types import format_time, parse_time
from interplug.store.keys import OWN, Key
from interplug.store.store import Store
from interplug.store.tx import Tx

HELD, TASKS = 2_000, 64
PRAGMAS = [f"pragma {text}" for text in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "mmap_size=4294967296")]
TABLES = (
    "create table location (pk integer primary key, party text, id text, moment integer, document blob, unique (party, id))",
    "create table change (no integer primary key, id integer, body blob)",
)
PUT = """insert into location (party, id, moment, document) values (?, ?, ?, ?)
on conflict (party, id) do update set moment = excluded.moment, document = excluded.document"""
NOTE = "insert into change (id, body) values (?, ?)"
PATCH = b'{"status":"CHARGING","last_updated":"2027-01-01T00:00:00Z"}'


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("CPO", *data.PARTY)
    await filled.objects("locations", data.locations(HELD))


def rows(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "alone.db"
    nodes.fill(database, _filled)
    both = [(_ours(plan, database, number), _raw(plan, number)) for number in range(plan.rounds)]
    yield ratio(plan, "store alone: save_evse, durable, 64 tasks", 0.6, [one for one, _ in both], [one for _, one in both])


def _ours(plan: Plan, database: Path, number: int) -> Run:
    store = Store.open(f"sqlite:///{database}")
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
    return _run(done, time.process_time() - cpu, time.perf_counter() - began)


def _raw(plan: Plan, number: int) -> Run:
    connection = sqlite3.connect(plan.folder / f"raw{number}.db", isolation_level=None, check_same_thread=False)
    for statement in (*PRAGMAS, *TABLES):
        connection.execute(statement)
    documents = [data.encoded(data.location(n)) for n in range(HELD)]
    waiting: queue.SimpleQueue[tuple[int, asyncio.Future[None]] | None] = queue.SimpleQueue()
    loop = uvloop.new_event_loop()

    def answer(group: list[tuple[int, asyncio.Future[None]]]) -> None:
        for _, future in group:
            future.set_result(None)

    def writer() -> None:
        while (item := waiting.get()) is not None:
            group = [item]
            while not waiting.empty():
                one = waiting.get()
                if one is None:
                    return
                group.append(one)
            connection.execute("begin immediate")
            for at, _ in group:
                connection.execute(PUT, ("NL/TNM", f"LOC{at % HELD:07d}", at, documents[at % HELD]))
                connection.execute(NOTE, (at % HELD, PATCH))
            connection.execute("commit")
            loop.call_soon_threadsafe(answer, group)

    done = 0

    async def task(first: int) -> None:
        nonlocal done
        at = first
        while time.perf_counter() < end:
            future = loop.create_future()
            waiting.put((at, future))
            await future
            done += 1
            at += TASKS

    async def run() -> None:
        await asyncio.gather(*(task(first) for first in range(TASKS)))

    thread = threading.Thread(target=writer)
    cpu, began = time.process_time(), time.perf_counter()
    end = began + plan.seconds
    thread.start()
    loop.run_until_complete(run())
    waiting.put(None)
    thread.join()
    loop.close()
    connection.close()
    return _run(done, time.process_time() - cpu, time.perf_counter() - began)


def _run(done: int, cpu: float, took: float) -> Run:
    return Run(done / took, cpu / done * 1e6, 0.0, 0.0, done, 0, cpu / took, 0.0, 0.0)
