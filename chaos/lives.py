"""Lives and deaths: each process is started, lives a while, is killed, and is started again, until the storm is over.

Some die by the hand of the bench at a random moment, also while they start, some at a place that is named to them (`interplug.faults`).
While they live their disk may be full for a moment, and their clock may jump. A process that ends in any other way is a finding.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from interplug import faults
from interplug.cli.demo.processes import DemoFailed, NodeProcess, quiet_environment

from .journal import Journal

ROOT = Path(__file__).resolve().parents[1]
YOUNG = (0.05, 1.5)
NAMED = 0.8
"""Of the lives, those that are to end at a named place, if they come by before the bench kills them."""
IN_COMMIT = 0.01
JUMP = "clock:jump=120:0.0005"
FULL = (0.2, 1.0)
ENDED_BY_US = -signal.SIGKILL
PATIENCE = 30.0
WITHOUT_SERVER = 20.0
"""Seconds after the death of the database server in which a process may end for want of it: one that starts finds nothing."""


class Process(Protocol):
    """What can live and die."""

    process: asyncio.subprocess.Process | None

    @property
    def name(self) -> str: ...
    async def start(self, **environment: str) -> None: ...
    async def end(self) -> None: ...


@dataclass
class WriterProcess:
    """The systems of an owner, in a process beside the node; what it says goes to the journal."""

    node: NodeProcess
    role: str
    connection: int
    journal: Journal
    process: asyncio.subprocess.Process | None = None
    root: Path = ROOT
    """Where its code stands."""
    lives: int = 0
    failed: int = 0
    """Writes that the store refused, for want of disk or because of another that held it."""
    _reading: asyncio.Task[None] | None = None
    _up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return f"systems of {self.node.name}"

    async def start(self, **environment: str) -> None:
        self.lives += 1
        self._up = asyncio.Event()
        with (self.node.folder / "writer.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chaos.writer", self.role, str(self.node.config), f"{self.role}/{self.lives}", str(self.connection),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True, cwd=self.root,
                env={**_environment(self.node), **environment},
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self.process))
        waiting = [asyncio.create_task(self._up.wait()), asyncio.create_task(self.process.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        for task in waiting:
            task.cancel()
        if not self._up.is_set():
            raise DemoFailed(f"{self.name} ended before it began")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                return
            match json.loads(line):
                case ["up"]:
                    self._up.set()
                case ["try", key, value]:
                    self.journal.tried(key, value)
                case ["ack", key]:
                    self.journal.acked(key)
                case ["failed", *_]:
                    self.failed += 1

    async def ended(self) -> None:
        """All that it has said is in the journal."""
        if self._reading is not None:
            await self._reading

    async def end(self) -> None:
        """It finishes what it has begun."""
        if self.process is None or self.process.stdin is None:
            return
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.process.stdin.write(b"\n")
            await self.process.stdin.drain()
            async with asyncio.timeout(PATIENCE):
                await self.process.wait()
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self.ended()


def _environment(node: NodeProcess) -> dict[str, str]:
    return quiet_environment() | node.environment


@dataclass
class Deaths:
    """What has happened to all of them."""

    killed: Counter[str] = field(default_factory=Counter)
    """By who or what killed."""
    server_killed: float = -WITHOUT_SERVER
    """When the database server was last killed, in seconds of the monotonic clock."""
    starved: int = 0
    """Processes that began while the database was away, and ended for want of it."""
    disks: int = 0
    jumps: int = 0
    ended: list[str] = field(default_factory=list)
    """Those that ended without being killed."""
    memory: int = 0
    """The most that a node has had, in bytes."""

    @property
    def kills(self) -> int:
        return sum(self.killed.values())


class Supervisor:
    """One process and its lives."""

    def __init__(
        self,
        process: Process,
        places: tuple[str, ...],
        chance: random.Random,
        deaths: Deaths,
        life: tuple[float, float],
        *,
        disks: bool = True,
    ) -> None:
        """`life`: the seconds until the bench kills it, if nothing else did. `disks`: what it writes is a file of its own."""
        self.process, self.places, self.chance, self.deaths, self.life, self.disks = process, places, chance, deaths, life, disks
        self.sabotage: str | None = None
        self.place: str | None = None
        """Where the life that goes on is to end."""
        self._up = False
        """It has answered in this life."""
        self._noted: list[asyncio.subprocess.Process] = []
        """The last one whose death was noted."""

    async def storm(self, over: asyncio.Event) -> None:
        """Lives and deaths until the storm is over; it is alive then."""
        while not over.is_set():
            jumps = self.chance.random() < 0.3
            self.deaths.jumps += jumps
            place = self.chance.choice(self.places) if self.chance.random() < NAMED else None
            await self._live(over, place, _spec(self.chance, place, jumps, self.sabotage))
        if not self.alive:
            await self.calm_start()

    async def guard(self) -> None:
        """After the storm, until cancelled: one that still meets the place where it is to die lives again, and for good."""
        while True:
            process = self.process.process
            if process is not None:
                await process.wait()
                await self._kill(self.place)
            await self.calm_start()

    async def calm_start(self) -> None:
        self.place, self._up = None, False
        with contextlib.suppress(DemoFailed):
            await self.process.start(**_spec(self.chance, None, False, self.sabotage))
            self._up = True
        if not self.alive:
            self._note(None)

    @property
    def alive(self) -> bool:
        process = self.process.process
        return process is not None and process.returncode is None

    async def _live(self, over: asyncio.Event, place: str | None, environment: dict[str, str]) -> None:
        """One life, or what is left of one; it ends by death unless the storm is over."""
        starting = None
        if not self.alive:
            self.place, self._up = place, False
            self.process.process = None
            starting = asyncio.create_task(self._start(environment))
            await self._born(starting)
        if not over.is_set() or not self.alive:
            await self._until(over, self.chance.uniform(*self.life))
        if not (over.is_set() and self.alive):
            await self._kill(self.place)
        if starting is not None:
            await asyncio.gather(starting, return_exceptions=True)

    async def _start(self, environment: dict[str, str]) -> None:
        await self.process.start(**environment)
        self._up = True

    async def _born(self, starting: asyncio.Task[None]) -> None:
        """It is ready, or it is young and will be killed before it is."""
        if self.chance.random() < 0.15:
            while self.process.process is None and not starting.done():
                await asyncio.wait([starting], timeout=0.01)
            await asyncio.wait([starting], timeout=self.chance.uniform(*YOUNG))
            await self._kill(None)
        else:
            await asyncio.wait([starting])

    async def _until(self, over: asyncio.Event, seconds: float) -> None:
        """Over, dead, or these seconds later; the disk is full for a part of them, perhaps."""
        process = self.process.process
        if process is None:
            return
        if self.disks and self.chance.random() < 0.2 and process.returncode is None:
            self.deaths.disks += 1
            with contextlib.suppress(ProcessLookupError):
                await full_disk(process.pid, self.chance.uniform(*FULL))
        waiting = [asyncio.create_task(over.wait()), asyncio.create_task(process.wait())]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def _kill(self, place: str | None) -> None:
        process = self.process.process
        if process is None or process in self._noted:
            return
        self._noted = [process]
        if process.returncode is None:
            self.deaths.memory = max(self.deaths.memory, most_memory(process.pid))
            self.deaths.killed["at a random moment"] += 1
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        else:
            self._note(place)
        if isinstance(self.process, WriterProcess):
            await self.process.ended()

    def _note(self, place: str | None) -> None:
        """It has ended by itself: where it was told to, or it should not have."""
        process = self.process.process
        code = None if process is None else process.returncode
        if place is not None and code == ENDED_BY_US:
            self.deaths.killed[place] += 1
        elif not self._up and time.monotonic() - self.deaths.server_killed < WITHOUT_SERVER:
            self.deaths.starved += 1
        else:
            self.deaths.ended.append(f"{self.process.name} ended with {code}")


CHANCES: dict[str, Callable[[], str]] = {
    "store.before_commit": lambda: "kill:0.04",
    "store.in_commit": lambda: f"kill={IN_COMMIT}:0.04",
    "store.after_commit": lambda: "kill:0.04",
    "push.before_send": lambda: "kill:0.04",
    "push.after_send": lambda: "kill:0.04",
    "push.before_checkpoint": lambda: "kill:0.3",
    "push.after_checkpoint": lambda: "kill:0.3",
    "pull.after_page": lambda: "kill:0.3",
}


def _spec(chance: random.Random, place: str | None, jumps: bool, sabotage: str | None) -> dict[str, str]:
    """The environment of one life."""
    parts = [f"seed:{chance.getrandbits(32)}"]
    parts += [f"{place}:{CHANCES[place]()}"] if place else []
    parts += [JUMP] if jumps else []
    parts += [f"sabotage:{sabotage}"] if sabotage else []
    return {faults.VARIABLE: ",".join(parts)}


async def full_disk(pid: int, seconds: float) -> None:
    """The process can make no file longer for a while: every write of its database fails as on a disk that is full."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        await asyncio.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def most_memory(pid: int) -> int:
    """The most that the process has had at a time, in bytes."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
