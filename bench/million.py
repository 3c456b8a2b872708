"""A million EVSEs, to ten thousand: what a node needs that holds them, and what its answers cost.

The million are the real set several times over, each time under other ids, or made-up Locations where there is no real set; they are
imported by the command that an operator uses. Then some thousand statuses change, so that there is something to be asked for by date.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec

from bench import data, fanout, load, nodes, pages, whole
from bench.load import Ask, Run
from bench.rows import Plan, Row, times

MANY, FEW = 1_000_000, 10_000
MEMORY = 500
CHANGED = 2_000
SINGLES = 2_000
LIST = "/ocpi/2.2.1/sender/locations"
EMSP = ("EMSP", "DE", "ABC")
BEGIN = re.compile(rb'^\{"country_code":"(..)","party_id":"(...)","id":"([^"\\]*)"')
EVSE = b'"connectors":'
"""What stands once in each EVSE."""
EVSES = "select o.spelling, e.spelling from evse e join object o on o.pk = e.object where o.module = 'locations' and e.pk % ? = 0 limit ?"


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]


@dataclass
class _Set:
    evses: int
    node: nodes.Server
    paths: dict[str, list[str]]
    """By what is asked for."""


def rows(plan: Plan) -> Iterator[Row]:
    sets: list[_Set] = []
    try:
        for evses in (MANY, FEW):
            sets.append(_made(plan, evses))
            plan.say(f"million: {sets[-1].evses} EVSEs are there")
        many, few = sets
        yield from (_compared(plan, what, many, few) for what in many.paths)
        yield _memory(many, few)
    finally:
        for one in sets:
            one.node.stop()


def _lines(folder: Path, evses: int) -> Iterator[bytes]:
    """Locations, until there are so many EVSEs; each time round under other ids."""
    source, _ = data.whole_set(folder)
    with gzip.open(source) as file:
        text = file.read()
    found = [bytes(one) for one in msgspec.json.decode(text, type=_Envelope).data] if text[:9] == b'{"data":[' else text.splitlines()
    random.Random(1).shuffle(found)  # so that few Locations are of as many parties as many
    for turn in count():
        for line in found:
            yield BEGIN.sub(lambda old, turn=turn: _renamed(old, turn), line, count=1) if turn else line  # type: ignore[misc]
            evses -= line.count(EVSE)
            if evses <= 0:
                return


def _renamed(old: re.Match[bytes], turn: int) -> bytes:
    country, party, name = old.groups()
    return b'{"country_code":"%s","party_id":"%s","id":"%s-%d"' % (country, party, name[:33], turn)


def _made(plan: Plan, evses: int) -> _Set:
    source, database = plan.folder / f"{evses}.json.gz", plan.folder / f"{evses}.db"
    with gzip.open(source, "wb", compresslevel=1) as file:
        file.writelines(line + b"\n" for line in _lines(plan.folder, evses))
    whole.command(nodes.settings(database), "import", str(source), "--json")
    source.unlink()
    nodes.fill(database, _partner)
    with closing(sqlite3.connect(database)) as connection:
        [held] = connection.execute("select count(*) from evse").fetchone()
        wanted = [(spelling.split("\n"), uid) for spelling, uid in connection.execute(EVSES, (max(1, held // CHANGED), CHANGED))]
        names = [
            row[0].split("\n")[2] for row in connection.execute("select spelling from object where module = 'locations' and source = 0")
        ]
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fanout.changed(database, [(0.0, key[2], uid, *key[:2]) for key, uid in wanted])
    node = nodes.serve(database, {"emsp": "2.2.1"})
    links = pages.crawl(node, "emsp", f"{LIST}?limit=100")
    singles = random.Random(1).sample(names, min(SINGLES, len(names)))
    paths = {
        "first page": links[:1],
        "last full page": links[-2:-1],
        "delta pull by date": [f"{LIST}?date_from={since}&limit=100"],
        "single GET": [f"{LIST}/{name}" for name in singles if name.isalnum()],
    }
    delta = json.loads(load.once(node, "GET", paths["delta pull by date"][0], node.headers["emsp"])[0])["data"]
    if len(delta) < 100:
        raise RuntimeError(f"{len(delta)} Locations changed since {since}")
    return _Set(held, node, paths)


async def _partner(filled: nodes.Filled) -> None:
    await filled.partner("emsp", "2.2.1", EMSP)


def _compared(plan: Plan, what: str, many: _Set, few: _Set) -> Row:
    runs: list[tuple[Run, Run]] = []
    for _ in range(plan.rounds):
        one, other = (
            load.wrk(each.node, Ask(each.node.headers["emsp"], each.paths[what], 1), plan.seconds, plan.folder) for each in (many, few)
        )
        runs.append((one, other))
    words = (f"{many.evses} EVSEs", f"{few.evses}")
    return times(plan, f"{what} of {MANY:,} EVSEs, to {FEW:,}", 1.5, [one for one, _ in runs], [other for _, other in runs], words)


def _memory(many: _Set, few: _Set) -> Row:
    own, small = load.own_memory(many.node.process.pid), load.own_memory(few.node.process.pid)
    return Row(
        claim=f"memory of a node with {MANY:,} EVSEs: under {MEMORY} MB",
        measured=f"{own:.0f} MB",
        holds=own < MEMORY,
        details=f"after all of the above; with {FEW:,} {small:.0f} MB; "
        f"most with pages of the database file: {load.memory(many.node.process.pid)}",
        numbers={"mb": own, "few_mb": small},
    )
