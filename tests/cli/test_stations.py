"""`interplug station`: provisioning on the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from interplug.config import Settings, StoreSettings
from interplug.model.types import encode_json, format_time, parse_time
from interplug.modules.opening import opened
from interplug.stations.csms.keys import Passwords
from interplug.store.charging_stations import StationRow
from interplug.store.commands import Command as Command_
from interplug.store.ocpp import Frame, Message
from interplug.store.tx import Tx
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


def held(database: Path, id: str, heard_at: int) -> None:
    """A process has its socket, and has shown then that it lives."""

    async def work() -> None:
        async with opened(Settings(store=StoreSettings(url=f"sqlite:///{database}"))) as node:
            await node.store.write(lambda tx: tx.charging_stations.connect(id, "process", "1.6", 1, heard_at))

    asyncio.run(work())


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


def test_a_station_gets_another_password(interplug: Command, place: Path) -> None:
    before = interplug("station", "add", "CS1", "--location", "LOC1", "--json").json["password"]
    made = interplug("station", "change", "CS1", "--json").json["password"]
    assert fits(row(place, "CS1").password, made) and not fits(row(place, "CS1").password, before)
    assert "password" not in interplug("station", "change", "CS1", "--profile", "2", "--json").json
    assert fits(row(place, "CS1").password, made) and row(place, "CS1").profile == 2
    interplug("station", "change", "CS1", "--password-file", "-", typed=b"open sesame\n")
    assert fits(row(place, "CS1").password, "open sesame")
    assert interplug("station", "change", "CS9").code == 1


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


def test_a_station_whose_process_has_died_is_not_connected(interplug: Command, place: Path) -> None:
    """It had no time to say so; and nobody waits for an answer of it."""
    interplug("station", "add", "CS1", "--location", "LOC1")
    for ago, connected in ((30, True), (90, False)):
        held(place, "CS1", int(time.time() - ago) * 1_000_000)
        assert interplug("station", "list", "--json").json[0]["connected"] == connected
        assert interplug("station", "show", "CS1", "--json").json["connected"] == connected
    assert "not connected" in interplug("station", "call", "CS1", "Reset", '{"type": "Soft"}').err


def test_a_station_that_is_not_connected_cannot_be_called(interplug: Command, place: Path) -> None:
    interplug("station", "add", "CS1", "--location", "LOC1")
    said = interplug("station", "call", "CS1", "TriggerMessage", '{"requestedMessage": "Heartbeat"}')
    assert said.code == 3 and "not connected" in said.err
    assert interplug("station", "call", "CS1", "TriggerMessage", "{").code == 2


FIRST = parse_time("2026-03-01T12:00:00Z")
MINUTE = 60_000_000
MESSAGES = 700


def at(minute: int) -> str:
    return format_time(FIRST + minute * MINUTE)


def said(database: Path) -> None:
    """A message about a transaction each minute, and half a minute later one of another kind; each a group of its own."""

    async def tell(tx: Tx) -> None:
        for number in range(1, MESSAGES + 1):
            moment = FIRST + number * MINUTE
            await tx.ocpp.receive(number, [Message("CS1", "1.6", moment, f"transaction {number}"), Message("CS2", "1.6", moment, "other")])
            await tx.ocpp.add_frames("CS1", [Frame(moment + MINUTE // 2, number % 2 == 0, f"frame {number}")])

    _written(database, tell)


def _written(database: Path, tell: Callable[[Tx], Awaitable[None]]) -> None:
    async def work() -> None:
        async with opened(Settings(store=StoreSettings(url=f"sqlite:///{database}"))) as node:
            await node.store.write(tell)

    asyncio.run(work())


def test_what_a_station_said_is_seen_page_by_page(interplug: Command, place: Path) -> None:
    interplug("station", "add", "CS1", "--location", "LOC1")
    said(place)
    window = ("station", "messages", "CS1", "--json", "--minutes", str(MESSAGES + 2))
    whole = interplug(*window, "--until", at(MESSAGES + 1)).json
    assert [one["message"] for one in whole[:3]] == ["transaction 1", "frame 1", "transaction 2"] and len(whole) == 2 * MESSAGES
    pages, until = [], at(MESSAGES + 1)
    while page := interplug(*window, "--until", until, "--limit", "500").json:
        pages.append(page)
        until = format_time(parse_time(page[0]["at"]) - 1)
    assert [len(page) for page in pages] == [500, 500, 400]
    assert [one for page in reversed(pages) for one in page] == whole
    assert [one["message"] for one in interplug("station", "messages", "CS1", "--json", "--minutes", "1", "--until", at(600)).json] == [
        "transaction 599", "frame 599", "transaction 600",
    ]  # fmt: skip


def test_commands_are_seen_page_by_page(interplug: Command, place: Path) -> None:
    async def tell(tx: Tx) -> None:
        for number in range(120):
            text = {"id": f"C{number}", "direction": "in", "version": "2.2.1", "command": "UNLOCK_CONNECTOR", "state": "succeeded"}
            moment = {"created_at": FIRST + number * MINUTE, "deadline": FIRST, "finished_at": FIRST}
            await tx.commands.add(Command_(**text, **moment, connection=1, document=b"{}", response_url=""))  # type: ignore[arg-type]

    _written(place, tell)
    pages, until = [], at(1000)
    while page := interplug("command", "list", "--json", "--until", until).json:
        pages.append([one["id"] for one in page])
        until = format_time(parse_time(page[-1]["at"]) - 1)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [one for page in pages for one in page] == [f"C{number}" for number in reversed(range(120))]


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
