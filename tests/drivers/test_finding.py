"""Finding a station among many: what words, needs, a place and a part of the map lead to, on either database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.config import Places
from interplug.drivers.offers import read_offer
from interplug.drivers.places import PlaceList
from interplug.modules.node import Node
from interplug.store.earth import LEVELS, SIDE, Box, around, degrees, metres, point
from interplug.store.finding import MOST, Cluster, Search, folded
from interplug.store.places import Kind, Kinds, Place
from interplug.versions import chain
from tests import real_data
from tests.modules import said
from tests.nodes import EMSP, Clock, Partner, befriend, close, make_node

Document = dict[str, Any]
WORLD = Box(0, 0, SIDE - 1, SIDE - 1)
UTRECHT, AMERSFOORT, PARIS = (52.0907, 5.1214), (52.1561, 5.3878), (48.8566, 2.3522)


class Told:
    """Partners tell of Locations, and drivers look for them."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self.node, self.clock = node, clock
        self.places = PlaceList(node)

    async def put(self, partner: Partner, *locations: Document, party: str = "BE/XYZ") -> None:
        country, _, party_id = party.partition("/")
        for location in locations:
            document = {**location, "country_code": country, "party_id": party_id}
            answer = await partner.send("PUT", f"locations/{party}/{location['id']}", document)
            assert answer.ok, answer.message
        await self.places.tick()

    async def tariff(self, partner: Partner, name: str, price: str, party: str = "BE/XYZ") -> None:
        country, _, party_id = party.partition("/")
        components = [{"type": "ENERGY", "price": Decimal(price), "vat": 0, "step_size": 1}]
        tariff = said.tariff(name, currency="EUR", elements=[{"price_components": components}])
        document = {**tariff, "country_code": country, "party_id": party_id, "last_updated": self.clock.text()}
        answer = await partner.send("PUT", f"tariffs/{party}/{name}", document)
        assert answer.ok, answer.message
        await self.places.tick()

    async def names(self, near: tuple[float, float] | None = None, **search: Any) -> list[str]:
        """Of the stations that are found, in their order."""
        at = None if near is None else point(near[1], near[0])
        found = await self.node.store.read(lambda tx: tx.finding.find(Search(**search), 50, 0, at))
        assert found.total == len(found.places)
        return [place.name for place in found.places]

    async def clusters(self, **search: Any) -> list[Cluster]:
        """Of the whole world, from afar."""
        return await self.node.store.read(lambda tx: tx.finding.clusters(Search(**search), WORLD, LEVELS[0]))


@pytest.fixture
async def told(tmp_path: Path, engine: str) -> AsyncIterator[Told]:
    clock = Clock()
    node = await make_node(tmp_path, parties=(EMSP,), clock=clock)
    yield Told(node, clock)
    await close(node)


async def direct(told: Told, name: str = "direct") -> Partner:
    return await befriend(told.node, "2.3.0", parties=(("CPO", "BE", "XYZ"),), name=name)


def station(name: str, at: tuple[float, float] = UTRECHT, evse: str = "", **more: Any) -> Document:
    plug = said.connector(**{key: more.pop(key) for key in ("standard", "max_electric_power", "tariff_ids") if key in more})
    evses = [said.evse(status=more.pop("status", "AVAILABLE"), evse_id=evse or f"BE*XYZ*E{name}", connectors=[plug])]
    coordinates = {"latitude": f"{at[0]:.6f}", "longitude": f"{at[1]:.6f}"}
    place = said.location(more.pop("id", name), coordinates=coordinates, evses=evses, **more)
    return {**place, "name": name}


# --- words


async def test_words_are_found_whatever_their_order_accents_and_capitals(told: Told) -> None:
    harbour = station("Hafen Süd", address="Rue de l'Église 7", city="Liège", id="H1", evse="BE*XYZ*E00711*2")
    await told.put(await direct(told), harbour, station("Mill"))
    for text in ("liege", "LIÈGE hafen", "eglise 7 sud", "haf süd", "BE*XYZ*E00711", "bexyze007112", "E00711"):
        assert await told.names(text=text) == ["Hafen Süd"], text
    for text in ("liege mill", "afen", "***", "' or 1=1 --"):
        assert await told.names(text=text) == [], text


