"""The page of a station: what it costs for my car, when it is open, how it looks, whom one can ask; and the code on its plug."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import msgspec
import pytest
from PIL import Image

from interplug.config import Help, Network
from interplug.drivers.offers import read_offer
from interplug.drivers.places import PlaceList
from interplug.model.types import parse_time
from interplug.protocol.http import Request, Response, Unreachable
from interplug.web.driver import photos
from interplug.web.driver.about import about
from interplug.web.driver.pages import Pages
from tests.drivers.played import World
from tests.modules import said
from tests.web.starting import number, words
from tests.web.visiting import Visit

VAT = {"vat": Decimal(20), "step_size": 1}
TARIFF = {
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [
        {"price_components": [{"type": "ENERGY", "price": Decimal("0.50"), **VAT}, {"type": "FLAT", "price": Decimal(1), **VAT}]},
        {"price_components": [{"type": "PARKING_TIME", "price": Decimal(6), **VAT}]},
    ],
}
WEEKDAYS = [{"weekday": day, "period_begin": "08:00", "period_end": "18:00"} for day in range(1, 6)]


async def told(world: World, **more: Any) -> None:
    """The operator says more of its station."""
    world.clock.move(1)
    now = world.clock.text()
    evses = [said.evse(evse_id="BE*XYZ*E1", status="AVAILABLE", last_updated=now), said.evse("E2", status="CHARGING", last_updated=now)]
    location = said.theirs(said.location(**{"evses": evses, "last_updated": now, **more}))
    await world.tell("locations", said.said("location", location, "2.2.1"))
    await PlaceList(world.node).tick()


@pytest.fixture
async def ours(world: World) -> World:
    offer = read_offer({"id": "OURS", "tariff": TARIFF})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    return world


# --- my car


@pytest.mark.parametrize(
    ("asked", "kw", "minutes", "total", "lines"),
    [
        # 22 kW come out of this plug (3 x 230 V x 32 A); the car takes 11 of them.
        ("kwh=30&ac=11&dc=100&idle=0", 11, 163, Decimal("19.20"), {"ENERGY": Decimal(18), "FLAT": Decimal("1.2")}),
        ("kwh=30&ac=43&dc=100&idle=0", Decimal("22.08"), 81, Decimal("19.20"), {"ENERGY": Decimal(18), "FLAT": Decimal("1.2")}),
        ("kwh=10&ac=10&dc=9&idle=30", 10, 60, Decimal("10.80"), {"ENERGY": 6, "FLAT": Decimal("1.2"), "PARKING_TIME": Decimal("3.6")}),
    ],
)
async def test_a_charge_is_priced_before_it_starts(
    ours: World, visit: Visit, asked: str, kw: Decimal, minutes: int, total: Decimal, lines: dict[str, Decimal]
) -> None:
    station = await number(visit)
    guess = (await visit.get(f"/stations/{station}.json?{asked}")).json["evses"][0]["connectors"][0]["estimate"]
    assert (guess["kw"], guess["minutes"], guess["after_taxes"]) == (kw, minutes, total)
    assert {line["dimension"]: Decimal(line["incl"]) for line in guess["lines"]} == lines


async def test_the_estimate_is_shown_with_every_part_and_the_car_is_kept_in_the_browser(ours: World, visit: Visit) -> None:
    station = await number(visit)
    page = words(await visit.get(f"/stations/{station}?kwh=10&ac=10&dc=50&idle=60"))
    assert "About €14.40 for 10 kWh in 1 h" in page and "Parking: 1 h €7.20" in page
    assert visit.cookies["car"] == "10_10_50_60"
    assert "About €14.40 for 10 kWh in 1 h" in words(await visit.get(f"/stations/{station}")), "without asking again"
    async with visit.stream(f"/stations/{station}/live") as events:
        assert "€14.40" in await events.next("evse-1")


@pytest.mark.parametrize("nonsense", ["kwh=x&ac=&dc=1e9&idle=-1", "kwh=NaN&ac=Infinity", "kwh=0&idle=99999999999"])
async def test_a_car_that_cannot_be_is_the_usual_one(ours: World, visit: Visit, nonsense: str) -> None:
    guess = (await visit.get(f"/stations/{await number(visit)}.json?{nonsense}")).json["evses"][0]["connectors"][0]["estimate"]
    assert (guess["kwh"], guess["kw"], guess["idle_minutes"]) == (30, 11, 0)


async def test_nothing_is_estimated_where_no_price_is_told(world: World, visit: Visit) -> None:
    page = await visit.get(f"/stations/{await number(visit)}")
    assert "About" not in words(page) and "has told no price" in words(page)


# --- hours, help, the place


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ""),
        ({"opening_times": {"twentyfourseven": True}}, "Open day and night"),
        ({"opening_times": {"twentyfourseven": False, "regular_hours": WEEKDAYS}}, "Closed now, but one can charge"),
        ({"opening_times": {"twentyfourseven": False, "regular_hours": WEEKDAYS}, "charging_when_closed": False}, "Closed now"),
    ],
)
def test_hours_in_words_at_night(fields: dict[str, Any], text: str) -> None:
    place = {"time_zone": "Europe/Amsterdam", "coordinates": {"latitude": "52.1", "longitude": "4.2"}, **fields}
    assert about(place, Help(), parse_time("2024-01-15T03:00:00Z")).hours.now == text


async def test_the_week_and_what_is_different_on_certain_days(world: World, visit: Visit) -> None:
    closing = {"period_begin": "2099-12-25T00:00:00Z", "period_end": "2099-12-26T00:00:00Z"}
    over = {"period_begin": "2020-12-25T00:00:00Z", "period_end": "2020-12-26T00:00:00Z"}
    hours = {"twentyfourseven": False, "regular_hours": [*WEEKDAYS, {"weekday": 1, "period_begin": "19:00", "period_end": "21:00"}]}
    await told(world, opening_times={**hours, "exceptional_closings": [closing, over]})
    page = words(await visit.get(f"/stations/{await number(visit)}"))
    assert "Monday 08:00–18:00, 19:00–21:00" in page and "Sunday closed" in page
    assert "Closed from 25 Dec 2099" in page and "2020" not in page


async def test_the_place_and_whom_one_can_ask(world: World, visit: Visit) -> None:
    ours = Help(phone="+31 20 123", mail="help@example.org")
    world.node.settings = msgspec.structs.replace(world.node.settings, help=ours)
    way = [{"language": "nl", "text": "Achter het station"}, {"language": "en", "text": "Behind the station"}]
    await told(world, directions=way, facilities=["CAFE", "TRAIN_STATION"], parking_type="PARKING_GARAGE")
    station = await number(visit)
    page = await visit.get(f"/stations/{station}")
    for text in ("Behind the station", "Café, Railway station", "In a multi-storey car park", "+31 20 123", "help@example.org"):
        assert text in words(page)
    assert 'href="tel:+3120123"' in page.text and "Achter" not in words(page)
    assert "openstreetmap.org/directions" in page.text and 'href="geo:52.370216,4.895168' in page.text
    assert "Achter het station" in words(await visit.get(f"/stations/{station}", **{"accept-language": "nl"}))


# --- the code on the plug


@pytest.mark.parametrize("url", ["/s/BE*XYZ*E1", "/s/be*xyz*e1", "/s/BEXYZE1", "/start?evse=BE*XYZ*E1", "/start?evse=BE-XYZ-E1"])
async def test_a_code_leads_to_its_plug(world: World, visit: Visit, url: str) -> None:
    await told(world)
    answer = await visit.get(url)
    assert (answer.status, answer.header("location")) == (303, f"/stations/{await number(visit)}#evse-1")


@pytest.mark.parametrize("url", ["/s/BE*XYZ*E2", "/s/", "/s/%25", "/start", "/start?evse=***", "/s/" + "E" * 500])
async def test_a_code_of_nothing_says_so(world: World, visit: Visit, url: str) -> None:
    await told(world)
    answer = await visit.get(url)
    assert answer.status == 404 and "No charge point with this number" in answer.text


# --- photos


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 900)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "green").save(made, kind)
    return made.getvalue()


IMAGE = {"url": "https://pictures.example/1.png", "category": "LOCATION", "type": "png"}


async def photographed(world: World, answer: Response | None, **more: Any) -> tuple[Visit, list[Request]]:
    asked: list[Request] = []

    async def camera(request: Request) -> Response:
        asked.append(request)
        if answer is None:
            raise Unreachable("nobody is there")
        return answer

    await told(world, images=[{**IMAGE, **more}])
    pages = Pages(world.node)
    pages.photos._transport = camera
    return Visit(pages), asked


async def test_a_photo_is_drawn_anew_small_and_once(world: World) -> None:
    visit, asked = await photographed(world, Response(200, picture()))
    station = await number(visit)
    page = await visit.get(f"/stations/{station}")
    assert "pictures.example" not in page.text and f'src="/stations/{station}/photos/1"' in page.text
    for _ in range(2):
        answer = await visit.get(f"/stations/{station}/photos/1")
        assert (answer.status, answer.header("content-type")) == (200, "image/jpeg")
    with Image.open(BytesIO(answer.body)) as made:
        assert made.size == (800, 600)
    assert [one.url for one in asked] == [IMAGE["url"]]
    assert (await visit.get(f"/stations/{station}/photos/2")).status == 404


@pytest.mark.parametrize(
    "answer",
    [None, Response(404, b""), Response(302, b"", {"location": "https://a.example"}), Response(200, b"<svg onload=alert(1)>"),
     Response(200, picture("GIF")), Response(200, picture()[:300]), Response(200, picture(size=(1, 1)))],
)  # fmt: skip
async def test_what_is_no_photo_is_none_and_not_asked_for_again(world: World, answer: Response | None) -> None:
    visit, asked = await photographed(world, answer)
    station = await number(visit)
    for _ in range(2):
        assert (await visit.get(f"/stations/{station}/photos/1")).status == 404
    assert len(asked) == 1


@pytest.mark.parametrize("url", ["http://pictures.example/1.png", "https://127.0.0.1/x", "https://169.254.169.254/x", "file:///etc/passwd"])
async def test_a_photo_is_never_fetched_from_inside(url: str) -> None:
    asked: list[Request] = []

    async def camera(request: Request) -> Response:
        asked.append(request)
        return Response(200, picture())

    assert await photos.Photos(Network(), transport=camera).get(url) is None and asked == []


async def test_photos_can_be_off(world: World) -> None:
    visit, asked = await photographed(world, Response(200, picture()))
    world.node.settings = msgspec.structs.replace(world.node.settings, help=Help(photos=False))
    station = await number(visit)
    assert "/photos/" not in (await visit.get(f"/stations/{station}")).text
    assert (await visit.get(f"/stations/{station}/photos/1")).status == 404 and asked == []


def test_a_picture_of_too_many_points_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "POINTS", 100)
    assert photos.drawn(picture(size=(20, 20))) is None


# --- a problem


async def test_a_problem_is_kept_with_a_reference_and_told(world: World, visit: Visit) -> None:
    await told(world)
    station = await number(visit)
    form = await visit.get(f"/stations/{station}/problem?evse=E1")
    assert '<option value="E1" selected>' in form.text
    fields = {"csrf": form.field("csrf"), "evse": "E1", "kind": "CABLE", "said": " <b>Stuck</b> "}
    answer = await visit.post(f"/stations/{station}/problem", fields)
    [one] = await world.node.store.read(lambda tx: tx.problems.list())
    assert answer.status == 201 and f"{one.id[:4]}-{one.id[4:]}".upper() in words(answer)
    assert (one.evse, one.evse_id, one.kind, one.said, one.place) == ("E1", "BE*XYZ*E1", "CABLE", "<b>Stuck</b>", "L1")
    [alert] = await world.node.store.read(lambda tx: tx.alerts.list())
    assert (alert.code, alert.times, alert.source) == ("DriverReportCable", 1, "driver")
    for wrong in ({"kind": "x"}, {"kind": ""}):
        assert (await visit.post(f"/stations/{station}/problem", {**fields, **wrong})).status == 400
    assert (await visit.post(f"/stations/{station}/problem", {**fields, "csrf": ""})).status == 403
    for _ in range(4):
        assert (await visit.post(f"/stations/{station}/problem", fields)).status == 201
    assert (await visit.post(f"/stations/{station}/problem", fields)).status == 429
