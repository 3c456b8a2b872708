"""The Token of a charge that is paid at a terminal: nobody's but this charge's."""

from __future__ import annotations

from typing import Any

from interplug.model.types import format_time
from interplug.modules.node import Node


def card_token(node: Node, reference: str) -> dict[str, Any] | None:
    """None: this node is no provider of terminals any more."""
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
