"""A reading that a meter signed, in the words of no format; and why one is none."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple


class NotChecked(Exception):
    """Why it cannot be checked here."""


class Wrong(Exception):
    """What is wrong with it."""


class Reading(NamedTuple):
    """`digit`: what the last digit that the meter shows is worth. `at` is None where its clock was not set. `mark`: what the meter itself
    says of it; `whole`: it counts from the beginning of the charge."""

    kwh: Decimal
    digit: Decimal
    at: datetime | None
    mark: Literal["begin", "end", ""] | None
    whole: bool


class Record(NamedTuple):
    """What one signature stands under. `key`: that which it was checked with."""

    readings: tuple[Reading, ...]
    key: str
