"""The whole real set: into a CPO node from its file, and from there into an eMSP node over HTTP.

Both are the commands that an operator uses, in a process of their own, after a real handshake. What counts is the time from start to
end of the command, opening the database included, and the most memory that it held. The serving node's is told beside it, with the part
that is pages of its database file: those are the system's to take back.
That both ends hold what the file says is a matter of the tests, not of this file.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import data, load, nodes
from bench.rows import Plan, Row

RATE, MEMORY = 2_500, 250
CPO_NAME, EMSP_NAME = "The CPO", "The eMSP"


@dataclass(frozen=True)
class Command:
    """What a command cost."""

    out: bytes
    seconds: float
    cpu: float
    peak_mb: float


def command(environment: Mapping[str, str], *words: str, given: bytes = b"") -> Command:
    began = time.monotonic()
    process = subprocess.Popen(
        [str(nodes.BIN / "interplug"), *words], env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(given)
        process.stdin.close()
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"interplug {' '.join(words)}: exit code {process.returncode}: {out[-500:]!r}")
    return Command(out, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def imported(folder: Path) -> tuple[Path, Command]:
    """A fresh database with the whole set, and what it cost; the last one is kept for those who come after."""
    database = folder / "whole.db"
    for file in folder.glob("whole.db*"):
        file.unlink()
    source, _ = data.whole_set(folder)
    return database, command(nodes.settings(database), "import", str(source), "--json")


def rows(plan: Plan) -> Iterator[Row]:
    _, name = data.whole_set(plan.folder)
    database, runs = plan.folder / "whole.db", []
    for _ in range(plan.rounds):
        database, run = imported(plan.folder)
        runs.append(run)
    yield _row(plan, f"import of {name}", _held(database), runs)
    yield _pull(plan, name, database)


def _row(plan: Plan, name: str, count: int, runs: list[Command], beside: str = "") -> Row:
    rates = [count / (run.cpu if plan.by_cpu else run.seconds) for run in runs]
    rate, peak = statistics.median(rates), max(run.peak_mb for run in runs)
    cpu = statistics.median(run.cpu for run in runs) / max(count, 1) * 1e6
    return Row(
        claim=f"{name}: at least {RATE} Locations/s, at most {MEMORY} MB",
        measured=f"{rate:.0f}/s {peak:.0f} MB",
        holds=rate >= RATE and peak <= MEMORY,
        details=f"{count} Locations, {cpu:.0f} µs CPU each; rounds {min(rates):.0f}-{max(rates):.0f}{beside}",
        numbers={"rate": rate, "peak_mb": peak, "cpu_us": cpu},
    )


def _pull(plan: Plan, name: str, database: Path) -> Row:
    runs, count, beside = [], 0, ""
    for number in range(plan.rounds):
        ours = plan.folder / f"emsp{number}.db"
        cpo = nodes.serve(database, {})
        emsp = _registered(database, cpo.port, ours)
        try:
            before = cpo.cpu()
            run = command(nodes.settings(ours, emsp.port), "pull", CPO_NAME, "--module", "locations", "--full", "--json")
            # The two take turns, so what both have spent is what it lasts on a machine that does nothing else.
            runs.append(replace(run, cpu=run.cpu + cpo.cpu() - before))
            beside = f"; the serving node {load.memory(cpo.process.pid)}"
        finally:
            emsp.stop()
            cpo.stop()
        count = json.loads(run.out)[0]["read"]
        if _held(ours) != _held(database):
            raise RuntimeError(f"{_held(database)} Locations were offered and {_held(ours)} arrived")
    return _row(plan, f"pull of {name}", count, runs, beside)


def _registered(cpo: Path, cpo_port: int, emsp: Path) -> nodes.Server:
    """The eMSP's node, registered with the CPO's by a handshake; it has to run for it, because the partner calls back."""
    theirs = nodes.settings(cpo, cpo_port)
    made = json.loads(command(theirs, "partner", "invite", EMSP_NAME, "--json").out)
    command(nodes.settings(emsp), "party", "add", "EMSP", "DE-ABC")
    running = nodes.serve(emsp, {})
    ours = nodes.settings(emsp, running.port)
    wish = ("--name", CPO_NAME, "--version", "2.2.1", "--json")
    command(ours, "partner", "register", made["versions_url"], *wish, given=made["token"].encode())
    return running


def _held(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    count: int = connection.execute("select coalesce(sum(n), 0) from feed where module = 'locations'").fetchone()[0]
    connection.close()
    return count
