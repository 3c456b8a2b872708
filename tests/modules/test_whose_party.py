"""One party on two platforms, its CPO on one and its eMSP on the other: each writes what belongs to its own role, by every way in."""

from pathlib import Path

import pytest

from interplug.modules.authorise import authorise
from interplug.modules.node import Node
from interplug.store.tx import Tx
from tests.modules import said
from tests.nodes import Partner, Wire, befriend, close
from tests.sync.pulling import world_of

CPO_ONLY, EMSP_ONLY = (("CPO", "BE", "XYZ"),), (("EMSP", "BE", "XYZ"),)


@pytest.fixture
def version() -> str:
    return "2.2.1"


@pytest.fixture
async def operator(node: Node, version: str) -> Partner:
    return await befriend(node, version, parties=CPO_ONLY, name="operator")


@pytest.fixture
async def provider(node: Node, version: str) -> Partner:
    return await befriend(node, version, parties=EMSP_ONLY, name="provider")


async def test_what_is_put_and_posted(operator: Partner, provider: Partner, version: str) -> None:
    card = said.said("token", said.theirs(said.token()), version)
    assert [(await one.send("PUT", "tokens/BE/XYZ/012345", card)).http for one in (operator, provider)] == [404, 201]
    place = said.said("location", said.theirs(said.location()), version)
    assert [(await one.send("PUT", "locations/BE/XYZ/L1", place)).http for one in (operator, provider)] == [201, 404]
    bill = said.said("cdr", said.theirs(said.cdr()), version)
    assert [(await one.send("POST", "cdrs", bill)).code for one in (operator, provider)] == [1000, 2001]


async def test_a_card_that_came_before_the_party_was_registered_lets_nobody_in(
    node: Node, operator: Partner, version: str, wire: Wire
) -> None:
    card = said.said("token", said.theirs(said.token(whitelist="ALWAYS")), version)
    assert (await operator.send("PUT", "tokens/BE/XYZ/012345", card)).ok
    assert (await authorise(node, "012345")).granted
    await befriend(node, version, parties=EMSP_ONLY, name="provider")
    wire.sent.clear()
    assert not (await authorise(node, "012345")).granted
    assert all(request.url.startswith("https://provider.example") for request in wire.sent)


async def test_what_is_pulled(tmp_path: Path, version: str) -> None:
    world = await world_of(tmp_path, version, parties=EMSP_ONLY)
    try:
        await befriend(world.node, version, parties=CPO_ONLY, name="operator")
        world.partner.connection = world.node.directory.by_id(world.partner.connection.id) or world.partner.connection
        world.lists.offer("tokens", said.theirs(said.token()))
        world.lists.offer("locations", said.theirs(said.location()))
        assert (await world.pull("tokens")).quarantined == 0
        assert (await world.pull("locations")).quarantined == 1

        async def work(tx: Tx) -> set[str]:
            return {one.reason for one in await tx.quarantine.list()}

        assert await world.node.store.read(work) == {"BE-XYZ is none of the parties of partner"}
    finally:
        await close(world.node)
