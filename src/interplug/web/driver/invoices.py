"""The invoices of a driver: of each month, for what was charged with a card or by contract, and of charges that were paid by bank card.

They belong to whoever has the contract now; to others they do not exist. An invoice is shown as it was issued; whether it was paid is what
the provider's accounts say, and how one is paid stands on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.drivers.invoicing import contracts_of
from interplug.model.types import decode_json, format_time, parse_time
from interplug.modules.node import Node
from interplug.store.invoices import Invoice
from interplug.store.tx import Tx
from interplug.web import asking, printing
from interplug.web.languages import _
from interplug.web.wording import INVOICES

from .members import Members

Document = dict[str, Any]
PAGE = 20
MOST = 10_000
LOOKS = {"paid": "good", "card": "good", "gone": "good", "open": "warn", "back": "busy"}


@dataclass(slots=True, frozen=True)
class Shown:
    """An invoice, and how it stands."""

    row: Invoice
    told: Document

    @property
    def note(self) -> bool:
        return bool(self.told["kind"] == "credit note")

    @property
    def state(self) -> str:
        """One of INVOICES."""
        if self.row.drive:
            return "gone" if self.note else "card"
        return ("gone" if self.row.paid_at else "back") if self.note else ("paid" if self.row.paid_at else "open")

    @property
    def state_text(self) -> str:
        return INVOICES[self.state]

    @property
    def look(self) -> str:
        return LOOKS[self.state]

    @property
    def due_at(self) -> int:
        return parse_time(self.told["due_at"]) if self.told.get("due_at") else 0

    @property
    def lines(self) -> list[Document]:
        names = ("place", "evse", "time_zone", "drive")
        figures = [
            {"kwh": Decimal(one["kwh"]), "gross": Decimal(one["gross"]), "ended": parse_time(one["ended_at"])} for one in self.told["lines"]
        ]
        return [
            {**made, **{name: one.get(name) or "" for name in names}, "cdrs": one["cdrs"], "corrects": one["corrects"]}
            for made, one in zip(figures, self.told["lines"], strict=True)
        ]

    @property
    def taxes(self) -> list[Document]:
        return [
            {name: None if one[name] is None else Decimal(one[name]) for name in ("rate", "net", "vat", "gross")}
            for one in self.told["taxes"]
        ]

    def document(self) -> Document:
        paid = format_time(self.row.paid_at) if self.row.paid_at else None
        return {**self.told, "state": "open" if not self.row.settled else "paid", "state_text": self.state_text, "paid_at": paid}


async def found(node: Node, driver: str, limit: int, offset: int = 0) -> tuple[int, list[Shown]]:
    """How many there are, and a page of them, the newest first."""

    async def work(tx: Tx) -> tuple[int, list[Invoice]]:
        return await tx.invoices.of_contracts(await contracts_of(tx, driver), limit, offset)

    total, rows = await node.store.read(work)
    return total, [Shown(one, decode_json(one.document)) for one in rows]


class Invoices:
    def __init__(self, members: Members) -> None:
        self.members, self.surface, self.node = members, members.surface, members.node

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account/invoices", self.list),
            Route("/account/invoices/{number:path}.pdf", self.paper),
            Route("/account/invoices/{number:path}", self.invoice),
        ]

    async def list(self, request: Request) -> Response:
        account = await self.members.account(request)
        page = asking.page(request)
        total, rows = await found(self.node, account.driver, PAGE, (page - 1) * PAGE)
        pages = -(-total // PAGE)
        if page > pages > 0 and not asking.wants_json(request):
            page = pages
            total, rows = await found(self.node, account.driver, PAGE, (page - 1) * PAGE)
        document = {"total": total, "page": page, "invoices": [one.document() for one in rows]}
        context = {"invoices": rows, "total": total, "page": page, "pages": pages}
        return self._page(request, "invoices.html", document, **context)

    async def invoice(self, request: Request) -> Response:
        account = await self.members.account(request)
        one = await self._one(request, account.driver)
        mine = {line["drive"] for line in one.lines if line["drive"]}
        return self._page(
            request, "invoice.html", one.document(), invoice=one, mine=await self._mine(account.driver, mine), help=self.node.settings.help
        )

    async def paper(self, request: Request) -> Response:
        account = await self.members.account(request)
        return await printing.download(printing.invoice((await self._one(request, account.driver)).told))

    async def _one(self, request: Request, driver: str) -> Shown:
        async def work(tx: Tx) -> Invoice | None:
            named = await tx.invoices.named(request.path_params["number"])
            return named if named is not None and named.contract in await contracts_of(tx, driver) else None

        row = await self.node.store.read(work)
        if row is None:
            raise HTTPException(404, _("You have no such invoice."))
        return Shown(row, decode_json(row.document))

    async def _mine(self, driver: str, drives: set[str]) -> set[str]:
        """Those of them that the driver may open."""

        async def work(tx: Tx) -> set[str]:
            return {name for name in drives if (drive := await tx.drivers.get(name)) is not None and drive.driver == driver}

        return await self.node.store.read(work)

    def _page(self, request: Request, template: str, document: Document, **context: Any) -> Response:
        return self.surface.answer(request, self.surface.visitor(request), f"driver/account/{template}", document, **context)
