"""One connection of a client, below the door: what a request may be before it is a request.

The server library reads a head of any size for as long as it comes, takes trailers for headers, and refuses in plain text. Here a
head has a limit of size and of time, so that a stranger holds neither memory nor sockets; what follows the body is no header, or a
proxy's word about who asks could be replaced behind its back; and what is no HTTP is told in the envelope like everything else.

What partners ask goes to the door as it is, an `Exchange`: OCPI streams nothing, so the many messages of ASGI would only say slowly what
one `Request` and one `Response` say. Pages go through ASGI.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from interplug.protocol.envelope import failure
from interplug.protocol.http import Request, Response
from interplug.protocol.status import CLIENT_ERROR, OcpiError

from .door import Door

log = logging.getLogger(__name__)

LARGEST_HEAD = 65_536
"""Bytes of a request line and its headers."""
MOST_HEADERS = 200
HEAD_TIME = 20.0
"""Seconds that a head may take, and that a new connection may be silent."""
ANSWER_TIME = 120.0
"""Seconds that a client may take to read what waits for it: a page of a list over a slow line, but not a byte a second."""
LINGER = 2.0
"""Seconds in which a client that still sends a body may read why it is refused; a reset would take the answer from it."""

LAST_REQUEST = 0.5
"""Seconds in which a connection that is open when the node is told to stop may bring what was on its way."""


class Wire(HttpToolsProtocol):
    """What uvicorn makes for each connection."""

    _in_head = True
    _used = False
    _new = False
    _size = 0
    _at_hand = 0
    """Bytes that have come with the last data."""
    _waiting: asyncio.TimerHandle | None = None
    _idle: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _usual: tuple[list[tuple[bytes, bytes]] | None, bytes] = (None, b"")
    _leaving = False
    """The last answer is given; what comes is thrown away."""
    ending = False
    """The node was told to stop: no answer is followed by another."""

    def __init__(self, door: Door, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.door = door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._come()
        if self._idle is not None:
            self._idle.cancel()
        self._read()
        if isinstance(self.cycle, Exchange):
            self.cycle.fail(Gone())
            self.cycle = None  # type: ignore[assignment]
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """A request may be on its way already; to close now would be to reset it, and nobody could tell whether it was carried out."""
        self.ending = True
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
        else:
            self.loop.call_later(LAST_REQUEST, self._end)

    def _end(self) -> None:
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        self._new, self._at_hand = False, len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        # Of the data with which a later head begins, most may be requests before it.
        self._size += 0 if self._new else self._at_hand
        if self._size > LARGEST_HEAD:
            self.send_400_response("the head of the request is too large")
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._in_head, self._new, self._size = True, self._used, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head, self._used = False, True
        self._come()
        url, headers = self.url, self.headers
        if len(headers) > MOST_HEADERS or (self._size + self._at_hand > LARGEST_HEAD and _size(url, headers) > LARGEST_HEAD):
            raise ValueError("the head of the request is too large")
        if not url.startswith(b"/"):
            url = _without_host(url)
        if not self.door.is_for_partners(url):
            super().on_message_begin()
            self.url = url
            for name, value in headers:
                super().on_header(name, value)
            super().on_headers_complete()
            if self.ending:
                self.cycle.keep_alive = False
            return
        before: Any = self.cycle
        exchange = Exchange(self, Request(self.parser.get_method().decode("ascii"), url.decode("ascii"), _by_name(headers)))
        self.cycle = exchange  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if not isinstance(cycle, Exchange):
            super()._start_asgi_task(cycle, app)
            return
        cycle.task = self.loop.create_task(cycle.run())
        self.tasks.add(cycle.task)  # which it leaves itself: a callback would cost the loop another turn

    def on_body(self, body: bytes) -> None:
        if isinstance(self.cycle, Exchange):
            self.cycle.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if isinstance(self.cycle, Exchange):
            self.cycle.end()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        if not isinstance(self.cycle, Exchange) or self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        # A timer for each answer, cancelled by the next request, would cost as much as reading it: one looks again from time to time.
        self._idle_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._still_idle)

    def _still_idle(self) -> None:
        self._idle = None
        cycle: Any = self.cycle
        if cycle is None or not cycle.response_complete or self._waiting is not None or self.transport.is_closing():
            return  # somebody is being answered, or a head is coming, which has its own time
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0.001:
            self._idle = self.loop.call_later(left, self._still_idle)
        else:
            self.transport.close()

    def usual(self) -> bytes:
        """The headers that every answer has; uvicorn makes another list of them each second."""
        headers = self.server_state.default_headers
        if self._usual[0] is not headers:
            self._usual = headers, b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._usual[1]

    def send_400_response(self, msg: str) -> None:
        """The envelope, whatever was wrong; the connection ends, for where the next request begins is not known."""
        error = OcpiError(CLIENT_ERROR, msg, http=400)
        body = failure(error, Request("", ""), time.time_ns() // 1000).body
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)
        self.transport.close()

    def leave(self) -> None:
        """Ends the connection once the client has had time to hear why."""
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self._leaving = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._waiting = self.loop.call_later(LINGER, self.transport.close)

    # --- the time of an answer

    def pause_writing(self) -> None:
        """More waits to be read than the transport cares to hold."""
        super().pause_writing()
        self._unread = self.loop.call_later(ANSWER_TIME, self.transport.abort)

    def resume_writing(self) -> None:
        self._read()
        super().resume_writing()

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # --- the time of a head

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_TIME, self._too_slow)

    def _come(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self._waiting = None
        if not self.transport.is_closing() and self._in_head:
            self.transport.close()


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def _without_host(url: bytes) -> bytes:
    """The path of a URL that was sent whole, as to a proxy (RFC 9112, 3.2.2)."""
    parts = httptools.parse_url(url)
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")


def _by_name(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """A repeated name is joined (RFC 9110), so that of two tokens neither counts: a proxy may have looked at the other one."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        for wanted in headers:
            headers[wanted] = ", ".join(value.decode("latin-1") for name, value in pairs if name.decode("latin-1") == wanted)
    return headers


