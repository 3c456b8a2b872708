"""What all pages of the driver's app share: who looks, the forms that come in, the answers and live parts that go out.

A page works without scripts; with them it is kept live by server-sent events. Whatever changes something is a POST with a proof that our
own page sent it (a field `csrf` or the header X-CSRF-Token). What cannot be done is said in plain words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from interplug.drivers import reservation_states
from interplug.drivers.accounts import sender
from interplug.drivers.drives import in_the_way
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.store.drivers import Drive
from interplug.store.reservations import Reservation
from interplug.web import asking
from interplug.web.choosing import chosen
from interplug.web.live import Streams
from interplug.web.rendering import answer as as_json
from interplug.web.rendering import rendered
from interplug.web.session import Cookies, Visitor, neighbourhood, stranger

VISITOR = "interplug.visitor"


class Surface:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.streams = Streams(node)
        self.secure = root(node.settings).startswith("https://")
        self.mails = self.told = bool(sender(node.settings))
        """Whether a driver can be written to; whether one can be told anything who is not looking."""
        self.cookies = Cookies(node.directory.key.derive("driver cookie"), secure=self.secure)

    async def recognise(self, scope: Scope) -> None:
        """Once for each request, before any page: who it is."""
        scope[VISITOR] = await self.known(Headers(scope=scope).get("cookie", ""))

    async def known(self, header: str) -> Visitor:
        """Who has these cookies, as of now: a session ends, and so does what was lent."""
        visitor = self.cookies.read(header)
        if visitor.account:
            driver = await self.signed_in(visitor)
            visitor = stranger() if driver is None else replace(visitor, driver=driver)
        elif visitor.driver and await self.node.store.read(lambda tx: tx.accounts.get(visitor.driver), snapshot=False) is not None:
            visitor = stranger()  # the guest of this browser has an account since, and signs in to it
        return replace(visitor, lent=frozenset(self.cookies.lent(header, self.node.clock())))

    async def signed_in(self, visitor: Visitor) -> str | None:
        """The driver to whose account the visitor is signed in at this moment."""
        session, now = self.cookies.session(visitor), self.node.clock()
        return await self.node.store.read(lambda tx: tx.accounts.sessions.who(session, now), snapshot=False)

    def visitor(self, request: Request) -> Visitor:
        found: Visitor = request.scope[VISITOR]
        return found

    def stranger(self) -> Visitor:
        """Who was here before, and is known no longer."""
        return stranger()

    async def form(self, request: Request) -> dict[str, Any]:
        """The fields of a POST, form or JSON, once it is proved to come from our page."""
        form = await asking.fields(request)
        proof = request.headers.get("x-csrf-token") or str(form.get("csrf", ""))
        if not self.cookies.proved(self.visitor(request), proof):
            raise HTTPException(403, asking.WRONG_PAGE)
        return form

    def answer(
        self, request: Request, visitor: Visitor, template: str, document: dict[str, Any], *, status: int = 200, **context: Any
    ) -> Response:
        proof = self.cookies.proof(visitor)
        if asking.wants_json(request):
            return self.with_cookie(as_json({"csrf": proof, **document}, status), visitor)
        page = rendered(template, status, **{**self._frame(request, visitor), **context})
        return self.with_cookie(page, visitor)

    def _frame(self, request: Request, visitor: Visitor | None) -> dict[str, Any]:
        """What the frame of every page asks for. `mails`: whether a driver can be written to; `notices`: whether browsers can be told."""
        return {
            "csrf": "" if visitor is None else self.cookies.proof(visitor),
            "member": visitor is not None and visitor.account,
            "mails": self.mails,
            "notices": bool(self.node.settings.notices.contact),
            "accounts": self.node.settings.accounts.enabled,
            "speed": self.node.speed,
            "path": _path(request),
        }

    def with_cookie(self, response: Response, visitor: Visitor) -> Response:
        if visitor.new:
            response.headers.append("set-cookie", self.cookies.written(visitor))
        return response

    def part(self, template: str, **context: Any) -> str:
        return bytes(rendered(template, now=self.node.clock(), **context).body).decode()

    def refusal(self, text: str, status: int) -> Response:
        return as_json({"error": text}, status)

    async def trouble(self, request: Request, error: Exception) -> Response:
        status, text = asking.trouble(error)
        if asking.wants_json(request):
            return as_json({"error": text}, status)
        visitor: Visitor | None = request.scope.get(VISITOR)
        page = rendered("driver/trouble.html", status, status=status, text=text, back=_back(request), **self._frame(request, visitor))
        return page if visitor is None else self.with_cookie(page, visitor)

    async def language(self, request: Request) -> Response:
        return chosen(await self.form(request), "/", secure=self.secure)

    def who(self, request: Request) -> tuple[str, str]:
        """Whose live page it is, for the limits."""
        return self.visitor(request).name, address(request)

    async def open_drive(self, visitor: Visitor) -> Drive | None:
        """The one that stands in the way of another."""
        found = await self.node.store.read(lambda tx: tx.drivers.of_driver(visitor.driver)) if visitor.driver else []
        return next((drive for drive in found if in_the_way(self.node, drive)), None)

    async def open_reservation(self, visitor: Visitor) -> Reservation | None:
        found = await self.node.store.read(lambda tx: tx.reservations.of_driver(visitor.driver, 5)) if visitor.driver else []
        return next((one for one in found if one.state in reservation_states.OPEN), None)


def _path(request: Request) -> str:
    """Of the page that is open, as the browser asked for it; the front page where it is the answer to a form."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _back(request: Request) -> str:
    """The page with the form that was refused, or the one above what is not there; empty where there is none but the front page."""
    path, form = request.url.path, request.method == "POST"
    for place in (path if form else "", path.rpartition("/")[0]):
        wanted = {"type": "http", "method": "GET", "path": place, "headers": []}
        if place and any(route.matches(wanted)[0] is Match.FULL for route in request.app.routes if isinstance(route, Route)):
            return place
    return ""


def address(request: Request) -> str:
    return neighbourhood(request.client.host if request.client else "")
