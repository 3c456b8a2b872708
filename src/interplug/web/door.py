"""The door: what stands in front of everything the node serves.

Partners' requests come from the wire as `Request` and go to `modules.server`; no framework stands between, because OCPI fixes
URLs, envelope and errors, and because this path is the busy one. Everything else is ASGI: health, metrics, and the pages where they
are on. Metrics name partners and how busy they are, so they are for whoever asks from near, and not through a proxy.
URLs that we hand out come from `public_url`, never from Host.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers

from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.protocol.envelope import failure
from interplug.protocol.http import Handler, Request, Response
from interplug.protocol.status import OcpiError, not_found

from .invoices import PREFIX, Invoices
from .languages import speak
from .terminals import PREFIX as TERMINALS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Metrics = Callable[[], Awaitable[Response]]
Readiness = Callable[[], Awaitable[dict[str, str]]]
"""What is not ready, by name, with the reason; empty when all is."""
PROXIED = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})


class Door:
    """The ASGI application of a node. `pages` serves the driver's surface where it is on, `console` that of the operators, `terminals`
    simulated ones, `metrics` is what Prometheus reads."""

    def __init__(
        self, node: Node, ready: Readiness, pages: Application | None = None, metrics: Metrics | None = None, serve: Handler | None = None
    ) -> None:
        self.node, self.ready, self.pages, self.metrics = node, ready, pages, metrics
        self.console: Application | None = None
        self.terminals: Application | None = None
        self.answer = serve or self._answer
        self.limits = node.settings.server
        self.surfaces = node.settings.surfaces
        self.invoices = Invoices(node)

    def is_for_partners(self, url: bytes) -> bool:
        return self.surfaces.ocpi and url.startswith(b"/ocpi/")

    async def knows(self, headers: dict[str, str]) -> bool:
        """Whether the token is one of ours, so that a body may be kept while it comes."""
        try:
            return await self.node.directory.authenticate(headers.get("authorization")) is not None
        except Exception:  # noqa: BLE001 (`answer` meets it again, and tells it)
            return False

    async def _answer(self, request: Request) -> Response:
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
        elif self.metrics is not None and path == "/metrics" and near(scope):
            await _send(send, await self.metrics())
        elif self.console is not None and (path == "/console" or path.startswith("/console/")):
            await self.console(scope, receive, send)
        elif self.terminals is not None and (path == TERMINALS or path.startswith(f"{TERMINALS}/")):
            await self.terminals(scope, receive, send)
        elif self.surfaces.invoices and path.startswith(PREFIX):
            speak(Headers(scope=scope))
            await _send(send, await self.invoices.answer(scope["method"], path, (scope.get("client") or ("",))[0]))
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


def near(scope: Scope) -> bool:
    """Whether a request comes straight from this machine or its private network."""
    if any(name in PROXIED for name, _ in scope["headers"]):
        return False
    try:
        address = ipaddress.ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, json.dumps(value).encode(), {"content-type": "application/json"})


async def _send(send: Send, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
