"""Nodes to measure: a database filled beforehand, partners that are registered, and the server as a process of its own on one core.

The partners are written as a handshake would leave them; those that nothing is to be pushed to have no endpoints, for a partner who is
not there would have us measure how it is not there. The server is the command that everybody runs, with the settings that everybody has.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench import data
from interplug.config import Settings
from interplug.model.types import parse_time
from interplug.modules import opening
from interplug.modules.node import Node
from interplug.partners import states
from interplug.store.keys import OWN, Key
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx

SERVER_CORE, LOAD_CORE = "0", "1"
BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
BATCH = 500
KEY = b64encode(bytes(range(32))).decode()
Wanted = tuple[str, str, tuple[str, str, str], Iterable[str], str]
"""A partner: its name, version and party, its classes, and where it takes Locations."""


@dataclass
class Server:
    """A process that listens, and the headers of whoever may ask it."""

    process: subprocess.Popen[bytes]
    port: int
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the name of the partner."""

    def pids(self) -> list[int]:
        """The process, and the workers that it has begun."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu(self) -> float:
        """Seconds that they have computed."""
        return sum(map(cpu_seconds, self.pids()))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process: Linux makes a clock's number of its pid (clock_getcpuclockid)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(command: list[str], environment: Mapping[str, str], port: int, log: Path, cores: str = SERVER_CORE) -> Server:
    """Runs a server on its core and waits until it takes connections."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command], cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return Server(process, port)
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"{' '.join(command)} did not start: {log.read_text()[-2000:]}")


def bare(folder: Path, held: int = 0, told: int = 0) -> Server:
    """`told`: bytes of an event of its streams."""
    port = free_port()
    command = [str(BIN / "uvicorn"), "--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"]
    command += ["--log-level", "warning", "--port", str(port), "bench.bare:application"]
    server = start(command, {"BENCH_LOCATIONS": str(held), "BENCH_TOLD": str(told)}, port, folder / "bare.log")
    server.headers[""] = headers_of("bare-token", "2.2.1")
    return server


def settings(database: Path | str, port: int = 0) -> dict[str, str]:
    """The environment of a process that works with this database."""
    return {
        **{f"INTERPLUG__STORE__{name.upper()}": value for name, value in _store_of(database).items()},
        "INTERPLUG__SERVER__PORT": str(port),
        "INTERPLUG__SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "INTERPLUG__NETWORK__ALLOW_PRIVATE": "true",
        "INTERPLUG__NETWORK__ALLOW_HTTP": "true",
    }


def serve(
    database: Path | str,
    partners: Mapping[str, str],
    port: int | None = None,
    workers: int = 1,
    log: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> Server:
    """The node over this database; `partners` are versions by name, `more` are settings. Several workers run on all cores."""
    port = port or free_port()
    command, cores = [str(BIN / "interplug"), "serve"], SERVER_CORE
    if not isinstance(database, Path):
        command, cores = [*command, "--workers", str(workers)], f"{SERVER_CORE},{LOAD_CORE}"
    log = log or Path(database).with_suffix(".log")
    server = start(command, {**settings(database, port), **(more or {})}, port, log, cores)
    server.headers = {name: headers_of(token_of(name), version) for name, version in partners.items()}
    return server


def token_of(name: str) -> str:
    return f"token-of-{name}".ljust(43, "-")


def headers_of(token: str, version: str) -> dict[str, str]:
    spelled = token if version == "2.1.1" else b64encode(token.encode()).decode()
    return {"Authorization": f"Token {spelled}", "X-Request-ID": "8f2c71d0-5a40", "X-Correlation-ID": "77aa1b02-9c11"}


# --- databases


class Filled:
    """A database that is being filled; `async with` opens and closes its node."""

    def __init__(self, place: Path | str | Settings) -> None:
        """`place` is the file of a SQLite database, or a URL."""
        if not isinstance(place, Settings):
            store = msgspec.structs.replace(Settings().store, **_store_of(place))
            place = msgspec.structs.replace(Settings(), store=store)
        self._settings = place
        self.node: Node

    async def __aenter__(self) -> Filled:
        self.node = opening.open_node(self._settings)
        await self.node.directory.refresh()
        return self

    async def __aexit__(self, *error: object) -> None:
        await opening.close_node(self.node)

    async def party(self, role: str, country: str, party: str) -> None:
        await self.node.directory.write(lambda tx: tx.parties.add(role, country, party))

    async def partner(self, name: str, version: str, party: tuple[str, str, str], classes: Iterable[str] = ()) -> int:
        """A registered connection; its number."""
        [number] = await self.partners([(name, version, party, classes, "")])
        return number

    async def partners(self, wanted: Iterable[Wanted]) -> list[int]:
        """Registered connections; their numbers."""
        found: list[int] = await self.node.directory.write(lambda tx: self._partners(tx, wanted))
        return found

    async def _partners(self, tx: Tx, wanted: Iterable[Wanted]) -> list[int]:
        return [await self._partner(tx, *one) for one in wanted]

    async def _partner(self, tx: Tx, name: str, version: str, party: tuple[str, str, str], classes: Iterable[str], receiver: str) -> int:
        """`receiver`: where Locations are pushed to; empty: nowhere."""
        role, country, party_id = party
        key, now = self.node.directory.key, self.node.clock()
        presented = {"roles": [{"role": role, "country_code": country, "party_id": party_id, "business_details": {"name": name}}]}
        company = await tx.partners.partner(name, now)
        row = ConnectionRow(partner=company, name=name, state=states.REGISTERED, version=version, credentials=presented, created_at=now)
        number = await tx.partners.add(row)
        await tx.partners.change(number, registered_at=now)
        if receiver:
            endpoints = [{"identifier": "locations", "role": "RECEIVER", "url": receiver}]
            await tx.partners.change(number, versions_url=receiver, endpoints=endpoints, token_out=key.seal(token_of(name), number))
        await tx.partners.issue(key.hash_token(token_of(name)), number, states.ACTIVE, now)
        for one in classes:
            await tx.parties.join(await tx.parties.audience_class(one), number)
        return number

    async def objects(self, module: str, documents: Iterable[data.Document], source: int = OWN, audience: str = "") -> None:
        """`audience`: the class that sees them; empty: everybody."""
        seen = await self.node.store.write(lambda tx: tx.parties.audience_class(audience)) if audience else None
        batch: list[data.Document] = []
        for document in documents:
            batch.append(document)
            if len(batch) == BATCH:
                await self._save(module, batch, source, seen)
                batch = []
        await self._save(module, batch, source, seen)

    async def _save(self, module: str, documents: list[data.Document], source: int, audience: int | None) -> None:
        async def work(tx: Tx) -> None:
            for document in documents:
                moment = parse_time(document["last_updated"])
                await tx.objects.save(key(module, document, source), document, last_updated=moment, audience=audience)

        await self.node.store.write(work)


def key(module: str, document: data.Document, source: int = OWN) -> Key:
    name, kind = (document["uid"], document["type"]) if module == "tokens" else (document["id"], "")
    return Key(module, source, document["country_code"], document["party_id"], name, kind)


def _store_of(place: Path | str) -> dict[str, str]:
    """The settings of a store; PostgreSQL has no file beside which the node key could lie, and the bench keeps no secret."""
    return {"url": f"sqlite:///{place}"} if isinstance(place, Path) else {"url": place, "key": KEY}


def fill(place: Path | str, work: Any) -> None:
    """Runs `work(filled)` over a fresh database."""

    async def run() -> None:
        async with Filled(place) as filled:
            await work(filled)

    asyncio.run(run())
