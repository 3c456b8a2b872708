"""Where a Location does not name its time zone, its coordinates do."""

from typing import Any

import pytest

from interplug.modules.zones import zone_at
from tests.modules import said
from tests.nodes import Partner


@pytest.mark.parametrize(
    ("location", "zone"),
    [
        ({"coordinates": {"latitude": "28.123456", "longitude": "-15.430000"}}, "Atlantic/Canary"),
        ({"coordinates": {"latitude": "40.416800", "longitude": "-3.703800"}}, "Europe/Madrid"),
        ({"coordinates": {"latitude": "40.4", "longitude": "-3.7"}, "time_zone": "UTC"}, None),
        ({"coordinates": {"latitude": "400", "longitude": "0"}}, None),
        ({"coordinates": {"latitude": "nan", "longitude": "0"}}, None),
        ({"coordinates": "here"}, None),
        ({}, None),
    ],
)
def test_the_zone_of_a_place(location: dict[str, Any], zone: str | None) -> None:
    assert zone_at(location) == zone


async def test_a_location_of_2_1_1_in_a_country_of_several_zones_gets_its_own(partner: Partner, version: str) -> None:
    if version != "2.1.1":
        return
    location = said.said("location", said.theirs(said.location()), version)
    del location["time_zone"]
    location |= {"country": "ESP", "coordinates": {"latitude": "28.123456", "longitude": "-15.430000"}}
    assert (await partner.send("PUT", "locations/BE/XYZ/L1", location)).ok
    stored = await partner.node.store.read(lambda tx: tx.objects.find_id("locations", "L1"))
    assert stored[0].document["time_zone"] == "Atlantic/Canary"
