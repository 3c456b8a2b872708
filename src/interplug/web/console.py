"""The operators' page, behind a sign-in: what is wrong with our stations now, and who looks after it.

Its routes stand below `/console`. The page works without scripts; with them it is kept live by server-sent events, as the driver's
pages are. Nothing of it is shown to who is not signed in, and a session that has ended ends its live pages, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interplug.backend.alerts import name_of
from interplug.backend.words import words
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.store.alerts import Alert
from interplug.store.tx import Tx

from . import asking
from .choosing import chosen
from .guarding import guarded
from .languages import N_, _, say, speak
from .live import OVER, Part, Stream, Streams, TooMany, anything
from .passwords import Busy
from .rendering import STATIC, rendered
from .session import neighbourhood
from .signing import Guest, Signing

PAGE = 100
WRONG_PASSWORD = N_("There is no operator with this name and this password.")
TOO_OFTEN = N_("Too many have tried to sign in. Wait ten minutes and try again.")


class Row(NamedTuple):
    """An alert as it is shown; `place` is the name of the Location."""

    alert: Alert
    place: str
    text: str


class Shown(NamedTuple):
    """A page of them; `open` counts all that are."""

    rows: list[Row]
    open: int
    page: int
    pages: int


class Console:
    """The ASGI application of the operators' surface. `run` is its loop: without it streams look only now and then."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.streams = Streams(node)
        self.run = self.streams.run
        self.end = self.streams.end
        self.secure = root(node.settings).startswith("https://")
        self.signing = Signing(node, secure=self.secure)
        self.app = Starlette(
            routes=[
                Route("/console", self.alerts),
                Route("/console/live", self.live),
                Route("/console/alerts/{no:row}/acknowledge", self.acknowledge, methods=["POST"]),
                Route("/console/sign-in", self.sign_in_page),
                Route("/console/sign-in", self.sign_in, methods=["POST"]),
                Route("/console/sign-out", self.sign_out, methods=["POST"]),
                Route("/console/language", self.language, methods=["POST"]),
                Mount("/console/static", StaticFiles(directory=STATIC)),
            ],
            exception_handlers={HTTPException: self.trouble, TooMany: self.trouble, Exception: self.trouble},
        )
        self.app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speak(Headers(scope=scope))
        await guarded(self.app, scope, receive, send)

    # --- alerts

    async def alerts(self, request: Request) -> Response:
        guest = await self._guest(request)
        if not guest.name:
            return self._from_elsewhere(request) or RedirectResponse("/console/sign-in", 303)
        return self._page("alerts.html", guest, now=self.node.clock(), **(await self._shown(request))._asdict())

    async def live(self, request: Request) -> ASGIApp:
        guest = await self._signed_in(request)

        async def moved() -> object:
            state = await self.node.store.read(lambda tx: tx.alerts.state(), snapshot=False)
            return state, await self.signing.who(guest.key)

        async def look() -> list[Part]:
            if not await self.signing.who(guest.key):
                return [Part("alerts", None, lambda: self._part("_over.html")), Part(OVER, True, lambda: "")]
            shown = await self._shown(request)
            return [Part("alerts", shown, lambda: self._part("_alerts.html", csrf=self.signing.proof(guest), **shown._asdict()))]

        return Stream(self.streams, (guest.name, _address(request)), anything, look, moved)

    async def _shown(self, request: Request) -> Shown:
        wanted = asking.number(request.query_params.get("page", ""), 1)

        async def work(tx: Tx) -> Shown:
            pages = max(1, -(-await tx.alerts.count() // PAGE))
            page = min(max(1, wanted), pages)
            found = await tx.alerts.list(closed=True, limit=PAGE, skip=PAGE * (page - 1))
            rows = [Row(one, await name_of(tx, one), say(words(one.code))) for one in found]
            return Shown(rows, sum((await tx.alerts.counts()).values()), page, pages)

        return await self.node.store.read(work)

    async def acknowledge(self, request: Request) -> Response:
        guest = await self._signed_in(request)
        form = await self._form(request, guest)
        no, now, page = request.path_params["no"], self.node.clock(), asking.number(str(form.get("page", "")), 1)

        async def work(tx: Tx) -> bool:
            return await tx.alerts.acknowledge(no, guest.name, now) or await tx.alerts.get(no) is not None

        if no >= 10**18 or not await self.node.store.write(work):
            raise HTTPException(404, "There is no such alert.")
        return RedirectResponse(f"/console?page={page}" if page > 1 else "/console", 303)

    # --- signing in and out

    async def sign_in_page(self, request: Request) -> Response:
        guest = await self._guest(request)
        if guest.name:
            return RedirectResponse("/console", 303)
        return self._from_elsewhere(request) or self._page("sign_in.html", guest, wrong="")

    async def sign_in(self, request: Request) -> Response:
        guest = await self._guest(request)
        form = await self._form(request, guest)
        name, password = str(form.get("name", ""))[:200], str(form.get("password", ""))
        try:
            found = await self.signing.sign_in(name, password, _address(request), request.headers.get("cookie", ""))
        except Busy:
            return self._page("sign_in.html", guest, 429, wrong=_(TOO_OFTEN))
        if found is None:
            return self._page("sign_in.html", guest, 403, wrong=_(WRONG_PASSWORD))
        response = self._with_cookie(RedirectResponse("/console", 303), found)
        response.headers.append("set-cookie", self.signing.known.written(found.name))
        return response

    async def sign_out(self, request: Request) -> Response:
        guest = await self._guest(request)
        await self._form(request, guest)
        await self.signing.sign_out(guest)
        response = RedirectResponse("/console/sign-in", 303)
        response.headers.append("set-cookie", self.signing.written(None))
        return response

    async def language(self, request: Request) -> Response:
        return chosen(await self._form(request, await self._guest(request)), "/console", secure=self.secure)

    # --- asking and answering

    def _from_elsewhere(self, request: Request) -> Response | None:
        """Who follows a link of another site comes without the cookie, for it is SameSite=Strict; asked again by our own page, with it."""
        if request.headers.get("sec-fetch-site") != "cross-site":
            return None
        return self._rendered("back.html", name="", csrf="")

    async def _guest(self, request: Request) -> Guest:
        return await self.signing.guest(request.headers.get("cookie", ""))

    async def _signed_in(self, request: Request) -> Guest:
        guest = await self._guest(request)
        if not guest.name:
            raise HTTPException(403, N_("You are not signed in, or not any more."))
        return guest

    async def _form(self, request: Request, guest: Guest) -> dict[str, Any]:
        """The fields of a POST, once it is proved to come from our page."""
        form = await asking.fields(request)
        if not self.signing.proved(guest, str(form.get("csrf", ""))):
            raise HTTPException(403, asking.WRONG_PAGE)
        return form

    def _rendered(self, template: str, status: int = 200, **context: Any) -> Response:
        return rendered(
            f"console/{template}", status, **{"static": "/console/static", "path": "/console", "speed": self.node.speed, **context}
        )

    def _page(self, template: str, guest: Guest, status: int = 200, **context: Any) -> Response:
        proof = self.signing.proof(guest)
        page = self._rendered(template, status, csrf=proof, name=guest.name, **context)
        return self._with_cookie(page, guest)

    def _with_cookie(self, response: Response, guest: Guest) -> Response:
        if guest.new:
            response.headers.append("set-cookie", self.signing.written(guest))
        return response

    def _part(self, template: str, **context: Any) -> str:
        return bytes(self._rendered(template, now=self.node.clock(), **context).body).decode()

    async def trouble(self, request: Request, error: Exception) -> Response:
        status, text = asking.trouble(error)
        return self._rendered("trouble.html", status, text=text, name="", csrf="")


def _address(request: Request) -> str:
    return neighbourhood(request.client.host if request.client else "")
