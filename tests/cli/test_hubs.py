"""`interplug partner list` and `show` of a hub: that it is one, and whom it names without being believed."""

import asyncio
from pathlib import Path

import pytest

from interplug.partners import states
from interplug.store.partners import ConnectionRow
from interplug.store.store import Store
from interplug.store.tx import Tx
from tests.cli.conftest import Command

CLIENT = {"country_code": "NL", "party_id": "FM3", "role": "EMSP", "status": "CONNECTED", "last_updated": "2026-01-01T00:00:00Z"}


@pytest.fixture
def node(interplug: Command, tmp_path: Path) -> Command:
    """A node with a partner, and a hub that names the partner's party."""
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0

    async def add(tx: Tx, name: str, role: str, party: str, **more: str) -> int:
        row = ConnectionRow(
            partner=await tx.partners.partner(name, 1),
            name=name,
            state=states.REGISTERED,
            version="2.3.0",
            versions_url=f"https://{name}.example/versions",
            credentials={"roles": [{"role": role, "country_code": "NL", "party_id": party}], **more},
            created_at=1,
            registered_at=1,
        )
        return await tx.partners.add(row)

    async def work(tx: Tx) -> None:
        await add(tx, "provider", "EMSP", "FM3")
        hub = await add(tx, "hub", "EMSP", "BHD", hub_party_id="NLHUB")
        await tx.partners.put_client(hub, CLIENT, 1)

    async def fill() -> None:
        store = Store.open(f"sqlite:///{tmp_path / 'node.db'}")
        await store.write(work)
        await store.close()

    asyncio.run(fill())
    return interplug


def test_a_hub_is_called_one(node: Command) -> None:
    assert {one["partner"]: one["hub"] for one in node("partner", "list", "--json").json} == {"provider": None, "hub": "NL-HUB"}
    lines = node("partner", "list").out.splitlines()
    assert ["NL-HUB" in line for line in lines if "REGISTERED" in line] == [False, True]
    assert "hub            NL-HUB" in node("partner", "show", "hub").out


def test_the_operator_sees_whom_a_hub_does_not_speak_for(node: Command) -> None:
    document = node("partner", "show", "hub", "--json").json
    assert (document["writes_for"], document["left_out"]) == (["NL-BHD"], ["NL-FM3"])
    assert "left_out       NL-FM3" in node("partner", "show", "hub").out
    assert "left_out" not in node("partner", "show", "provider").out
