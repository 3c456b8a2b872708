"""One connection to a partner: a request goes out, one answer comes back, and then the next request may go out.

This file knows bytes and the grammar of HTTP/1.1 (httptools, as at our own door); nothing of URLs, of addresses or of who waits for a
connection. Whatever a partner does wrong with its answer ends as `Unreachable`: a head without end, a body beyond the limit
(counted unpacked), an end that comes too early, what is no HTTP. A connection of which it is not certain where the next answer begins
is not used for another.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Any, cast

import httptools

from interplug.protocol.http import Response, Unreachable

LARGEST_HEAD = 65_536
"""Bytes that may come one after another without any of the body among them: a head, or what follows the last chunk."""
MOST_HEADERS = 200
KEPT = 15.0
"""Seconds for which a connection is kept that nobody uses."""
PACKED = ("gzip", "x-gzip", "deflate")


class Closed(Unreachable):
    """The partner closed the connection and had said nothing."""

    def __init__(self) -> None:
        super().__init__("the connection was closed before an answer came")


class Line(asyncio.Protocol):
    """`limit` is that of a body; `left` is told when the connection is no more. HEAD is not for it: nothing here asks so."""

    _transport: asyncio.Transport
    _early = False
    """Something came before the first request went out."""
    _timer: asyncio.TimerHandle | None = None
    _at = 0.0
    """When the timer goes off; later than `_until`, never, but where nobody waits."""
    _until = 0.0
    """When the answer has to be there, or the connection has been idle for long enough."""

    def __init__(self, limit: int, left: Callable[[Line], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit, self._left = limit, left
        self._parser: Any = httptools.HttpResponseParser(self)
        # What other clients read, too: there are servers who write it.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        # From the beginning: a server that is too busy may say so before it is asked.
        self._first: asyncio.Future[Response] | None = self._expect()

    def _expect(self) -> asyncio.Future[Response]:
        answer = self._loop.create_future()
        self._answer: asyncio.Future[Response] | None = answer
        """Who waits."""
        self._fields: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] | None = None
        """Those of the answer, once its head is whole."""
        self._status = 0
        self._body: list[bytes] = []
        self._size = 0
        self._unpack: Unpack | None = None
        self._without = 0
        """Bytes since there was last something of the body."""
        self._said = self._whole = self._more = self._lasts = False
        """Anything came; the answer did; and more than it; the connection goes on."""
        return answer

    # --- asking

    @property
    def free(self) -> bool:
        """Whether another request may go out."""
        return self._answer is None and self.open

    @property
    def open(self) -> bool:
        return not self._transport.is_closing()

    async def ask(self, request: bytes, until: float) -> Response:
        """The answer; `TimeoutError` when it is not there at that time of the loop."""
        if self._first is not None:
            answer, self._first = self._first, None
        elif self.free:
            answer = self._expect()
        else:
            raise Closed
        if self.open:
            self._wait(until)
            self._transport.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            self.end()
            raise

    def end(self) -> None:
        self._answer = None
        self._transport.abort()

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._wait(self._loop.time() + KEPT)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.end()  # nobody has asked
            return
        self._said = True
        self._early |= self._first is not None
        self._without += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._more = True
            if not self._whole:
                self._fail(Unreachable("what came is no HTTP"))
        if self._whole:
            self._finish(reusable=self._lasts and not self._more and not self._early)
        elif self._without > LARGEST_HEAD:
            self._fail(Unreachable("the head of the answer never ends"))

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._said:
            self._fail(Closed())
        elif error is None and self._headers is not None and not _has_length(self._headers):
            self._finish(reusable=False)
        else:
            self._fail(Unreachable("the answer ended early"))
        self._parser = None
        self._left(self)

    # --- what the parser tells

    def on_message_begin(self) -> None:
        self._more = self._whole

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))  # what follows the body is no header: those are read when their head is whole

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._more:
            return
        if len(self._fields) > MOST_HEADERS:
            self._fail(Unreachable(f"the answer has more than {MOST_HEADERS} headers"))
            return
        self._status = status
        self._headers = headers = _by_name(self._fields)
        length, packed = headers.get("content-length", ""), headers.get("content-encoding", "").lower()
        if length.isdigit() and int(length[:20]) > self._limit:
            self._fail(self._too_large())
        elif packed in PACKED:
            self._unpack = Unpack(packed)
        elif packed not in ("", "identity"):
            self._fail(Unreachable("the answer is packed in a way that was not asked for"))

    def on_body(self, part: bytes) -> None:
        if self._answer is None or self._more:
            return
        self._without = 0
        if self._unpack is not None:
            try:
                part = self._unpack(part, self._limit - self._size + 1)
            except zlib.error:
                self._fail(Unreachable("what is packed in the answer cannot be read"))
                return
        self._size += len(part)
        if self._size > self._limit:
            self._fail(self._too_large())
        else:
            self._body.append(part)

    def on_message_complete(self) -> None:
        if self._headers is None:  # 100 Continue and its like come before the answer
            self._fields.clear()
        else:
            self._whole, self._lasts = True, self._parser.should_keep_alive()

    # --- the end of a request

    def _finish(self, *, reusable: bool) -> None:
        answer = self._answer
        if answer is None:
            return
        if self._unpack is not None and self._body and not self._unpack.whole:
            self._fail(Unreachable("the answer ended early"))
            return
        self._answer = None
        if not answer.done():
            assert self._headers is not None
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            answer.set_result(Response(self._status, body, self._headers))
        self._body.clear()  # an idle connection holds nothing
        self._until = self._loop.time() + KEPT
        # A request of which a part still waits to be sent would be followed by the rest of it.
        if not reusable or self._transport.get_write_buffer_size():
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        answer = self._answer
        self.end()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _too_large(self) -> Unreachable:
        return Unreachable(f"the answer is larger than {self._limit} bytes")

    # --- time

    def _wait(self, until: float) -> None:
        """A timer for each request, cancelled by its answer, would cost as much as the answer: one looks again from time to time."""
        self._until = until
        if self._timer is None or self._at > until:
            if self._timer is not None:
                self._timer.cancel()
            self._at = until
            self._timer = self._loop.call_at(until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._until - self._loop.time() > 0.001:
            self._wait(self._until)
        elif self._answer is not None:
            self._fail(TimeoutError())
        else:
            self.end()


class Unpack:
    """A packed body, part by part, never more at a time than may be kept."""

    def __init__(self, coding: str) -> None:
        self._deflate = coding == "deflate"
        self._stream: Any = None

    def __call__(self, part: bytes, most: int) -> bytes:
        if self._stream is None:
            # With and without the head of zlib: servers mean either by "deflate".
            bare = self._deflate and part[0] & 0x0F != 8
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
        unpacked: bytes = self._stream.decompress(part, most)
        return unpacked

    @property
    def whole(self) -> bool:
        return self._stream is not None and bool(self._stream.eof)


def _has_length(headers: dict[str, str]) -> bool:
    """Whether the answer says where it ends; else it lasts until the connection does."""
    return "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()


def _by_name(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; a repeated one (Link) is joined as RFC 9110 joins it."""
    headers: dict[str, str] = {}
    for field, said in fields:
        name, value = field.decode("latin-1").lower(), said.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
