"""Charging stations at a node: messages a second beside an echo server, memory of a station, and how soon a fault is on a page.

The echo server is of the same websocket library and loop and says the same messages back. A TransactionEvent has ten samples and is on disk
before its answer; a round is over when everything that was told is in the book, too: the Session of its driver has the readings.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench import data, load, nodes
from bench.load import Run
from bench.rows import Plan, Row, ratio
from interplug.stations.csms import keys
from interplug.store.charging_stations import Outlet, StationRow
from interplug.store.tx import Tx

TALKING, CONNECTED, ROAMING = 100, 3_000, 1_000
FAULTS = 10
OUT_OF_ORDER = b">Out of order<"
PASSWORD = keys.new_password()
"""As `interplug station add` makes them; of all of them the same."""
EMSP = ("EMSP", "DE", "ABC")
BEHIND = "select count(*) from charging_station where told > reached"


class Callers:
    """The process of the stations."""

    def __init__(self) -> None:
        command = ["taskset", "-c", nodes.LOAD_CORE, sys.executable, "-m", "bench.callers"]
        self.process = subprocess.Popen(command, cwd=nodes.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, do: str, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def crowd(port: int, count: int, password: str = "") -> Iterator[tuple[Callers, float]]:
    """So many stations that are connected, and the seconds that it took."""
    callers = Callers()
    try:
        yield callers, float(callers("connect", port=port, numbers=list(range(count)), password=password)["seconds"])
    finally:
        callers.stop()


def fill(database: Path, count: int, password: str = "", *, alone: bool = True) -> None:
    """`alone`: its drivers are those of a provider that is not there."""
    hashed = keys.hashed_quickly(password) if password else ""
    country, party = data.PARTY

    async def work(filled: nodes.Filled) -> None:
        await filled.party("CPO", country, party)
        await filled.objects("locations", ({**one, "evses": _available(one)} for one in data.locations(count, 1)))
        if alone:
            await filled.objects("tokens", _cards(count), await filled.partner("emsp", "2.2.1", EMSP))

        async def add(tx: Tx) -> None:
            for n in range(count):
                row = StationRow(
                    id=f"CS{n:05d}",
                    profile=1 if password else 0,
                    password=hashed,
                    country=country,
                    party=party,
                    place=data.location_id(n, 1),
                    outlets=[Outlet(1, 1, data.evse_uid(n, 0), "1")],
                )
                assert await tx.charging_stations.add(row)

        await filled.node.store.write(add)

    nodes.fill(database, work)


def _available(location: data.Document) -> list[data.Document]:
    return [{**evse, "status": "AVAILABLE"} for evse in location["evses"]]


def _cards(count: int) -> Iterator[data.Document]:
    return ({**data.token(n), "whitelist": "ALWAYS"} for n in range(count))


@contextmanager
def node(database: Path, **more: str) -> Iterator[tuple[nodes.Server, int]]:
    """A CPO that awaits stations, and where."""
    port = nodes.free_port()
    awaiting = {"INTERPLUG__STATIONS__ENABLED": "true", "INTERPLUG__STATIONS__PORT": str(port), "INTERPLUG__LOGGING__LEVEL": "WARNING"}
    server = nodes.serve(database, {"emsp": "2.2.1"}, more=awaiting | more)
    try:
        yield server, port
    finally:
        server.stop()


@contextmanager
def echo(folder: Path) -> Iterator[nodes.Server]:
    port = nodes.free_port()
    server = nodes.start([sys.executable, "-m", "bench.echo", str(port)], {}, port, folder / "echo.log")
    try:
        yield server
    finally:
        server.stop()


def rows(plan: Plan) -> Iterator[Row]:
    yield from _messages(plan)
    yield _memory(plan)
    yield _fault(plan)


# --- messages


def _messages(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "stations.db"
    fill(database, TALKING)
    with node(database) as (ours, port), echo(plan.folder) as bare, crowd(port, TALKING) as (us, _), crowd(bare.port, TALKING) as (them, _):
        both = [(_run(plan, ours, us, "Heartbeat"), _run(plan, bare, them, "Heartbeat")) for _ in range(plan.rounds)]
        yield ratio(plan, "Heartbeat, to an echo", 0.4, [one for one, _ in both], [one for _, one in both])
        us("each", what="Started")
        both = [(_carried(plan, ours, us, database), _run(plan, bare, them, "Updated")) for _ in range(plan.rounds)]
        name = "TransactionEvent with ten samples, durable and in the book, to an echo"
        yield ratio(plan, name, 0.25, [one for one, _ in both], [one for _, one in both])


def _run(plan: Plan, server: nodes.Server, callers: Callers, what: str) -> Run:
    watched = load.Watched(server)
    return watched.run(callers("run", what=what, seconds=plan.seconds))


def _carried(plan: Plan, server: nodes.Server, callers: Callers, database: Path) -> Run:
    """Until all of it is in the book. What was answered has to stand in the inbox."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        before = _stored(connection)
        watched, began = load.Watched(server), time.perf_counter()
        told = callers("run", what="Updated", seconds=plan.seconds)
        while _count(connection, BEHIND):
            time.sleep(0.02)
        run = watched.run(told | {"us": (time.perf_counter() - began) * 1e6})
        if _stored(connection) - before < told["requests"]:
            raise RuntimeError("what was answered is not stored")
    return run


