"""The application to compare with: plain ASGI and msgspec, everything in memory, one function a request.

It does what no server can leave out: the token (a dict), the message ids, the Link and counts of a page, the body read and checked
against its type, an envelope with the time. It does not store, and it knows neither versions nor visibility. Whoever keeps a stream open
gets the same event after each PATCH.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from bench import data
from interplug.model.locations import Location
from interplug.model.tokens import AuthorizationInfo, LocationReferences, Token

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOKEN = "bare-token"


class EvsePatch(msgspec.Struct, gc=False):
    last_updated: datetime
    status: Literal["AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED", "UNKNOWN"]


class Envelope(msgspec.Struct, gc=False, omit_defaults=True):
    timestamp: datetime
    data: AuthorizationInfo | msgspec.UnsetType = msgspec.UNSET
    status_code: int = 1000
    status_message: str = "Success"


class PageEnvelope(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    timestamp: datetime
    status_code: int = 1000
    status_message: str = "Success"


TOKENS = {b"Token " + b64encode(f"{TOKEN}{n or ''}".encode()): n for n in range(100)}
HELD = int(os.environ.get("BENCH_LOCATIONS", "0"))
BODIES = [msgspec.Raw(data.encoded(document)) for document in data.locations(HELD)]
CARD = msgspec.convert(data.token(0), Token)
JSON = (b"content-type", b"application/json")

TOLD = b"event: told\ndata: %s\n\n" % (b"x" * max(0, int(os.environ.get("BENCH_TOLD", "0")) - 20))
STREAMS: list[asyncio.Event] = []

_encode = msgspec.json.Encoder(decimal_format="number").encode
_patch = msgspec.json.Decoder(EvsePatch).decode
_location = msgspec.json.Decoder(Location).decode
_references = msgspec.json.Decoder(LocationReferences).decode


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    known, headers = _headers(scope)
    if not known:
        return await _answer(send, 401, headers, b"{}")
    method = scope["method"]
    if scope["path"] == "/live":
        return await _stream(receive, send)
    if method == "GET":
        body = _page(scope, headers)
    elif method == "PATCH":
        _patch(await _read(receive))
        for stream in STREAMS:
            stream.set()
        body = _encode(Envelope(datetime.now(UTC)))
    elif method == "PUT":
        _location(await _read(receive))
        body = _encode(Envelope(datetime.now(UTC)))
    else:
        place = _references(await _read(receive))
        body = _encode(Envelope(datetime.now(UTC), AuthorizationInfo(allowed="ALLOWED", token=CARD, location=place)))
    await _answer(send, 200, headers, body)


async def _stream(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    changed = asyncio.Event()
    STREAMS.append(changed)
    gone = asyncio.ensure_future(_gone(receive, changed))
    while not gone.done():
        await send({"type": "http.response.body", "body": TOLD, "more_body": True})
        await changed.wait()
        changed.clear()


async def _gone(receive: Receive, changed: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    STREAMS.remove(changed)
    changed.set()


def _headers(scope: Scope) -> tuple[bool, list[tuple[bytes, bytes]]]:
    known, headers = False, [JSON]
    for name, value in scope["headers"]:
        if name == b"authorization":
            known = value in TOKENS
        elif name == b"x-request-id" or name == b"x-correlation-id":
            headers.append((name, value))
    return known, headers


def _page(scope: Scope, headers: list[tuple[bytes, bytes]]) -> bytes:
    query = dict(parse_qsl(scope["query_string"].decode()))
    offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
    link = f'<https://host.example{scope["path"]}?offset={offset + limit}&limit={limit}>; rel="next"'
    headers += [(b"link", link.encode()), (b"x-total-count", b"%d" % HELD), (b"x-limit", b"%d" % limit)]
    return _encode(PageEnvelope(BODIES[offset : offset + limit], datetime.now(UTC)))


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
