"""The door: bare ASGI in front of everything the node serves.

Partners' requests become a `Request` and go to `modules.server`; no framework stands between, because OCPI fixes URLs,
envelope and errors, and because this path is the busy one. Bodies are read within a limit of size and of time, so that
a body that never ends holds nothing but its own socket. URLs that we hand out come from `public_url`, never from Host.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.protocol.envelope import failure
from interplug.protocol.http import Request, Response
from interplug.protocol.status import CLIENT_ERROR, OcpiError, not_found

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Readiness = Callable[[], Awaitable[dict[str, str]]]
"""What is not ready, by name, with the reason; empty when all is."""


class Gone(Exception):
    """The client closed the connection before its body was whole; nobody is left to answer."""


class Door:
    """The ASGI application of a node. `pages` serves the driver's surface where it is on."""

    def __init__(self, node: Node, ready: Readiness, pages: Application | None = None) -> None:
        self.node, self.ready, self.pages = node, ready, pages
        self.limits = node.settings.server
        self.surfaces = node.settings.surfaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if self.surfaces.ocpi and path.startswith("/ocpi/"):
            await self._partner(scope, receive, send)
        elif self.surfaces.health and path.startswith("/health/"):
            await _send(send, await self._health(path))
        elif self.pages is not None and not path.startswith("/ocpi"):
            await self.pages(scope, receive, send)
        else:
            await _send(send, self._refused(Request(scope["method"], path), not_found(f"nothing is served at {path}")))

    async def _partner(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope["headers"])
        url = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            url += "?" + scope["query_string"].decode("latin-1")
        request = Request(scope["method"], url, headers)
        try:
            if "content-length" in headers or "transfer-encoding" in headers:
                # What a stranger sends is read to its end, so that the 401 arrives, and kept nowhere.
                request.body = await self._body(headers, receive, keep=await self._known(headers))
            response = await serve(self.node, request)
        except OcpiError as error:
            response = self._refused(request, error)
            response.headers["connection"] = "close"
        except Gone:
            return
        await _send(send, response)

    async def _known(self, headers: dict[str, str]) -> bool:
        try:
            return await self.node.directory.authenticate(headers.get("authorization")) is not None
        except Exception:  # noqa: BLE001 (`serve` meets it again, and tells it)
            return False

    async def _body(self, headers: dict[str, str], receive: Receive, *, keep: bool) -> bytes:
        largest = self.limits.largest_body
        too_large = OcpiError(CLIENT_ERROR, f"the body is larger than {largest} bytes", http=413)
        declared = headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and (len(declared) > 12 or int(declared) > largest):
            raise too_large
        message = await receive() if declared == "0" else None
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limits.body_timeout):
                while message is None or message.get("more_body"):
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    part = message.get("body", b"")
                    size += len(part)
                    if keep:
                        parts.append(part)
                    if size > largest:
                        raise too_large
        except TimeoutError:
            raise OcpiError(CLIENT_ERROR, f"the body did not arrive within {self.limits.body_timeout} s", http=408) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _refused(self, request: Request, error: OcpiError) -> Response:
        return failure(error, request, self.node.clock())

    async def _health(self, path: str) -> Response:
        if path == "/health/live":
            return _json(200, {"status": "ok"})
        if path == "/health/ready":
            missing = await self.ready()
            return _json(503 if missing else 200, {"status": "not ready", "missing": missing} if missing else {"status": "ready"})
        return _json(404, {"status": "unknown"})


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """A repeated name is joined (RFC 9110), so that of two tokens neither counts: a proxy may have looked at the other one."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        for wanted in headers:
            headers[wanted] = ", ".join(value.decode("latin-1") for name, value in pairs if name.decode("latin-1") == wanted)
    return headers


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, json.dumps(value).encode(), {"content-type": "application/json"})


async def _send(send: Send, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
