"""Finding a station: the list and the map, two views of one search, and how both go on.

The list is whole without scripts. With them the map stands beside it, and what it shows is what the list shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.model.types import encode_json
from interplug.store.places import POWERS, PRICES
from interplug.web.languages import spoken
from interplug.web.live import Part, Stream

from . import listing, searching
from .listing import Found, Row
from .mapping import POINTS, permissions
from .surface import Surface

Document = dict[str, Any]


class Finding:
    def __init__(self, surface: Surface, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.listing = listing.Listing(surface.node, timer)
        self.fresh = listing.Fresh(surface.node)
        self.permissions = permissions(surface.node.settings.map)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.list),
            Route("/stations.json", self.list),
            Route("/found", self.found),
            Route("/row/{pk:row}", self.row),
            Route("/live", self.live),
        ]

    async def list(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        context = await self._found(request)
        choice, settings = await self.listing.choice(), self.node.settings
        more: Document = {"powers": POWERS, "prices": PRICES, "currency": settings.payments.currency, "basemap": settings.map}
        found: Found = context["found"]
        context |= {"choice": choice, "current": await self.surface.open_drive(visitor), **more}
        page = self.surface.answer(request, visitor, "driver/list.html", found.document(), **context)
        page.headers.update(self.permissions)
        return page

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
        listed, mapped = set(searching.rows(request)), searching.numbers(request, "points", POINTS)
        shown, near = listed.union(mapped), searching.near(request)

        async def look() -> list[Part]:
            rows = [self._row(pk, row.seen_from(near)) for pk, row in (await self.fresh.rows(listed)).items()]
            points = await self.node.store.read(lambda tx: tx.finding.among(mapped)) if mapped else []
            return [*rows, *_points([[one.pk, one.free, one.evses] for one in points])]

        async def changed(numbers: frozenset[int]) -> list[Part]:
            rows = await self.fresh.rows(numbers & shown)
            parts = [self._row(pk, row.seen_from(near)) for pk, row in rows.items() if pk in listed]
            return [*parts, *_points([[pk, row.place.free, row.place.evses] for pk, row in rows.items()])]

        return Stream(self.surface.streams, self.surface.who(request), shown, look, changed=changed)

    def _row(self, pk: int, row: Row) -> Part:
        def html() -> str:
            return self.fresh.kept((pk, spoken(), row), lambda: self.surface.part("driver/_row.html", row=row))

        return Part(f"row-{pk}", row, html)


def _points(points: list[list[int]]) -> list[Part]:
    """What of the points of a map is other than it was; the page knows the rest."""
    return [Part("points", object(), lambda: encode_json(points).decode())] if points else []
