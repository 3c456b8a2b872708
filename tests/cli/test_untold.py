"""A new party of ours: the command that makes it says how partners come to know it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interplug.store.store import Store
from tests.cli.conftest import Command
from tests.cli.test_moving import written
from tests.store import kept
from tests.sync.test_importing import location

PARTNER = 2
ROTATE = "interplug partner rotate 2"
INVITE = "interplug partner invite NAME --party NL-ZZZ --version 2.1.1"


@pytest.fixture(params=[("2.1.1", INVITE), ("2.2.1", ROTATE)], ids=["2.1.1", "2.2.1"])
def told(request: pytest.FixtureRequest, interplug: Command, tmp_path: Path) -> tuple[Command, str]:
    """A database of a release with a partner that is registered in that version, and the command that the operator has to hear of."""
    kept.unpack(kept.RELEASES / "0.1.0-0009/operator.db.xz", tmp_path)

    async def speak() -> None:
        store = Store.open(f"sqlite:///{tmp_path / 'node.db'}")
        await store.write(lambda tx: tx.partners.change(PARTNER, version=request.param[0]))
        await store.close()

    asyncio.run(speak())
    return interplug, request.param[1]


def test_who_adds_a_party_is_told_how_partners_come_to_know_it(told: tuple[Command, str]) -> None:
    node, command = told
    first = node("party", "add", "CPO", "NL-ZZZ").out
    assert "CPO NL-ZZZ added" in first and "registered partners do not know the new party yet" in first
    assert f"  {command}   (Vonk Mobiliteit" in first
    assert node("party", "add", "CPO", "NL-ZZZ").out == "CPO NL-ZZZ was there already\n"


def test_so_is_who_brings_in_objects_of_a_new_party(told: tuple[Command, str], tmp_path: Path) -> None:
    node, command = told
    file = written(tmp_path / "l.json", [location("L1", party_id="ZZZ")])
    said = node("import", file, "--json").json
    (row,) = said["untold"]
    assert (said["parties"], row["partner"], row["commands"]) == (["CPO NL-ZZZ"], "Vonk Mobiliteit", [command])
    assert node("import", file, "--json").json["untold"] == []


def test_people_read_it_after_an_import_too(told: tuple[Command, str], tmp_path: Path) -> None:
    node, command = told
    said = node("import", written(tmp_path / "l.json", [location("L1", party_id="ZZZ")])).out
    assert "new parties of ours: CPO NL-ZZZ" in said and f"  {command}   (Vonk Mobiliteit" in said
