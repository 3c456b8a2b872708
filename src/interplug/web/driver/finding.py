"""Finding a station: the list, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.store.places import POWERS
from interplug.web.live import Part, Stream

from . import listing, searching
from .surface import Surface


class Finding:
    def __init__(self, surface: Surface, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.listing = listing.Listing(surface.node, timer)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.list),
            Route("/stations.json", self.list),
            Route("/live", self.list_live),
        ]

    async def list(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        found = await self.listing.find(searching.search(request), searching.page(request), searching.near(request))
        choice, now, link = await self.listing.choice(), self.node.clock(), searching.links(request, found.search)
        return self.surface.answer(
            request, visitor, "driver/list.html", found.document(), found=found, choice=choice, now=now, powers=POWERS, link=link
        )

    async def list_live(self, request: Request) -> ASGIApp:
        numbers = searching.rows(request)

        async def look() -> list[Part]:
            rows = await listing.rows(self.node, numbers)
            return [Part(f"row-{pk}", row, lambda row=row: self.surface.part("driver/_row.html", row=row)) for pk, row in rows.items()]  # type: ignore[misc]

        return Stream(self.surface.streams, self.surface.who(request), numbers, look)
