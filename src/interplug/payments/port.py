"""What a payment provider is, whoever it may be: seven verbs, one answer, two ways to fail.

Every verb that moves money takes a key: the same key with the same words is done once, however often it is said. The answer is always how
the payment stands now (`Found`), so no answer depends on another one. Amounts are in the currency's units, rounded to its coin.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, Protocol

import msgspec

from interplug.tariffs.money import exponent

Status = Literal["action", "held", "captured", "refunded", "voided", "expired", "disputed", "lost"]


class Refused(Exception):
    """The provider has said no, and nothing was done."""


class NoAnswer(Exception):
    """Whether it was done is not known."""


class BadWebhook(Exception):
    """Not the provider's: the signature is wrong, or old."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that is asked for. `return_url`: where the driver's browser goes afterwards. `reader`: the terminal at which the card is
    presented; empty: it is entered on a page."""

    payment: str
    amount: Decimal
    currency: str
    text: str
    return_url: str
    reader: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the provider has it now. `url` is the provider's own page for the driver, `secret` what its script in our page needs,
    `slip` what of a card that was presented at a terminal may stand on a receipt."""

    reference: str
    status: Status
    held: Decimal = Decimal()
    captured: Decimal = Decimal()
    refunded: Decimal = Decimal()
    expires_at: int = 0
    reason: str = ""
    url: str = ""
    secret: str = ""
    slip: tuple[str, ...] = ()


class PaymentProvider(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def readers(self) -> bool:
        """Whether cards can be presented at terminals (`Wish.reader`); else they are entered on a page alone."""

    async def authorize(self, wish: Wish, key: str) -> Found:
        """Makes the payment. Mostly the driver has to act before anything is held."""

    async def increment(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        """Holds `amount` in all."""

    async def capture(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        """Takes so much of what is held, once; the rest is let go."""

    async def void(self, reference: str, key: str) -> Found:
        """Lets go of what is held, or of what would be."""

    async def refund(self, reference: str, amount: Decimal, currency: str, key: str) -> Found:
        """Gives so much more back."""

    async def find(self, reference: str) -> Found:
        """How the payment stands."""

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The reference of the payment that it is about; empty: about none. `BadWebhook` where it is not signed by the provider."""

    async def close(self) -> None: ...


def coins(value: Decimal, currency: str) -> Decimal:
    """Rounded to the coin."""
    return value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def minor(value: Decimal, currency: str) -> int:
    return int(value.scaleb(exponent(currency)))


def major(value: int, currency: str) -> Decimal:
    return Decimal(value).scaleb(-exponent(currency))