def _count(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def _stored(connection: sqlite3.Connection) -> int:
    """Messages in the inbox."""
    groups = connection.execute("select doc from ocpp_inbox")
    return sum(len(msgspec.msgpack.decode(zlib.decompress(doc))) for (doc,) in groups)


# --- memory


def _memory(plan: Plan) -> Row:
    database = plan.folder / "many-stations.db"
    fill(database, CONNECTED, PASSWORD)
    with node(database) as (server, port):
        before = load.own_memory(server.process.pid)
        with crowd(port, CONNECTED, PASSWORD) as (callers, seconds):
            callers("each", what="Started")
            callers("each", what="Updated")
            after = load.own_memory(server.process.pid)
            told = callers("run", what="Heartbeat", seconds=plan.seconds)
    each = (after - before) / CONNECTED * 1024
    return Row(
        claim=f"{CONNECTED:,} stations connected to one process, each with a driver who charges",
        measured=f"{each:.0f} KB each",
        holds=not told["errors"],
        details=f"{before:.0f} MB without them, {after:.0f} MB with them; all in, with their passwords, after {seconds:.0f} s; "
        f"then {told['requests'] / told['us'] * 1e6:.0f} heartbeats/s, p99 {told['p99'] / 1e3:.0f} ms",
        numbers={"kilobytes": each, "seconds": seconds},
    )


# --- a fault


def _fault(plan: Plan) -> Row:
    """Both nodes on one core, real OCPI between them; the page is that of the provider's drivers, its live stream."""
    cpo, emsp, there = plan.folder / "fault-cpo.db", plan.folder / "fault-emsp.db", nodes.free_port()
    fill(cpo, ROAMING, alone=False)
    nodes.fill(emsp, _drivers)
    provider = nodes.serve(emsp, {}, there, more={"INTERPLUG__SURFACES__DRIVER": "true"})
    try:
        with node(cpo) as (server, port), crowd(port, ROAMING) as (callers, _):
            _join(cpo, server, emsp, provider)
            pages = _pages(cpo, provider)
            callers("each", what="Started")
            callers("pace", every=60)
            found = [_seen(provider, pages, callers, place) for place in range(0, ROAMING, ROAMING // FAULTS)]
    finally:
        provider.stop()
    found.sort()
    return Row(
        claim=f"a fault at one of {ROAMING:,} stations, all charging, is on the provider's page in under 2 s",
        measured=f"{found[-1]:.2f} s",
        holds=found[-1] < 2,
        details=f"{FAULTS} faults, median {found[FAULTS // 2]:.2f} s; a reading of each station a minute; both nodes on one core",
        numbers={"longest": found[-1], "median": found[FAULTS // 2]},
    )


async def _drivers(filled: nodes.Filled) -> None:
    await filled.party("EMSP", *EMSP[1:])
    await filled.objects("tokens", _cards(ROAMING))


def _join(cpo: Path, server: nodes.Server, emsp: Path, provider: nodes.Server) -> None:
    invited = _command(cpo, server, "partner", "invite", "emsp", "--version", "2.2.1")
    _command(emsp, provider, "partner", "register", invited["versions_url"], "--name", "cpo", typed=invited["token"])


def _command(database: Path, server: nodes.Server, *words: str, typed: str = "") -> dict[str, Any]:
    environment = {**os.environ, **nodes.settings(database, server.port)}
    command = ["taskset", "-c", nodes.LOAD_CORE, str(nodes.BIN / "interplug"), *words, "--json"]
    out = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=nodes.ROOT, env=environment, check=False)
    if out.returncode:
        raise RuntimeError(f"interplug {' '.join(words)}: {out.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(out.stdout)
    return found


def _pages(cpo: Path, provider: nodes.Server) -> dict[str, int]:
    """The page of each Location, when the provider has all of them and the operator all cards."""
    end = time.monotonic() + 300
    with closing(sqlite3.connect(f"file:{cpo}?mode=ro", uri=True)) as connection:
        while _count(connection, "select count(*) from object where module = 'tokens'") < ROAMING:
            _wait(end, "the operator does not have all cards")
    while _read(provider, "/stations.json")["total"] < ROAMING:
        _wait(end, "the provider does not have all Locations")
    pages = _read(provider, "/stations.json")["pages"]
    listed = (row for page in range(1, pages + 1) for row in _read(provider, f"/stations.json?page={page}")["stations"])
    return {_read(provider, f"/stations/{row['id']}.json")["location"]["id"]: row["id"] for row in listed}


def _wait(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise RuntimeError(what)
    time.sleep(0.2)


def _read(provider: nodes.Server, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{provider.port}{path}", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _seen(provider: nodes.Server, pages: dict[str, int], callers: Callers, place: int) -> float:
    """Seconds from the station's word until a page that is open shows it."""
    page = pages[data.location_id(place, 1)]
    url = f"http://127.0.0.1:{provider.port}/stations/{page}/live"
    with urllib.request.urlopen(url, timeout=60) as stream:
        told = None
        for line in stream:
            if told is None and line.startswith(b"event: evse-1"):
                told = float(callers("status", place=place, status="Faulted")["at"])
            if OUT_OF_ORDER in line and told is not None:
                return time.time() - told
    raise RuntimeError("the page ended")
