"""A simulated payment terminal, for trying: the screen of the device at a station, and test cards to hold to its reader.

It stands where the money is that of the test provider, and where it was asked for (`surfaces.terminals`). What it does is what a terminal
of hardware has to do: shows the plugs that it serves with their prices, holds the card, starts, shows how it goes, stops for the same
card, and shows where the receipt stands. The page works without scripts; with them it is kept live.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import segno
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interplug.backend.reports import reference
from interplug.config import BadSettings
from interplug.drivers.deals import Deal
from interplug.drivers.drives import stop
from interplug.drivers.paying import Desk
from interplug.drivers.plugs import NotPossible, Plug
from interplug.drivers.receipt import Amount, Live, live
from interplug.drivers.states import OPEN
from interplug.drivers.terminals import cards
from interplug.drivers.terminals.receipts import receipt_url
from interplug.model.types import fold, format_time
from interplug.partners.presentation import root
from interplug.payments import states
from interplug.payments.holds import CARDS
from interplug.payments.trial import TestProvider
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Stored
from interplug.store.payments import Payment
from interplug.store.tx import Tx

from . import asking
from .choosing import chosen
from .guarding import guarded
from .languages import N_, Words, _, speak
from .live import OVER, Part, Stream, Streams, TooMany, anything
from .rendering import STATIC, answer, rendered
from .session import Cookies, Visitor, neighbourhood

PREFIX = "/terminals"
LATEST = 5
SETTLED = (*states.ENDED, states.CAPTURED, states.DISPUTED)
STATES = Words(
    {
        "PAYING": N_("Hold your card to the reader."),
        "ASKED": N_("Card accepted. The station is being asked …"),
        "ACCEPTED": N_("Card accepted. The station is starting …"),
        "STARTED": N_("Plug in your car."),
        "UNSURE": N_("The station has not confirmed that charging began."),
        "CHARGING": N_("Charging."),
        "STOPPING": N_("Stopping …"),
        "FINISHED": N_("Charging has ended. The bill is on its way."),
        "BILLED": N_("Charging has ended."),
        "FAILED": N_("Nothing was charged."),
    }
)


class Row(NamedTuple):
    """A plug that the terminal serves. `why`: it cannot be chosen, and its status does not say so."""

    place: Stored
    evse: dict[str, Any]
    connector: dict[str, Any]
    price: str
    vat: tuple[Decimal, ...]
    hold: Amount | None
    why: str

    @property
    def free(self) -> bool:
        return not self.why and bool(self.evse["status"] == "AVAILABLE")

    @property
    def value(self) -> str:
        """What the form says of it."""
        return "/".join(quote(one, safe="") for one in (self.place.key.id, self.evse["uid"], self.connector["id"]))


class Charge(NamedTuple):
    drive: Drive
    payment: Payment
    live: Live
    receipt: str
    """Where it stands; empty as long as it does not."""

    @property
    def reference(self) -> str:
        """What its driver quotes."""
        return reference(self.drive.id)

    @property
    def code(self) -> Markup:
        return Markup(segno.make(self.receipt, micro=False).svg_inline(scale=4, border=2, light="white", title=_("Receipt")))

    @property
    def over(self) -> bool:
        return self.drive.state not in OPEN and self.payment.state in SETTLED and (bool(self.receipt) or not self.payment.captured)

    def document(self) -> dict[str, Any]:
        paid = self.payment
        return {
            "authorization_reference": self.drive.id,
            "state": self.drive.state,
            "reason": self.drive.reason or None,
            "kwh": self.live.kwh,
            "session_id": self.live.session.key.id if self.live.session is not None else None,
            "cost": None if self.live.cost is None else self.live.cost.shown,
            "payment": {
                "state": paid.state,
                "currency": paid.currency,
                "held": paid.held,
                "paid": paid.kept,
                "given_back": paid.refunded,
                "slip": paid.slip.splitlines(),
            },
            "began_at": format_time(self.drive.created_at),
            "receipt": self.receipt or None,
            "over": self.over,
        }


class Terminals:
    """What `Door` takes as `terminals`; `run` is its loop, `end` is called when the node is told to stop."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.node = desk, desk.node
        self.streams = Streams(desk.node)
        self.run, self.end = self.streams.run, self.streams.end
        self.secure = root(self.node.settings).startswith("https://")
        self.cookies = Cookies(self.node.directory.key.derive("terminal cookie"), secure=self.secure)
        self.app = Starlette(
            routes=[
                Route(PREFIX, self.all),
                Mount(f"{PREFIX}/static", StaticFiles(directory=STATIC)),
                Route(f"{PREFIX}/language", self.language, methods=["POST"]),
                Route(PREFIX + "/{id}", self.terminal),
                Route(PREFIX + "/{id}", self.tap, methods=["POST"]),
                Route(PREFIX + "/{id}/{drive}", self.charge),
                Route(PREFIX + "/{id}/{drive}", self.again, methods=["POST"]),
                Route(PREFIX + "/{id}/{drive}/live", self.charge_live),
            ],
            exception_handlers={HTTPException: self.trouble, NotPossible: self.trouble, TooMany: self.trouble, Exception: self.trouble},
        )
        self.app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speak(Headers(scope=scope))
        await guarded(self.app, scope, receive, send)

    # --- pages

    async def all(self, request: Request) -> Response:
        found = await self.node.store.read(_all)
        document = {"terminals": [{"terminal_id": one.key.id, "reference": one.document.get("reference")} for one in found]}
        return self._page(request, "list.html", document, terminals=found)

    async def terminal(self, request: Request) -> Response:
        stored = await self._terminal(request)
        places = await cards.offered(self.node, stored)
        plugs = [Plug(place, evse, connector) for place, evses in places for evse in evses for connector in evse["connectors"]]
        rows = [await self._row(plug) for plug in plugs]
        drives = await self.node.store.read(lambda tx: tx.drivers.of_terminal(stored.pk, LATEST))
        test_cards = [(number, said) for number, (_, said) in CARDS.items()]
        document = {"plugs": [_plug(row) for row in rows], "cards": [{"number": number, "what": said} for number, said in test_cards]}
        where = next((row.place.document.get("time_zone") for row in rows), None)
        more = {"cards": test_cards, "drives": drives, "states": STATES, "where": where}
        return self._page(request, "terminal.html", document, terminal=stored, rows=rows, **more)

    async def tap(self, request: Request) -> Response:
        stored, form = await self._terminal(request), await self._form(request)
        plug = [unquote(part) for part in str(form.get("plug", "")).split("/")]
        if len(plug) != 3:
            raise NotPossible(_("Choose a plug first."))
        place, evse, connector = plug
        drive = await cards.tap(self.desk, stored, place, evse, connector, str(form.get("card", "")))
        return await self._to(request, stored, drive, 201)

    async def charge(self, request: Request) -> Response:
        stored, charge = await self._terminal(request), await self._charge(request)
        return self._page(request, "charge.html", charge.document(), terminal=stored, charge=charge, states=STATES)

    async def again(self, request: Request) -> Response:
        """The card once more: it ends the charge."""
        stored = await self._terminal(request)
        await self._form(request)
        return await self._to(request, stored, await stop(self.node, (await self._charge(request)).drive), 200)

    async def charge_live(self, request: Request) -> ASGIApp:
        stored, visitor = await self._terminal(request), self._visitor(request)
        shown = {"terminal": stored, "csrf": self.cookies.proof(visitor)}
        await self._charge(request)  # before anything is sent

        async def look() -> list[Part]:
            charge = await self._charge(request)
            parts = [
                Part("charge", charge.document(), lambda: _part("charge", charge=charge, **shown)),
                # A button that is about to be pressed stays where it is while figures come.
                Part("act", charge.drive.state, lambda: _part("act", charge=charge, **shown)),
            ]
            return [*parts, Part(OVER, True, lambda: "")] if charge.over else parts

        return Stream(self.streams, (visitor.name, neighbourhood(request.client.host if request.client else "")), anything, look)

    # --- what they show

    async def _terminal(self, request: Request) -> Stored:
        name = request.path_params["id"]
        found = next((one for one in await self.node.store.read(_all) if fold(one.key.id) == fold(name)), None)
        if found is None:
            raise HTTPException(404, "There is no such terminal here.")
        return found

    async def _row(self, plug: Plug) -> Row:
        try:
            deal = Deal(tariff=await cards.price(self.node, plug))
        except NotPossible as error:
            return Row(plug.location, plug.evse, plug.connector, "", (), None, error.args[0])
        held = self.desk.hold(deal, plug.connector, plug.location.document.get("time_zone"))
        return Row(plug.location, plug.evse, plug.connector, deal.price, deal.tax_rates, held, "")

    async def _charge(self, request: Request) -> Charge:
        name = request.path_params["drive"]
        drive = await self.node.store.read(lambda tx: tx.drivers.get(name))
        payment = await self.node.store.read(lambda tx: tx.payments.of_drive(name))
        if drive is None or payment is None or not drive.terminal:
            raise HTTPException(404, "There is no such charge here.")
        url = await receipt_url(self.node, drive) if drive.cdr and payment.state in SETTLED else None
        return Charge(drive, payment, await live(self.node, drive), url or "")

    # --- asking and answering

    def _visitor(self, request: Request) -> Visitor:
        return self.cookies.read(request.headers.get("cookie", ""))

    async def _form(self, request: Request) -> dict[str, Any]:
        form = await asking.fields(request)
        if not self.cookies.proved(self._visitor(request), request.headers.get("x-csrf-token") or str(form.get("csrf", ""))):
            raise HTTPException(403, asking.WRONG_PAGE)
        return form

    async def _to(self, request: Request, terminal: Stored, drive: Drive, status: int) -> Response:
        if asking.wants_json(request):
            return answer({"authorization_reference": drive.id, "state": drive.state, "reason": drive.reason or None}, status)
        return RedirectResponse(f"{PREFIX}/{terminal.key.id}/{drive.id}", 303)

    def _page(self, request: Request, template: str, document: dict[str, Any], **context: Any) -> Response:
        visitor = self._visitor(request)
        if asking.wants_json(request):
            page = answer({"csrf": self.cookies.proof(visitor), **document})
        else:
            page = rendered(f"terminals/{template}", **self._frame(visitor, request.url.path), **context)
        return self._with_cookie(page, visitor)

    def _frame(self, visitor: Visitor, path: str) -> dict[str, Any]:
        return {"csrf": self.cookies.proof(visitor), "speed": self.node.speed, "static": f"{PREFIX}/static", "path": path}

    def _with_cookie(self, page: Response, visitor: Visitor) -> Response:
        if visitor.new:
            page.headers.append("set-cookie", self.cookies.written(visitor))
        return page

    async def language(self, request: Request) -> Response:
        return chosen(await self._form(request), PREFIX, secure=self.secure)

    async def trouble(self, request: Request, error: Exception) -> Response:
        status, text = asking.trouble(error)
        if asking.wants_json(request):
            return answer({"error": text}, status)
        visitor = self._visitor(request)
        # What was sent with a form cannot be asked for again: the list can.
        path = request.url.path if request.method == "GET" else PREFIX
        return self._with_cookie(rendered("terminals/trouble.html", status, text=text, **self._frame(visitor, path)), visitor)


def _part(name: str, **context: Any) -> str:
    page = rendered(f"terminals/_{name}.html", states=STATES, static=f"{PREFIX}/static", **context)
    return bytes(page.body).decode()


async def _all(tx: Tx) -> list[Stored]:
    return [stored async for stored in tx.objects.each("terminals", OWN)]


def _plug(row: Row) -> dict[str, Any]:
    shown = {"plug": row.value, "location_id": row.place.key.id, "evse_uid": row.evse["uid"], "status": row.evse["status"]}
    hold = None if row.hold is None else f"{row.hold.shown} {row.hold.currency}"
    return {**shown, "price": row.price or None, "hold": hold, "free": row.free}


def terminals_of(desk: Desk | None) -> Terminals:
    """Where they were asked for and cannot be: `BadSettings`."""
    if desk is None or not isinstance(desk.till.provider, TestProvider):
        raise BadSettings("surfaces.terminals: simulated terminals need payments.provider = test, for cards of the test provider")
    return Terminals(desk)
