"""What a partner is told of what has ended, or what it may no longer see: EVSEs are REMOVED, Tokens not valid, Tariffs deleted. Pure.

Sessions and CDRs stay as they are: they are evidence, and whoever had them keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interplug.model.types import format_time, parse_time

Document = dict[str, Any]


def over(tariff: Document, now: int) -> bool:
    """Whether a Tariff is no longer valid."""
    end = tariff.get("end_date_time")
    return bool(end) and parse_time(end) <= now


def ended(module: str, document: Document, now: int) -> Document | None:
    """The last form of an object that is no longer valid; None where there is none and it is deleted or stays."""
    return _ENDINGS[module](document, now) if module in _ENDINGS else None


def removed(document: Document, now: int) -> Document:
    moment = format_time(now)
    evses = [{**evse, "status": "REMOVED", "last_updated": moment} for evse in document.get("evses") or ()]
    return {**document, "evses": evses, "last_updated": moment}


def _invalid(document: Document, now: int) -> Document:
    return {**document, "valid": False, "last_updated": format_time(now)}


_ENDINGS: dict[str, Callable[[Document, int], Document]] = {"locations": removed, "tokens": _invalid}
