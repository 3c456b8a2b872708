"""The test provider: holds, captures and refunds with the habits of a real one, and none of its money.

A `Handler` like every other: in the node's own process it keeps its accounts in the node's database (`ledger.py`), as a service of its own
(`service.py`) in memory. Cards are numbers with a known fate, see CARDS; any other number is declined. The card is entered on the
provider's own page, `/form/…`, as with a real one, and a challenge (3-D Secure) has a page, too. Where a hold names a `reader`, the card is
presented there (`holds/…/present`, which is what the reader says): once, and who presents it has proved who it is by its PIN.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.protocol.http import Request, Response, segments

Document = dict[str, Any]
SECOND = 1_000_000
LASTS = 7 * 86_400 * SECOND
ZERO = Decimal()
CARDS = {
    "4242424242424242": ("", "pays"),
    "4000000000000002": ("declined", "is declined"),
    "4000000000009995": ("declined for lack of funds", "is declined for lack of funds"),
    "4000002500003155": ("", "asks for a proof (3-D Secure)"),
    "4000000000001000": ("", "pays; the hold expires after a minute"),
    "4000000000002000": ("", "pays; the hold cannot be raised"),
    "4000000000003000": ("", "pays; webhooks come late, twice and in the wrong order"),
    "4000000000000259": ("", "pays; what was captured is disputed"),
}
"""What is said when it is refused, and what the form says about it."""
CHALLENGED, SHORT, FIXED, UNRULY, DISPUTED = list(CARDS)[3:]
OPEN = "action"
PRESENT = "present"
TOLD = ("id", "status", "held", "captured", "refunded", "expires_at", "card", "reason", "currency")


class Accounts(Protocol):
    """Documents by name, in a transaction."""

    async def get(self, name: str) -> Document | None: ...

    async def put(self, name: str, document: Document) -> None: ...


class Ledger(Protocol):
    async def within(self, work: Callable[[Accounts], Any]) -> Response:
        """Carries out `work` alone, and keeps all of it or nothing."""


class No(Exception):
    """The request is refused; the text says why."""

    def __init__(self, text: str, status: int = 402) -> None:
        super().__init__(text)
        self.status = status


class Bank:
    """`tell` is called with each event, after it is kept; `path` is where it is served, `url` with the host, where a browser finds it."""

    def __init__(self, ledger: Ledger, clock: Callable[[], int], url: str, tell: Callable[[Document], None] = lambda event: None) -> None:
        self.ledger, self.clock, self.url, self.tell = ledger, clock, url.rstrip("/"), tell
        self.path = urlsplit(self.url).path

    async def __call__(self, request: Request) -> Response:
        parts = segments(request.path.removeprefix(self.path))
        try:
            if parts[0] == "holds":
                return await self._hold(request, parts[1:])
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
        key = request.headers.get("idempotency-key", "")
        if request.method != "POST" or not key or len(parts) > 2:
            raise No("a POST with an Idempotency-Key is asked for", 400)
        asked, told = decode_json(request.body or b"{}"), "/".join(parts)
        events: list[str] = []

        async def work(accounts: Accounts) -> Response:
            before = await accounts.get(f"key:{key}")
            if before is not None:
                if before["asked"] != [told, encode_json(asked).decode()]:
                    raise No("this key was used for another request", 409)
                return Response(before["status"], before["body"].encode(), {"content-type": "application/json"})
            hold = await self._made(accounts, asked) if not parts else await self._known(accounts, parts[0])
            try:
                if len(parts) == 2:
                    events.append(self._presented(hold, asked) if parts[1] == PRESENT else ACTIONS[parts[1]](hold, asked))
                await accounts.put(hold["id"], hold)
                answer = _json(200, self._told(hold))
            except No as error:
                answer = _json(error.status, {"error": str(error)})
            kept = {"asked": [told, encode_json(asked).decode()], "status": answer.status, "body": answer.body.decode()}
            await accounts.put(f"key:{key}", kept)
            return answer

        answer = await self.ledger.within(work)
        for event in filter(None, events):
            self._tell(event, parts[0], decode_json(answer.body).get("card", ""))
        return answer

    async def _made(self, accounts: Accounts, asked: Document) -> Document:
        amount = Decimal(asked["amount"])
        if amount <= 0:
            raise No("nothing can be held of nothing", 400)
        return {
            "id": f"th_{secrets.token_hex(12)}",
            "secret": secrets.token_hex(16),
            "payment": str(asked["payment"]),
            "text": str(asked.get("text", "")),
            "currency": str(asked["currency"]),
            "wanted": str(amount),
            "return_url": str(asked["return_url"]),
            "reader": str(asked.get("reader", "")),
            "slip": [],
            "status": OPEN,
            "held": "0",
            "captured": "0",
            "refunded": "0",
            "expires_at": 0,
            "card": "",
            "reason": "",
        }

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
        return {**kept, "slip": hold.get("slip", []), "url": f"{self.url}/form/{hold['id']}?secret={hold['secret']}" if on_page else ""}

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
            asks = self._card_entered(hold, form.get("card", "")) if page == "form" else self._proved(hold, form.get("answer") == "yes")
            await accounts.put(id, hold)
            if hold["status"] != before:
                happened.append((hold["status"], hold["card"]))
                return _redirect(hold["return_url"])
            return _redirect(f"{self.url}/{asks}/{id}?secret={hold['secret']}")

        answer = await self.ledger.within(work)
        for event, card in happened:
            self._tell(event, id, card)
        return answer

    def _presented(self, hold: Document, asked: Document) -> str:
        """At a reader; a card that is declined ends it."""
        _must(hold, OPEN)
        if not hold.get("reader"):
            raise No("no reader waits for this card")
        number, refusal = _card(str(asked["card"]))
        if refusal:
            hold |= {"status": "voided", "reason": f"The card is {refusal}."}
            return "voided"
        hold |= {"card": number, "slip": ["TEST PROVIDER, NO MONEY MOVES", f"Card: **** **** **** {number[-4:]}", f"Payment: {hold['id']}"]}
        self._authorised(hold)
        return "held"

    def _card_entered(self, hold: Document, number: str) -> str:
        number, refusal = _card(number)
        hold["reason"] = f"The card is {refusal}." if refusal else ""
        if refusal:
            return "form"
        hold["card"] = number
        if number == CHALLENGED:
            return "challenge"
        self._authorised(hold)
        return ""

    def _proved(self, hold: Document, yes: bool) -> str:
        if hold["card"] and yes:
            self._authorised(hold)
        hold["reason"] = "" if yes else "You were not recognised as the owner of the card."
        return "form"

    def _authorised(self, hold: Document) -> None:
        lasts = 60 * SECOND if hold["card"] == SHORT else LASTS
        hold |= {"status": "held", "held": hold["wanted"], "expires_at": self.clock() + lasts, "reason": ""}

    def _drawn(self, page: str, hold: Document) -> Response:
        figures = {"amount": f"{hold['wanted']} {hold['currency']}", "reason": hold["reason"], "text": hold["text"]}
        action = f"{self.url}/{page}/{hold['id']}"
        text = (CHALLENGE if page == "challenge" else FORM).format(
            action=escape(action),
            secret=hold["secret"],
            back=escape(hold["return_url"]),
            cards="".join(f"<li><code>{number}</code> {said}</li>" for number, (_, said) in CARDS.items()),
            **{name: escape(value) for name, value in figures.items()},
        )
        return Response(200, (HEAD + text).encode(), {"content-type": "text/html; charset=utf-8"})


def _card(number: str) -> tuple[str, str]:
    """With why it is refused; empty: it is not."""
    number = "".join(number.split()).replace("-", "")
    return number, CARDS.get(number, ("unknown: this is the test provider, which knows its own cards alone", ""))[0]


# --- what can be asked of a hold; each returns the event that it is


def _increment(hold: Document, asked: Document) -> str:
    _must(hold, "held")
    amount = Decimal(asked["amount"])
    if hold["card"] == FIXED or amount <= Decimal(hold["held"]):
        raise No("this hold cannot be raised")
    hold["held"] = str(amount)
    return "held"


def _capture(hold: Document, asked: Document) -> str:
    _must(hold, "held")
    amount = Decimal(asked["amount"])
    if not ZERO < amount <= Decimal(hold["held"]):
        raise No("more than is held, or nothing")
    hold |= {"status": "disputed" if hold["card"] == DISPUTED else "captured", "captured": str(amount)}
    return str(hold["status"])


def _void(hold: Document, asked: Document) -> str:
    _must(hold, "held", OPEN, "expired", "voided")
    hold["status"] = "voided"
    return "voided"


def _refund(hold: Document, asked: Document) -> str:
    _must(hold, "captured")
    amount, left = Decimal(asked["amount"]), Decimal(hold["captured"]) - Decimal(hold["refunded"])
    if not ZERO < amount <= left:
        raise No("more than was captured, or nothing")
    hold["refunded"] = str(Decimal(hold["refunded"]) + amount)
    hold["status"] = "refunded" if amount == left else "captured"
    return str(hold["status"])


def _must(hold: Document, *statuses: str) -> None:
    if hold["status"] not in statuses:
        raise No(f"the payment is {hold['status']}")


ACTIONS: dict[str, Callable[[Document, Document], str]] = {
    "increment": _increment,
    "capture": _capture,
    "void": _void,
    "refund": _refund,
}


def _json(status: int, document: Document) -> Response:
    return Response(status, encode_json(document), {"content-type": "application/json"})


def _redirect(url: str) -> Response:
    return Response(303, b"", {"location": url})


HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Test provider</title><link rel="stylesheet" href="/static/tokens.css">
<link rel="stylesheet" href="/static/driver.css"><main class="stack">
"""
FORM = """<h1>Pay by card</h1><p class="notice">This is a test provider. No money moves; enter no real card.</p>
<p>{text}: <strong>{amount}</strong> will be held. You pay what you use.</p><p class="notice warn" role="alert">{reason}</p>
<form method="post" action="{action}"><input type="hidden" name="secret" value="{secret}">
<label>Card number <input name="card" inputmode="numeric" autocomplete="off" required></label>
<button type="submit" id="pay">Pay</button></form><p><a href="{back}">Back</a></p><h2>Cards</h2><ul>{cards}</ul></main>
"""
CHALLENGE = """<h1>Is it you?</h1><p>The bank of the card asks for a proof: {text}, {amount}. {reason}</p>
<form method="post" action="{action}"><input type="hidden" name="secret" value="{secret}">
<button type="submit" id="yes" name="answer" value="yes">Yes, it is me</button>
<button type="submit" id="no" name="answer" value="no">No</button></form></main>
"""
