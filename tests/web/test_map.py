"""The map without its drawing: what stands in a part of the world, how it goes on, and what its page alone may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from interplug.config import BadSettings, Map
from interplug.drivers.places import PlaceList
from interplug.model.types import decode_json
from interplug.store.earth import degrees
from interplug.web.driver.mapping import POINTS_FROM
from interplug.web.driver.pages import Pages
from interplug.web.rendering import EDITION
from tests.drivers.played import World
from tests.modules import said
from tests.web.starting import number, words
from tests.web.test_live import location, woken_or_never
from tests.web.visiting import Visit

__all__ = ["woken_or_never"]
AMSTERDAM = "box=4.8,52.3,5.0,52.4"
PARIS = "box=2.2,48.8,2.4,48.9"


async def test_from_afar_there_are_clusters_and_from_near_the_stations(visit: Visit) -> None:
    far = (await visit.get(f"/map.json?zoom={POINTS_FROM - 1}&{AMSTERDAM}")).json
    near = (await visit.get(f"/map.json?zoom={POINTS_FROM}&{AMSTERDAM}")).json
    [[x, y, places, evses, free]] = far["clusters"]
    assert (places, evses, free, far["points"]) == (1, 2, 1, [])
    assert degrees(x, y) == pytest.approx((4.895168, 52.370216), abs=1e-4)
    assert near["clusters"] == [] and near["points"] == [[await number(visit), x, y, 1, 2]]


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        (f"zoom=12&{PARIS}", 0),
        (f"zoom=6&{AMSTERDAM}&text=stationsplein", 1),
        (f"zoom=6&{AMSTERDAM}&text=nowhere", 0),
        (f"zoom=6&{AMSTERDAM}&text=***", 0),
        (f"zoom=6&{AMSTERDAM}&plug=CHADEMO", 0),
        (f"zoom=6&{AMSTERDAM}&free=1", 1),
        ("zoom=-1", 1),
        ("zoom=99999999999999999999&box=1,2,3", 1),
        ("zoom=5&box=nan,inf,1,1", 1),
    ],
)
async def test_the_map_shows_what_the_search_asks_for_and_lives_through_nonsense(visit: Visit, query: str, seen: int) -> None:
    answer = (await visit.get(f"/map.json?{query}")).json
    assert len(answer["clusters"]) + len(answer["points"]) == seen


async def test_the_list_beside_the_map_is_of_what_it_shows(visit: Visit) -> None:
    assert "One station on the map" in words(await visit.get(f"/found?{AMSTERDAM}"))
    assert "There is none in this part of the map" in words(await visit.get(f"/found?{PARIS}"))
    page = await visit.get(f"/found?near=52.37,4.9&points={await number(visit)}")
    assert "the nearest first" in words(page) and "330 m" in words(page)
    assert f"points={await number(visit)}&amp;near=52.37" in page.text


async def test_a_status_that_changes_is_told_to_the_map_and_only_that(world: World, visit: Visit) -> None:
    station = await number(visit)
    async with visit.stream(f"/live?of=&points={station}") as events:
        assert decode_json((await events.next("points")).encode()) == [[station, 1, 2]]
        await world.tell("locations", said.said("location", said.theirs(said.location("L2")), "2.2.1"))
        await world.tell("locations", location(world, "CHARGING"))
        assert decode_json((await events.next("points")).encode()) == [[station, 0, 2]]
        assert events.passed == []


async def test_what_is_picked_on_the_map_is_shown_as_in_the_list(visit: Visit) -> None:
    assert "1 of 2 free" in words(await visit.get(f"/row/{await number(visit)}"))
    assert "not offered any more" in words(await visit.get("/row/999999"))


async def test_only_the_page_of_the_map_may_know_where_the_driver_is(visit: Visit) -> None:
    page, other = await visit.get("/"), await visit.get(f"/stations/{await number(visit)}")
    assert "geolocation=(self)" in page.header("permissions-policy") and "geolocation=()" in other.header("permissions-policy")
    assert "worker-src 'self'" in page.header("content-security-policy") and "unsafe" not in page.header("content-security-policy")
    assert "worker-src" not in other.header("content-security-policy")


def _with_map(world: World, **settings: Any) -> Visit:
    world.node.settings = msgspec.structs.replace(world.node.settings, map=Map(**settings))
    return Visit(Pages(world.node))


async def test_a_style_from_elsewhere_opens_the_page_for_its_place_and_no_other(world: World) -> None:
    settings = {"style_url": "https://maps.example/style.json", "hosts": ["https://tiles.example"], "attribution": "© Somebody"}
    page = await _with_map(world, **settings).get("/")
    assert "connect-src 'self' https://maps.example https://tiles.example;" in page.header("content-security-policy")
    worker = await _with_map(world, **settings).get("/static/vendor/maplibre-gl-worker.mjs?v=" + EDITION)
    assert worker.header("content-security-policy") == page.header("content-security-policy"), "tiles are fetched there"
    assert (worker.status, worker.header("content-type").partition(";")[0]) == (200, "text/javascript")
    assert "immutable" in worker.header("cache-control")
    assert 'data-style="https://maps.example/style.json"' in page.text and "© Somebody" in page.text


async def test_tiles_of_a_pmtiles_file_are_handed_out(world: World, tmp_path: Path) -> None:
    path = tmp_path / "map.pmtiles"
    with path.open("wb") as file:
        writer = Writer(file)  # type: ignore[no-untyped-call]
        writer.write_tile(zxy_to_tileid(1, 1, 0), b"packed")  # type: ignore[no-untyped-call]
        writer.finalize({"max_zoom": 1, "tile_type": TileType.MVT, "tile_compression": Compression.GZIP}, {})  # type: ignore[no-untyped-call]
    visit = _with_map(world, pmtiles=str(path))
    tile = await visit.get("/map/tiles/1/1/0.mvt")
    assert (tile.status, tile.body, tile.header("content-encoding")) == (200, b"packed", "gzip")
    assert (await visit.get("/map/tiles/1/0/0.mvt")).status == 204
    assert (await visit.get("/map/tiles/1/2/0.mvt")).status == 404
    assert (await visit.get("/map/tiles/99/0/0.mvt")).status == 404
    page = (await visit.get("/")).text
    assert 'data-tiles="/map/tiles/{z}/{x}/{y}.mvt" data-deepest="1"' in page


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"x" * 200, "no PMTiles file"), (b"", "no PMTiles file")])
async def test_a_node_does_not_begin_with_a_map_that_is_none(world: World, tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "map.pmtiles"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings, match=said):
        _with_map(world, pmtiles=str(path))


async def test_copies_are_shown_once_and_the_page_of_the_station_leads_to_the_others(world: World, visit: Visit) -> None:
    evse = {"evse_id": "BE*XYZ*E9", "status": "AVAILABLE"}
    for name in ("C1", "C2"):
        place = {**said.location(name, evses=[said.evse(**evse)]), "name": f"Copy {name}"}
        await world.tell("locations", said.said("location", said.theirs(place), "2.2.1"))
    await PlaceList(world.node).tick()
    listed = (await visit.get("/stations.json?text=copy")).json["stations"]
    assert [one["name"] for one in listed] == ["Copy C1"]
    page = await visit.get(f"/stations/{listed[0]['id']}")
    assert "Told by others, too" in words(page) and "Copy C2" in words(page)
