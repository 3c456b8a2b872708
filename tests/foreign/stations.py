"""Stations that others have written, each in a process of Node.js, and what happens at them.

The packages are pinned in package-lock.json and installed by `make foreign`. Where they are missing these tests are skipped, and the last
lines of the run say so; in CI their absence fails, for a station that we wrote ourselves shows only that we agree with ourselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
EM = MODULES / "em-ocpp-chargepoint-simulator/build/src/main.js"
CLI = MODULES / "ocpp-ws-cli/dist/index.js"
PATIENCE = 45.0
"""Seconds for anything that a station or a node does; a slow machine needs many of them."""


def missing() -> str | None:
    """What has to be done before these stations can run."""
    if shutil.which("node") is None:
        return "Node.js is missing: run `.ci/tools node` (Debian: apt-get install nodejs npm)"
    return None if (MODULES / ".ready").is_file() else "stations that others have written are missing: run `make foreign`"


def need() -> None:
    if (why := missing()) is not None:
        pytest.fail(why, pytrace=False) if os.environ.get("CI") else pytest.skip(why)


class Station:
    """One of them. It tells in lines that begin with @@ what it has done; everything that it wrote is in `said`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []
        self._told: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip()
            self.said.append(text)
            async with self._news:
                if text.startswith("@@ "):
                    self._told.append(decode_json(text[3:].encode()))
                self._news.notify_all()
        async with self._news:
            self._told.append({"what": "ended"})
            self._news.notify_all()

    async def hears(self, what: str) -> dict[str, Any]:
        """Returns when it tells that this was done, or was asked of it; each time is waited for once."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                while True:
                    for place, told in enumerate(self._told):
                        if told["what"] in (what, "failed", "ended"):
                            assert told["what"] == what, (told, self.said[-20:])
                            return self._told.pop(place)
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the station does not tell of {what}: {self.said[-20:]}") from None

    async def does(self, what: str, *words: object) -> dict[str, Any]:
        """Something happens at it: a card, a cable, a fault."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, (what, *words))).encode() + b"\n")
        await self.process.stdin.drain()
        return await self.hears(what)


@contextlib.asynccontextmanager
async def node_js(*arguments: object, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program for Node.js, which is ended with the test."""
    need()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    pipe, out = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(
        "node", *map(str, arguments), stdin=pipe, stdout=pipe, stderr=out, env=kept | environment, cwd=HERE, limit=1 << 20
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def station_16(address: str, id: str, password: str = "", **files: Path) -> AsyncIterator[Station]:
    """em-ocpp-chargepoint-simulator: OCPP 1.6J. `address` is where stations are awaited, `files` are ca, cert and key."""
    scheme, _, host = address.partition("://")
    user = f"{id}:{password}@" if password else ""
    environment = {"STATION_URL": f"{scheme}://{user}{host}/{id}", **_tls_16(id, files)}
    async with node_js(EM, "station16.js", **environment) as process:
        yield Station(process)


def _tls_16(id: str, files: Mapping[str, Path]) -> dict[str, str]:
    found = {"NODE_EXTRA_CA_CERTS": str(files["ca"])} if "ca" in files else {}
    if "cert" in files:
        found["SSL_CLIENT_KEYSTORE"] = f'[{{"id": "{id}", "key": "{files["key"]}", "cert": "{files["cert"]}"}}]'
    return found


@contextlib.asynccontextmanager
async def station_20(address: str, id: str, password: str = "", **files: Path) -> AsyncIterator[Station]:
    """ocpp-rpc, strict: OCPP 2.0.1."""
    environment = {"STATION_ENDPOINT": address, "STATION_ID": id, "STATION_PASSWORD": password}
    environment |= {f"STATION_{name.upper()}": str(path) for name, path in files.items()}
    async with node_js("station20.js", **environment) as process:
        yield Station(process)


STATIONS = {"1.6": station_16, "2.0.1": station_20}
