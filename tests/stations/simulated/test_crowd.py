"""A crowd of simulated stations over real WebSockets: they connect, charge, are cut off and come back, and are directed from outside."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interplug.stations.simulator import control
from interplug.stations.simulator.arrivals import DRIVE, Arrivals
from interplug.stations.simulator.cards import Standing
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.line import Csms
from interplug.stations.simulator.mixes import MIXES, Habits, crowd
from interplug.stations.simulator.plan import Evse, Plan, read
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.transaction import Token
from tests.stories.test_tls import certificate

from .csms import AC, VERSIONS
from .served import Served, served

CARD = Token("04A1B2C3")


def three(**more: Any) -> list[Plan]:
    """A station of each version."""
    evses = (Evse((AC,)), Evse((AC,)))
    return [Plan(id=f"CP{number}", version=version, evses=evses, **more) for number, version in enumerate(VERSIONS)]  # type: ignore[arg-type]


@asynccontextmanager
async def running(csms: Served, plans: list[Plan], speed: float = 1.0, **habits: Any) -> AsyncIterator[Crowd]:
    made = Crowd(plans, Csms(csms.url, speed=speed, ping=None), epoch=csms.clock() / 1_000_000, **habits)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_version_connects_boots_and_charges() -> None:
    async with served() as csms, running(csms, three(settings={"MeterValueSampleInterval": "1"}), speed=50) as made:
        await csms.until(lambda: made.figures()["online"] == 3)
        assert [book.dialect.version for _, book in sorted(csms.books.items())] == list(VERSIONS)
        for station in made.lines:
            assert made.plug_in(station) and await made.tap(station, CARD, 1)
        await csms.until(lambda: all(len(book.of("MeterValues") or book.of("TransactionEvent")) > 3 for book in csms.books.values()))
        for station in made.lines:
            made.leave(station)
        await csms.until(
            lambda: all(book.of("StopTransaction") or ("Ended", "StopAuthorized") in book.events() for book in csms.books.values())
        )
        assert made.figures()["refused"] == 0


async def test_the_csms_starts_and_stops_over_the_wire_and_the_driver_comes_and_goes() -> None:
    async with served() as csms, running(csms, three(), speed=60, arrives=5, leaves=5) as made:
        await csms.until(lambda: len(csms.links) == 3 and made.figures()["online"] == 3)
        old, new = csms.links["CP0"], csms.links["CP2"]
        assert await old.call("RemoteStartTransaction", {"idTag": "APP", "connectorId": 1}) == {"status": "Accepted"}
        asked = {"idToken": {"idToken": "APP", "type": "Central"}, "remoteStartId": 1, "evseId": 2}
        assert await new.call("RequestStartTransaction", asked) == {"status": "Accepted"}
        await csms.until(lambda: bool(csms.books["CP0"].of("StartTransaction") and csms.books["CP2"].events()))
        assert (await old.call("RemoteStopTransaction", {"transactionId": 1}))["status"] == "Accepted"
        await csms.until(lambda: csms.books["CP0"].statuses()[-1] == "Available")


async def test_a_line_that_is_cut_comes_back_and_brings_what_was_kept() -> None:
    async with served() as csms, running(csms, three(settings={"MeterValueSampleInterval": "10"}), speed=60) as made:
        await csms.until(lambda: made.figures()["online"] == 3)
        for station in made.lines:
            made.plug_in(station)
            assert await made.tap(station, CARD, 1)
            await made.offline(station)
        await csms.until(lambda: not csms.links and made.figures()["waiting"] > 10)
        for station in made.lines:
            made.online(station)
        await csms.until(lambda: made.figures()["online"] == 3 and made.figures()["waiting"] == 0)
        assert any(event.get("offline") for event in csms.books["CP1"].of("TransactionEvent"))
        assert all(line.figures.opened == 2 and len(csms.books[name].of("BootNotification")) == 1 for name, line in made.lines.items())


async def test_a_csms_that_was_away_is_found_again_and_a_station_that_was_reset_boots_again() -> None:
    async with served() as csms, running(csms, three(), speed=60) as made:
        await csms.until(lambda: made.figures()["online"] == 3)
        for link in list(csms.links.values()):
            await link.close()
        await csms.until(lambda: len(csms.links) == 3 and made.figures()["opened"] == 6)
        await csms.links["CP0"].call("Reset", {"type": "Hard"})
        await csms.until(lambda: len(csms.books["CP0"].of("BootNotification")) == 2)
        assert made.figures()["online"] == 3


async def test_a_station_has_its_password_and_one_without_stays_outside() -> None:
    plans = [Plan(id="GOOD", password="sesame"), Plan(id="BAD", password="wrong")]
    async with served(passwords={"GOOD": "sesame", "BAD": "right"}) as csms, running(csms, plans) as made:
        await csms.until(lambda: made.figures()["online"] == 1 and bool(csms.refused))
        assert set(csms.refused) == {"BAD"} and set(csms.links) == {"GOOD"}
        assert "401" in made.line("BAD").trouble


async def test_drivers_come_stations_break_and_lines_are_lost_and_every_message_is_as_it_should_be() -> None:
    habits = Habits(gap=300, stay=(60, 600), fault_every=900, fault_lasts=120, drop_every=900, drop_lasts=60)
    async with served() as csms, running(csms, crowd("rough", 30, seed=3), speed=300) as made:
        drivers = asyncio.create_task(Arrivals(made, habits, seed=3).run())
        await csms.until(lambda: made.figures()["transactions"] > 60 and made.figures()["opened"] > 45)
        drivers.cancel()
        await asyncio.gather(drivers, return_exceptions=True)
        figures = made.figures()
        assert figures["refused"] == figures["given_up"] == figures["silent"] == 0


async def test_a_card_is_where_its_car_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while a CSMS thinks about it, after its charge, and on the way to the next place."""
    asked: list[Callable[[Standing], None]] = []
    monkeypatch.setattr(Station, "authorise", lambda self, token, then: asked.append(then))
    async with served() as csms, running(csms, three()) as made:
        await csms.until(lambda: made.figures()["online"] == 3)
        evses = [(station, evse) for station in made.stations for evse in station.evses]
        drivers = Arrivals(made, Habits(gap=1, stay=(3600, 3600)), [CARD, Token("04D4E5F6")])

        def standing() -> int:
            for _ in range(30):
                drivers._arrive()
            return sum(evse.car is not None for _, evse in evses)

        assert (standing(), len(asked)) == (2, 2)
        for then in asked:
            then(Standing("Accepted"))
        for station, evse in evses:
            if evse.car is not None:
                station.stop(evse)
        assert standing() == 2, "their cars stand there without a charge"
        for station, evse in evses:
            station.unplug(evse.number)
        assert standing() == 0, "they are on their way"


