"""Two operators of nodes who have nothing but commands: they invite, register, look, renew, suspend and part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.cli.demo.processes import DemoFailed, NodeProcess
from interplug.model.types import decode_json, encode_json
from tests.sync.test_importing import location


@pytest.fixture
async def nodes(engine: str, tmp_path: Path) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    cpo = NodeProcess(tmp_path / "cpo", "cpo", "Cpo", "CPO", "NL-AAA", ["2.1.1", "2.2.1"], "")
    emsp = NodeProcess(tmp_path / "emsp", "emsp", "Emsp", "EMSP", "DE-EEE", ["2.1.1", "2.2.1", "2.3.0"], "")
    for node in (cpo, emsp):
        await node.command("party", "add", node.role, node.party, "--name", node.company)
        await node.start()
    yield cpo, emsp
    for node in (cpo, emsp):
        await node.end()
        node.release()


async def test_from_the_invitation_to_the_parting(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    cpo, emsp = nodes
    invited = await cpo.command("partner", "invite", "emsp")
    assert invited.keys() >= {"token", "versions_url"}
    assert cpo.store.startswith("postgresql:") or invited["token"].encode() not in cpo.database.read_bytes()

    registered = await emsp.command("partner", "register", invited["versions_url"], "--name", "cpo", typed=invited["token"])
    assert (registered["state"], registered["version"], registered["parties"]) == ("REGISTERED", "2.2.1", ["CPO NL-AAA"])
    (at_cpo,) = await cpo.command("partner", "list")
    assert (at_cpo["state"], at_cpo["version"], at_cpo["parties"]) == ("REGISTERED", "2.2.1", ["EMSP DE-EEE"])

    shown = await emsp.command("partner", "show", "cpo")
    assert {one["identifier"] for one in shown["endpoints"]} >= {"credentials", "locations", "tariffs", "sessions", "cdrs", "commands"}
    assert shown["writes_for"] == ["NL-AAA"]

    with pytest.raises(DemoFailed, match=r"failed \(3\).*401"):
        await emsp.command("partner", "register", invited["versions_url"], "--name", "again", typed=invited["token"])

    rotated = await emsp.command("partner", "rotate", "cpo", "--version", "2.1.1")
    assert rotated["version"] == "2.1.1"
    assert (await cpo.command("partner", "list"))[0]["version"] == "2.1.1"

    assert (await cpo.command("partner", "suspend", "emsp"))["state"] == "SUSPENDED"
    with pytest.raises(DemoFailed, match=r"failed \(3\)"):
        await emsp.command("pull", "cpo", "--full")
    assert (await cpo.command("partner", "resume", "emsp"))["state"] == "REGISTERED"
    assert all(one["fault"] in (None, "") for one in await emsp.command("pull", "cpo", "--full"))

    assert (await emsp.command("partner", "remove", "cpo"))["state"] == "REMOVED"
    assert (await cpo.command("partner", "list"))[0]["state"] == "UNREGISTERED"


async def test_what_cannot_be_done_is_said_and_has_its_code(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    cpo, emsp = nodes
    with pytest.raises(DemoFailed, match=r"failed \(3\)"):
        await emsp.command("partner", "register", f"http://127.0.0.1:{cpo.port}/ocpi/versions", typed="no-such-token")
    with pytest.raises(DemoFailed, match=r"failed \(2\).*token is empty"):
        await emsp.command("partner", "register", f"{cpo.url}/ocpi/versions", typed="\n")
    with pytest.raises(DemoFailed, match=r"failed \(1\).*no partner 'nobody'"):
        await emsp.command("partner", "show", "nobody")
    with pytest.raises(DemoFailed, match=r"failed \(2\).*9.9"):
        await cpo.command("partner", "invite", "emsp", "--version", "9.9")
    await cpo.end()
    with pytest.raises(DemoFailed, match=r"failed \(3\).*cannot connect"):
        await emsp.command("partner", "register", f"{cpo.url}/ocpi/versions", typed="token")


async def test_what_a_command_brings_in_reaches_partners_of_the_running_node(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    cpo, emsp = nodes
    invited = await cpo.command("partner", "invite", "emsp")
    await emsp.command("partner", "register", invited["versions_url"], "--name", "cpo", typed=invited["token"])
    (tmp_path / "location.json").write_bytes(encode_json(location("L1", party_id="AAA")))
    await cpo.command("import", str(tmp_path / "location.json"))
    async with asyncio.timeout(20):
        while "locations" not in {one["module"] for one in (await emsp.command("status"))["received"]}:
            pass
    out = tmp_path / "received.jsonl"
    await emsp.command("export", "locations", "--partner", "cpo", "--out", str(out))
    received = decode_json(out.read_bytes())
    assert received == location("L1", party_id="AAA", last_updated=received["last_updated"])
