"""`interplug alert`: what is wrong, on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interplug.backend.alerts import Following
from interplug.config import Settings, StoreSettings
from interplug.model.types import encode_json
from interplug.modules.opening import opened
from interplug.store.faults import Fault
from interplug.store.tx import Tx
from tests.charges.meters import location
from tests.cli.conftest import Command


@pytest.fixture
def broken(interplug: Command, tmp_path: Path) -> None:
    """A station with a fault that is there, and one that was and is not any more."""
    file = tmp_path / "location.json"
    file.write_bytes(encode_json([location()]))
    for arguments in (("party", "add", "CPO", "NL-TNM"), ("import", str(file)), ("station", "add", "CS1", "--location", "LOC1")):
        assert interplug(*arguments).code == 0

    async def work() -> None:
        async with opened(Settings(store=StoreSettings(url=f"sqlite:///{tmp_path / 'node.db'}"))) as node:
            at = node.clock() - 60_000_000
            ground = Fault(
                station="CS1",
                evse=1,
                connector=1,
                code="GroundFailure",
                severity="critical",
                vendor_code="E4",
                source="status",
                opened_at=at,
            )
            reader = Fault(station="CS1", code="ReaderFailure", severity="minor", source="event", opened_at=at)

            async def log(tx: Tx) -> None:
                await tx.faults.open(reader)
                await tx.faults.close(1, at + 1)
                await tx.faults.open(ground)

            await node.store.write(log)
            await Following(node, {"https://ops.example/hook?key=secret": "info"}).look()
            await node.store.write(lambda tx: tx.db.execute("update alert set quiet_at = 1 where code = 'ReaderFailure'"))
            await Following(node).look()

    asyncio.run(work())


def test_the_open_ones_are_listed_and_with_all_those_that_are_over(interplug: Command, broken: None) -> None:
    [alert] = interplug("alert", "list", "--json").json
    assert (alert["code"], alert["location"]["name"], alert["evse_uid"], alert["open"]) == ("GroundFailure", "Harbour", "EVSE1", True)
    assert [one["code"] for one in interplug("alert", "list", "--all", "--json").json] == ["GroundFailure", "ReaderFailure"]
    said = interplug("alert", "list").out
    assert "GroundFailure" in said and "Harbour" in said and "ReaderFailure" not in said


def test_they_are_found_by_station_and_location(interplug: Command, broken: None) -> None:
    assert len(interplug("alert", "list", "--station", "CS1", "--location", "Loc1", "--json").json) == 1
    assert interplug("alert", "list", "--station", "CS2").out == "no alert is open\n"
    assert interplug("alert", "list", "--location", "LOC2", "--json").json == []


def test_one_is_shown_with_how_it_came_and_who_was_told(interplug: Command, broken: None) -> None:
    shown = interplug("alert", "show", "2", "--json").json
    assert (shown["vendor_code"], shown["text"]) == ("E4", "Current leaks to earth; the station has switched off.")
    assert len(shown["faults"]) == 1 and shown["faults"][0]["closed_at"] is None
    [told] = shown["told"]
    assert (told["event"], told["target"], told["sent_at"]) == ("alert.opened", "https://ops.example/hook", None)
    assert "secret" not in interplug("alert", "show", "2").out
    assert interplug("alert", "show", "9").code == 1


def test_who_looks_after_it_is_kept_and_nobody_takes_it_from_him(interplug: Command, broken: None) -> None:
    assert interplug("alert", "ack", "2", "--by", "ann").code == 0
    assert interplug("alert", "ack", "2", "--by", "bob", "--json").json == {"number": 2, "acknowledged_by": "ann"}
    [alert] = interplug("alert", "list", "--json").json
    assert alert["acknowledged_by"] == "ann" and alert["open"]
    assert interplug("alert", "ack", "9").code == 1
