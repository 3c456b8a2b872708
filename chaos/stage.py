"""Two nodes that are joined, with a proxy before each and their owners' systems beside them; and the look at whether both are level.

On PostgreSQL a node is two processes on one database, behind one address, and the bench has a database server of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp

from interplug import config
from interplug.cli.demo.processes import NodeProcess, quiet_environment
from interplug.config import Settings
from interplug.partners.lists import PageFailed
from interplug.store.urls import place_of
from tests.postgres import Cluster

from .city import OPERATOR, PROVIDER
from .compare import Findings, eyes
from .journal import Journal
from .lives import Process, WriterProcess, most_memory
from .outcome import Outcome, Plan
from .partner import Played
from .proxy import Proxy
from .releases import HERE, Release
from .weather import Weather

CALM = 60.0
"""Seconds within which both sides have to be level."""
SABOTAGED_CALM = 8.0
EMPTY = "template1"


class Stage:
    """`cluster` is the PostgreSQL server that holds the databases; `release` the code with which everything begins."""

    def __init__(self, folder: Path, plan: Plan, say: Any, cluster: Cluster | None, release: Release) -> None:
        self.folder, self.plan, self.say, self.cluster, self.release = folder, plan, say, cluster, release
        self._rest = contextlib.ExitStack()
        self.chance = random.Random(plan.seed)
        self.outcome = Outcome(plan)
        self.journal, self.told = Journal(), Journal()
        self.weather = Weather(random.Random(f"weather/{plan.seed}"), happened=self.outcome.faults)
        self.nodes: dict[str, list[NodeProcess]] = {}
        """By role, the processes of each."""
        self.proxies: dict[str, Proxy] = {}
        self.writers: list[WriterProcess] = []
        self.played: Played

    @property
    def processes(self) -> list[NodeProcess]:
        return [process for node in self.nodes.values() for process in node]

    @property
    def settings(self) -> dict[str, Settings]:
        return {name: config.load(first.config, first.environment) for name, (first, *_) in self.nodes.items()}

    # --- built and taken down

    async def build(self) -> None:
        """Nodes behind their proxies, furnished and joined by a handshake; the wire is clean."""
        parties = {"cpo": ("CPO", OPERATOR.name, OPERATOR.country_code, OPERATOR.party_id), "emsp": ("EMSP", PROVIDER[2], *PROVIDER[:2])}
        for name, (role, company, country, party) in parties.items():
            processes = self.nodes[name] = [
                NodeProcess(
                    self.folder / (f"{name}-{number}" if number else name), name, company, role, f"{country}-{party}",
                    [self.plan.version, "2.3.0"], "",
                )
                for number in range(self.plan.workers)
            ]  # fmt: skip
            proxy = self.proxies[name] = Proxy(name, [process.url for process in processes], self.weather)
            await proxy.start()
            environment = _environment(proxy.url, processes[0], self._database(processes[0]))
            for process in processes:
                process.environment = environment
        await self._furnish()
        await asyncio.gather(*(process.start(**self.release.environment) for process in self.processes))
        connection = int(await self._furnish(self.plan.version))
        self.writers = [
            WriterProcess(self.nodes["cpo"][0], "cpo", connection, self.journal),
            WriterProcess(self.nodes["emsp"][0], "emsp", 0, self.journal),
        ]

    def _database(self, first: NodeProcess) -> str:
        return first.store if self.cluster is None else self._rest.enter_context(self.cluster.database(EMPTY))

    async def _furnish(self, *version: str) -> str:
        """What `chaos.furnish` says in the end."""
        places = {
            name: {"config": str(first.config), "environment": {key: first.environment[key] for key in first.environment}}
            for name, (first, *_) in self.nodes.items()
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chaos.furnish", json.dumps(places), *version,
            stdout=asyncio.subprocess.PIPE, cwd=self.release.root, env=quiet_environment() | self.release.environment,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError("the nodes could not be furnished")
        return (said.decode().split() or [""])[-1]

    async def close(self) -> None:
        living: list[Process] = [*self.writers, *self.processes]
        await asyncio.gather(*(process.end() for process in living), return_exceptions=True)
        for proxy in self.proxies.values():
            await proxy.stop()
        for process in self.processes:
            process.release()
        self._rest.close()

    # --- what is told and looked at

    def telling(self, name: str) -> asyncio.Task[None]:
        """The second operator begins to tell the provider; `name` is that of the round."""
        door = f"{self.nodes['emsp'][0].url}/ocpi/2.3.0/receiver"
        self.played = Played(f"{self.proxies['emsp'].url}/ocpi/2.3.0/receiver", door, self.told, f"{self.plan.seed}/{name}")
        return asyncio.create_task(self.played.run())

    async def still(self) -> None:
        """The owners' systems end what they have begun, and what the wire has held back arrives."""
        await asyncio.gather(*(writer.end() for writer in self.writers))
        await asyncio.gather(*(proxy.quiet() for proxy in self.proxies.values()))

    async def calm(self, when: str) -> None:
        """Both sides are level, or what is not is a finding."""
        began = time.monotonic()
        direct = {proxy.url: proxy.targets[0] for proxy in self.proxies.values()}
        findings, patience = Findings(), SABOTAGED_CALM if self.plan.sabotage else CALM
        async with eyes(self.settings, direct) as both:
            while True:
                try:
                    findings = await both.look(self.journal)
                except PageFailed as error:
                    findings = Findings([f"no list: {error}"])
                if findings.level or findings.lost or time.monotonic() - began > patience:
                    break  # what is lost does not come back
                await asyncio.sleep(0.5)
        if self.told.tries:
            lost, compared = await self._losses(began + patience)
            findings.lost += lost
            findings.compared += compared
        done = self.outcome
        done.slowest_calm = max(done.slowest_calm, time.monotonic() - began)
        done.take(findings)
        done.furnished = done.furnished or self._bytes()
        done.messages = sum(proxy.messages for proxy in self.proxies.values())
        self.say(
            f"seed {self.plan.seed}, {when}: {done.deaths.kills} kills, {done.all_faults} faults, {done.messages} messages, "
            f"{done.compared} compared; {'level' if findings.level else 'NOT level'} after {time.monotonic() - began:.0f} s"
        )

    def _bytes(self) -> int:
        return sum(place_of(one.store.url).size() for one in self.settings.values())

    async def _losses(self, end: float) -> tuple[list[str], int]:
        """A node that still met the place where it was to die is back soon."""
        while True:
            try:
                return await self.played.losses()
            except (aiohttp.ClientError, TimeoutError) as error:
                if time.monotonic() > end:
                    return [f"the provider cannot be asked: {error}"], 0
            await asyncio.sleep(0.5)

    def told_all(self, seconds: float) -> Outcome:
        """What is known in the end."""
        outcome = self.outcome
        for process in self.processes:
            if process.process is not None:
                outcome.deaths.memory = max(outcome.deaths.memory, most_memory(process.process.pid))
        outcome.older = [one for proxy in self.proxies.values() for one in proxy.older]
        outcome.tried, outcome.acknowledged = (
            sum(getattr(one, what) for one in (self.journal, self.told)) for what in ("tries", "acknowledged")
        )
        outcome.stored = self._bytes() - outcome.furnished
        outcome.seconds = seconds
        return outcome


def _environment(url: str, first: NodeProcess, database: str) -> dict[str, str]:
    return {
        "INTERPLUG__SERVER__PUBLIC_URL": url,
        "INTERPLUG__STORE__URL": database,
        "INTERPLUG__STORE__KEY_FILE": str(first.folder / "node.key"),
        "INTERPLUG__NETWORK__TIMEOUT": "2",
        "INTERPLUG__NETWORK__LARGEST_ANSWER": "4000000",
        "INTERPLUG__DELIVERY__BACK_OFF": "0.2",
        "INTERPLUG__DELIVERY__BACK_OFF_LONGEST": "2",
        "INTERPLUG__OCPI__PAGE_LARGEST": "20",
    }


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in (found := list(tasks)):
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


def silent(_: str) -> None:
    """Says nothing while it goes on."""


@contextlib.asynccontextmanager
async def stage(
    folder: Path, plan: Plan, say: Any = silent, cluster: Cluster | None = None, release: Release = HERE
) -> AsyncIterator[Stage]:
    """A stage that is built, and that leaves no process behind."""
    built = Stage(folder, plan, say, cluster, release)
    try:
        await built.build()
        yield built
    finally:
        await built.close()
