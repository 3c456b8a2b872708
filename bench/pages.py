"""Pages of 100 Locations: in the version that they are stored in, in one where they fit, and in one for which they are rewritten.

Every page is asked for by the Link of the one before, as a partner does it. The bare application joins the same bytes, ready in
memory, into an envelope. The node remembers pages (`store/pages.py`) and asks the database only whether they are still the same; nothing
is written meanwhile, so but for the first time all of them are.

"The first time": a node makes renditions ahead for the versions that its partners speak. Before each round those of 2.1.1 are dropped
and the node begins again, as after an import; when it has made them, the partner reads the list, which was never sent to anybody: all of
it comes from the file. What a partner meets who is quicker than the node is told beside it: there every object is translated while the
partner waits.
"""

from __future__ import annotations

import re
import sqlite3
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bench import data, load, nodes
from bench.load import Ask, Run
from bench.rows import Plan, Row, ratio

HELD = 10_000
CONNECTIONS = 16
EMSP = ("EMSP", "DE", "ABC")
VERSIONS = {"emsp230": "2.3.0", "emsp221": "2.2.1", "emsp211": "2.1.1"}
LISTS = {
    "2.3.0": "/ocpi/2.3.0/sender/locations?limit=100",
    "2.2.1": "/ocpi/2.2.1/sender/locations?limit=100",
    "2.1.1": "/ocpi/2.1.1/cpo/locations?limit=100",
}
# What was made for 2.1.1 and kept: its bit, and its slot of the bodies (see `store/bodies.py`).
DROP = ("delete from body where id >> 40 = 3", "update object set fits = fits & ~4, kept = kept & ~4")

LACKING = "select exists (select 1 from object where module = 'locations' and (fits | kept) & 4 = 0)"


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("CPO", *data.PARTY)
    for name, version in VERSIONS.items():
        await filled.partner(name, version, EMSP)
    await filled.objects("locations", data.locations(HELD))


def rows(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "pages.db"
    nodes.fill(database, _filled)
    node, bare = nodes.serve(database, VERSIONS), nodes.bare(plan.folder, HELD)
    try:
        asks = {version: Ask(node.headers[name], crawl(node, name, LISTS[version]), CONNECTIONS) for name, version in VERSIONS.items()}
        theirs = Ask(bare.headers[""], [f"/ocpi/2.2.1/sender/locations?offset={n}&limit=100" for n in range(0, HELD, 100)], CONNECTIONS)
        for version, at_least in (("2.3.0", 0.42), ("2.2.1", 0.42), ("2.1.1", 0.4)):
            pairs = [(load.wrk(node, asks[version], plan.seconds, plan.folder), _bare(plan, bare, theirs)) for _ in range(plan.rounds)]
            name = f"page of 100 Locations, {version}, sent before"
            yield ratio(plan, name, at_least, [one for one, _ in pairs], [one for _, one in pairs])
        node = _anew(node, database)
        unready = load.walk(node, asks["2.1.1"], plan.folder)
        firsts, waits = [], []
        for _ in range(plan.rounds):
            node = _anew(node, database)
            waits.append(_made_ahead(database))
            firsts.append((load.walk(node, asks["2.1.1"], plan.folder), _bare(plan, bare, theirs)))
        name = "page of 100 Locations, 2.1.1, the first time"
        row = ratio(plan, name, 0.12, [one for one, _ in firsts], [one for _, one in firsts])
        told = f"made ahead in {statistics.median(waits):.0f} s; asked for before: {unready.rate:.0f}/s, {unready.cpu:.0f} µs CPU"
        yield replace(row, details=f"{row.details}; {told}")
    finally:
        node.stop()
        bare.stop()


def _bare(plan: Plan, bare: nodes.Server, ask: Ask) -> Run:
    return load.wrk(bare, ask, plan.seconds, plan.folder)


def _anew(node: nodes.Server, database: Path) -> nodes.Server:
    """As after an import: nothing is made for 2.1.1, and nothing is in memory."""
    node.stop()
    with sqlite3.connect(database, timeout=30) as connection:
        for statement in DROP:
            connection.execute(statement)
    connection.close()
    return nodes.serve(database, VERSIONS)


def _made_ahead(database: Path) -> float:
    """Waits until nothing is lacking; the seconds that it took."""
    began = time.monotonic()
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    while connection.execute(LACKING).fetchone()[0]:
        if time.monotonic() - began > load.LONGEST:
            raise RuntimeError("the renditions are not made ahead")
        time.sleep(0.2)
    connection.close()
    return time.monotonic() - began


def crawl(node: nodes.Server, partner: str, start: str) -> list[str]:
    """The paths of all pages, by their Links."""
    paths = [start]
    while True:
        _, headers = load.once(node, "GET", paths[-1], node.headers[partner])
        link = re.match("<([^>]*)>", headers.get("link", ""))
        if link is None:
            return paths
        parts = urlsplit(link[1])
        paths.append(f"{parts.path}?{parts.query}")
