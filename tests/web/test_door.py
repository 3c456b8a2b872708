"""The door: what comes in is bounded in size and time, and whatever is wrong is told in the envelope."""

from __future__ import annotations

import asyncio
import json
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
from interplug.web.pages import driver_pages
from tests.modules import said
from tests.nodes import EMSP, Partner, befriend, close, make_node
from tests.web.visiting import Answer, ask, body, scope

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


def put(partner: Partner, **headers: str) -> dict[str, Any]:
    return scope("PUT", URL, {"authorization": authorization(partner.token, base64_token=True), **headers})


def document() -> bytes:
    return encode_json(said.theirs(said.location()))


def envelope(answer: Answer | None) -> dict[str, Any]:
    assert answer is not None
    assert answer.header("content-type").startswith("application/json") and int(answer.header("content-length")) == len(answer.body)
    known: dict[str, Any] = decode_json(answer.body)
    assert {"status_code", "timestamp"} <= known.keys()
    return known


async def stored(partner: Partner) -> int:
    counts = await partner.node.store.read(lambda tx: tx.objects.counts())
    return counts.get(("locations", partner.connection.id), 0)


async def test_a_put_goes_through_in_one_part_or_in_many(door: Door, partner: Partner) -> None:
    whole = document()
    declared = put(partner, **{"content-length": str(len(whole))})
    assert envelope(await ask(door, declared, body(whole)))["status_code"] == 1000
    chunked = put(partner, **{"transfer-encoding": "chunked"})
    parts = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    assert envelope(await ask(door, chunked, body(*parts, b"")))["status_code"] == 1000
    assert await stored(partner) == 1


@pytest.mark.parametrize("length", [str(LARGEST + 1), "5000000", "9" * 400])
async def test_a_body_that_says_it_is_too_large_is_not_even_read(door: Door, partner: Partner, length: str) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("it was read")

    answer = await ask(door, put(partner, **{"content-length": length}), receive)
    assert answer is not None and answer.status == 413 and answer.header("connection") == "close"
    assert str(LARGEST) in envelope(answer)["status_message"]


@pytest.mark.parametrize("declared", [{"transfer-encoding": "chunked"}, {"content-length": "10"}, {"content-length": "-1"}])
async def test_a_body_that_never_ends_is_refused_at_the_limit(door: Door, partner: Partner, declared: dict[str, str]) -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1000
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    answer = await ask(door, put(partner, **declared), receive)
    assert answer is not None and answer.status == 413
    assert envelope(answer)["status_code"] == 2000 and read <= LARGEST + 1000


async def test_a_body_that_stands_still_is_408(door: Door, partner: Partner) -> None:
    first = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if not first:
            await asyncio.Event().wait()
        return first.pop()

    answer = await ask(door, put(partner, **{"transfer-encoding": "chunked"}), receive)
    assert answer is not None and answer.status == 408 and answer.header("connection") == "close"
    assert "did not arrive" in envelope(answer)["status_message"]


async def test_who_leaves_in_the_middle_is_not_answered_and_nothing_is_stored(door: Door, partner: Partner) -> None:
    waiting = [{"type": "http.disconnect"}, {"type": "http.request", "body": document()[:50], "more_body": True}]

    async def receive() -> dict[str, Any]:
        return waiting.pop()

    assert await ask(door, put(partner, **{"content-length": "1000"}), receive) is None
    assert await stored(partner) == 0


async def test_json_nested_a_million_deep_is_400(partner: Partner) -> None:
    door = Door(partner.node, ready)
    door.limits = Server()
    deep = b"[" * 1_000_000 + b"]" * 1_000_000
    answer = await ask(door, put(partner, **{"content-length": str(len(deep))}), body(deep))
    assert answer is not None and answer.status == 400
    assert envelope(answer)["status_code"] == 2001


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
async def test_an_unknown_place_is_told_in_the_envelope(door: Door, method: str, url: str, status: int) -> None:
    answer = await ask(door, scope(method, url))
    assert answer is not None and answer.status == status
    assert envelope(answer)["status_code"] >= 2000


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "DELETE", "BREW"])
async def test_a_method_that_ocpi_does_not_have_there_changes_nothing(door: Door, partner: Partner, method: str) -> None:
    request = {**put(partner), "method": method}
    answer = await ask(door, request)
    assert answer is not None and answer.status == 405
    assert await stored(partner) == 0


async def test_the_body_of_a_stranger_is_read_and_kept_nowhere(door: Door, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[bytes] = []

    async def heard(node: Node, request: Request) -> Response:
        handed.append(request.body)
        return await serve(node, request)

    monkeypatch.setattr("interplug.web.door.serve", heard)
    whole = document()
    length = {"content-length": str(len(whole))}
    stranger = scope("PUT", URL, {"authorization": authorization("unknown", base64_token=True), **length})
    answers = [await ask(door, request, body(whole[:9], whole[9:])) for request in (stranger, put(partner, **length))]
    assert [answer.status for answer in answers if answer] == [401, 201]
    assert handed == [b"", whole]


async def test_of_two_tokens_neither_counts(door: Door, partner: Partner) -> None:
    request = put(partner)
    for extra in ([(b"authorization", b"Token x"), *request["headers"]], [*request["headers"], (b"authorization", b"Token x")]):
        answer = await ask(door, {**request, "headers": extra})
        assert answer is not None and answer.status == 401


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
    door = Door(node, ready, driver_pages(node))
    statuses = [answer.status for url in ("/", "/ocpi/versions", "/health/live") if (answer := await ask(door, scope("GET", url)))]
    await close(node)
    assert statuses == [200, 404, 404]


async def test_what_is_no_request_is_let_alone(door: Application) -> None:
    assert await ask(door, {"type": "lifespan"}) is None
