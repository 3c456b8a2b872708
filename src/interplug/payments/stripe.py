"""The adapter of Stripe, by its official library: a PaymentIntent with manual capture is a payment of ours.

The card is entered in Stripe's Payment Element, which brings the wallets of the phone, too; card data never comes here. Webhooks are
checked for their signature and used as hints alone, so their order and their repetition do not matter. Who has an account is a Customer, of
which Stripe is told nothing but a number of ours; whether a card is remembered is asked by the Element (a CustomerSession lets it), for use
while its driver is there (`on_session`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import stripe

from interplug.config import Payments
from interplug.tariffs.money import exponent

from .port import (
    DECLINED,
    EXPIRED,
    NO_FUNDS,
    NOT_RECOGNISED,
    PROOF,
    WITHDRAWN,
    BadWebhook,
    Found,
    Method,
    NoAnswer,
    Refused,
    Status,
    Wish,
)

SECOND = 1_000_000
ACTION: Status = "action"
STATUSES: dict[str, Status] = {
    "requires_payment_method": ACTION,
    "requires_confirmation": ACTION,
    "requires_action": ACTION,
    "processing": ACTION,
    "requires_capture": "held",
    "succeeded": "captured",
    "canceled": "voided",
}
OPEN_DISPUTES = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
NOT_DONE = (400, 402, 404)
"""HTTP statuses that say that nothing was done, whatever else comes with them."""
IN_PROGRESS = "idempotency_key_in_use"
SAYS = {
    "card_declined": DECLINED,
    "insufficient_funds": NO_FUNDS,
    "expired_card": EXPIRED,
    "payment_intent_authentication_failure": NOT_RECOGNISED,
}
"""Codes of refusals that we have words for, in every language; of all others Stripe's own are shown."""
MOST = 100
"""Cards that are listed of one customer, which is as many as Stripe lists at once."""
DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe counts in other coins than ISO 4217: it says 500 for 5 ISK, although there is no smaller coin than one króna."""


class Stripe:
    def __init__(self, settings: Payments, clock: Callable[[], int]) -> None:
        self._settings, self._clock = settings, clock
        self._http = stripe.AIOHTTPClient(timeout=settings.timeout)
        addresses: Any = {"api": settings.stripe_url} if settings.stripe_url else None
        # Repeating is the till's business: it knows whether it may.
        self._client = stripe.StripeClient(settings.stripe_key, base_addresses=addresses, http_client=self._http, max_network_retries=0)

    @property
    def name(self) -> str:
        return "stripe"

    @property
    def readers(self) -> bool:
        """Stripe has readers (Terminal, `card_present`); this adapter does not speak with them yet."""
        return False

    async def authorize(self, wish: Wish, key: str) -> Found:
        if wish.reader:
            raise Refused("this provider takes no cards at terminals")
        if wish.method:
            found = await self._on(wish, key)
            if found is not None:
                return found
        intents, asked = self._client.v1.payment_intents, self._asked(wish)
        # With another key: what was asked with the first one named a card.
        options = _options(f"{key}.form" if wish.method else key)
        found = self._found(await self._done(lambda: intents.create_async(asked, options)))
        return msgspec.structs.replace(found, reason=WITHDRAWN) if wish.method else found

    async def _on(self, wish: Wish, key: str) -> Found | None:
        """Held on a card that is remembered, while its driver waits: at once, after a proof at the bank, or not, and another card is asked
        for. None: Stripe knows this card no longer."""
        asked = {**self._asked(wish), "payment_method": wish.method, "confirm": True, "return_url": wish.return_url}
        intents = self._client.v1.payment_intents
        try:
            return self._found(await intents.create_async(asked, _options(key)))  # type: ignore[arg-type]
        except stripe.CardError as error:
            made = _of(_of(error.json_body, "error"), "payment_intent")
            if made is None:
                raise _failure(error) from None
            return self._found(made)
        except stripe.StripeError as error:
            failure = _failure(error)
            if isinstance(failure, NoAnswer) or not isinstance(error, stripe.InvalidRequestError):
                raise failure from None
            return None

    def _asked(self, wish: Wish) -> Any:
        asked: dict[str, Any] = {
            "amount": minor(wish.amount, wish.currency),
            "currency": wish.currency.lower(),
            "capture_method": "manual",
            "metadata": {"payment": wish.payment, "text": wish.text},
        }
        if wish.customer:
            asked["customer"] = wish.customer
        if self._settings.stripe_methods:
            asked["payment_method_types"] = self._settings.stripe_methods
        elif wish.method:
            asked["payment_method_types"] = ["card"]
        else:
            asked["automatic_payment_methods"] = {"enabled": True}
        if self._settings.raises:
            asked["payment_method_options"] = {"card": {"request_incremental_authorization": "if_available"}}
        return asked

    async def increment(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        asked: Any = {"amount": minor(amount, currency)}
        intents = self._client.v1.payment_intents
        return self._found(await self._done(lambda: intents.increment_authorization_async(reference, asked, _options(key))))

    async def capture(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        asked: Any = {"amount_to_capture": minor(amount, currency)}
        intents = self._client.v1.payment_intents
        await self._done(lambda: intents.capture_async(reference, asked, _options(key)))
        return await self.find(reference)

    async def void(self, reference: str, key: str) -> Found:
        intents = self._client.v1.payment_intents
        return self._found(await self._done(lambda: intents.cancel_async(reference, {}, _options(key))))

    async def refund(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        asked: Any = {"payment_intent": reference, "amount": minor(amount, currency)}
        await self._done(lambda: self._client.v1.refunds.create_async(asked, _options(key)))
        return await self.find(reference)

    async def find(self, reference: str) -> Found:
        intents = self._client.v1.payment_intents
        intent = await self._done(lambda: intents.retrieve_async(reference, {"expand": ["latest_charge"]}))
        dispute = None
        if _of(_of(intent, "latest_charge"), "disputed"):
            asked: Any = {"payment_intent": reference, "limit": 1}
            found = await self._done(lambda: self._client.v1.disputes.list_async(asked))
            dispute = found["data"][0] if found["data"] else None
        return self._found(intent, dispute)

    # --- what is remembered

    async def customer(self, payer: str, key: str) -> str:
        asked: Any = {"metadata": {"payer": payer}}
        return str((await self._done(lambda: self._client.v1.customers.create_async(asked, _options(key))))["id"])

    async def form(self, customer: str) -> str:
        features = {"payment_method_save": "enabled", "payment_method_save_usage": "on_session", "payment_method_redisplay": "disabled"}
        asked: Any = {"customer": customer, "components": {"payment_element": {"enabled": True, "features": features}}}
        return str((await self._done(lambda: self._client.v1.customer_sessions.create_async(asked)))["client_secret"])

    async def methods(self, customer: str) -> list[Method]:
        asked: Any = {"customer": customer, "type": "card", "limit": MOST}
        found = await self._done(lambda: self._client.v1.payment_methods.list_async(asked))
        return [_method(one) for one in found["data"]]

    async def detach(self, method: str, key: str) -> None:
        await self._done(lambda: self._client.v1.payment_methods.detach_async(method, {}, _options(key)))

    async def forget(self, customer: str, key: str) -> None:
        await self._done(lambda: self._client.v1.customers.delete_async(customer))

    # --- reading

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        if not self._settings.webhook_secret:  # with an empty one anybody can sign
            raise BadWebhook("there is no payments.webhook_secret to check it with")
        try:
            event = stripe.Webhook.construct_event(body, headers.get("stripe-signature", ""), self._settings.webhook_secret)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise BadWebhook(str(error)) from None
        about = event["data"]["object"]
        named = about["id"] if about["object"] == "payment_intent" else _of(about, "payment_intent")
        return named if isinstance(named, str) else ""

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _done(self, call: Callable[[], Any]) -> Any:
        """Its answer; what went wrong as one of the port's two ways to fail."""
        try:
            return await call()
        except stripe.StripeError as error:
            raise _failure(error) from None

    def _found(self, intent: Any, dispute: Any = None) -> Found:
        currency = intent["currency"].upper()
        charge, status = _of(intent, "latest_charge"), STATUSES.get(intent["status"], ACTION)
        held = _of(intent, "amount_capturable") if status == "held" else None
        captured = _captured(intent, charge) if status == "captured" else 0
        refunded = _refunded(charge, captured) if captured else 0
        if captured and refunded >= captured:
            status = "refunded"
        if status == "captured":
            status = _disputed(dispute) or status
        if status == "voided" and _of(intent, "cancellation_reason") == "automatic":
            status = "expired"
        proof = _of(_of(intent, "next_action"), "redirect_to_url") if status == ACTION else None
        return Found(
            reference=intent["id"],
            status=status,
            held=major(held if held is not None else intent["amount"] if status == "held" else 0, currency),
            captured=major(captured, currency),
            refunded=major(refunded, currency),
            expires_at=self._expires(charge) if status == "held" else 0,
            reason=_why(_of(intent, "last_payment_error"), proof) if status == ACTION else "",
            url=_of(proof, "url") or "",
            secret=_of(intent, "client_secret") or "" if status == ACTION else "",
        )

    def _expires(self, charge: Any) -> int:
        card = _of(_of(charge, "payment_method_details"), "card")
        before = _of(card, "capture_before")
        return int(before) * SECOND if before else 0


