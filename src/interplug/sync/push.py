"""Push: every change of our own objects to every partner that may see it, within a second, in its newest form.

One reader takes the change log a tick at a time and hands keys to the lanes, one lane a connection. A lane that is level with the
reader is *live*: it holds what is unsent, first dirty first, a key once. A lane whose partner fails keeps nothing but its cursor
and is left alone for a while; when its pause is over, or the partner speaks to us, it reads the log from its cursor by itself
until it is level again. So a dead partner costs one row, and a partner that returns gets each changed object once.

A cursor is the number below which nothing is unsent. Cursors are written together about once a second and at the end; after a crash
objects may be sent again, never left out. A connection that was never seen starts at the head of the log: it pulls.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from interplug.modules.node import Node
from interplug.partners import states
from interplug.partners.directory import Connection
from interplug.protocol.routes import Module
from interplug.store.cursors import Refused
from interplug.store.keys import OWN, Change

from . import visibility
from .decide import GIVE_UP_AFTER, Decision, pause, retry_refused
from .deliver import Delivery, Item, item_of
from .pauses import Pauses

log = logging.getLogger(__name__)

LOG = "*"
"""The one cursor of a connection covers the whole log."""
CHUNK = 500
FULL = 10_000
"""Unsent keys above which a lane stops holding them and goes by its cursor."""
CHECKPOINT = 1.0
LAST_SENT = 2.0
"""Seconds that what is on its way may take when the node is told to stop."""
SETTLE = 3.0
"""Seconds after a change of version before the first push: the partner has to read our answer to its PUT first."""
UNPUSHED = "EMAID"
"""Tokens of this type are not pushed: CPOs authorise them in real time (13.4.3)."""


def pushed(modules: tuple[Module, ...]) -> dict[str, Module]:
    """The modules whose objects are brought to receivers: those with an owner's key and a PUT or POST there."""
    return {
        module.id: module
        for module in modules
        if not module.configuration
        and module.id not in ("commands", "hubclientinfo")
        and any(route.side == "RECEIVER" and route.method in ("PUT", "POST") for route in module.routes)
    }


def wants(connection: Connection, change: Change) -> bool:
    """Whether a change is one that this partner is told of."""
    if change.key.kind == UNPUSHED:
        return False
    audiences = connection.audiences
    seen = change.audience in audiences or any(audience in audiences for audience in change.was)
    return change.source == OWN and seen and connection.endpoint(change.module, "RECEIVER") is not None


def same_way(one: Connection, other: Connection) -> bool:
    """Whether deliveries go on as they are: to the same endpoints, in the same version, of what may be seen."""
    return one is other or (one.version, one.endpoints, one.audiences, one.hub) == (
        other.version,
        other.endpoints,
        other.audiences,
        other.hub,
    )


