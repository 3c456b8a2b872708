"""The driver's app with the whole set: the map at every zoom, the search, the first view, and statuses on very many open pages.

Server time is compared with that of an empty page of the same app: the page of the stations with a search that finds nothing. Each
request is for another part of the map and for other words, taken from the set by chance, so nothing comes from a memory of answers. The
map and the list are what the page asks for (`/map.json`, `/found`); the whole page with its frame and its choices stands beside them.

The last rows are those of `crowd.py`: 1,000 open pages.
"""

from __future__ import annotations

import gzip
import random
import re
import resource
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import crowd, data, load, nodes
from bench.load import Ask, Run
from bench.rows import Plan, Row, times
from interplug.model.types import decode_json
from interplug.store.earth import SIDE, degrees
from interplug.store.finding import folded
from interplug.sync import files
from interplug.versions import chain

CPO, EMSP = ("CPO", *data.PARTY), ("EMSP", "DE", "ABC")
OURS = 50
"""Locations beside the set, at which the partner of the bench changes statuses."""
FIRST_VIEW = 300_000
MOST = 3.0
EMPTY = "/?text=zzzzzzzz"
ZOOMS = (4, 6, 8, 9, 10, 11, 12, 14)
VIEWS = 200
WIDE, HIGH = 1280, 800
"""Of the browser's window, in points."""
CONNECTIONS = 8
SETTINGS = {"INTERPLUG__SURFACES__DRIVER": "true", "INTERPLUG__SERVER__TRUSTED_PROXIES": "127.0.0.1"}
FILES = re.compile(r'(?:src|href)="(/static/[^"]+)"')
FINDS = "select no from cursor where connection = 0 and module = 'finding'"


