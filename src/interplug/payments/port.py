"""What a payment provider is, whoever it may be: seven verbs for money, one answer, two ways to fail; and what it remembers of who pays.

Every verb that changes something takes a key: the same key with the same words is done once, however often it is said. The answer about a
payment is always how it stands now (`Found`), so no answer depends on another one. Amounts are in the currency's units, rounded to its
coin. Cards are remembered by the provider, where its form asks the driver: what it says of one may be shown, its number never comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, Protocol

import msgspec

from interplug.model.said import said
from interplug.tariffs.money import WIDE, exponent

Status = Literal["action", "held", "captured", "refunded", "voided", "expired", "disputed", "lost"]

DECLINED = said("The card is declined.")
NO_FUNDS = said("The card is declined for lack of funds.")
EXPIRED = said("The card has expired.")
WITHDRAWN = said("This saved card is not good any more.")
NOT_RECOGNISED = said("You were not recognised as the owner of the card.")
PROOF = said("Your bank wants to make sure that it is you.")
"""Why nothing is held yet, in words for the driver."""


class Refused(Exception):
    """The provider has said no, and nothing was done."""


class NoAnswer(Exception):
    """Whether it was done is not known."""


class BadWebhook(Exception):
    """Not the provider's: the signature is wrong, or old."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that is asked for. `return_url`: where the driver's browser goes afterwards. `reader`: the terminal at which the card is
    presented; empty: it is entered on a page. `customer`: who pays, where the card may be remembered; `method`: one that was remembered, on
    which the amount is held at once; where that cannot be, another one is asked for as if none had been named."""

    payment: str
    amount: Decimal
    currency: str
    text: str
    return_url: str
    reader: str = ""
    customer: str = ""
    method: str = ""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A card that the provider remembers. `brand` is in its own small letters, as visa; `mark` is the same for one card however often it
    was remembered; empty: nobody knows."""

    reference: str
    brand: str
    last4: str
    month: int
    year: int
    mark: str = ""


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

    async def customer(self, payer: str, key: str) -> str:
        """Its name for somebody who pays, of whom it is told nothing but our own name for him."""

    async def form(self, customer: str) -> str:
        """What its script in our page needs, so that its form offers to remember the card; empty: it needs nothing."""

    async def methods(self, customer: str) -> list[Method]:
        """What it remembers of a customer, the newest first."""

    async def detach(self, method: str, key: str) -> None:
        """Forgets one. `Refused`: it is not there any more."""

    async def forget(self, customer: str, key: str) -> None:
        """Forgets the customer, with all that is remembered. `Refused`: there is none any more."""

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The reference of the payment that it is about; empty: about none. `BadWebhook` where it is not signed by the provider."""

    async def close(self) -> None: ...


def coins(value: Decimal, currency: str) -> Decimal:
    """Rounded to the coin, however much it is."""
    return value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP, WIDE)
