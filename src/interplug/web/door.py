"""The door: what stands in front of everything the node serves.

Partners' requests come from the wire as `Request` and go to `modules.server`; no framework stands between, because OCPI fixes
URLs, envelope and errors, and because this path is the busy one. Everything else is ASGI: health, and the pages where they are on.
URLs that we hand out come from `public_url`, never from Host.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.protocol.envelope import failure
from interplug.protocol.http import Request, Response
from interplug.protocol.status import OcpiError, not_found

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Readiness = Callable[[], Awaitable[dict[str, str]]]
"""What is not ready, by name, with the reason; empty when all is."""


class Door:
    """The ASGI application of a node. `pages` serves the driver's surface where it is on."""

    def __init__(self, node: Node, ready: Readiness, pages: Application | None = None) -> None:
        self.node, self.ready, self.pages = node, ready, pages
        self.limits = node.settings.server
        self.surfaces = node.settings.surfaces

    def is_for_partners(self, url: bytes) -> bool:
        return self.surfaces.ocpi and url.startswith(b"/ocpi/")

    async def knows(self, headers: dict[str, str]) -> bool:
        """Whether the token is one of ours, so that a body may be kept while it comes."""
        try:
            return await self.node.directory.authenticate(headers.get("authorization")) is not None
        except Exception:  # noqa: BLE001 (`answer` meets it again, and tells it)
            return False

    async def answer(self, request: Request) -> Response:
        """For a partner's request; never raises."""
        return await serve(self.node, request)

    def refused(self, request: Request, error: OcpiError) -> Response:
        return failure(error, request, self.node.clock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if self.surfaces.health and path.startswith("/health/"):
            await _send(send, await self._health(path))
        elif self.pages is not None and not path.startswith("/ocpi"):
            await self.pages(scope, receive, send)
        else:
            await _send(send, self.refused(Request(scope["method"], path), not_found(f"nothing is served at {path}")))

    async def _health(self, path: str) -> Response:
        if path == "/health/live":
            return _json(200, {"status": "ok"})
        if path == "/health/ready":
            missing = await self.ready()
            return _json(503 if missing else 200, {"status": "not ready", "missing": missing} if missing else {"status": "ready"})
        return _json(404, {"status": "unknown"})


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, json.dumps(value).encode(), {"content-type": "application/json"})


async def _send(send: Send, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
