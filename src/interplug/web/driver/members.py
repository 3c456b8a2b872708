"""Who is signed in to an account: sessions begin and end here, and links that an e-mail brings are made and taken here.

Signing in gives the browser another name, and what its guest has done becomes the account's. What a link, a challenge or a way to another
service holds is a secret of 256 bits, of which the database knows a MAC; it is good once and for a while. Whether an e-mail address has an
account is told to nobody but its mailbox.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interplug.drivers.accounts import bring, email_of, open_account, sender
from interplug.drivers.plugs import NotPossible
from interplug.model.types import decode_json, encode_json
from interplug.partners.presentation import root
from interplug.store.accounts import Account, Ticket
from interplug.store.tx import Tx
from interplug.web import asking
from interplug.web.languages import N_, _, spoken
from interplug.web.passwords import Attempts, Passwords
from interplug.web.session import Visitor, stranger

from .surface import Surface, address

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LETTERS = 3
"""To one address within an hour."""
OF_ADDRESS = 60
"""Of each kind of try within ten minutes from one address: behind one there may be a whole network of phones."""
NEWCOMERS = 30
"""Accounts that one address may make within ten minutes."""
TOO_OFTEN = N_("That was tried too often. Wait ten minutes and try again.")


class NotSignedIn(Exception):
    """The page is for who is signed in."""


class Members:
    def __init__(self, surface: Surface) -> None:
        self.surface, self.node = surface, surface.node
        self.passwords, self.attempts = Passwords(), Attempts(surface.node, "driver")
        self.sender = sender(surface.node.settings)
        """Empty: no e-mail can be sent here."""
        self._key = surface.node.directory.key.derive("driver tickets")

    # --- sessions

    async def account(self, request: Request) -> Account:
        visitor = self.surface.visitor(request)
        found = await self.node.store.read(lambda tx: tx.accounts.get(visitor.driver)) if visitor.account else None
        if found is None:
            raise NotSignedIn
        return found

    async def begin(self, visitor: Visitor, driver: str) -> Visitor:
        """The visitor as who is signed in; under another name, and with what the guest has done."""
        fresh = replace(stranger(), driver=driver, account=True, lent=visitor.lent)
        now, until = self.node.clock(), self.node.after(self.node.settings.accounts.session_days * DAY)

        async def work(tx: Tx) -> None:
            if visitor.account:
                await tx.accounts.sessions.end(self.surface.cookies.session(visitor))
            await bring(tx, visitor.driver, driver)
            await tx.accounts.sessions.begin(self.surface.cookies.session(fresh), driver, now, until)

        await self.node.store.write(work)
        return fresh

    async def end(self, visitor: Visitor) -> None:
        await self.node.store.write(lambda tx: tx.accounts.sessions.end(self.surface.cookies.session(visitor)))

    async def open(self, request: Request, *, guest: str | None = None, email: str | None = None, password: str = "") -> Visitor:
        """A new account, signed in. `guest`: whose charges it begins with; else those of this browser. Raises Taken."""
        visitor = self.surface.visitor(request)
        if not await self.attempts.allow(f"new {address(request)}", NEWCOMERS):
            raise HTTPException(429, _(TOO_OFTEN))
        own = "" if visitor.account else visitor.driver
        asked = guest or ""
        if asked and await self.node.store.read(lambda tx: tx.accounts.get(asked)) is not None:
            asked = ""  # who has an account since
        account = await open_account(self.node, own or asked, email=email, password=password, language=spoken())
        await self.node.store.write(lambda tx: bring(tx, asked, account.driver))
        return await self.begin(visitor, account.driver)

    def go(self, visitor: Visitor, where: str) -> Response:
        return self.surface.with_cookie(RedirectResponse(where, 303), visitor)

    async def slow(self, request: Request, what: str) -> None:
        """Nobody does this more often from one address than somebody who means it."""
        if not await self.attempts.allow(f"{what} {address(request)}", OF_ADDRESS):
            raise HTTPException(429, _(TOO_OFTEN))

    # --- what holds for a while, and once

    async def ticket(self, kind: str, document: dict[str, Any], seconds: float, driver: str = "", secret: str = "") -> str:
        secret = secret or secrets.token_urlsafe(32)
        ticket = Ticket(self._hidden(secret), kind, driver, encode_json(document), self.node.after(seconds))
        await self.node.store.write(lambda tx: tx.accounts.add_ticket(ticket, self.node.clock()))
        return secret

    async def look(self, kind: str, secret: str) -> Ticket | None:
        """Without taking it: a mail server that opens links in advance must not use them up."""
        return await self.node.store.read(lambda tx: tx.accounts.ticket(self._hidden(secret), kind, self.node.clock()), snapshot=False)

    async def take(self, kind: str, secret: str) -> tuple[str, dict[str, Any]] | None:
        """Its driver, and what it holds; None: there is none, it is over, or somebody has taken it."""
        hidden, now = self._hidden(secret), self.node.clock()
        found = await self.node.store.write(lambda tx: tx.accounts.take_ticket(hidden, kind, now))
        return None if found is None else (found.driver, decode_json(found.document))

    def _hidden(self, secret: str) -> str:
        return hmac.digest(self._key, secret.encode("utf-8", "replace"), "sha256").hex()

    # --- letters

    async def address(self, request: Request, form: dict[str, Any]) -> str:
        """The e-mail address of a form, to which a letter may go now."""
        if not self.sender:
            raise HTTPException(404, _("No e-mails are sent here."))
        email = email_of(str(form.get("email", "")))
        if email is None:
            raise NotPossible(_("This is no e-mail address."))
        await self.slow(request, "letter")
        if not await self.attempts.allow(f"letter to {email}", LETTERS, HOUR):
            raise HTTPException(429, _("Several e-mails have gone to this address already. Look for them, or try again in an hour."))
        return email

    async def post(self, email: str, subject: str, lines: list[str], seconds: float = DAY) -> None:
        """A letter in the language of the page; `seconds`: after which nobody needs it any more."""
        await self.node.store.write(lambda tx: self.write(tx, email, subject, lines, seconds))

    async def write(self, tx: Tx, email: str, subject: str, lines: list[str], seconds: float) -> None:
        text = "\n\n".join([*lines, "-- \n" + root(self.node.settings)]) + "\n"
        await tx.letters.add(email, subject, text, self.node.clock(), self.node.after(seconds))

    def link(self, path: str) -> str:
        return f"{root(self.node.settings)}{path}"

    async def not_signed_in(self, request: Request, _error: Exception) -> Response:
        if asking.wants_json(request):
            return self.surface.refusal(_("You are not signed in, or not any more."), 401)
        return RedirectResponse("/account/sign-in", 303)
