"""A search as the URL of the list says it, and back."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request

from interplug.store.places import Search
from interplug.web.asking import number

from .stations import PAGE


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
