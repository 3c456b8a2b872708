"""A driver starts, follows and stops at a partner's station; the partner is played."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import interplug
from interplug.drivers.drives import NotPossible, Plug, find_plug, new_driver, start, stop
from interplug.drivers.follow import Follower
from interplug.drivers.receipt import live, receipt
from interplug.model.types import encode_json
from interplug.modules import commands
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.drivers import Drive, Driver
from tests.modules import said
from tests.nodes import EMSP, Clock, Partner, Wire, befriend, close, make_node

CPO = (("CPO", "BE", "XYZ"),)


class Cpo:
    """Answers commands with a word; None: nobody is there."""

    def __init__(self) -> None:
        self.word: str | None = "ACCEPTED"
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.word is None:
            raise Unreachable("refused")
        data = {"result": self.word, "timeout": 30}
        return Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", "data": data}))


class World:
    def __init__(self, node: Node, clock: Clock, cpo: Cpo, partner: Partner) -> None:
        self.node, self.clock, self.cpo, self.partner = node, clock, cpo, partner
        self.follower = Follower(node)

    async def plug(self, evse: str = "E1") -> Plug:
        return await find_plug(self.node, self.partner.connection.id, "BE", "XYZ", "L1", evse, "1")

    async def tell(self, module: str, document: dict[str, Any]) -> None:
        """The CPO pushes."""
        if module == "cdrs":
            answer = await self.partner.send("POST", "cdrs", document)
        else:
            answer = await self.partner.send("PUT", f"{module}/BE/XYZ/{document['id']}", document)
        assert answer.ok, answer.message
        await self.follower.tick()

    async def result(self, drive: Drive, word: str) -> None:
        row = await commands.status(self.node, drive.command)
        assert row is not None
        answer = await self.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {"result": word})
        assert answer.ok, answer.message
        await self.follower.tick()

    async def now(self, drive: Drive) -> Drive:
        found = await self.node.store.read(lambda tx: tx.drivers.get(drive.id))
        assert found is not None
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, wire, cpo = Clock(), Wire(), Cpo()
    node = await make_node(tmp_path, parties=(EMSP,), clock=clock, wire=wire)
    wire.places["https://partner.example"] = cpo
    made = World(node, clock, cpo, await befriend(node, "2.2.1", parties=CPO))
    location = said.theirs(said.location(evses=[said.evse(status="AVAILABLE"), said.evse("E2", status="CHARGING")]))
    await made.tell("locations", said.said("location", location, "2.2.1"))
    yield made
    await close(node)


@pytest.fixture
async def driver(world: World) -> Driver:
    return await new_driver(world.node)


def session(world: World, driver: Driver, drive: Drive, **more: Any) -> dict[str, Any]:
    token = {"country_code": "DE", "party_id": "ABC", "uid": driver.token_uid, "type": "APP_USER", "contract_id": driver.contract_id}
    document = said.theirs(said.session(location_id="L1", evse_uid="E1", connector_id="1", cdr_token=token, status="ACTIVE"))
    document |= {"authorization_reference": drive.id, "last_updated": world.clock.text(), **more}
    return said.said("session", document, "2.2.1")


async def test_a_start_sends_the_drivers_own_token_and_a_reference(world: World, driver: Driver) -> None:
    drive = await start(world.node, driver, await world.plug())
    assert drive.state == "ACCEPTED"
    sent = world.cpo.asked[-1].body.decode()
    assert driver.token_uid in sent and drive.id in sent


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
    await commands.expire(world.node)
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
    await again.start()
    assert again.position == world.follower.position > 0


@pytest.mark.req("CMD-042")
def test_nothing_that_a_driver_can_reach_unlocks_a_connector() -> None:
    """UNLOCK_CONNECTOR is for the help desk: neither the drivers' business nor a page says the word."""
    rooms = Path(interplug.__file__).parent
    files = [file for room in ("drivers", "web") for file in (rooms / room).rglob("*") if file.suffix in (".py", ".html")]
    assert files
    assert [file.name for file in files if "unlock" in file.read_text(encoding="utf-8").lower()] == []
