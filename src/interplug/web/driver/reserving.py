"""A reservation of the visitor: made at a plug, followed, started from, let go. To others it does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.backend.reports import reference
from interplug.drivers import drives, reservation_states, reserving
from interplug.drivers.deals import deal
from interplug.drivers.offers import known
from interplug.drivers.plugs import NotPossible, find_plug, startable
from interplug.drivers.states import OPEN
from interplug.model.types import decode_json, format_time
from interplug.store.drivers import Drive, Driver
from interplug.store.keys import Key, Stored
from interplug.store.reservations import Reservation
from interplug.web import asking, wording
from interplug.web.languages import N_, Words, _
from interplug.web.live import OVER, Part, Stream, anything
from interplug.web.session import Visitor

from . import methods
from .driving import STARTS, WITHIN, Driving
from .station import Connector, station
from .surface import Surface

Document = dict[str, Any]
STATES = Words(
    {
        reservation_states.ASKED: N_("Asking the operator …"),
        reservation_states.RESERVED: N_("Reserved for you"),
        reservation_states.CANCELLING: N_("Letting it go …"),
        reservation_states.REFUSED: N_("Not reserved"),
        reservation_states.CANCELED: N_("Cancelled"),
        reservation_states.EXPIRED: N_("The time is over"),
        reservation_states.USED: N_("You are charging"),
    }
)


@dataclass(slots=True, frozen=True)
class Kept:
    """A reservation with its place; `pk` is 0 where that is not known any more. `price`: of the reservation, in words; that of
    charging now is the plug's, None where it is not known any more, or not to be had with this reservation."""

    row: Reservation
    pk: int
    name: str
    address: str
    time_zone: str | None
    price: str
    connector: Connector | None = None
    current: Drive | None = None
    """The charge that has come of it, while it goes on."""
    cancels: bool = True
    """Whether the operator can be told that it is let go."""

    @property
    def reference(self) -> str:
        return reference(self.row.id)

    @property
    def open(self) -> bool:
        return self.row.state in reservation_states.OPEN

    @property
    def reserved(self) -> bool:
        return self.row.state == reservation_states.RESERVED

    @property
    def text(self) -> str:
        return STATES[self.row.state]

    def document(self) -> Document:
        row = self.row
        return {
            "id": row.id,
            "reference": self.reference,
            "state": row.state,
            "reason": row.reason or None,
            "until": format_time(row.until),
            "station": {"id": self.pk or None, "name": self.name, "evse": row.evse, "connector": row.connector},
            "price": self.price or None,
            "drive": row.drive or None,
        }