async def test_a_new_name_is_found_and_the_old_one_no_longer(told: Told) -> None:
    cpo = await direct(told)
    await told.put(cpo, station("Mill", id="L1"))
    await told.put(cpo, {**station("Quay", id="L1"), "last_updated": told.clock.text(5)})
    assert (await told.names(text="mill"), await told.names(text="quay")) == ([], ["Quay"])


async def test_whatever_somebody_types_is_words_or_nothing(told: Told) -> None:
    await told.put(await direct(told), station("Mill 京都 क्षेत्र", id="U1", evse="BE*XYZ*EU1"))
    for text in (
        "AND OR NOT NEAR",
        '"',
        "a:*",
        "京",
        "क्षेत्र",
        "\u1e94\U0001e900\U00010d00x",
        "x" * 5000,
        "'':*&!()",
        "\0",
        "-1 +2 ^3",
        "🚗",
    ):
        await told.names(text=text)
    assert await told.names(text="京") == ["Mill 京都 क्षेत्र"]


@given(st.text())
def test_folded_words_are_letters_and_digits_with_one_space_between(text: str) -> None:
    words = folded(text)
    assert words == " ".join(words.split()) and "_" not in words and folded(words) == words


# --- needs


async def test_one_plug_has_to_fit_in_everything_that_is_asked_of_it(told: Told) -> None:
    """A weak CCS beside a strong CHAdeMO is no strong CCS."""
    mixed = station("Mixed", standard="IEC_62196_T2_COMBO", max_electric_power=22_000)
    mixed["evses"].append(said.evse("E2", status="CHARGING", connectors=[said.connector(standard="CHADEMO", max_electric_power=50_000)]))
    await told.put(await direct(told), mixed, station("Strong", standard="IEC_62196_T2_COMBO", max_electric_power=350_000))
    assert await told.names(plug="IEC_62196_T2_COMBO", watts=50_000) == ["Strong"]
    assert await told.names(plug="CHADEMO", watts=50_000) == ["Mixed"]
    assert await told.names(watts=150_000) == ["Strong"]


async def test_what_is_free_now_is_a_plug_that_fits_and_not_the_one_beside_it(told: Told) -> None:
    cpo = await direct(told)
    mixed = station("Mixed", standard="CHADEMO", max_electric_power=50_000, tariff_ids=["T1"], status="CHARGING")
    beside = said.connector(standard="IEC_62196_T2", max_electric_power=11_000)
    mixed["evses"].append(said.evse("E2", status="AVAILABLE", evse_id="BE*XYZ*E2", connectors=[beside]))
    await told.tariff(cpo, "T1", "0.39")
    await told.put(cpo, mixed)
    for fits in ({"plug": "CHADEMO"}, {"watts": 50_000}, {"price": 40}):
        assert await told.names(**fits) == ["Mixed"]
        assert await told.names(**fits, free=True) == [] and await told.clusters(**fits, free=True) == []
    assert await told.names(free=True) == await told.names(plug="IEC_62196_T2", free=True) == ["Mixed"]
    told.clock.move(5)
    assert (await cpo.send("PATCH", "locations/BE/XYZ/Mixed/E1", {"status": "AVAILABLE", "last_updated": told.clock.text()})).ok
    await told.places.tick()
    assert await told.names(plug="CHADEMO", price=40, free=True) == ["Mixed"]
    assert [(one.places, one.evses, one.free) for one in await told.clusters(plug="CHADEMO", free=True)] == [(1, 2, 2)]


async def test_a_plug_that_is_shown_at_another_station_is_found_there_alone(told: Told) -> None:
    own = station("Own", evse="BE*XYZ*E1", standard="CHADEMO")
    other = station("Other", evse="BE*XYZ*E1", standard="CHADEMO")
    other["evses"].append(said.evse("E2", status="CHARGING", evse_id="BE*XYZ*E2", connectors=[said.connector(standard="IEC_62196_T2")]))
    await told.put(await direct(told), own, other)
    assert await told.names(plug="CHADEMO") == await told.names(plug="CHADEMO", free=True) == ["Own"]
    assert (await told.names(plug="IEC_62196_T2"), await told.names(free=True)) == (["Other"], ["Own"])


