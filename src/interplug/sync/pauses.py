"""Which partners are left alone, since when and why, written down for whoever asks this database, and for the next process.

A pause is told, not obeyed: a process that starts tries every partner at once. Only what has changed is written, with the cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.store.cursors import Pause
from interplug.store.tx import Tx


class Lane(Protocol):
    connection: Connection
    live: bool
    failures: int
    failing_since: int
    paused_until: float
    last_error: str


class Pauses:
    def __init__(self, node: Node, timer: Callable[[], float]) -> None:
        self.node, self.timer = node, timer
        self._written: dict[int, Pause] = {}

    async def load(self) -> None:
        self._written = await self.node.store.read(lambda tx: tx.cursors.pauses())

    def lasting(self, connection: int) -> float:
        """Seconds for which this partner has failed by now, as far as is known."""
        known = self._written.get(connection)
        return 0.0 if known is None else max(0, self.node.clock() - known.since) / 1_000_000 / self.node.speed

    async def hastened(self) -> list[int]:
        """The partners that somebody wants to be asked now."""
        return [number for number, pause in (await self.node.store.read(lambda tx: tx.cursors.pauses())).items() if pause.until == 0]

    async def write(self, lanes: Iterable[Lane]) -> None:
        failing, well = [], []
        for lane in lanes:
            known = self._written.get(lane.connection.id)
            if lane.failures and (known is None or (known.failures, known.why) != (lane.failures, lane.last_error)):
                failing.append(self._pause(lane, known))
            elif known is not None and lane.live and not lane.failures:
                well.append(lane.connection.id)
        if not failing and not well:
            return

        async def work(tx: Tx) -> None:
            await tx.cursors.pause(failing)
            await tx.cursors.well(well)

        await self.node.store.write(work)
        self._written.update({one.connection: one for one in failing})
        for connection in well:
            del self._written[connection]

    def _pause(self, lane: Lane, known: Pause | None) -> Pause:
        until = self.node.after(max(0.0, lane.paused_until - self.timer()))
        return Pause(lane.connection.id, lane.failures, until, lane.last_error, lane.failing_since if known is None else known.since)
