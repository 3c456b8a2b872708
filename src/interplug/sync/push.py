"""Push: every change of our own objects to every partner that may see it, within a second, in its newest form.

One reader takes the change log a tick at a time and hands keys to the lanes, one lane a connection (`lane`). A dead partner costs one
row, and a partner that returns gets each changed object once.

A cursor is the number below which nothing is unsent. Cursors are written together about once a second and at the end; after a crash
objects may be sent again, never left out. A connection that was never seen starts at the head of the log: it pulls. One that speaks
another version than before is told of everything, and so is one that was away longer than `delivery.full_pull_after`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import NamedTuple

from interplug import faults
from interplug.modules.node import Node
from interplug.partners import audiences, states
from interplug.partners.directory import Connection
from interplug.protocol.routes import Module
from interplug.store.bodies import LOCATIONS
from interplug.store.cursors import LOG, VERSION
from interplug.store.keys import Change
from interplug.store.tx import Tx

from .decide import needs_full_pull
from .item import Item
from .lane import PART, Lane, same_way
from .pauses import Pauses
from .refusals import Refusals
from .statuses import Statuses

log = logging.getLogger(__name__)

CHECKPOINT = 1.0
LAST_SENT = 2.0
"""Seconds that what is on its way may take when the node is told to stop."""
SETTLE = 3.0
"""Seconds after a change of version before the first push: the partner has to read our answer to its PUT first."""
NOTED = 60.0
"""Seconds between two notes that a partner has read the same list, where nobody waits for it."""
AT_ONCE = 100
"""Refused objects of a partner that are tried again at a time."""


def pushed(modules: tuple[Module, ...]) -> dict[str, Module]:
    """The modules whose objects are brought to receivers: those with an owner's key and a PUT or POST there."""
    return {
        module.id: module
        for module in modules
        if not module.configuration
        and not module.call
        and any(route.side == "RECEIVER" and route.method in ("PUT", "POST") for route in module.routes)
    }


class Listeners(NamedTuple):
    """The lanes by audience, and the modules of which somebody is told: what operators write into a provider's node mostly goes to nobody.
    None where Locations are among them, for those are most of the log."""

    lanes: dict[int, list[Lane]]
    modules: Collection[str] | None