class Lane:
    """What one connection still has to be told."""

    def __init__(self, push: Push, connection: Connection, cursor: int) -> None:
        self.push = push
        self.connection = connection
        self.delivery = Delivery(push.node, connection, push.modules)
        self.cursor = cursor
        self.live = False
        self.dirty: dict[int, Item] = {}
        self.flying: dict[int, Item] = {}
        self.failures = 0
        self.object_failures: dict[int, int] = {}
        self.paused_until = 0.0
        self.last_error = ""
        self.failing_since = 0
        self.behind_since = push.timer()
        """Of a lane that is not live: when it heard of the oldest change that is not delivered, in seconds of the timer."""
        self.task: asyncio.Task[None] | None = None

    # --- what is unsent

    def offer(self, change: Change) -> None:
        """A change from the reader; a lane that is not live will find it in the log."""
        if not self.live or not wants(self.connection, change):
            return
        self._add(change)
        if len(self.dirty) > FULL:
            self.stand_back()

    def _add(self, change: Change) -> None:
        item = self.dirty.get(change.pk)
        if item is None:
            self.dirty[change.pk] = item = item_of(change, self.connection.audiences)
            item.at = self.push.now
        else:
            item.add(change, self.connection.audiences)

    def unsent(self) -> int | None:
        """The lowest number that is not delivered."""
        return min((item.since for item in (*self.dirty.values(), *self.flying.values())), default=None)

    def reached(self, position: int) -> int:
        """The cursor, when the lane knows of everything up to `position`."""
        lowest = self.unsent()
        return max(self.cursor, position if lowest is None else min(position, lowest - 1))

    def stand_back(self) -> None:
        """Forgets what is unsent; the cursor knows."""
        if self.live:
            self.cursor = self.reached(self.push.position)
            self.behind_since = self._oldest()
            self.live = False
        self.dirty.clear()

    def _oldest(self) -> float:
        return min((item.at for item in (*self.flying.values(), *self.dirty.values())), default=self.push.timer())

    def distance(self) -> int:
        """How many numbers of the log the partner is behind."""
        return self.push.position - (self.reached(self.push.position) if self.live else self.cursor)

    def waiting(self) -> int:
        """Objects that are to be sent, or on their way."""
        return len(self.dirty) + len(self.flying)

    def lag(self) -> float:
        """Seconds since the oldest change that is not delivered."""
        if not self.distance():
            return 0.0
        return max(0.0, self.push.timer() - (self._oldest() if self.live else self.behind_since))

    # --- sending

    @property
    def idle(self) -> bool:
        return self.task is None or self.task.done()

    async def run(self) -> None:
        """Until nothing is unsent or the partner fails."""
        while not self.live:
            if not await self._read_on():
                return
        if await self._drain():
            await self._show_and_hide()

    async def _show_and_hide(self) -> None:
        """What the partner may see since it joined audiences, and may no longer since it left some; begun again where it ends early."""
        async for items in visibility.parts(self.push.node, self.connection, self.push.position):
            for item in items:
                self.dirty[item.pk] = item.merged(self.dirty.get(item.pk))
            if not await self._drain() or not self.live:
                return

    async def _read_on(self) -> bool:
        """Reads and sends the next part of the log; live when it has caught up with the reader. False: the partner failed."""
        push = self.push
        changes, reached, _ = await push.node.store.news(self.cursor, CHUNK)
        for change in changes:
            if wants(self.connection, change):
                self._add(change)
        if not await self._drain():
            self.dirty.clear()
            return False
        self.cursor = reached
        self.live = self.cursor >= push.position
        return True

    async def _drain(self) -> bool:
        """Sends what is dirty, several objects at a time, each object in order. False: the partner failed, or the node ends."""
        running: set[asyncio.Task[bool]] = set()
        well = True
        try:
            while running or (well and self.dirty):
                well = well and not self.push.ending
                while well and len(running) < self.push.settings.in_flight and (item := self._next()) is not None:
                    running.add(asyncio.create_task(self._send(item)))
                if running:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    well = well and all(task.result() for task in done)
        finally:
            for task in running:
                task.cancel()
        if not well:
            self.stand_back()
        return well

    def _next(self) -> Item | None:
        pk = next((pk for pk in self.dirty if pk not in self.flying), None)
        if pk is None:
            return None
        self.flying[pk] = item = self.dirty.pop(pk)
        return item

    async def _send(self, item: Item) -> bool:
        """Sends one object; False when the partner is to be left alone, and the object stays unsent."""
        try:
            decision = await self.delivery.send(item)
        except Exception as error:
            log.exception("push of %s to %s", item.key, self.connection.partner)
            decision = Decision("refused", f"not sendable: {type(error).__name__}")
        if decision.verdict == "wait" and not self._give_up(item, decision):
            del self.flying[item.pk]
            self.dirty[item.pk] = item.merged(self.dirty.get(item.pk))
            return False
        del self.flying[item.pk]
        if decision.verdict == "sent":
            if self.failures:
                log.info("%s takes what is pushed again", self.connection.partner)
            self.failures, self.last_error = 0, ""
            self.object_failures.pop(item.pk, None)
            await self.push.accepted(self, item)
        else:
            await self.push.refuse(self, item, decision)
        return True

    def _give_up(self, item: Item, decision: Decision) -> bool:
        """Blames the object when others pass and it failed again and again; else the partner, who gets a pause."""
        failed = self.object_failures[item.pk] = self.object_failures.get(item.pk, 0) + 1
        if failed >= GIVE_UP_AFTER and self.failures == 0:
            return True
        self.failures += 1
        self.last_error = decision.why[:500]
        if self.failures == 1:
            self.failing_since = self.push.node.clock()
            log.warning("push to %s fails, it is left alone for a while: %s", self.connection.partner, decision.why)
        settings = self.push.settings
        seconds = (
            decision.pause
            if decision.pause is not None
            else pause(self.failures, settings.back_off, settings.back_off_longest, self.push.chance())
        )
        self.paused_until = max(self.paused_until, self.push.timer() + seconds)
        return False


