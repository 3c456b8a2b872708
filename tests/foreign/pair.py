"""A CPO that awaits stations and the eMSP whose drivers charge there: two nodes in processes of their own, joined by real OCPI."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.cli.demo.processes import NodeProcess
from interplug.model.types import encode_json
from interplug.store.tx import Tx
from tests.charges.meters import element, location, tariff
from tests.foreign.stations import PATIENCE
from tests.stories.living import beside

TIME = "2026-01-01T00:00:00Z"
CARD = {
    "country_code": "BE", "party_id": "XYZ", "uid": "CARD1", "type": "RFID", "contract_id": "BE-XYZ-C1", "issuer": "Xyz", "valid": True,
    "whitelist": "NEVER", "last_updated": TIME,
}  # fmt: skip
"""A card that may not be judged by a list: its provider is asked each time."""
STRONG = {"standard": "IEC_62196_T2_COMBO", "format": "CABLE", "power_type": "DC", "max_voltage": 1000, "max_amperage": 400}
DEAR = tariff("T1", element(("FLAT", "0.50"), ("ENERGY", "25")))
"""Charges of the tests last for seconds: what they cost has to be seen all the same."""


def place() -> dict[str, Any]:
    """With connectors that deliver so much that a few Wh a second are no wonder."""
    found = location("T1")
    for evse in found["evses"]:
        [connector] = evse["connectors"]
        evse["connectors"] = [connector | STRONG | {"max_electric_power": 400_000}]
    return found


async def documents(node: NodeProcess, module: str) -> list[dict[str, Any]]:
    """What a node holds of a module."""

    async def work(tx: Tx) -> list[dict[str, Any]]:
        return [stored.document async for stored in tx.objects.each(module)]

    async with beside(node.database) as opened:
        return await opened.store.read(work)


class Operator:
    def __init__(self, cpo: NodeProcess) -> None:
        self.cpo = cpo

    @property
    def addresses(self) -> dict[str, str]:
        """Where stations are awaited, by scheme."""
        log = (self.cpo.folder / "node.log").read_text()
        return {scheme: f"{scheme}://{host}" for scheme, host in re.findall(r"awaited at (\w+)://([^/]+)/", log)}

    async def add(self, id: str, *options: str, location: str = "LOC1") -> str:
        """A station may connect; the password that it was given."""
        added = await self.cpo.command("station", "add", id, "--location", location, *options)
        return str(added.get("password", ""))


class Pair(Operator):
    def __init__(self, cpo: NodeProcess, emsp: NodeProcess) -> None:
        super().__init__(cpo)
        self.emsp = emsp

    # --- what the provider has

    async def sees(self, module: str, wanted: Callable[[list[dict[str, Any]]], Any]) -> Any:
        """Returns when what the provider has is as wanted; that."""
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while not (value := wanted(found)):
                    await asyncio.sleep(0.1)
                    found = await documents(self.emsp, module)
                return value
        except TimeoutError:
            raise AssertionError(f"the provider has {found}; the operator says: {self.cpo.said()}") from None

    async def status(self, wanted: str, uid: str = "EVSE1") -> None:
        def look(found: list[dict[str, Any]]) -> bool:
            return any(evse["uid"] == uid and evse["status"] == wanted for place in found for evse in place["evses"])

        await self.sees("locations", look)

    async def session(self, status: str, kwh: str = "0") -> dict[str, Any]:
        """The newest Session, when it is as far as that."""

        def look(found: list[dict[str, Any]]) -> dict[str, Any] | None:
            newest = max(found, key=lambda one: str(one["start_date_time"]), default=None)
            return newest if newest and newest["status"] == status and newest["kwh"] >= Decimal(kwh) else None

        found: dict[str, Any] = await self.sees("sessions", look)
        return found

    async def cdr(self, session: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.sees(
            "cdrs", lambda found: next((one for one in found if one.get("session_id") == session), None)
        )
        return found

    async def command(self, name: str, **options: str) -> str:
        words = [word for option, value in options.items() for word in (f"--{option}", value)]
        return str((await self.emsp.command("command", "send", name, "cpo", *words))["result"])


async def _begin(node: NodeProcess, *objects: dict[str, Any]) -> None:
    await node.command("party", "add", node.role, node.party, "--name", node.company)
    if objects:
        (node.folder / "objects.json").write_bytes(encode_json(objects))
        await node.command("import", str(node.folder / "objects.json"))
    await node.start()


@contextlib.asynccontextmanager
async def operator(folder: Path, stations: str = "", *more: dict[str, Any]) -> AsyncIterator[Operator]:
    """`stations`: further settings; `more`: further objects of its own."""
    awaiting = f"[stations]\nenabled = true\nport = 0\nsession_every = 0\n{stations}"
    cpo = NodeProcess(folder / "cpo", "cpo", "Cpo", "CPO", "NL-TNM", ["2.2.1", "2.3.0"], awaiting)
    try:
        await _begin(cpo, DEAR, place(), *more)
        yield Operator(cpo)
    finally:
        await cpo.end()
        cpo.release()


@contextlib.asynccontextmanager
async def pair(folder: Path, stations: str = "", *more: dict[str, Any]) -> AsyncIterator[Pair]:
    async with operator(folder, stations, *more) as ours:
        emsp = NodeProcess(folder / "emsp", "emsp", "Emsp", "EMSP", "BE-XYZ", ["2.2.1"], "[surfaces]\ndriver = true\n")
        try:
            await _begin(emsp, CARD)
            await _register(ours, emsp)
            yield Pair(ours.cpo, emsp)
        finally:
            await emsp.end()
            emsp.release()


@contextlib.asynccontextmanager
async def steering(folder: Path, roaming: Pair, version: str) -> AsyncIterator[NodeProcess]:
    """A company that does nothing but steer charges (SCSP), in that version of OCPI; the operator lets it see all Sessions."""
    scsp = NodeProcess(folder / "scsp", "scsp", "Grid", "SCSP", "FR-GRD", [version], "")
    try:
        await _begin(scsp)
        await _register(roaming, scsp)
        await roaming.cpo.command("audience", "join", "all sessions", "scsp")
        yield scsp
    finally:
        await scsp.end()
        scsp.release()


async def _register(operator: Operator, partner: NodeProcess) -> None:
    invited = await operator.cpo.command("partner", "invite", partner.name)
    await partner.command("partner", "register", invited["versions_url"], "--name", "cpo", typed=invited["token"])
