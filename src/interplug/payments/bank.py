"""The test provider: holds, captures and refunds with the habits of a real one, and none of its money.

A `Handler` like every other: in the node's own process it keeps its accounts in the node's database (`ledger.py`), as a service of its own
(`service.py`) in memory. Cards are numbers with a known fate (`holds.py`); any other number is declined. The card is entered on the
provider's own page, `/form/…`, as with a real one, and a challenge (3-D Secure) has a page, too. Where a hold names a `reader`, the card is
presented there (`holds/…/present`, which is what the reader says): once, and who presents it has proved who it is by its PIN. Where a hold
names a customer, the form offers to remember the card (`remembered.py`); where it names a remembered one, that is held on at once. How
pages look is for `draw` to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.protocol.http import Request, Response, segments

from . import remembered
from .holds import ACTIONS, CHALLENGED, OPEN, SHORT, UNRULY, card_of, must
from .port import NOT_RECOGNISED, PROOF
from .remembered import Accounts, No

Document = dict[str, Any]
SECOND = 1_000_000
LASTS = 7 * 86_400 * SECOND
PRESENT = "present"
TOLD = ("id", "status", "held", "captured", "refunded", "expires_at", "card", "reason", "currency")


class Form(NamedTuple):
    """What a driver is shown. `page`: `form` for the card, `challenge` for the proof; `reason`: why it is shown again; `other`: where
    another card is entered; `remembers`: the card may be remembered."""

    page: str
    action: str
    secret: str
    back: str
    other: str
    text: str
    amount: Decimal
    currency: str
    reason: str
    remembers: bool


Draw = Callable[[Form], bytes]


class Ledger(Protocol):
    async def within(self, work: Callable[[Accounts], Any]) -> Response:
        """Carries out `work` alone, and keeps all of it or nothing."""


class Bank:
    """`tell` is called with each event, after it is kept; `path` is where it is served, `url` with the host, where a browser finds it.
    `draw` makes the HTML of its pages; without it there is nothing to look at, and cards can be entered all the same."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], int],
        url: str,
        tell: Callable[[Document], None] = lambda event: None,
        draw: Draw = lambda form: b"",
    ) -> None:
        self.ledger, self.clock, self.url, self.tell, self.draw = ledger, clock, url.rstrip("/"), tell, draw
        self.path = urlsplit(self.url).path

    async def __call__(self, request: Request) -> Response:
        parts = segments(request.path.removeprefix(self.path))
        try:
            if parts[0] == "holds":
                return await self._hold(request, parts[1:])
            if parts[0] == "customers" and len(parts) <= 3:
                return await self._customer(request, parts[1:])
            if parts[0] == "methods" and len(parts) == 3 and parts[2] == "detach":
                return await self._once(request, parts, lambda accounts, asked: remembered.detached(accounts, parts[1]))
            if parts[0] in ("form", "challenge") and len(parts) == 2:
                return await self._page(request, parts[0], parts[1])
        except No as error:
            return _json(error.status, {"error": str(error)})
        except (BadJson, KeyError, InvalidOperation, TypeError):
            return _json(400, {"error": "this is no request of a payment"})
        return _json(404, {"error": "nothing is served there"})

    # --- the interface for shops

    async def _hold(self, request: Request, parts: list[str]) -> Response:
        if request.method == "GET" and len(parts) == 1:
            return await self.ledger.within(lambda accounts: self._shown(accounts, parts[0]))
        if len(parts) > 2:
            raise No("nothing is served there", 404)
        events: list[str] = []

        async def work(accounts: Accounts, asked: Document) -> Document:
            hold = await self._made(accounts, asked) if not parts else await self._known(accounts, parts[0])
            if len(parts) == 2:
                events.append(self._presented(hold, asked) if parts[1] == PRESENT else ACTIONS[parts[1]](hold, asked))
            elif hold["status"] != OPEN:
                events.append(hold["status"])
            await accounts.put(hold["id"], hold)
            return self._told(hold)

        answer = await self._once(request, parts, work)
        for event in filter(None, events):
            told = decode_json(answer.body)
            self._tell(event, told.get("id", ""), told.get("card", ""))
        return answer

    async def _customer(self, request: Request, parts: list[str]) -> Response:
        if request.method == "GET" and len(parts) == 1:

            async def shown(accounts: Accounts) -> Response:
                return _json(200, await remembered.told(accounts, parts[0]))

            return await self.ledger.within(shown)

        async def work(accounts: Accounts, asked: Document) -> Document:
            if parts:
                return await remembered.forgotten(accounts, parts[0])
            made = remembered.customer(asked)
            await accounts.put(made["id"], made)
            return made

        if len(parts) == 1 or parts[1:] not in ([], ["forget"]):
            raise No("nothing is served there", 404)
        return await self._once(request, ["customers", *parts], work)

    async def _once(self, request: Request, parts: list[str], carry: Callable[[Accounts, Document], Awaitable[Document]]) -> Response:
        """Carries out a request, or says again what was said to the same one before."""
        key = request.headers.get("idempotency-key", "")
        if request.method != "POST" or not key:
            raise No("a POST with an Idempotency-Key is asked for", 400)
        asked = decode_json(request.body or b"{}")
        words = ["/".join(parts), encode_json(asked).decode()]

        async def work(accounts: Accounts) -> Response:
            before = await accounts.get(f"key:{key}")
            if before is not None:
                if before["asked"] != words:
                    raise No("this key was used for another request", 409)
                return Response(before["status"], before["body"].encode(), {"content-type": "application/json"})
            try:
                answer = _json(200, await carry(accounts, asked))
            except No as error:
                answer = _json(error.status, {"error": str(error)})
            await accounts.put(f"key:{key}", {"asked": words, "status": answer.status, "body": answer.body.decode()})
            return answer

        return await self.ledger.within(work)

    async def _made(self, accounts: Accounts, asked: Document) -> Document:
        amount = Decimal(asked["amount"])
        if amount <= 0:
            raise No("nothing can be held of nothing", 400)
        hold: Document = {
            "id": f"th_{secrets.token_hex(12)}",
            "secret": secrets.token_hex(16),
            "payment": str(asked["payment"]),
            "text": str(asked.get("text", "")),
            "currency": str(asked["currency"]),
            "wanted": str(amount),
            "return_url": str(asked["return_url"]),
            "reader": str(asked.get("reader", "")),
            "customer": str(asked.get("customer", "")),
            "remember": False,
            "page": "form",
            "slip": [],
            "status": OPEN,
            "held": "0",
            "captured": "0",
            "refunded": "0",
            "expires_at": 0,
            "card": "",
            "reason": "",
        }
        if asked.get("method"):
            number, refusal = await remembered.again(accounts, hold["customer"], str(asked["method"]), self.clock())
            self._with(hold, number, refusal)
        return hold

    async def _known(self, accounts: Accounts, id: str) -> Document:
        hold = await accounts.get(id) if id.startswith("th_") else None
        if hold is None:
            raise No("there is no such payment", 404)
        if hold["status"] == "held" and self.clock() >= hold["expires_at"]:
            hold["status"] = "expired"
        return hold

    async def _shown(self, accounts: Accounts, id: str) -> Response:
        return _json(200, self._told(await self._known(accounts, id)))

    def _told(self, hold: Document) -> Document:
        kept = {name: hold[name] for name in TOLD}
        on_page = hold["status"] == OPEN and not hold.get("reader")
        return {**kept, "slip": hold.get("slip", []), "url": self._page_of(hold) if on_page else ""}

    def _page_of(self, hold: Document, page: str = "") -> str:
        return f"{self.url}/{page or hold.get('page', 'form')}/{hold['id']}?secret={hold['secret']}"

    def _tell(self, event: str, id: str, card: str) -> None:
        self.tell({"id": f"ev_{secrets.token_hex(8)}", "type": event, "hold": id, "at": self.clock(), "unruly": card == UNRULY})

    # --- the pages for drivers

    async def _page(self, request: Request, page: str, id: str) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        secret = form.get("secret") or request.query.get("secret", "")
        happened: list[tuple[str, str]] = []

        async def work(accounts: Accounts) -> Response:
            hold = await self._known(accounts, id)
            if not secrets.compare_digest(hold["secret"].encode(), secret.encode()):
                raise No("this page is not yours", 403)
            if hold["status"] != OPEN:
                return _redirect(hold["return_url"])
            if request.method != "POST":
                return self._drawn(page, hold)
            before = hold["status"]
            if page == "form":
                hold["remember"] = bool(hold.get("customer")) and form.get("remember") == "yes"
                self._with(hold, *card_of(form.get("card", "")))
            else:
                self._proved(hold, form.get("answer") == "yes")
            await accounts.put(id, hold)
            if hold["status"] == before:
                return _redirect(self._page_of(hold))
            if hold.get("remember"):
                await remembered.remember(accounts, hold["customer"], hold["card"], self.clock())
            happened.append((hold["status"], hold["card"]))
            return _redirect(hold["return_url"])

        answer = await self.ledger.within(work)
        for event, card in happened:
            self._tell(event, id, card)
        return answer

    def _presented(self, hold: Document, asked: Document) -> str:
        """At a reader; a card that is declined ends it."""
        must(hold, OPEN)
        if not hold.get("reader"):
            raise No("no reader waits for this card")
        number, refusal = card_of(str(asked["card"]))
        if refusal:
            hold |= {"status": "voided", "reason": refusal}
            return "voided"
        hold |= {"card": number, "slip": ["TEST PROVIDER, NO MONEY MOVES", f"Card: **** **** **** {number[-4:]}", f"Payment: {hold['id']}"]}
        self._authorised(hold)
        return "held"

    def _with(self, hold: Document, number: str, refusal: str) -> None:
        """A card, entered or remembered: what becomes of the hold."""
        hold |= {"reason": refusal, "page": "form"}
        if refusal:
            return
        hold["card"] = number
        if number == CHALLENGED:
            hold |= {"reason": PROOF, "page": "challenge"}
        else:
            self._authorised(hold)

    def _proved(self, hold: Document, yes: bool) -> None:
        hold |= {"reason": "" if yes else NOT_RECOGNISED, "page": "form"}
        if hold["card"] and yes:
            self._authorised(hold)

    def _authorised(self, hold: Document) -> None:
        lasts = 60 * SECOND if hold["card"] == SHORT else LASTS
        hold |= {"status": "held", "held": hold["wanted"], "expires_at": self.clock() + lasts, "reason": ""}

    def _drawn(self, page: str, hold: Document) -> Response:
        form = Form(
            page=page,
            action=f"{self.url}/{page}/{hold['id']}",
            secret=hold["secret"],
            back=hold["return_url"],
            other=self._page_of(hold, "form"),
            text=hold["text"],
            amount=Decimal(hold["wanted"]),
            currency=hold["currency"],
            reason="" if hold["reason"] == PROOF else hold["reason"],
            remembers=bool(hold.get("customer")),
        )
        return Response(200, self.draw(form), {"content-type": "text/html; charset=utf-8"})


def _json(status: int, document: Document) -> Response:
    return Response(status, encode_json(document), {"content-type": "application/json"})


def _redirect(url: str) -> Response:
    return Response(303, b"", {"location": url})
