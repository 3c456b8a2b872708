"""`interplug message`: what was said, without tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interplug.store.messages import Message, pack
from interplug.store.store import Store
from tests.cli.conftest import Command

AT = 1_767_225_600_000_000


def message(n: int, url: str) -> Message:
    headers = {"authorization": "Token SECRET", "x-thing": "1"}
    return Message("in", 0, "GET", url, 200, 1000, f"r{n}", f"c{n}", AT + n, 2000, headers, b"asked", b"answered")


@pytest.fixture
def said(interplug: Command, tmp_path: Path) -> Command:
    interplug("db", "upgrade")

    async def work() -> None:
        store = Store.open(f"sqlite:///{tmp_path / 'node.db'}")
        await store.write(lambda tx: tx.messages.add([pack([message(1, "/ocpi/versions"), message(2, "/ocpi/2.2.1/sender/cdrs")])]))
        await store.close()

    asyncio.run(work())
    return interplug


def test_messages_are_listed_newest_first_and_searched(said: Command) -> None:
    assert [one["request_id"] for one in said("message", "list", "--json").json] == ["r2", "r1"]
    assert [one["request_id"] for one in said("message", "list", "--url", "versions", "--json").json] == ["r1"]
    assert [one["request_id"] for one in said("message", "list", "--correlation", "c2", "--json").json] == ["r2"]
    assert "/ocpi/versions" in said("message", "list").out


def test_a_message_is_shown_with_its_answer_and_without_the_token(said: Command) -> None:
    number = str(said("message", "list", "--json").json[1]["number"])
    document = said("message", "show", number, "--json").json
    assert (document["body"], document["answer"], document["headers"]["x-thing"]) == ("asked", "answered", "1")
    assert "answered" in said("message", "show", number).out
    assert "SECRET" not in said("message", "show", number).out + str(document)
    assert said("message", "show", "4711").code == 1


def test_messages_are_searched_by_time_and_by_how_they_ended(said: Command) -> None:
    assert len(said("message", "list", "--since", "2026-01-01", "--until", "2026-01-02T00:00:00Z", "--json").json) == 2
    assert said("message", "list", "--since", "1h", "--json").json == []
    assert said("message", "list", "--failed", "--json").json == []
    assert len(said("message", "list", "--status", "1000", "--direction", "in", "--json").json) == 2
    assert said("message", "list", "--since", "yesterday").code == 2
