"""What listens for partners and drivers: uvicorn with our wire, and an end at which nobody is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial

import msgspec
import uvicorn

from interplug import config
from interplug.config import BadSettings, Settings

from .door import Door
from .wire import Wire

LAST_ANSWERS = 5.0
"""Seconds that requests may take when the node is told to stop."""
BACKLOG = 2048


def bound(settings: Settings) -> tuple[socket.socket, Settings]:
    """The socket, and the settings with the address that it has come to have. Nothing is taken there yet: while a process is not ready, a
    balancer has to see that, and ask another."""
    server = settings.server
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.host, server.port))
    except OSError as error:
        listener.close()
        raise _taken(server, error) from None
    server = msgspec.structs.replace(server, port=listener.getsockname()[1])
    return listener, msgspec.structs.replace(settings, server=server)


def listen(listener: socket.socket, server: config.Server) -> None:
    """From now on nobody who connects is turned away."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        raise _taken(server, error) from None


def _taken(server: config.Server, error: OSError) -> BadSettings:
    return BadSettings(f"server: cannot listen at {server.host}:{server.port}: {error.strerror}")


class Server(uvicorn.Server):
    """Lives until `should_exit`; `force_exit` ends it at once. Signals are not its own: an orderly end goes beyond the last request."""

    def __init__(self, settings: Settings, door: Door) -> None:
        server = settings.server
        super().__init__(
            uvicorn.Config(
                door,
                http=partial(Wire, door),  # type: ignore[arg-type]
                ws="none",
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ssl_certfile=server.tls_certificate or None,
                ssl_keyfile=server.tls_key or None,
                proxy_headers=bool(server.trusted_proxies),
                forwarded_allow_ips=server.trusted_proxies or None,
                timeout_graceful_shutdown=int(LAST_ANSWERS),
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Who has connected already is answered: a socket that is closed resets what waits in it, and nobody could tell whether such a
        request was carried out."""
        connected = [connection for listener in sockets or [] for connection in _waiting(listener)]
        for server in self.servers:
            server.close()  # at once, for who connects in between is reset
        for wire in list(self.server_state.connections):
            wire.shutdown()
        if connected:
            await asyncio.wait([asyncio.create_task(self._take(connection)) for connection in connected], timeout=LAST_ANSWERS)
        await super().shutdown(sockets)

    async def _take(self, connection: socket.socket) -> None:
        def wire() -> asyncio.Protocol:
            return self.config.http_protocol_class(config=self.config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]

        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(wire, connection, ssl=self.config.ssl)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that were made and not yet taken."""
    listener.setblocking(False)
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
