"""What a request to the pages asks for: the search of its query, the fields of its form, whether it wants JSON; and what went wrong.

Forms are small, so their bodies are read within a small limit of size and of time. Everything that comes in is text of a stranger: it is
cut, compared and looked up, never believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from interplug.drivers.drives import NotPossible
from interplug.model.types import BadJson, decode_json
from interplug.store.places import Search

from .live import TooMany
from .stations import PAGE

LARGEST_FORM = 16_384
FORM_TIMEOUT = 10.0
PLAIN = {"Not Found": "There is no such page.", "Method Not Allowed": "This cannot be done here."}


def number(text: str, otherwise: int = 0) -> int:
    """A number of ours out of a URL or a form; what is none, or too long to be one, counts as `otherwise`."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else otherwise


def wants_json(request: Request) -> bool:
    return request.url.path.endswith(".json") or "application/json" in request.headers.get("accept", "")


def search(request: Request) -> Search:
    asked = request.query_params
    return Search(
        text=asked.get("text", "").strip()[:100],
        plug=asked.get("plug", "")[:40],
        free=asked.get("free", "") == "1",
        watts=number(asked.get("watts", "")),
    )


def page(request: Request) -> int:
    return number(request.query_params.get("page", ""), 1)


def rows(request: Request) -> list[int]:
    """The Locations whose rows a page shows."""
    named = request.query_params.get("of", "")[:2000].split(",")[:PAGE]
    return [one for text in named if (one := number(text))]


def links(search: Search) -> Callable[[int], str]:
    """The URL of each page of a search."""
    said = {"text": search.text, "plug": search.plug, "watts": search.watts or "", "free": "1" if search.free else ""}
    kept = {name: value for name, value in said.items() if value}

    def link(page: int) -> str:
        return "/?" + urlencode({**kept, "page": page})

    return link


async def fields(request: Request) -> dict[str, Any]:
    """The fields of a form, or those of a JSON object."""
    raw = await body(request)
    if "application/json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    try:
        document = decode_json(raw)
    except BadJson as error:
        raise HTTPException(400, f"This is no JSON: {error.reason}") from None
    return document if isinstance(document, dict) else {}


async def body(request: Request, largest: int = LARGEST_FORM) -> bytes:
    whole = b""
    try:
        async with asyncio.timeout(FORM_TIMEOUT):
            async for part in request.stream():
                whole += part
                if len(whole) > largest:
                    raise HTTPException(413, "That is too much to send.")
    except TimeoutError:
        raise HTTPException(408, "The form did not arrive in time.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The form did not arrive whole.") from None
    return whole


def trouble(error: Exception) -> tuple[int, str]:
    """What went wrong, as a status and in plain words."""
    if isinstance(error, HTTPException):
        return error.status_code, PLAIN.get(error.detail, error.detail)
    if isinstance(error, NotPossible):
        return 409, str(error)
    if isinstance(error, TooMany):
        return 503, "Too many live pages are open. Close some, or reload the page now and then."
    return 500, "Something went wrong here. It is written down, and it is not your fault."
