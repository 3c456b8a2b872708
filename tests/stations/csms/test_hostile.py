"""Stations, and others who can reach the port, that mean no good: the node lives, what another station does goes on, and nobody is
taken for another one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interplug.config import Stations
from interplug.model.types import decode_json
from interplug.modules.node import Node
from interplug.stations.csms import keys, server
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201, Dialect
from interplug.stations.ocpp.link import BACKLOG, Refused
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, meter, start, stop
from tests.stations.csms.stations import PASSWORD, add_station, serving, station
from tests.stations.csms.test_door import basic, knock

MIB = 1 << 20


@pytest.fixture
async def other(csms: Csms, provider: Provider, clock: Clock) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A station whose driver charges meanwhile; called, it goes on charging, and the provider sees it."""
    async with station(csms, V16) as good:
        await boot(good, clock)
        number, taken = await start(good, clock), 1000

        async def goes_on() -> None:
            nonlocal taken
            clock.move(600)
            taken += 1000
            await meter(good, clock, number, taken)
            await csms.hall.posts["CS1"].carried()
            assert (await provider.session())["kwh"] == (taken - 1000) // 1000

        yield goes_on


@pytest.fixture
async def bad(csms: Csms) -> None:
    await add_station(csms.node, "BAD", outlets=[])


async def shaken_off(line: ClientConnection) -> int:
    """Everything that it still says, until it closes; the code."""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await line.recv()
    assert line.close_code is not None
    return line.close_code


async def raw(csms: Csms, id: str, version: str = "ocpp2.0.1") -> ClientConnection:
    return await knock(csms, f"/{id}", basic(id, PASSWORD.encode()), (version,))


# --- what is no message, or far too much of one


NONSENSE = [
    "", "null", "[]", "{}", "[2]", '[2,"1"]', "[2,1,\"Heartbeat\",{}]", '[2,"1","Heartbeat"]', '[2,"1","Heartbeat",[]]',
    '[2,"' + "x" * 37 + '","Heartbeat",{}]', '[9,"1","Heartbeat",{}]', '[2,"1",7,{}]', "\x00", "[" * 100_000, '{"a":' * 20_000,
    '[2,"1","Heartbeat",{"a":1e999999999}]', '[2,"1","Heartbeat",{"a":' + "9" * 100_000 + "}]", '[2,"1","Heartbeat",{"a":"\\ud800"}]',
]  # fmt: skip


async def test_what_is_no_message_is_answered_and_the_line_stays(csms: Csms, bad: None, other: Callable[[], Awaitable[None]]) -> None:
    line = await raw(csms, "BAD")
    for text in NONSENSE:
        await line.send(text)
        assert str(await line.recv()).startswith("[4,"), text[:40]
        await line.send(text.encode(errors="surrogatepass"))
        assert str(await line.recv()).startswith("[4,"), "a binary frame is read like any other"
    await line.send('[2,"7","Heartbeat",{}]')
    assert str(await line.recv()).startswith('[3,"7",')
    await other()
    await line.close()


async def test_a_frame_that_unpacks_to_more_than_anybody_may_send(csms: Csms, bad: None, other: Callable[[], Awaitable[None]]) -> None:
    line = await raw(csms, "BAD")
    assert line.protocol.extensions, "it is compressed"
    await line.send("x" * 64 * MIB)
    assert await shaken_off(line) == 1009
    await other()


async def test_text_that_is_none_and_frames_that_break_the_protocol(csms: Csms, bad: None, other: Callable[[], Awaitable[None]]) -> None:
    line = await raw(csms, "BAD", "ocpp1.6")
    line.transport.write(b"\x81\x82\x00\x00\x00\x00\xff\xfe")  # a masked text frame that is not UTF-8
    assert await shaken_off(line) == 1007
    line = await raw(csms, "BAD", "ocpp1.6")
    line.transport.write(b"\x81\x02no")  # not masked, as a client has to
    assert await shaken_off(line) == 1002
    await other()


async def test_messages_of_1_6_on_a_socket_of_2_0_1(csms: Csms, bad: None, clock: Clock, other: Callable[[], Awaitable[None]]) -> None:
    line = await raw(csms, "BAD")

    async def said(action: str, payload: str) -> list[Any]:
        await line.send(f'[2,"{action}","{action}",{payload}]')
        answer: list[Any] = decode_json(str(await line.recv()).encode())
        return answer

    assert (await said("BootNotification", '{"chargePointVendor":"A","chargePointModel":"B"}'))[0] == 4
    begun = f'{{"connectorId":1,"idTag":"CARD1","meterStart":0,"timestamp":"{clock.text()}"}}'
    assert (await said("StartTransaction", begun))[2] == "NotImplemented"
    assert (await said("MeterValues", '{"connectorId":1,"transactionId":1,"meterValue":[]}'))[0] == 4
    assert (await said("Heartbeat", "{}"))[0] == 3
    await other()
    await line.close()


