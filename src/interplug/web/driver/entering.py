"""Signing in with e-mail and password, signing out, and the ways to an account and back to it: by links that e-mails bring.

An account begins with its address: the link to choose a password goes there, so whoever chooses it holds the mailbox, and nobody can make
an account for somebody else or find out who has one. Links are shown first and used by a button: programs that open links in mails use up
none.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.drivers.accounts import Taken, email_of
from interplug.store.accounts import Account
from interplug.store.tx import Tx
from interplug.web.known import Known
from interplug.web.languages import N_, _
from interplug.web.passwords import LONGEST, SHORTEST, BadPassword, Busy, hashed
from interplug.web.session import Visitor

from .members import HOUR, OF_ADDRESS, TOO_OFTEN, Members
from .surface import address

GOOD_FOR = 2 * HOUR
NEW, RESET, MOVE = "new account", "new password", "new address"
WRONG = N_("There is no account with this address and this password.")
OVER = N_("This link has been used, or its time is over. Ask for another one.")
_OURS = re.compile(r"/(?![/\\])[\x21-\x7e]*")


class Entering:
    def __init__(self, members: Members, ways: list[str]) -> None:
        """`ways`: the names of the other services that drivers may sign in with."""
        self.members, self.surface, self.node = members, members.surface, members.node
        self.ways = ways
        cookies = self.surface.cookies
        self.known = Known(self.node.directory.key.derive("known to drivers"), cookies.name, "/account", secure=self.surface.secure)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account/sign-in", self.sign_in_page),
            Route("/account/sign-in", self.sign_in, methods=["POST"]),
            Route("/account/sign-out", self.sign_out, methods=["POST"]),
            Route("/account/new", self.new_page),
            Route("/account/new", self.new, methods=["POST"]),
            Route("/account/new/{secret}", self.choose_page),
            Route("/account/new/{secret}", self.choose, methods=["POST"]),
            Route("/account/forgotten", self.forgotten_page),
            Route("/account/forgotten", self.forgotten, methods=["POST"]),
            Route("/account/reset/{secret}", self.reset_page),
            Route("/account/reset/{secret}", self.reset, methods=["POST"]),
            Route("/account/address/{secret}", self.move_page),
            Route("/account/address/{secret}", self.move, methods=["POST"]),
        ]

    # --- in and out

    async def sign_in_page(self, request: Request) -> Response:
        if self.surface.visitor(request).account:
            return self.members.go(self.surface.visitor(request), "/account")
        return self._entrance(request)

    def _entrance(self, request: Request, status: int = 200, wrong: str = "", email: str = "", back: str = "") -> Response:
        back = back or request.query_params.get("back", "")
        visitor = self.surface.visitor(request)
        context = {"wrong": wrong, "email": email, "back": back, "others": self.ways, "mails": bool(self.members.sender)}
        return self.surface.answer(request, visitor, "driver/account/sign_in.html", {"error": wrong or None}, status=status, **context)

    async def sign_in(self, request: Request) -> Response:
        form = await self.surface.form(request)
        email, password = str(form.get("email", ""))[:300], str(form.get("password", ""))
        back = str(form.get("back", ""))
        known = self.known.browser(request.headers.get("cookie", ""), email_of(email) or "")
        try:
            await self.members.attempts.sign_in(address(request), email_of(email) or email, OF_ADDRESS, browser=known)
        except Busy:
            return self._entrance(request, 429, _(TOO_OFTEN), email, back)
        found = await self._account(email)
        if not await self.members.passwords.fits(None if found is None else found.password, password) or found is None:
            return self._entrance(request, 403, _(WRONG), email, back)
        visitor = await self.members.begin(self.surface.visitor(request), found.driver)
        return self._in(visitor, found.email, back if _OURS.fullmatch(back) else "/account")

    def _in(self, visitor: Visitor, email: str | None, where: str) -> Response:
        """Signed in; from now on the browser is known for this address."""
        response = self.members.go(visitor, where)
        if email:
            response.headers.append("set-cookie", self.known.written(email))
        return response

    async def _account(self, email: str) -> Account | None:
        known = email_of(email)
        return await self.node.store.read(lambda tx: tx.accounts.by_email(known or ""), snapshot=False)

    async def sign_out(self, request: Request) -> Response:
        """Of this browser, or of all."""
        form, visitor = await self.surface.form(request), self.surface.visitor(request)
        if form.get("everywhere") and visitor.account:
            await self.node.store.write(lambda tx: tx.accounts.sessions.end_all(visitor.driver))
        await self.members.end(visitor)
        return self.members.go(self.surface.stranger(), "/account/sign-in")

    # --- a new account

    async def new_page(self, request: Request) -> Response:
        return self._page(request, "new.html", mails=bool(self.members.sender), others=self.ways)

    async def new(self, request: Request) -> Response:
        form, visitor = await self.surface.form(request), self.surface.visitor(request)
        email = await self.members.address(request, form)
        if await self._account(email) is None:
            secret = await self.members.ticket(NEW, {"email": email}, GOOD_FOR, "" if visitor.account else visitor.driver)
            told = [
                _("Somebody, probably you, wants to make an account for charging with this e-mail address."),
                _("Choose a password here; the link is good for two hours, and once:"),
                self.members.link(f"/account/new/{secret}"),
                _("If it was not you, do nothing. No account is made."),
            ]
        else:
            await self.members.ticket(NEW, {}, 0.0)  # as much work as for an address that is new
            told = [
                _("Somebody, probably you, wants to make an account with this e-mail address, but it has one already."),
                _("Sign in here, or ask for a new password there:"),
                self.members.link("/account/sign-in"),
            ]
        await self.members.post(email, _("Your account for charging"), told, GOOD_FOR)
        return self._sent(request, email)

    async def choose_page(self, request: Request) -> Response:
        return await self._choosing(request, NEW)

    async def choose(self, request: Request) -> Response:
        password, fault = await self._chosen(request)
        if fault:
            return await self._choosing(request, NEW, fault)
        guest, document = await self._taken(request, NEW)
        try:
            made = await self.members.open(request, guest=guest, email=document["email"], password=password)
        except Taken:
            raise HTTPException(409, _(OVER)) from None
        return self._in(made, document["email"], "/account")

    # --- a forgotten password

    async def forgotten_page(self, request: Request) -> Response:
        return self._page(request, "forgotten.html", mails=bool(self.members.sender))

    async def forgotten(self, request: Request) -> Response:
        email = await self.members.address(request, await self.surface.form(request))
        found = await self._account(email)
        secret = await self.members.ticket(RESET, {}, GOOD_FOR if found is not None else 0.0, "" if found is None else found.driver)
        if found is not None:
            told = [
                _("Somebody, probably you, has forgotten the password of your account for charging."),
                _("Choose a new one here; the link is good for two hours, and once:"),
                self.members.link(f"/account/reset/{secret}"),
                _("If it was not you, do nothing. Your password stays as it is."),
            ]
        else:
            told = [
                _("Somebody wants a new password for an account with this e-mail address, but it has none."),
                _("Perhaps you have used another address, or a passkey."),
            ]
        await self.members.post(email, _("Your password for charging"), told, GOOD_FOR)
        return self._sent(request, email)

    async def reset_page(self, request: Request) -> Response:
        return await self._choosing(request, RESET)

    async def reset(self, request: Request) -> Response:
        password, fault = await self._chosen(request)
        if fault:
            return await self._choosing(request, RESET, fault)
        driver, _document = await self._taken(request, RESET)

        async def work(tx: Tx) -> Account | None:
            found = await tx.accounts.get(driver)
            if found is not None:
                await tx.accounts.update(msgspec.structs.replace(found, password=password))
                await tx.accounts.sessions.end_all(driver)
                await tx.accounts.drop_tickets(driver, RESET)
            return found

        account = await self.node.store.write(work)
        if account is None:
            raise HTTPException(404, _(OVER))
        return self._in(await self.members.begin(self.surface.visitor(request), driver), account.email, "/account/security")

    # --- another address

    async def move_page(self, request: Request) -> Response:
        account = await self.members.account(request)
        found = await self.members.look(MOVE, request.path_params["secret"])
        if found is None or found.driver != account.driver:
            raise HTTPException(404, _(OVER))
        return self._page(request, "move.html", email=msgspec.json.decode(found.document)["email"])

    async def move(self, request: Request) -> Response:
        await self.surface.form(request)
        account = await self.members.account(request)
        driver, document = await self._taken(request, MOVE)

        async def work(tx: Tx) -> bool:
            if driver != account.driver or await tx.accounts.by_email(document["email"]) is not None:
                return False
            await tx.accounts.update(msgspec.structs.replace(account, email=document["email"]))
            await tx.accounts.drop_tickets(driver, RESET)
            return True

        if not await self.node.store.write(work):
            raise HTTPException(404, _(OVER))
        return self.members.go(self.surface.visitor(request), "/account/security")

    # --- links and pages

    async def _choosing(self, request: Request, kind: str, fault: str = "") -> Response:
        found = await self.members.look(kind, request.path_params["secret"])
        if found is None:
            raise HTTPException(404, _(OVER))
        context = {"kind": kind, "fault": fault, "shortest": SHORTEST, "longest": LONGEST}
        return self._page(request, "choose.html", 400 if fault else 200, **context)

    async def _chosen(self, request: Request) -> tuple[str, str]:
        """The password as it is kept, or why it is not taken; the link stays good until there is one."""
        form = await self.surface.form(request)
        return await chosen(str(form.get("password", "")))

    async def _taken(self, request: Request, kind: str) -> tuple[str, dict[str, Any]]:
        found = await self.members.take(kind, request.path_params["secret"])
        if found is None:
            raise HTTPException(404, _(OVER))
        return found

    def _sent(self, request: Request, email: str) -> Response:
        return self._page(request, "sent.html", email=email)

    def _page(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        return self.surface.answer(request, self.surface.visitor(request), f"driver/account/{template}", {}, status=status, **context)


async def chosen(password: str) -> tuple[str, str]:
    """The password as it is kept; or why it is not taken."""
    try:
        return await hashed(password), ""
    except BadPassword:
        return "", _("A password has %(shortest)s to %(longest)s characters.") % {"shortest": SHORTEST, "longest": LONGEST}
