"""A client that says bytes to a door over the wire, and hears bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from interplug.web.wire import Wire

Talk = Callable[..., Awaitable[bytes]]


@asynccontextmanager
async def served(door: Any, **settings: Any) -> AsyncIterator[Talk]:
    """Sends bytes over a connection of its own; all that comes back until the server closes or has answered. `paced`: the second part
    follows a word of the server, which is not told."""
    config = uvicorn.Config(door, ws="none", lifespan="off", log_config=None, **settings)
    config.load()
    state = uvicorn.Server(config).server_state
    server = await asyncio.get_running_loop().create_server(lambda: Wire(door, config, state, {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def one(*parts: bytes, answers: int = 1, leave: bool = False, paced: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            heard = b""
            for part in parts:
                if paced and part is not parts[0]:
                    await reader.readuntil(b"\r\n\r\n")
                writer.write(part)
                await writer.drain()
            async with asyncio.timeout(10):
                while not leave and (heard.count(b"HTTP/1.1 ") < answers or not heard.endswith((b"]", b"}"))):
                    if not (some := await reader.read(65_536)):
                        break
                    heard += some
            return heard
        finally:
            writer.close()

    one.port = port  # type: ignore[attr-defined]
    yield one
    server.close()
    for connection in list(state.connections):
        connection.shutdown()
    while state.connections:
        await asyncio.sleep(0)
