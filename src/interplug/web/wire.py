"""One connection of a client, below the door: what a request may be before it is a request.

The server library reads a head of any size for as long as it comes, takes trailers for headers, and refuses in plain text. Here a
head has a limit of size and of time, so that a stranger holds neither memory nor sockets; what follows the body is no header, or a
proxy's word about who asks could be replaced behind its back; and what is no HTTP is told in the envelope like everything else.
It knows nothing of paths and parties: the door does.
"""

from __future__ import annotations

import asyncio
import time

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interplug.protocol.envelope import failure
from interplug.protocol.http import Request
from interplug.protocol.status import CLIENT_ERROR, OcpiError

LARGEST_HEAD = 65_536
"""Bytes of a request line and its headers."""
MOST_HEADERS = 200
HEAD_TIME = 20.0
"""Seconds that a head may take, and that a new connection may be silent."""


class Wire(HttpToolsProtocol):
    """What uvicorn makes for each connection."""

    _in_head = True
    _used = False
    _new = False
    _size = 0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._new = False
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        # Of the data with which a later head begins, most may be requests before it.
        self._size += 0 if self._new else len(data)
        if self._size > LARGEST_HEAD:
            self.send_400_response("the head of the request is too large")
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._new, self._size = True, self._used, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._used = False, True
        self._come()
        headers = self.headers
        if len(headers) > MOST_HEADERS or len(self.url) + sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD:
            raise ValueError("the head of the request is too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """The envelope, whatever was wrong; the connection ends, for where the next request begins is not known."""
        error = OcpiError(CLIENT_ERROR, msg, http=400)
        body = failure(error, Request("", ""), time.time_ns() // 1000).body
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)
        self.transport.close()

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
