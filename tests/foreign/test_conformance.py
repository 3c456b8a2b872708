"""ocpp-ws-cli against `interplug serve`: the checks of its `test`, and its `fuzz` beside a charge that goes on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json
from tests.charges.meters import location
from tests.foreign.pair import Operator, Pair, documents, operator, pair
from tests.foreign.stations import CLI, PATIENCE, need, node_js, station_20

SUBPROTOCOL = "Server requires subprotocol"
MESSAGE_ID = "Server enforces MessageId is a string"
OTHERWISE = {
    # 2.x part 4, section 3.1.2: where no version is common the upgrade is completed without naming one, then the socket is closed.
    "ocpp2.0.1": {SUBPROTOCOL, MESSAGE_ID},
    # 1.6 has no FormatViolation, which the checks want to see: it is FormationViolation there (OCPP-J 1.6, table 7).
    "ocpp1.6": {
        SUBPROTOCOL,
        MESSAGE_ID,
        "Server rejects missing payload in CALL",
        "Server rejects non-object payload in CALL",
    },
}
"""What we do otherwise than the checks want, and why. MESSAGE_ID: a CALL whose id is no string has none that could be repeated, and is
answered with the id "-1" (2.x part 4, section 4.2.3), while the check waits for its number."""
FUZZERS = range(1, 5)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Operator]:
    need()
    # The check of large frames sends 200 kB.
    async with operator(tmp_path, "largest_frame = 131072\n") as cpo:
        yield cpo


@pytest.fixture
async def roaming(tmp_path: Path) -> AsyncIterator[Pair]:
    need()
    yard = location("T1", id="YARD")
    evse = yard["evses"][0]
    yard["evses"] = [evse | {"uid": f"YARD{n}", "evse_id": f"NL*TNM*EYARD{n}"} for n in FUZZERS]
    async with pair(tmp_path, "", yard) as joined:
        yield joined


async def report(folder: Path) -> dict[str, Any]:
    [file] = folder.glob("*.json")
    found: dict[str, Any] = decode_json(file.read_bytes())
    return found


@pytest.mark.parametrize("version", OTHERWISE)
async def test_every_check_passes_but_for_those_that_want_something_else_than_the_specification(
    node: Operator, version: str, tmp_path: Path
) -> None:
    await node.add("CP1", "--profile", "0")
    words = ("-e", node.addresses["ws"], "-i", "CP1", "-p", version, "--suite", "all", "--report", "json", "--report-dir", tmp_path / "out")
    async with node_js(CLI, "test", *words) as process:
        async with asyncio.timeout(2 * PATIENCE):
            out, _ = await process.communicate()
    results = (await report(tmp_path / "out"))["testResults"]
    assert len(results) == 21, out.decode()
    assert {one["name"] for one in results if not one["passed"]} == OTHERWISE[version]
    assert await node.cpo.command("station", "list")


async def test_a_charge_goes_on_while_others_send_rubbish(roaming: Pair, tmp_path: Path) -> None:
    for n in FUZZERS:
        await roaming.add(f"Fuzzer-{n}", "--profile", "0", "--outlet", f"1=YARD{n}", location="YARD")
    password, ws = await roaming.add("CS1", "--outlet", "1=EVSE1"), roaming.addresses["ws"]
    words = ("-e", ws, "-w", len(FUZZERS), "--flood", "--report", "json", "--report-dir", tmp_path / "out")
    async with station_20(ws, "CS1", password) as station, node_js(CLI, "fuzz", *words) as fuzzers:
        await station.does("boot")
        assert (await station.does("card", "CARD1"))["status"] == "Accepted"
        for _ in range(10):
            await station.does("charge", 3)
        await roaming.session("ACTIVE", "0.03")
        await station.does("unplug")
        fuzzers.send_signal(signal.SIGINT)
        await fuzzers.communicate()
    session = await roaming.session("COMPLETED", "0.03")
    assert (await roaming.cdr(session["id"]))["total_energy"] == Decimal("0.03")
    sent = (await report(tmp_path / "out"))["metrics"]
    assert sent["anomaliesSent"] > 100 and sent["serverErrors"] > 50, sent
    [one] = await documents(roaming.emsp, "sessions")
    assert one["id"] == session["id"], "nobody else has charged"
