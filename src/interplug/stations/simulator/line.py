"""The line between a simulated station and its CSMS: a WebSocket that is opened again and again, and what goes over it.

One task keeps the station's time, one says what stands in its outbox, one call after the other. A line that cannot be opened is tried
again after longer and longer pauses, with chance in them, so that a thousand stations do not come back in the same moment. Pauses
are seconds of the station's clock, which may run fast; a tenth of a real second at least lies between two attempts.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException
from websockets.typing import Subprotocol

from interplug.stations.ocpp.dialects import DIALECTS
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import Gone, Incoming, Link, Refused, Silent, check

from .station import Station

log = logging.getLogger(__name__)

AWAY = 5.0
"""Seconds of the station's clock that it is away when it starts again."""
SHORTEST = 0.1
OPENING = 20.0
"""Real seconds that a line may take to open."""
CLOSING = 2.0
AT_ONCE = 64
"""Lines of one crowd that are being opened at the same time."""
LARGEST = 1_000_000


@dataclass
class Csms:
    """Where stations go."""

    url: str
    """ws:// or wss://; the identity of the station follows it."""
    ca: str = ""
    """PEM file of who is trusted to be the CSMS; empty: whom the system trusts."""
    speed: float = 1.0
    ping: float | None = 60.0
    compression: bool = False
    opening: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def secure(self) -> bool:
        return self.url.startswith("wss:")

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Of stations that have no certificate."""
        return ssl.create_default_context(cafile=self.ca or None)

    def context_of(self, certificate: str, key: str) -> ssl.SSLContext | None:
        if not self.secure:
            return None
        if not certificate:
            return self.context
        context = ssl.create_default_context(cafile=self.ca or None)
        context.load_cert_chain(certificate, key or None)
        return context


@dataclass(slots=True)
class Figures:
    """What became of the calls and lines of one station."""

    opened: int = 0
    failed: int = 0
    said: int = 0
    refused: int = 0
    silent: int = 0
    asked: int = 0


class Line:
    def __init__(self, station: Station, csms: Csms) -> None:
        self.station = station
        self.figures = Figures()
        self.trouble = ""
        """Why the line could not be opened last."""
        self._csms = csms
        self._link: Link | None = None
        self._something = asyncio.Event()
        self._words = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._dialect = DIALECTS[f"ocpp{station.plan.version}"]
        station.outbox.woken = self._wake

    def _wake(self) -> None:
        self._something.set()
        self._words.set()

    # --- its life

    async def run(self, begins: float = 0.0) -> None:
        """Until it is cancelled; it begins so many real seconds from now."""
        time = asyncio.create_task(self._keep_time())
        try:
            await asyncio.sleep(begins)
            failures = 0
            while True:
                await self._allowed.wait()
                opened = self.figures.opened
                await self._open()
                failures = 0 if self.figures.opened > opened else failures + 1
                await asyncio.sleep(self._pause(failures))
        finally:
            time.cancel()
            await asyncio.gather(time, return_exceptions=True)

    def _pause(self, failures: int) -> float:
        number, chance = self.station.variables.number, self.station.chance
        if self.station.restarting:
            return max(SHORTEST, AWAY / self._csms.speed)
        times = min(failures, number("OCPPCommCtrlr.RetryBackOffRepeatTimes"))
        seconds = float(number("OCPPCommCtrlr.RetryBackOffWaitMinimum") << times)
        seconds += chance.uniform(0, number("OCPPCommCtrlr.RetryBackOffRandomRange"))
        return max(SHORTEST + chance.uniform(0, SHORTEST), seconds / self._csms.speed)

    async def cut(self) -> None:
        """The line is down until `restore`."""
        self._allowed.clear()
        if self._link is not None:
            self._lose()
            await self._link.close(1001, "the line was cut")

    def _lose(self) -> None:
        """The station knows at once, whatever the socket still has to do."""
        if self.station.linked:
            self.station.lost()

    def restore(self) -> None:
        self._allowed.set()

    async def _open(self) -> None:
        plan = self.station.plan
        try:
            async with self._csms.opening:
                socket = await connect(
                    f"{self._csms.url.rstrip('/')}/{quote(plan.id, safe='')}",
                    subprotocols=[Subprotocol(self._dialect.subprotocol)],
                    additional_headers=self._proof(),
                    ssl=self._csms.context_of(plan.certificate, plan.key),
                    compression="deflate" if self._csms.compression and self._dialect.compresses else None,
                    ping_interval=self._csms.ping,
                    open_timeout=OPENING,
                    close_timeout=CLOSING,
                    max_size=LARGEST,
                    user_agent_header=f"{plan.vendor} {plan.model}/{plan.firmware}",
                    proxy=None,
                )
        except (OSError, WebSocketException, InvalidHandshake, InvalidMessage, ssl.SSLError) as error:
            self.figures.failed += 1
            self.trouble = str(error) or type(error).__name__
            log.debug("station %s: %s", plan.id, self.trouble)
            return
        try:
            await self._live(socket)
        finally:
            await socket.close(1001, "the station goes")

    def _proof(self) -> dict[str, str]:
        password = self.station.password
        if not password:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(self.station.plan.id.encode() + b":" + password).decode()}

    async def _live(self, socket: ClientConnection) -> None:
        if socket.subprotocol != self._dialect.subprotocol:
            self.figures.failed += 1
            self.trouble = f"the CSMS does not speak {self._dialect.subprotocol}"
            return
        timeout = self.station.variables.number("OCPPCommCtrlr.MessageTimeout")
        link = self._link = Link(socket, self._dialect, self._answer, name=self.station.plan.id, timeout=timeout)
        self.figures.opened += 1
        self.trouble = ""
        self.station.connected()
        link.begin(self._say(link))
        try:
            await link.run()
        finally:
            self._link = None
            self._lose()

    # --- what goes over it

    async def _answer(self, incoming: Incoming) -> Payload:
        self.figures.asked += 1
        check(self._dialect, incoming)
        return self.station.answer(incoming.action, incoming.payload)

    async def _say(self, link: Link) -> None:
        station, outbox = self.station, self.station.outbox
        while True:
            now = station.advance()
            call = outbox.next(now) if station.accepted else outbox.fresh()
            if call is None:
                self._words.clear()
                await self._words.wait()
                continue
            try:
                answer = await link.call(call.action, call.body(), id=call.id)
            except Refused as error:
                self.figures.refused += 1
                log.info("station %s: %s was refused: %s", station.plan.id, call.action, error)
                number = station.variables.number
                attempts, interval = number("TransactionMessageAttempts"), number("TransactionMessageRetryInterval")
                outbox.refused(call, station.advance(), attempts, interval)
            except Silent:
                self.figures.silent += 1
                outbox.unheard(call, station.advance(), station.variables.number("TransactionMessageRetryInterval"))
            except Gone:
                return
            else:
                self.figures.said += 1
                outbox.done(call, answer)

    # --- its time

    async def _keep_time(self) -> None:
        """The station's own events, and the pauses of its outbox, when they are due."""
        station = self.station
        while True:
            now = station.advance()
            if station.restarting and self._link is not None:
                await self._link.close(1001, "the station starts again")
            self._something.clear()
            self._words.set()
            moments = [at for at in (station.due(), station.outbox.due) if at is not None and at > now]
            wait = (min(moments) - now) / 1_000_000 / self._csms.speed if moments else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._something.wait()
