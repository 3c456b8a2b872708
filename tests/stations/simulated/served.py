"""The strict CSMS behind real WebSockets: any station may connect that has the password, if one is wanted."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from websockets.asyncio.server import Request, Response, Server, ServerConnection, serve
from websockets.typing import Subprotocol

from interplug.stations.ocpp.dialects import DIALECTS
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import Incoming, Link

from .csms import Book


def now() -> int:
    return time.time_ns() // 1000


class Served:
    def __init__(self, clock: Callable[[], int] = now, passwords: dict[str, str] | None = None) -> None:
        self.clock, self.passwords = clock, passwords
        self.books: dict[str, Book] = {}
        self.links: dict[str, Link] = {}
        self.refused: list[str] = []
        self.wrong: list[str] = []
        self.server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"ws://127.0.0.1:{next(iter(self.server.sockets)).getsockname()[1]}/ocpp"

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        name = request.path.rpartition("/")[2]
        if self.passwords is not None:
            wanted = "Basic " + base64.b64encode(f"{name}:{self.passwords.get(name)}".encode()).decode()
            if request.headers.get("Authorization") != wanted:
                self.refused.append(name)
                return socket.respond(HTTPStatus.UNAUTHORIZED, "")
        return None

    async def speak(self, socket: ServerConnection) -> None:
        assert socket.request is not None and socket.subprotocol is not None
        name = socket.request.path.rpartition("/")[2]
        dialect = DIALECTS[socket.subprotocol]
        book = self.books.setdefault(name, Book(dialect, self.clock))

        async def answering(incoming: Incoming) -> Payload:
            try:
                book.hear(incoming.action, incoming.payload)
                return book.answer(incoming.action, incoming.payload)
            except AssertionError as error:
                self.wrong.append(f"{name}: {error}")
                raise

        link = self.links[name] = Link(socket, dialect, answering, name=name)
        await link.run()
        if self.links.get(name) is link:
            del self.links[name]

    async def until(self, holds: Callable[[], bool]) -> None:
        """The test's own limit of time ends what never holds."""
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def served(
    clock: Callable[[], int] = now, passwords: dict[str, str] | None = None, context: ssl.SSLContext | None = None
) -> AsyncIterator[Served]:
    csms = Served(clock, passwords)
    protocols = [Subprotocol(one) for one in DIALECTS]
    async with serve(
        csms.speak, "127.0.0.1", 0, subprotocols=protocols, process_request=csms.admit, ssl=context, ping_interval=None, compression=None
    ) as csms.server:
        yield csms
    assert csms.wrong == []
