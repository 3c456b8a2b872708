"""A partner that is a hub, from its registration on: what it may do for the parties that it reaches, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from interplug.protocol.headers import Party
from tests.partners.pair import Pair, Stranger, ask

T = "2026-01-01T00:00:00Z"
WAYS = {
    "2.2.1": {"roles": [{"role": "HUB", "country_code": "FR", "party_id": "HUB", "business_details": {"name": "A hub"}}]},
    "2.3.0": {
        "hub_party_id": "FRHUB",
        "roles": [{"role": "EMSP", "country_code": "FR", "party_id": "AAA", "business_details": {"name": "Behind it"}}],
    },
}


def token(party: str) -> dict[str, Any]:
    return {
        "country_code": "FR", "party_id": party, "uid": "CARD", "type": "RFID", "contract_id": f"FR{party}C1", "issuer": party,
        "valid": True, "whitelist": "ALLOWED", "last_updated": T,
    }  # fmt: skip


@pytest.mark.req("HCI-011")
@pytest.mark.parametrize("version", WAYS)
async def test_a_hub_registers_names_its_parties_and_speaks_for_them_alone(pair: Pair, version: str) -> None:
    stranger = Stranger(pair.wire, version=version)
    invitation = await pair.invited()
    door = f"/ocpi/{version}"
    registered = await ask(pair.cpo, invitation.token, "POST", f"{door}/credentials", stranger.credentials(**WAYS[version]))
    assert registered.ok
    assert pair.at_cpo().hub == Party("FR", "HUB")

    async def put(path: str, document: dict[str, Any]) -> int:
        return (await ask(pair.cpo, registered.data["token"], "PUT", f"{door}/receiver/{path}", document)).http

    client = {"country_code": "FR", "party_id": "BBB", "role": "EMSP", "status": "CONNECTED", "last_updated": T}
    assert await put("tokens/FR/BBB/CARD", token("BBB")) == 404
    assert await put("hubclientinfo/FR/BBB", client) == 201
    assert await put("tokens/FR/BBB/CARD", token("BBB")) == 201
    assert await put("tokens/FR/CCC/CARD", token("CCC")) == 404