async def test_an_operator_what_is_open_and_what_has_a_place_for_disabled_people(told: Told) -> None:
    day = {"twentyfourseven": False, "regular_hours": [{"weekday": n, "period_begin": "08:00", "period_end": "20:00"} for n in range(1, 8)]}
    await told.put(
        await direct(told),
        station("Day", opening_times=day, time_zone="UTC", operator={"name": "Alfa"}),
        station("Always", opening_times={"twentyfourseven": True}, operator={"name": "Beta"}),
        station("Wide", operator={"name": "Beta"}, parking_places=[_parking("DISABLED")]),
    )
    assert await told.names(operator="Alfa") == ["Day"]
    assert await told.names(accessible=True) == ["Wide"]
    assert await told.names(open=True) == ["Always", "Wide"]  # it is midnight
    told.clock.move(12 * 3600)
    await told.places.tick()
    assert await told.names(open=True) == ["Always", "Day", "Wide"]


def _parking(vehicle: str) -> Document:
    return {"id": "P1", "vehicle_types": [vehicle], "restricted_to_type": True, "reservation_required": False}


async def test_the_price_is_that_of_the_tariff_whenever_it_comes_and_of_our_offer(told: Told) -> None:
    cpo = await direct(told)
    await told.put(cpo, station("Cheap", tariff_ids=["T1"]), station("Dear", tariff_ids=["T2"]), station("Unknown"))
    assert await told.names(price=100) == []
    await told.tariff(cpo, "T1", "0.39")
    await told.tariff(cpo, "T2", "0.79")
    assert (await told.names(price=40), await told.names(price=80)) == (["Cheap"], ["Cheap", "Dear"])
    told.clock.move(5)
    await told.tariff(cpo, "T1", "0.45")
    assert (await told.names(price=40), await told.names(price=50)) == ([], ["Cheap"])
    offer = read_offer({"id": "FEE", "fee": {"percentage": 20}})
    await told.node.store.write(lambda tx: tx.offers.put("FEE", offer.document(), told.clock()))
    await told.places.tick()
    assert (await told.names(price=50), await told.names(price=60)) == ([], ["Cheap"])


# --- near


async def test_what_is_near_comes_first_however_far_that_is(told: Told) -> None:
    await told.put(await direct(told), station("Amersfoort", AMERSFOORT), station("Paris", PARIS), station("Utrecht", UTRECHT))
    assert await told.names(near=UTRECHT) == ["Utrecht", "Amersfoort", "Paris"]
    assert await told.names(near=(40.7, -74.0)) == ["Paris", "Utrecht", "Amersfoort"]
    assert await told.names(near=UTRECHT, text="paris") == ["Paris"]


@given(st.floats(-180, 179.99), st.floats(-84, 84))
def test_a_place_on_the_earth_is_the_same_after_there_and_back(longitude: float, latitude: float) -> None:
    x, y = point(longitude, latitude)
    there = degrees(x, y)
    assert there == pytest.approx((longitude, latitude), abs=2e-5)
    box = around(x, y, 1000)
    assert box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 and metres(y) > 0


# --- copies of one EVSE


async def test_copies_of_an_evse_are_shown_once_at_the_operators_own_connection(told: Told) -> None:
    hub = await befriend(told.node, "2.3.0", parties=(("CPO", "FR", "HUB"),), name="hub")
    await told.put(hub, station("Copy", id="H1", evse="BE*XYZ*E1"), party="FR/HUB")
    assert await told.names() == ["Copy"]
    # The hub names a party of its own as owner; the operator's own words go before an older connection only if it is named first.
    cpo = await direct(told)
    await told.put(cpo, station("Own", evse="BEXYZE1"))
    assert await told.names() == ["Copy"]
    told.node.settings = msgspec.structs.replace(told.node.settings, places=Places(sources=["direct"]))
    await told.places.tick()
    assert await told.names() == ["Own"]
    # Where the preferred one goes, the other is there.
    gone = {**station("Own", evse="BE*XYZ*E1", status="REMOVED"), "last_updated": told.clock.text(5)}
    gone["evses"] = [{**evse, "last_updated": told.clock.text(5)} for evse in gone["evses"]]
    await told.put(cpo, gone)
    assert await told.names() == ["Copy"]


async def test_what_only_one_of_two_tells_of_is_counted_there(told: Told) -> None:
    cpo = await direct(told)
    both = station("Both", evse="BE*XYZ*E1")
    other = station("Other", evse="BE*XYZ*E1")
    other["evses"].append(said.evse("E2", status="CHARGING", evse_id="BE*XYZ*E2"))
    await told.put(cpo, both, other)
    found = await told.node.store.read(lambda tx: tx.finding.find(Search(), 50))
    assert {place.name: (place.evses, place.free) for place in found.places} == {"Both": (1, 1), "Other": (1, 0)}
    first, second = (place.pk for place in sorted(found.places, key=lambda place: place.name))
    assert await told.node.store.read(lambda tx: tx.places.copies(first)) == [second]


