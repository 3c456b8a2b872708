"""`interplug problem` and `interplug reference`: what a help desk needs when a driver calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interplug.backend import reports
from interplug.config import AlertSettings
from interplug.drivers.drives import new_driver, start
from interplug.model.types import encode_json
from interplug.store.commands import Command as Command_
from interplug.store.problems import Problem
from tests.cli.conftest import Command
from tests.drivers.played import open_world
from tests.nodes import close

TOLD = AlertSettings(webhooks=["https://ops.example/hook"], webhook_secret="s", mail_to=["ops@example.org"], mail_severity="major")


async def reported(folder: Path) -> str:
    """Two drivers report the same plug, a third one a danger; and one of them has started. The id of that drive."""
    world = await open_world(folder, alerts=TOLD)
    node, plug = world.node, await world.plug()
    drive = await start(node, await new_driver(node), plug)
    where = {"connection": plug.connection, "country": "BE", "party": "XYZ", "place": "L1", "name": "Harbour", "evse": "E1"}
    for name, kind in (("0000000a", "CABLE"), ("0000000b", "CABLE"), ("0000000c", "DANGER")):
        problem = Problem(id=name, kind=kind, said="It is stuck.", drive=drive.id, created_at=node.clock(), **where)  # type: ignore[arg-type]
        await node.store.write(lambda tx, problem=problem: reports.report(tx, node, problem))  # type: ignore[misc]
    await close(node)
    return drive.id


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERPLUG__ALERTS__WEBHOOKS", "https://ops.example/hook")
    monkeypatch.setenv("INTERPLUG__ALERTS__WEBHOOK_SECRET", "s")
    return asyncio.run(reported(tmp_path))


def test_problems_are_listed_closed_and_found_again(interplug: Command, drive: str) -> None:
    found = interplug("problem", "list", "--json").json
    assert sorted(one["reference"] for one in found) == ["0000-000A", "0000-000B", "0000-000C"]
    assert "the cable or the plug is broken" in interplug("problem", "list").out
    assert interplug("problem", "close", "0000-000a", "--by", "ann").code == 0
    assert interplug("problem", "close", "0000-000A").code == 1
    assert interplug("problem", "show", "0000-000A", "--json").json["closed_by"] == "ann"
    assert len(interplug("problem", "list", "--json").json) == 2 and len(interplug("problem", "list", "--all", "--json").json) == 3
    assert (interplug("problem", "show", "nothing").code, interplug("problem", "show", "ffff-ffff").code) == (2, 1)


def test_one_kind_at_one_plug_is_one_alert_until_its_last_problem_is_closed(interplug: Command, drive: str) -> None:
    cable, danger = sorted(interplug("alert", "list", "--json").json, key=lambda one: str(one["code"]))
    assert (cable["code"], cable["times"], cable["severity"], danger["severity"]) == ("DriverReportCable", 2, "minor", "major")
    told = [interplug("alert", "show", str(one["number"]), "--json").json["told"] for one in (cable, danger)]
    assert [[one["target"] for one in some] for some in told] == [["https://ops.example/hook"], ["https://ops.example/hook", "mail"]]
    interplug("problem", "close", "0000-000A")
    assert len(interplug("alert", "list", "--json").json) == 2
    interplug("problem", "close", "0000-000B")
    assert [one["code"] for one in interplug("alert", "list", "--json").json] == ["DriverReportDanger"]
    events = [one["event"] for one in interplug("alert", "show", str(cable["number"]), "--json").json["told"]]
    assert events == ["alert.opened", "alert.closed"]


def test_what_a_driver_quotes_is_found(interplug: Command, drive: str) -> None:
    (one,) = interplug("reference", f"{drive[:4]}-{drive[4:8]}", "--json").json
    assert (one["id"], one["state"], one["commands"][0]["command"]) == (drive, "ACCEPTED", "START_SESSION")
    assert interplug("reference", "0000000b", "--json").json[0]["kind"] == "problem"
    assert "START_SESSION" in interplug("reference", drive).out
    assert (interplug("reference", "zz").code, interplug("reference", "ffffffff").code) == (2, 1)


def test_an_operator_finds_what_a_provider_asked_for_it(interplug: Command, tmp_path: Path) -> None:
    """The driver quotes the beginning of what the provider gave as authorization_reference."""

    async def asked() -> None:
        world = await open_world(tmp_path)
        document = encode_json({"location_id": "L1", "evse_uid": "E1", "authorization_reference": "ABCDEF0123456789"})
        came = Command_(
            id="c1", direction="in", connection=world.partner.connection.id, version="2.2.1", command="START_SESSION", state="done",
            document=document, response_url="", place="be/xyz/l1", evse="e1", result="FAILED", message="ground fault",
            created_at=world.clock(), deadline=0,
        )  # fmt: skip
        await world.node.store.write(lambda tx: tx.commands.add(came))
        await close(world.node)

    asyncio.run(asked())
    (one,) = interplug("reference", "ABCD-EF01", "--json").json
    assert (one["command"], one["result"], one["message"]) == ("START_SESSION", "FAILED", "ground fault")
    assert (one["place"], one["evse_uid"]) == ("L1", "E1")
    assert interplug("reference", "ABCD-EF02").code == 1
