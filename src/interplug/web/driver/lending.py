"""A link to one drive, by e-mail: with it a guest comes back to the drive on another device, and to nothing else.

The link is signed and good for a while; whoever has it may follow this drive and stop it, so it goes to one mailbox and stands nowhere
else.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from interplug.web.languages import _

from .members import DAY, Members

GOOD_FOR = 14 * DAY


class Lending:
    def __init__(self, members: Members) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node

    def routes(self) -> list[BaseRoute]:
        return [Route("/drives/{id}/link", self.send, methods=["POST"]), Route("/link/{text}", self.follow)]

    async def send(self, request: Request) -> Response:
        form, visitor = await self.surface.form(request), self.surface.visitor(request)
        drive = await self.node.store.read(lambda tx: tx.drivers.get(request.path_params["id"]))
        if drive is None or not visitor.sees(drive):
            raise HTTPException(404, _("This drive is not known here."))
        email = await self.members.address(request, form)
        text = self.surface.cookies.lending(drive.id, self.node.after(GOOD_FOR))
        told = [
            _("With this link you see your charging session on any device, and can stop it:"),
            self.members.link(f"/link/{text}"),
            _("It is good for two weeks. Whoever has it can do the same, so keep it to yourself."),
        ]
        await self.members.post(email, _("Your charging session"), told)
        return self.surface.answer(request, visitor, "driver/account/sent.html", {}, email=email, back=f"/drives/{drive.id}")

    async def follow(self, request: Request) -> Response:
        text, now = request.path_params["text"], self.node.clock()
        cookies = self.surface.cookies
        drive = cookies.lends(text, now)
        if not drive:
            raise HTTPException(404, _("This link is not good any more."))
        others = {known: proof for known, proof in cookies.lent(request.headers.get("cookie", ""), now).items() if known != drive}
        response = RedirectResponse(f"/drives/{drive}", 303)
        response.headers.append("set-cookie", cookies.lent_written([text, *others.values()][:8]))
        return response
