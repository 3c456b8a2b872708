"""One connection and its answers: every way in which HTTP/1.1 says where an answer ends, and what is no answer. No socket: bytes come as
the law of a stream has it, cut anywhere."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.partners.line import LARGEST_HEAD, MOST_HEADERS, Closed, Line, Unpack
from interplug.protocol.http import Response, Unreachable

TEXT = b'{"status_code":1000}' * 9
LIMIT = 1_000
OK = b"HTTP/1.1 200 OK\r\n"


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def chunked(data: bytes, size: int = 7, after: bytes = b"") -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + after + b"\r\n"


def counted(data: bytes, more: bytes = b"") -> bytes:
    return OK + more + b"content-length: %d\r\n\r\n%b" % (len(data), data)


class Wire:
    """What a transport would be."""

    def __init__(self) -> None:
        self.closed = False
        self.unsent = 0
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent


async def told(
    parts: Iterable[bytes], *, ends: bool = False, error: Exception | None = None, unsent: int = 0, limit: int = LIMIT
) -> tuple[Response, bool]:
    """The answer that these bytes are, and whether the connection may be used for another request."""
    line, wire = Line(limit, lambda line: None), Wire()
    wire.unsent = unsent
    line.connection_made(wire)  # type: ignore[arg-type]
    asked = asyncio.ensure_future(line.ask(b"GET / HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    for part in parts:
        line.data_received(part)
    if ends or wire.closed:
        line.connection_lost(error)
    await asyncio.sleep(0)
    assert asked.done(), "the answer is awaited still"
    return asked.result(), line.free


WAYS = {
    "with a length": counted(TEXT),
    "in chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(TEXT),
    "in chunks, with a trailer": OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(TEXT, after=b"link: <http://evil>\r\n"),
    "after another that announces it": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + counted(TEXT),
    "that offers something else": counted(TEXT, b"Connection: Upgrade\r\nUpgrade: h2,h2c\r\n"),
    "packed": counted(packed(TEXT), b"Content-Encoding: gzip\r\n"),
    "packed, as it was called once": counted(packed(TEXT), b"Content-Encoding: X-GZIP\r\n"),
    "packed in chunks": OK + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(packed(TEXT)),
    "deflated": counted(zlib.compress(TEXT), b"content-encoding: deflate\r\n"),
    "deflated without a head": counted(raw_deflate(TEXT), b"content-encoding: deflate\r\n"),
    "packed in nothing": counted(TEXT, b"content-encoding: identity\r\n"),
    "with bare line ends": counted(TEXT).replace(b"\r\n", b"\n"),
    "with spaces behind the sizes": OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(TEXT).replace(b"\r\n", b" \r\n", 1),
}


@pytest.mark.parametrize("how", WAYS)
async def test_an_answer_is_read_however_it_is_written(how: str) -> None:
    answer, again = await told([WAYS[how]])
    assert (answer.status, answer.body, again) == (200, TEXT, True)
    assert "link" not in answer.headers


@given(st.sampled_from(sorted(WAYS)), st.lists(st.integers(0, 600), max_size=20))
def test_it_is_the_same_answer_however_the_bytes_arrive(how: str, cuts: list[int]) -> None:
    data, places = WAYS[how], sorted({0, *cuts})
    parts = [part for at, to in zip(places, [*places[1:], None], strict=True) if (part := data[at:to])]
    answer, again = asyncio.run(told(parts))
    assert (answer.status, answer.body, again) == (200, TEXT, True)


async def test_an_answer_of_no_length_lasts_until_the_connection_does() -> None:
    answer, again = await told([OK + b"content-type: text/plain\r\n\r\n", TEXT], ends=True)
    assert (answer.body, again) == (TEXT, False)
    with pytest.raises(Unreachable, match="ended early"):
        await told([OK + b"\r\n", TEXT], ends=True, error=ConnectionResetError())


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_some_answers_have_no_body(status: bytes) -> None:
    answer, again = await told([b"HTTP/1.1 " + status + b"\r\ncontent-encoding: gzip\r\n\r\n"])
    assert (answer.body, again) == (b"", True)


@pytest.mark.parametrize(
    "data",
    [
        counted(TEXT, b"connection: close\r\n"),
        counted(TEXT).replace(b"1.1", b"1.0"),
        counted(TEXT) + counted(b"another").replace(b"200 OK", b"500 No"),
        counted(TEXT) + b"nonsense",
        counted(TEXT, b"connection: close\r\n") + b"nonsense",
    ],
)
async def test_where_the_next_answer_begins_is_certain_or_the_connection_ends(data: bytes) -> None:
    answer, again = await told([data])
    assert (answer.status, answer.body, again) == (200, TEXT, False)


async def test_a_request_that_was_answered_before_it_was_sent_is_the_last_one() -> None:
    _, again = await told([counted(TEXT)], unsent=1)
    assert not again


def connected() -> tuple[Line, Wire]:
    line, wire = Line(LIMIT, lambda line: None), Wire()
    line.connection_made(wire)  # type: ignore[arg-type]
    return line, wire


async def test_what_nobody_asked_for_ends_the_connection() -> None:
    line, wire = connected()
    asked = asyncio.ensure_future(line.ask(b"GET / HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    line.data_received(counted(TEXT))
    assert (await asked).body == TEXT and line.free
    assert line._body == [], "an idle connection holds what nobody needs"
    line.data_received(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
    wire.sent = b""
    with pytest.raises(Closed):
        await line.ask(b"GET / HTTP/1.1\r\n\r\n", 0.0)
    assert wire.closed and wire.sent == b""


@pytest.mark.parametrize("cut", [5, None])
async def test_a_server_may_say_that_it_is_too_busy_before_it_is_asked(cut: int | None) -> None:
    line, wire = connected()
    busy = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
    line.data_received(busy[:cut])
    asked = asyncio.ensure_future(line.ask(b"GET / HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    if cut:
        line.data_received(busy[cut:])
    assert ((await asked).status, wire.closed) == (503, True), "what it says to the request would be taken for an answer to the next one"


async def test_a_connection_that_is_lost_before_it_is_used_is_closed() -> None:
    line, wire = connected()
    wire.closed = True
    line.connection_lost(None)
    with pytest.raises(Closed):
        await line.ask(b"GET / HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 60)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"nonsense\r\n\r\n", "no HTTP"),
        (b"HTTP/2 200\r\n\r\n", "no HTTP"),
        (OK + b"no header\r\n\r\n", "no HTTP"),
        (OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", "no HTTP"),
        (OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "no HTTP"),
        (OK + b"transfer-encoding: chunked\r\n\r\nx\r\n", "no HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "no HTTP"),
        (OK + b"x: y\r\n" * (MOST_HEADERS + 1) + b"\r\n", "more than 200 headers"),
        (OK + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx", "not asked for"),
        (counted(b"not packed", b"content-encoding: gzip\r\n"), "cannot be read"),
        (counted(packed(TEXT)[:-9], b"content-encoding: gzip\r\n"), "ended early"),
        (OK + b"content-length: 1001\r\n\r\n", "larger than 1000 bytes"),
        (OK + b"content-length: 99999999999999999\r\n\r\n", "larger than 1000 bytes"),
        (OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"x" * 1001), "larger than 1000 bytes"),
        (OK + b"\r\n" + b"x" * 1001, "larger than 1000 bytes"),
        (counted(packed(b"x" * 100_000), b"content-encoding: gzip\r\n"), "larger than 1000 bytes"),
    ],
)
async def test_what_is_no_answer_is_unreachable(data: bytes, why: str) -> None:
    with pytest.raises(Unreachable, match=why):
        await told([data])
    with pytest.raises(Unreachable, match=why):
        await told(data[at : at + 1] for at in range(len(data)))


@pytest.mark.parametrize(
    "before", [b"", OK + b"x: ", OK + b"transfer-encoding: chunked\r\n\r\n1;", OK + b"transfer-encoding: chunked\r\n\r\n0\r\nx: "]
)
async def test_a_head_a_chunk_and_a_trailer_come_to_an_end(before: bytes) -> None:
    filling = b"a" if before else b"\r\n"
    with pytest.raises(Unreachable, match="never ends"):
        await told([before, *[filling * 1_000] * (LARGEST_HEAD // 1_000 + 1)])


@pytest.mark.parametrize(
    ("parts", "error"), [([], Closed), ([b"H"], Unreachable), ([OK, b"content-length: 9\r\n\r\n12345678"], Unreachable)]
)
async def test_an_end_that_comes_too_early_tells_whether_anything_was_said(parts: list[bytes], error: type[Exception]) -> None:
    with pytest.raises(Unreachable) as raised:
        await told(parts, ends=True)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "how", [OK + b"content-length: 200000\r\n\r\n%b", OK + b"transfer-encoding: chunked\r\n\r\n30d40\r\n%b\r\n0\r\n\r\n"]
)
async def test_a_long_body_is_not_a_long_head(how: bytes) -> None:
    data = how % (b"x" * 200_000)
    answer, again = await told((data[at : at + 1_000] for at in range(0, len(data), 1_000)), limit=200_000)
    assert (len(answer.body), again) == (200_000, True)


def test_what_is_packed_is_never_unpacked_beyond_what_may_be_kept() -> None:
    assert len(Unpack("gzip")(packed(b"x" * 1_000_000), 100)) == 100


async def test_a_repeated_header_is_one() -> None:
    answer, _ = await told([counted(b"", b"Link: <a>\r\nLINK: <b>\r\nX-Name: J\xfcrgen\r\nEmpty:\r\n")])
    assert answer.headers == {"link": "<a>, <b>", "x-name": "Jürgen", "empty": "", "content-length": "0"}


async def test_who_no_longer_waits_takes_the_connection_along() -> None:
    line, wire = Line(LIMIT, lambda line: None), Wire()
    line.connection_made(wire)  # type: ignore[arg-type]
    asked: Any = asyncio.ensure_future(line.ask(b"GET / HTTP/1.1\r\n\r\n", asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert wire.closed
