"""The Tokens that charges are begun with: one of a driver's own, and one for each charge that is paid at a terminal."""

from __future__ import annotations

from typing import Any

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.drivers import Driver
from interplug.store.keys import OWN, Key
from interplug.store.tx import Tx

Document = dict[str, Any]


def token_key(node: Node, driver: Driver) -> Key:
    party = node.directory.our_parties("EMSP")[0]
    return Key("tokens", OWN, party.country_code, party.party_id, driver.token_uid, "APP_USER")


async def token_of(tx: Tx, node: Node, driver: Driver | None) -> Document | None:
    """The Token of a driver; None for who is none yet."""
    stored = await tx.objects.get(token_key(node, driver)) if driver is not None else None
    return None if stored is None else stored.document


def card_token(node: Node, reference: str) -> Document | None:
    """Nobody's but this charge's; None: this node is no provider of terminals any more."""
    ours = node.directory.our_parties("PTP")
    if not ours:
        return None
    country, party = ours[0].country_code, ours[0].party_id
    return {
        "country_code": country,
        "party_id": party,
        "uid": reference,
        "type": "AD_HOC_USER",
        "contract_id": reference,
        "issuer": f"{country}-{party}",
        "valid": True,
        "whitelist": "NEVER",
        "last_updated": format_time(node.clock()),
    }
