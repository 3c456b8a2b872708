"""The page of a station, how it goes on, and its photos."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.drivers import reserving
from interplug.drivers.locations import place_of
from interplug.web import wording
from interplug.web.languages import N_, _
from interplug.web.live import Part, Stream
from interplug.web.session import Visitor

from . import about, car, methods
from .favourites import keeping
from .listing import copies_of
from .photos import Photos
from .station import Station, station
from .stations import public
from .surface import Surface

NO_STATION = N_("This station is not known here, or not any more.")


class Plugs:
    def __init__(self, surface: Surface, photos: Photos) -> None:
        self.surface, self.node, self.photos = surface, surface.node, photos

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/stations/{pk:row}", self.station),
            Route("/stations/{pk:row}.json", self.station),
            Route("/stations/{pk:row}/live", self.live),
            Route("/stations/{pk:row}/photos/{number:row}", self.photo),
        ]

    async def station(self, request: Request) -> Response:
        visitor, wish = self.surface.visitor(request), car.wish(request)
        shown = await self._station(request, visitor)
        current, held = await self.surface.open_drive(visitor), await self.surface.open_reservation(visitor)
        context: dict[str, Any] = {"current": current, "held": held, "wish": wish, "idle": car.IDLE, "minutes": reserving.MINUTES}
        context["methods"] = await methods.choice(self.node, visitor)
        context["keeping"] = await keeping(self.surface, visitor, shown.pk)
        context["copies"] = copies = await copies_of(self.node, shown.pk)
        document = {**shown.document(), "copies": [{"id": one.place.pk, "name": one.place.name, "partner": one.partner} for one in copies]}
        answer = self.surface.answer(request, visitor, "driver/station.html", document, station=shown, now=self.node.clock(), **context)
        return car.keep(request, answer, wish)

    async def live(self, request: Request) -> ASGIApp:
        visitor, wish = self.surface.visitor(request), car.wish(request)
        shown = await self._station(request, visitor)
        said: dict[str, str] = {evse.uid: evse.status for evse in shown.evses}

        async def look() -> list[Part]:
            found = await station(self.node, shown.pk, visitor.driver, wish)
            current, held = await self.surface.open_drive(visitor), await self.surface.open_reservation(visitor)
            if found is None:
                return [Part("contact", None, lambda: self.surface.part("driver/_gone.html"))]
            news = [evse for evse in found.evses if said.get(evse.uid) != evse.status]
            said.update({evse.uid: evse.status for evse in found.evses})
            cards = await methods.choice(self.node, visitor)
            busy = current is not None, None if held is None else held.id, cards
            shared = {
                "station": found,
                "current": current,
                "held": held,
                "methods": cards,
                "csrf": self.surface.cookies.proof(visitor),
                "minutes": reserving.MINUTES,
            }
            parts = [Part("contact", found.contact, lambda: self.surface.part("driver/_contact.html", station=found))]
            for place, evse in enumerate(found.evses, 1):
                context = {**shared, "evse": evse, "place": place}
                parts.append(Part(f"evse-{place}", (evse, busy), lambda context=context: self.surface.part("driver/_evse.html", **context)))  # type: ignore[misc]
            spoken = ". ".join(f"{evse.name}: {wording.status(evse.status).text}" for evse in news)
            return [*parts, Part("said", spoken, lambda: self.surface.part("driver/_said.html", text=spoken))] if news else parts

        return Stream(self.surface.streams, self.surface.who(request), [shown.pk], look)

    async def photo(self, request: Request) -> Response:
        """Only of a station that is shown, and only what its operator named there."""
        pk, number = request.path_params["pk"], request.path_params["number"]
        stored = await self.node.store.read(lambda tx: tx.objects.get_pk(pk))
        named = about.images(stored.document) if stored is not None and public(stored) and place_of(stored) is not None else []
        if not self.node.settings.help.photos or not 1 <= number <= len(named):
            raise HTTPException(404, _("There is no such photo."))
        made = await self.photos.get(named[number - 1]["url"])
        if made is None:
            raise HTTPException(404, _("This photo cannot be had from its operator."))
        return Response(made, 200, {"cache-control": "private, max-age=86400"}, "image/jpeg")

    async def _station(self, request: Request, visitor: Visitor) -> Station:
        pk = request.path_params["pk"]
        found = await station(self.node, pk, visitor.driver, car.wish(request))
        if found is None:
            raise HTTPException(404, _(NO_STATION))
        return found
