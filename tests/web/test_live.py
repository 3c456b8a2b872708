"""Live pages: what changes is sent, what does not is not, and the number of streams is bounded."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest

from interplug.drivers.drives import happened, stop
from interplug.store.store import Store
from interplug.store.tx import Tx
from interplug.web import live
from interplug.web.driver import listing, plugs, rides
from interplug.web.driver.pages import Pages
from interplug.web.driver.ride import Ride
from interplug.web.live import MOST_OF_ONE, PROOF, Streams, TooMany, event
from tests.drivers.played import World, session
from tests.modules import said
from tests.nodes import database
from tests.web.starting import begun, number, words
from tests.web.visiting import Visit


@pytest.fixture(autouse=True)
def woken_or_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stream looks again of itself, so what is seen was told by the log."""
    monkeypatch.setattr(live, "BEAT", 3600.0)


def location(world: World, status: str) -> dict[str, object]:
    world.clock.move(1)
    evses = [said.evse(status=status, last_updated=world.clock.text()), said.evse("E2", status="CHARGING")]
    return said.said("location", said.theirs(said.location(evses=evses, last_updated=world.clock.text())), "2.2.1")


async def test_a_status_that_changes_is_sent_and_spoken_and_the_others_are_not(world: World, visit: Visit) -> None:
    async with visit.stream(f"/stations/{await number(visit)}/live") as events:
        assert "Free" in await events.next("evse-1") and "In use" in await events.next("evse-2")
        await world.tell("locations", location(world, "CHARGING"))
        changed = await events.next("evse-1")
        assert "In use" in changed and "<form" not in changed
        assert "In use" in await events.next("said")
        assert "evse-2" not in events.seen()


async def test_rows_of_the_list_are_kept_level(world: World, visit: Visit) -> None:
    station = await number(visit)
    async with visit.stream(f"/live?of={station},x,,999999") as events:
        assert "1 of 2 free" in await events.next(f"row-{station}")
        await world.tell("locations", location(world, "CHARGING"))
        assert "0 of 2 free" in await events.next(f"row-{station}")


async def test_what_another_process_writes_is_on_the_page(world: World, visit: Visit, tmp_path: Path) -> None:
    station = await number(visit)
    other = Store.open(database(tmp_path, "node"), clock=world.clock)
    world.clock.move(1)

    async def work(tx: Tx) -> None:
        stored = await tx.objects.get_pk(station)
        assert stored is not None
        evse = {**stored.document["evses"][0], "status": "CHARGING", "last_updated": world.clock.text()}
        await tx.objects.save_evse(stored.key, "E1", evse, last_updated=world.clock())

    async with visit.stream(f"/live?of={station}") as events:
        assert "1 of 2 free" in await events.next(f"row-{station}")
        await other.write(work)
        assert "0 of 2 free" in await events.next(f"row-{station}")
    await other.close()


async def test_a_drive_is_followed_to_its_bill_and_the_stream_ends(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    async with visit.stream(f"{url}/live") as events:
        assert "is starting the station" in await events.next("state")
        await events.next("figures")
        await world.tell("sessions", session(world, driver, drive, kwh=1.5))
        assert "Charging" in await events.next("state")
        figures = await events.next("figures")
        assert "1.50" in figures and "Stop charging" in await events.next("stop")
        for kwh in (1.8, 1.9):
            await world.tell("sessions", session(world, driver, drive, kwh=kwh))
            assert f"{kwh:.2f}" in await events.next("figures")
            assert "stop" not in events.passed, "a button that is replaced loses the tap that falls between"
        token = session(world, driver, drive)["cdr_token"]
        await world.tell("cdrs", said.said("cdr", said.theirs(said.cdr(cdr_token=token, authorization_reference=drive.id)), "2.2.1"))
        assert "Receipt" in await events.next("figures")
        await events.next("over")
        await events.end()


async def test_a_station_that_fails_in_mid_charge_is_told_in_the_operators_name_until_it_is_right_again(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("locations", location(world, "OUTOFORDER"))
    assert (await visit.get(f"{url}.json")).json["fault"] is None, "it does not charge yet"
    async with visit.stream(f"{url}/live") as events:
        await world.tell("sessions", session(world, driver, drive, kwh=1.5))
        said = "The operator says that the station is out of order: Stationsplein 1. Look whether your car is still charging."
        while said not in (state := await events.next("state")):
            pass
        assert "unplug, and use another charge point" in state
        fault = (await visit.get(f"{url}.json")).json["fault"]
        assert fault["what"] == said and fault["do"] in words(await visit.get(url)) and said in words(await visit.get(url))
        for status, told in (("CHARGING", False), ("INOPERATIVE", True), ("AVAILABLE", False)):
            await world.tell("locations", location(world, status))
            assert (said in await events.next("state")) is told
            assert (said in words(await visit.get(url))) is told
            assert ((await visit.get(f"{url}.json")).json["fault"] is not None) is told
    await world.tell("locations", location(world, "OUTOFORDER"))
    await world.tell("sessions", session(world, driver, drive, status="COMPLETED", end_date_time=world.clock.text()))
    assert (await visit.get(f"{url}.json")).json["fault"] is None, "it is over"


async def test_the_list_of_drives_says_what_is_wrong_with_the_one_that_runs(world: World, visit: Visit) -> None:
    _, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive, kwh=1.5))
    async with visit.stream("/drives/live") as events:
        assert "Station out of order" not in await events.next("drives")
        await world.tell("locations", location(world, "OUTOFORDER"))
        assert "Station out of order" in await events.next("drives")
        assert "Station out of order" in words(await visit.get("/drives"))
        await stop(world.node, await world.now(drive))
        await world.result(await world.now(drive), "REJECTED", of="stop_command")
        while "Not stopped" not in await events.next("drives"):
            pass
        await world.tell("locations", location(world, "CHARGING"))
        assert "Station out of order" not in await events.next("drives")


