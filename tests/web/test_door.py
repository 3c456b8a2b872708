"""The door: what comes in is bounded in size and time, and whatever is wrong is told in the envelope."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.config import Server, Surfaces
from interplug.model.types import decode_json, encode_json
from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.protocol.headers import authorization
from interplug.protocol.http import Request, Response
from interplug.web.door import Application, Door
from interplug.web.driver.pages import Pages
from interplug.web.wire import Exchange
from tests.modules import said
from tests.nodes import EMSP, Partner, befriend, close, make_node
from tests.web.talking import Talk, served
from tests.web.visiting import ask, scope

LARGEST = 20_000
URL = "/ocpi/2.3.0/receiver/locations/BE/XYZ/L1"


async def ready() -> dict[str, str]:
    return {}


@pytest.fixture
async def partner(tmp_path: Path) -> AsyncIterator[Partner]:
    node = await make_node(tmp_path, parties=(EMSP,), server=Server(largest_body=LARGEST, body_timeout=0.05))
    yield await befriend(node, "2.3.0", parties=(("CPO", "BE", "XYZ"),))
    await close(node)


@pytest.fixture
def door(partner: Partner) -> Door:
    return Door(partner.node, ready)


@pytest.fixture
async def talk(door: Door) -> AsyncIterator[Talk]:
    async with served(door) as talking:
        yield talking


def head(partner: Partner, *lines: str, method: str = "PUT", token: str | None = None) -> bytes:
    presented = authorization(token or partner.token, base64_token=True)
    return "\r\n".join([f"{method} {URL} HTTP/1.1", "Host: x", f"Authorization: {presented}", *lines, "", ""]).encode()


def document() -> bytes:
    return encode_json(said.theirs(said.location()))


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def envelope(answer: bytes, status: int) -> dict[str, Any]:
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status), top
    assert b"content-type: application/json" in top and b"content-length: %d" % len(body) in top
    known: dict[str, Any] = decode_json(body)
    assert {"status_code", "timestamp"} <= known.keys()
    return known


async def stored(partner: Partner) -> int:
    counts = await partner.node.store.read(lambda tx: tx.objects.counts())
    return counts.get(("locations", partner.connection.id), 0)


async def test_a_put_goes_through_in_one_part_or_in_many(talk: Talk, partner: Partner) -> None:
    whole = document()
    length = f"Content-Length: {len(whole)}"
    assert envelope(await talk(head(partner, length) + whole), 201)["status_code"] == 1000
    parts = [whole[at : at + 97] for at in range(0, len(whole), 97)]
    assert envelope(await talk(head(partner, length), *parts), 200)["status_code"] == 1000
    assert envelope(await talk(head(partner, "Transfer-Encoding: chunked") + chunked(*parts)), 200)["status_code"] == 1000
    assert await stored(partner) == 1


async def test_who_asks_to_go_on_is_told_to(talk: Talk, partner: Partner) -> None:
    heard = await talk(head(partner, "Content-Length: 2", "Expect: 100-continue"))
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("length", [str(LARGEST + 1), "5000000", "9" * 18])
async def test_a_body_that_says_it_is_too_large_is_not_even_read(talk: Talk, partner: Partner, length: str) -> None:
    answer = await talk(head(partner, f"Content-Length: {length}"))
    assert str(LARGEST) in envelope(answer, 413)["status_message"] and b"connection: close" in answer


async def test_a_body_that_never_ends_is_refused_at_the_limit(talk: Talk, partner: Partner) -> None:
    endless = [b"%x\r\n%b\r\n" % (1000, b"x" * 1000)] * (LARGEST // 1000 + 1)
    answer = await talk(head(partner, "Transfer-Encoding: chunked"), *endless)
    assert envelope(answer, 413)["status_code"] == 2000


async def test_who_still_sends_when_it_is_refused_can_read_why(talk: Talk, partner: Partner) -> None:
    """A reset would take the answer from a client that is in the middle of its body."""
    large = b"x" * 20_000_000

    def send() -> bytes:
        with socket.create_connection(("127.0.0.1", talk.port), 10) as client:  # type: ignore[attr-defined]
            client.sendall(head(partner, f"Content-Length: {len(large)}") + large)
            return client.recv(65_536)

    assert str(LARGEST) in envelope(await asyncio.to_thread(send), 413)["status_message"]


async def test_a_body_that_stands_still_is_408(talk: Talk, partner: Partner) -> None:
    answer = await talk(head(partner, "Content-Length: 10"), b"{")
    assert "did not arrive" in envelope(answer, 408)["status_message"] and b"connection: close" in answer


async def test_who_leaves_in_the_middle_is_not_answered_and_nothing_is_stored(
    talk: Talk, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()
    wait = Exchange._rest

    async def rest(exchange: Exchange) -> None:
        try:
            await wait(exchange)
        finally:
            ended.set()

    monkeypatch.setattr(Exchange, "_rest", rest)
    assert await talk(head(partner, "Content-Length: 1000"), document()[:50], leave=True) == b""
    await ended.wait()
    assert await stored(partner) == 0


async def test_json_nested_a_million_deep_is_400(partner: Partner) -> None:
    door = Door(partner.node, ready)
    door.limits = Server()
    deep = b"[" * 1_000_000 + b"]" * 1_000_000
    async with served(door) as talk:
        answer = await talk(head(partner, f"Content-Length: {len(deep)}") + deep)
    assert envelope(answer, 400)["status_code"] == 2001


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/ocpi", 404),
        ("GET", "/ocpi/versions", 401),
        ("GET", "/ocpi/9.9/anything", 401),
        ("GET", "/ocpi/%00", 401),
    ],
)
async def test_an_unknown_place_is_told_in_the_envelope(talk: Talk, method: str, url: str, status: int) -> None:
    answer = await talk(f"{method} {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert envelope(answer, status)["status_code"] >= 2000


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE", "PROPFIND"])
async def test_a_method_that_ocpi_does_not_have_there_changes_nothing(talk: Talk, partner: Partner, method: str) -> None:
    envelope(await talk(head(partner, method=method)), 405)
    assert await stored(partner) == 0


async def test_the_body_of_a_stranger_is_read_and_kept_nowhere(talk: Talk, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[bytes] = []

    async def heard(node: Node, request: Request) -> Response:
        handed.append(request.body)
        return await serve(node, request)

    monkeypatch.setattr("interplug.web.door.serve", heard)
    whole = document()
    lines = f"Content-Length: {len(whole)}", "Expect: 100-continue"
    envelope(await talk(head(partner, *lines, token="unknown"), whole, paced=True), 401)
    envelope(await talk(head(partner, *lines), whole, paced=True), 201)
    assert handed == [b"", whole]
    envelope(await talk(head(partner, lines[0], token="unknown") + whole), 401)
    await partner.node.messages.flush()
    logged = await partner.node.store.read(lambda tx: tx.messages.search(limit=3))
    assert [one.body for one in logged] == [b"", whole, b""]


async def test_of_two_tokens_neither_counts(talk: Talk, partner: Partner) -> None:
    for lines in (head(partner, "Authorization: Token x"), head(partner).replace(b"Host: x", b"Host: x\r\nAuthorization: Token x")):
        envelope(await talk(lines), 401)


async def test_health_is_told_by_what_is_missing(partner: Partner) -> None:
    missing: dict[str, str] = {}

    async def readiness() -> dict[str, str]:
        return missing

    door = Door(partner.node, readiness)

    async def health(name: str) -> tuple[int, dict[str, Any]]:
        answer = await ask(door, scope("GET", f"/health/{name}"))
        assert answer is not None
        return answer.status, json.loads(answer.body)

    assert await health("live") == (200, {"status": "ok"})
    assert await health("ready") == (200, {"status": "ready"})
    missing["push"] = "failed"
    assert await health("ready") == (503, {"status": "not ready", "missing": {"push": "failed"}})
    assert (await health("x"))[0] == 404


async def test_surfaces_that_are_off_are_not_there(tmp_path: Path) -> None:
    node = await make_node(tmp_path, parties=(EMSP,), surfaces=Surfaces(ocpi=False, health=False, driver=True))
    door = Door(node, ready, Pages(node))
    statuses = [answer.status for url in ("/", "/ocpi/versions", "/health/live") if (answer := await ask(door, scope("GET", url)))]
    await close(node)
    assert statuses == [200, 404, 404]


async def test_what_is_no_request_is_let_alone(door: Application) -> None:
    assert await ask(door, {"type": "lifespan"}) is None
