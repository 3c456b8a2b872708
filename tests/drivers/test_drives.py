"""A driver starts, follows and stops at a partner's station; the partner is played."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import interplug
from interplug.drivers import at_plug, follow
from interplug.drivers.accounts import erase
from interplug.drivers.answers import NOT_OVER
from interplug.drivers.drives import new_driver, start, stop
from interplug.drivers.follow import Follower
from interplug.drivers.plugs import NotPossible, find_plug
from interplug.drivers.receipt import live, receipt
from interplug.drivers.tokens import token_key
from interplug.modules import asking, commands
from interplug.protocol.http import Request, Response
from interplug.store.drivers import Drive, Driver
from interplug.store.keys import Key
from tests.drivers.played import Cpo, World, session
from tests.modules import said


@pytest.mark.req("TOK-037")
async def test_a_drivers_token_is_never_whitelisted(world: World, driver: Driver) -> None:
    stored = await world.node.store.read(lambda tx: tx.objects.get(token_key(world.node, driver)))
    assert stored is not None and (stored.document["type"], stored.document["whitelist"]) == ("APP_USER", "NEVER")


async def test_a_start_sends_the_drivers_own_token_and_a_reference(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    assert drive.state == "ACCEPTED"
    sent = world.cpo.asked[-1].body.decode()
    assert driver.token_uid in sent and drive.id in sent


@pytest.mark.req("HCI-012")
async def test_nothing_is_started_at_an_operator_that_a_hub_does_not_reach(world: World, driver: Driver) -> None:
    number, wanted = world.partner.connection.id, await world.plug()
    hub = {"hub_party_id": "BEHUB", "roles": [{"role": "OTHER", "country_code": "BE", "party_id": "HUB"}]}
    await world.node.directory.write(lambda tx: tx.partners.change(number, credentials=hub))
    with pytest.raises(NotPossible, match="no connection to this operator any more"):
        await start(world.node, driver, wanted)
    for status, why in (("OFFLINE", "no contact"), ("CONNECTED", None)):
        world.clock.move(1)
        client = {"country_code": "BE", "party_id": "XYZ", "role": "CPO", "status": status, "last_updated": world.clock.text()}
        assert (await world.partner.send("PUT", "hubclientinfo/BE/XYZ", client)).ok
        if why is not None:
            with pytest.raises(NotPossible, match=why):
                await start(world.node, driver, wanted)
            assert world.cpo.asked == []
    assert (await start(world.node, driver, wanted)).state == "ACCEPTED"


async def test_the_operator_of_the_plug_is_asked_where_another_of_its_platform_uses_the_same_ids(world: World, driver: Driver) -> None:
    key = (await world.plug()).location.key
    other = said.theirs(said.location(evses=[said.evse(status="AVAILABLE")]))
    beside = Key("locations", key.source, "BE", "AAA", "L1")
    await world.node.store.write(lambda tx: tx.objects.save(beside, {**other, "party_id": "AAA"}, last_updated=0))
    drive = await start(world.node, driver, await find_plug(world.node, key.source, "BE", "AAA", "L1", "E1", "1"))
    assert drive.state == "ACCEPTED" and world.cpo.asked[-1].headers["ocpi-to-party-id"] == "AAA"


@pytest.mark.parametrize(("word", "state"), [("REJECTED", "FAILED"), ("NOT_SUPPORTED", "FAILED"), (None, "FAILED")])
async def test_a_start_that_the_cpo_does_not_take_has_failed_with_a_reason(
    world: World, driver: Driver, word: str | None, state: str
) -> None:
    world.cpo.word = word
    drive = await start(world.node, driver, await world.plug())
    assert drive.state == state and drive.reason


async def test_an_evse_that_is_not_available_is_not_even_asked(world: World, driver: Driver) -> None:
    with pytest.raises(NotPossible, match="Somebody is charging"):
        await start(world.node, driver, await world.plug("E2"))
    with pytest.raises(NotPossible, match="no such plug"):
        await world.plug("E9")
    assert world.cpo.asked == []


async def test_a_driver_has_one_drive_at_a_time(world: World, driver: Driver) -> None:
    await start(world.node, driver, await world.plug())
    with pytest.raises(NotPossible, match="already"):
        await start(world.node, driver, await world.plug())


async def test_a_drive_that_its_operator_does_not_end_keeps_nobody_from_charging_elsewhere(world: World, driver: Driver) -> None:
    drive = await charging(world, driver)
    world.cpo.word = None
    with pytest.raises(NotPossible, match="already"):
        await start(world.node, driver, await world.plug())
    with pytest.raises(NotPossible, match="charging at the moment"):
        await erase(world.node, driver.id)
    assert (await stop(world.node, drive)).state == "CHARGING", "nobody is there"
    world.cpo.word = "ACCEPTED"
    other = await start(world.node, driver, await world.plug())
    assert other.state == "ACCEPTED"
    await world.tell("sessions", session(world, driver, drive, status="COMPLETED", end_date_time=world.clock.text()))
    assert ((await world.now(drive)).state, (await world.now(other)).state) == ("FINISHED", "ACCEPTED"), "each is its own"
    await world.result(other, "REJECTED")
    assert (await erase(world.node, driver.id)).drives == 2


async def test_from_the_button_to_the_receipt(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    await world.result(drive, "ACCEPTED")
    assert (await world.now(drive)).state == "STARTED"
    await world.tell("sessions", session(world, driver, drive))
    drive = await world.now(drive)
    assert drive.state == "CHARGING" and (await live(world.node, drive)).kwh is not None
    assert (await stop(world.node, drive)).state == "STOPPING"
    world.clock.move(60)
    await world.tell("sessions", session(world, driver, drive, status="COMPLETED", end_date_time=world.clock.text()))
    assert (await world.now(drive)).state == "FINISHED"
    token = session(world, driver, drive)["cdr_token"]
    cdr = said.theirs(said.cdr(cdr_token=token, authorization_reference=drive.id))
    await world.tell("cdrs", said.said("cdr", cdr, "2.2.1"))
    drive = await world.now(drive)
    assert drive.state == "BILLED" and await receipt(world.node, drive) is not None


async def test_a_session_that_begins_after_a_timeout_is_believed(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    await world.result(drive, "TIMEOUT")
    assert (await world.now(drive)).state == "FAILED"
    await world.tell("sessions", session(world, driver, drive))
    assert (await world.now(drive)).state == "CHARGING"


async def test_a_start_that_nobody_confirms_becomes_unsure_and_then_fails(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    world.clock.move(600)
    await asking.expire(world.node)
    await world.follower.tick()
    assert (await world.now(drive)).state == "UNSURE"
    world.clock.move(3600)
    await world.follower.tick()
    assert (await world.now(drive)).state == "FAILED"


async def test_somebody_elses_session_is_not_this_drivers(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    other = await new_driver(world.node)
    await world.tell("sessions", session(world, other, drive, authorization_reference=None))
    assert (await world.now(drive)).session == 0


async def test_after_a_restart_the_reader_goes_on(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    await world.tell("sessions", session(world, driver, drive))
    again = Follower(world.node)
    await again.reader.start()
    assert again.reader.position == world.follower.reader.position > 0


@pytest.mark.req("CMD-042")
def test_nothing_that_a_driver_can_reach_unlocks_a_connector() -> None:
    """UNLOCK_CONNECTOR is for the help desk: neither the drivers' business nor a page says the word."""
    rooms = Path(interplug.__file__).parent
    files = [file for room in ("drivers", "web") for file in (rooms / room).rglob("*") if file.suffix in (".py", ".html")]
    assert files
    assert [file.name for file in files if "unlock" in file.read_text(encoding="utf-8").lower()] == []


