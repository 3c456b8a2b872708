"""The charging stations of an operator of the demo: a process of their own that speaks OCPP with the operator's node, and nothing else.

What stands in the streets follows from the invented city. Each Location has one station, of 1.6, 2.0.1 or 2.1, with a password that the
operator's node made for it. The process is directed over its standard input; when the demo dies it ends, too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from interplug.model.types import encode_json
from interplug.stations.simulator.places import VERSIONS, outlets, station_at
from interplug.stations.simulator.plan import Plan

from .processes import PROGRAM, DemoFailed, NodeProcess, ended, quiet_environment

Document = dict[str, Any]
ONLINE = 40.0
END = 5.0
EVERY, ARRIVES, LEAVES, PATIENCE = 2.0, 2.0, 2.0, 20.0
"""Real seconds between readings; until a driver who was let in plugs in; until a car is gone; that a station waits for a cable."""


@dataclass
class StationsProcess:
    """All stations of one operator. Times are of real seconds, the stations' clock runs `speed` times as fast since `epoch`."""

    operator: NodeProcess
    speed: float
    epoch: float
    seed: int
    plans: list[Plan] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """By station the id of its Location."""
    process: asyncio.subprocess.Process | None = None
    _gate: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def folder(self) -> Path:
        return self.operator.folder

    # --- before it runs

    async def provide(self, locations: list[Document]) -> None:
        """The operator adds a station at each Location; each gets the password that its node made."""
        seconds = {"MeterValueSampleInterval": EVERY, "ConnectionTimeOut": PATIENCE}
        settings = {name: str(round(value * self.speed)) for name, value in seconds.items()}
        self.plans = [station_at(one, VERSIONS[number % len(VERSIONS)], settings) for number, one in enumerate(locations)]
        self.places = {plan.id: one["id"] for plan, one in zip(self.plans, locations, strict=True)}
        wanted = [
            {"id": plan.id, "location": one["id"], "outlets": outlets(plan, one)} for plan, one in zip(self.plans, locations, strict=True)
        ]
        file = self.folder / "wanted-stations.json"
        file.write_bytes(encode_json(wanted))
        told = await self.operator.command("station", "import", str(file))
        if told["refused"]:
            raise DemoFailed(f"{self.operator.name}: {told['refused'][0]['id']} was not added: {told['refused'][0]['reason']}")
        passwords = {one["id"]: one["password"] for one in told["added"]}
        self.plans = [msgspec.structs.replace(plan, password=passwords[plan.id]) for plan in self.plans]

    # --- its life

    async def start(self, cards: list[str]) -> None:
        """Returns when every station is connected. `cards` are those of drivers who come by themselves."""
        stations, known = self.folder / "stations.json", self.folder / "cards.txt"
        stations.write_bytes(msgspec.json.encode(self.plans))
        stations.chmod(0o600)
        known.write_text("\n".join(cards), encoding="utf-8")
        habits = {"seed": self.seed, "speed": self.speed, "epoch": self.epoch}
        habits |= {"arrives": ARRIVES * self.speed, "leaves": LEAVES * self.speed}
        options = [text for name, value in habits.items() for text in (f"--{name}", str(value))]
        with (self.folder / "stations.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *PROGRAM, "station", "simulate", "--url", self.operator.stations_url, "--stations", str(stations), "--profile", "lively",
                "--cards", str(known), "--control", "-", "--json", *options,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=quiet_environment(), start_new_session=True,
            )  # fmt: skip
        try:
            async with asyncio.timeout(ONLINE):
                await self._connected()
        except TimeoutError:
            raise DemoFailed(f"the stations of {self.operator.name} were not connected after {ONLINE:.0f} s; {self._said()}") from None

    async def _connected(self) -> None:
        while True:
            if (await self.order("figures"))["online"] == len(self.plans):
                return
            await asyncio.sleep(0.2)

    async def order(self, do: str, **fields: Any) -> Document:
        """What a driver or the weather does; the answer of the stations."""
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        async with self._gate:
            self.process.stdin.write(encode_json({"do": do, **fields}) + b"\n")
            line = await self.process.stdout.readline()
        if not line:
            raise DemoFailed(f"the stations of {self.operator.name} have ended; {self._said()}")
        answer: Document = msgspec.json.decode(line)
        if not answer["ok"]:
            raise DemoFailed(f"the stations of {self.operator.name} cannot {do}: {answer['error']}")
        return answer

    async def figures(self) -> Document:
        """What became of them."""
        assert self.process is not None
        versions = sorted({plan.version for plan in self.plans})
        return {"operator": self.operator.name, "pid": self.process.pid, "versions": versions, **(await self.order("figures"))}

    def _said(self) -> str:
        log = self.folder / "stations.log"
        return "their log ends: " + " | ".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else "they said nothing"

    async def end(self) -> None:
        await ended(self.process, END)