async def test_whose_card_is_not_let_in_tries_elsewhere_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Station, "authorise", lambda self, token, then: then(Standing("Invalid")))
    async with served() as csms, running(csms, three()) as made:
        await csms.until(lambda: made.figures()["online"] == 3)
        drivers = Arrivals(made, Habits(gap=1), [CARD])
        drivers._arrive()
        [(_, car)] = drivers._cars.values()
        assert all(evse.car is None for station in made.stations for evse in station.evses)
        now = made.stations[0].advance()
        assert drivers._card(now) is None and drivers._card(car.leaves_at + DRIVE) == CARD


def test_a_mix_is_the_same_for_the_same_seed_and_has_its_versions() -> None:
    assert crowd("city", 50, seed=1) == crowd("city", 50, seed=1) != crowd("city", 50, seed=2)
    for name, mix in MIXES.items():
        plans = crowd(name, 300, seed=1)
        assert {one.version for one in plans} == {version for version, _ in mix.versions}
        assert len({one.id for one in plans}) == 300


def test_a_file_of_stations_is_read_and_a_wrong_one_says_where(tmp_path: Path) -> None:
    file = tmp_path / "stations.json"
    evses = [{"connectors": [{"power_type": "DC", "watts": 50000}]}]
    file.write_text(json.dumps([{"id": "CP*1", "version": "2.0.1", "password": "x", "evses": evses}]))
    [plan] = read(file)
    assert plan.evses[0].connectors[0].dc and plan.password == "x"
    file.write_text(json.dumps([{"id": "CP 1"}]))
    with pytest.raises(ValueError, match="id"):
        read(file)


# --- directed from outside


