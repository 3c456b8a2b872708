"""The map: what stands on it in a part of the world, and what lies behind it.

Zoomed out there are clusters, counted before; from POINTS_FROM on the stations themselves, where they are few enough to be told apart.
A search for words shows what it found at any zoom. Behind it are outlines of countries of our own, or what `[map]` names: a PMTiles
file, of which this node hands out the tiles, or a style somewhere else, which the page of the map alone may load.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.config import Map
from interplug.store.earth import LEVELS, SIDE, Box
from interplug.store.finding import Cluster, Point, Search
from interplug.store.tx import Tx
from interplug.web.asking import number
from interplug.web.rendering import answer as as_json

from . import searching
from .surface import Surface
from .tiles import Tiles

POINTS_FROM = 11
POINTS = 500
"""More than can be told apart on a screen; where there are more, clusters are shown."""
WORLD = Box(0, 0, SIDE - 1, SIDE - 1)
VECTOR_TILE = "application/vnd.mapbox-vector-tile"


class Mapping:
    def __init__(self, surface: Surface, tiles: Tiles | None) -> None:
        self.node, self.tiles = surface.node, tiles

    def routes(self) -> list[BaseRoute]:
        tiles = [Route("/map/tiles/{z:int}/{x:int}/{y:int}.mvt", self.tile)] if self.tiles is not None else []
        return [Route("/map.json", self.shown), *tiles]

    async def shown(self, request: Request) -> Response:
        search, box = searching.search(request), searching.box(request) or WORLD
        zoom = min(max(number(request.query_params.get("zoom", "")), LEVELS[0]), 22)
        clusters, points = await self.node.store.read(lambda tx: _shown(tx, search, box, zoom))
        return as_json({"clusters": clusters, "points": points[:POINTS], "more": len(points) > POINTS})

    async def tile(self, request: Request) -> Response:
        assert self.tiles is not None
        z, x, y = (request.path_params[name] for name in ("z", "x", "y"))
        if z > 24 or max(x, y) >= 1 << z:
            raise HTTPException(404)
        found = await asyncio.to_thread(self.tiles.get, z, x, y)
        kept = {"cache-control": "public, max-age=86400"}
        if found is None:
            return Response(status_code=204, headers=kept)
        packed = {"content-encoding": self.tiles.packed} if self.tiles.packed else {}
        return Response(found, headers={**kept, **packed}, media_type=VECTOR_TILE)


async def _shown(tx: Tx, search: Search, box: Box, zoom: int) -> tuple[list[Cluster], list[Point]]:
    if search.text.strip():
        return [], await tx.finding.points(search, box, POINTS + 1)
    clusters = await tx.finding.clusters(search, box, min(zoom, LEVELS[-1]))
    if zoom >= POINTS_FROM and sum(one.places for one in clusters) <= 2 * POINTS:  # those at the edge lie outside in part
        points = await tx.finding.points(search, box, POINTS + 1)
        if len(points) <= POINTS:
            return [], points
    return clusters, []


def permissions(settings: Map) -> dict[str, str]:
    """What the page of the map may do more than others: where the driver is, workers, and pictures that it makes itself."""
    elsewhere = f" {_origin(settings.style_url)}" if settings.style_url.startswith("https://") else ""
    elsewhere += "".join(f" {host}" for host in settings.hosts)
    return {
        "content-security-policy": (
            f"default-src 'self'; img-src 'self' data: blob:{elsewhere}; connect-src 'self'{elsewhere}; worker-src 'self'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        ),
        "permissions-policy": "camera=(), geolocation=(self), microphone=(), payment=()",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