async def charging(world: World, driver: Driver) -> Drive:
    drive = await start(world.node, driver, await world.plug())
    await world.tell("sessions", session(world, driver, drive))
    return await world.now(drive)


async def test_time_alone_writes_nothing_about_a_drive_that_charges(world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    await charging(world, driver)
    world.clock.move(86_400)
    written: list[str] = []
    happened = follow.happened

    async def counted(*given: Any) -> Any:
        written.append(given[2])
        return await happened(*given)

    monkeypatch.setattr(follow, "happened", counted)
    await world.follower.tick()
    assert written == []


async def refused_at_the_station(world: World, drive: Drive) -> Drive:
    """The operator took the stop, and the station did not do it."""
    drive = await stop(world.node, drive)
    await world.result(drive, "REJECTED", of="stop_command")
    drive = await world.now(drive)
    assert (drive.state, "could not be stopped" in drive.reason) == ("CHARGING", True)
    return drive


async def test_a_second_stop_is_not_taken_for_the_first_that_was_refused(
    world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = await refused_at_the_station(world, await charging(world, driver))
    send = commands.send

    async def looked_at_meanwhile(*given: Any) -> Any:
        await world.follower.tick()
        sent = await send(*given)
        await world.follower.tick()
        return sent

    monkeypatch.setattr(commands, "send", looked_at_meanwhile)
    assert (await stop(world.node, drive)).state == "STOPPING"
    drive = await world.now(drive)
    await world.result(drive, "ACCEPTED", of="stop_command")
    drive = await world.now(drive)
    assert (drive.state, drive.reason) == ("STOPPING", "")


async def test_two_who_press_stop_at_once_send_one_stop(world: World, driver: Driver) -> None:
    drive = await charging(world, driver)
    before = len(world.cpo.asked)
    pressed = await asyncio.gather(*(stop(world.node, drive) for _ in range(3)))
    assert [one.state for one in (*pressed, await stop(world.node, pressed[0]))] == ["STOPPING"] * 4
    assert len(world.cpo.asked) == before + 1


async def test_a_stop_that_was_slow_says_nothing_of_the_one_after_it(world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = await charging(world, driver)
    reply, answer = Cpo.__call__, asyncio.Event()

    async def slow(cpo: Cpo, request: Request) -> Response:
        await answer.wait()
        return await reply(cpo, request)

    monkeypatch.setattr(at_plug, "PROMPT", 0.01)
    monkeypatch.setattr(Cpo, "__call__", slow)
    assert (await stop(world.node, drive)).state == "STOPPING"
    world.clock.move(600)
    await asking.expire(world.node)
    await world.follower.tick()
    assert (await world.now(drive)).state == "CHARGING", "the first is over"
    monkeypatch.undo()
    assert (await stop(world.node, await world.now(drive))).state == "STOPPING"
    answer.set()
    await asyncio.gather(*world.node.tasks)
    assert (await world.now(drive)).state == "STOPPING"


async def test_a_stop_that_is_accepted_late_counts(world: World, driver: Driver) -> None:
    drive = await stop(world.node, await charging(world, driver))
    world.clock.move(600)
    await asking.expire(world.node)
    await world.follower.tick()
    assert (await world.now(drive)).state == "CHARGING"
    await world.result(drive, "ACCEPTED", of="stop_command")
    drive = await world.now(drive)
    assert (drive.state, drive.reason) == ("STOPPING", "")


async def test_a_station_that_said_yes_and_charges_on_can_be_asked_again(world: World, driver: Driver) -> None:
    drive = await stop(world.node, await charging(world, driver))
    await world.result(drive, "ACCEPTED", of="stop_command")
    world.clock.move(89)
    await world.follower.tick()
    assert (await stop(world.node, await world.now(drive))).stop_command == drive.stop_command, "it is waited for"
    world.clock.move(2)
    for _ in range(2):
        await world.follower.tick()
        found = await world.now(drive)
        assert (found.state, found.reason) == ("CHARGING", NOT_OVER)
    again = await stop(world.node, found)
    assert again.state == "STOPPING" and again.stop_command != drive.stop_command
    await world.tell("sessions", session(world, driver, drive, status="COMPLETED", end_date_time=world.clock.text()))
    assert (await world.now(drive)).state == "FINISHED"


async def test_who_wants_to_stop_waits_for_no_operator_that_takes_a_day(
    world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = await charging(world, driver)
    monkeypatch.setattr(asking, "_response", lambda *_: {"result": "ACCEPTED", "timeout": 86_400})
    drive = await stop(world.node, drive)
    world.clock.move(181)
    await world.follower.tick()
    assert (await world.now(drive)).state == "CHARGING"
    await world.result(drive, "ACCEPTED", of="stop_command")
    assert (await world.now(drive)).state == "STOPPING", "a late yes counts"


async def test_a_stop_that_could_not_be_sent_says_why(world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = await charging(world, driver)

    async def refuses(*_: Any) -> Any:
        raise asking.NotSent("the operator has gone")

    monkeypatch.setattr(commands, "send", refuses)
    drive = await stop(world.node, drive)
    assert (drive.state, drive.reason, drive.stop_command) == ("CHARGING", "the operator has gone", "")