async def test_orders_are_json_lines_and_a_bad_one_harms_nothing() -> None:
    async with served() as csms, running(csms, three()) as made:
        await csms.until(lambda: made.figures()["online"] == 3)

        async def order(**asked: Any) -> dict[str, Any]:
            told: dict[str, Any] = json.loads(await control.answer(made, json.dumps(asked).encode()))
            return told

        assert await order(do="plug_in", station="CP0", evse=2, battery=50000, soc=0.5, id=7) == {"ok": True, "plugged_in": True, "id": 7}
        assert await order(do="tap", station="CP0", evse=2, card="04AA") == {"ok": True, "accepted": True}
        state = await order(do="state", station="CP0")
        assert state["online"] and state["evses"][1]["states"] == ["Charging"] and state["evses"][1]["transaction"]
        assert (await order(do="fault", station="CP0", evse=2, code="GroundFailure"))["ok"]
        assert (await order(do="state", station="CP0"))["evses"][1]["states"] == ["Faulted"]
        for again in ("clear", "unplug", "leave"):
            assert (await order(do=again, station="CP0", evse=2))["ok"]
        assert (await order(do="offline", station="CP1")) == (await order(do="online", station="CP1")) == {"ok": True}
        assert (await order(do="figures"))["stations"] == 3
        for wrong in ({"do": "dance"}, {"do": "plug_in", "station": "NOBODY"}, {"do": "tap", "station": "CP0", "evse": 9}, {"do": 5}):
            assert not (await order(**wrong))["ok"]
        assert json.loads(await control.answer(made, b"no json"))["ok"] is False


@pytest.mark.parametrize("way", ["socket", "stdin"])
async def test_the_command_takes_orders_and_tells_what_became_of_its_stations(way: str, tmp_path: Path) -> None:
    path = tmp_path / "crowd"
    async with served() as csms:
        options = ["--url", csms.url, "--profile", "still", "--count", "5", "--json", "--control", "-" if way == "stdin" else str(path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interplug.cli.main", "station", "simulate", *options,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        await csms.until(lambda: len(csms.books) == 5)
        if way == "socket":
            assert os.stat(path).st_mode & 0o777 == 0o600
            reader, writer = await asyncio.open_unix_connection(path)
        else:
            reader, writer = process.stdout, process.stdin
        writer.write(b'{"do":"plug_in","station":"SIM00001"}\n')
        assert json.loads(await reader.readline()) == {"ok": True, "plugged_in": True}
        writer.close()
        if way == "socket":
            process.terminate()
        told = json.loads(await process.stdout.read())
        assert await process.wait() == 0 and told["stations"] == told["opened"] == 5


async def test_the_command_says_when_nobody_is_there() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interplug.cli.main", "station", "simulate", "--url", "ws://127.0.0.1:1", "--count", "1", "--seconds", "1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 3 and b"no station reached" in said


async def test_tls_with_a_certificate_on_either_side(tmp_path: Path) -> None:
    """Security profiles 2 and 3: the station knows whom it trusts, and proves itself."""
    (tmp_path / "csms").mkdir()
    (tmp_path / "station").mkdir()
    csms_certificate, csms_key = certificate(tmp_path / "csms")
    own, own_key = certificate(tmp_path / "station")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(own))
    context.load_cert_chain(csms_certificate, csms_key)
    context.verify_mode = ssl.CERT_REQUIRED
    plans = [Plan(id="WITH", version="2.0.1", certificate=str(own), key=str(own_key)), Plan(id="WITHOUT", password="x")]
    async with served(context=context) as csms:
        url = csms.url.replace("ws:", "wss:")
        made = Crowd(plans, Csms(url, ca=str(csms_certificate)))
        task = asyncio.create_task(made.run())
        inside, outside = made.line("WITH"), made.line("WITHOUT")
        await csms.until(lambda: inside.station.online and outside.figures.failed + outside.figures.opened > 0)
        assert set(csms.books) == {"WITH"} and not outside.station.online
        stranger = Crowd([plans[0]], Csms(url))
        other = asyncio.create_task(stranger.run())
        await csms.until(lambda: bool(stranger.line("WITH").trouble))
        assert "certificate" in stranger.line("WITH").trouble
        for one in (task, other):
            one.cancel()
        await asyncio.gather(task, other, return_exceptions=True)
