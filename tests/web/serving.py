"""The pages of a node on a port of this machine, for what a browser does only with a real server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from playwright.async_api import BrowserContext

from interplug.web.door import Application
from tests.web.visiting import Visit


@dataclass
class Served:
    url: str
    server: uvicorn.Server
    task: asyncio.Task[None]

    async def end(self) -> None:
        """Nobody answers any more."""
        self.server.should_exit = True
        self.server.force_exit = True
        await self.task


@contextlib.asynccontextmanager
async def served(app: Application) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    task = asyncio.create_task(server._serve([listener]))
    made = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", server, task)
    try:
        yield made
    finally:
        await made.end()
        listener.close()


async def lend(visit: Visit, context: BrowserContext, url: str) -> None:
    """The browser is the same visitor."""
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in visit.cookies.items()])
