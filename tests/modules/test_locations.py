"""Locations, EVSEs and Connectors as their receiver and as their sender, over every version."""

import pytest

from interplug.modules.node import Node
from interplug.store.keys import Key
from tests.modules.said import location, said, theirs
from tests.nodes import Partner

URL = "locations/BE/XYZ/L1"


async def held(node: Node, partner: Partner, name: str = "L1") -> dict[str, object]:
    """What we hold of the partner's Location, in the newest form."""
    stored = await node.store.read(lambda tx: tx.objects.get(Key("locations", partner.connection.id, "BE", "XYZ", name)))
    assert stored is not None
    return stored.document


async def put(partner: Partner, document: dict[str, object] | None = None) -> None:
    answer = await partner.send("PUT", URL, said("location", document or theirs(location()), partner.version))
    assert answer.ok, answer.message


@pytest.mark.req("LOC-015", "LOC-017", "STS-005", "STS-006")
async def test_put_creates_and_replaces(partner: Partner) -> None:
    document = said("location", theirs(location()), partner.version)
    first = await partner.send("PUT", URL, document)
    again = await partner.send("PUT", URL, {**document, "name": "Other"})
    assert (first.http, first.code, again.http, again.code) == (201, 1000, 200, 1000)
    assert (await partner.send("GET", URL)).data["name"] == "Other"