# --- the map


async def test_the_cells_of_every_zoom_count_what_there_is_after_any_change(told: Told) -> None:
    """Of the real set: told, changed, gone."""
    cpo = await befriend(told.node, "2.3.0", parties=(("CPO", "BE", "XYZ"),))
    locations, _ = real_data.some(60)
    raised = [chain.up("location", one, "2.2.1") for one in locations]
    await told.put(cpo, *({**one, "id": f"L{number}"} for number, one in enumerate(raised)))
    await _hold(told)
    for number, one in enumerate(raised[:20]):
        evses = [{**evse, "status": "CHARGING" if number % 2 else "REMOVED", "last_updated": told.clock.text(9)} for evse in one["evses"]]
        await told.put(cpo, {**one, "id": f"L{number}", "evses": evses, "last_updated": told.clock.text(9)})
    await _hold(told)


async def _hold(told: Told) -> None:
    for search in (
        Search(),
        Search(free=True),
        Search(watts=50_000),
        Search(plug="IEC_62196_T2", free=True),
        Search(watts=11_000, free=True),
    ):
        listed = await told.node.store.read(lambda tx, search=search: tx.finding.find(search, MOST))  # type: ignore[misc]
        for zoom in LEVELS:
            cells = await told.node.store.read(lambda tx, search=search, zoom=zoom: tx.finding.clusters(search, WORLD, zoom))  # type: ignore[misc]
            assert sum(cell.places for cell in cells) == len(listed.places) == listed.total
            if search == Search():
                assert sum(cell.evses for cell in cells) == sum(place.evses for place in listed.places)
                assert sum(cell.free for cell in cells) == sum(place.free for place in listed.places)
        points = await told.node.store.read(lambda tx, search=search: tx.finding.points(search, WORLD, MOST))  # type: ignore[misc]
        assert {one.pk for one in points} == {place.pk for place in listed.places}


async def test_a_part_of_the_map_shows_what_is_in_it(told: Told) -> None:
    await told.put(await direct(told), station("Amersfoort", AMERSFOORT), station("Paris", PARIS), station("Utrecht", UTRECHT))
    box = around(*point(UTRECHT[1], UTRECHT[0]), 30_000)
    places = await told.node.store.read(lambda tx: tx.finding.inside(Search(), box, 50))
    assert [place.name for place in places] == ["Utrecht", "Amersfoort"]
    assert len(await told.node.store.read(lambda tx: tx.finding.points(Search(), box, 50))) == 2
    cells = await told.node.store.read(lambda tx: tx.finding.clusters(Search(), box, 12))
    assert [cell.places for cell in cells] == [1, 1]
    [cell] = [cell for cell in cells if abs(cell.x - box.centre[0]) < 2]
    assert degrees(cell.x, cell.y) == pytest.approx((UTRECHT[1], UTRECHT[0]), abs=1e-4)


# --- very many


async def test_of_what_many_words_fit_only_so_much_is_put_in_order_and_the_rest_is_owned_up_to(told: Told) -> None:
    x, y = point(UTRECHT[1], UTRECHT[0])
    kind = Kind("Alfa", (("IEC_62196_T2", 11_000, 0),))
    kinds = Kinds(kind, kind)

    def place(pk: int) -> Place:
        return Place(pk, 1, f"Street {pk}", "", "Utrecht", "Alfa", f"street {pk} utrecht", ",IEC_62196_T2,", 2, 1, 11_000, 0, x + pk, y)

    many = [(pk, place(pk), kinds) for pk in range(1, MOST + 102)]
    await told.node.store.write(lambda tx: tx.places.level(many, {}))
    found = await told.node.store.read(lambda tx: tx.finding.find(Search(text="utrecht str"), 50))
    assert (found.total, found.more, len(found.places)) == (MOST, True, 50)
    nearest = await told.node.store.read(lambda tx: tx.finding.find(Search(text="utrecht str"), 3, 0, (x + 1090, y)))
    assert [one.pk for one in nearest.places] == [1090, 1089, 1091]
    assert await told.node.store.read(lambda tx: tx.finding.total(Search())) == MOST + 101
