"""The page on which a driver chooses how to be told of a drive while no page is open: by this browser, by e-mail."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.backend.browsers import NotOurs, subscribe, vapid_of
from interplug.drivers.plugs import NotPossible
from interplug.store.notices import Browser
from interplug.store.tx import Tx
from interplug.web.languages import _, spoken

from .members import Members
from .telling import Drives, Notices


class Noticing:
    def __init__(self, members: Members) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node
        self.vapid = vapid_of(members.node)
        self.notices = Notices(members.node)
        self.drives = Drives(members.node, self.notices, members)

    @property
    def pushes(self) -> Notices | None:
        """Where browsers can be told anything."""
        return None if self.vapid is None else self.notices

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/notices", self.page),
            Route("/notices", self.choose, methods=["POST"]),
            Route("/notices/browsers", self.add, methods=["POST"]),
            Route("/notices/browsers/drop", self.drop, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        visitor = self.surface.visitor(request)
        account = await self.node.store.read(lambda tx: tx.accounts.get(visitor.driver)) if visitor.account else None
        mailed = account is not None and await self.node.store.read(lambda tx: tx.notices.mailed(visitor.driver)) is not None
        email = account.email if account is not None and self.members.sender else None
        key = "" if self.vapid is None else self.vapid.public_key
        document = {"web_push_key": key or None, "email": mailed}
        context: dict[str, Any] = {"key": key, "known": bool(visitor.driver), "email": email, "mailed": mailed}
        return self.surface.answer(request, visitor, "driver/notices.html", document, **context)

    async def choose(self, request: Request) -> Response:
        """Whether e-mails are sent."""
        form, account = await self.surface.form(request), await self.members.account(request)
        language = spoken()

        async def work(tx: Tx) -> None:
            if form.get("mail") == "1":
                await self.drives.silently(tx, account.driver)
                await tx.notices.mail(account.driver, language)
            else:
                await tx.notices.no_mail(account.driver)

        await self.node.store.write(work)
        return self.members.go(self.surface.visitor(request), "/notices")

    async def add(self, request: Request) -> Response:
        """A browser wants to be told, as its script says (`PushSubscription.toJSON`)."""
        form, visitor = await self.surface.form(request), self.surface.visitor(request)
        if self.vapid is None:
            raise HTTPException(404, _("No notices are sent here."))
        if not visitor.driver:
            raise NotPossible(_("Nothing of yours charges yet. Ask for notices once you have begun."))
        given = form.get("keys")
        keys = given if isinstance(given, dict) else {}
        endpoint, public_key, secret = (str(one or "")[:2049] for one in (form.get("endpoint"), keys.get("p256dh"), keys.get("auth")))
        await self.node.store.write(lambda tx: self.drives.silently(tx, visitor.driver))
        try:
            await subscribe(self.node, Browser(endpoint, visitor.driver, public_key, secret, spoken(), self.node.clock()))
        except NotOurs as error:
            raise HTTPException(400, _("This browser cannot be reached from here: %s") % error) from None
        return Response(status_code=204)

    async def drop(self, request: Request) -> Response:
        form, visitor = await self.surface.form(request), self.surface.visitor(request)

        async def work(tx: Tx) -> None:
            browser = await tx.notices.get(str(form.get("endpoint", "")))
            if browser is not None and browser.driver == visitor.driver:
                await tx.notices.drop(browser.endpoint)

        await self.node.store.write(work)
        return Response(status_code=204)
