"""The stations that are connected to this process.

A new connection of a station wins: the one before is closed, here or in whatever process has it, and what it had received is carried
into the book before the new one says anything. The number of the connection stands in the database (`epoch`), so a process that has
not noticed yet cannot write for the station any more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict

from interplug.modules.node import Node
from interplug.stations.ocpp.link import Socket
from interplug.store.charging_stations import StationRow
from interplug.store.keys import OWN
from interplug.store.ocpp import Frame
from interplug.store.tx import Tx
from interplug.tariffs.zones import Clock, clock

from .clocks import StationClock
from .desk import Desk
from .inbox import Inbox
from .post import Answers, Post
from .speech import Speech

log = logging.getLogger(__name__)
GOING_AWAY = 1001
BEAT_LOST = 60.0
"""Seconds after which a process that has not shown that it lives has lost its stations."""
AGAIN = "the station has connected again"
ANSWERS = 10_000
"""Stations whose last answers are remembered after they have left."""


class Hall:
    def __init__(self, node: Node, desk: Desk) -> None:
        self.node, self.desk = node, desk
        self.process = secrets.token_hex(8)
        self.posts: dict[str, Post] = {}
        self._inbox = Inbox(node.store)
        self._answers: OrderedDict[str, Answers] = OrderedDict()
        self._flushing: set[asyncio.Task[None]] = set()

    async def serve(self, station: StationRow, profile: int, speech: Speech, socket: Socket) -> None:
        """A station's connection, until it ends."""
        node, version = self.node, speech.dialect.version
        now = node.clock()

        async def connect(tx: Tx) -> tuple[int, int, Clock | None]:
            epoch, told = await tx.charging_stations.connect(station.id, self.process, version, profile, now)
            return epoch, told, await _zone(tx, station)

        epoch, told, zone = await node.store.write(connect)
        station.told, station.epoch, station.version, station.holder, station.profile = told, epoch, version, self.process, profile
        post = Post(self.desk, self._inbox, station, speech, socket, self._remembered(station.id), StationClock(zone))
        post.flush = lambda: self._flush(post)
        before = self.posts.get(station.id)
        if before is not None and before.station.epoch > epoch:
            return  # of several at once the newest has won
        self.posts[station.id] = post
        try:
            if before is not None:
                await before.lose(AGAIN)
                await before.ended.wait()
            if epoch and self.posts.get(station.id) is post:
                log.info("station %s is connected (OCPP %s, security profile %d)", station.id, version, profile)
                await post.run()
        finally:
            post.ended.set()
            if self.posts.get(station.id) is post:
                del self.posts[station.id]
            post.flush()
            await node.store.write(lambda tx: tx.charging_stations.disconnect(station.id, epoch, node.clock()))
            log.info("station %s has left", station.id)

    def _remembered(self, id: str) -> Answers:
        answers = self._answers.setdefault(id, OrderedDict())
        self._answers.move_to_end(id)
        if len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)
        return answers

    # --- beside it

    def flush(self) -> None:
        for post in self.posts.values():
            self._flush(post)

    def _flush(self, post: Post) -> None:
        frames, post.frames = post.frames, []
        if frames:
            task = asyncio.create_task(self._keep(post.station.id, frames))
            self._flushing.add(task)
            task.add_done_callback(self._flushing.discard)

    async def _keep(self, station: str, frames: list[Frame]) -> None:
        try:
            await self.node.store.write(lambda tx: tx.ocpp.add_frames(station, frames))
        except Exception as error:  # noqa: BLE001 (a log that cannot be written stops nobody)
            log.warning("station %s: %d messages could not be kept: %s", station, len(frames), error)

    async def look(self) -> None:
        """Shows that this process lives, ends connections that others have taken over, and takes in what was decided about stations."""
        node = self.node
        await node.store.write(lambda tx: tx.charging_stations.heard(self.process, node.clock()))
        rows = {row.id: row for row in await node.store.read(lambda tx: tx.charging_stations.all(), snapshot=False)}
        for name, post in list(self.posts.items()):
            row = rows.get(name)
            if row is None or row.epoch != post.station.epoch:
                await post.lose("another connection has taken over" if row else "the station was removed")
            elif (row.state, row.password, row.profile) != (post.station.state, post.station.password, post.station.profile):
                await post.lose("what this node knows of the station has changed")
            else:
                post.station.outlets, post.station.place = row.outlets, row.place
                post.look()

    async def close(self) -> None:
        """All of them, in an orderly way."""
        posts = list(self.posts.values())
        await asyncio.gather(*(post.link.close(GOING_AWAY, "the CSMS ends") for post in posts), return_exceptions=True)
        await asyncio.gather(*(post.ended.wait() for post in posts))
        await asyncio.gather(*self._flushing, return_exceptions=True)


async def _zone(tx: Tx, station: StationRow) -> Clock | None:
    """What the wall beside the station says."""
    for place in await tx.objects.find_id("locations", station.place, OWN) if station.place else ():
        return clock(place.document.get("time_zone") or "")
    return None
