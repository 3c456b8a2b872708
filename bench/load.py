"""Load from the other core, and what it cost the server.

wrk, where a request may be repeated; a walk of our own, where each is made once. CPU time is read from the clock of the process, which
counts in nanoseconds. A measurement in which others used the server's core, or in which something else than the server was the limit
(the generator, or others on its core), is made again, a few times at most. What was not the server's limit in the end says nothing
about it: a bare application that was not busy makes its row void, for the node beside it would look better than it is.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.nodes import LOAD_CORE, ROOT, SERVER_CORE, Server

NOISE = 0.05
"""The share of the server's core that others may use."""
AGAIN = 3
LONGEST = 300
"""Seconds that one measurement may take."""


@dataclass(frozen=True)
class Ask:
    """What to send. `script` is a file of `bench/wrk`; it gets `arguments` after the file of paths."""

    headers: dict[str, str]
    paths: Sequence[str]
    connections: int
    script: str = "paths"
    method: str = "GET"
    body: bytes = b""
    arguments: Sequence[str] = ()


@dataclass(frozen=True)
class Run:
    """One measurement. `cpu` is the server's, in microseconds a request; `busy` and `generator` are shares of a core."""

    rate: float
    cpu: float
    p50: float
    p99: float
    requests: int
    errors: int
    busy: float
    generator: float
    noise: float

    @property
    def busy_enough(self) -> bool:
        return self.busy >= 0.9

    @property
    def void(self) -> bool:
        return self.generator > 0.97 and not self.busy_enough


def memory(pid: int) -> str:
    """The most memory that a process has held so far, and how much of what it holds is pages of files."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    held = {words[0]: int(words[1]) / 1024 for words in lines if words[0] in ("VmHWM:", "RssFile:")}
    return f"{held['VmHWM:']:.0f} MB, {held['RssFile:']:.0f} of them pages of files"


def own_memory(pid: int) -> float:
    """Megabytes that are the process's alone: without the pages of files, which the system takes back when it needs them."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return next(int(words[1]) / 1024 for words in lines if words[0] == "RssAnon:")


def _core_busy() -> float:
    """Seconds that the server's core was busy for anybody."""
    fields = next(line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{SERVER_CORE} "))
    return sum(int(fields[n]) for n in (1, 2, 3, 6, 7, 8)) / os.sysconf("SC_CLK_TCK")


def wrk(server: Server, ask: Ask, seconds: float, folder: Path, *, settled: bool = True) -> Run:
    """`settled`: again where others used the server's core; not where it has no core of its own."""
    paths = folder / "paths"
    paths.write_text("\n".join(ask.paths))
    (folder / "body").write_bytes(ask.body)
    command = ["wrk", "-t1", f"-c{ask.connections}", f"-d{seconds:g}s", "-s", str(ROOT / "bench" / "wrk" / f"{ask.script}.lua")]
    for name, value in ask.headers.items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{server.port}", ask.method, str(paths), str(folder / "body"), *ask.arguments]
    return _settled(server, command, saturated=ask.connections > 1) if settled else _measured(server, command)


def walk(server: Server, ask: Ask, folder: Path) -> Run:
    """Each path once, over so many connections."""
    paths = folder / "paths"
    paths.write_text("\n".join(ask.paths))
    command = [sys.executable, "-m", "bench.walk", str(server.port), str(ask.connections), str(paths), json.dumps(ask.headers)]
    return _measured(server, command)


def _settled(server: Server, command: list[str], *, saturated: bool) -> Run:
    """`saturated`: so many connections that the server should never be idle."""
    runs = [_measured(server, command)]
    while (runs[-1].noise > NOISE or (saturated and not runs[-1].busy_enough)) and len(runs) < AGAIN:
        runs.append(_measured(server, command))
    return max(runs, key=lambda run: run.busy - run.noise)


def _measured(server: Server, command: list[str]) -> Run:
    watched, began, children = Watched(server), time.monotonic(), _children()
    out = subprocess.run(["taskset", "-c", LOAD_CORE, *command], capture_output=True, text=True, cwd=ROOT, check=False, timeout=LONGEST)
    generator = (_children() - children) / (time.monotonic() - began)
    if "RESULT" not in out.stdout:
        raise RuntimeError(f"{' '.join(command)} failed: {out.stdout[-500:]} {out.stderr[-1500:]}")
    return watched.run({"generator": generator, **json.loads(out.stdout.split("RESULT ")[1])})


class Watched:
    """A server, and its core, from now on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cpu, self._core, self._began = server.cpu(), _core_busy(), time.monotonic()

    def run(self, told: dict[str, Any]) -> Run:
        """What it has spent until now on what the generator tells; times are microseconds."""
        cpu, core, took = self._server.cpu() - self._cpu, _core_busy() - self._core, time.monotonic() - self._began
        count, lasted = max(told["requests"], 1), told["us"] / 1e6
        return Run(
            rate=count / lasted,
            cpu=cpu / count * 1e6,
            p50=told["p50"] / 1e3,
            p99=told["p99"] / 1e3,
            requests=count,
            errors=told["errors"],
            busy=cpu / lasted,
            generator=told["generator"],
            noise=max(0.0, core - cpu) / took,
        )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(server: Server, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[bytes, dict[str, str]]:
    """One request, which has to be a success."""
    url = path if path.startswith("http") else f"http://127.0.0.1:{server.port}{path}"
    request = urllib.request.Request(url, data=body or None, method=method, headers={**headers, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: bytes = response.read()
        if b'"status_code":1000' not in answer[-200:] + answer[:200]:
            raise RuntimeError(f"{method} {path}: {answer[:300]!r}")
        return answer, {name.lower(): value for name, value in response.headers.items()}
