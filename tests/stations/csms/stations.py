"""Stations that a test plays over real sockets, and the node that they connect to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from interplug.modules.node import Node
from interplug.stations.csms import keys
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import DIALECTS, V16, Dialect
from interplug.stations.ocpp.frames import Error, Payload, Result, parse
from interplug.stations.ocpp.link import Incoming, Link, Refused
from interplug.stations.ocpp.schemas import check_request, check_response
from interplug.store.charging_stations import Outlet, StationRow
from tests.stations.csms.partner import FULL_TOKEN, Provider

PASSWORD = "0123456789abcdef0123456789abcdef01234567"
HASH = keys.hashed(PASSWORD)
OUTLETS = [Outlet(1, 1, "EVSE1", "1"), Outlet(2, 1, "EVSE2", "1")]


async def add_station(node: Node, id: str = "CS1", **more: Any) -> None:
    """A station of Location LOC1, with a password and two EVSEs."""
    row = StationRow(id=id, **{"password": HASH, "place": "LOC1", "outlets": OUTLETS, "country": "NL", "party": "TNM", **more})
    assert await node.store.write(lambda tx: tx.charging_stations.add(row))


@asynccontextmanager
async def serving(node: Node) -> AsyncIterator[Csms]:
    csms = Csms(node)
    node.stations = csms.commands
    async with csms.open():
        running = asyncio.create_task(csms.run())
        try:
            yield csms
        finally:
            running.cancel()
            await asyncio.wait([running])


class Station:
    """What it is asked is answered by `answers` (by action; a Future: when it is done), and can be waited for with `asked`. It sends and
    answers nothing that the schemas do not allow."""

    def __init__(self, socket: ClientConnection, dialect: Dialect) -> None:
        self.socket, self.dialect = socket, dialect
        self.answers: dict[str, Payload | Refused | asyncio.Future[Payload]] = {}
        self._asked: asyncio.Queue[tuple[str, Payload]] = asyncio.Queue()
        self.link = Link(socket, dialect, self._answer)
        self.running = asyncio.create_task(self.link.run())

    async def _answer(self, incoming: Incoming) -> Payload:
        assert check_request(self.dialect, incoming.action, incoming.payload) is None, incoming
        self._asked.put_nowait((incoming.action, incoming.payload))
        answer = self.answers.get(incoming.action, {"status": "Accepted"})
        if isinstance(answer, Refused):
            raise answer
        return await answer if isinstance(answer, asyncio.Future) else answer

    async def asked(self, action: str) -> Payload:
        async with asyncio.timeout(10):
            while True:
                name, payload = await self._asked.get()
                if name == action:
                    return payload

    async def say(self, action: str, **payload: Any) -> Payload:
        """Strict on both sides: what we send is as the schema says, and so is what comes back."""
        assert (problem := check_request(self.dialect, action, payload)) is None, problem
        answer = await self.link.call(action, payload, timeout=10)
        assert (problem := check_response(self.dialect, action, answer)) is None, problem
        return answer

    async def close(self) -> None:
        with suppress(ConnectionClosed):
            await self.socket.close()
        await asyncio.wait([self.running])


@asynccontextmanager
async def station(
    csms: Csms,
    dialect: Dialect = V16,
    id: str = "CS1",
    *,
    password: str | None = PASSWORD,
    tls: ssl.SSLContext | None = None,
    user: str | None = None,
) -> AsyncIterator[Station]:
    headers = {}
    if password is not None:
        from base64 import b64encode

        headers["Authorization"] = "Basic " + b64encode(f"{user or id}:{password}".encode()).decode()
    scheme = "wss" if tls else "ws"
    address = f"{scheme}://127.0.0.1:{csms.door.ports[scheme]}/ocpp/{id}"
    async with connect(
        address, subprotocols=[Subprotocol(dialect.subprotocol)], additional_headers=headers, ssl=tls, open_timeout=10
    ) as socket:
        assert DIALECTS[socket.subprotocol or ""] is dialect
        one = Station(socket, dialect)
        try:
            yield one
        finally:
            await one.close()


async def carried(csms: Csms) -> None:
    for post in csms.hall.posts.values():
        await post.carried()


async def raw(one: Station, id: str, action: str, payload: Any, **numbers: str) -> Any:
    """A message as a station that knows no schema would send it. The link that reads the socket tells nobody else, so it is stopped.
    `numbers`: by the words that stand for them in the payload."""
    text = json.dumps([2, id, action, payload])
    for word, number in numbers.items():
        text = text.replace(f'"{word}"', number)
    one.running.cancel()
    await asyncio.wait([one.running])
    await one.socket.send(text)
    answer = parse(await one.socket.recv(), one.dialect)
    assert isinstance(answer, Result | Error) and answer.id == id
    return answer


async def own_token(provider: Provider) -> None:
    """The provider has given us its Token."""
    await provider.partner.send("PUT", "tokens/BE/XYZ/CARD1", {**FULL_TOKEN, "whitelist": "ALLOWED_OFFLINE"})
