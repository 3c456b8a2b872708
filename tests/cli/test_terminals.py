"""`interplug terminal`, said on the command line: by an operator whose provider does not answer, and by a provider."""

from __future__ import annotations

import asyncio
import os

import pytest

from interplug.config import Network, Settings, StoreSettings
from interplug.model.types import encode_json
from interplug.modules.opening import opened
from interplug.store.keys import OWN, Key
from tests.cli.conftest import Command
from tests.nodes import befriend
from tests.sync.test_importing import location


@pytest.fixture
def at_home(interplug: Command) -> Command:
    """A CPO with L1, and a terminal of a provider that nobody reaches; and one of its own that stands nowhere yet."""
    assert interplug("party", "add", "CPO", "NL-TNM").code == 0
    with open("places.json", "wb") as file:
        file.write(encode_json([location("L1")]))
    assert interplug("import", "places.json").code == 0

    async def work() -> None:
        settings = Settings(store=StoreSettings(url=os.environ["INTERPLUG__STORE__URL"]), network=Network(allow_private=True))
        async with opened(settings) as node:
            partner = await befriend(node, "2.3.0", parties=(("PTP", "AT", "PAY"),), name="Zahlfix")
            theirs = {"terminal_id": "TM-1", "reference": "SN-1", "location_ids": ["L1"], "last_updated": "2026-01-01T00:00:00Z"}
            key = Key("terminals", partner.connection.id, "AT", "PAY", "TM-1")
            await node.store.write(lambda tx: tx.objects.save(key, theirs, last_updated=1))
            own = {"terminal_id": "TM-2", "last_updated": "2026-01-01T00:00:00Z"}
            await node.store.write(lambda tx: _stock(tx, own))

    asyncio.run(work())
    return interplug


async def _stock(tx, own) -> None:  # type: ignore[no-untyped-def]
    audience = await tx.parties.audience_class("stock")
    await tx.objects.save(Key("terminals", OWN, "AT", "PAY", "TM-2"), own, last_updated=1, audience=audience)


def test_terminals_are_listed_with_whom_and_in_which_role(at_home: Command) -> None:
    found = at_home("terminal", "list", "--json").json
    assert [(one["terminal_id"], one["with"], one["side"]) for one in found] == [
        ("TM-1", "Zahlfix", "operator"),
        ("TM-2", "stock", "provider"),
    ]
    assert [one["terminal_id"] for one in at_home("terminal", "list", "--partner", "Zahlfix", "--json").json] == ["TM-1"]
    assert "TM-1" in at_home("terminal", "list").out


def test_one_is_shown_by_its_id_or_its_reference_with_what_it_serves(at_home: Command) -> None:
    for name in ("tm-1", "SN-1"):
        shown = at_home("terminal", "show", name, "--json").json
        assert shown["terminal_id"] == "TM-1" and shown["interplug"]["serves"][0]["location_id"] == "L1"
    assert "serves     nothing" in at_home("terminal", "show", "TM-2").out
    assert at_home("terminal", "show", "TM-9").code == 1


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("assign", "TM-1", "--location", "L1"), 3, "Zahlfix did not take it"),
        (("deactivate", "TM-1"), 3, "Zahlfix did not take it"),
        (("activate", "SN-2", "Zahlfix", "--location", "L1"), 3, "Zahlfix did not take it"),
        (("assign", "TM-1", "--location", "L9"), 1, "no Location 'L9' of ours"),
        (("assign", "TM-1", "--evse", "E9"), 1, "no EVSE 'E9' of ours"),
        (("assign", "TM-2", "--location", "L1"), 1, "its operator assigns it"),
        (("assign", "TM-1"), 2, "say what"),
        (("activate", "SN-2", "Zahlfix"), 2, "say where it stands"),
    ],
)
def test_what_cannot_be_done_is_said_and_has_its_code(at_home: Command, words: tuple[str, ...], code: int, reason: str) -> None:
    said = at_home("terminal", *words)
    assert (said.code, reason in said.err) == (code, True), said.err
    assert at_home("terminal", "show", "TM-1", "--json").json["location_ids"] == ["L1"]


def test_a_card_is_held_to_a_terminal_of_ours_alone_and_where_somebody_takes_money(
    at_home: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "payments.provider is none" in at_home("terminal", "tap", "TM-2").err
    monkeypatch.setenv("INTERPLUG__PAYMENTS__PROVIDER", "test")
    for wrong, why in (("TM-1", "is not ours"), ("TM-2", "serves no free plug"), ("TM-9", "there is no payment terminal")):
        told = at_home("terminal", "tap", wrong)
        assert told.code == 1 and why in told.err
    assert "serves no such plug" in at_home("terminal", "tap", "TM-2", "--evse", "E9").err
