"""A release takes the place of another under load, and goes again: one process after the other, and nobody notices.

Everything begins with the release that was kept last, on its own schema. What replaces it is this release with one step of the schema
more, so that the first of its processes changes every table under the others. It is killed while it does. Then all are of the new
release, then all are of the old one again, on the schema of the new; each time some of both serve one database (of SQLite: the node and
the systems beside it). In between work has to go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from interplug.cli.demo.processes import NodeProcess

from . import releases
from .compare import OF_OPERATOR
from .lives import WriterProcess
from .outcome import Outcome
from .releases import Release
from .stage import Stage, cancelled

WILDNESS = 0.1
STANDSTILL = 60.0
YOUNG = (0.3, 1.5)
"""Seconds after its start in which the first process of the new release is killed."""


class Roll:
    """`work` is how many more writes have to be acknowledged, and as many messages told, before the next process is replaced."""

    def __init__(self, stage: Stage, work: int) -> None:
        self.stage, self.work = stage, work
        self.now = stage.release
        self.next = releases.after(stage.folder / "next")

    async def run(self) -> Outcome:
        began, stage = time.monotonic(), self.stage
        telling = stage.telling("roll")
        try:
            await asyncio.gather(*(writer.start(**self.now.environment) for writer in stage.writers))
            await self._goes_on("before", until=self._has_pulled)
            stage.weather.wildness, stage.weather.lists = WILDNESS, False
            await self._goes_on("before, without lists")
            await self._killed_at_once()
            await self._all(self.next, "the new release")
            await self._all(self.now, "the old release again")
            stage.weather.calm()
            stage.played.ending = True
            await telling
        finally:
            await cancelled([telling])
        await stage.still()
        await stage.calm("after the roll")
        if self.stage.plan.workers > 1:
            stage.outcome.noticed += [one for proxy in stage.proxies.values() for one in proxy.unanswered]
        stage.outcome.slowest_answer = max(proxy.slowest for proxy in stage.proxies.values())
        return stage.told_all(time.monotonic() - began)

    async def _killed_at_once(self) -> None:
        """The first of the new release does not come to its end with the schema."""
        for node in self.stage.nodes.values():
            process = node[0]
            await process.end()
            starting = asyncio.create_task(process.start(**self.next.environment))
            await asyncio.sleep(self.stage.chance.uniform(*YOUNG))
            await process.kill()
            self.stage.outcome.deaths.killed["while it changed the schema"] += 1
            with contextlib.suppress(Exception):
                await starting

    async def _all(self, release: Release, name: str) -> None:
        """One process of each node after the other, in the middle of them what else works with the database."""
        one, *others = zip(*self.stage.nodes.values(), strict=True)
        steps: list[Sequence[NodeProcess | WriterProcess]] = [one, self.stage.writers, *others]
        for number, step in enumerate(steps, 1):
            await asyncio.gather(*(self._replace(process, release) for process in step))
            await self._goes_on(f"{name}, {number} of {len(steps)}")

    async def _replace(self, process: NodeProcess | WriterProcess, release: Release) -> None:
        alive = process.process is not None and process.process.returncode is None
        await process.end()
        if isinstance(process, WriterProcess):
            process.root = release.root
        elif alive and process.process is not None and process.process.returncode:
            self.stage.outcome.deaths.ended.append(f"{process.name} ended with {process.process.returncode} when it was told to stop")
        await process.start(**release.environment)

    def _has_pulled(self) -> bool:
        """Each side has read the other's lists, as it does when they are new to each other."""
        return {*OF_OPERATOR, "tokens"} <= set().union(*(proxy.listed for proxy in self.stage.proxies.values()))

    async def _goes_on(self, when: str, until: Callable[[], bool] = lambda: True) -> None:
        records = (self.stage.journal, self.stage.told)
        goal = [one.acknowledged + self.work for one in records]
        end = time.monotonic() + STANDSTILL
        while not until() or any(one.acknowledged < least for one, least in zip(records, goal, strict=True)):
            if time.monotonic() > end:
                self.stage.outcome.different.append(f"{when}: nothing goes on any more")
                return
            await asyncio.sleep(0.05)
        self.stage.say(f"roll, {when}: {sum(one.acknowledged for one in records)} acknowledged")