class Gone(Exception):
    """The client closed the connection before its body was whole; nobody is left to answer."""


class Exchange:
    """A request of a partner and its answer, in the place of uvicorn's cycle: `response_complete` and `keep_alive` are what its protocol
    looks at. A body is read within a limit of size and of time, so that one that never ends holds nothing but its own socket; that of
    a stranger is read to its end, so that the 401 arrives, and kept nowhere."""

    __slots__ = ("_body", "_keep", "_news", "_size", "_trouble", "_whole", "keep_alive", "request", "response_complete", "task", "wire")

    def __init__(self, wire: Wire, request: Request) -> None:
        self.wire = wire
        self.request = request
        self.keep_alive = wire.parser.should_keep_alive() and not wire.ending
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._keep = True
        self._whole = False
        self._trouble: Exception | None = None
        self._news: asyncio.Future[None] | None = None

    # --- what the protocol tells

    def take(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self.wire.door.limits.largest_body:
            self.fail(self._too_large())
        elif self._keep:
            self._body.append(part)
            if self._news is None and self._size > HIGH_WATER_LIMIT:
                self.wire.flow.pause_reading()  # until it is known whose it is

    def end(self) -> None:
        self._whole = True
        self._wake()

    def fail(self, trouble: Exception) -> None:
        self._trouble = self._trouble or trouble
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # --- its own task

    async def run(self) -> None:
        door, request = self.wire.door, self.request
        try:
            if not self._whole or self._trouble is not None:
                await self._rest()
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            response = await door.answer(request)
            await self._send(response)
        except Gone:
            return
        except OcpiError as error:
            self.keep_alive = False
            await self._send(door.refused(request, error))
        except Exception:
            log.exception("%s %s could not be answered", request.method, request.path)
            self.wire.transport.close()
        finally:
            self.wire.tasks.discard(self.task)

    async def _rest(self) -> None:
        """Waits for what is not there yet of the body."""
        wire, headers, limits = self.wire, self.request.headers, self.wire.door.limits
        declared = headers.get("content-length", "")
        if declared.isdigit() and (len(declared) > 12 or int(declared) > limits.largest_body):
            raise self._too_large()
        if headers.get("expect", "").lower() == "100-continue":
            wire.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._keep = await wire.door.knows(headers)
        if not self._keep:
            self._body.clear()
        try:
            async with asyncio.timeout(limits.body_timeout):
                while not self._whole and self._trouble is None:
                    self._news = wire.loop.create_future()
                    wire.flow.resume_reading()
                    await self._news
        except TimeoutError:
            raise OcpiError(CLIENT_ERROR, f"the body did not arrive within {limits.body_timeout} s", http=408) from None
        if self._trouble is not None:
            raise self._trouble

    def _too_large(self) -> OcpiError:
        return OcpiError(CLIENT_ERROR, f"the body is larger than {self.wire.door.limits.largest_body} bytes", http=413)

    async def _send(self, response: Response) -> None:
        wire = self.wire
        if wire.flow.write_paused:
            await wire.flow.drain()
        if wire.transport.is_closing():
            return
        head = self._head(response)
        wire.transport.writelines((head,) if self.request.method == "HEAD" else (head, response.body))
        self.response_complete = True
        if not self.keep_alive and self._whole:
            wire.transport.close()
        elif not self.keep_alive:
            wire.leave()
        wire.on_response_complete()

    def _head(self, response: Response) -> bytes:
        lines = [f"{name}: {value}\r\n" for name, value in response.headers.items() if "\n" not in value]
        close = "" if self.keep_alive else "connection: close\r\n"
        lines.append(f"content-length: {len(response.body)}\r\n{close}\r\n")
        return STATUS_LINE[response.status] + self.wire.usual() + "".join(lines).encode("latin-1")
