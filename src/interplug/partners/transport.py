"""The `Handler` that leads out: HTTP/1.1 over connections that are kept, one TLS context for the whole process.

It adds nothing to a request and follows nothing in an answer. Limits are here and in `line` because only here bytes are counted: the
time of the whole call, the size of the answer, the address at the moment of connecting. Whatever goes wrong is `Unreachable`.

A client of our own, because a node that tells a thousand partners does little else: a library that can do everything costs more than all
that a delivery needs besides.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import time
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from aiohappyeyeballs import start_connection

from interplug.config import Network
from interplug.protocol.http import Request, Response, Unreachable, Unsent

from .guard import PORTS, Forbidden, check_address
from .line import Closed, Line

CONNECT = 10.0
"""Seconds for the connection alone: a silent address must not use up the time of the whole call."""
PER_HOST = 32
RESOLVED = 30.0
"""Seconds for which it is remembered where a name leads."""
NEXT_ADDRESS = 0.25
"""Seconds after which the next address of a name is tried beside the one before (RFC 8305)."""
AGAIN = frozenset({"GET", "PUT", "PATCH", "DELETE"})
"""What may be said twice: all that OCPI PATCHes is what something now is. A POST may create, so it is for its sender to decide."""
USUAL = "Accept-Encoding: gzip, deflate\r\nUser-Agent: Interplug\r\n"
JSON = "Accept: application/json\r\n"
"""Where a request does not say what it wants to have."""

_URL = re.compile(r"(https?://[^/?#]+)([^#]*)", re.IGNORECASE)
_SAFE = "!$%&'()*+,/:;=?@[]~"


class HttpTransport:
    """`async (Request) -> Response`; made outside the event loop, closed once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._places: dict[str, Place] = {}
        self._tls: ssl.SSLContext | None = None

    async def __call__(self, request: Request) -> Response:
        until = asyncio.get_running_loop().time() + self._network.timeout
        try:
            place, data = self._spelled(request)
            place.calls += 1
            try:
                return await self._exchange(place, request.method, data, until)
            finally:
                place.calls -= 1
                self._forget(place)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._network.timeout:g} s") from None
        except ValueError as error:
            raise Unsent(f"not a request that can be sent: {error}") from None

    async def close(self) -> None:
        for place in list(self._places.values()):
            for line in list(place.lines):
                line.end()
        await asyncio.sleep(0)  # in which the connections learn of it

    # --- one call

    async def _exchange(self, place: Place, method: str, data: bytes, until: float) -> Response:
        # Who waits at the gate is not late because of it: whoever is before him has less time left.
        async with place.gate:
            if (line := place.take()) is not None:
                try:
                    return await line.ask(data, until)
                except Closed:
                    # Closed between two requests; whether it still read this one nobody knows.
                    if method not in AGAIN:
                        raise
                finally:
                    place.give(line)
            async with asyncio.timeout_at(until):
                line = await self._connect(place)
            try:
                return await line.ask(data, until)
            finally:
                place.give(line)

    def _spelled(self, request: Request) -> tuple[Place, bytes]:
        url = _URL.match(request.url)
        if url is None:
            raise ValueError("no http or https URL")
        where, target = url[1], url[2]
        place = self._places.get(where)
        if place is None:
            place = self._places[where] = Place(where)
        headers, body = request.headers, request.body
        if not target.isprintable() or not "".join((*headers, *headers.values())).isprintable():
            raise ValueError("a line within a line")
        if not target.isascii() or " " in target:
            target = quote(target, safe=_SAFE)
        if not target.startswith("/"):
            target = f"/{target}"
        lines = [f"{request.method} {target} HTTP/1.1\r\n{place.head}", *[f"{name}: {value}\r\n" for name, value in headers.items()]]
        if "accept" not in headers:
            lines.append(JSON)
        if body or request.method != "GET":
            lines.append(f"Content-Length: {len(body)}\r\n")
        lines.append("\r\n")
        return place, "".join(lines).encode() + body

    def _forget(self, place: Place) -> None:
        if not place.calls and not place.lines:
            self._places.pop(place.where, None)

    # --- connecting

    async def _connect(self, place: Place) -> Line:
        loop, seconds = asyncio.get_running_loop(), min(CONNECT, self._network.timeout)

        def left(line: Line) -> None:
            place.lose(line)
            self._forget(place)

        try:
            async with asyncio.timeout(seconds):
                made = await start_connection(
                    await place.addresses(), happy_eyeballs_delay=NEXT_ADDRESS, interleave=1, socket_factory=self._socket
                )
                _, line = await loop.create_connection(
                    lambda: Line(self._network.largest_answer, left),
                    sock=made,
                    ssl=self._context() if place.tls else None,
                    server_hostname=place.name if place.tls else None,
                )
        except TimeoutError:
            raise Unsent(f"cannot connect: nothing within {seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Unsent(f"cannot connect: its certificate is not trusted: {error.verify_message}") from None
        except OSError as error:
            place.known = None
            raise Unsent(f"cannot connect: {error.strerror or error}") from None
        if line.open:  # it may be lost already
            place.lines.add(line)
        return line

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _socket(self, info: Any) -> socket.socket:
        """Called for every address that is about to be connected to, resolved or literal."""
        family, kind, protocol, _, address = info
        try:
            check_address(str(address[0]), self._network)
        except Forbidden as error:
            raise PermissionError(str(error)) from None
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


class Place:
    """Where requests go: scheme, host and port, and the connections that lead there."""

    def __init__(self, where: str) -> None:
        parts = urlsplit(where)
        if not parts.hostname or parts.port == 0:
            raise ValueError("the URL names no place")
        self.where = where
        self.tls = parts.scheme == "https"
        self.host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode("ascii")
        self.name = self.host.rstrip(".")
        usual = PORTS[parts.scheme]
        self.port = parts.port or usual
        self.head = f"Host: {f'[{self.name}]' if ':' in self.name else self.name}{'' if self.port == usual else f':{self.port}'}\r\n{USUAL}"
        if parts.username is not None:
            # An owner's webhook may have one; URLs of partners may not (`guard`).
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.head += f"Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n"
        self.calls = 0
        self.gate = asyncio.Semaphore(PER_HOST)
        self.lines: set[Line] = set()
        self._idle: list[Line] = []
        self.known: tuple[float, list[Any]] | None = None

    def take(self) -> Line | None:
        """The connection that was used last: the others may end."""
        while self._idle:
            line = self._idle.pop()
            if line.free:
                return line
        return None

    def give(self, line: Line) -> None:
        if line.free:
            self._idle.append(line)

    def lose(self, line: Line) -> None:
        self.lines.discard(line)
        if line in self._idle:
            self._idle.remove(line)

    async def addresses(self) -> list[Any]:
        """What the name is resolved to, or the address that it is."""
        now = time.monotonic()
        if self.known is None or self.known[0] < now:
            literal = self.host.replace(".", "").isdigit() or ":" in self.host
            found = await asyncio.get_running_loop().getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=0 if literal else socket.AI_ADDRCONFIG
            )
            self.known = now + RESOLVED, found
        return self.known[1]
