"""Who is let in: identities, passwords, versions, stations that nobody has added, and connections that follow each other."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from interplug.config import Stations
from interplug.modules.node import Node
from interplug.stations.csms import keys, provisioning
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import DIALECTS, V16, V201
from interplug.stations.ocpp.link import Refused
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, meter, start, status, stop
from tests.stations.csms.stations import PASSWORD, add_station, station


def basic(user: str, password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(user.encode() + b":" + password).decode()}


async def knock(csms: Csms, path: str, headers: dict[str, str], versions: tuple[str, ...] = ("ocpp1.6",)) -> ClientConnection:
    address = f"ws://127.0.0.1:{csms.door.ports['ws']}{path}"
    return await connect(address, subprotocols=[Subprotocol(one) for one in versions], additional_headers=headers)


STRANGERS: list[tuple[str, dict[str, str], int]] = [
    ("/ocpp/NOBODY", basic("NOBODY", PASSWORD.encode()), 404),
    ("/ocpp/CS1", {}, 401),
    ("/ocpp/CS1", basic("CS1", b"wrong"), 401),
    ("/ocpp/CS1", basic("CS2", PASSWORD.encode()), 401),
    ("/ocpp/CS1", {"Authorization": "Basic !!!"}, 401),
    ("/ocpp/CS1", {"Authorization": f"Bearer {PASSWORD}"}, 401),
    ("/ocpp/CS%3A1", basic("CS:1", PASSWORD.encode()), 404),
    ("/", basic("CS1", PASSWORD.encode()), 404),
    (f"/{'x' * 49}", {}, 404),
    ("/%FF", {}, 404),
]


async def test_a_stranger_is_told_of(csms: Csms, caplog: pytest.LogCaptureFixture) -> None:
    """So a person finds the letter that is wrong in an identity."""
    with pytest.raises(InvalidStatus):
        await knock(csms, "/CSl", basic("CSl", PASSWORD.encode()))
    assert caplog.messages == ["station CSl is not let in: nobody has added it"]


@pytest.mark.parametrize(("path", "headers", "code"), STRANGERS, ids=[f"{row[0][:14]} {row[2]}" for row in STRANGERS])
async def test_a_stranger_is_not_let_in(csms: Csms, path: str, headers: dict[str, str], code: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await knock(csms, path, headers)
    assert refused.value.response.status_code == code


GOOD = [
    ("/CS1", PASSWORD.encode()),
    ("/any/where/CS1", PASSWORD.encode()),
    ("/CS1?x=1", PASSWORD.encode()),
    ("/%43S1", PASSWORD.encode()),
    ("/CS1", bytes.fromhex(PASSWORD)),
]


@pytest.mark.parametrize(("path", "password"), GOOD)
async def test_a_password_is_known_as_text_and_as_the_bytes_that_it_writes(csms: Csms, path: str, password: bytes) -> None:
    socket = await knock(csms, path, basic("CS1", password))
    assert socket.subprotocol == "ocpp1.6"
    await socket.close()


@pytest.mark.parametrize("hashed", [keys.hashed, keys.hashed_quickly])
async def test_a_password_that_was_made_here_is_known_by_either_hash(hashed: Callable[[str], str]) -> None:
    """Those of before are kept as argon2; text and bytes are the same password, and nothing else is."""
    made = keys.new_password()
    kept, other = hashed(made), hashed(made)
    assert kept != other and made not in kept
    fits = keys.Passwords().fits
    assert await fits("CS1", kept, made.encode()) and await fits("CS1", kept, bytes.fromhex(made))
    wrong = [b"", made[:-1].encode(), (made + "0").encode(), keys.new_password().encode(), kept.encode()]
    assert [await fits("CS1", kept, one) for one in wrong] == [False] * len(wrong)


async def test_without_a_version_in_common_the_upgrade_names_none_and_the_socket_closes(csms: Csms) -> None:
    socket = await knock(csms, "/CS1", basic("CS1", PASSWORD.encode()), ("ocpp1.5", "ocpp3.0"))
    assert socket.subprotocol is None
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1002


async def test_the_newest_version_that_both_speak_is_spoken_and_2_x_may_compress(csms: Csms) -> None:
    for offered, chosen, compressed in (
        (("ocpp1.6", "ocpp2.0.1", "ocpp2.1"), "ocpp2.1", True),
        (("ocpp1.6", "ocpp2.0.1"), "ocpp2.0.1", True),
        (("ocpp1.6",), "ocpp1.6", False),
    ):
        socket = await knock(csms, "/CS1", basic("CS1", PASSWORD.encode()), offered)
        assert (socket.subprotocol, bool(socket.protocol.extensions)) == (chosen, compressed)
        await socket.close()


async def test_a_flood_of_what_is_no_message_and_a_frame_that_is_too_large_hurt_nobody_else(csms: Csms, clock: Clock) -> None:
    await add_station(csms.node, "CS2", outlets=[])
    async with station(csms, V16, "CS2") as good:
        bad = await knock(csms, "/CS1", basic("CS1", PASSWORD.encode()))
        for number in range(200):
            await bad.send(f"nonsense {number}" if number % 2 else b"\xff\x00")
        answers = [await bad.recv() for _ in range(200)]
        assert all(str(answer).startswith("[4,") for answer in answers)
        await bad.send("x" * (csms.node.settings.stations.largest_frame + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await bad.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        assert await good.say("Heartbeat") == {"currentTime": clock.text()}


# --- stations that nobody has added


@pytest.fixture
def offering() -> Stations:
    return Stations(enabled=True, port=0, status_settle=0, unknown="offer", most_offered=2)


class TestOffered:
    @pytest.fixture
    def settings(self, offering: Stations) -> Stations:
        return offering

    async def test_it_waits_until_it_is_adopted(self, csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
        await node.store.write(lambda tx: tx.charging_stations.remove("CS1"))
        about: dict[str, Any] = {"chargePointVendor": "Acme", "chargePointModel": "Wall 1"}
        async with station(csms, V16, "NEW") as one:
            assert (await one.say("BootNotification", **about))["status"] == "Pending"
            with pytest.raises(Refused) as refused:
                await start(one, clock)
            assert refused.value.code == "SecurityError"
            [offered] = await node.store.read(lambda tx: tx.charging_stations.all())
            assert (offered.id, offered.state, offered.about["model"]) == ("NEW", "offered", "Wall 1")
            await provisioning.adopt(node, "NEW", "LOC1", outlets=(), profile=None, password=None)
            await csms.hall.look()
            await one.running
        async with station(csms, V16, "NEW") as one:
            assert (await one.say("BootNotification", **about))["status"] == "Accepted"
            await start(one, clock)
        with pytest.raises(InvalidStatus):
            async with station(csms, V16, "NEW", password="of somebody else"):
                pass

    async def test_not_everybody_can_wait(self, csms: Csms) -> None:
        for name in ("A", "B"):
            async with station(csms, V201, name):
                pass
        with pytest.raises(InvalidStatus):
            async with station(csms, V201, "C"):
                pass

    async def test_who_has_left_long_ago_makes_room(self, csms: Csms, node: Node, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        for name in ("A", "B"):
            async with station(csms, V201, name) as one:
                await one.say("Heartbeat")
        await asyncio.gather(*(post.ended.wait() for post in csms.hall.posts.values()))
        with pytest.raises(InvalidStatus):
            async with station(csms, V201, "C"):
                pass
        assert "station C is not let in: too many wait to be adopted" in caplog.messages
        async with station(csms, V201, "B") as back:
            await back.say("Heartbeat")
            clock.move(3601)
            async with station(csms, V201, "C"):
                pass
            waiting = await node.store.read(lambda tx: tx.charging_stations.all())
        assert [one.id for one in waiting if one.state == "offered"] == ["B", "C"]

    async def test_nobody_takes_the_place_of_one_that_waits(self, csms: Csms) -> None:
        async with station(csms, V16, "A"):
            pass
        with pytest.raises(InvalidStatus):
            async with station(csms, V16, "A", password="another"):
                pass


# --- one connection after the other


async def test_a_new_connection_wins_and_what_the_old_one_was_told_is_not_lost(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as old:
        await boot(old, clock)
        number = await start(old, clock)
        async with station(csms, V16) as new:
            await old.running
            with pytest.raises(ConnectionClosed) as closed:
                await old.socket.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
            clock.move(3600)
            await stop(new, clock, number, 6000)
            await csms.hall.posts["CS1"].carried()
            asking = provider.command("UNLOCK_CONNECTOR", location_id="LOC1", evse_uid="EVSE1", connector_id="1")
            new.answers["UnlockConnector"] = {"status": "Unlocked"}
            assert await asking == ("ACCEPTED", ["ACCEPTED"])
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 5


async def test_of_connections_that_come_at_once_one_is_left(csms: Csms, node: Node) -> None:
    first = await knock(csms, "/ocpp/CS1", basic("CS1", PASSWORD.encode()))
    await first.send('[2, "1", "Heartbeat", {}]')
    await first.recv()
    first.transport.pause_reading()  # it is slow to leave
    sockets = await asyncio.gather(*(knock(csms, "/ocpp/CS1", basic("CS1", PASSWORD.encode())) for _ in range(10)))
    first.transport.resume_reading()
    shut = {one: asyncio.create_task(one.wait_closed()) for one in (first, *sockets)}
    async with asyncio.timeout(20):
        while len(left := [one for one, over in shut.items() if not over.done()]) > 1:
            await asyncio.wait([shut[one] for one in left], return_when=asyncio.FIRST_COMPLETED)
    await left[0].send('[2, "1", "Heartbeat", {}]')
    assert str(await left[0].recv()).startswith('[3,"1"')
    await left[0].close()


async def test_a_station_that_is_removed_is_shown_out(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await boot(one, clock)
        number = await start(one, clock)
        await status(one, clock, "Charging")
        clock.move(3600)
        await meter(one, clock, number, 4000)
        await csms.hall.posts["CS1"].carried()
        await provisioning.remove(node, "CS1")
        [bill] = await provider.cdrs()
        assert bill["total_energy"] == 3, "nobody will tell of the end"
        assert [await provider.status(uid) for uid in ("EVSE1", "EVSE2")] == ["UNKNOWN"] * 2
        await csms.hall.look()
        await one.running
    with pytest.raises(InvalidStatus):
        async with station(csms, V16):
            pass


def test_every_version_has_its_subprotocol() -> None:
    assert list(DIALECTS) == ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]
