"""What a plug costs the visitor, in words: our offer for this driver at this plug, or the operator's price and what is added to it.

A price has a key that changes with it, so that who presses start can say which price was on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interplug.drivers.deals import Deal, deal
from interplug.drivers.estimate import Estimate, Wish, estimate
from interplug.drivers.offers import Offer, chosen
from interplug.drivers.paying import hold_of, pays_by_card
from interplug.drivers.plugs import Plug, priced
from interplug.drivers.receipt import Amount
from interplug.drivers.situations import at_plug
from interplug.model.power import watts_of
from interplug.model.types import fold
from interplug.modules.node import Node

Document = dict[str, Any]


class Prices:
    """The prices of one station for one visitor, each kind of plug put into words once."""

    def __init__(
        self, node: Node, tariffs: Mapping[str, Document], offers: Sequence[Offer], token: Document | None, wish: Wish | None = None
    ) -> None:
        self._node, self._tariffs, self._offers, self._token, self._wish = node, tariffs, offers, token, wish
        self._known: dict[tuple[object, ...], Deal] = {}
        self._estimated: dict[tuple[object, ...], Estimate | None] = {}

    def of(self, plug: Plug) -> Deal:
        connector, now, kind = plug.connector, self._node.clock(), _kind(plug)
        if kind not in self._known:
            named = [self._tariffs[name] for name in kind[0] if name in self._tariffs]
            here = at_plug(self._node, plug.location, connector, named, self._token, now)
            self._known[kind] = deal(chosen(self._offers, here), named, now)
        return self._known[kind]

    def estimate(self, plug: Plug) -> Estimate | None:
        """Of what the visitor wants; None where no price is known, or nothing is wanted."""
        if self._wish is None:
            return None
        kind, zone = _kind(plug), plug.location.document.get("time_zone")
        if kind not in self._estimated:
            self._estimated[kind] = estimate(self.of(plug), self._wish, kind[1], kind[2], zone, self._node.clock())
        return self._estimated[kind]

    def hold(self, plug: Plug) -> Amount | None:
        """What is held before a start at this plug; None where nothing is."""
        settings = self._node.settings.payments
        if not pays_by_card(settings, self._token):
            return None
        zone = plug.location.document.get("time_zone")
        return hold_of(settings, self.of(plug), watts_of(plug.connector), zone, self._node.clock())


def _kind(plug: Plug) -> tuple[tuple[str, ...], int, str]:
    """What the price of a plug depends on."""
    connector = plug.connector
    return tuple(fold(name) for name in connector.get("tariff_ids") or ()), watts_of(connector), connector["power_type"]


async def key_of(node: Node, plug: Plug, token: Document | None) -> str:
    """The key of the price of this plug as it is now."""
    tariffs, offer = await node.store.read(lambda tx: priced(tx, node, plug, token))
    return deal(offer, tariffs, node.clock()).key
