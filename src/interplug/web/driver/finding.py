"""Finding a station: the list, the page of a station, and both as they go on."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.web import wording
from interplug.web.live import Part, Stream
from interplug.web.session import Visitor

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
            Route("/stations/{pk:int}", self.station),
            Route("/stations/{pk:int}.json", self.station),
            Route("/stations/{pk:int}/live", self.station_live),
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

    async def station(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        shown = await self._station(request, visitor)
        current = await self.surface.open_drive(visitor)
        return self.surface.answer(
            request, visitor, "driver/station.html", shown.document(), station=shown, current=current, now=self.node.clock()
        )

    async def station_live(self, request: Request) -> ASGIApp:
        visitor = self.surface.visitor(request)
        shown = await self._station(request, visitor)
        said: dict[str, str] = {evse.uid: evse.status for evse in shown.evses}

        async def look() -> list[Part]:
            station, current = await stations.station(self.node, shown.pk, visitor.driver), await self.surface.open_drive(visitor)
            if station is None:
                return [Part("contact", None, lambda: self.surface.part("driver/_gone.html"))]
            news = [evse for evse in station.evses if said.get(evse.uid) != evse.status]
            said.update({evse.uid: evse.status for evse in station.evses})
            proof, busy = self.surface.cookies.proof(visitor), current is not None
            parts = [Part("contact", station.contact, lambda: self.surface.part("driver/_contact.html", station=station))]
            for place, evse in enumerate(station.evses, 1):
                context = {"station": station, "evse": evse, "place": place, "current": current, "csrf": proof}
                parts.append(Part(f"evse-{place}", (evse, busy), lambda context=context: self.surface.part("driver/_evse.html", **context)))  # type: ignore[misc]
            spoken = ". ".join(f"{evse.name}: {wording.status(evse.status).text}" for evse in news)
            return [*parts, Part("said", spoken, lambda: self.surface.part("driver/_said.html", text=spoken))] if news else parts

        return Stream(self.surface.streams, self.surface.who(request), [shown.pk], look)

    async def _station(self, request: Request, visitor: Visitor) -> stations.Station:
        pk = request.path_params["pk"]
        found = await stations.station(self.node, pk, visitor.driver) if pk < 10**18 else None
        if found is None:
            raise HTTPException(404, "This station is not known here, or not any more.")
        return found
