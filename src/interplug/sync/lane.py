"""A lane: what one connection still has to be told, and the telling.

A lane that is level with the reader of the log is *live*: it holds what is unsent, first dirty first, a key once. A lane that is not
goes by its cursor and reads the log by itself, part after part, until it is. Several objects are on their way at once, each object
once; what is on its way is never called back, for it may arrive all the same, and nothing older may arrive after something newer.
A partner that fails is left alone for a while, longer each time, and then asked with one object before it is sent the rest. A lane
whose partner is down keeps nothing but its cursor.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from interplug import faults
from interplug.config import Delivery as Settings
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.routes import Module
from interplug.store.keys import OWN, Change

from . import resync
from .decide import GIVE_UP_AFTER, Decision, pause
from .deliver import Delivery
from .item import Item, item_of
from .refusals import Refusals
from .share import Share
from .statuses import Statuses

log = logging.getLogger(__name__)

PART = 500
"""Changes that a lane reads at a time when it is not live."""
FULL = 10_000
"""Unsent keys above which a lane stops holding them and goes by its cursor."""
DOWN = 3
"""Failures in a row after which it does so, too."""
UNPUSHED = "EMAID"
"""Tokens of this type are not pushed: CPOs authorise them in real time (13.4.3)."""


def wants(connection: Connection, change: Change) -> bool:
    """Whether a change is one that this partner is told of."""
    if change.key.kind == UNPUSHED:
        return False
    if change.source == OWN:
        seen = any(connection.told(change.key, audience) for audience in (change.audience, *change.was))
    else:
        # What our drivers do elsewhere is for those to whom we have delegated smart charging (15.1.2).
        seen = change.module == "sessions" and connection.steered != () and change.source != connection.id
    return seen and connection.endpoint(change.module, "RECEIVER") is not None


def same_way(one: Connection, other: Connection) -> bool:
    """Whether deliveries go on as they are: to the same endpoints, in the same version, of what may be seen."""
    return one is other or (one.version, one.endpoints, one.audiences, one.steered, one.hub) == (
        other.version,
        other.endpoints,
        other.audiences,
        other.steered,
        other.hub,
    )


class Reader(Protocol):
    """What a lane needs of the reader of the log (`push.Push`)."""

    node: Node
    settings: Settings
    modules: dict[str, Module]
    refusals: Refusals
    statuses: Statuses
    timer: Callable[[], float]
    chance: Callable[[], float]
    position: int
    now: float
    ending: bool
    mine: Callable[[int], bool]
    rest: Callable[[float], Awaitable[None]]


class Lane:
    def __init__(self, push: Reader, connection: Connection, cursor: int) -> None:
        self.push = push
        self.connection = connection
        self._share = Share(push.settings.per_second, push.timer)
        self.delivery = Delivery(push.node, connection, push.modules, push.statuses, self._share.spend, push.rest)
        self.cursor = cursor
        self.live = False
        self.leaving = False
        """Nothing new is sent: another lane takes over, or none."""
        self.dirty: dict[int, Item] = {}
        self.flying: dict[int, Item] = {}
        self.failures = 0
        """Rounds in a row in which the partner failed."""
        self.failed = False
        """It did in this round."""
        self.object_failures: dict[int, int] = {}
        self.paused_until = 0.0
        self.asked_until = 0.0
        """As the partner asked for; it is not called before, whatever it says meanwhile."""
        self.woken_at = -3600.0
        self.last_error = ""
        self.failing_since = 0
        self.behind_since = push.timer()
        """Of a lane that is not live: when it heard of the oldest change that is not delivered, in seconds of the timer."""
        self.resyncing = True
        """There may be objects to tell of that the log does not know."""
        self.task: asyncio.Task[None] | None = None
        self._part: int | None = None
        """Of a lane that is not live: what it holds is all that there is up to this number."""
        self._parts: AsyncIterator[list[Item]] | None = None
        self._sending = 0
        self._broken = False
        """A sender met a fault of ours."""

    # --- what is unsent

    def offer(self, change: Change) -> None:
        """A change from the reader; a lane that is not live will find it in the log."""
        if not self.live or change.no <= self.cursor or not wants(self.connection, change):
            return
        self._add(change)
        if len(self.dirty) > FULL:
            self.stand_back()

    def again(self, item: Item) -> None:
        """An object that is to be tried once more."""
        self.dirty.setdefault(item.pk, item)

    def _add(self, change: Change) -> None:
        item = self.dirty.get(change.pk)
        if item is None:
            self.dirty[change.pk] = item = item_of(change, self.connection.seen(change.module))
            item.at = self.push.now
        else:
            item.add(change, self.connection.seen(change.module))

    def reached(self) -> int:
        """The number below which nothing is unsent."""
        known = self.push.position if self.live else self.cursor if self._part is None else self._part
        lowest = min((item.since for item in (*self.dirty.values(), *self.flying.values())), default=None)
        if faults.sabotaged("cursor-before-send"):
            lowest = None
        return max(self.cursor, known if lowest is None else min(known, lowest - 1))

    def stand_back(self) -> None:
        """Forgets what is unsent; the cursor knows."""
        self.cursor = self.reached()
        if self.live:
            self.behind_since = self._oldest()
        self.live, self._part, self._parts = False, None, None
        self.dirty.clear()

    def _oldest(self) -> float:
        return min((item.at for item in (*self.flying.values(), *self.dirty.values())), default=self.push.timer())

    def distance(self) -> int:
        """How many numbers of the log the partner is behind."""
        return self.push.position - self.reached()

    def waiting(self) -> int:
        """Objects that are to be sent, or on their way."""
        return len(self.dirty) + len(self.flying)

    def lag(self) -> float:
        """Seconds since the oldest change that is not delivered."""
        if not self.distance():
            return 0.0
        return max(0.0, self.push.timer() - (self._oldest() if self.live else self.behind_since))

    # --- when

    @property
    def idle(self) -> bool:
        return self.task is None or self.task.done()

    def due(self, now: float) -> bool:
        return self.idle and not self.leaving and now >= self.paused_until and bool(self.dirty or self.resyncing or not self.live)

    def hear(self) -> None:
        """The partner speaks, so it may be back: it is asked sooner, but no more often than after a first failure."""
        if self.failures:
            now = self.push.now
            soon = max(self.asked_until, self.woken_at + self.push.settings.back_off, now)
            self.paused_until = min(self.paused_until, soon)
            if soon == now:
                self.woken_at = now

    # --- sending

    async def run(self) -> None:
        """One round: until nothing is unsent, the partner fails, or it has had its share."""
        self.failed = False
        while not self.live:
            if not await self._read_on():
                return
        if await self._drain() and self.resyncing:
            await self._resync()

    async def _read_on(self) -> bool:
        """Reads and sends the next part of the log; live when it has caught up with the reader. False: the round is over. Two objects are
        in a part if the log has as many, so that one that fails does not look like a partner that fails."""
        while self._part is None or len(self.dirty) < 2:
            after = self.cursor if self._part is None else self._part
            changes, self._part, more = await self.push.node.store.news(after, PART)
            for change in changes:
                if wants(self.connection, change):
                    self._add(change)
            if not more:
                break
        if self.leaving or not await self._drain():
            return False
        self.cursor, self._part = self._part, None
        self.live = self.cursor >= self.push.position
        return True

    async def _resync(self) -> None:
        """What the log does not know of, part by part; a part is done when the next one is asked for."""
        if self._parts is None:
            self._parts = resync.parts(self.push.node, self.connection)
        async for items in self._parts:
            for item in items:
                item.since = item.newest = self.push.position
                item.at = self.push.now
                self.dirty[item.pk] = item.merged(self.dirty.get(item.pk))
            if not await self._drain() or not self.live:
                return
        self.resyncing, self._parts = False, None

    async def _drain(self) -> bool:
        """Sends what is dirty, several objects at a time, each object in order. False: something is left."""
        senders: set[asyncio.Task[None]] = set()
        self._sending, self._broken = 0, False
        try:
            self._as_many(senders)
            while senders:
                done, _ = await asyncio.wait(senders, return_when=asyncio.FIRST_COMPLETED)
                senders -= done
                for task in done:
                    task.result()
                self._as_many(senders)
        except Exception:
            if senders:  # a fault of ours; what is on its way comes to its end
                await asyncio.wait(senders)
            raise
        finally:
            for task in senders:
                task.cancel()
        if self.failed and self.failures >= DOWN:
            self.stand_back()
            return False
        return not self.failed and not self.dirty

    def _as_many(self, senders: set[asyncio.Task[None]]) -> None:
        """As many senders as there may be, each with something to send."""
        while (item := self._next()) is not None:
            senders.add(asyncio.create_task(self._send_on(item, senders)))

    async def _send_on(self, item: Item | None, senders: set[asyncio.Task[None]]) -> None:
        """One object after another; what has become dirty meanwhile gets senders, too."""
        while item is not None:
            self._as_many(senders)
            try:
                await self._send(item)
            except BaseException:
                self._broken = True
                raise
            self._sending -= 1
            item = self._next()

    def _next(self) -> Item | None:
        if not self.push.mine(self.connection.id) or self._broken:
            return None
        most = 1 if self.failures else self.push.settings.in_flight
        if self.failed or self.leaving or self.push.ending or self._sending >= most:
            return None
        pk = self._first()
        if pk is None:
            return None
        if wait := self._share.take():
            self.paused_until = max(self.paused_until, self.push.timer() + wait)
            return None
        self.flying[pk] = item = self.dirty.pop(pk)
        self._sending += 1
        return item

    def _first(self) -> int | None:
        """Whether it is the partner or an object that fails shows at another object, so that comes first where something failed."""
        waiting = (pk for pk in self.dirty if pk not in self.flying)
        if not self.failures:
            return next(waiting, None)
        rest = list(waiting)
        return next((pk for pk in rest if pk not in self.object_failures), next(iter(rest), None))

    async def _send(self, item: Item) -> None:
        """Sends one object; it stays unsent where the partner is to be left alone."""
        told = item.copy()
        faults.at("push.before_send")
        try:
            decision = await self.delivery.send(item)
        except self.push.node.store.failures as error:
            # Nothing is known of the object: it waits for our own database as it would for the partner.
            decision = Decision("wait", f"our own database failed: {error}", object=True)
        except Exception as error:
            log.exception("push of %s to %s", item.key, self.connection.partner)
            decision = Decision("refused", f"not sendable: {type(error).__name__}")
        faults.at("push.after_send")
        del self.flying[item.pk]
        try:
            await self._settle(item, decision, told)
        except Exception:
            # Our own database takes nothing: the object is sent again, for that is known to do no harm.
            self.dirty[item.pk] = item.merged(self.dirty.pop(item.pk, None))
            raise

    async def _settle(self, item: Item, decision: Decision, told: Item) -> None:
        if decision.verdict == "sent":
            self._well(item.pk)
            later = self.dirty.get(item.pk)
            if later is not None and later.newest <= item.head and told.covers(later):
                del self.dirty[item.pk]
            await self.push.refusals.accepted(self.connection.id, item.pk)
        elif decision.verdict == "wait" and not self._object_fails(item.pk, decision):
            self._strike(decision)
            self.dirty[item.pk] = item.merged(self.dirty.pop(item.pk, None))
        else:
            self.object_failures.pop(item.pk, None)
            await self.push.refusals.refuse(self.connection, item, decision)

    def _well(self, pk: int) -> None:
        self.object_failures.pop(pk, None)
        if self.failures and not self.failed:
            log.info("%s takes what is pushed again", self.connection.partner)
        self.failures = 1 if self.failed else 0
        if not self.failed:
            self.last_error = ""

    def _object_fails(self, pk: int, decision: Decision) -> bool:
        """Whether to blame the object: others pass, and it failed again and again; or is known for it, and the partner does answer."""
        if self.failures or not decision.object:
            return False
        if decision.status and self.push.refusals.lists(self.connection.id, pk):
            return True
        failed = self.object_failures[pk] = self.object_failures.get(pk, 0) + 1
        return failed >= GIVE_UP_AFTER

    def _strike(self, decision: Decision) -> None:
        """The partner gets a pause; what fails at the same time counts once."""
        if not self.failed:
            self.failed = True
            self.failures += 1
        self.last_error = decision.why[:500]
        if self.failures == 1:
            self.failing_since = self.push.node.clock()
            log.warning("push to %s fails, it is left alone for a while: %s", self.connection.partner, decision.why)
        settings, now = self.push.settings, self.push.timer()
        if decision.pause is not None:
            self.asked_until = max(self.asked_until, now + decision.pause)
        seconds = pause(self.failures, settings.back_off, settings.back_off_longest, self.push.chance())
        self.paused_until = max(self.paused_until, self.asked_until, now + seconds)