# --- floods


@pytest.mark.parametrize("dialect", [V16, V201])
async def test_what_only_a_csms_asks_is_not_supported(csms: Csms, dialect: Dialect) -> None:
    async with station(csms, dialect) as one:
        with pytest.raises(Refused) as refusal:
            await one.say("ClearCache")
        assert refusal.value.code == "NotSupported"


async def test_who_sends_and_never_reads_is_read_no_further(csms: Csms, bad: None, other: Callable[[], Awaitable[None]]) -> None:
    """Answers that nobody takes must not pile up here: what it sends stays on its side at last."""
    call = b'[2,"1","Heartbeat",{}]'
    frame = b"\x81" + bytes([0x80 | len(call)]) + bytes(4) + call
    loop, sent = asyncio.get_running_loop(), 0
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", csms.door.ports["ws"]))
        await loop.sock_sendall(line, upgrade("/BAD", authorization("BAD")))
        assert b" 101 " in await loop.sock_recv(line, 40)
        with contextlib.suppress(TimeoutError):
            while sent < 100 * MIB:
                await asyncio.wait_for(loop.sock_sendall(line, frame * 1000), 2)
                sent += 1000 * len(frame)
        assert sent < 100 * MIB
        await other()
        post = csms.hall.posts["BAD"]
        assert post.link._waiting.qsize() <= BACKLOG


async def test_a_flood_of_transactions_that_are_none(
    csms: Csms, bad: None, clock: Clock, other: Callable[[], Awaitable[None]], provider: Provider
) -> None:
    async with station(csms, V201, "BAD") as one:
        for number in range(300):
            event = {"eventType": "Started", "timestamp": clock.text(), "triggerReason": "CablePluggedIn", "seqNo": 0}
            await one.say("TransactionEvent", **event, transactionInfo={"transactionId": f"T{number}"}, evse={"id": 1})
        await other()
    assert len(await provider.sessions()) == 1


def authorization(id: str) -> str:
    return "Authorization: " + basic(id, PASSWORD.encode())["Authorization"]


def upgrade(path: str, *headers: str) -> bytes:
    given = "".join(f"{line}\r\n" for line in headers)
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n{given}\r\n"
    ).encode()


# --- before anybody is in


async def test_five_hundred_strangers_at_once(csms: Csms, other: Callable[[], Awaitable[None]]) -> None:
    async def stranger(number: int) -> int:
        with pytest.raises(InvalidStatus) as refused:
            await knock(csms, f"/X{number}", basic(f"X{number}", b"y"))
        return refused.value.response.status_code

    at_once = asyncio.gather(*(stranger(number) for number in range(500)))
    await other()
    assert set(await at_once) == {404}
    await other()


