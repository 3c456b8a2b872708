"""Which of the work that may be done once only is done by this process, where several serve one database.

Each process shows once a second that it lives. Whoever has not been seen to move for LOST seconds is dead, and what it held is taken by
the others, each its fair part. A process that could not say for HELD seconds that it lives holds nothing any more, whatever stands in
the database: it stops before the others begin (HELD is shorter than LOST). Seconds are those of each process's own timer, and count only
while it could look itself, so a database that was away for a while makes nobody dead.

What is given up in an orderly way (another process has come, this one ends) is first stopped here and then left in the database.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from interplug.store.leases import PROCESS, Lease
from interplug.store.store import Store
from interplug.store.tx import Tx

log = logging.getLogger(__name__)

BEAT = 1.0
HELD = 4.0
LOST = 6.0
FORGOTTEN = 600.0
SHARES = tuple(f"partners {share}" for share in range(16))
"""The connections are divided into these parts: to those of the parts that a process holds it pushes, and from them it pulls."""
Told = Callable[[frozenset[str]], Awaitable[None]]


def share_of(connection: int) -> str:
    return SHARES[connection % len(SHARES)]


@dataclass(slots=True)
class Seen:
    """A process as another sees it: its last sign of life, and for how long it has given none."""

    beat: int
    silent: float = 0.0


@dataclass(slots=True)
class View:
    """What a process makes of the rows; pure but for what it remembers of the others."""

    process: str
    names: tuple[str, ...]
    seen: dict[str, Seen] = field(default_factory=dict)

    def look(self, rows: Iterable[Lease], passed: float) -> None:
        beats = {row.holder: row.beat for row in rows if row.name.startswith(PROCESS)}
        self.seen = {process: self._seen(process, beat, passed) for process, beat in beats.items()}

    def _seen(self, process: str, beat: int, passed: float) -> Seen:
        before = self.seen.get(process)
        return Seen(beat) if before is None or before.beat != beat else Seen(beat, before.silent + passed)

    def living(self) -> set[str]:
        return {process for process, seen in self.seen.items() if seen.silent < LOST} | {self.process}

    def gone(self) -> list[str]:
        return [process for process, seen in self.seen.items() if seen.silent > FORGOTTEN]

    def held(self, rows: Iterable[Lease]) -> list[str]:
        return [row.name for row in rows if row.holder == self.process and row.name in self.names]

    def wanted(self, rows: Iterable[Lease]) -> tuple[list[str], list[str]]:
        """What is to be taken now, and what to be left to others: to each its fair part."""
        holders, living = {row.name: row.holder for row in rows}, self.living()
        mine = [name for name in self.names if holders.get(name) == self.process]
        free = [name for name in self.names if holders.get(name, "") not in living]
        fair = -(-len(self.names) // len(living))
        return free[: max(0, fair - len(mine))], mine[fair:]


class Tenure:
    """`told` hears what this process holds from now on, and has stopped the rest when it returns."""

    def __init__(self, store: Store, names: Iterable[str], told: Told, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.process = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        self._store, self._told, self._timer = store, told, timer
        self._view = View(self.process, tuple(names))
        self._held: frozenset[str] = frozenset()
        self._sure_until = 0.0
        self._looked_at: float | None = None

    def holds(self, name: str) -> bool:
        """Asked before each thing that only one process may do."""
        return name in self._held and self._timer() < self._sure_until

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(HELD):
                    await self.beat()
            except Exception as error:  # noqa: BLE001 (the database is away: what is held runs out by itself)
                log.warning("could not show that this process lives: %s", error)
            if self._timer() >= self._sure_until:
                await self._now(frozenset())
            await asyncio.sleep(BEAT)

    async def beat(self) -> None:
        began = self._timer()
        passed = 0.0 if self._looked_at is None else min(began - self._looked_at, 2 * BEAT)
        held, leave = await self._store.write(lambda tx: self._beat(tx, passed))
        self._looked_at, self._sure_until = began, began + HELD
        await self._now(frozenset(held) - frozenset(leave))
        if leave:
            await self._store.write(lambda tx: tx.leases.leave(leave, self.process))

    async def _beat(self, tx: Tx, passed: float) -> tuple[list[str], list[str]]:
        await tx.leases.lives(self.process)
        rows = await tx.leases.all()
        self._view.look(rows, passed)
        take, leave = self._view.wanted(rows)
        await tx.leases.take(take, self.process)
        await tx.leases.forget(self._view.gone())
        return [*self._view.held(rows), *take], leave

    async def end(self) -> None:
        """In an orderly way: what was held is free at once."""
        held = self._held
        await self._now(frozenset())
        await self._store.write(lambda tx: self._end(tx, held))

    async def _end(self, tx: Tx, held: frozenset[str]) -> None:
        await tx.leases.leave(sorted(held), self.process)
        await tx.leases.forget([self.process])

    async def _now(self, held: frozenset[str]) -> None:
        if held != self._held:
            self._held = held
            await self._told(held)
