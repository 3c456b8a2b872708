"""`interplug serve` as a process: it begins from nothing, says where it is, answers, and ends in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from interplug.cli.demo.processes import quiet_environment

PROGRAM = (sys.executable, "-m", "interplug.cli.main")


class Served:
    """A node that was started in an empty folder without any file."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, said: list[str]) -> None:
        self.process, self.url, self.said = process, url, said

    async def end(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        async with asyncio.timeout(20):
            return await self.process.wait()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "serve", cwd=tmp_path, env=quiet_environment() | {"INTERPLUG__SERVER__PORT": "0", "INTERPLUG__SURFACES__DRIVER": "true"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        said = [(await process.stdout.readline()).decode() for _ in range(5)]
    url = said[1].split()[-1].removesuffix("/ocpi/versions")
    yield Served(process, url, said)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_it_needs_no_file_and_prints_its_urls(served: Served, tmp_path: Path) -> None:
    assert served.said[0].startswith("Interplug")
    assert f"{served.url}/ocpi/versions" in served.said[1]
    assert "party add" in served.said[4]
    assert (tmp_path / "interplug.db").exists()
    async with aiohttp.ClientSession() as session:
        for path, status in (("/health/live", 200), ("/health/ready", 200), ("/ocpi/versions", 401), ("/", 200), ("/nothing", 404)):
            async with session.get(served.url + path) as answer:
                assert (path, answer.status) == (path, status)


async def test_a_second_process_does_not_serve_the_same_database(served: Served, tmp_path: Path) -> None:
    environment = quiet_environment() | {"INTERPLUG__SERVER__PORT": "0"}
    second = await asyncio.to_thread(
        subprocess.run, [*PROGRAM, "serve"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (second.returncode, "another process serves" in second.stderr) == (4, True)
    served.process.kill()
    await served.process.wait()
    third = await asyncio.create_subprocess_exec(
        *PROGRAM, "serve", cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert third.stdout is not None
    async with asyncio.timeout(30):
        assert b"is ready" in await third.stdout.readline()
    third.kill()
    await third.wait()


async def test_what_was_asked_before_the_end_is_answered(served: Served) -> None:
    """The body comes after the signal; the answer comes all the same, and then the process ends with 0."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))
    writer.write(b"POST /ocpi/2.2.1/credentials HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
    await writer.drain()
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}/health/live") as answer:
        assert answer.status == 200
    ending = asyncio.ensure_future(served.end(signal.SIGTERM))
    await asyncio.sleep(0)
    writer.write(b"}")
    await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()
    assert await ending == 0


async def test_a_request_that_was_on_its_way_when_the_end_came_is_answered(served: Served) -> None:
    """Its connection stood open without a word: to close that at once would reset it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}/health/live") as answer:
        assert answer.status == 200
    ending = asyncio.ensure_future(served.end(signal.SIGTERM))
    await until_nobody_listens(served.url)
    writer.write(b"GET /ocpi/versions HTTP/1.1\r\nhost: x\r\n\r\n")
    await writer.drain()
    said = await reader.read()
    assert said.startswith(b"HTTP/1.1 401") and b"connection: close" in said
    writer.close()
    assert await ending == 0


async def until_nobody_listens(url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            except (ConnectionRefusedError, ConnectionResetError):  # reset: in the very moment
                return
            writer.close()
            await asyncio.sleep(0)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
async def test_a_page_that_is_kept_live_does_not_hold_up_the_end(served: Served, by: signal.Signals) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert await served.end(by) == 0


def test_a_port_that_is_taken_is_a_configuration_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = quiet_environment() | {"INTERPLUG__SERVER__PORT": str(taken.getsockname()[1])}
        ended = subprocess.run([*PROGRAM, "serve"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert "cannot listen" in ended.stderr


def test_a_faster_clock_needs_an_epoch(tmp_path: Path) -> None:
    environment = quiet_environment() | {"INTERPLUG__SIMULATOR__SPEED": "10"}
    ended = subprocess.run(
        [*PROGRAM, "party", "add", "CPO", "NL-TNM"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 4
    assert "epoch" in ended.stderr


@pytest.mark.parametrize(("library", "words"), [("httptools", ["status", "--help"]), ("starlette", ["serve", "--help"])])
def test_a_missing_extra_is_named(library: str, words: list[str]) -> None:
    """As in the base install, where only the pure rooms can be opened."""
    hidden = f"import sys; sys.modules[{library!r}] = None; from interplug.cli.main import main; main()"
    ended = subprocess.run([sys.executable, "-c", hidden, *words], env=dict(os.environ), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert f"{library} is missing" in ended.stderr and "interplug[node]" in ended.stderr
    assert "Traceback" not in ended.stderr
