"""Finding a station: the list, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.web.live import Part, Stream

from . import searching, stations
from .surface import Surface

POWERS = (11_000, 22_000, 50_000, 150_000)


class Finding:
    def __init__(self, surface: Surface, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.listing = stations.Listing(surface.node, timer)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.list),
            Route("/stations.json", self.list),
            Route("/live", self.list_live),
        ]

    async def list(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        found = await self.listing.find(searching.search(request), searching.page(request))
        document = {"total": found.total, "page": found.page, "pages": found.pages, "stations": [row.document() for row in found.rows]}
        now = self.node.clock()
        return self.surface.answer(
            request, visitor, "driver/list.html", document, found=found, now=now, powers=POWERS, link=searching.links(found.search)
        )

    async def list_live(self, request: Request) -> ASGIApp:
        numbers = searching.rows(request)

        async def look() -> list[Part]:
            rows = await stations.rows(self.node, numbers)
            return [Part(f"row-{pk}", row, lambda row=row: self.surface.part("driver/_row.html", row=row)) for pk, row in rows.items()]  # type: ignore[misc]

        return Stream(self.surface.streams, self.surface.who(request), numbers, look)
