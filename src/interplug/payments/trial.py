"""The adapter of the test provider (`bank.py`): its interface over a `Handler`, which may be the bank itself or the network."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Handler, Request, Response, Unreachable

from .port import BadWebhook, Found, Method, NoAnswer, Refused, Wish

SIGNATURE = "x-test-signature"
TOLERANCE = 300 * 1_000_000


class TestProvider:
    __test__ = False

    def __init__(self, send: Handler, url: str, secret: str, clock: Callable[[], int]) -> None:
        self._send, self._url, self._secret, self._clock = send, url.rstrip("/"), secret, clock

    @property
    def name(self) -> str:
        return "test"

    @property
    def readers(self) -> bool:
        return True

    async def authorize(self, wish: Wish, key: str) -> Found:
        asked = {
            "payment": wish.payment,
            "amount": f"{wish.amount:f}",
            "currency": wish.currency,
            "text": wish.text,
            "return_url": wish.return_url,
            **{name: named for name in ("reader", "customer", "method") if (named := getattr(wish, name))},
        }
        return await self._ask("holds", asked, key)

    async def increment(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        return await self._ask(f"holds/{reference}/increment", {"amount": f"{amount:f}"}, key)

    async def capture(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        return await self._ask(f"holds/{reference}/capture", {"amount": f"{amount:f}"}, key)

    async def void(self, reference: str, key: str) -> Found:
        return await self._ask(f"holds/{reference}/void", {}, key)

    async def refund(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        return await self._ask(f"holds/{reference}/refund", {"amount": f"{amount:f}"}, key)

    async def find(self, reference: str) -> Found:
        return await self._ask(f"holds/{reference}")

    async def customer(self, payer: str, key: str) -> str:
        return str((await self._document("customers", {"payer": payer}, key))["id"])

    async def form(self, customer: str) -> str:
        """Its own page asks."""
        return ""

    async def methods(self, customer: str) -> list[Method]:
        return [Method(**one) for one in (await self._document(f"customers/{customer}"))["methods"]]

    async def detach(self, method: str, key: str) -> None:
        await self._document(f"methods/{method}/detach", {}, key)

    async def forget(self, customer: str, key: str) -> None:
        await self._document(f"customers/{customer}/forget", {}, key)

    async def present(self, reference: str, card: str) -> Found:
        """What a reader does when a card is held to it; the simulated terminal is one."""
        return await self._ask(f"holds/{reference}/present", {"card": card}, f"{reference}.present")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        at, _, signature = headers.get(SIGNATURE, "").partition(".")
        if not self._secret or not hmac.compare_digest(signed(self._secret, at, body).encode(), signature.encode()):
            raise BadWebhook("the signature is not the provider's")
        if not at.isdecimal() or abs(self._clock() - int(at)) > TOLERANCE:
            raise BadWebhook("it is too old")
        try:
            return str(decode_json(body)["hold"])
        except (BadJson, KeyError, TypeError):
            raise BadWebhook("it says nothing") from None

    async def close(self) -> None:
        if isinstance(self._send, HttpTransport):
            await self._send.close()

    async def _ask(self, path: str, document: dict[str, Any] | None = None, key: str = "") -> Found:
        told = await self._document(path, document, key)
        try:
            return Found(
                reference=told["id"],
                status=told["status"],
                held=Decimal(told["held"]),
                captured=Decimal(told["captured"]),
                refunded=Decimal(told["refunded"]),
                expires_at=told["expires_at"],
                reason=told["reason"],
                url=told["url"],
                slip=tuple(told.get("slip", ())),
            )
        except (KeyError, TypeError, ArithmeticError):
            raise NoAnswer("no answer that can be read") from None

    async def _document(self, path: str, document: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
        method = "GET" if document is None else "POST"
        headers = {"content-type": "application/json", "idempotency-key": key} if document is not None else {}
        body = encode_json(document) if document is not None else b""
        try:
            answer = await self._send(Request(method, f"{self._url}/{path}", headers, body))
        except Unreachable as error:
            raise NoAnswer(str(error)) from None
        return _read(answer)


def _read(answer: Response) -> dict[str, Any]:
    try:
        document: dict[str, Any] = decode_json(answer.body)
        if 400 <= answer.status < 500:
            raise Refused(str(document["error"]))
    except (BadJson, KeyError, TypeError):
        raise NoAnswer(f"HTTP {answer.status}, and no answer that can be read") from None
    if answer.status != 200:
        raise NoAnswer(f"HTTP {answer.status}")
    return document


def signed(secret: str, at: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hex()
