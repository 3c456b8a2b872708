"""The pay step between the start button and the operator, and the two doors of the payment provider: its webhooks, and its own pages where
it is the built-in one.

The card is never entered here: the driver goes to the provider's page, or types into the provider's field in ours. Only that one page may
load something from outside, and only where such a provider is configured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from interplug.drivers.paying import Desk
from interplug.partners.presentation import root
from interplug.payments.port import BadWebhook
from interplug.payments.providers import MOUNTED, bank_of
from interplug.protocol.http import Request as Asked
from interplug.store.drivers import Drive
from interplug.web import asking
from interplug.web.banking import drawn

FIELD = "https://js.stripe.com"
POLICY = (
    f"default-src 'self'; script-src 'self' {FIELD}; frame-src {FIELD} https://hooks.stripe.com; "
    "connect-src 'self' https://api.stripe.com; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
PERMISSIONS = f'camera=(), geolocation=(), microphone=(), payment=(self "{FIELD}")'
OPEN_FIELD = {"content-security-policy": POLICY, "permissions-policy": PERMISSIONS}
"""What the page with the provider's field may do. `guarding` leaves headers alone that an answer has."""
LARGEST_WEBHOOK = 262_144


class Till:
    """What the pages have for a driver who pays. Without a desk nothing of it is there."""

    def __init__(self, desk: Desk, page: Callable[..., Awaitable[Response]]) -> None:
        self.desk, self.node, self.page = desk, desk.node, page
        self.bank = bank_of(desk.node, draw=drawn)

    def routes(self) -> list[BaseRoute]:
        """Those that need no visitor."""
        found: list[BaseRoute] = [Route("/payments/webhook", self.webhook, methods=["POST"])]
        if self.bank is not None:
            found.append(Route(MOUNTED + "/{page}/{hold}", self.banks, methods=["GET", "POST"]))
        return found

    async def pay(self, request: Request, drive: Drive) -> Response:
        """To where the card is entered; back to the drive where there is nothing to pay."""
        found = await self.desk.look(drive.id)
        if found is not None and found.url:
            return RedirectResponse(found.url, 303)
        key = self.node.settings.payments.stripe_public_key
        if found is not None and found.secret and key:
            back = f"{root(self.node.settings)}/drives/{drive.id}/paid"
            session = await self.desk.form(drive.id)
            return await self.page(request, drive, key=key, secret=found.secret, session=session, back=back)
        return RedirectResponse(f"/drives/{drive.id}", 303)

    async def webhook(self, request: Request) -> Response:
        body = await asking.body(request, LARGEST_WEBHOOK)
        try:
            await self.desk.hint({name.lower(): value for name, value in request.headers.items()}, body)
        except BadWebhook as error:
            raise HTTPException(400, str(error)) from None
        return Response(status_code=204)

    async def banks(self, request: Request) -> Response:
        """The test provider's own pages. Its interface for shops is not reached from outside."""
        assert self.bank is not None
        if request.path_params["page"] not in ("form", "challenge"):
            raise HTTPException(404)
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        answer = await self.bank(Asked(request.method, url, {}, await asking.body(request)))
        return Response(answer.body, answer.status, answer.headers)
