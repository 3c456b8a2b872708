"""`interplug partner show`: how a partner is, for people and for programs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interplug.store.cursors import Pause
from interplug.store.messages import Message, pack
from interplug.store.store import Store, now_us
from interplug.store.tx import Tx
from tests.cli.conftest import Command
from tests.store import kept

CONNECTION = 2


@pytest.fixture
def node(interplug: Command, tmp_path: Path) -> Command:
    """A database of a release, with a partner that lately fails."""
    kept.unpack(kept.RELEASES / "0.1.0-0009/operator.db.xz", tmp_path)
    now = now_us()

    def message(direction: str, http: int, ocpi: int) -> Message:
        return Message(direction, CONNECTION, "GET", "/x", http, ocpi, "r", "c", now - 1_000_000, 10)

    async def work(tx: Tx) -> None:
        await tx.messages.add([pack([message("in", 200, 1000), message("in", 200, 2001), message("out", 0, 0)])])
        await tx.cursors.pause([Pause(CONNECTION, 3, now + 9, "HTTP 0, cannot connect", now - 60_000_000)])

    async def fill() -> None:
        store = Store.open(f"sqlite:///{tmp_path / 'node.db'}")
        assert [one.id for one in await store.read(lambda tx: tx.partners.all())] == [CONNECTION]
        await store.write(work)
        await store.close()

    asyncio.run(fill())
    return interplug


def test_programs_are_told_how_a_partner_is(node: Command) -> None:
    document = node("partner", "show", "Vonk Mobiliteit", "--json").json
    health = document["health"]
    assert (health["in"]["calls"], health["in"]["failed"], health["in"]["error_rate"]) == (2, 1, 0.5)
    assert health["in"]["last_success"] is not None
    assert (health["out"]["calls"], health["out"]["failed"], health["out"]["last_success"]) == (1, 1, None)
    assert (health["paused"]["failures"], health["paused"]["reason"]) == (3, "HTTP 0, cannot connect")
    assert health["needs_full_pull"] is False
    (refused,) = document["refused"]
    assert (refused["module"], refused["reason"]) == ("locations", "HTTP 400, OCPI 2001: $.name is missing")
    assert refused["object"].startswith("NL/KAD/")


def test_people_are_told_in_words(node: Command) -> None:
    lines = node("partner", "show", str(CONNECTION)).out
    for words in ("2 in this hour and the last, 1 failed (50.0%)", "left alone", "cannot connect", "$.name is missing", "silent since"):
        assert words in lines
    assert "level, except for what it refused (1)" in lines
    assert "never read     locations, tariffs: what was there before" in lines


def test_the_doctor_names_who_does_not_take_what_is_pushed(node: Command) -> None:
    found = {(one["about"], one["finding"].split(" since ")[0]) for one in node("doctor", "--offline", "--json").json}
    assert ("Vonk Mobiliteit", "does not take what is pushed") in found
