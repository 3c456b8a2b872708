"""A search as the URL says it, and back: the list, the map and their live parts are asked for with the same words."""

from __future__ import annotations

import math
from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request

from interplug.store.earth import Box, point
from interplug.store.finding import Search
from interplug.web.asking import number

from .listing import PAGE

Near = tuple[int, int]


def search(request: Request) -> Search:
    asked = request.query_params
    return Search(
        text=asked.get("text", "").strip()[:100],
        plug=asked.get("plug", "")[:40],
        free=asked.get("free", "") == "1",
        watts=number(asked.get("watts", "")),
        operator=asked.get("operator", "")[:255],
        price=number(asked.get("price", "")),
        open=asked.get("open", "") == "1",
        accessible=asked.get("accessible", "") == "1",
    )


def near(request: Request) -> Near | None:
    """Where the driver is, as latitude,longitude; None: not told."""
    degrees = _degrees(request, "near", 2)
    return None if degrees is None else point(degrees[1], degrees[0])


def box(request: Request) -> Box | None:
    """A part of the map, as west,south,east,north in degrees."""
    degrees = _degrees(request, "box", 4)
    if degrees is None:
        return None
    west, south, east, north = degrees
    return Box(*point(west, north), *point(east, south))


def _degrees(request: Request, name: str, count: int) -> list[float] | None:
    parts = request.query_params.get(name, "")[:200].split(",")
    try:
        found = [float(part) for part in parts]
    except ValueError:
        return None
    return found if len(found) == count and all(math.isfinite(one) for one in found) else None


def page(request: Request) -> int:
    return number(request.query_params.get("page", ""), 1)


def rows(request: Request) -> list[int]:
    """The Locations whose rows a page shows."""
    return numbers(request, "of", PAGE)


def numbers(request: Request, name: str, most: int) -> list[int]:
    named = request.query_params.get(name, "")[: most * 20].split(",")[:most]
    return [one for text in named if (one := number(text))]


def said(search: Search) -> dict[str, str]:
    """What of a search is said in a URL."""
    words = {"text": search.text, "plug": search.plug, "operator": search.operator}
    steps = {"watts": str(search.watts or ""), "price": str(search.price or "")}
    ticks = {"free": search.free, "open": search.open, "accessible": search.accessible}
    return {name: value for name, value in {**words, **steps, **{name: "1" if on else "" for name, on in ticks.items()}}.items() if value}


def links(request: Request, search: Search) -> Callable[[int], str]:
    """The URL of each page of a search."""
    kept = {**said(search), **({"near": request.query_params["near"]} if near(request) else {})}

    def link(page: int) -> str:
        return "/?" + urlencode({**kept, "page": page})

    return link