def rows(plan: Plan) -> Iterator[Row]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))  # for the node, too
    database = plan.folder / "finding.db"
    nodes.fill(database, lambda filled: _filled(filled, plan.folder))
    node = nodes.serve(database, {"cpo": "2.2.1"}, more=SETTINGS)
    try:
        _level(database)
        chance, places = random.Random(1), _places(database)
        plan.say(f"finding: {len(places)} stations of {data.whole_set(plan.folder)[1]} are there")
        for zoom in ZOOMS:
            yield _row(plan, node, f"map view at zoom {zoom}", [_view(chance, places, zoom) for _ in range(VIEWS)])
        views = [f"{_view(chance, places, zoom)}&watts=50000&free=1" for zoom in ZOOMS for _ in range(VIEWS // 8)]
        yield _row(plan, node, "map view at these zooms with filters", views)
        asked = [_words(chance, places) for _ in range(VIEWS)]
        yield _row(plan, node, "search for words", [f"/found?text={words}" for words in asked])
        yield _row(plan, node, "search for words, the whole page", [f"/?text={words}" for words in asked])
        near = [_near(chance, places) for _ in range(VIEWS)]
        yield _row(plan, node, "what is near", [f"/found?near={place}" for place in near])
        yield _first_view(node)
        ours = {number: _ours(places, number) for number in (crowd.SHOWN, crowd.UNSHOWN)}
        yield from crowd.rows(plan, node, ours[crowd.SHOWN], [place.pk for place in places if place.pk not in ours.values()])
    finally:
        node.stop()


async def _filled(filled: nodes.Filled, folder: Path) -> None:
    await filled.party("EMSP", *EMSP[1:])
    cpo = await filled.partner("cpo", "2.2.1", CPO)
    await filled.objects("locations", _set(folder), cpo)
    await filled.objects("locations", data.locations(OURS), cpo)


def _set(folder: Path) -> Iterator[data.Document]:
    """In the newest form; of two with one id, which a partner cannot have, the first."""
    source, _ = data.whole_set(folder)
    with gzip.open(source) as file:
        for raw in files.objects(file):
            yield chain.up("location", decode_json(raw), "2.2.1")


def _level(database: Path) -> None:
    """Waits until the list of places has read the whole log."""
    end = time.monotonic() + load.LONGEST
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        head = connection.execute("select no from counter where name = 'change'").fetchone()[0]
        while (connection.execute(FINDS).fetchone() or (0,))[0] < head:
            if time.monotonic() > end:
                raise RuntimeError("the places are not made")
            time.sleep(0.5)
    connection.close()


@dataclass(frozen=True)
class _Place:
    pk: int
    x: int
    y: int
    words: str


def _places(database: Path) -> list[_Place]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = [_Place(*row) for row in connection.execute("select object, x, y, city || ' ' || address || ' ' || operator from place")]
    connection.close()
    return found


def _ours(places: list[_Place], number: int) -> int:
    """The Location of the bench with this number."""
    return next(place.pk for place in places if f"Stationsstraat {number} Alfa Energy" in place.words)


def _view(chance: random.Random, places: list[_Place], zoom: int) -> str:
    """A window around a station: where people look."""
    place, step = chance.choice(places), SIDE / 512 / 2**zoom
    west, north = degrees(max(0, int(place.x - WIDE / 2 * step)), max(0, int(place.y - HIGH / 2 * step)))
    east, south = degrees(min(SIDE - 1, int(place.x + WIDE / 2 * step)), min(SIDE - 1, int(place.y + HIGH / 2 * step)))
    return f"/map.json?zoom={zoom}&box={west},{south},{east},{north}"


def _words(chance: random.Random, places: list[_Place]) -> str:
    """One to three words of a station, the last one perhaps not yet typed to its end."""
    words = folded(chance.choice(places).words).split()
    chosen = chance.sample(words, min(len(words), chance.randint(1, 3)))
    last = chosen[-1]
    return "+".join([*chosen[:-1], last[: max(3, chance.randint(3, 12))]]).encode("ascii", "ignore").decode()


def _near(chance: random.Random, places: list[_Place]) -> str:
    longitude, latitude = degrees(*((place := chance.choice(places)).x, place.y))
    return f"{latitude},{longitude}"


def _row(plan: Plan, node: nodes.Server, name: str, paths: list[str]) -> Row:
    headers = {"Cookie": _cookie(node)}
    pairs: list[tuple[Run, Run]] = []
    for _ in range(plan.rounds):
        slow = load.wrk(node, Ask(headers, paths, CONNECTIONS), plan.seconds, plan.folder)
        pairs.append((slow, load.wrk(node, Ask(headers, [EMPTY], CONNECTIONS), plan.seconds, plan.folder)))
    these, empty = [one for one, _ in pairs], [one for _, one in pairs]
    return times(plan, f"{name}, to an empty page", MOST, these, empty, ("this", "empty"))


def _cookie(node: nodes.Server) -> str:
    """Of a visitor who has been here before."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/drives", timeout=60) as answer:
        return str(answer.headers["set-cookie"]).partition(";")[0]


def _first_view(node: nodes.Server) -> Row:
    """The page and every file that it names: all that is loaded before the map's library is."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/", timeout=60) as answer:
        page = answer.read()
    sizes = {"page": len(page)}
    for path in sorted(set(FILES.findall(page.decode()))):
        with urllib.request.urlopen(f"http://127.0.0.1:{node.port}{path}", timeout=60) as answer:
            sizes[path.partition("?")[0].rpartition("/")[2]] = len(answer.read())
    whole = sum(sizes.values())
    largest = ", ".join(f"{name} {size // 1000}" for name, size in sorted(sizes.items(), key=lambda one: -one[1])[:5])
    return Row(
        claim=f"first view without the map's library: under {FIRST_VIEW // 1000} KB",
        measured=f"{whole / 1000:.0f} KB",
        holds=whole < FIRST_VIEW,
        details=f"nothing is packed; the largest: {largest}",
        numbers={"bytes": whole},
    )