class Push:
    """The reader and its lanes. `timer` runs in seconds and only spaces attempts; `chance` gives 0 to 1. `mine` says which connections
    are this process's, where there are several; it is asked again before each object that is sent. `rest` lets seconds pass."""

    def __init__(
        self,
        node: Node,
        *,
        timer: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        mine: Callable[[int], bool] = lambda _: True,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.node = node
        self.rest = rest
        self.mine = mine
        self.settings = node.settings.delivery
        self.modules = pushed(node.modules)
        self.timer, self.chance = timer, chance
        self.shared = node.store.place.shared
        self.refusals = Refusals(node, timer)
        self.statuses = Statuses(node)
        self.lanes: dict[int, Lane] = {}
        self._listening: Listeners | None = None
        """None: the lanes have changed."""
        self.position = 0
        self.now = timer()
        """When this tick began."""
        self.ending = False
        """Nothing new is sent any more."""
        self._pauses = Pauses(node, timer)
        self._cursors: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._versions: dict[int, int] = {}
        self._impatient: set[int] = set()
        """The connections that are known to need a full pull."""
        self._checkpoint_at = 0.0
        self._heard_at: dict[int, int] = {}
        self._noted: dict[tuple[int, str], float] = {}
        """When it was last written down that a partner has read a list."""

    async def run(self) -> None:
        """Until cancelled; then the cursors are written a last time."""
        await self.start()
        try:
            while True:
                await self.node.store.changed(self.position, self.settings.tick)
                await self.tick()
        finally:
            await self.stop()

    async def start(self) -> None:
        """From what is written; also after a failure, when what the lanes held may be half done."""
        self.lanes.clear()
        self._listening = None
        self.ending = False
        await self._pauses.load()
        await self.refusals.load()
        self._cursors, self._saved, self._versions = {}, {}, {}
        await self._load_cursors()
        self.position = await self.node.store.look()

    async def _load_cursors(self) -> None:
        """Of all who have no lane here."""
        for (connection, module), number in (await self.node.store.read(lambda tx: tx.cursors.all())).items():
            if module == LOG and connection not in self.lanes:
                self._cursors[connection] = self._saved[connection] = number
            elif module == VERSION and connection not in self.lanes:
                self._versions[connection] = number

    async def stop(self) -> None:
        """What is on its way is waited for, so that it is known to have arrived; then the cursors are written."""
        self.ending = True
        await self._finish(self.lanes.values())
        await self._checkpoint()

    async def let_go(self) -> None:
        """Lanes of connections that are no longer this process's come to their end, and their cursors are written."""
        gone = {number: lane for number, lane in self.lanes.items() if not self.mine(number)}
        if not gone:
            return
        for lane in gone.values():
            lane.leaving = True
        await self._finish(gone.values())
        await self._checkpoint()
        for number in gone:
            self.lanes.pop(number, None)
        self._listening = None

    async def _finish(self, lanes: Iterable[Lane]) -> None:
        running = [lane.task for lane in lanes if lane.task is not None and not lane.task.done()]
        if running:
            await asyncio.wait(running, timeout=LAST_SENT)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def tick(self) -> None:
        """One look at the log and at the lanes."""
        self.now = self.timer()
        await self.node.directory.refresh()
        await self._lanes()
        await self._hand_out()
        await self._has_read()
        once_a_second = self.now >= self._checkpoint_at
        if once_a_second:
            self._checkpoint_at = self.now + CHECKPOINT
            await self._try_again()
            await self._hear()
        self._start_lanes()
        if once_a_second:
            await self._checkpoint()
            await self._grow_impatient()

    async def idle(self) -> None:
        """Returns when every lane has sent what it can; for tests and for a command that pushes once."""
        await self.tick()
        while busy := [lane.task for lane in self.lanes.values() if lane.task is not None and not lane.task.done()]:
            await asyncio.wait(busy)
            await self.tick()

    async def _hand_out(self) -> None:
        more = True
        while more:
            changes, self.position, more = await self.node.store.news(self.position, PART, self._listeners().modules)
            for change in changes:
                for lane in self._lanes_that_see(change):
                    lane.offer(change)

    def _listeners(self) -> Listeners:
        if self._listening is None:
            seeing: dict[int, list[Lane]] = {}
            for lane in self.lanes.values():
                for audience in {*lane.connection.audiences, *lane.connection.steered}:
                    seeing.setdefault(audience, []).append(lane)
            told = {name for name in self.modules for lane in self.lanes.values() if lane.connection.endpoint(name, "RECEIVER")}
            self._listening = Listeners(seeing, None if LOCATIONS in told else told)
        return self._listening

    def _lanes_that_see(self, change: Change) -> Iterable[Lane]:
        """Those whose connections are in an audience that the object has or had; of a thousand partners often a few."""
        seeing = self._listeners().lanes
        if not change.was:
            return seeing.get(change.audience, ())
        return {id(lane): lane for one in (change.audience, *change.was) for lane in seeing.get(one, ())}.values()

    # --- lanes

    async def _lanes(self) -> None:
        """A lane for each registered connection; a changed connection (version, visibility, endpoints) gets a new one, when what is on
        its way has come to an end."""
        registered = {one.id: one for one in self.node.directory.all(registered=True) if self.mine(one.id)}
        for number, lane in list(self.lanes.items()):
            now = registered.get(number)
            if now is not None and same_way(now, lane.connection):
                lane.resyncing |= lane.connection is not now
                lane.connection = lane.delivery.connection = now
            else:
                lane.leaving = True
            if lane.leaving and lane.idle:
                await self._leave(lane, now)
        entering = [connection for number, connection in registered.items() if number not in self.lanes]
        if entering and self.shared:  # another process has moved their cursors
            await self._pauses.load()
            await self.refusals.load()
            await self._load_cursors()
        for connection in entering:
            await self._enter(connection)

    async def _enter(self, connection: Connection) -> None:
        number, version = connection.id, int((connection.version or "0").replace(".", ""))
        cursor, before = self._cursors.setdefault(number, self.position), self._versions.get(number)
        if before != version or number not in self._saved:

            async def work(tx: Tx) -> None:
                await tx.cursors.move([(number, LOG, cursor), (number, VERSION, version)])
                if before is not None and before != version:
                    await audiences.all_again(tx, connection)

            await self.node.store.write(work)
            self._saved[number], self._versions[number] = cursor, version
        self.lanes[number] = lane = Lane(self, connection, cursor)
        self._listening = None
        lane.behind_since -= self._pauses.lasting(number)
        if before is not None and before != version:
            lane.paused_until = self.timer() + SETTLE

    async def _leave(self, lane: Lane, now: Connection | None) -> None:
        number = lane.connection.id
        lane.stand_back()
        del self.lanes[number]
        self._listening = None
        self._cursors[number] = lane.cursor
        known = self.node.directory.by_id(number)
        if now is not None:
            return
        if known is not None and known.state in (states.SUSPENDED, states.REGISTERED):
            # It is told of what has changed when the suspension ends; or another process goes on from here.
            await self.node.store.write(lambda tx: tx.cursors.move([(number, LOG, lane.cursor)]))
            return
        for mine in (self._cursors, self._saved, self._versions):
            mine.pop(number, None)
        await self.node.store.write(lambda tx: tx.cursors.forget(number))

    def _start_lanes(self) -> None:
        heard, self.node.heard = self.node.heard, set()
        for lane in self.lanes.values():
            if lane.connection.id in heard:
                lane.hear()
            if lane.due(self.now):
                lane.task = asyncio.create_task(lane.run())

    # --- about once a second

    async def _checkpoint(self) -> None:
        moved = {of: lane.reached() for of, lane in self.lanes.items()}
        self._cursors.update(moved)
        changed = [(of, LOG, number) for of, number in moved.items() if self._saved.get(of) != number]
        if changed:
            faults.at("push.before_checkpoint")
            await self.node.store.write(lambda tx: tx.cursors.move(changed))
            faults.at("push.after_checkpoint")
            self._saved.update({of: number for of, _, number in changed})
        await self._pauses.write(self.lanes.values())

    async def _hear(self) -> None:
        """Partners that fail here may have spoken to another process."""
        failing = [lane for lane in self.lanes.values() if lane.failures]
        if self.shared and failing:
            before, self._heard_at = self._heard_at, await self.node.store.read(lambda tx: tx.pulses.heard(), snapshot=False)
            for lane in failing:
                heard = self._heard_at.get(lane.connection.id, 0)
                if heard > before.get(lane.connection.id, heard):
                    lane.hear()

    async def _try_again(self) -> None:
        """What was refused and is due, and at once what somebody asks for."""
        if await self.refusals.asked():
            for number in await self._pauses.hastened():
                if (lane := self.lanes.get(number)) is not None:
                    lane.paused_until = lane.asked_until = 0.0
            for row in await self.node.store.read(lambda tx: tx.cursors.resyncs()):
                if (lane := self.lanes.get(row.connection)) is not None:
                    lane.resyncing = True
        for number, lane in self.lanes.items():
            if lane.live and not lane.failures:
                for refused in self.refusals.due(number, AT_ONCE):
                    await self._again(lane, refused.pk)

    async def _again(self, lane: Lane, pk: int) -> None:
        stored = await self.node.store.read(lambda tx: tx.objects.get_pk(pk))
        if stored is None:
            await self.refusals.accepted(lane.connection.id, pk)
        elif pk not in lane.flying:
            lane.again(Item(pk, stored.key, self.position, whole=True, at=self.now, newest=self.position))

    async def _grow_impatient(self) -> None:
        """A partner that has failed for too long needs a full pull: nobody can say any more what it has."""
        for number, lane in self.lanes.items():
            if (
                lane.failures
                and number not in self._impatient
                and needs_full_pull(self._pauses.lasting(number), self.settings.full_pull_after)
            ):
                log.warning("%s has failed for so long that it needs a full pull", lane.connection.partner)
                await self.node.store.write(partial(audiences.all_again, connection=lane.connection))
                self._impatient.add(number)
                lane.resyncing = True
            elif not lane.failures:
                self._impatient.discard(number)

    async def _has_read(self) -> None:
        """Lists that partners have read to their end by themselves. What one reads again and again is written down now and then, but at
        once where it was needed."""
        if not self.node.has_read:
            return
        rows = await self.node.store.read(lambda tx: tx.cursors.resyncs())
        needed = {number: audiences.needed(row for row in rows if row.connection == number) for number, _ in self.node.has_read}
        for (number, module), begun in list(self.node.has_read.items()):
            if module in needed[number] or self.now >= self._noted.get((number, module), -NOTED) + NOTED:
                del self.node.has_read[number, module]
                self._noted[number, module] = self.now
                await self.node.store.write(partial(audiences.has_read, connection=number, module=module, begun=begun))
