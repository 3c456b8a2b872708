"""What a terminal needs of whoever holds and takes the money of a card: three verbs, each with a key, so that a repeat is done once."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import msgspec


class Declined(Exception):
    """The bank has said no, in words for the card's owner; nothing was held or taken."""


class NoAnswer(Exception):
    """Whether it was done is not known; the same is asked again."""


class Held(msgspec.Struct, frozen=True):
    """`hold` is the bank's name for it, `slip` what of the card has to stand on a receipt."""

    hold: str
    slip: tuple[str, ...]


class Bank(Protocol):
    async def hold(self, amount: Decimal, currency: str, key: str) -> Held:
        """Of the card that is presented."""

    async def capture(self, hold: str, amount: Decimal, currency: str, key: str) -> Decimal:
        """Takes so much of what is held, once, and lets go of the rest; how much was taken."""

    async def release(self, hold: str, key: str) -> None:
        """Lets go of all that is held under that name, or under that key."""
