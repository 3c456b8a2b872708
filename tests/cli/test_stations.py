"""`interplug station`: provisioning on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from interplug.config import Settings, StoreSettings
from interplug.model.types import encode_json
from interplug.modules.opening import opened
from interplug.stations.csms.keys import Passwords
from interplug.store.charging_stations import StationRow
from tests.charges.meters import location
from tests.cli.conftest import Command


@pytest.fixture
def place(interplug: Command, tmp_path: Path) -> Path:
    file = tmp_path / "location.json"
    file.write_bytes(encode_json([location()]))
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0
    assert interplug("import", str(file)).code == 0
    return tmp_path / "node.db"


def row(database: Path, id: str) -> StationRow:
    async def work() -> StationRow:
        async with opened(Settings(store=StoreSettings(url=f"sqlite:///{database}"))) as node:
            found = await node.store.read(lambda tx: tx.charging_stations.get(id))
            assert found is not None
            return found

    return asyncio.run(work())


def fits(hash: str, password: str) -> bool:
    async def work() -> bool:
        return await Passwords().fits("CS1", hash, password.encode())

    return asyncio.run(work())


def test_a_station_is_added_and_its_password_is_shown_once_and_kept_hashed(interplug: Command, place: Path) -> None:
    added = interplug("station", "add", "CS1", "--location", "LOC1", "--json")
    assert added.code == 0, added.err
    assert added.json["evses"] == ["EVSE1", "EVSE2"]
    password = added.json["password"]
    kept = row(place, "CS1").password
    assert password not in kept and fits(kept, password) and not fits(kept, password + "0")
    assert kept.startswith("sha256$"), "it is random enough to need no slow hash"
    assert password not in interplug("station", "show", "CS1", "--json").out
    [listed] = interplug("station", "list", "--json").json
    assert (listed["id"], listed["state"], listed["connected"]) == ("CS1", "adopted", False)


def test_a_password_comes_from_standard_input(interplug: Command, place: Path) -> None:
    added = interplug("station", "add", "CS1", "--location", "LOC1", "--password-file", "-", "--json", typed=b"open sesame\n")
    assert "password" not in added.json and fits(row(place, "CS1").password, "open sesame")
    assert row(place, "CS1").password.startswith("$argon2"), "somebody might guess it"


def test_outlets_are_named(interplug: Command, place: Path) -> None:
    assert interplug("station", "add", "CS1", "--location", "LOC1", "--outlet", "7=EVSE2/1").code == 0
    [outlet] = row(place, "CS1").outlets
    assert msgspec.structs.astuple(outlet) == (7, 1, "EVSE2", "1")
    assert interplug("station", "add", "CS2", "--location", "LOC1", "--json").json["evses"] == ["EVSE1"], "the other one is taken"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("CS1", "--location", "ELSEWHERE"), "no Location ELSEWHERE"),
        (("CS:1", "--location", "LOC1"), "identity"),
        (("CS1", "--location", "LOC1", "--outlet", "1=EVSE9"), "no EVSE EVSE9"),
        (("CS1", "--location", "LOC1", "--outlet", "1=EVSE1/9"), "no Connector 9"),
        (("CS1", "--location", "LOC1", "--outlet", "EVSE1"), "names no outlet"),
        (("CS1", "--location", "LOC1", "--outlet", "1=EVSE1", "--outlet", "1=EVSE2"), "1.1 is named twice"),
    ],
)
def test_what_cannot_be_is_said(interplug: Command, place: Path, arguments: tuple[str, ...], words: str) -> None:
    said = interplug("station", "add", *arguments)
    assert said.code == 1 and words in said.err


def test_a_station_stands_in_one_place_only_and_is_removed(interplug: Command, place: Path) -> None:
    assert interplug("station", "add", "CS1", "--location", "LOC1").code == 0
    assert interplug("station", "add", "CS1", "--location", "LOC1", "--outlet", "1=EVSE1").code == 1
    assert "another station" in interplug("station", "add", "CS2", "--location", "LOC1", "--outlet", "1=EVSE1").err
    assert interplug("station", "remove", "CS1").code == 0
    assert interplug("station", "show", "CS1").code == 1


def test_a_station_that_is_not_connected_cannot_be_called(interplug: Command, place: Path) -> None:
    interplug("station", "add", "CS1", "--location", "LOC1")
    said = interplug("station", "call", "CS1", "TriggerMessage", '{"requestedMessage": "Heartbeat"}')
    assert said.code == 3 and "not connected" in said.err
    assert interplug("station", "call", "CS1", "TriggerMessage", "{").code == 2


def test_many_are_added_from_a_file_and_one_that_cannot_be_keeps_no_other_out(interplug: Command, place: Path, tmp_path: Path) -> None:
    file = tmp_path / "stations.json"
    wanted = [
        {"id": "CS1", "location": "LOC1", "outlets": ["1=EVSE1"]},
        {"id": "CS2", "location": "LOC1", "outlets": ["1=EVSE2/1"], "password": "open sesame"},
        {"id": "CS3", "location": "NOWHERE"},
    ]
    file.write_bytes(encode_json(wanted))
    told = interplug("station", "import", str(file), "--json")
    assert told.code == 0, told.err
    assert [(one["id"], one["evses"]) for one in told.json["added"]] == [("CS1", ["EVSE1"]), ("CS2", ["EVSE2"])]
    assert fits(row(place, "CS1").password, told.json["added"][0]["password"]) and fits(row(place, "CS2").password, "open sesame")
    assert [one["id"] for one in told.json["refused"]] == ["CS3"]
    assert interplug("station", "import", "-", typed=b'[{"id": "CS4"}]').code == 2


def test_uptime_is_counted_from_what_was_recorded_and_says_since_when(interplug: Command, place: Path) -> None:
    shown = interplug("station", "uptime", "--from", "1d", "--json").json
    [one] = shown["locations"]
    assert (one["id"], [evse["uid"] for evse in one["evses"]]) == ("LOC1", ["EVSE1", "EVSE2"])
    assert (one["uptime"], shown["uptime"]) == (1, 1), "what was before the record counts in nothing"
    seconds = one["evses"][0]["seconds"]
    assert seconds["unrecorded"] > 86_000 and seconds["up"] > 0 and abs(sum(seconds.values()) - 86_400) < 1
    said = interplug("station", "uptime", "--location", "loc1")
    assert said.code == 0 and "100.00" in said.out and one["evses"][0]["recorded_since"] in said.out
    assert interplug("station", "uptime", "--from", "2020-01-01", "--to", "2020-01-02", "--json").json["uptime"] is None
    assert "not before" in interplug("station", "uptime", "--from", "2026-01-02", "--to", "2026-01-01").err
    assert "no Location LOC9" in interplug("station", "uptime", "--location", "LOC9").err
