"""One signature for the network: `async (Request) -> Response`.

Our server, our client towards a partner, a hub's relay and a partner in a test are all a `Handler`. This file knows
no socket and no clock; the ASGI door and the transport to partners turn bytes into these values and back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote

import msgspec


class Request(msgspec.Struct):
    """A request as it was received, or as it is to be sent (then `url` is absolute)."""

    method: str
    url: str
    """Path with query on the server, absolute URL on the client; both percent-encoded."""
    headers: dict[str, str] = {}
    """Names in lower case (TRN-011)."""
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.url.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, the last of a repeated name."""
        text = self.url.partition("?")[2]
        if not text or "%" in text or "+" in text:
            return dict(parse_qsl(text, keep_blank_values=True)) if text else {}
        return {name: value for name, _, value in [part.partition("=") for part in text.split("&")] if name}


class Response(msgspec.Struct):
    """Status, headers (names in lower case) and body, whole: OCPI streams nothing."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


Handler = Callable[[Request], Awaitable[Response]]


class Unreachable(Exception):
    """What a `Handler` raises when no HTTP answer came: refused, timed out, too large, not allowed."""


class Unsent(Unreachable):
    """Nothing of the request has left: whoever was to be asked knows of nothing."""


def segments(path: str) -> list[str]:
    """The decoded segments of a path; a final slash adds none (a redirect would break OCPI clients)."""
    parts = path.strip("/").split("/")
    return [unquote(part) for part in parts] if "%" in path else parts


def join(base: str, *parts: str) -> str:
    """`base` and `parts` with exactly one slash between, each part percent-encoded (TRN-094)."""
    return "/".join([base.rstrip("/"), *map(_quoted, parts)])


@lru_cache(maxsize=4096)
def _quoted(part: str) -> str:
    """One object goes to many partners, and many objects are one party's."""
    return quote(part, safe="*@:!$'()+,;=~")
