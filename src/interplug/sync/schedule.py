"""When to pull: at once from a new partner, when either side was away, and every few hours with jitter (TRN-014, TRN-097).

A connection that was never pulled gets a full pull. When this process starts, and when a partner that did not answer our pushes
answers again, a delta brings over what was missed; once in a while a full pull finds what deltas cannot. A pull that fails is
tried again after a pause that doubles. One pull a connection at a time, a few connections at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from interplug.modules.node import Node
from interplug.partners.directory import Connection

from .decide import pause
from .pull import pull
from .push import Push

log = logging.getLogger(__name__)

HOURS = 3600.0
DELTA_EVERY = 6 * HOURS
FULL_EVERY = 7 * 24 * HOURS
AT_ONCE = 4
LOOK = 0.5
"""Seconds between looks at who is due."""


@dataclass(slots=True)
class Plan:
    """When a connection is next pulled (seconds of the timer), and how its last attempts went."""

    connection: Connection
    due: float
    full_due: float
    failures: int = 0
    was_down: bool = False
    running: bool = False


class Schedule:
    """`timer` runs in seconds; `chance` gives 0 to 1. `push` knows which partners do not answer."""

    def __init__(
        self, node: Node, push: Push, *, timer: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self.node, self.push, self.timer, self.chance = node, push, timer, chance
        self.plans: dict[int, Plan] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; a pull that is under way is given up, and the next one begins where its cursor is."""
        try:
            while True:
                await self.tick()
                await asyncio.sleep(LOOK)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tick(self) -> None:
        now = self.timer()
        for connection in self.node.directory.all(registered=True):
            plan = self.plans.get(connection.id)
            if plan is None or plan.connection.registered_at != connection.registered_at:
                plan = self.plans[connection.id] = Plan(connection, now, now + self._jitter(FULL_EVERY))
            plan.connection = connection
            self._look_at_push(plan, now)
            if not plan.running and now >= plan.due and len(self._tasks) < AT_ONCE:
                plan.running = True
                task = asyncio.create_task(self._pull(plan))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Returns when all that was due has been pulled; for tests."""
        await self.tick()
        while self._tasks:
            await asyncio.wait(list(self._tasks))
            await self.tick()

    def _look_at_push(self, plan: Plan, now: float) -> None:
        """A partner that failed and is well again has been away, and so have we for it."""
        lane = self.push.lanes.get(plan.connection.id)
        down = lane is not None and lane.failures > 0
        if plan.was_down and not down:
            plan.due = min(plan.due, now)
        plan.was_down = down

    async def _pull(self, plan: Plan) -> None:
        now, well = self.timer(), False
        try:
            full = now >= plan.full_due
            reports = await pull(self.node, plan.connection, full=full)
            well = all(report.fault is None for report in reports)
            if well and full:
                plan.full_due = now + self._jitter(FULL_EVERY)
            for report in reports:
                if report.fault is not None:
                    log.warning("pull of %s from %s: %s", report.module, plan.connection.partner, report.fault)
        except Exception:
            log.exception("pull from %s", plan.connection.partner)
        finally:
            plan.running = False
            plan.failures = 0 if well else plan.failures + 1
            settings = self.node.settings.delivery
            again = DELTA_EVERY if well else pause(plan.failures, settings.back_off, settings.back_off_longest, self.chance())
            plan.due = self.timer() + (self._jitter(again) if well else again)

    def _jitter(self, seconds: float) -> float:
        return seconds * (0.75 + self.chance() / 2)
