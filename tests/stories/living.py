"""A node in a process of its own, over a database that a test has filled, and a partner with a socket that a test plays."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from interplug.cli.demo.processes import PROGRAM, quiet_environment
from interplug.config import Network, Settings, StoreSettings
from interplug.model.types import decode_json, encode_json
from interplug.modules.node import Node
from interplug.modules.opening import opened
from interplug.partners import states
from interplug.store.keys import OWN, Key
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx

TOKEN = "token-of-the-partner-that-is-played"
MODULES = ("locations", "sessions", "cdrs", "tokens", "tariffs")


@dataclass
class Neighbour:
    """A partner of 2.2.1. What it is sent is kept, whole; `before` is awaited before it answers."""

    port: int = 0
    told: list[tuple[str, str, Any]] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.told.append((request.method, request.path, decode_json(await request.read())))
        self.heard.set()
        if self.before is not None:
            await self.before()
        return web.json_response({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"})

    async def hears(self) -> None:
        """Returns when it is told something new."""
        async with asyncio.timeout(20):
            await self.heard.wait()
        self.heard.clear()


@asynccontextmanager
async def neighbour() -> AsyncIterator[Neighbour]:
    played = Neighbour()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", played.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    played.port = runner.addresses[0][1]
    yield played
    await runner.cleanup()


def settings(database: Path) -> Settings:
    return Settings(store=StoreSettings(url=f"sqlite:///{database}"), network=Network(allow_private=True, allow_http=True))


@asynccontextmanager
async def beside(database: Path) -> AsyncIterator[Node]:
    """The database as a command has it."""
    async with opened(settings(database)) as node:
        yield node


async def furnish(database: Path, played: Neighbour) -> None:
    """We are CPO and eMSP, and know the partner as a handshake would leave it."""
    base = f"http://127.0.0.1:{played.port}/ocpi/2.2.1/receiver"
    roles = [{"role": role, "country_code": "BE", "party_id": "XYZ", "business_details": {"name": "xyz"}} for role in ("CPO", "EMSP")]
    async with beside(database) as node:

        async def work(tx: Tx) -> None:
            for role in ("CPO", "EMSP"):
                await tx.parties.add(role, "NL", "TNM")
            row = ConnectionRow(
                partner=await tx.partners.partner("xyz", node.clock()),
                name="xyz",
                state=states.REGISTERED,
                version="2.2.1",
                versions_url=f"http://127.0.0.1:{played.port}/ocpi/versions",
                credentials={"roles": roles},
                endpoints=[{"identifier": module, "role": "RECEIVER", "url": f"{base}/{module}"} for module in MODULES],
                created_at=node.clock(),
                registered_at=node.clock(),
            )
            number = await tx.partners.add(row)
            await tx.partners.change(number, token_out=node.directory.key.seal("theirs", number))
            await tx.partners.issue(node.directory.key.hash_token(TOKEN), number, states.ACTIVE, node.clock())

        await node.directory.write(work)


async def save(node: Node, document: dict[str, Any]) -> None:
    """A Location of our own."""
    key = Key("locations", OWN, document["country_code"], document["party_id"], document["id"])
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=node.clock()))


class Running:
    """`interplug serve`, and its partner's way to it."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, session: aiohttp.ClientSession) -> None:
        self.process, self.url, self.session = process, url, session

    async def put(self, document: dict[str, Any]) -> tuple[int, int]:
        """A Location of the partner's; the HTTP and the OCPI status of the answer."""
        url = f"{self.url}/ocpi/2.2.1/receiver/locations/BE/XYZ/{document['id']}"
        headers = {"Authorization": f"Token {b64encode(TOKEN.encode()).decode()}", "Content-Type": "application/json"}
        async with self.session.put(url, data=encode_json(document), headers=headers) as answer:
            return answer.status, (await answer.json())["status_code"]

    async def ready(self) -> dict[str, Any]:
        async with self.session.get(f"{self.url}/health/ready") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def until_ready(self) -> None:
        async with asyncio.timeout(20):
            while (await self.ready())["status"] != "ready":
                await asyncio.sleep(0.1)

    async def until_missing(self, *names: str) -> None:
        """Returns when `/health/ready` names one of these."""
        async with asyncio.timeout(20):
            while not (await self.ready()).get("missing", {}).keys() & set(names):
                await asyncio.sleep(0.1)

    async def until_deaf(self) -> None:
        """Returns when no new connection is taken any more: the signal was heard."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        async with asyncio.timeout(20):
            with contextlib.suppress(OSError):
                while True:
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
                    await asyncio.sleep(0.05)

    async def ended(self, by: signal.Signals | None = None) -> int:
        if by is not None:
            self.process.send_signal(by)
        async with asyncio.timeout(20):
            return await self.process.wait()

    async def last_words(self, by: signal.Signals) -> tuple[int, list[str]]:
        """Its exit code and what it wrote to standard error, of one that is `heard`; it has the ten seconds that containers are given."""
        self.process.send_signal(by)
        async with asyncio.timeout(10):
            _, said = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, said.decode().splitlines()


@asynccontextmanager
async def running(database: Path, *, heard: bool = False, **more: str) -> AsyncIterator[Running]:
    given = {
        "INTERPLUG__STORE__URL": f"sqlite:///{database}",
        "INTERPLUG__SERVER__PORT": "0",
        "INTERPLUG__NETWORK__ALLOW_PRIVATE": "true",
        "INTERPLUG__NETWORK__ALLOW_HTTP": "true",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "serve", env=quiet_environment() | given, cwd=database.parent,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE if heard else None, limit=1 << 24,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            said = [(await process.stdout.readline()).decode() for _ in range(2)]
        async with aiohttp.ClientSession() as session:
            yield Running(process, said[1].split()[-1].removesuffix("/ocpi/versions"), session)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