class Push:
    """The reader and its lanes. `timer` runs in seconds and only spaces attempts; `chance` gives 0 to 1."""

    def __init__(self, node: Node, *, timer: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random) -> None:
        self.node = node
        self.settings = node.settings.delivery
        self.modules = pushed(node.modules)
        self.timer, self.chance = timer, chance
        self.lanes: dict[int, Lane] = {}
        self.position = 0
        self.now = timer()
        """When this tick began."""
        self.ending = False
        """Nothing new is sent any more."""
        self._pauses = Pauses(node, timer)
        self._cursors: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._refused: set[tuple[int, int]] = set()
        self._settled: dict[int, float] = {}
        self._checkpoint_at = 0.0
        self._due_at = 0.0

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
        self.ending = False
        await self._pauses.load()
        self._refused = {(row.connection, row.pk) for row in await self.node.store.read(lambda tx: tx.cursors.refused())}
        stored = await self.node.store.read(lambda tx: tx.cursors.all())
        self._cursors = {connection: number for (connection, module), number in stored.items() if module == LOG}
        self._saved = dict(self._cursors)
        self.position = self.node.store.look()

    async def stop(self) -> None:
        """What is on its way is waited for, so that it is known to have arrived; then the cursors are written."""
        self.ending = True
        running = [lane.task for lane in self.lanes.values() if lane.task is not None and not lane.task.done()]
        if running:
            await asyncio.wait(running, timeout=LAST_SENT)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._checkpoint()

    async def tick(self) -> None:
        """One look at the log and at the lanes."""
        self.now = self.timer()
        await self.node.directory.refresh()
        await self._lanes()
        await self._hand_out()
        self._start_lanes()
        now = self.timer()
        if now >= self._due_at:
            self._due_at = now + 10 * CHECKPOINT
            await self._retry_refused()
        if now >= self._checkpoint_at:
            self._checkpoint_at = now + CHECKPOINT
            await self._checkpoint()

    async def idle(self) -> None:
        """Returns when every lane has sent what it can; for tests and for a command that pushes once."""
        await self.tick()
        while busy := [lane.task for lane in self.lanes.values() if lane.task is not None and not lane.task.done()]:
            await asyncio.wait(busy)
            await self.tick()

    async def _hand_out(self) -> None:
        more = True
        while more:
            changes, self.position, more = await self.node.store.news(self.position, CHUNK)
            for change in changes:
                for lane in self.lanes.values():
                    lane.offer(change)

    async def _lanes(self) -> None:
        """A lane for each registered connection; a changed connection (version, visibility, endpoints) gets a new one."""
        registered = {connection.id: connection for connection in self.node.directory.all(registered=True)}
        for number, lane in list(self.lanes.items()):
            now = registered.get(number)
            if now is not None and same_way(now, lane.connection):
                lane.connection = lane.delivery.connection = now
            else:
                await self._leave(lane, now)
        for number, connection in registered.items():
            if number not in self.lanes:
                self.lanes[number] = lane = Lane(self, connection, self._cursors.get(number, self.position))
                lane.behind_since -= self._pauses.lasting(number)
                self.lanes[number].paused_until = self._settled.pop(number, 0.0)

    async def _leave(self, lane: Lane, now: Connection | None) -> None:
        if lane.task is not None and not lane.task.done():
            lane.task.cancel()
            await asyncio.gather(lane.task, return_exceptions=True)
        lane.dirty.update({pk: item for pk, item in lane.flying.items() if pk not in lane.dirty})
        lane.flying.clear()
        lane.stand_back()
        del self.lanes[lane.connection.id]
        self._cursors[lane.connection.id] = lane.cursor
        known = self.node.directory.by_id(lane.connection.id)
        if now is None and known is not None and known.state == states.SUSPENDED:
            # It is told of what has changed when the suspension ends.
            await self.node.store.write(lambda tx: tx.cursors.move([(lane.connection.id, LOG, lane.cursor)]))
        elif now is None:
            self._cursors.pop(lane.connection.id, None)
            self._saved.pop(lane.connection.id, None)
            await self.node.store.write(lambda tx: tx.cursors.forget(lane.connection.id))
        elif now.version != lane.connection.version:
            self._settled[now.id] = self.timer() + SETTLE
            # Everything that it may see is new to it in another version.
            self._cursors[now.id] = 0

    def _start_lanes(self) -> None:
        now = self.timer()
        heard, self.node.heard = self.node.heard, set()
        for lane in self.lanes.values():
            if lane.connection.id in heard and lane.failures:
                lane.paused_until = min(lane.paused_until, now)
            if lane.idle and now >= lane.paused_until and (lane.dirty or not lane.live):
                lane.task = asyncio.create_task(lane.run())

    # --- what is written

    async def _checkpoint(self) -> None:
        moved = {of: lane.reached(self.position) if lane.live else lane.cursor for of, lane in self.lanes.items()}
        self._cursors.update(moved)
        changed = [(of, LOG, number) for of, number in moved.items() if self._saved.get(of) != number]
        if changed:
            await self.node.store.write(lambda tx: tx.cursors.move(changed))
            self._saved.update({of: number for of, _, number in changed})
        await self._pauses.write(self.lanes.values())

    async def accepted(self, lane: Lane, item: Item) -> None:
        """The object is level; if it was refused before, it is no longer."""
        if (lane.connection.id, item.pk) in self._refused:
            self._refused.discard((lane.connection.id, item.pk))
            await self.node.store.write(lambda tx: tx.cursors.accept(lane.connection.id, item.pk))

    async def refuse(self, lane: Lane, item: Item, decision: Decision) -> None:
        now = self.node.clock()
        failed = lane.object_failures.pop(item.pk, 0)
        refused = Refused(
            connection=lane.connection.id,
            pk=item.pk,
            evse="",
            module=item.key.module,
            reason=decision.why[:500],
            status=0,
            since=now,
            attempts=1,
            next_at=self.node.after(retry_refused(failed)),
            changed_no=item.since,
        )
        self._refused.add((lane.connection.id, item.pk))
        log.warning("%s refuses %s: %s", lane.connection.partner, item.key, refused.reason)
        await self.node.store.write(lambda tx: tx.cursors.refuse(refused))

    async def _retry_refused(self) -> None:
        for refused in await self.node.store.read(lambda tx: tx.cursors.due(self.node.clock())):
            lane = self.lanes.get(refused.connection)
            stored = await self.node.store.read(lambda tx, pk=refused.pk: tx.objects.get_pk(pk))  # type: ignore[misc]
            if lane is None or not lane.live or stored is None:
                continue
            self._refused.add((refused.connection, refused.pk))
            lane.dirty.setdefault(refused.pk, Item(refused.pk, stored.key, self.position, whole=True, at=self.now))
