"""A drive: its start, the pay step, how it goes, its stop and its receipt. To others than its driver it does not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.charges.signed import transparency
from interplug.drivers.drives import OTHER_PRICE, give_up, new_driver, start, stop
from interplug.drivers.paying import desk_of
from interplug.drivers.plugs import NotPossible, Plug, find_plug, startable
from interplug.drivers.states import PAYING, STARTING
from interplug.drivers.tokens import token_of
from interplug.model.types import decode_json, fold
from interplug.store.drivers import Drive, Driver
from interplug.store.tx import Tx
from interplug.web import asking, printing, wording
from interplug.web.languages import _
from interplug.web.live import OVER, Part, Stream, Topic
from interplug.web.rendering import answer as as_json
from interplug.web.session import Limit, Visitor

from . import prices, receipts, rides, stations
from .course import document
from .paying import OPEN_FIELD, Till
from .surface import Surface, address

STARTS = 6
"""Starts of one driver in WITHIN seconds; an open drive stands in the way of another one anyway."""
NEW_DRIVERS = 120
"""Drivers that one address may become in WITHIN seconds; behind that of a mobile network there are many phones."""
WITHIN = 600.0


class Driving:
    def __init__(self, surface: Surface, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.newcomers = Limit(NEW_DRIVERS, WITHIN, timer)
        self.desk = desk_of(surface.node)
        self.till = None if self.desk is None else Till(self.desk, self._field)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/drives", self.start, methods=["POST"]),
            Route("/drives/{id}.json", self.drive),
            Route("/drives/{id}", self.drive),
            Route("/drives/{id}/live", self.drive_live),
            Route("/drives/{id}/course.json", self.course),
            Route("/drives/{id}/receipt.pdf", self.paper),
            Route("/drives/{id}/invoices/{number}.pdf", self.invoice),
            Route("/drives/{id}/signed.xml", self.signed),
            Route("/drives/{id}/again", self.again, methods=["POST"]),
            Route("/drives/{id}/stop", self.stop, methods=["POST"]),
            Route("/drives/{id}/pay", self.pay),
            Route("/drives/{id}/paid", self.paid),
            Route("/drives/{id}/give-up", self.give_up, methods=["POST"]),
            *(self.till.routes() if self.till is not None else ()),
        ]

    async def start(self, request: Request) -> Response:
        visitor, form = self.surface.visitor(request), await self.surface.form(request)
        plug = await self.plug(form)
        if begun := await self._begun(await self._name(visitor), plug):
            return await self._done(request, visitor if visitor.driver else visitor.became(begun.driver), begun, 200)
        price = str(form.get("price") or "")
        token = await self.node.store.read(lambda tx: self._token(tx, visitor))
        if price and price != await prices.key_of(self.node, plug, token):
            raise NotPossible(OTHER_PRICE)
        startable(self.node, plug)  # before anybody becomes a driver for it
        visitor, driver = await self.driver(request, visitor)
        method = str(form.get("method") or "")
        drive, status = await self.begin(driver, plug, start(self.node, driver, plug, price, self.desk, method=method))
        return await self._done(request, visitor, drive, status)

    async def begin(self, driver: Driver, plug: Plug, starting: Awaitable[Drive]) -> tuple[Drive, int]:
        """The drive, and whether it was made now."""
        try:
            return await starting, 201
        except NotPossible:
            begun = await self._begun(driver.id, plug)
            if begun is None:
                raise
            return begun, 200

    async def _begun(self, driver: str, plug: Plug) -> Drive | None:
        """The start of this plug that is under way: who presses twice means one."""
        found = await self.node.store.read(lambda tx: tx.drivers.of_driver(driver)) if driver else []
        here = [one for one in found if one.state in (PAYING, *STARTING) and not one.unwanted]
        return next((one for one in here if all(getattr(one, name) == value for name, value in plug.columns().items())), None)

    async def plug(self, form: dict[str, Any]) -> Plug:
        """The one that a form of a station's page names."""
        pk = asking.number(str(form.get("station", "")))
        stored = await self.node.store.read(lambda tx: tx.objects.get_pk(pk)) if pk else None
        if stored is None or not stations.public(stored):
            raise NotPossible(_("This station is not known here."))
        key = stored.key
        named = str(form.get("evse", "")), str(form.get("connector", ""))
        return await find_plug(self.node, key.source, key.country, key.party, key.id, *named)

    async def _token(self, tx: Tx, visitor: Visitor) -> dict[str, Any] | None:
        return await token_of(tx, self.node, await tx.drivers.driver(visitor.driver)) if visitor.driver else None

    async def driver(self, request: Request, visitor: Visitor) -> tuple[Visitor, Driver]:
        """The driver that the visitor is, or becomes now; within the limits."""
        name = await self._name(visitor)
        driver = await self.node.store.read(lambda tx: tx.drivers.driver(name)) if name else None
        if driver is None:
            if not self.newcomers.allows(address(request)):
                raise HTTPException(429, _("Too many new drivers come from your network. Try again in a few minutes."))
            driver = await new_driver(self.node, "" if visitor.driver else name)
            return visitor.became(driver.id), driver
        since = self.node.clock() - int(WITHIN * self.node.speed * wording.SECOND)
        drives = await self.node.store.read(lambda tx: tx.drivers.of_driver(driver.id))
        if sum(drive.created_at > since for drive in drives) >= STARTS:
            raise HTTPException(429, _("You have started often in a short time. Try again in a few minutes."))
        return visitor if visitor.driver else visitor.became(driver.id), driver

    async def _name(self, visitor: Visitor) -> str:
        """The id of the driver that the visitor is or will be: a browser that asks twice at once becomes one. Empty: any."""
        if visitor.driver:
            return visitor.driver
        name = self.surface.cookies.newcomer(visitor)
        return "" if await self.node.store.read(lambda tx: tx.accounts.get(name)) is not None else name

    async def stop(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        await self.surface.form(request)
        drive = await self._drive(request, visitor)
        return await self._done(request, visitor, await stop(self.node, drive), 200)

    async def pay(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        drive = await self._drive(request, visitor)
        if self.till is None or drive.state != PAYING:
            return RedirectResponse(f"/drives/{drive.id}", 303)
        return await self.till.pay(request, drive)

    async def _field(self, request: Request, drive: Drive, **context: Any) -> Response:
        """The page with the provider's field for cards."""
        ride = await rides.ride(self.node, drive)
        page = self.surface.answer(request, self.surface.visitor(request), "driver/pay.html", {}, ride=ride, **context)
        page.headers.update(OPEN_FIELD)
        return page

    async def paid(self, request: Request) -> Response:
        """The driver comes back from where the card is entered."""
        drive = await self._drive(request, self.surface.visitor(request))
        if self.desk is not None:
            await self.desk.look(drive.id)
        return RedirectResponse(f"/drives/{drive.id}", 303)

    async def give_up(self, request: Request) -> Response:
        """Before it is paid, or before it has begun."""
        visitor = self.surface.visitor(request)
        await self.surface.form(request)
        drive = await self._drive(request, visitor)
        given = self.desk.give_up(drive) if self.desk is not None and drive.state == PAYING else give_up(self.node, drive)
        return await self._done(request, visitor, await given, 200)

    async def again(self, request: Request) -> Response:
        """The same start once more, at the same price."""
        visitor = self.surface.visitor(request)
        await self.surface.form(request)
        ride = await rides.ride(self.node, await self._drive(request, visitor))
        if not ride.again:
            raise NotPossible(_("This cannot be started again from here."))
        before = ride.drive
        plug = await find_plug(self.node, before.connection, before.country, before.party, before.place, before.evse, before.connector)
        startable(self.node, plug)
        visitor, driver = await self.driver(request, visitor)
        # Who was lent the drive starts as somebody else, and pays with a card of their own.
        method = "" if self.desk is None or driver.id != before.driver else await self.desk.same_method(before)
        drive, status = await self.begin(driver, plug, start(self.node, driver, plug, ride.deal.key, self.desk, method=method))
        return await self._done(request, visitor, drive, status)

    async def _done(self, request: Request, visitor: Visitor, drive: Drive, status: int) -> Response:
        if asking.wants_json(request):
            return self.surface.answer(request, visitor, "", (await rides.ride(self.node, drive)).document(), status=status)
        return self.surface.with_cookie(RedirectResponse(f"/drives/{drive.id}", 303), visitor)

    async def drive(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        ride = await rides.ride(self.node, await self._drive(request, visitor))
        return self.surface.answer(request, visitor, "driver/drive.html", ride.document(), ride=ride, now=self.node.clock())

    async def course(self, request: Request) -> Response:
        """The curve of power, for the chart."""
        ride = await rides.ride(self.node, await self._drive(request, self.surface.visitor(request)))
        return as_json(document(ride.points))

    async def paper(self, request: Request) -> Response:
        """The receipt as a file to keep."""
        sheet = receipts.receipt(await rides.ride(self.node, await self._drive(request, self.surface.visitor(request))))
        if sheet is None:
            raise HTTPException(404, _("The bill has not come yet."))
        return await printing.download(sheet)

    async def signed(self, request: Request) -> Response:
        """What the meter signed, as the transparency software opens it."""
        bill = (await rides.ride(self.node, await self._drive(request, self.surface.visitor(request)))).receipt
        if bill is None or bill.proof is None:
            raise HTTPException(404, _("Nothing was signed by a meter here, or the bill has not come yet."))
        named = {"content-disposition": f'attachment; filename="{request.path_params["id"]}.xml"'}
        return Response(transparency(bill.cdr["signed_data"]), 200, named, "application/xml")

    async def invoice(self, request: Request) -> Response:
        """One that was issued for this drive."""
        drive = await self._drive(request, self.surface.visitor(request))
        issued = await self.node.store.read(lambda tx: tx.invoices.of_drive(drive.id))
        found = next((one for one in issued if one.number == request.path_params["number"]), None)
        if found is None:
            raise HTTPException(404)
        return await printing.download(printing.invoice(decode_json(found.document)))

    async def drive_live(self, request: Request) -> ASGIApp:
        visitor = self.surface.visitor(request)
        drive = await self._drive(request, visitor)
        proof = self.surface.cookies.proof(visitor)
        session = drive.session
        place = await self.node.store.read(lambda tx: tx.objects.get(rides.location_of(drive), whole=False))

        async def look() -> list[Part]:
            now = await self._now(drive)
            if not await self._still_sees(request, now):
                return self._ended(visitor)
            ride = await rides.ride(self.node, now)
            state = ride.drive.state, ride.drive.reason, ride.until, ride.advice, ride.fault, ride.drive.unwanted
            parts = [
                Part("state", state, lambda: self.surface.part("driver/_state.html", ride=ride)),
                Part("figures", ride.shown(), lambda: self.surface.part("driver/_figures.html", ride=ride)),
                Part("course", len(ride.points), lambda: self.surface.part("driver/_course.html", ride=ride)),
                # Apart from the figures: a button that is replaced with each of them loses the tap that falls between.
                Part(
                    "stop",
                    (ride.stoppable, ride.stop_failed, ride.again, ride.starting and not ride.drive.unwanted, ride.paying and ride.shown()),
                    lambda: self.surface.part("driver/_stop.html", ride=ride, csrf=proof),
                ),
            ]
            return [*parts, Part(OVER, True, lambda: "")] if ride.settled else parts

        async def moved() -> object:
            nonlocal session
            now = await self._now(drive)
            session = now.session
            return await self._still_sees(request, now), await rides.moved(self.node, now)

        def topics() -> frozenset[Topic]:
            """With the Session comes the status of its EVSE: what fails in mid-charge is told."""
            found: set[Topic] = {("drive", drive.id)}
            if session:
                found.add(session)
            if session and place is not None:
                found.add((place.pk, fold(drive.evse)))
            return frozenset(found)

        return Stream(self.surface.streams, self.surface.who(request), topics, look, moved)

    async def _still_sees(self, request: Request, drive: Drive) -> bool:
        """A page that is open is told nothing more once whoever opened it is signed out, or the link that lent the drive has ended."""
        return (await self.surface.known(request.headers.get("cookie", ""))).sees(drive)

    def _ended(self, visitor: Visitor) -> list[Part]:
        lent = not visitor.account and not visitor.driver
        said = Part("state", None, lambda: self.surface.part("driver/_ended.html", lent=lent))
        return [said, Part("stop", None, lambda: ""), Part(OVER, True, lambda: "")]

    async def _now(self, drive: Drive) -> Drive:
        return await self.node.store.read(lambda tx: tx.drivers.get(drive.id)) or drive

    async def _drive(self, request: Request, visitor: Visitor) -> Drive:
        """The drive of the path, if it is this visitor's; to others it does not exist."""
        found = await self.node.store.read(lambda tx: tx.drivers.get(request.path_params["id"]))
        if found is None or not visitor.sees(found):
            raise HTTPException(404, _("This drive is not known here. Drives are shown only in the browser in which they were started."))
        return found
