"""A till over a test provider in memory, on a line that loses requests and answers, and a clock that stands still."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from interplug.config import Payments
from interplug.model.types import decode_json, encode_json
from interplug.modules.node import Node
from interplug.payments import states
from interplug.payments.bank import Bank
from interplug.payments.ledger import Memory
from interplug.payments.till import Till
from interplug.payments.trial import TestProvider
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.payments import Payment
from interplug.web.banking import drawn
from tests.nodes import EMSP, Clock, make_node

GOOD, DECLINED, FUNDS, CHALLENGED, SHORT, FIXED, UNRULY, DISPUTED = (
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000002500003155",
    "4000000000001000",
    "4000000000002000",
    "4000000000003000",
    "4000000000000259",
)
OTHER, SPENT, AGED = "5555555555554444", "4000000000000341", "4000000000000069"
"""Good; good once; remembered, it has expired."""
URL = "https://bank.example/payments/test"
SETTINGS = Payments(provider="test", webhook_secret="whsec")


class Line:
    """To the bank. `fate`: of the next request: `ok`, `lost` on the way there, or `silent`: carried out, and the answer is lost."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.fate: Callable[[Request], str] = lambda request: "ok"
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        fate = self.fate(request)
        if fate == "lost":
            raise Unreachable("lost on the way")
        answer = await self.bank(Request(request.method, urlsplit(request.url).path, request.headers, request.body))
        if fate == "silent":
            raise Unreachable("the answer was lost")
        return answer

    def posts(self, word: str = "") -> list[Request]:
        return [one for one in self.asked if one.method == "POST" and one.url.endswith(word)]


class Standing:
    def __init__(self, node: Node, clock: Clock) -> None:
        self.node, self.clock, self.ledger, self.events = node, clock, Memory(), list[dict[str, Any]]()
        self.bank = Bank(self.ledger, clock, URL, self.events.append, drawn)
        self.line = Line(self.bank)
        self.provider = TestProvider(self.line, URL, "whsec", clock)
        self.till = Till(node, self.provider)

    async def payment(self, amount: str = "50", id: str = "p1", drive: str = "d1", customer: str = "", method: str = "") -> Payment:
        """A row as a start writes it; nothing was asked yet."""
        now = self.clock()
        made = Payment(
            id=id,
            drive=drive,
            contract="DE-ABC-C1",
            provider="test",
            state=states.CREATED,
            currency="EUR",
            wanted=Decimal(amount),
            key=f"{id}.authorize",
            asked_at=now,
            created_at=now,
            changed_at=now,
            customer=customer,
            method=method,
        )
        await self.node.store.write(lambda tx: tx.payments.add(made))
        return made

    async def held(self, card: str = GOOD, amount: str = "50", id: str = "p1") -> Payment:
        payment = await self.till.begin(await self.payment(amount, id))
        await self.enter(payment.reference, card)
        payment, _ = await self.till.look(payment.id)
        return payment

    async def enter(self, reference: str, card: str, proof: str = "yes") -> Response:
        """What the driver does on the provider's pages."""
        found = await self.provider.find(reference)
        return await browse(self.bank, found.url, card, proof)

    async def due(self, id: str, amount: str | None) -> None:
        async def work(tx: Any) -> None:
            row = await tx.payments.get(id)
            row.due = None if amount is None else Decimal(amount)
            await tx.payments.update(row)

        await self.node.store.write(work)

    def account(self, reference: str) -> dict[str, Any]:
        """The provider's own books."""
        document: dict[str, Any] = decode_json(self.ledger.documents[reference])
        return document

    def moves(self, reference: str) -> tuple[Decimal, Decimal, Decimal]:
        return tuple(Decimal(self.account(reference)[name]) for name in ("held", "captured", "refunded"))  # type: ignore[return-value]

    async def calm(self, id: str) -> Payment:
        """The line is good again, and time passes."""
        self.line.fate = lambda request: "ok"
        for _ in range(6):
            self.clock.move(120)
            payment = await self.till.settle(id)
        return payment


async def browse(bank: Bank, url: str, card: str, proof: str = "yes", *, remember: bool = False) -> Response:
    """The driver's browser, which is on the form, or on the page that asks for a proof."""
    parts = urlsplit(url)
    secret = parse_qs(parts.query)["secret"][0]
    if "/challenge/" in parts.path:
        return await bank(form(parts.path, secret=secret, answer=proof))
    answer = await bank(form(parts.path, secret=secret, card=card, **({"remember": "yes"} if remember else {})))
    where = urlsplit(answer.headers["location"])
    if "/challenge/" in where.path:
        answer = await bank(form(where.path, secret=secret, answer=proof))
    return answer


def form(path: str, **fields: str) -> Request:
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return Request("POST", path, {"content-type": "application/x-www-form-urlencoded"}, body)


def post(path: str, document: Any, key: str) -> Request:
    return Request("POST", f"/payments/test/{path}", {"idempotency-key": key}, encode_json(document))


async def open_standing(folder: Path, **more: Any) -> Standing:
    clock = Clock()
    node = await make_node(folder, parties=(EMSP,), clock=clock, payments=SETTINGS, **more)
    return Standing(node, clock)


def seeded(number: int) -> random.Random:
    return random.Random(number)