async def test_a_status_of_another_plug_does_not_wake_a_drive_that_charges(
    world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, drive, driver = await begun(visit, world)
    await world.tell("sessions", session(world, driver, drive, kwh=1.5))
    looks: list[str] = []
    moved = rides.moved

    async def counted(*given: Any) -> object:
        looks.append("drive")
        return await moved(*given)

    async with visit.stream(f"{url}/live") as events, visit.stream(f"/stations/{await number(visit)}/live") as station:
        await events.next("figures")
        await station.next("evse-2")
        monkeypatch.setattr(rides, "moved", counted)
        for status in ("AVAILABLE", "CHARGING"):  # with the first the log may tell of the drive's beginning, too
            looks.clear()
            world.clock.move(1)
            other = said.evse("E2", status=status, last_updated=world.clock.text())
            answer = await world.partner.send("PUT", "locations/BE/XYZ/L1/E2", said.said("evse", other, "2.2.1"))
            assert answer.ok, answer.message
            await station.next("said")  # woken by what has not woken the drive
        assert looks == []
        await world.tell("locations", location(world, "OUTOFORDER"))
        assert "out of order" in await events.next("state")


async def test_a_drive_that_moves_while_the_log_is_read_wakes_its_page(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    _, drive, _ = await begun(visit, world)
    position, news = await world.node.store.look(), world.node.store.news

    async def after_it_has_moved(*asked: Any) -> Any:
        monkeypatch.undo()
        await happened(world.node, drive.id, "", unwanted=1)
        return await news(*asked)

    monkeypatch.setattr(world.node.store, "news", after_it_has_moved)
    streams = Streams(world.node)
    with streams.watch(("visitor", "address"), frozenset({("drive", drive.id)})) as watch:
        await streams._read(await streams._read(position))
        async with asyncio.timeout(5):
            assert await watch.news() == {("drive", drive.id)}


async def test_time_alone_sends_nothing_but_a_beat(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.01)
    station = await number(visit)
    await world.node.messages.flush()
    async with visit.stream(f"/stations/{station}/live") as events:
        await events.next("evse-2")
        world.clock.move(3600)
        await events.next("beat")
        await events.next("beat")
        assert set(events.seen()) <= {"beat"}


async def test_streams_of_one_visitor_are_bounded(pages: Pages, visit: Visit) -> None:
    await visit.get("/")
    name = pages.surface.cookies.read("; ".join(f"{key}={value}" for key, value in visit.cookies.items())).name
    with ExitStack() as open_streams:
        for _ in range(MOST_OF_ONE):
            open_streams.enter_context(pages.surface.streams.watch((name, "192.0.2.1"), None))
        assert (await visit.get("/live?of=1")).status == 503
        with pages.surface.streams.watch(("somebody else", "192.0.2.1"), None):
            pass


async def test_streams_of_one_address_are_bounded_whatever_its_cookies_say(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_ADDRESS", 2)
    with pages.surface.streams.watch(("a", "192.0.2.1"), None), pages.surface.streams.watch(("b", "192.0.2.1"), None):
        with pytest.raises(TooMany), pages.surface.streams.watch(("c", "192.0.2.1"), None):
            pass
        with pages.surface.streams.watch(("c", "192.0.2.2"), None):
            pass


async def test_a_drive_that_did_not_move_is_not_looked_at_again(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    whole = rides.ride

    async def counted(*given: Any) -> Ride:
        nonlocal looks
        looks += 1
        return await whole(*given)

    monkeypatch.setattr(live, "BEAT", 0.01)
    url, _, _ = await begun(visit, world)
    monkeypatch.setattr(rides, "ride", counted)
    async with visit.stream(f"{url}/live") as events:
        for _ in range(3):
            await events.next("beat")
    assert looks == 1


async def test_a_change_of_something_else_does_not_wake_a_page(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a drive by a status, nor a list by a station that is not in it."""
    url, drive, driver = await begun(visit, world)
    await world.follower.tick()
    looks: list[str] = []
    moved = rides.moved

    async def counted(*given: Any) -> object:
        looks.append("drive")
        return await moved(*given)

    async with visit.stream(f"{url}/live") as events, visit.stream("/live?of=999999") as others:
        await events.next("figures")
        assert await others.status == 200
        monkeypatch.setattr(rides, "moved", counted)
        monkeypatch.setattr(listing, "rows", lambda *_: looks.append("list"))
        async with visit.stream(f"/stations/{await number(visit)}/live") as station:
            for status in ("CHARGING", "AVAILABLE"):  # with the first the log may tell of the drive's beginning, too
                looks.clear()
                await world.tell("locations", location(world, status))
                await station.next("said")  # woken by what has woken nobody else
        assert looks == []
        await world.tell("sessions", session(world, driver, drive, kwh=1.5))
        assert "1.50" in await events.next("figures")
        assert set(looks) == {"drive"}


async def test_what_many_pages_show_is_read_and_written_once_and_each_has_its_own_proof(
    world: World, pages: Pages, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await number(visit)
    visits = [Visit(pages) for _ in range(5)]
    proofs = [(await one.get(f"/stations/{place}")).field("csrf") for one in visits]
    read, written = plugs.station, pages.surface.part
    done: list[str] = []

    async def reading(*given: Any) -> Any:
        done.append("read")
        return await read(*given)

    def writing(template: str, **context: Any) -> str:
        done.append(template)
        return written(template, **context)

    monkeypatch.setattr(plugs, "station", reading)
    monkeypatch.setattr(pages.surface, "part", writing)
    await world.tell("locations", location(world, "CHARGING"))
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(one.stream(f"/stations/{place}/live")) for one in visits]
        lists = [await stack.enter_async_context(one.stream(f"/live?of={place}&points={place}")) for one in visits]
        for events in opened:
            await events.next("evse-2")
        for events in lists:
            await events.next("points")
        done.clear()
        await world.tell("locations", location(world, "AVAILABLE"))
        shown = [await events.next("evse-1") for events in opened]
        assert [proof in html and PROOF not in html for proof, html in zip(proofs, shown, strict=True)] == [True] * 5
        assert len(set(proofs)) == 5
        for events in opened:
            assert await events.next("said") and "evse-2" not in events.seen()
        for events in lists:
            assert "1 of 2 free" in await events.next(f"row-{place}")
        parts = ("driver/_contact.html", "driver/_evse.html", "driver/_said.html", "driver/_row.html")
        assert sorted(done) == sorted(("read", *parts)), "as for one page"


async def test_a_browser_that_goes_leaves_nothing_behind(pages: Pages, visit: Visit) -> None:
    await visit.get("/")
    for _ in range(MOST_OF_ONE + 1):
        async with visit.stream("/live?of=1") as events:
            assert await events.status == 200


async def test_the_end_of_the_process_ends_the_streams(pages: Pages, visit: Visit) -> None:
    station = await number(visit)
    async with visit.stream(f"/stations/{station}/live") as events:
        await events.next("evse-1")
        pages.end()
        await events.end()
    assert (await visit.get(f"/stations/{station}/live")).status == 503


async def test_head_of_a_stream_ends(visit: Visit) -> None:
    assert (await visit.get("/live?of=1", method="HEAD")).status == 200


@pytest.mark.parametrize("html", ["", "one", "two\nlines", "an\r\nevent: forged\n\ndata: x", "a\rb"])
def test_what_a_part_says_stays_within_its_event(html: str) -> None:
    first, *lines = event("part", html).decode().removesuffix("\n\n").split("\n")
    assert first == "event: part"
    assert [line.removeprefix("data: ") for line in lines] == (html.splitlines() or [""])
