"""Below the door: what is no request, or does not become one, is bounded and told in the envelope."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interplug.config import Server
from interplug.protocol.http import Request, Response
from interplug.web import wire
from interplug.web.wire import LARGEST_HEAD, MOST_HEADERS
from tests.web.talking import Talk, served

START = b"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\n"
PAGE = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Echo:
    """Answers with the headers that it was given, once the body is whole: what partners ask as well as what goes through ASGI."""

    limits = Server()

    def is_for_partners(self, url: bytes) -> bool:
        return url.startswith(b"/ocpi/")

    async def knows(self, headers: dict[str, str]) -> bool:
        return True

    async def answer(self, request: Request) -> Response:
        return Response(200, json.dumps(list(request.headers)).encode())

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        body = json.dumps([name.decode() for name, _ in scope["headers"]]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


class Endless(Echo):
    """Answers with more than a line holds."""

    async def answer(self, request: Request) -> Response:
        return Response(200, bytes(50_000_000))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000000")]})
        await send({"type": "http.response.body", "body": bytes(50_000_000)})


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with served(Echo()) as talking:
        yield talking


def envelope(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and b"connection: close" in head and b"application/json" in head
    known: dict[str, Any] = json.loads(body)
    assert known["status_code"] == 2000 and "timestamp" in known
    return known


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"X: a\r\n b\r\n",
        b"X: a\x00b\r\n",
    ],
)
async def test_what_two_readers_could_read_differently_is_refused_in_the_envelope(talk: Talk, head: bytes) -> None:
    envelope(await talk(b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\n"))


async def test_what_is_no_http_is_told_in_the_envelope(talk: Talk) -> None:
    envelope(await talk(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50)))


async def test_a_head_has_a_largest_size_however_it_comes(talk: Talk) -> None:
    large = b"X: " + b"a" * LARGEST_HEAD + b"\r\n\r\n"
    envelope(await talk(START + large))
    some = b"X: " + b"a" * 1000 + b"\r\n"
    envelope(await talk(START, *[some] * (LARGEST_HEAD // 1000 + 1)))
    envelope(await talk(START + b"X: a\r\n" * (MOST_HEADERS + 1) + b"\r\n"))


async def test_a_large_body_is_no_large_head(talk: Talk) -> None:
    body = b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
    put = b"PUT /ocpi/versions HTTP/1.1\r\nHost: x\r\n"
    assert (await talk(put + body + put[:20], put[20:] + body + START + b"\r\n", answers=3)).count(b"200 OK") == 3


async def test_many_small_requests_at_once_are_no_large_head(talk: Talk) -> None:
    one = START + b"\r\n"
    stream = one * (3 * LARGEST_HEAD // len(one))
    cut = len(one) * 20 - 10
    heard = await talk(stream[:cut], stream[cut:-10], stream[-10:], answers=len(stream) // len(one))
    assert heard.count(b"200 OK") == len(stream) // len(one)


@pytest.mark.parametrize("start", [START, PAGE])
async def test_what_follows_the_body_is_no_header(talk: Talk, start: bytes) -> None:
    answer = await talk(start + b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Token x\r\n\r\n")
    assert b'["host", "transfer-encoding"]' in answer


async def test_pages_and_partners_are_answered_in_the_order_of_their_requests(talk: Talk) -> None:
    both = PAGE + b"A: 1\r\n\r\n" + START + b"B: 1\r\n\r\n" + PAGE + b"C: 1\r\n\r\n" + START + b"D: 1\r\nConnection: close\r\n\r\n"
    heard = await talk(both, answers=4)
    assert [heard.index(b'["host", "%b"' % name) for name in (b"a", b"b", b"c", b"d")] == sorted(
        heard.index(b'["host", "%b"' % name) for name in (b"a", b"b", b"c", b"d")
    )
    assert heard.count(b"connection: close") == 1


async def test_a_url_that_was_sent_whole_leads_to_the_same_place(talk: Talk) -> None:
    answer = await talk(b"GET http://x/ocpi/versions?a=b HTTP/1.1\r\nHost: x\r\nE: 1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200") and b'["host", "e"]' in answer


async def test_head_has_no_body(talk: Talk) -> None:
    heard = await talk(b"HEAD" + START[3:] + b"\r\n" + START + b"\r\n", answers=2)
    assert heard.count(b"200 OK") == 2 and heard.count(b'["host"]') == 1


async def test_a_head_that_does_not_come_ends_the_connection(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_TIME", 0.05)
    assert await talk() == b""
    assert await talk(START) == b""
    first = await talk(START + b"\r\n" + START, answers=2)
    assert first.count(b"200 OK") == 1


async def test_a_head_that_comes_byte_by_byte_has_no_more_time(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_TIME", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", talk.port)  # type: ignore[attr-defined]
    await dripped(writer, START)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def dripped(writer: asyncio.StreamWriter, text: bytes) -> None:
    """A byte a moment, for ever, until the other side has had enough."""
    with contextlib.suppress(ConnectionError):
        for byte in itertools.chain(text, itertools.repeat(ord("x"))):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("path", ["/ocpi/versions", "/"])
async def test_an_answer_that_is_not_read_is_not_kept_for_ever(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_TIME", 0.1)
    gone = asyncio.Event()
    monkeypatch.setattr(wire.Wire, "connection_lost", lambda self, _, lost=wire.Wire.connection_lost: (lost(self, _), gone.set()))
    async with served(Endless()) as talk:
        _, writer = await asyncio.open_connection("127.0.0.1", talk.port, limit=1)  # type: ignore[attr-defined]
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        async with asyncio.timeout(10):
            await gone.wait()
        writer.close()


async def test_a_connection_that_is_idle_after_its_answers_is_closed() -> None:
    async with served(Echo(), timeout_keep_alive=0.05) as talk:
        heard = await talk(START + b"\r\n", START + b"\r\n", answers=99)
    assert heard.count(b"200 OK") == 2


async def test_a_door_that_fails_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Echo):
        async def answer(self, request: Request) -> Response:
            raise LookupError("nobody foresaw it")

    async with served(Broken()) as talk:
        assert await talk(START + b"\r\n") == b""
    assert "could not be answered" in caplog.text


@pytest.mark.parametrize("target", [b"CONNECT x:443", b"GET *", b"OPTIONS *", b"GET x"])
async def test_a_target_that_is_no_path_is_told_in_the_envelope(talk: Talk, target: bytes) -> None:
    heard = await talk(target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 ")
