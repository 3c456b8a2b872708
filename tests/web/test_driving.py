"""A drive on its page: how far a start has come, what went wrong and what one does, its course, what it costs so far, its bill."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interplug.config import Help
from interplug.drivers import at_plug
from interplug.drivers.offers import read_offer
from interplug.drivers.receipt import reading_of
from interplug.modules import asking
from interplug.store.drivers import Reading
from interplug.web.driver import news, rides
from interplug.web.driver import words as said_words
from interplug.web.driver.course import course, thinned
from tests.drivers.played import World, session
from tests.modules import said
from tests.web.starting import begun, words
from tests.web.test_station import TARIFF
from tests.web.visiting import Visit


async def charging(visit: Visit, world: World, **more: Any) -> tuple[str, dict[str, Any]]:
    """A drive that charges; its URL, and what its Session said."""
    url, drive, driver = await begun(visit, world)
    document = session(world, driver, drive, kwh=5, **more)
    await world.tell("sessions", document)
    return url, document


# --- the start


async def test_the_steps_of_a_start_and_what_time_is_left(world: World, visit: Visit) -> None:
    url, drive, _ = await begun(visit, world)
    page = await visit.get(url)
    assert "The station has 0:30 left to answer. You may plug in meanwhile." in words(page)
    assert '<li class="now" aria-current="step">Station told</li>' in page.text
    await world.result(drive, "ACCEPTED")
    page = await visit.get(url)
    assert "The first word of the charge is awaited for 1:30 more." in words(page)
    assert '<li class="now" aria-current="step">Plug in your car</li>' in page.text
    assert (await visit.get(f"{url}.json")).json["answer_until"]


@pytest.mark.parametrize("word", sorted(set(said_words.RESULTS) - {"UNKNOWN_SESSION", "CANCELED_RESERVATION"}))
async def test_every_result_says_what_happened_what_to_do_and_what_to_quote(world: World, visit: Visit, word: str) -> None:
    url, drive, _ = await begun(visit, world)
    if word == "TIMEOUT":
        world.clock.move(31)
        await asking.expire(world.node)
        await world.follower.tick()
    else:
        await world.result(drive, word)
    page, advice = words(await visit.get(url)), said_words.RESULTS[word]
    assert advice.what in page and advice.do in page and f"Quote {drive.id[:4].upper()}-{drive.id[4:8].upper()}" in page


async def test_an_operator_who_cannot_be_reached_was_not_asked_and_has_said_nothing(world: World, visit: Visit) -> None:
    world.cpo.word = None
    url, drive, _ = await begun(visit, world)
    page = words(await visit.get(url))
    assert drive.state == "FAILED" and "could not be reached, so nothing was asked of it" in page
    assert "The operator says" not in page and "refused" not in page


async def test_an_operator_who_does_not_answer_may_start_all_the_same(world: World, visit: Visit) -> None:
    world.cpo.word = ""
    url, drive, _ = await begun(visit, world)
    page = await visit.get(url)
    assert drive.state == "UNSURE" and "Nobody knows yet whether charging begins." in words(page)
    await visit.post(f"{url}/give-up", {"csrf": page.field("csrf")})
    await world.result(await world.now(drive), "ACCEPTED")
    assert (await world.now(drive)).state == "STARTED" and (await world.now(drive)).unwanted, "stopped as soon as it begins"


@pytest.mark.parametrize("asked", ["start", "stop"])
async def test_of_an_operator_who_has_said_nothing_no_words_are_told(world: World, visit: Visit, asked: str) -> None:
    if asked == "start":
        world.cpo.word = ""
        url, *_ = await begun(visit, world)
    else:
        url, _ = await charging(visit, world)
        world.cpo.word = ""
        await visit.post(f"{url}/stop", {"csrf": (await visit.get(url)).field("csrf")})
    world.clock.move(600)
    await asking.expire(world.node)
    await world.follower.tick()
    page = words(await visit.get(url))
    assert "Nobody knows yet" in page and "The operator says" not in page and "no answer" not in page
    assert "no answer" not in (await visit.get(f"{url}.json")).json["reason"]


async def test_a_page_does_not_wait_for_an_operator_who_is_slow(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_plug, "PROMPT", 0.0)
    url, drive, _ = await begun(visit, world)
    assert drive.state == "ASKED" and "Operator asked" in words(await visit.get(url))
    await asyncio.gather(*world.node.tasks)
    assert (await world.now(drive)).state == "ACCEPTED"


async def test_a_fault_that_the_operator_names_is_explained_and_whom_one_can_call(world: World, visit: Visit) -> None:
    world.node.settings = msgspec.structs.replace(world.node.settings, help=Help(phone="+31 20 5"))
    url, drive, _ = await begun(visit, world)
    row = await world.node.store.read(lambda tx: tx.commands.get(drive.command))
    assert row is not None
    result = {"result": "FAILED", "message": {"language": "en", "text": "ground_failure (E-104)"}}
    await world.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {**result, "message": [result["message"]]})
    await world.follower.tick()
    page = words(await visit.get(url))
    assert "Current leaks to earth" in page and "The operator says: ground_failure (E-104)" in page and "Ours: +31 20 5" in page


async def test_a_start_that_failed_is_asked_for_again_at_the_same_price(world: World, visit: Visit) -> None:
    world.cpo.word = "REJECTED"
    url, _, _ = await begun(visit, world)
    page = await visit.get(url)
    assert "Try again" in words(page)
    world.cpo.word = "ACCEPTED"
    assert (await visit.post(f"{url}/again")).status == 403
    answer = await visit.post(f"{url}/again", {"csrf": page.field("csrf")})
    assert answer.status == 303 and answer.header("location") != url and len(world.cpo.asked) == 2
    twice = await visit.post(f"{url}/again", {"csrf": page.field("csrf")})
    assert twice.header("location") == answer.header("location") and len(world.cpo.asked) == 2, "one is open"


async def test_what_is_not_wanted_any_more_is_stopped_as_soon_as_it_begins(world: World, visit: Visit) -> None:
    url, drive, driver = await begun(visit, world)
    page = await visit.get(url)
    await visit.post(f"{url}/give-up", {"csrf": page.field("csrf")})
    assert "You do not want this charge any more" in words(await visit.get(url)) and len(world.cpo.asked) == 1
    await world.tell("sessions", session(world, driver, drive))
    assert world.cpo.asked[-1].url.endswith("STOP_SESSION")
    assert (await world.now(drive)).state == "STOPPING"
    for _ in range(3):
        await world.follower.tick()
    assert len(world.cpo.asked) == 2, "once"


async def test_nothing_is_given_up_that_has_begun(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    csrf = (await visit.get(url)).field("csrf")
    assert (await visit.post(f"{url}/give-up", {"csrf": csrf})).status == 409


async def test_what_to_do_when_the_stop_fails(world: World, visit: Visit) -> None:
    world.node.settings = msgspec.structs.replace(world.node.settings, help=Help(phone="+31 20 5"))
    url, _ = await charging(visit, world)
    page = await visit.get(url)
    await visit.post(f"{url}/stop", {"csrf": page.field("csrf")})
    assert "left to answer" in words(await visit.get(url))
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None
    row = await world.node.store.read(lambda tx: tx.commands.get(drive.stop_command))
    assert row is not None
    await world.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {"result": "FAILED"})
    await world.follower.tick()
    shown = words(await visit.get(url))
    assert "could not be stopped from here" in shown and "pull the plug out" in shown and "Try to stop again" in shown
    assert "The help line can let the cable go." in shown and "Quote " in shown


async def test_what_to_do_when_the_station_said_that_it_stops_and_does_not(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    csrf = {"csrf": (await visit.get(url)).field("csrf")}
    await visit.post(f"{url}/stop", csrf)
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None
    async with visit.stream(f"{url}/live") as events:
        await world.result(drive, "ACCEPTED", of="stop_command")
        while "The operator has" not in (state := await events.next("state")):
            pass
        assert "1:30" in state and "left to tell that charging is over" in state
        world.clock.move(91)
        await world.follower.tick()
        assert "has not said that charging is over" in await events.next("state")
        assert "Try to stop again" in await events.next("stop")
    shown = words(await visit.get(url))
    assert "Look at your car. If it still charges, try again" in shown and "Quote " in shown
    assert (await visit.get(f"{url}.json")).json["stoppable"] is True
    before = len(world.cpo.asked)
    await visit.post(f"{url}/stop", csrf)
    assert len(world.cpo.asked) == before + 1


# --- while it charges


def reading(minute: int, kwh: str, power: str | None = None) -> Reading:
    return Reading(minute * 60_000_000, Decimal(kwh), None if power is None else Decimal(power))


def test_power_follows_from_energy_where_nobody_tells_it() -> None:
    points = course([reading(0, "0"), reading(6, "1"), reading(12, "1.5"), reading(18, "1.4"), reading(24, "2", "7.5")])
    assert [point.kw for point in points] == [None, 10, 5, 0, Decimal("7.5")]


def test_a_long_course_is_thinned_and_keeps_its_ends() -> None:
    points = course([reading(minute, "1") for minute in range(1000)])
    few = thinned(points, 12)
    assert (len(few), few[0], few[-1]) == (12, points[0], points[-1])


def test_a_reading_is_what_the_newest_period_says() -> None:
    periods = [{"start_date_time": said.T, "dimensions": [{"type": "POWER", "volume": 9}, {"type": "STATE_OF_CHARGE", "volume": 41}]}]
    found = reading_of(said.session(kwh=3, charging_periods=periods))
    assert (found.kwh, found.power, found.soc) == (3, 9, 41)


async def test_the_course_is_a_curve_and_a_table(world: World, visit: Visit) -> None:
    url, document = await charging(visit, world)
    for kwh in (6, 7):
        world.clock.move(360)
        await world.tell("sessions", {**document, "kwh": kwh, "last_updated": world.clock.text()})
    drawn = (await visit.get(f"{url}/course.json")).json
    assert (drawn["kwh"], drawn["kw"]) == ([5, 6, 7], [None, 10, 10])
    assert "The course as a table" in words(await visit.get(url)) and "10.0 7.00" in words(await visit.get(url))


async def test_a_charge_that_the_operator_calls_invalid_has_not_failed_to_start(world: World, visit: Visit) -> None:
    url, document = await charging(visit, world)
    world.clock.move(600)
    async with visit.stream(f"{url}/live") as events:
        await events.next("figures")
        await world.tell("sessions", {**document, "kwh": 9, "status": "INVALID", "last_updated": world.clock.text()})
        assert "Declared invalid by the operator" in await events.next("state")
    page = words(await visit.get(url))
    assert "does not mean to bill it" in page and "Not started" not in page and "9.00 kWh" in page
    assert "Declared invalid" in words(await visit.get("/drives"))
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None and "has not begun" not in news.text(await rides.ride(world.node, drive), "failed")


async def test_a_station_that_is_told_of_no_more_keeps_its_name_on_what_was_charged_there(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    await billed(world, url)
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None
    await world.node.store.write(lambda tx: tx.objects.remove(rides.location_of(drive)))
    page = await visit.get(url)
    assert "Stationsplein 1, Amsterdam" in words(page) and "CET" in page.text and "/stations/" not in page.text
    assert "Stationsplein 1" in words(await visit.get("/drives?place=stationsplein"))


async def test_readings_that_come_at_once_are_one(world: World, visit: Visit) -> None:
    url, document = await charging(visit, world)
    for _ in range(3):
        world.clock.move(1)
        await world.tell("sessions", {**document, "kwh": 6, "last_updated": world.clock.text()})
    assert len((await visit.get(f"{url}/course.json")).json["at"]) == 1


async def test_the_cost_so_far_is_told_with_its_parts_and_the_idle_fee_before_it_runs(world: World, visit: Visit) -> None:
    offer = read_offer({"id": "OURS", "tariff": TARIFF})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    url, document = await charging(visit, world)
    page = words(await visit.get(url))
    assert "€4.20" in page and "Fixed fee €1.20" in page and "Energy: 5 kWh €3.00" in page
    assert "Once it is full, standing there costs: €0.12 per minute parked." in page
    world.clock.move(3600)
    periods = [
        {"start_date_time": document["start_date_time"], "dimensions": [{"type": "ENERGY", "volume": 5}]},
        {"start_date_time": world.clock.text(-600), "dimensions": [{"type": "PARKING_TIME", "volume": Decimal("0.1667")}]},
    ]
    await world.tell("sessions", {**document, "charging_periods": periods, "last_updated": world.clock.text()})
    page = words(await visit.get(url))
    assert "Your car does not charge any more, and standing there costs: €0.12 per minute parked. Please make room." in page
    assert (await visit.get(f"{url}.json")).json["idle"] is True


async def test_an_operator_that_falls_silent_is_told_with_the_age_of_what_is_shown(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    await world.node.messages.flush()
    world.clock.move(400)
    world.cpo.word = None
    await world.node.client.call(world.partner.connection, "GET", "locations", "SENDER")
    await world.node.messages.flush()
    page = words(await visit.get(url))
    assert "partner does not answer at the moment" in page and "The station charges on without it." in page
    assert "The operator told this 6 min ago" in page and "5.00 kWh" in page


# --- the bill


async def billed(world: World, url: str, name: str = "C1", **more: Any) -> None:
    drive = await world.node.store.read(lambda tx: tx.drivers.get(url.rpartition("/")[2]))
    assert drive is not None
    driver = await world.node.store.read(lambda tx: tx.drivers.driver(drive.driver))
    assert driver is not None
    token = {"country_code": "DE", "party_id": "ABC", "uid": driver.token_uid, "type": "APP_USER", "contract_id": driver.contract_id}
    world.clock.move(1)
    place = {**said.cdr()["cdr_location"], "evse_uid": "E1"}
    cdr = said.theirs(said.cdr(name, cdr_token=token, cdr_location=place, authorization_reference=drive.id, **more))
    cdr |= {"start_date_time": world.clock.text(-60), "end_date_time": world.clock.text(), "last_updated": world.clock.text()}
    await world.tell("cdrs", said.said("cdr", cdr, "2.2.1"))


async def test_a_bill_that_was_corrected_says_so(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    await billed(world, url)
    assert "Receipt as PDF" in words(await visit.get(url))
    back = {"total_cost": {"before_taxes": Decimal("-0.25")}, "credit": True, "credit_reference_id": "C1"}
    await billed(world, url, "C2", **back)
    page = words(await visit.get(url))
    assert "has taken this bill back" in page and "Mostly a corrected one follows" in page
    await billed(world, url, "C3", total_cost={"before_taxes": Decimal("0.20")})
    page = words(await visit.get(url))
    assert "taken an earlier bill of this charge back (c1), and sent this one" in page and "€0.20" in page


async def test_a_receipt_is_a_file_and_a_remark_is_explained(world: World, visit: Visit) -> None:
    url, _ = await charging(visit, world)
    assert (await visit.get(f"{url}/receipt.pdf")).status == 404
    await billed(world, url, remark="EVCommunicationError at 12:01")
    answer = await visit.get(f"{url}/receipt.pdf")
    assert answer.header("content-type") == "application/pdf" and answer.body.startswith(b"%PDF-")
    page = words(await visit.get(url))
    assert "Car and station do not understand each other. The operator remarks: EVCommunicationError at 12:01" in page
