"""A call to a station, wherever its socket is: in this process, or by way of the database in another one.

Who asks writes the call down and looks for its answer; the process that has the socket looks for calls, makes them and writes down what
came. A call whose time is over is not made any more. Commands of the shell reach stations the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from interplug.model.types import decode_json, encode_json
from interplug.modules.node import Node
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import ORDINARY, Gone, Link, Refused, Silent
from interplug.store.charging_stations import Asked
from interplug.store.tx import Tx

from .hall import BEAT_LOST, Hall

LOOK = 0.1
"""Seconds between looks for an answer."""
MARGIN = 2.0
"""Seconds that the way there and back may take beyond what the station has."""


@dataclass(slots=True)
class Lines:
    """`hall` is None in a process that serves no stations."""

    node: Node
    hall: Hall | None = None
    _making: set[asyncio.Task[None]] = field(default_factory=set)

    async def call(
        self,
        station: str,
        action: str,
        payload: Payload,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (a deadline for the way there and back, too)
        priority: int = ORDINARY,
    ) -> Payload:
        """Any call of OCPP, in the version that the station speaks. Raises Refused, Silent, Gone."""
        seconds = self.node.settings.stations.call_timeout if timeout is None else timeout
        post = self.hall.posts.get(station) if self.hall is not None else None
        if post is not None:
            return await post.link.call(action, payload, timeout=seconds, priority=priority)
        return await self._elsewhere(station, action, payload, seconds, priority)

    async def _elsewhere(self, station: str, action: str, payload: Payload, seconds: float, priority: int) -> Payload:
        row = await self.node.store.read(lambda tx: tx.charging_stations.get(station), snapshot=False)
        if row is None or not row.connected(self.node.after(-BEAT_LOST)) or (self.hall is not None and row.holder == self.hall.process):
            raise Gone("the station is not connected")
        asked = Asked(secrets.token_hex(16), station, action, encode_json(payload), priority, self.node.after(seconds))
        await self.node.store.write(lambda tx: tx.charging_stations.ask(asked))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + MARGIN):
                while True:
                    answer = await self.node.store.read(lambda tx: tx.charging_stations.answered(asked.id), snapshot=False)
                    if answer is not None:
                        return _read(decode_json(answer))
                    await asyncio.sleep(LOOK)
        raise Silent(f"no answer to {action} within {seconds:g} seconds")

    async def look(self) -> None:
        """Makes the calls that other processes want of stations which are connected here."""
        hall, node = self.hall, self.node
        assert hall is not None
        asked = await node.store.read(lambda tx: tx.charging_stations.asked(hall.process), snapshot=False)
        if not asked:
            return
        now = node.clock()

        async def work(tx: Tx) -> list[str]:
            taken = await tx.charging_stations.take(one.id for one in asked)
            await tx.charging_stations.forget_calls(now - 3_600_000_000)
            return taken

        taken = set(await node.store.write(work))
        for one in asked:
            if one.id in taken and one.deadline > now:
                task = asyncio.create_task(self._make(one))
                self._making.add(task)
                task.add_done_callback(self._making.discard)

    async def _make(self, asked: Asked) -> None:
        assert self.hall is not None
        post, seconds = self.hall.posts.get(asked.station), (asked.deadline - self.node.clock()) / 1_000_000 / self.node.speed
        said = await _said(post.link if post is not None else None, asked, seconds)
        await self.node.store.write(lambda tx: tx.charging_stations.answer(asked.id, encode_json(said)))


async def _said(link: Link | None, asked: Asked, seconds: float) -> dict[str, Any]:
    """What a call came to, as it is written down for the process that wants to know."""
    try:
        if link is None:
            raise Gone("the station is not connected")
        return {"answer": await link.call(asked.action, decode_json(asked.payload), timeout=seconds, priority=asked.priority)}
    except Refused as error:
        return {"refused": error.code, "description": error.description, "details": error.details}
    except Silent as error:
        return {"silent": str(error)}
    except Gone as error:
        return {"gone": str(error)}


def _read(said: dict[str, Any]) -> Payload:
    if "refused" in said:
        raise Refused(said["refused"], said["description"], said["details"])
    if "silent" in said:
        raise Silent(said["silent"])
    if "gone" in said:
        raise Gone(said["gone"])
    answer: Payload = said["answer"]
    return answer
