"""The end of a long list: its last page by Link, and a page by an offset that somebody made by hand.

The whole set stands in three parts: a third is for everybody, the others each for a class of partners. One partner belongs to both
classes, another to none. Meanwhile another process changes statuses and adds Locations. Both partners read the whole list; their
totals are compared with a count of the rows when the writers have stopped.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import data, load, nodes, pages, whole
from bench.load import Ask, Run
from bench.rows import Plan, Row, times
from interplug.model.types import parse_time
from interplug.store.keys import OWN, Key
from interplug.store.store import Store, now_us
from interplug.store.tx import Tx

EMSP = ("EMSP", "DE", "ABC")
CLASSES = ("first", "second")
PARTNERS = {"member": "2.2.1", "stranger": "2.2.1"}
LIST = "/ocpi/2.2.1/sender/locations?limit=100"
DEEP = 69_000
A_SECOND = 200
"""Changes of the writer."""
ADDED = 50
"""One of so many changes adds a Location."""
COUNT = "select count(*) from object where module = 'locations' and source = 0 and audience in (select id from audience where name {})"


async def _divided(filled: nodes.Filled) -> None:
    """Gives each third of the Locations its audience, and makes the partners."""
    store = filled.node.store
    numbers = [0, *[await store.write(lambda tx, name=name: tx.parties.audience_class(name)) for name in CLASSES]]  # type: ignore[misc]
    await filled.partner("member", "2.2.1", EMSP, CLASSES)
    await filled.partner("stranger", "2.2.1", EMSP)
    pks: list[int] = await store.read(_pks)
    for part in _batched(pks, 500):

        async def work(tx: Tx, part: tuple[int, ...] = part) -> None:
            for pk in part:
                await tx.objects.set_audience(pk, numbers[pk % 3])

        await store.write(work)


def _batched(values: list[int], size: int) -> Iterator[tuple[int, ...]]:
    return (tuple(values[at : at + size]) for at in range(0, len(values), size))


async def _pks(tx: Tx) -> list[int]:
    return [row[0] for row in await tx.db.all("select pk from object where module = 'locations' order by pk")]


def rows(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "whole.db"
    if not database.exists():
        database, _ = whole.imported(plan.folder)
    nodes.fill(database, _divided)
    node = nodes.serve(database, PARTNERS)
    writer = subprocess.Popen([sys.executable, "-m", "bench.deep", str(database)], cwd=nodes.ROOT)
    try:
        links = pages.crawl(node, "member", LIST)
        ids = _ids(node, links[-2:])
        yield from _compared(plan, node, links, ids)
    finally:
        writer.terminate()
        writer.wait(30)
        try:
            yield _totals(node, database)
        finally:
            node.stop()


def _ids(node: nodes.Server, paths: list[str]) -> list[str]:
    found = (json.loads(load.once(node, "GET", path, node.headers["member"])[0])["data"] for path in paths)
    return [location["id"] for page in found for location in page]


def _compared(plan: Plan, node: nodes.Server, links: list[str], ids: list[str]) -> Iterator[Row]:
    deep = f"{LIST}&offset={DEEP}"
    by_offset = _ids(node, [deep])
    runs: dict[str, list[Run]] = {path: [] for path in (links[0], links[-2], deep)}
    for _ in range(plan.rounds):
        for path, found in runs.items():
            found.append(load.wrk(node, Ask(node.headers["member"], [path], 1), plan.seconds, plan.folder))
    first, last, offset = runs.values()
    yield times(plan, "last full page by Link, to the first", 1.2, last, first, ("last", "first"))
    row = times(plan, f"offset={DEEP}, to the first page", 5, offset, first, (f"offset={DEEP}", "first"))
    same = by_offset == ids[: len(by_offset)]
    yield row if same else Row(row.claim, "other objects", False, row.details)


def _totals(node: nodes.Server, database: Path) -> Row:
    """X-Total-Count against a count of the rows, and against the objects that a crawl finds."""
    wrong = []
    for name, where in (("member", "in ('first', 'second')"), ("stranger", "in ('stranger')")):
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        sql = COUNT.format(where) if name == "member" else "select 0"
        count = connection.execute(sql).fetchone()[0]
        count += connection.execute("select count(*) from object where module = 'locations' and source = 0 and audience = 0").fetchone()[0]
        connection.close()
        paths = pages.crawl(node, name, LIST)
        body, headers = load.once(node, "GET", paths[-1], node.headers[name])
        crawled = 100 * (len(paths) - 1) + len(json.loads(body)["data"])
        if not int(headers["x-total-count"]) == count == crawled:
            wrong.append(f"{name}: {headers['x-total-count']} told, {count} counted, {crawled} read")
    return Row("totals of two visibility classes, after writers: exact", "differ" if wrong else "exact", not wrong, "; ".join(wrong))


# --- the writer, a process of its own


async def _write(database: Path) -> None:
    store, chance = Store.open(f"sqlite:///{database}"), random.Random(7)
    evses = await store.read(_evses)
    for number in itertools.count(data.REAL_SIZE):
        began = time.monotonic()
        if number % ADDED == 0:
            await store.write(lambda tx, number=number: _added(tx, number))  # type: ignore[misc]
        else:
            location, uid = chance.choice(evses)
            await store.write(lambda tx, location=location, uid=uid: _turned(tx, location, uid))  # type: ignore[misc]
        await asyncio.sleep(max(0.0, 1 / A_SECOND - (time.monotonic() - began)))


async def _evses(tx: Tx) -> list[tuple[int, str]]:
    sql = "select e.object, e.spelling from evse e join object o on o.pk = e.object where o.source = 0 and e.pk % 17 = 0"
    return [(row[0], row[1]) for row in await tx.db.all(sql)]


async def _turned(tx: Tx, location: int, uid: str) -> None:
    stored = await tx.objects.get_pk(location)
    assert stored is not None
    evse = await tx.objects.get_evse(stored.key, uid)
    assert evse is not None
    status = "CHARGING" if evse.status == "AVAILABLE" else "AVAILABLE"
    await tx.objects.save_evse(stored.key, uid, {**evse.document, "status": status}, last_updated=now_us())


async def _added(tx: Tx, number: int) -> None:
    document = {**data.location(number), "id": f"NEW{number}"}
    key = Key("locations", OWN, *data.PARTY, document["id"])
    await tx.objects.save(key, document, last_updated=parse_time(document["last_updated"]))


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1])))
