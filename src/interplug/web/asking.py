"""What a request to the pages asks for: the fields of its form, whether it wants JSON; and what went wrong.

Forms are small, so their bodies are read within a small limit of size and of time. Everything that comes in is text of a stranger: it is
cut, compared and looked up, never believed.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from interplug.drivers.plugs import NotPossible
from interplug.model.types import BadJson, decode_json

from .languages import N_, _, say
from .live import TooMany

LARGEST_FORM = 16_384
FORM_TIMEOUT = 10.0
MOST_PAGES = 1_000_000
WRONG_PAGE = N_("This page has expired. Go back, reload it and try again.")
PLAIN = {"Not Found": N_("There is no such page."), "Method Not Allowed": N_("This cannot be done here.")}


class _Row(IntegerConvertor):
    regex = "[0-9]{1,18}"


register_url_convertor("row", _Row())
"""In a path: a number of ours, as `number` reads it elsewhere. What is too long to be one is no such page."""


def number(text: str, otherwise: int = 0) -> int:
    """A number of ours out of a URL or a form; what is none, or too long to be one, counts as `otherwise`."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else otherwise


def page(request: Request) -> int:
    """Which page of a list is asked for."""
    return min(max(1, number(request.query_params.get("page", ""), 1)), MOST_PAGES)


def wants_json(request: Request) -> bool:
    return request.url.path.endswith(".json") or "application/json" in request.headers.get("accept", "")


async def fields(request: Request) -> dict[str, Any]:
    """The fields of a form, or those of a JSON object."""
    raw = await body(request)
    if "application/json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    try:
        document = decode_json(raw)
    except BadJson as error:
        reason = f"This is no JSON: {error.reason}"  # for programs, in English
        raise HTTPException(400, reason) from None
    return document if isinstance(document, dict) else {}


async def body(request: Request, largest: int = LARGEST_FORM) -> bytes:
    whole = b""
    try:
        async with asyncio.timeout(FORM_TIMEOUT):
            async for part in request.stream():
                whole += part
                if len(whole) > largest:
                    raise HTTPException(413, _("That is too much to send."))
    except TimeoutError:
        raise HTTPException(408, _("The form did not arrive in time.")) from None
    except ClientDisconnect:
        raise HTTPException(400, _("The form did not arrive whole.")) from None
    return whole


def trouble(error: Exception) -> tuple[int, str]:
    """What went wrong, as a status and in plain words."""
    if isinstance(error, HTTPException):
        return error.status_code, say(PLAIN.get(error.detail, error.detail))
    if isinstance(error, NotPossible):
        return 409, say(error.args[0])
    if isinstance(error, TooMany):
        return 503, _("Too many live pages are open. Close some, or reload the page now and then.")
    return 500, _("Something went wrong here. It is written down, and it is not your fault.")
