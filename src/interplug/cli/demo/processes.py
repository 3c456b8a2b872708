"""A node of the demo as an operating-system process of its own, and the commands that its operator gives it.

Each has a folder with its own configuration, database and key. Its port is held by a socket that is bound and never listens, so that
a node that was killed finds its port free again, another program does not take it, and meanwhile a call is refused as
it would be anywhere. Only processes that were started here are ended, and by their own handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from typing import Any

import aiohttp

from interplug.model.types import decode_json

READY = 45.0
"""Seconds that a node may take to answer; a demo beside another on a slow machine needs many of them."""
END = 10.0
PROGRAM = (sys.executable, "-m", "interplug.cli.main")


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


def quiet_environment() -> dict[str, str]:
    """Settings of the terminal's owner must not reach the demo's nodes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("INTERPLUG__")} | {"PYTHONUNBUFFERED": "1"}


async def ended(process: asyncio.subprocess.Process | None, seconds: float) -> None:
    """Asks it to end; what does not within so long is killed."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass
class NodeProcess:
    """`versions` are those it offers; `party` its one party, as `CPO NL-ABC`."""

    folder: Path
    name: str
    company: str
    role: str
    party: str
    versions: list[str]
    settings: str
    charges: bool = False
    """It awaits charging stations."""
    environment: dict[str, str] = field(default_factory=dict)
    """Further settings, for the node and for its commands."""
    moved: Callable[[], None] = lambda: None
    """Called when a command is done."""
    held: socket = field(init=False)
    """Its port."""
    door: socket = field(init=False)
    """Holds the port on which an operator awaits its stations."""
    process: asyncio.subprocess.Process | None = None
    pids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.held, self.door = _held(), _held()
        stations = (
            f"[stations]\nenabled = true\nport = {_port(self.door)}\nsession_every = 1.0\n[alerts]\nsettle = 2.0\n" if self.charges else ""
        )
        self.config.write_text(
            f'[server]\nport = {self.port}\n[store]\nurl = "{self.store}"\nkey_file = "{self.folder / "node.key"}"\n'
            f"[ocpi]\nversions = {self.versions}\n{stations}"
            f"[network]\nallow_private = true\nallow_http = true\ntimeout = 10.0\n{self.settings}"
        )

    @property
    def config(self) -> Path:
        return self.folder / "interplug.toml"

    @property
    def database(self) -> Path:
        return self.folder / "node.db"

    @property
    def store(self) -> str:
        return f"sqlite:///{self.database}"

    @property
    def port(self) -> int:
        return _port(self.held)

    @property
    def stations_url(self) -> str:
        return f"ws://127.0.0.1:{_port(self.door)}/"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def release(self) -> None:
        """Others may have its ports."""
        self.held.close()
        self.door.close()

    # --- its life

    async def start(self, **environment: str) -> None:
        """Returns when it answers. `environment` is for this life alone."""
        with (self.folder / "node.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *PROGRAM, "serve", "--config", str(self.config), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env=quiet_environment() | self.environment | environment, start_new_session=True,
            )  # fmt: skip
        self.pids.append(self.process.pid)
        try:
            async with asyncio.timeout(READY):
                await self._ready()
        except TimeoutError:
            raise DemoFailed(f"{self.name} did not become ready within {READY:.0f} s; its log ends: {self.said()}") from None

    async def _ready(self) -> None:
        assert self.process is not None
        async with aiohttp.ClientSession() as session:
            while True:
                if self.process.returncode is not None:
                    raise DemoFailed(f"{self.name} ended with code {self.process.returncode}; its log ends: {self.said()}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.url}/health/ready", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                        if answer.status == 200:
                            self.moved()
                            return
                await asyncio.sleep(0.1)

    def said(self) -> str:
        log = self.folder / "node.log"
        return " | ".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else "(nothing)"

    async def kill(self) -> int:
        """As a power cut would: no time to write anything. The pid that it had."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        return self.process.pid

    async def end(self) -> None:
        """As an operator would."""
        await ended(self.process, END)

    # --- its operator

    async def command(self, *arguments: str, typed: str = "") -> Any:
        """`interplug … --json` beside the running node; what it reported. `typed` comes from standard input."""
        out = await self._said(*arguments, "--json", typed=typed)
        return decode_json(out) if out.strip() else None

    async def lines(self, *arguments: str) -> list[Any]:
        """The same for a command that writes JSON lines."""
        return [decode_json(line) for line in (await self._said(*arguments)).splitlines()]

    async def _said(self, *arguments: str, typed: str = "") -> bytes:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *arguments, "--config", str(self.config),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=quiet_environment() | self.environment,
        )  # fmt: skip
        try:
            out, err = await process.communicate(typed.encode())
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        self.moved()
        if process.returncode != 0:
            reason = err.decode().strip()[-500:]
            raise DemoFailed(f"{self.name}: interplug {' '.join(arguments[:2])} failed ({process.returncode}): {reason}")
        return out


def _held() -> socket:
    """A free port that stays free for whom it is meant."""
    held = socket()
    held.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _port(held: socket) -> int:
    return int(held.getsockname()[1])