async def test_handshakes_that_never_end_keep_nobody_out(
    node: Node, monkeypatch: pytest.MonkeyPatch, provider: Provider, clock: Clock
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE", 0.5)
    async with serving(node) as csms:
        slow = [await asyncio.open_connection("127.0.0.1", csms.door.ports["ws"]) for _ in range(100)]
        for number, (_, writer) in enumerate(slow):
            writer.write(upgrade("/CS1")[: number + 1])
        async with station(csms, V16) as one:
            await boot(one, clock)
            for reader, writer in slow:
                with contextlib.suppress(ConnectionResetError):
                    await reader.read()
                writer.close()
            await start(one, clock)
        assert (await provider.session())["status"] in ("PENDING", "ACTIVE")


class TestOffering:
    @pytest.fixture
    def settings(self) -> Stations:
        return Stations(enabled=True, port=0, status_settle=0, unknown="offer", most_offered=3, call_timeout=20, authorise_timeout=20)

    async def test_strangers_cost_no_more_than_the_places_that_there_are(
        self, csms: Csms, other: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A password is hashed for those alone who may wait."""
        made: list[str] = []
        hashed = keys.hashed
        monkeypatch.setattr(keys, "hashed", lambda password: made.append(password) or hashed(password))

        async def stranger(number: int) -> bool:
            try:
                await (await knock(csms, f"/X{number}", basic(f"X{number}", b"y"))).close()
            except InvalidStatus:
                return False
            return True

        let_in = await asyncio.gather(*(stranger(number) for number in range(100)))
        assert sum(let_in) == 3 and len(made) <= 6
        await other()

    async def test_a_password_that_is_no_text_is_known_again(self, csms: Csms) -> None:
        secret = bytes(range(236, 256))
        for _ in range(2):
            line = await knock(csms, "/NEW", basic("NEW", secret))
            assert line.subprotocol == "ocpp1.6"
            await line.close()
        with pytest.raises(InvalidStatus):
            await knock(csms, "/NEW", basic("NEW", secret[:-1]))


class TestHalfOpen:
    @pytest.fixture
    def settings(self) -> Stations:
        return Stations(enabled=True, port=0, status_settle=0, ping=0.3, call_timeout=20, authorise_timeout=20)

    async def test_a_socket_whose_other_end_is_gone_is_noticed(self, csms: Csms, bad: None) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", csms.door.ports["ws"])
        writer.write(upgrade("/BAD", authorization("BAD")))
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(20):
            while "BAD" not in csms.hall.posts:
                await asyncio.sleep(0)
            await csms.hall.posts["BAD"].ended.wait()
        writer.transport.abort()


# --- being taken for another one


OTHERS_PATHS = [
    "/CS1", "/BAD/CS1", "/BAD/../CS1", "//CS1", "/CS1/", "/CS%31", "/%43%53%31", "/BAD%2FCS1", "/BAD%2F..%2FCS1", "/CS1%00", "/CS1%20",
    "/cs1", "/CS1?x=/BAD", "/BAD;/CS1", "/BAD%3BCS1", "/BAD:CS1", "/CS1%0d%0aX-Y:%20z", "/%E2%80%AECS1", "/ＣＳ１", "/CS1.",
]  # fmt: skip


@pytest.mark.parametrize("path", OTHERS_PATHS)
async def test_a_station_with_its_own_password_is_nobody_else(csms: Csms, path: str) -> None:
    """Whatever it writes as its path and its user."""
    await add_station(csms.node, "BAD", outlets=[], password=keys.hashed("another"))
    for user in ("CS1", "BAD", ""):
        with pytest.raises(InvalidStatus) as refused:
            await (await knock(csms, path, basic(user, b"another"))).close()
        assert refused.value.response.status_code in (400, 401, 404)
    assert "CS1" not in csms.hall.posts


async def test_what_is_another_station_s_is_not_ended_by_its_number(
    csms: Csms, bad: None, clock: Clock, provider: Provider, other: Callable[[], Awaitable[None]]
) -> None:
    """Transactions and reservations of 1.6 have small numbers: they are known only at their own station."""
    async with station(csms, V16, "BAD") as one:
        for number in range(1, 6):
            await stop(one, clock, number, 99_000)
            await meter(one, clock, number, 99_000)
    async with station(csms, V201, "BAD") as two:
        event = {"eventType": "Ended", "timestamp": clock.text(), "triggerReason": "RemoteStop", "seqNo": 9}
        await two.say("TransactionEvent", **event, transactionInfo={"transactionId": "1"})
        await two.say("ReservationStatusUpdate", reservationId=1, reservationUpdateStatus="Removed")
    await other()
    assert (await provider.session())["status"] == "ACTIVE"


async def test_a_call_to_one_station_is_answered_by_no_other(csms: Csms, bad: None) -> None:
    """Not even with the very id of the call."""
    await add_station(csms.node, "VICTIM", outlets=[])
    asked, other = await raw(csms, "VICTIM"), await raw(csms, "BAD")
    for line in (asked, other):
        await line.send('[2,"1","Heartbeat",{}]')
        await line.recv()
    calling = asyncio.create_task(csms.lines.call("VICTIM", "ClearCache", {}))
    call = decode_json(str(await asked.recv()).encode())
    await other.send(f'[3,"{call[1]}",{{"status":"Rejected"}}]')
    await other.send(f'[4,"{call[1]}","InternalError","",{{}}]')
    await other.send('[2,"2","Heartbeat",{}]')
    await other.recv()
    assert not calling.done()
    await asked.send(f'[3,"{call[1]}",{{"status":"Accepted"}}]')
    assert await calling == {"status": "Accepted"}
    await asked.close()
    await other.close()
