"""What a plug costs, in words: the Tariff that its operator names and that holds now for a driver with a contract.

A price has a key that changes with it, so that who presses start can say which price was on the page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from interplug.drivers.drives import Plug, tariffs_of
from interplug.model.types import encode_json, fold
from interplug.modules.node import Node
from interplug.tariffs import TariffError, words
from interplug.versions.facts import Facts
from interplug.versions.tariffs_shown import shown

Document = dict[str, Any]


class Prices:
    """The price of each set of Tariffs at one station, put into words once."""

    def __init__(self, tariffs: Mapping[str, Document], now: int) -> None:
        self._tariffs, self._now = tariffs, now
        self._known: dict[tuple[str, ...], tuple[str, str]] = {}

    def of(self, connector: Document) -> tuple[str, str]:
        """In words, and its key."""
        names = tuple(fold(name) for name in connector.get("tariff_ids") or ())
        if names not in self._known:
            named = [self._tariffs[name] for name in names if name in self._tariffs]
            self._known[names] = price(named, self._now), price_key(named, self._now)
        return self._known[names]


def valid(tariffs: Iterable[Document], now: int) -> Document | None:
    """The one of a plug's Tariffs that a driver with a contract pays at this time."""
    return next((tariff for tariff in tariffs if shown(tariff, Facts(now=now))), None)


def price(tariffs: Iterable[Document], now: int) -> str:
    tariff = valid(tariffs, now)
    return "" if tariff is None else said(tariff)


def said(tariff: Document) -> str:
    """A Tariff in words; empty where it cannot be read."""
    try:
        return words(tariff)
    except TariffError:
        return ""


def price_key(tariffs: Iterable[Document], now: int) -> str:
    tariff = valid(tariffs, now)
    return "none" if tariff is None else hashlib.sha256(encode_json(tariff)).hexdigest()[:16]


async def price_of(node: Node, plug: Plug) -> str:
    """The key of the price of this plug as it is now."""
    named = await node.store.read(lambda tx: tariffs_of(tx, plug.location.key, plug.connector.get("tariff_ids") or ()))
    return price_key(named, node.clock())
