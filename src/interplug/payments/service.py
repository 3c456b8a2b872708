"""The test provider as a service of its own: HTTP for shops and drivers, and signed webhooks to one address.

What it knows ends with it. Webhooks of the card UNRULY come late, twice and in the wrong order, those of all others at once and in order;
one that is not taken is sent again a few times.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import Response as Answered
from starlette.routing import Route

from interplug.config import Network
from interplug.model.types import encode_json
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Handler, Request, Unreachable

from .bank import Bank, Draw
from .ledger import Memory
from .trial import SIGNATURE, signed

log = logging.getLogger(__name__)
LATE = 1.0
TRIES = 5
Event = dict[str, Any]


def delivery(event: Event, url: str, secret: str, now: int) -> Request:
    """An event as it is sent."""
    body, at = encode_json({name: value for name, value in event.items() if name != "unruly"}), str(now)
    return Request("POST", url, {"content-type": "application/json", SIGNATURE: f"{at}.{signed(secret, at, body)}"}, body)


class Service:
    """`url`: where drivers and shops find it; `webhook`: whom it tells, empty: nobody; `draw`: how its pages look."""

    def __init__(self, url: str, webhook: str, secret: str, send: Handler | None = None, draw: Draw = lambda form: b"") -> None:
        self.webhook, self.secret = webhook, secret
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.bank = Bank(Memory(), _now, url, self.events.put_nowait, draw)
        self.send = send or HttpTransport(Network(allow_private=True, allow_http=True, timeout=10.0))
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Asked) -> Answered:
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = await self.bank(Request(request.method, url, headers, await request.body()))
        return Answered(answer.body, answer.status, answer.headers)

    async def run(self) -> None:
        """Tells of what happens, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                event = await self.events.get()
                if not self.webhook:
                    continue
                if event["unruly"]:
                    tasks.create_task(self._unruly(event))
                else:
                    await self._tell(event)

    async def _unruly(self, event: Event) -> None:
        """The later an event, the sooner it comes; each comes twice."""
        for part in range(2):
            await asyncio.sleep(LATE / (1 + self.events.qsize()) * (2 - part))
            await self._tell(event)

    async def _tell(self, event: Event) -> None:
        for attempt in range(TRIES):
            try:
                answer = await self.send(delivery(event, self.webhook, self.secret, _now()))
                if answer.status < 300:
                    return
                log.warning("the webhook was answered with %s", answer.status)
            except Unreachable as error:
                log.warning("the webhook was not taken: %s", error)
            await asyncio.sleep(0.5 * 2**attempt)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if isinstance(self.send, HttpTransport):
                await self.send.close()


def _now() -> int:
    return time.time_ns() // 1000
