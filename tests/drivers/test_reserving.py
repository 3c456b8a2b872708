"""A plug is kept for a driver: asked for, started from, let go, late; the operator is played."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from interplug.config import Payments
from interplug.drivers import reservation_states, reserving
from interplug.drivers.drives import start
from interplug.drivers.paying import Desk, desk_of
from interplug.drivers.plugs import NotPossible
from interplug.drivers.reserving import cancel, possible, reserve, tick
from interplug.model.types import decode_json
from interplug.modules import asking, commands
from interplug.store.drivers import Driver
from interplug.store.reservations import Reservation
from tests.drivers.played import World, session
from tests.modules import said


@pytest.fixture
async def world(world: World) -> World:
    """Its one station can be reserved."""
    await station(world)
    return world


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"payments": Payments(provider="test")}


async def station(world: World, status: str = "AVAILABLE", **more: Any) -> None:
    world.clock.move(1)
    able = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE"]
    evse = said.evse(**{"status": status, "capabilities": able, "last_updated": world.clock.text(), **more})
    location = said.theirs(said.location(evses=[evse], last_updated=world.clock.text()))
    await world.tell("locations", said.said("location", location, "2.2.1"))


async def result(world: World, command: str, word: str) -> None:
    row = await asking.status(world.node, command)
    assert row is not None
    answer = await world.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {"result": word})
    assert answer.ok, answer.message


async def now(world: World, one: Reservation) -> Reservation:
    await tick(world.node)
    found = await world.node.store.read(lambda tx: tx.reservations.get(one.id))
    assert found is not None
    return found


async def reserved(world: World, driver: Driver) -> Reservation:
    one = await reserve(world.node, driver, await world.plug(), 30)
    await result(world, one.command, "ACCEPTED")
    one = await now(world, one)
    assert one.state == reservation_states.RESERVED
    return one


async def test_a_reservation_names_until_when_and_what_it_becomes(world: World, driver: Driver) -> None:
    one = await reserve(world.node, driver, await world.plug(), 30)
    sent = decode_json(world.cpo.asked[-1].body)
    assert (one.state, sent["reservation_id"], sent["authorization_reference"]) == (reservation_states.ASKED, one.id, one.id)
    assert sent["token"]["uid"] == driver.token_uid and sent["expiry_date"] == world.clock.text(1800)


@pytest.mark.parametrize(("word", "words"), [("EVSE_OCCUPIED", "Somebody was quicker"), ("REJECTED", "did not allow")])
async def test_what_the_operator_refuses_is_said(world: World, driver: Driver, word: str, words: str) -> None:
    one = await reserve(world.node, driver, await world.plug(), 15)
    await result(world, one.command, word)
    one = await now(world, one)
    assert one.state == reservation_states.REFUSED and words in one.reason
    world.cpo.word = "REJECTED"
    assert (await reserve(world.node, driver, await world.plug(), 15)).state == reservation_states.REFUSED


async def test_it_goes_on_as_a_drive_under_the_same_reference(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    await station(world, "RESERVED")
    with pytest.raises(NotPossible, match="reserved"):
        await start(world.node, driver, await world.plug())
    drive = await start(world.node, driver, await world.plug(), reserved=one.id)
    assert drive.id == one.id and decode_json(world.cpo.asked[-1].body)["authorization_reference"] == one.id
    await world.tell("sessions", session(world, driver, drive))
    assert (await world.now(drive)).state == "CHARGING"
    assert (await now(world, one)).state == reservation_states.USED


@pytest.mark.req("SES-029")
async def test_an_operator_that_knows_no_references_goes_on_with_the_session_of_the_reservation(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    began = world.clock.text()
    world.clock.move(20 * 60)
    drive = await start(world.node, driver, await world.plug(), reserved=one.id)
    document = session(world, driver, drive, start_date_time=began)
    del document["authorization_reference"]
    await world.tell("sessions", document)
    assert (await world.now(drive)).state == "CHARGING"


async def test_a_second_start_after_one_that_failed_has_an_id_of_its_own(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    world.cpo.word = "REJECTED"
    assert (await start(world.node, driver, await world.plug(), reserved=one.id)).state == "FAILED"
    world.cpo.word = "ACCEPTED"
    again = await start(world.node, driver, await world.plug(), reserved=one.id)
    assert (again.state, again.id == one.id) == ("ACCEPTED", False)


@pytest.mark.req("CMD-040")
async def test_it_is_let_go_taken_back_or_late(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    one = await cancel(world.node, one)
    assert one.state == reservation_states.CANCELLING
    await result(world, one.cancel_command, "ACCEPTED")
    assert (await now(world, one)).state == reservation_states.CANCELED

    one = await reserved(world, driver)
    await result(world, one.command, "CANCELED_RESERVATION")
    one = await now(world, one)
    assert (one.state, one.reason) == (reservation_states.CANCELED, reserving.TAKEN_BACK)

    one = await reserved(world, driver)
    world.clock.move(1801)
    assert (await now(world, one)).state == reservation_states.EXPIRED


async def test_what_cannot_be_cancelled_stays(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    world.cpo.word = "REJECTED"
    one = await cancel(world.node, one)
    assert one.state == reservation_states.RESERVED and "ends by itself" in one.reason


async def test_a_driver_has_one_reservation(world: World, driver: Driver) -> None:
    await reserved(world, driver)
    with pytest.raises(NotPossible, match="already"):
        await reserve(world.node, driver, await world.plug(), 15)


async def test_only_what_the_operator_offers_can_be_reserved(world: World, driver: Driver) -> None:
    assert possible(world.node, await world.plug())
    for more in ({"status": "CHARGING"}, {"capabilities": ["REMOTE_START_STOP_CAPABLE"]}):
        await station(world, **more)
        assert not possible(world.node, await world.plug())
    with pytest.raises(NotPossible, match="cannot be reserved"):
        await reserve(world.node, driver, await world.plug(), 15)


async def test_what_costs_money_is_for_those_who_pay_by_invoice(world: World, driver: Driver) -> None:
    fee = {"price_components": [{"type": "TIME", "price": Decimal(3), "step_size": 60}], "restrictions": {"reservation": "RESERVATION"}}
    energy = {"price_components": [{"type": "ENERGY", "price": Decimal("0.30"), "step_size": 1}]}
    tariff = said.theirs(said.tariff("T1", elements=[fee, energy]))
    await world.tell("tariffs", said.said("tariff", tariff, "2.2.1"))
    await station(world, connectors=[said.connector(tariff_ids=["T1"])])
    desk = desk_of(world.node)
    assert isinstance(desk, Desk)
    with pytest.raises(NotPossible, match="cannot be paid by card"):
        await reserve(world.node, driver, await world.plug(), 15, desk)
    one = await reserve(world.node, driver, await world.plug(), 15)
    assert one.state == reservation_states.ASKED


async def test_a_second_cancel_is_not_taken_for_the_first_that_was_refused(
    world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await cancel(world.node, await reserved(world, driver))
    await result(world, one.cancel_command, "REJECTED")
    one = await now(world, one)
    assert (one.state, "could not be cancelled" in one.reason) == (reservation_states.RESERVED, True)
    send = commands.send

    async def looked_at_meanwhile(*given: Any) -> Any:
        await tick(world.node)
        sent = await send(*given)
        await tick(world.node)
        return sent

    monkeypatch.setattr(commands, "send", looked_at_meanwhile)
    one = await cancel(world.node, one)
    assert one.state == reservation_states.CANCELLING
    await result(world, one.cancel_command, "ACCEPTED")
    assert (await now(world, one)).state == reservation_states.CANCELED


async def test_two_who_cancel_at_once_send_one_cancel_and_its_late_result_counts(world: World, driver: Driver) -> None:
    one = await reserved(world, driver)
    before = len(world.cpo.asked)
    asked = await asyncio.gather(*(cancel(world.node, one) for _ in range(3)))
    assert {other.state for other in (*asked, await cancel(world.node, asked[0]))} == {reservation_states.CANCELLING}
    assert len(world.cpo.asked) == before + 1
    world.clock.move(600)
    await asking.expire(world.node)
    assert (await now(world, one)).state == reservation_states.RESERVED
    await result(world, asked[0].cancel_command, "ACCEPTED")
    assert (await now(world, one)).state == reservation_states.CANCELED


async def test_a_cancel_that_could_not_be_sent_says_why(world: World, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await reserved(world, driver)

    async def refuses(*_: Any) -> Any:
        raise asking.NotSent("the operator has gone")

    monkeypatch.setattr(commands, "send", refuses)
    one = await cancel(world.node, one)
    assert (one.state, one.reason) == (reservation_states.RESERVED, "the operator has gone")
