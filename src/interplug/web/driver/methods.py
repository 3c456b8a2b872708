"""How a driver pays: the page of an account with the bank cards that the payment provider remembers, and the choice of one at a start.

No number of a card is known here: what is shown is the brand, the last four digits and the month of expiry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.drivers.paying import Desk, pays_by_card
from interplug.drivers.tokens import token_of
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.methods import Saved
from interplug.store.tx import Tx
from interplug.web.languages import _
from interplug.web.session import Visitor
from interplug.web.wording import SECOND

from .members import Members

Document = dict[str, Any]
BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


@dataclass(slots=True, frozen=True)
class Card:
    """`usual`: chosen where nobody chooses another one."""

    saved: Saved
    usual: bool
    expired: bool

    @property
    def name(self) -> str:
        return f"{BRANDS.get(self.saved.brand) or _('Card')} •••• {self.saved.last4}"

    @property
    def expiry(self) -> str:
        return f"{self.saved.month:02d}/{self.saved.year}"

    def document(self) -> Document:
        one = self.saved
        told = {"brand": one.brand, "last4": one.last4, "expires": f"{one.year}-{one.month:02d}", "usual": self.usual}
        return {"id": one.id, **told, "expired": self.expired, "saved_at": format_time(one.saved_at)}


async def cards(node: Node, driver: str) -> list[Card]:
    """The usual one first."""
    provider, today = node.settings.payments.provider, datetime.fromtimestamp(node.clock() // SECOND, UTC)
    found = await node.store.read(lambda tx: tx.methods.of_driver(driver, provider)) if driver else []
    old = [(one.year, one.month) < (today.year, today.month) for one in found]
    usual = next((one.id for one, expired in zip(found, old, strict=True) if not expired), "")
    return [Card(one, one.id == usual, expired) for one, expired in zip(found, old, strict=True)]


async def by_card(node: Node, driver: str) -> bool:
    """Whether the driver pays by card at the start."""

    async def work(tx: Tx) -> bool:
        return pays_by_card(node.settings.payments, await token_of(tx, node, await tx.drivers.driver(driver)))

    return await node.store.read(work)


async def choice(node: Node, visitor: Visitor) -> list[Card]:
    """What a start can be paid with, by one tap; of a guest nothing is remembered."""
    found = [one for one in await cards(node, visitor.driver) if not one.expired] if visitor.account else []
    return found if found and await by_card(node, visitor.driver) else []


class Methods:
    def __init__(self, members: Members, desk: Desk | None) -> None:
        self.members, self.surface, self.node, self.desk = members, members.surface, members.node, desk

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account/payment", self.page),
            Route("/account/payment/{id}/usual", self.usual, methods=["POST"]),
            Route("/account/payment/{id}/remove", self.remove, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        account = await self.members.account(request)
        found, pays = await cards(self.node, account.driver), await by_card(self.node, account.driver)
        document = {"by_card": pays, "methods": [one.document() for one in found]}
        context: dict[str, Any] = {"by_card": pays, "taken": self.desk is not None, "methods": found}
        context["wallets"] = self.node.settings.payments.provider == "stripe"
        return self.surface.answer(request, self.surface.visitor(request), "driver/account/payment.html", document, **context)

    async def usual(self, request: Request) -> Response:
        driver, desk = await self._driver(request)
        await desk.purse.use(driver, request.path_params["id"])
        return self.members.go(self.surface.visitor(request), "/account/payment")

    async def remove(self, request: Request) -> Response:
        driver, desk = await self._driver(request)
        await desk.purse.remove(driver, request.path_params["id"])
        return self.members.go(self.surface.visitor(request), "/account/payment")

    async def _driver(self, request: Request) -> tuple[str, Desk]:
        await self.surface.form(request)
        account = await self.members.account(request)
        if self.desk is None:
            raise HTTPException(404)
        return account.driver, self.desk
