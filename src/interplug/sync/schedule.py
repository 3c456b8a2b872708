"""When to pull: at once from a new partner, when either side was away, and every few hours with jitter (TRN-014, TRN-097).

Each list of each partner has a plan of its own. A list that was never read is read whole. When this process starts, and when a partner
that did not answer our pushes answers again, a delta brings over what was missed; once in a while, and when either side was away for
long, a whole list finds what deltas cannot. When that was is written down, so a restart puts nothing off. When a party comes to a
partner, as one behind a hub, its lists are read within seconds. A reading that fails goes on after a pause that doubles, or that the
partner asked for. One list of a partner at a time, a few partners at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from interplug.modules.node import Node
from interplug.partners.directory import Connection

from . import course
from .course import Course, Pulled
from .decide import needs_full_pull, pause
from .pull import pull, pulled
from .push import Push
from .taking import CLIENTS

log = logging.getLogger(__name__)

HOUR = 3600.0
AT_ONCE = 4
LOOK = 0.5
"""Seconds between looks at who is due."""
TOGETHER = 5.0
"""Seconds in which further parties may come to a partner before its lists are read for them."""


@dataclass(slots=True)
class Plan:
    """When a list is next read, and next read whole (seconds of the timer), and how its last attempts went."""

    due: float
    full_due: float
    failures: int = 0
    parties: frozenset[tuple[str, str]] = frozenset()
    """Those of the partner when it was last tried."""


@dataclass(slots=True)
class Partner:
    connection: Connection
    plans: dict[str, Plan] = field(default_factory=dict)
    down_since: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self.task is not None and not self.task.done()


class Schedule:
    """`timer` runs in seconds; `chance` gives 0 to 1. `push` knows which partners do not answer."""

    def __init__(
        self, node: Node, push: Push, *, timer: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self.node, self.push, self.timer, self.chance = node, push, timer, chance
        self.every, self.full_every = node.settings.pull.every * HOUR, node.settings.pull.full_every * HOUR
        self.partners: dict[int, Partner] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; a reading that is under way is cut off, and goes on where it was."""
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
            if not self.push.mine(connection.id):
                continue
            partner = self.partners.get(connection.id)
            if partner is None or partner.connection.registered_at != connection.registered_at:
                partner = self.partners[connection.id] = Partner(connection)
            partner.connection = connection
            await self._plan(partner, now)
            self._look_at_push(partner, now)
            self._look_at_parties(partner, now)
            due = [name for name, plan in partner.plans.items() if now >= plan.due]
            if due and not partner.running and len(self._tasks) < AT_ONCE:
                partner.task = asyncio.create_task(self._read(partner, due))
                self._tasks.add(partner.task)
                partner.task.add_done_callback(self._tasks.discard)

    async def let_go(self) -> None:
        """Of connections that are no longer this process's, nothing is read any more; whose they are now goes on where it was."""
        gone = [partner for number, partner in self.partners.items() if not self.push.mine(number)]
        for partner in gone:
            del self.partners[partner.connection.id]
            if partner.task is not None:
                partner.task.cancel()
        await asyncio.gather(*(partner.task for partner in gone if partner.task is not None), return_exceptions=True)

    async def idle(self) -> None:
        """Returns when all that was due has been read; for tests."""
        await self.tick()
        while self._tasks:
            await asyncio.wait(list(self._tasks))
            await self.tick()

    async def _plan(self, partner: Partner, now: float) -> None:
        """A plan for each list that the partner has, at once; the whole of it when the last whole one is long ago."""
        lists = [module.id for module in pulled(self.node, partner.connection)]
        for name in partner.plans.keys() - set(lists):
            del partner.plans[name]
        new = [name for name in lists if name not in partner.plans]
        if not new:
            return
        known = await self.node.store.read(lambda tx: tx.pulls.all())
        for name in new:
            doc = known.get((partner.connection.id, name))
            stands = Course() if doc is None else course.decoded(doc)
            ago = max(0.0, (self.node.clock() - stands.full_at) / 1_000_000) if stands.full_at else 0.0
            partner.plans[name] = Plan(now, now + max(0.0, self._jitter(self.full_every) - ago))

    def _look_at_push(self, partner: Partner, now: float) -> None:
        """A partner that failed and is well again has been away, and so have we for it."""
        lane = self.push.lanes.get(partner.connection.id)
        if lane is not None and lane.failures > 0:
            partner.down_since = now if partner.down_since is None else partner.down_since
        elif partner.down_since is not None:
            long = needs_full_pull(now - partner.down_since, self.node.settings.delivery.full_pull_after)
            for plan in partner.plans.values():
                plan.due, plan.full_due = now, now if long else plan.full_due
            partner.down_since = None

    def _look_at_parties(self, partner: Partner, now: float) -> None:
        """What a party has that is new here was listed before, and set aside; what one was to tell that was away meanwhile, too."""
        writable = partner.connection.writable
        for name, plan in partner.plans.items():
            if name != CLIENTS and not writable <= plan.parties:
                plan.due = min(plan.due, now + TOGETHER)
            plan.parties &= writable

    async def _read(self, partner: Partner, due: list[str]) -> None:
        for name in due:
            await self._read_one(partner, name)

    async def _read_one(self, partner: Partner, name: str) -> None:
        plan, report = partner.plans[name], None
        full = self.timer() >= plan.full_due
        connection = self.node.directory.by_id(partner.connection.id) or partner.connection
        plan.parties = connection.writable
        try:
            (report,) = await pull(self.node, connection, (name,), full=full) or (None,)
        except Exception:
            log.exception("pull of %s from %s", name, partner.connection.partner)
        if report is not None:
            self._tell(partner, report)
        now = self.timer()
        if report is not None and report.fault is None:
            plan.failures, plan.due = 0, now + self._jitter(self.every)
            if report.full:
                plan.full_due = now + self._jitter(self.full_every)
            if report.missing:
                # Whether it has ended shows when the time of grace is over.
                plan.due = plan.full_due = min(plan.full_due, now + self.node.settings.pull.grace * HOUR)
            return
        plan.failures += 1
        settings = self.node.settings.delivery
        wait = pause(plan.failures, settings.back_off, settings.back_off_longest, self.chance())
        plan.due = now + max(wait, (report.retry_after if report is not None else None) or 0.0)

    def _tell(self, partner: Partner, report: Pulled) -> None:
        for what in (*report.notes, *([report.fault] if report.fault else ())):
            log.warning("the list of %s of %s: %s", report.module, partner.connection.partner, what)

    def _jitter(self, seconds: float) -> float:
        return seconds * (0.75 + self.chance() / 2)
