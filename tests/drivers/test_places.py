"""The drivers' list of stations follows the change log."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.drivers.places import PlaceList
from interplug.modules.node import Node
from interplug.partners import states
from interplug.store.finding import Search
from interplug.store.places import Place
from tests.modules import said
from tests.nodes import EMSP, Partner, befriend, close, make_node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, parties=(EMSP,))
    yield made
    await close(made)


class Told:
    """A CPO that told us of its Locations, and the list that drivers see."""

    def __init__(self, node: Node, partner: Partner) -> None:
        self.node, self.partner, self.places = node, partner, PlaceList(node)

    async def put(self, *locations: dict[str, Any]) -> None:
        for location in locations:
            answer = await self.partner.send("PUT", f"locations/BE/XYZ/{location['id']}", said.theirs(location))
            assert answer.ok, answer.message
        await self.places.tick()


async def told(node: Node, *locations: dict[str, Any]) -> Told:
    cpo = Told(node, await befriend(node, "2.3.0", parties=(("CPO", "BE", "XYZ"),)))
    await cpo.put(*locations)
    return cpo


async def found(node: Node, **search: Any) -> list[Place]:
    return (await node.store.read(lambda tx: tx.finding.find(Search(**search), 50))).places


async def test_stations_are_found_by_any_of_their_words_and_by_what_is_free(node: Node) -> None:
    await told(
        node,
        {**said.location("L1", city="Gent", evses=[said.evse(status="AVAILABLE")]), "name": "Harbour 100%"},
        {**said.location("L2", city="Brugge", evses=[said.evse(status="CHARGING")]), "name": "Mill"},
    )
    assert [place.name for place in await found(node)] == ["Mill", "Harbour 100%"]
    assert [place.name for place in await found(node, text="GENT")] == ["Harbour 100%"]
    assert [place.name for place in await found(node, text="100% harbour")] == ["Harbour 100%"]
    assert [place.name for place in await found(node, text="_ill")] == []
    assert [place.name for place in await found(node, free=True)] == ["Harbour 100%"]
    assert (await node.store.read(lambda tx: tx.finding.find(Search(text="mill"), 50))).total == 1


@pytest.mark.req("LOC-004", "LOC-031")
async def test_what_is_not_published_or_has_no_evse_left_is_not_shown(node: Node) -> None:
    cpo = await told(
        node,
        said.location("L1", publish=False),
        said.location("L2", evses=[said.evse(status="REMOVED")]),
        said.location("L3"),
    )
    assert len(await found(node)) == 1
    later = "2026-01-02T00:00:00Z"
    await cpo.put(said.location("L3", evses=[said.evse(status="REMOVED", last_updated=later)], last_updated=later))
    assert await found(node) == []


async def test_every_word_of_a_search_stands_somewhere_in_any_order(node: Node) -> None:
    await told(node, {**said.location("L1", city="Gent", evses=[said.evse(status="AVAILABLE")]), "name": "Harbour"})
    assert len(await found(node, text="  gent   harb ")) == 1
    assert await found(node, text="gent mill") == []
    assert len(await found(node, text="")) == 1


@pytest.mark.req("LOC-037")
async def test_an_operator_that_a_location_does_not_name_is_the_party_of_the_credentials(node: Node) -> None:
    said_so = {**said.location("L1"), "operator": {"name": "Somebody Ltd"}}
    silent = {name: value for name, value in said.location("L2").items() if name != "operator"}
    await told(node, said_so, silent)
    assert sorted(place.operator for place in await found(node)) == ["BE-XYZ", "Somebody Ltd"]


@pytest.mark.parametrize("state", [states.UNREGISTERED, states.REMOVED])
async def test_stations_of_a_partner_with_whom_we_no_longer_work_are_not_shown(node: Node, state: str) -> None:
    cpo = await told(node, said.location("L1"))
    number = cpo.partner.connection.id

    async def at(now: str) -> int:
        await node.directory.write(lambda tx: tx.partners.change(number, state=now))
        await cpo.places.tick()
        return len(await found(node))

    assert [await at(now) for now in (states.SUSPENDED, state, states.REGISTERED)] == [1, 0, 1]


@pytest.mark.req("HCI-010")
async def test_stations_of_a_party_that_is_no_longer_behind_its_hub_are_not_shown(node: Node) -> None:
    cpo = Told(node, await befriend(node, "2.3.0", parties=(("OTHER", "BE", "HUB"), ("CPO", "BE", "XYZ")), hub="BEHUB"))
    await cpo.put(said.location("L1"))
    number = cpo.partner.connection.id

    async def behind(*parties: str) -> int:
        roles = [{"role": "CPO", "country_code": "BE", "party_id": party} for party in ("HUB", *parties)]
        credentials = {"hub_party_id": "BEHUB", "roles": roles}
        await node.directory.write(lambda tx: tx.partners.change(number, credentials=credentials))
        await cpo.places.tick()
        return len(await found(node))

    assert [await behind("XYZ"), await behind(), await behind("XYZ")] == [1, 0, 1]
