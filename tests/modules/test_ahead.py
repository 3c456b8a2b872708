"""Renditions are made before a partner asks, for the versions that partners speak, and again after a change."""

import pytest

from interplug.modules.ahead import Ahead
from interplug.modules.node import Node
from interplug.store.keys import PageQuery
from tests.modules.said import location
from tests.nodes import Clock, Partner, befriend, own


async def kept(node: Node, version: str) -> list[bytes | None]:
    page = await node.store.read(lambda tx: tx.objects.page(PageQuery("locations", 10, version)))
    return page.bodies


async def made_ahead(node: Node) -> None:
    ahead = Ahead(node)
    while await ahead.turn():
        pass


async def test_a_list_is_ready_before_the_partner_asks_for_it(node: Node, partner: Partner, version: str) -> None:
    await own(node, "locations", location())
    assert await kept(node, version) == [None]
    await made_ahead(node)
    [body] = await kept(node, version)
    assert body is not None
    assert body in (await partner.fetch("locations")).body


async def test_what_has_changed_is_made_again(node: Node, partner: Partner, version: str, clock: Clock) -> None:
    await own(node, "locations", location())
    await made_ahead(node)
    before = await kept(node, version)
    clock.move(1)
    await own(node, "locations", location() | {"name": "Another name"})
    assert await kept(node, version) == [None]
    await made_ahead(node)
    assert await kept(node, version) not in ([None], before)


@pytest.mark.parametrize("version", ["2.2.1"], indirect=True)
async def test_nothing_is_made_for_a_version_that_nobody_speaks(node: Node, partner: Partner) -> None:
    await own(node, "locations", location())
    await made_ahead(node)
    assert await kept(node, "2.1.1") == [None]


async def test_what_lies_behind_in_the_log_is_made_for_a_partner_that_joins_later(node: Node) -> None:
    await own(node, "locations", location())
    ahead = Ahead(node)
    assert not await ahead.turn()
    await befriend(node, "2.1.1")
    assert await ahead.turn()
    assert await kept(node, "2.1.1") != [None]
