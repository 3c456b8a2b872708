"""A disk that is full, and has room again: what was accepted is there, what could not be written was not accepted, all goes on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.modules import said
from tests.nodes import CPO
from tests.stories.living import Running, beside, furnish, neighbour, running, save

SIZE = 24_000_000
LEAST = "2000000"
ROOM = 4096


@dataclass
class Disk:
    """`fill` and `clear` are told the process of the node."""

    folder: Path
    fill: Callable[[int], None]
    clear: Callable[[int], None]


def _small(folder: Path) -> Iterator[Disk]:
    """A disk in memory, and a file that takes all of it."""
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("a disk of its own can be mounted by root alone")
    ballast = folder / "ballast"

    def fill(_: int) -> None:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * ROOM):
                pass

    yield Disk(folder, fill, lambda _: ballast.unlink())
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _limited(folder: Path) -> Iterator[Disk]:
    """No file may grow above a page, which the system says when it is written to, as it does where the disk is full."""

    def limit(process: int, size: int) -> None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    yield Disk(folder, lambda process: limit(process, ROOM), lambda process: limit(process, resource.RLIM_INFINITY))


@pytest.fixture(params=[_small, _limited], ids=["small", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    yield from request.param(folder)


async def put_until(node: Running, wanted: bool, names: Iterator[str], accepted: list[str]) -> None:
    """Locations of the partner, until one is (not) accepted. Whatever is not accepted is said so, in the envelope."""
    async with asyncio.timeout(30):
        while True:
            name = next(names)
            http, ocpi = await node.put(said.theirs(said.location(name)))
            if ocpi == 1000:
                accepted.append(name)
            else:
                assert (http, ocpi) == (500, 3000)
            if (ocpi == 1000) is wanted:
                return
            await asyncio.sleep(0.05)


async def test_a_full_disk_loses_nothing_that_was_accepted_and_all_goes_on_when_there_is_room(disk: Disk) -> None:
    database, accepted = disk.folder / "node.db", list[str]()
    names = (f"L{n}" for n in itertools.count())
    async with neighbour() as partner:
        await furnish(database, partner)
        async with running(database, INTERPLUG__STORE__LEAST_FREE=LEAST) as node:
            pid = node.process.pid
            await node.until_ready()
            await put_until(node, True, names, accepted)
            for _ in range(2):
                disk.fill(pid)
                await put_until(node, False, names, accepted)
                await node.until_missing("store", "disk")
                disk.clear(pid)
                await node.until_ready()
                await put_until(node, True, names, accepted)
            # Every loop works again: a change of ours reaches the partner, and nothing is missing.
            async with beside(database) as commands:
                await save(commands, {**said.location("OURS"), "country_code": CPO[1], "party_id": CPO[2]})
            await partner.hears()
            assert (await node.ready())["status"] == "ready"
            node.process.send_signal(signal.SIGKILL)
            await node.process.wait()
        async with beside(database) as commands:
            found, _ = await commands.store.read(lambda tx: tx.objects.batch("locations", 0, 10_000, 1))
    assert {one.key.id for one in found} == set(accepted)
    assert len(accepted) >= 3


async def test_a_node_that_is_told_to_stop_while_its_disk_is_full_ends_in_time_and_says_what_is_missing(disk: Disk) -> None:
    database = disk.folder / "node.db"
    async with neighbour() as partner:
        await furnish(database, partner)
        async with running(database, heard=True, INTERPLUG__STORE__LEAST_FREE=LEAST) as node, beside(database) as commands:
            await node.until_ready()
            partner.before = lambda: asyncio.to_thread(disk.fill, node.process.pid)  # type: ignore[assignment]
            await save(commands, {**said.location("OURS"), "country_code": CPO[1], "party_id": CPO[2]})
            await partner.hears()
            await node.until_missing("store", "disk")
            refused = [await node.put(said.theirs(said.location(f"L{n}"))) for n in range(20)]
            code, told = await node.last_words(signal.SIGTERM)
    assert code == 1
    assert refused.count((500, 3000)) > 10
    assert sum("ERROR" in line and "PUT" in line for line in told) == 1, "the same fault is told once"
    assert [line for line in told if line.startswith("interplug: ")] == [line for line in told if "did not take everything (push" in line]
    assert "Traceback" not in "".join(told[-3:])
