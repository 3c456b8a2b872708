"""The end of what listens: who has come is answered."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from interplug.config import Server, Settings
from interplug.protocol.http import Request, Response
from interplug.web import server as listening
from interplug.web import wire
from interplug.web.server import bound


class Echo:
    limits = Server()

    def is_for_partners(self, url: bytes) -> bool:
        return True

    async def answer(self, request: Request) -> Response:
        return Response(200, request.path.encode())

    __call__: Any = None


async def test_who_has_connected_when_the_node_is_told_to_stop_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request waits in the kernel: nothing of it has come to the process when its end begins."""
    monkeypatch.setattr(wire, "LAST_REQUEST", 0.05)
    listener, settings = bound(Settings(server=Server(port=0)))
    listener.listen()
    server = listening.Server(settings, Echo())  # type: ignore[arg-type]
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
    for number, client in enumerate(clients):
        client.sendall(b"GET /ocpi/%d HTTP/1.1\r\nhost: x\r\n\r\n" % number)
    await server.shutdown([listener])
    heard = await asyncio.gather(*(asyncio.to_thread(_all, client) for client in clients))
    assert [(one[:15], one[-7:]) for one in heard] == [(b"HTTP/1.1 200 OK", b"/ocpi/%d" % number) for number in range(3)]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", settings.server.port))


def _all(client: socket.socket) -> bytes:
    with client:
        client.settimeout(10)
        heard = b""
        while some := client.recv(65_536):
            heard += some
        return heard
