"""The pages of who is signed in: an overview, the ways in, cards, and the driver's data with the end of it all."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.drivers import cards
from interplug.drivers.accounts import erase
from interplug.drivers.invoicing import contracts_of
from interplug.drivers.plugs import NotPossible
from interplug.store.accounts import Account
from interplug.store.cards import ORDERED, RFID
from interplug.store.tx import Tx
from interplug.web.languages import _
from interplug.web.passwords import ATTEMPTS
from interplug.web.rendering import answer as as_json

from . import mydata
from .elsewhere import Elsewhere
from .entering import GOOD_FOR, MOVE, RESET, chosen
from .members import TOO_OFTEN, Members

LONGEST_ADDRESS = 400
LONGEST_LABEL = 60


class Accounts:
    def __init__(self, members: Members, elsewhere: Elsewhere) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node
        self.elsewhere = elsewhere
        self.settings = members.node.settings

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account", self.overview),
            Route("/account/security", self.security),
            Route("/account/password", self.password, methods=["POST"]),
            Route("/account/address", self.address, methods=["POST"]),
            Route("/account/cards", self.cards),
            Route("/account/cards", self.order, methods=["POST"]),
            Route("/account/cards/{uid}/block", self.block, methods=["POST"]),
            Route("/account/orders/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/account/data", self.data),
            Route("/account/data.json", self.export),
            Route("/account/erase", self.erase, methods=["POST"]),
        ]

    async def overview(self, request: Request) -> Response:
        account = await self.members.account(request)

        async def work(tx: Tx) -> dict[str, Any]:
            return {
                "cards": len([one for one in await tx.cards.of_driver(account.driver) if one.kind == RFID]),
                "favourites": len(await tx.favourites.of_driver(account.driver)),
                "invoices": (await tx.invoices.of_contracts(await contracts_of(tx, account.driver), 0))[0],
                "contract": getattr(await tx.drivers.driver(account.driver), "contract_id", ""),
            }

        told = await self.node.store.read(work)
        return self._page(request, "account.html", account=account, told=told)

    # --- the ways in

    async def security(self, request: Request) -> Response:
        account, now = await self.members.account(request), self.node.clock()

        async def work(tx: Tx) -> dict[str, Any]:
            return {
                "passkeys": await tx.accounts.passkeys(account.driver),
                "identities": {one.issuer: one for one in await tx.accounts.identities(account.driver)},
                "sessions": await tx.accounts.sessions.count(account.driver, now),
            }

        told = await self.node.store.read(work)
        return self._page(request, "security.html", account=account, services=self.elsewhere.services.values(), now=now, **told)

    async def password(self, request: Request) -> Response:
        """Another one, or the first; all other browsers are signed out."""
        form, account = await self._sure(request)
        kept, fault = await chosen(str(form.get("new", "")))
        if fault:
            raise NotPossible(fault)
        this = self.surface.cookies.session(self.surface.visitor(request))

        async def work(tx: Tx) -> None:
            await tx.accounts.update(msgspec.structs.replace(account, password=kept))
            await tx.accounts.sessions.end_all(account.driver, but=this)
            await tx.accounts.drop_tickets(account.driver, RESET)

        await self.node.store.write(work)
        return self._back(request, "/account/security")

    async def address(self, request: Request) -> Response:
        """Another e-mail address, once a link that goes there has been followed."""
        form, account = await self._sure(request)
        email = await self.members.address(request, form)
        if await self.node.store.read(lambda tx: tx.accounts.by_email(email)) is None:
            secret = await self.members.ticket(MOVE, {"email": email}, GOOD_FOR, account.driver)
            told = [
                _("This address shall be that of your account for charging."),
                _("Confirm it here, signed in; the link is good for two hours, and once:"),
                self.members.link(f"/account/address/{secret}"),
            ]
        else:
            await self.members.ticket(MOVE, {}, 0.0)
            told = [_("Somebody wants to use this address for an account for charging, but there is an account with it already.")]
        await self.members.post(email, _("Your address for charging"), told, GOOD_FOR)
        return self._page(request, "sent.html", email=email)

    async def _sure(self, request: Request) -> tuple[dict[str, Any], Account]:
        """It is not somebody who has found the browser open: the password is asked for, where there is one."""
        form, account = await self.surface.form(request), await self.members.account(request)
        if not await self.members.attempts.allow(f"sure {account.driver}", ATTEMPTS):
            raise HTTPException(429, _(TOO_OFTEN))
        if account.password and not await self.members.passwords.fits(account.password, str(form.get("password", ""))):
            raise HTTPException(403, _("This is not your password."))
        return form, account

    # --- cards

    async def cards(self, request: Request) -> Response:
        account = await self.members.account(request)

        async def work(tx: Tx) -> dict[str, Any]:
            orders = [one for one in await tx.cards.orders_of(account.driver) if one.state == ORDERED]
            return {"cards": await cards.cards_of(tx, self.node, account.driver), "orders": orders}

        told = await self.node.store.read(work)
        document = {"cards": [{"uid": one.uid, "label": one.card.label, "valid": one.valid} for one in told["cards"]]}
        return self._page(request, "cards.html", document, orderable=self.settings.accounts.cards, longest=LONGEST_ADDRESS, **told)

    async def order(self, request: Request) -> Response:
        form, account = await self.surface.form(request), await self.members.account(request)
        if not self.settings.accounts.cards:
            raise HTTPException(404)
        label = " ".join(str(form.get("label", "")).split())[:LONGEST_LABEL]
        lines = [" ".join(line.split()) for line in str(form.get("address", ""))[:LONGEST_ADDRESS].splitlines()]
        if len([line for line in lines if line]) < 2:
            raise NotPossible(_("Write name and address, line by line, so that the card reaches you."))
        driver = await self.node.store.read(lambda tx: tx.drivers.driver(account.driver))
        assert driver is not None
        await cards.order(self.node, driver, label, "\n".join(line for line in lines if line))
        return self._back(request, "/account/cards")

    async def cancel(self, request: Request) -> Response:
        await self.surface.form(request)
        account = await self.members.account(request)
        await cards.cancel(self.node, account.driver, request.path_params["id"])
        return self._back(request, "/account/cards")

    async def block(self, request: Request) -> Response:
        """Or let it charge again."""
        form, account = await self.surface.form(request), await self.members.account(request)

        async def work(tx: Tx) -> bool:
            card = await tx.cards.get(RFID, request.path_params["uid"])
            if card is None or card.driver != account.driver:
                return False
            await cards.block(tx, self.node, card, form.get("blocked") == "1")
            return True

        if not await self.node.store.write(work):
            raise HTTPException(404, _("You have no such card."))
        return self._back(request, "/account/cards")

    # --- the driver's data

    async def data(self, request: Request) -> Response:
        account = await self.members.account(request)
        days = round(self.settings.store.cdr_days / 365.25)
        return self._page(request, "data.html", account=account, years=days, messages=round(self.settings.store.message_days))

    async def export(self, request: Request) -> Response:
        account = await self.members.account(request)
        await self.members.slow(request, "export")
        whole = as_json(await mydata.of(self.node, account))
        whole.headers["content-disposition"] = 'attachment; filename="my-charging-data.json"'
        return whole

    async def erase(self, request: Request) -> Response:
        form, account = await self._sure(request)
        if form.get("really") != "yes":
            raise NotPossible(_("Say that you mean it: tick the box."))
        erased = await erase(self.node, account.driver)
        stranger = self.surface.stranger()
        return self.surface.answer(request, stranger, "driver/account/erased.html", {"contracts": list(erased.contracts)}, erased=erased)

    # --- answers

    def _page(self, request: Request, template: str, document: dict[str, Any] | None = None, **context: Any) -> Response:
        return self.surface.answer(request, self.surface.visitor(request), f"driver/account/{template}", document or {}, **context)

    def _back(self, request: Request, where: str) -> Response:
        return self.members.go(self.surface.visitor(request), where)
