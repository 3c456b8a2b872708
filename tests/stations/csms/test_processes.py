"""Several processes await stations on one database: only the newest connection writes, and commands find their way. On either engine."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from interplug.charges import charging
from interplug.cli.demo.processes import quiet_environment
from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V21
from interplug.stations.ocpp.link import Refused
from tests import nodes
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import boot, meter, start, status, stop
from tests.stations.csms.stations import Station, add_station, carried, serving, station

pytestmark = pytest.mark.usefixtures("engine")


async def test_two_processes_one_station_and_the_late_one_writes_nothing(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with serving(node) as other:
        async with station(csms, V16) as old:
            await boot(old, clock)
            async with station(other, V16) as new:
                await boot(new, clock)
                with pytest.raises(Refused):
                    await start(old, clock)
                await old.running
                assert await provider.sessions() == []
                with pytest.raises(ConnectionError):
                    await status(old, clock, "Faulted")
                assert await provider.status() == "AVAILABLE"
                await start(new, clock)
    assert len(await provider.sessions()) == 1


async def test_a_process_that_was_halted_in_the_midst_undoes_nothing_that_another_has_written(
    csms: Csms, node: Node, provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read what was known of a charge, and writes it when another process has long carried the end."""
    halted, goes_on = asyncio.Event(), asyncio.Event()
    really = charging.meter

    async def slowly(*said: Any, **more: Any) -> None:
        await really(*said, **more)
        if not halted.is_set():
            halted.set()
            await goes_on.wait()

    async with serving(node) as other, station(csms, V16) as old:
        await boot(old, clock)
        number = await start(old, clock)
        await carried(csms)
        monkeypatch.setattr(charging, "meter", slowly)
        clock.move(1800)
        await meter(old, clock, number, 3000)
        post = csms.hall.posts["CS1"]
        await halted.wait()
        async with station(other, V16) as new:
            await boot(new, clock)
            clock.move(1800)
            await stop(new, clock, number, 6000)
            await carried(other)
            goes_on.set()
            await post.ended.wait()
    assert await node.store.read(lambda tx: tx.ocpp.open("CS1")) == []
    assert [bill["total_energy"] for bill in await provider.cdrs()] == [5]


async def test_a_command_reaches_the_process_that_has_the_station(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    async with serving(node) as other:
        async with station(csms, V21) as one:
            node.stations = other.commands
            one.answers["UnlockConnector"] = {"status": "Unlocked"}
            place = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1"}
            assert await provider.command("UNLOCK_CONNECTOR", **place) == ("ACCEPTED", ["ACCEPTED"])
            one.answers["UnlockConnector"] = Refused("NotSupported", "no lock")
            assert await provider.command("UNLOCK_CONNECTOR", **place) == ("ACCEPTED", ["NOT_SUPPORTED"])
        await asyncio.gather(*(post.ended.wait() for post in csms.hall.posts.values()))
        assert await provider.command("UNLOCK_CONNECTOR", **place) == ("ACCEPTED", ["TIMEOUT"])


# --- the program itself

PROGRAM = (sys.executable, "-m", "interplug.cli.main")


@asynccontextmanager
async def program(*arguments: str, folder: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = quiet_environment() | {f"INTERPLUG__{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                await process.wait()


async def test_the_program_awaits_stations_and_its_commands_reach_them(tmp_path: Path, node: Node, free_port: int) -> None:
    """A node is served as a process of its own; its database was filled before, and a command is a second process beside it."""
    settings = {"store__url": nodes.database(tmp_path, "node"), "store__key_file": str(tmp_path / "node.key"), "server__port": "0"}
    await add_station(node, "CS9", profile=0, password="", outlets=[])
    stations = {"stations__enabled": "true", "stations__port": str(free_port)}
    async with program("serve", folder=tmp_path, **settings, **stations) as served:
        assert served.stdout is not None
        async with asyncio.timeout(60):
            while b"database" not in await served.stdout.readline():
                pass
        async with connect(f"ws://127.0.0.1:{free_port}/CS9", subprotocols=[Subprotocol("ocpp2.1")]) as socket:
            one = Station(socket, V21)
            assert set(await one.say("Heartbeat")) == {"currentTime"}
            one.answers["Reset"] = {"status": "Scheduled"}
            async with program("station", "call", "CS9", "Reset", '{"type": "OnIdle"}', "--json", folder=tmp_path, **settings) as command:
                said, _ = await command.communicate()
            assert json.loads(said) == {"status": "Scheduled"}
            assert await one.asked("Reset") == {"type": "OnIdle"}
            await one.close()