class Reserving:
    def __init__(self, surface: Surface, driving: Driving) -> None:
        self.surface, self.node, self.driving = surface, surface.node, driving

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations", self.reserve, methods=["POST"]),
            Route("/reservations/{id}.json", self.page),
            Route("/reservations/{id}", self.page),
            Route("/reservations/{id}/live", self.live),
            Route("/reservations/{id}/start", self.start, methods=["POST"]),
            Route("/reservations/{id}/cancel", self.cancel, methods=["POST"]),
        ]

    async def reserve(self, request: Request) -> Response:
        visitor, form = self.surface.visitor(request), await self.surface.form(request)
        minutes = asking.number(str(form.get("minutes", "")))
        if minutes not in reserving.MINUTES:
            raise NotPossible(_("Choose for how long."))
        plug = await self.driving.plug(form)
        startable(self.node, plug)  # before anybody becomes a driver for it
        visitor, driver = await self.driving.driver(request, visitor)
        since = self.node.clock() - int(WITHIN * self.node.speed * wording.SECOND)
        made = await self.node.store.read(lambda tx: tx.reservations.of_driver(driver.id))
        if sum(one.created_at > since for one in made) >= STARTS:
            raise HTTPException(429, _("You have reserved often in a short time. Try again in a few minutes."))
        one = await reserving.reserve(self.node, driver, plug, minutes, self.driving.desk)
        return await self._done(request, visitor, one, 201)

    async def page(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        kept, cards = await self._kept(await self._of(request, visitor)), await methods.choice(self.node, visitor)
        shown: dict[str, Any] = {"kept": kept, "methods": cards, "now": self.node.clock()}
        return self.surface.answer(request, visitor, "driver/reservation.html", kept.document(), **shown)

    async def live(self, request: Request) -> ASGIApp:
        visitor = self.surface.visitor(request)
        one = await self._of(request, visitor)
        proof = self.surface.cookies.proof(visitor)

        async def look() -> list[Part]:
            if (await self.surface.known(request.headers.get("cookie", ""))).driver != one.driver:
                gone = Part("reservation", None, lambda: self.surface.part("driver/_ended.html", lent=False))
                return [gone, Part(OVER, True, lambda: "")]
            row = await self.node.store.read(lambda tx: tx.reservations.get(one.id)) or one
            kept, cards = await self._kept(row), await methods.choice(self.node, visitor)
            shown: dict[str, Any] = {"kept": kept, "methods": cards, "csrf": proof}
            state = row, kept.connector, kept.current, cards
            parts = [Part("reservation", state, lambda: self.surface.part("driver/_reservation.html", **shown))]
            return parts if kept.open else [*parts, Part(OVER, True, lambda: "")]

        return Stream(self.surface.streams, self.surface.who(request), anything, look)

    async def cancel(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        await self.surface.form(request)
        return await self._done(request, visitor, await reserving.cancel(self.node, await self._of(request, visitor)), 200)

    async def start(self, request: Request) -> Response:
        """Goes on with the reservation as a drive."""
        visitor = self.surface.visitor(request)
        form = await self.surface.form(request)
        one = await self._of(request, visitor)
        if one.state != reservation_states.RESERVED:
            raise NotPossible(_("This reservation does not hold any more."))
        plug = await find_plug(self.node, one.connection, one.country, one.party, one.place, one.evse, one.connector)
        driver = await self._driver(visitor)
        price, method = str(form.get("price") or ""), str(form.get("method") or "")
        starting = drives.start(self.node, driver, plug, price, self.driving.desk, reserved=one.id, method=method)
        drive, _status = await self.driving.begin(driver, plug, starting)
        await reserving.happened(self.node, one.id, "", drive=drive.id)
        return RedirectResponse(f"/drives/{drive.id}", 303)

    async def _driver(self, visitor: Visitor) -> Driver:
        found = await self.node.store.read(lambda tx: tx.drivers.driver(visitor.driver))
        assert found is not None, "the reservation is this driver's"
        return found

    async def _done(self, request: Request, visitor: Visitor, one: Reservation, status: int) -> Response:
        if asking.wants_json(request):
            return self.surface.answer(request, visitor, "", (await self._kept(one)).document(), status=status)
        return self.surface.with_cookie(RedirectResponse(f"/reservations/{one.id}", 303), visitor)

    async def _of(self, request: Request, visitor: Visitor) -> Reservation:
        found = await self.node.store.read(lambda tx: tx.reservations.get(request.path_params["id"]))
        if found is None or not visitor.driver or found.driver != visitor.driver:
            raise HTTPException(404, _("This reservation is not known here."))
        return found

    async def _kept(self, one: Reservation) -> Kept:
        key = Key("locations", one.connection, one.country, one.party, one.place)
        location: Stored | None = await self.node.store.read(lambda tx: tx.objects.get(key, whole=False))
        drive = await self.node.store.read(lambda tx: tx.drivers.get(one.drive)) if one.drive else None
        connection = self.node.directory.by_id(one.connection)
        document = location.document if location is not None else {}
        shown = None
        if location is not None and one.state == reservation_states.RESERVED:
            shown = await station(self.node, location.pk, one.driver)
        return Kept(
            row=one,
            pk=location.pk if location is not None else 0,
            name=document.get("name") or document.get("address") or one.place,
            address=", ".join(part for part in (document.get("address"), document.get("city")) if part),
            time_zone=document.get("time_zone"),
            price=_price(one),
            connector=shown.connector(one.evse, one.connector) if shown is not None else None,
            current=drive if drive is not None and drive.state in OPEN else None,
            cancels=connection is not None and connection.speaks.cancel_reservation,
        )


def _price(one: Reservation) -> str:
    """What the reservation itself costs, as it was shown."""
    offer = decode_json(one.offer)
    return reserving.price(deal(None if offer is None else known(offer), decode_json(one.shown), one.created_at))
