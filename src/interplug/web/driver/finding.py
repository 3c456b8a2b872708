"""Finding a station: the list and the map, two views of one search, and how both go on.

The list is whole without scripts. With them the map stands beside it, and what it shows is what the list shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.model.types import encode_json
from interplug.store.places import POWERS, PRICES
from interplug.web.languages import spoken
from interplug.web.live import Part, Stream, Topic, always, event
from interplug.web.rendering import STATIC

from . import listing, searching
from .listing import Found, Row
from .mapping import POINTS, permissions
from .once import Once
from .surface import Surface
from .tiles import Tiles

WORKER = "/static/vendor/maplibre-gl-worker.mjs"
Document = dict[str, Any]
Points = list[tuple[int, int, int]]
"""Of each the number, how many are free, and of how many."""


class Finding:
    def __init__(self, surface: Surface, tiles: Tiles | None, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.listing = listing.Listing(surface.node, timer)
        self.once = Once(surface.node)
        self.tiles = tiles
        self.permissions = permissions(surface.node.settings.map)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.list),
            Route("/stations.json", self.list),
            Route("/found", self.found),
            Route("/row/{pk:row}", self.row),
            Route("/live", self.live),
            Route(WORKER, self.worker),
        ]

    async def list(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        context = await self._found(request)
        choice, settings = await self.listing.choice(), self.node.settings
        more: Document = {
            "powers": POWERS,
            "prices": PRICES,
            "currency": settings.payments.currency,
            "basemap": settings.map,
            "tiles": self.tiles,
        }
        found: Found = context["found"]
        context |= {"choice": choice, "current": await self.surface.open_drive(visitor), **more}
        page = self.surface.answer(request, visitor, "driver/list.html", found.document(), **context)
        page.headers.update(self.permissions)
        return page

    async def worker(self, request: Request) -> Response:
        """The map's worker, which fetches its tiles: it may load what the script itself is told, whatever its page may."""
        return FileResponse(STATIC / WORKER.removeprefix("/static/"), headers=self.permissions)

    async def found(self, request: Request) -> Response:
        """The list alone, for the page that shows it: of the part of the map that is in view, or of the next search."""
        return self.surface.answer(request, self.surface.visitor(request), "driver/_found.html", {}, **await self._found(request))

    async def _found(self, request: Request) -> Document:
        search, box, near = searching.search(request), searching.box(request), searching.near(request)
        if box is not None and not search.text:
            found = await self.listing.inside(search, box)
        else:
            found = await self.listing.find(search, searching.page(request), near)
        points = searching.numbers(request, "points", POINTS)
        return {
            "found": found,
            "now": self.node.clock(),
            "link": searching.links(request, search),
            "points": points,
            "asked_near": near and request.query_params["near"],
        }

    async def row(self, request: Request) -> Response:
        """One station, as the list shows it: what was picked on the map."""
        rows = await listing.rows(self.node, [request.path_params["pk"]])
        return self.surface.answer(
            request, self.surface.visitor(request), "driver/_picked.html", {}, row=next(iter(rows.values()), None), now=self.node.clock()
        )

    async def live(self, request: Request) -> ASGIApp:
        """The rows of the list, and the points of the map: only what has changed is looked at again."""
        listed, mapped = frozenset(searching.rows(request)), frozenset(searching.numbers(request, "points", POINTS))
        near = searching.near(request)

        async def look() -> list[Part]:
            rows = [self._row(row, near) for row in (await self._rows(listed)).values()]
            points = await self.node.store.read(lambda tx: tx.finding.among(mapped)) if mapped else []
            return [*rows, *self._points([(one.pk, one.free, one.evses) for one in points])]

        async def changed(news: set[Topic]) -> list[Part]:
            found = await self._rows([pk for pk in news if isinstance(pk, int)])
            rows = [self._row(row, near) for pk, row in found.items() if pk in listed]
            return [*rows, *self._points([(pk, row.place.free, row.place.evses) for pk, row in found.items() if pk in mapped])]

        return Stream(self.surface.streams, self.surface.who(request), always(listed | mapped), look, changed=changed)

    async def _rows(self, numbers: Iterable[int]) -> dict[int, Row]:
        return await self.once.read(numbers, lambda lacking: listing.rows(self.node, lacking))

    def _row(self, row: Row, near: searching.Near | None) -> Part:
        """Written once for all who see it from the same place, in the same language."""

        def made() -> Part:
            name = f"row-{row.place.pk}"
            written = event(name, self.surface.part("driver/_row.html", row=row.seen_from(near)))
            return Part(name, row, lambda: written)

        return self.once.made((row.place.pk, spoken(), near), made)

    def _points(self, points: Points) -> Sequence[Part]:
        """What of the points of a map is other than it was; the page knows the rest."""
        if not points:
            return []
        written = self.once.made(tuple(points), lambda: event("points", encode_json(points).decode()))
        return [Part("points", object(), lambda: written)]
