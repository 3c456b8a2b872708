"""One seed: rounds of storm and calm between two nodes, and what was found.

In a round everything happens at once: owners write, partners tell, processes die, the wire misbehaves. Then the wire is clean, everything
runs, nothing more is written, and the two sides have to be level within a minute, without a manual step. In every second round no
list is given, so that pushes alone must do it; a pull after a restart would else heal what a push has left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator

from interplug.cli.demo.processes import NodeProcess

from .lives import Supervisor, WriterProcess
from .outcome import Outcome
from .stage import Stage, cancelled

LIVES = {"sqlite": (0.5, 5.0), "postgresql": (0.5, 20.0)}
"""Seconds that a process is let live. Of several on one database a dead one is missed after six, and its partners are taken over then."""
SERVER_LIFE = (2.0, 8.0)
STORE_PLACES = ("store.before_commit", "store.in_commit", "store.after_commit")
PLACES = {
    "cpo": (*STORE_PLACES, "push.before_send", "push.after_send", "push.before_checkpoint", "push.after_checkpoint"),
    "emsp": (*STORE_PLACES, "push.before_send", "push.after_send", "pull.after_page"),
    "writer": STORE_PLACES,
}


class Storms:
    def __init__(self, stage: Stage) -> None:
        self.stage, self.plan, self.outcome = stage, stage.plan, stage.outcome
        self.nodes = [self._supervisor(role, process) for role, node in stage.nodes.items() for process in node]
        self.supervisors = [*self.nodes, *(self._supervisor("writer", writer) for writer in stage.writers)]

    def _supervisor(self, kind: str, process: NodeProcess | WriterProcess) -> Supervisor:
        folder = process.folder if isinstance(process, NodeProcess) else process.role
        chance = random.Random(f"lives/{self.plan.seed}/{kind}/{getattr(folder, 'name', folder)}")
        supervisor = Supervisor(
            process, PLACES[kind], chance, self.outcome.deaths, LIVES[self.plan.engine], disks=self.stage.cluster is None
        )
        supervisor.sabotage = self.plan.sabotage  # from the next life on: the handshake is not what is tried
        return supervisor

    async def run(self) -> Outcome:
        began = time.monotonic()
        await self.stage.calm("before the storms")
        for number in range(1, self.plan.rounds + 1):
            await self._round(number)
            if self.plan.sabotage and self.outcome.found:
                break
        return self.stage.told_all(time.monotonic() - began)

    async def _round(self, number: int) -> None:
        stage = self.stage
        await stage.proxies["emsp"].quiet()
        stage.weather.wildness, stage.weather.lists = self.plan.wildness, number % 2 == 0
        over = asyncio.Event()
        telling = stage.telling(str(number))
        storms = [asyncio.create_task(one.storm(over)) for one in self.supervisors]
        restarts = asyncio.create_task(self._restarts())
        try:
            await self._enough(number)
            over.set()
            await cancelled([restarts])
            await asyncio.gather(*storms)
            stage.weather.calm()
            stage.played.ending = True
            await telling
        finally:
            await cancelled([restarts, *storms, telling])
        await stage.still()
        async with self._guarded():
            await stage.calm(f"round {number}")
        stage.weather.lists = True

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        guards = [asyncio.create_task(one.guard()) for one in self.nodes]
        try:
            yield
        finally:
            await cancelled(guards)

    async def _restarts(self) -> None:
        """The server of the databases is killed, too, and comes back."""
        while (cluster := self.stage.cluster) is not None:
            await asyncio.sleep(self.stage.chance.uniform(*SERVER_LIFE))
            self.outcome.deaths.killed["the database server"] += 1
            cluster.stop()
            self.outcome.deaths.server_killed = time.monotonic()
            try:
                await asyncio.sleep(self.stage.chance.uniform(0.1, 1.0))
            finally:
                cluster.start()

    async def _enough(self, number: int) -> None:
        """The share of this round has happened."""
        share, end = number / self.plan.rounds, time.monotonic() + self.plan.longest
        while time.monotonic() < end:
            if self.outcome.deaths.kills >= share * self.plan.kills and self.outcome.all_faults >= share * self.plan.faults:
                return
            await asyncio.sleep(0.1)
