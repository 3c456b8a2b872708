"""What a kWh costs at most at a plug, for a driver who has no contract of ours yet: what the search for a price goes by.

Offers for certain contracts or groups are not looked at here: the station's page has the price of who looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from interplug.model.power import watts_of
from interplug.model.types import fold
from interplug.modules.node import Node
from interplug.store.keys import Stored
from interplug.store.tx import Tx

from .deals import deal
from .offers import Offer, chosen, known
from .plugs import tariffs_of
from .situations import at_plug

Document = dict[str, Any]


@dataclass
class Asking:
    """Within one transaction; each kind of plug is priced once."""

    tx: Tx
    node: Node
    offers: Sequence[Offer]
    _tariffs: dict[tuple[object, ...], list[Document]] = field(default_factory=dict)
    _prices: dict[tuple[object, ...], Decimal | None] = field(default_factory=dict)

    @classmethod
    async def of(cls, tx: Tx, node: Node) -> Asking:
        return cls(tx, node, [known(document) for document in await tx.offers.all()])

    async def per_kwh(self, location: Stored, connector: Document) -> Decimal | None:
        """In the currency of the settings; None where it is not known or in another."""
        key, names = location.key, tuple(fold(name) for name in connector.get("tariff_ids") or ())
        named = key.source, key.country, key.party, names
        if named not in self._tariffs:
            self._tariffs[named] = await tariffs_of(self.tx, key, names)
        kind = named, watts_of(connector), connector["power_type"], location.document.get("country")
        if kind not in self._prices:
            now, tariffs = self.node.clock(), self._tariffs[named]
            found = deal(chosen(self.offers, at_plug(self.node, location, connector, tariffs, None, now)), tariffs, now)
            self._prices[kind] = found.per_kwh(self.node.settings.payments.currency)
        return self._prices[kind]
