"""What every page says to the browser besides itself: nothing from elsewhere is loaded, nobody frames it, nothing of it is kept."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .rendering import EDITION

HEADERS = [
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
]


async def guarded(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    static, bare = "/static/" in scope["path"], scope["method"] == "HEAD"

    async def said(message: Message) -> None:
        if message["type"] == "http.response.start":
            caching = _caching(scope, message["status"]) if static else b"no-store"
            # A page that may do more than others says so itself.
            said_itself = {name for name, _ in message["headers"]}
            ours = [(name, value) for name, value in (*HEADERS, (b"cache-control", caching)) if name not in said_itself]
            message["headers"] = [*message["headers"], *ours]
        elif bare:
            message = {**message, "body": b""}
        await send(message)

    await app(scope, receive, said)


def _caching(scope: Scope, status: int) -> bytes:
    """What is asked for in the edition that we have stays as it is."""
    right = scope["query_string"] == b"v=" + EDITION.encode() and status == 200
    return b"public, max-age=31536000, immutable" if right else b"no-cache"
