"""What runs beside the requests. A loop that fails is started again after a pause, and says so meanwhile.

Some run in every process (`here`); some may run once only (`once`): always, where one process serves the database, else while this
process holds them (`tenure`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from .tenure import Tenure

log = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds until a loop that failed is started again."""
Loop = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Loops:
    """`failures` is what `/health/ready` tells."""

    here: Mapping[str, Loop]
    once: Mapping[str, Loop] = field(default_factory=dict)
    tenure: Tenure | None = None
    failures: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self) -> None:
        self._begin(self.here)
        if self.tenure is None:
            self._begin(self.once)
        else:
            self._begin({"leases": self.tenure.run})

    async def hold(self, held: frozenset[str]) -> None:
        """Only these of the loops that may run once are to run here, from now on."""
        await self._end([name for name in self.tasks if name in self.once and name not in held])
        self._begin({name: run for name, run in self.once.items() if name in held and name not in self.tasks})

    def wrong(self) -> dict[str, str]:
        ended = {f"{name} loop": "has ended" for name, task in self.tasks.items() if task.done()}
        return ended | {f"{name} loop": why for name, why in self.failures.items()}

    async def stop(self) -> dict[str, str]:
        """First what sends, then what this process holds is left to others. What could not be brought to its end is told, by name."""
        wrong = await self._end([name for name in self.tasks if name not in self.once])
        if self.tenure is not None:
            try:
                await self.tenure.end()
            except Exception as error:  # noqa: BLE001 (the database is away: the others wait until it counts as dead)
                wrong["leases"] = _said(error)
        return wrong | await self._end(list(self.tasks))

    def _begin(self, named: Mapping[str, Loop]) -> None:
        self.tasks |= {name: asyncio.create_task(self._keep(name, run), name=name) for name, run in named.items()}

    async def _end(self, names: list[str]) -> dict[str, str]:
        tasks = [self.tasks.pop(name) for name in names]
        for task in tasks:
            task.cancel()
        ends = dict(zip(names, await asyncio.gather(*tasks, return_exceptions=True), strict=True))
        failed = {name: self.failures.pop(name) for name in names if name in self.failures}
        return failed | {name: _said(end) for name, end in ends.items() if isinstance(end, Exception)}

    async def _keep(self, name: str, run: Loop) -> None:
        while True:
            try:
                await run()
                return
            except Exception as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise  # it was told to end, and could not write its last
                log.exception("the loop %s failed and is started again", name)
                self.failures[name] = _said(error)
            await asyncio.sleep(AGAIN)
            self.failures.pop(name, None)


def _said(error: Exception) -> str:
    return f"failed: {type(error).__name__}"
