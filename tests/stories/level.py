"""A CPO and an eMSP that are registered with each other, push and pull, and can be cut off, killed and compared over HTTP."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.partners.directory import Connection
from interplug.partners.lists import pages
from interplug.protocol.http import Request, Response, Unreachable
from interplug.stations.city import Operator, locations, tariffs
from interplug.store.keys import OWN, Key
from interplug.sync.absence import _valid
from interplug.sync.pull import pull
from interplug.sync.push import Push
from interplug.sync.schedule import Schedule
from tests.nodes import EMSP, Clock, Wire, close, make_node, own
from tests.partners.pair import Pair

CPO = ("CPO", "NL", "KAD")
OPERATOR = Operator("NL", "KAD", "Kadestroom", "Waterstad", Decimal("52.1"), Decimal("4.3"))
EVER = {"date_from": "2000-01-01T00:00:00Z"}


class Timer:
    """Seconds that pass when they are told to; each look takes one, so that no pause lasts for ever."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Roaming:
    """The two, joined by a real handshake in `version`."""

    def __init__(self, folder: Path, version: str, clock: Clock, wire: Wire, cpo: Node, emsp: Node) -> None:
        self.folder, self.version, self.clock, self.wire = folder, version, clock, wire
        self.cpo, self.emsp = cpo, emsp
        self.timer = Timer()
        self.pushes: dict[str, Push] = {}
        self.schedules: dict[str, Schedule] = {}
        self.refused: set[str] = set()
        self.city: list[dict[str, Any]] = []

    @classmethod
    async def join(cls, folder: Path, version: str, **of_cpo: Any) -> Roaming:
        """`of_cpo`: sections of the CPO's settings."""
        clock, wire = Clock(), Wire()
        cpo = await make_node(folder, (CPO,), name="cpo", clock=clock, wire=wire, **of_cpo)
        emsp = await make_node(folder, (EMSP,), name="emsp", clock=clock, wire=wire)
        pair = Pair(cpo, emsp, clock, wire, folder)
        await pair.register(version, await pair.invited(version))
        roaming = cls(folder, version, clock, wire, cpo, emsp)
        await roaming.start("cpo")
        await roaming.start("emsp")
        return roaming

    # --- lives and deaths

    def node(self, name: str) -> Node:
        return self.cpo if name == "cpo" else self.emsp

    async def start(self, name: str) -> None:
        self.pushes[name] = Push(self.node(name), timer=self.timer, chance=lambda: 0.5, rest=self.rest)
        await self.pushes[name].start()

    async def rest(self, seconds: float) -> None:
        self.clock.move(seconds)

    async def kill(self, name: str) -> None:
        """No last check-point: what it had not written is gone."""
        push, node = self.pushes.pop(name), self.node(name)
        for lane in push.lanes.values():
            if lane.task is not None:
                lane.task.cancel()
        await close(node)
        self.cut(name)

    async def revive(self, name: str, *, pulls: bool = True) -> None:
        parties = (CPO,) if name == "cpo" else (EMSP,)
        node = await make_node(self.folder, parties, name=name, clock=self.clock, wire=self.wire)
        await node.directory.refresh()
        if name == "cpo":
            self.cpo = node
        else:
            self.emsp = node
        await self.start(name)
        if pulls:
            await pull(node, self.connection(name))

    # --- time, and backups

    async def pass_hours(self, hours: float) -> None:
        """Both nodes live for so long: what is due is pulled and pushed, again and again."""
        for _ in range(8):
            self.clock.move(hours * 450)
            self.timer.now += hours * 450
            for name, push in self.pushes.items():
                if name not in self.schedules or self.schedules[name].push is not push:
                    self.schedules[name] = Schedule(self.node(name), push, timer=self.timer, chance=lambda: 0.5)
                await push.idle()
                await self.schedules[name].idle()

    async def back_up(self, name: str) -> Path:
        if not (self.folder / f"{name}.db").exists():
            pytest.skip("a backup is a file here")
        copy = self.folder / f"{name}.backup"
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as live, closing(sqlite3.connect(copy)) as to:
            live.backup(to)
        return copy

    async def restore(self, name: str, copy: Path) -> None:
        """The node dies and comes to life as it was when the copy was made."""
        await self.kill(name)
        for file in self.folder.glob(f"{name}.db*"):
            file.unlink()
        copy.rename(self.folder / f"{name}.db")
        await self.revive(name, pulls=False)

    def cut(self, name: str) -> None:
        """Nobody answers at that node."""

        async def nobody(request: Request) -> Response:
            raise Unreachable("refused")

        self.wire.places[f"https://{name}.example"] = nobody

    def mend(self, name: str) -> None:
        node = self.node(name)

        async def answer(request: Request) -> Response:
            return await serve(node, request)

        self.wire.places[f"https://{name}.example"] = answer

    async def settle(self) -> None:
        """Everything that can be pushed has been, also after a pause."""
        for _ in range(3):
            self.timer.now += 1000
            for push in self.pushes.values():
                await push.idle()

    # --- what happens

    async def open_city(self, count: int = 5) -> list[dict[str, Any]]:
        city = locations(OPERATOR, self.clock.now, seed=1, count=count)
        for tariff in tariffs(OPERATOR, self.clock.now):
            await own(self.cpo, "tariffs", tariff)
        for location in city:
            await own(self.cpo, "locations", location)
        return city

    async def status(self, location: str, uid: str, value: str) -> None:
        self.clock.move(1)
        key = Key("locations", OWN, "NL", "KAD", location)
        evse = await self.cpo.store.read(lambda tx: tx.objects.get_evse(key, uid))
        assert evse is not None
        document = {**evse.document, "status": value, "last_updated": format_time(self.clock.now)}
        await self.cpo.store.write(lambda tx: tx.objects.save_evse(key, uid, document, last_updated=self.clock.now))

    # --- comparing

    def connection(self, name: str) -> Connection:
        (connection,) = self.node(name).directory.all(registered=True)
        return connection

    async def offered(self, module: str) -> list[dict[str, Any]]:
        """What the owner's list says, over HTTP, in the version of the connection."""
        reader = "emsp" if module != "tokens" else "cpo"
        client = self.node(reader).client
        return [item async for page in pages(client, self.connection(reader), module, EVER) for item in page.items]

    async def copied(self, module: str, offered: dict[str, Any]) -> Any:
        """What the reader's copy says, as the owner reads it back over HTTP."""
        owner = "cpo" if module != "tokens" else "emsp"
        party = ("NL", "KAD") if module != "tokens" else ("DE", "ABC")
        name = offered["uid" if module == "tokens" else "id"]
        query = {"type": offered["type"]} if module == "tokens" and self.version != "2.1.1" else None
        reply = await self.node(owner).client.call(self.connection(owner), "GET", module, "RECEIVER", *party, name, query=query)
        return reply.data if reply.ok else reply.why()

    async def differences(self, module: str) -> list[str]:
        """The ids of objects of which the two sides say different things; the ids of all where there are none to compare."""
        offered = await self.offered(module)
        return [one.get("id", one.get("uid")) for one in offered if await self.copied(module, one) != one] if offered else ["nothing"]

    async def extra(self, module: str) -> list[str]:
        """The ids of valid objects that the reader has of the owner and the owner does not list."""
        reader = self.emsp if module != "tokens" else self.cpo
        listed = {one.get("id", one.get("uid")) for one in await self.offered(module)}
        number = self.connection("emsp" if module != "tokens" else "cpo").id
        found = await reader.store.read(lambda tx: tx.objects.batch(module, 0, 1000, number))
        return [one.key.id for one in found[0] if one.key.id not in listed and _valid(one)]

    async def close(self) -> None:
        for push in self.pushes.values():
            await push.stop()
        for node in (self.cpo, self.emsp):
            await close(node)
