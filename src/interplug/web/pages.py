"""The driver's pages: find a station, start, see it live, stop, receipt. The same as JSON for programs, under the same rules.

`ROUTES` lists every page. A page works without scripts; with them it is kept live by server-sent events. Whatever changes
something is a POST with a proof that our own page sent it (a field `csrf` or the header X-CSRF-Token). What cannot be done is
said in plain words.
A visitor becomes a driver at the first start. Nothing outside this node is ever loaded by a page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interplug.charges.signed import transparency
from interplug.drivers.drives import OTHER_PRICE, NotPossible, find_plug, new_driver, start, startable, stop, token_of
from interplug.drivers.paying import desk_of
from interplug.drivers.states import OPEN, PAYING
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.store.drivers import Drive, Driver
from interplug.store.tx import Tx

from . import asking, prices, rides, stations, wording
from .guarding import guarded
from .live import OVER, Part, Stream, Streams, TooMany
from .paying import OPEN_FIELD, Till
from .rendering import HERE, answer, rendered
from .session import Cookies, Limit, Visitor, neighbourhood

STARTS = 6
"""Starts of one driver in WITHIN seconds; an open drive stands in the way of another one anyway."""
NEW_DRIVERS = 30
"""Drivers that one address may become in WITHIN seconds."""
WITHIN = 600.0
POWERS = (11_000, 22_000, 50_000, 150_000)
WRONG_PAGE = "This page has expired. Go back, reload it and try again."


class Pages:
    """The ASGI application of the driver's surface. `run` is its loop: without it streams look only now and then."""

    def __init__(self, node: Node, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.node = node
        self.streams = Streams(node)
        self.run = self.streams.run
        self.end = self.streams.end
        secure = root(node.settings).startswith("https://")
        self.cookies = Cookies(node.directory.key.derive("driver cookie"), secure=secure)
        self.listing = stations.Listing(node, timer)
        self.newcomers = Limit(NEW_DRIVERS, WITHIN, timer)
        self.desk = desk_of(node)
        self.till = None if self.desk is None else Till(self.desk, self._field)
        self.app = Starlette(
            routes=[
                Route("/", self.list),
                Route("/stations.json", self.list),
                Route("/live", self.list_live),
                Route("/stations/{pk:int}", self.station),
                Route("/stations/{pk:int}.json", self.station),
                Route("/stations/{pk:int}/live", self.station_live),
                Route("/drives", self.drives),
                Route("/drives.json", self.drives),
                Route("/drives", self.start, methods=["POST"]),
                Route("/drives/{id}.json", self.drive),
                Route("/drives/{id}", self.drive),
                Route("/drives/{id}/live", self.drive_live),
                Route("/drives/{id}/signed.xml", self.signed),
                Route("/drives/{id}/stop", self.stop, methods=["POST"]),
                Route("/drives/{id}/pay", self.pay),
                Route("/drives/{id}/paid", self.paid),
                Route("/drives/{id}/give-up", self.give_up, methods=["POST"]),
                *(self.till.routes() if self.till is not None else ()),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ],
            exception_handlers={HTTPException: self.trouble, NotPossible: self.trouble, TooMany: self.trouble, Exception: self.trouble},
        )
        self.app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await guarded(self.app, scope, receive, send)

    # --- finding

    async def list(self, request: Request) -> Response:
        visitor = self._visitor(request)
        found = await self.listing.find(asking.search(request), asking.page(request))
        document = {"total": found.total, "page": found.page, "pages": found.pages, "stations": [row.document() for row in found.rows]}
        now = self.node.clock()
        return self._answer(request, visitor, "list.html", document, found=found, now=now, powers=POWERS, link=asking.links(found.search))

    async def list_live(self, request: Request) -> ASGIApp:
        numbers = asking.rows(request)

        async def look() -> list[Part]:
            rows = await stations.rows(self.node, numbers)
            return [Part(f"row-{pk}", row, lambda row=row: self._part("_row.html", row=row)) for pk, row in rows.items()]  # type: ignore[misc]

        return Stream(self.streams, _who(request, self._visitor(request)), numbers, look)

    async def station(self, request: Request) -> Response:
        visitor = self._visitor(request)
        shown = await self._station(request, visitor)
        current = await self._open(visitor)
        return self._answer(request, visitor, "station.html", shown.document(), station=shown, current=current, now=self.node.clock())

    async def station_live(self, request: Request) -> ASGIApp:
        visitor = self._visitor(request)
        shown = await self._station(request, visitor)
        said: dict[str, str] = {evse.uid: evse.status for evse in shown.evses}

        async def look() -> list[Part]:
            station, current = await stations.station(self.node, shown.pk, visitor.driver), await self._open(visitor)
            if station is None:
                return [Part("contact", None, lambda: self._part("_gone.html"))]
            news = [evse for evse in station.evses if said.get(evse.uid) != evse.status]
            said.update({evse.uid: evse.status for evse in station.evses})
            proof, busy = self.cookies.proof(visitor), current is not None
            parts = [Part("contact", station.contact, lambda: self._part("_contact.html", station=station))]
            for place, evse in enumerate(station.evses, 1):
                context = {"station": station, "evse": evse, "place": place, "current": current, "csrf": proof}
                parts.append(Part(f"evse-{place}", (evse, busy), lambda context=context: self._part("_evse.html", **context)))  # type: ignore[misc]
            spoken = ". ".join(f"{evse.name}: {wording.status(evse.status).text}" for evse in news)
            return [*parts, Part("said", spoken, lambda: self._part("_said.html", text=spoken))] if news else parts

        return Stream(self.streams, _who(request, visitor), [shown.pk], look)

    async def _station(self, request: Request, visitor: Visitor) -> stations.Station:
        pk = request.path_params["pk"]
        found = await stations.station(self.node, pk, visitor.driver) if pk < 10**18 else None
        if found is None:
            raise HTTPException(404, "This station is not known here, or not any more.")
        return found

    # --- driving

    async def start(self, request: Request) -> Response:
        visitor, form = self._visitor(request), await self._form(request)
        shown = await stations.station(self.node, asking.number(str(form.get("station", ""))))
        if shown is None:
            raise NotPossible("This station is not known here.")
        source = await self.node.store.read(lambda tx: tx.objects.get_pk(shown.pk))
        assert source is not None
        plug = await find_plug(self.node, source.key.source, *shown.key, str(form.get("evse", "")), str(form.get("connector", "")))
        price = str(form.get("price") or "")
        token = await self.node.store.read(lambda tx: self._token(tx, visitor))
        if price and price != await prices.key_of(self.node, plug, token):
            raise NotPossible(OTHER_PRICE)
        startable(self.node, plug)  # before anybody becomes a driver for it
        visitor, driver = await self._driver(request, visitor)
        drive = await start(self.node, driver, plug, price, self.desk)
        return await self._done(request, visitor, drive, 201)

    async def _token(self, tx: Tx, visitor: Visitor) -> dict[str, Any] | None:
        return await token_of(tx, self.node, await tx.drivers.driver(visitor.driver)) if visitor.driver else None

    async def _driver(self, request: Request, visitor: Visitor) -> tuple[Visitor, Driver]:
        """The driver that the visitor is, or becomes now; within the limits."""
        driver = await self.node.store.read(lambda tx: tx.drivers.driver(visitor.driver)) if visitor.driver else None
        if driver is None:
            if not self.newcomers.allows(_address(request)):
                raise HTTPException(429, "Too many new drivers come from your network. Try again in a few minutes.")
            driver = await new_driver(self.node)
            return visitor.became(driver.id), driver
        since = self.node.clock() - int(WITHIN * self.node.speed * wording.SECOND)
        drives = await self.node.store.read(lambda tx: tx.drivers.of_driver(driver.id))
        if sum(drive.created_at > since for drive in drives) >= STARTS:
            raise HTTPException(429, "You have started often in a short time. Try again in a few minutes.")
        return visitor, driver

    async def stop(self, request: Request) -> Response:
        visitor = self._visitor(request)
        await self._form(request)
        drive = await self._drive(request, visitor)
        return await self._done(request, visitor, await stop(self.node, drive), 200)

    async def pay(self, request: Request) -> Response:
        visitor = self._visitor(request)
        drive = await self._drive(request, visitor)
        if self.till is None or drive.state != PAYING:
            return RedirectResponse(f"/drives/{drive.id}", 303)
        return await self.till.pay(request, drive)

    async def _field(self, request: Request, drive: Drive, **context: Any) -> Response:
        """The page with the provider's field for cards."""
        ride = await rides.ride(self.node, drive)
        page = self._answer(request, self._visitor(request), "pay.html", {}, ride=ride, **context)
        page.headers.update(OPEN_FIELD)
        return page

    async def paid(self, request: Request) -> Response:
        """The driver comes back from where the card is entered."""
        drive = await self._drive(request, self._visitor(request))
        if self.desk is not None:
            await self.desk.look(drive.id)
        return RedirectResponse(f"/drives/{drive.id}", 303)

    async def give_up(self, request: Request) -> Response:
        visitor = self._visitor(request)
        await self._form(request)
        drive = await self._drive(request, visitor)
        if self.desk is None:
            raise HTTPException(404)
        return await self._done(request, visitor, await self.desk.give_up(drive), 200)

    async def _done(self, request: Request, visitor: Visitor, drive: Drive, status: int) -> Response:
        if asking.wants_json(request):
            return self._answer(request, visitor, "", (await rides.ride(self.node, drive)).document(), status=status)
        return self._with_cookie(RedirectResponse(f"/drives/{drive.id}", 303), visitor)

    async def drive(self, request: Request) -> Response:
        visitor = self._visitor(request)
        ride = await rides.ride(self.node, await self._drive(request, visitor))
        return self._answer(request, visitor, "drive.html", ride.document(), ride=ride, now=self.node.clock())

    async def signed(self, request: Request) -> Response:
        """What the meter signed, as the transparency software opens it."""
        bill = (await rides.ride(self.node, await self._drive(request, self._visitor(request)))).receipt
        if bill is None or bill.proof is None:
            raise HTTPException(404, "Nothing was signed by a meter here, or the bill has not come yet.")
        named = {"content-disposition": f'attachment; filename="{request.path_params["id"]}.xml"'}
        return Response(transparency(bill.cdr["signed_data"]), 200, named, "application/xml")

    async def drive_live(self, request: Request) -> ASGIApp:
        visitor = self._visitor(request)
        drive = await self._drive(request, visitor)
        proof = self.cookies.proof(visitor)

        async def look() -> list[Part]:
            ride = await rides.ride(self.node, await self._now(drive))
            state = ride.drive.state, ride.drive.reason
            parts = [
                Part("state", state, lambda: self._part("_state.html", ride=ride)),
                Part("figures", ride.shown(), lambda: self._part("_figures.html", ride=ride)),
                # Apart from the figures: a button that is replaced with each of them loses the tap that falls between.
                Part(
                    "stop",
                    (ride.stoppable, ride.paying, ride.paying and ride.shown()),
                    lambda: self._part("_stop.html", ride=ride, csrf=proof),
                ),
            ]
            return [*parts, Part(OVER, True, lambda: "")] if ride.receipt is not None else parts

        async def moved() -> object:
            return await rides.moved(self.node, await self._now(drive))

        return Stream(self.streams, _who(request, visitor), None, look, moved)

    async def _now(self, drive: Drive) -> Drive:
        return await self.node.store.read(lambda tx: tx.drivers.get(drive.id)) or drive

    async def drives(self, request: Request) -> Response:
        visitor = self._visitor(request)
        found = await rides.of_driver(self.node, visitor.driver)
        return self._answer(request, visitor, "drives.html", {"drives": [one.document() for one in found]}, rides=found)

    async def _drive(self, request: Request, visitor: Visitor) -> Drive:
        """The drive of the path, if it is this visitor's; to others it does not exist."""
        found = await self.node.store.read(lambda tx: tx.drivers.get(request.path_params["id"]))
        if found is None or not visitor.driver or found.driver != visitor.driver:
            raise HTTPException(404, "This drive is not known here. Drives are shown only in the browser in which they were started.")
        return found

    async def _open(self, visitor: Visitor) -> Drive | None:
        found = await self.node.store.read(lambda tx: tx.drivers.of_driver(visitor.driver, 5)) if visitor.driver else []
        return next((drive for drive in found if drive.state in OPEN), None)

    # --- asking and answering

    def _visitor(self, request: Request) -> Visitor:
        return self.cookies.read(request.headers.get("cookie", ""))

    async def _form(self, request: Request) -> dict[str, Any]:
        """The fields of a POST, form or JSON, once it is proved to come from our page."""
        form = await asking.fields(request)
        proof = request.headers.get("x-csrf-token") or str(form.get("csrf", ""))
        if not self.cookies.proved(self._visitor(request), proof):
            raise HTTPException(403, WRONG_PAGE)
        return form

    def _answer(
        self, request: Request, visitor: Visitor, template: str, document: dict[str, Any], *, status: int = 200, **context: Any
    ) -> Response:
        proof = self.cookies.proof(visitor)
        if asking.wants_json(request):
            return self._with_cookie(answer({"csrf": proof, **document}, status), visitor)
        page = rendered(template, status, csrf=proof, speed=self.node.speed, **context)
        return self._with_cookie(page, visitor)

    def _with_cookie(self, response: Response, visitor: Visitor) -> Response:
        if visitor.new:
            response.headers.append("set-cookie", self.cookies.written(visitor))
        return response

    def _part(self, template: str, **context: Any) -> str:
        return bytes(rendered(template, now=self.node.clock(), **context).body).decode()

    async def trouble(self, request: Request, error: Exception) -> Response:
        status, text = asking.trouble(error)
        if asking.wants_json(request):
            return answer({"error": text}, status)
        return rendered("trouble.html", status, status=status, text=text, speed=self.node.speed)


def _address(request: Request) -> str:
    return neighbourhood(request.client.host if request.client else "")


def _who(request: Request, visitor: Visitor) -> tuple[str, str]:
    return visitor.name, _address(request)


def driver_pages(node: Node) -> Pages:
    """What `Door` takes as `pages`; its `run` is a loop of the node, its `end` is called when the node is told to stop."""
    return Pages(node)
