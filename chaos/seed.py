"""One seed: two nodes that are joined, rounds of storm and calm, and what was found.

In a round everything happens at once: owners write, partners tell, processes die, the wire misbehaves. Then the wire is clean, everything
runs, nothing more is written, and the two sides have to be level within `CALM` seconds, without a manual step. In every second round no
list is given, so that pushes alone must do it; a pull after a restart would else heal what a push has left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.nodes import Filled
from interplug import config
from interplug.cli.demo.processes import NodeProcess
from interplug.config import Settings
from interplug.modules.opening import opened
from interplug.partners.client import PageFailed
from interplug.partners.invitations import invite
from interplug.partners.registration import Wish, register
from interplug.stations import city
from tests.postgres import Cluster

from .city import CARDS, LOCATIONS, OPERATOR, PLAYED, PROVIDER, card
from .compare import Findings, eyes
from .journal import Journal
from .lives import Deaths, Supervisor, WriterProcess, most_memory
from .partner import Played
from .proxy import Proxy
from .weather import Weather

CALM = 60.0
"""Seconds within which both sides have to be level."""
SABOTAGED_CALM = 8.0
SERVER_LIFE = (3.0, 10.0)
VERSIONS = ("2.2.1", "2.3.0", "2.1.1")
STORE_PLACES = ("store.before_commit", "store.in_commit", "store.after_commit")
PLACES = {
    "cpo": (*STORE_PLACES, "push.before_send", "push.after_send", "push.before_checkpoint", "push.after_checkpoint"),
    "emsp": (*STORE_PLACES, "push.before_send", "push.after_send", "pull.after_page"),
    "writer": STORE_PLACES,
}


@dataclass(frozen=True)
class Plan:
    """How wild, how long."""

    seed: int
    rounds: int = 4
    kills: int = 50
    faults: int = 200
    """At least so many of each, in all rounds together."""
    longest: float = 60.0
    """Seconds of storm after which a round ends, whatever has happened."""
    wildness: float = 0.25
    engine: str = "sqlite"
    sabotage: str | None = None

    @property
    def version(self) -> str:
        return VERSIONS[self.seed % len(VERSIONS)]


@dataclass
class Outcome:
    plan: Plan
    deaths: Deaths = field(default_factory=Deaths)
    faults: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    compared: int = 0
    tried: int = 0
    acknowledged: int = 0
    different: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    stored: int = 0
    """Bytes of the databases at the end."""
    seconds: float = 0.0
    slowest_calm: float = 0.0

    @property
    def all_faults(self) -> int:
        return self.faults.total() + self.deaths.disks + self.deaths.jumps

    @property
    def found(self) -> bool:
        return bool(self.different or self.lost or self.doubled or self.left_over or self.older or self.deaths.ended)

    def take(self, findings: Findings) -> None:
        self.compared += findings.compared
        self.different += findings.different
        self.lost += findings.lost
        self.doubled += findings.doubled
        self.left_over += findings.left_over


class Bench:
    def __init__(self, folder: Path, plan: Plan, say: Any, cluster: Cluster | None) -> None:
        self.folder, self.plan, self.say, self.cluster = folder, plan, say, cluster
        self._rest = contextlib.ExitStack()
        self.chance = random.Random(plan.seed)
        self.outcome = Outcome(plan)
        self.journal, self.told = Journal(), Journal()
        self.weather = Weather(random.Random(f"weather/{plan.seed}"), happened=self.outcome.faults)
        self.nodes: dict[str, NodeProcess] = {}
        self.proxies: dict[str, Proxy] = {}
        self.supervisors: list[Supervisor] = []
        self.writers: list[WriterProcess] = []

    # --- built

    async def build(self) -> None:
        """Nodes behind their proxies, furnished and joined by a handshake; the wire is clean."""
        parties = {"cpo": ("CPO", OPERATOR.name, OPERATOR.country_code, OPERATOR.party_id), "emsp": ("EMSP", PROVIDER[2], *PROVIDER[:2])}
        for name, (role, company, country, party) in parties.items():
            node = NodeProcess(self.folder / name, company, company, role, f"{country}-{party}", [self.plan.version, "2.3.0"], "")
            proxy = self.proxies[name] = Proxy(name, node.url, self.weather)
            await proxy.start()
            node.environment = _environment(proxy.url)
            if self.cluster is not None:
                node.environment["INTERPLUG__STORE__URL"] = self._rest.enter_context(self.cluster.database())
            self.nodes[name] = node
        await self._furnish()
        for number, (name, process) in enumerate(self.nodes.items()):
            self._supervise(name, process, number)
        await asyncio.gather(*(supervisor.calm_start() for supervisor in self.supervisors))
        connection = await self._join()
        self.writers = [
            WriterProcess(self.nodes["cpo"], "cpo", connection, self.journal),
            WriterProcess(self.nodes["emsp"], "emsp", 0, self.journal),
        ]
        for number, writer in enumerate(self.writers, len(self.nodes)):
            self._supervise("writer", writer, number)
        for supervisor in self.supervisors:  # from their next life on: the handshake is not what is tried
            supervisor.sabotage = self.plan.sabotage

    async def _furnish(self) -> None:
        now = time.time_ns() // 1000
        async with Filled(self.settings["cpo"]) as cpo:
            await cpo.party("CPO", OPERATOR.country_code, OPERATOR.party_id)
            await cpo.objects("tariffs", city.tariffs(OPERATOR, now))
            await cpo.objects("locations", city.locations(OPERATOR, now, seed=1, count=LOCATIONS))
        async with Filled(self.settings["emsp"]) as emsp:
            await emsp.party("EMSP", *PROVIDER[:2])
            await emsp.objects("tokens", (card(number, now) for number in range(CARDS)))
            await emsp.partner(PLAYED.name, "2.3.0", ("CPO", PLAYED.country_code, PLAYED.party_id))

    async def _join(self) -> int:
        """The number that the provider has at the operator."""
        async with opened(self.settings["cpo"]) as cpo, opened(self.settings["emsp"]) as emsp:
            invitation = await invite(cpo.directory, self.nodes["emsp"].company, version=self.plan.version)
            wish = Wish(name=self.nodes["cpo"].company, version=self.plan.version)
            await register(emsp.directory, emsp.client, invitation.versions_url, invitation.token, wish)
            return invitation.connection

    def _supervise(self, kind: str, process: NodeProcess | WriterProcess, number: int) -> None:
        chance = random.Random(f"lives/{self.plan.seed}/{number}")
        self.supervisors.append(Supervisor(process, PLACES[kind], chance, self.outcome.deaths))

    @property
    def settings(self) -> dict[str, Settings]:
        return {name: config.load(node.config, node.environment) for name, node in self.nodes.items()}

    # --- rounds

    async def run(self) -> Outcome:
        began = time.monotonic()
        await self._calm("before the storms")
        for number in range(1, self.plan.rounds + 1):
            await self._round(number)
            if self.plan.sabotage and self.outcome.found:
                break
        outcome = self.outcome
        for node in self.nodes.values():
            if node.process is not None:
                outcome.deaths.memory = max(outcome.deaths.memory, most_memory(node.process.pid))
        outcome.older = [one for proxy in self.proxies.values() for one in proxy.older]
        outcome.tried, outcome.acknowledged = (
            sum(getattr(one, what) for one in (self.journal, self.told)) for what in ("tries", "acknowledged")
        )
        outcome.stored = sum(file.stat().st_size for node in self.nodes.values() for file in node.folder.glob("node.db*"))
        outcome.seconds = time.monotonic() - began
        return outcome

    async def _round(self, number: int) -> None:
        await self.proxies["emsp"].quiet()
        self.weather.wildness, self.weather.lists = self.plan.wildness, number % 2 == 0
        self.played = Played(f"{self.proxies['emsp'].url}/ocpi/2.3.0/receiver", self._door("emsp"), self.told, f"{self.plan.seed}/{number}")
        over = asyncio.Event()
        telling = asyncio.create_task(self.played.run())
        storms = [asyncio.create_task(one.storm(over)) for one in self.supervisors]
        restarts = asyncio.create_task(self._restarts())
        try:
            await self._enough(number)
            over.set()
            await _cancelled([restarts])
            await asyncio.gather(*storms)
            self.weather.calm()
            self.played.ending = True
            await telling
        finally:
            await _cancelled([restarts, *storms, telling])
        await asyncio.gather(*(writer.end() for writer in self.writers))
        await asyncio.gather(*(proxy.quiet() for proxy in self.proxies.values()))
        async with self._guarded():
            await self._calm(f"round {number}")
        self.weather.lists = True

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        guards = [asyncio.create_task(one.guard()) for one in self.supervisors[: len(self.nodes)]]
        try:
            yield
        finally:
            await _cancelled(guards)

    async def _restarts(self) -> None:
        """The server of the databases is killed, too, and comes back."""
        while self.cluster is not None:
            await asyncio.sleep(self.chance.uniform(*SERVER_LIFE))
            self.outcome.deaths.killed["the database server"] += 1
            self.cluster.stop()
            self.outcome.deaths.server_killed = time.monotonic()
            try:
                await asyncio.sleep(self.chance.uniform(0.1, 1.0))
            finally:
                self.cluster.start()

    def _door(self, name: str) -> str:
        return f"{self.nodes[name].url}/ocpi/2.3.0/receiver"

    async def _enough(self, number: int) -> None:
        """The share of this round has happened."""
        share, end = number / self.plan.rounds, time.monotonic() + self.plan.longest
        while time.monotonic() < end:
            if self.outcome.deaths.kills >= share * self.plan.kills and self.outcome.all_faults >= share * self.plan.faults:
                return
            await asyncio.sleep(0.1)

    async def _calm(self, when: str) -> None:
        """Both sides are level, or what is not is a finding."""
        began = time.monotonic()
        direct = {proxy.url: proxy.target for proxy in self.proxies.values()}
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
            lost, compared = await self.played.losses()
            findings.lost += lost
            findings.compared += compared
        self.outcome.slowest_calm = max(self.outcome.slowest_calm, time.monotonic() - began)
        self.outcome.take(findings)
        self.outcome.messages = sum(proxy.messages for proxy in self.proxies.values())
        done = self.outcome
        self.say(
            f"seed {self.plan.seed}, {when}: {done.deaths.kills} kills, {done.all_faults} faults, {done.messages} messages, "
            f"{done.compared} compared; {'level' if findings.level else 'NOT level'} after {time.monotonic() - began:.0f} s"
        )

    async def close(self) -> None:
        await asyncio.gather(*(process.end() for process in (*self.writers, *self.nodes.values())), return_exceptions=True)
        for proxy in self.proxies.values():
            await proxy.stop()
        for node in self.nodes.values():
            node.release()
        self._rest.close()


def _environment(url: str) -> dict[str, str]:
    return {
        "INTERPLUG__SERVER__PUBLIC_URL": url,
        "INTERPLUG__NETWORK__TIMEOUT": "2",
        "INTERPLUG__NETWORK__LARGEST_ANSWER": "4000000",
        "INTERPLUG__DELIVERY__BACK_OFF": "0.2",
        "INTERPLUG__DELIVERY__BACK_OFF_LONGEST": "2",
        "INTERPLUG__OCPI__PAGE_LARGEST": "20",
    }


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in (found := list(tasks)):
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


@contextlib.asynccontextmanager
async def bench(folder: Path, plan: Plan, say: Any = lambda text: None, cluster: Cluster | None = None) -> AsyncIterator[Bench]:
    """A bench that is built, and that leaves no process behind. `cluster`: the PostgreSQL server that holds the databases."""
    built = Bench(folder, plan, say, cluster)
    try:
        await built.build()
        yield built
    finally:
        await built.close()