def _why(problem: Any, proof: Any) -> str:
    """Why nothing is held yet."""
    if problem is None:
        return PROOF if proof is not None else ""
    known = SAYS.get(_of(problem, "decline_code") or "") or SAYS.get(_of(problem, "code") or "")
    return known or str(_of(problem, "message") or "")


def _method(found: Any) -> Method:
    card = found["card"]
    return Method(
        reference=found["id"],
        brand=str(_of(card, "brand") or ""),
        last4=str(card["last4"]),
        month=int(card["exp_month"]),
        year=int(card["exp_year"]),
        mark=str(_of(card, "fingerprint") or ""),
    )


def _captured(intent: Any, charge: Any) -> int:
    """What was taken of the hold; said in two places, of which one is enough."""
    received = _of(intent, "amount_received")
    if received is None:
        received = _of(charge, "amount_captured")
    return int(intent["amount"] if received is None else received)


def _refunded(charge: Any, captured: int) -> int:
    """What went back to the driver. Stripe counts what a capture let go of the hold as refunded, too."""
    let_go = max(int(_of(charge, "amount") or 0) - captured, 0)
    return max(int(_of(charge, "amount_refunded") or 0) - let_go, 0)


def _disputed(dispute: Any) -> Status | None:
    if dispute is None:
        return None
    if dispute["status"] in OPEN_DISPUTES:
        return "disputed"
    return "lost" if dispute["status"] == "lost" else None


def _of(thing: Any, name: str) -> Any:
    """A field, where it is said at all."""
    if thing is None or isinstance(thing, str):
        return None
    try:
        return thing[name]
    except KeyError:
        return None


def minor(value: Decimal, currency: str) -> int:
    """An amount as Stripe counts it."""
    return int(value.scaleb(_decimals(currency)))


def major(value: int, currency: str) -> Decimal:
    return Decimal(value).scaleb(-_decimals(currency))


def _decimals(currency: str) -> int:
    return DECIMALS.get(currency.upper(), exponent(currency))


def _options(key: str) -> Any:
    return {"idempotency_key": key}


def _failure(error: stripe.StripeError) -> Refused | NoAnswer:
    if error.code in (IN_PROGRESS, "lock_timeout"):
        return NoAnswer(_words(error))
    refused = isinstance(error, (stripe.CardError, stripe.IdempotencyError, stripe.InvalidRequestError)) or error.http_status in NOT_DONE
    # Else: not reached, too much at once, a fault of theirs, a key that is not right (which is mended here, not given up).
    return (Refused if refused else NoAnswer)(_words(error))


def _words(error: stripe.StripeError) -> str:
    return (error.user_message or str(error)).splitlines()[0][:200] if str(error) else type(error).__name__
