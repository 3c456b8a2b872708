"""The page of a station, how it goes on, and its photos."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.drivers import reserving
from interplug.drivers.estimate import Wish
from interplug.drivers.locations import place_of
from interplug.store.drivers import Drive
from interplug.store.reservations import Reservation
from interplug.web import wording
from interplug.web.languages import N_, _, spoken
from interplug.web.live import OVER, PROOF, Part, Stream, always, event
from interplug.web.session import Visitor

from . import about, car, methods
from .favourites import keeping
from .listing import copies_of
from .once import Once
from .photos import Photos
from .station import Evse, Station, station
from .stations import public
from .surface import Surface

Who = tuple[int, str, Wish, str]
"""The station, and for whom it is shown: the driver, what they want to charge, their language."""
NOBODYS: tuple[None, None, tuple[methods.Card, ...]] = None, None, ()
"""What a visitor has begun, reserved and can pay with who has done nothing here yet."""
NO_STATION = N_("This station is not known here, or not any more.")


class Plugs:
    def __init__(self, surface: Surface, photos: Photos) -> None:
        self.surface, self.node, self.photos = surface, surface.node, photos
        self.once = Once(surface.node)

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
        said = _statuses(shown)
        who = shown.pk, visitor.driver, wish, spoken()

        async def look() -> list[Part]:
            nonlocal said
            if visitor.account and not await self.surface.signed_in(visitor):
                return [Part(OVER, True, lambda: "")]  # the browser comes back as who it is now
            found = await self._seen(who)
            if found is None:
                return [Part("contact", None, lambda: self.surface.part("driver/_gone.html"))]
            current, held, cards = await self._own(visitor) if visitor.driver else NOBODYS
            own = current is not None, None if held is None else held.id, cards
            parts = self.once.made((who, own), lambda: self._parts(who, found, own, current=current, held=held, methods=cards))
            before, said = said, self.once.made(("statuses", who), lambda: _statuses(found))
            news = [] if before == said else [evse for evse in found.evses if before.get(evse.uid) != evse.status]
            return [*parts, self._spoken(news)] if news else parts

        proof = self.surface.cookies.proof(visitor)
        return Stream(self.surface.streams, self.surface.who(request), always([shown.pk]), look, proof=proof)

    async def _own(self, visitor: Visitor) -> tuple[Drive | None, Reservation | None, tuple[methods.Card, ...]]:
        """What the visitor does already, and how they may pay."""
        current, held = await self.surface.open_drive(visitor), await self.surface.open_reservation(visitor)
        return current, held, tuple(await methods.choice(self.node, visitor))

    def _spoken(self, news: list[Evse]) -> Part:
        text = ". ".join(f"{evse.name}: {wording.status(evse.status).text}" for evse in news)
        written = self.once.made(("said", text), lambda: event("said", self.surface.part("driver/_said.html", text=text)))
        return Part("said", text, lambda: written)

    async def _seen(self, who: Who) -> Station | None:
        """As it is now for whom: read and priced once for all who see the same."""

        async def read(lacking: list[Who]) -> dict[Who, Station]:
            found = [(one, await station(self.node, *one[:3])) for one in lacking]
            return {one: shown for one, shown in found if shown is not None}

        return (await self.once.read([who], read)).get(who)

    def _parts(self, who: Who, found: Station, own: Hashable, **context: Any) -> list[Part]:
        """Each is written once for all who see the same, but for the proof that it is their own page."""
        shared = {"station": found, "csrf": PROOF, "minutes": reserving.MINUTES, **context}

        def part(name: str, value: object, template: str, **context: Any) -> Part:
            def written() -> bytes:
                return event(name, self.surface.part(template, **context))

            return Part(name, self.once.same((name, who), (value, own)), lambda: self.once.made((name, who, own), written))

        contact = part("contact", found.contact, "driver/_contact.html", station=found)
        evses = enumerate(found.evses, 1)
        return [contact, *(part(f"evse-{place}", evse, "driver/_evse.html", **shared, evse=evse, place=place) for place, evse in evses)]

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


def _statuses(shown: Station) -> dict[str, str]:
    return {evse.uid: evse.status for evse in shown.evses}
