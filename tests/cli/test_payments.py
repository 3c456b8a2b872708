"""`interplug payment` and `invoice`: money as whoever runs a node sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pypdf import PdfReader

from interplug.drivers.drives import new_driver
from interplug.drivers.invoicing import monthly
from tests.cli.conftest import Command
from tests.drivers.played import cdr
from tests.drivers.shopping import HOUR, Shop, open_paid_world
from tests.modules import said
from tests.nodes import close, own


async def charged(folder: Path) -> str:
    """A session that was captured at its own price, and whose CDR came late and higher; the id of its drive."""
    world = await open_paid_world(folder)
    shop, driver = Shop(world), await new_driver(world.node)
    drive = await shop.ended(driver)
    await shop.later(49 * HOUR)
    await shop.billed(driver, drive, kwh=20)
    await close(world.node)
    return drive.id


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERPLUG__PAYMENTS__PROVIDER", "test")
    return asyncio.run(charged(tmp_path))


def test_payments_are_listed_and_shown_with_all_that_was_said(interplug: Command, drive: str) -> None:
    (one,) = interplug("payment", "list", "--json").json
    assert (one["drive"], one["state"], one["paid"], one["comes_to"]) == (drive, "captured", 6.05, 12.1)
    assert interplug("payment", "list", "--state", "held", "--json").json == []
    for name in (drive, one["id"], one["reference"]):
        shown = interplug("payment", "show", name, "--json").json
        assert shown["id"] == one["id"]
    said = [event["what"] for event in shown["events"]]
    assert said[0] == "asked: authorize" and "asked: capture" in said and "answered: captured" in said
    assert "asked: capture" in interplug("payment", "show", drive).out
    assert interplug("payment", "show", "nothing").code == 1


def test_differences_are_told_with_their_amount(interplug: Command, drive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = interplug("payment", "reconcile", "--days", "9999", "--json").json
    assert (one["kind"], one["amount"]) == ("absorbed", 6.05)
    assert "absorbed" in interplug("payment", "reconcile", "--days", "9999", "--no-ask").out
    monkeypatch.setenv("INTERPLUG__PAYMENTS__PROVIDER", "none")
    assert interplug("payment", "reconcile").code == 1


def test_invoices_are_listed_shown_and_made_once(interplug: Command, drive: str) -> None:
    (one,) = interplug("invoice", "list", "--json").json
    assert (one["number"], one["drive"], one["gross"]) == ("INV-000001", drive, 6.05)
    assert "of which taxes 1.05, paid by card" in interplug("invoice", "show", "INV-000001").out
    assert interplug("invoice", "run", "--until", "2030-01-01", "--json").json == []
    for wrong in ("INV-000002", "nothing"):
        assert interplug("invoice", "show", wrong).code == 1


async def by_contract(folder: Path) -> None:
    """A month with a card of ours, and its invoice."""
    world = await open_paid_world(folder)
    token = {"country_code": "DE", "party_id": "ABC", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-ABC-C1"}
    await own(world.node, "tokens", said.token("CARD-1", type="RFID", contract_id="DE-ABC-C1", country_code="DE", party_id="ABC"))
    told = {**cdr(world, None, None, "C1"), "cdr_token": token}  # type: ignore[arg-type]
    await world.tell("cdrs", said.said("cdr", told, "2.2.1"))
    await monthly(world.node, world.clock() + 86_400 * 1_000_000)
    await close(world.node)


def test_what_the_accounts_say_was_paid(interplug: Command, tmp_path: Path) -> None:
    asyncio.run(by_contract(tmp_path))
    (one,) = interplug("invoice", "list", "--open", "--json").json
    assert (one["number"], one["state"], one["paid_at"]) == ("INV-000001", "open", None)
    assert "open" in interplug("invoice", "list").out
    assert interplug("invoice", "paid", "INV-000001", "--on", "2026-05-12", "--how", "bank, 4711").code == 0
    shown = interplug("invoice", "show", "INV-000001", "--json").json
    assert (shown["state"], shown["paid_at"], shown["how"]) == ("paid", "2026-05-12T00:00:00Z", "bank, 4711")
    assert "paid 2026-05-12 (bank, 4711)" in interplug("invoice", "show", "INV-000001").out
    assert interplug("invoice", "list", "--open", "--json").json == []
    assert interplug("invoice", "unpaid", "INV-000001").code == 0
    assert [one["number"] for one in interplug("invoice", "list", "--open", "--json").json] == ["INV-000001"]
    assert interplug("invoice", "paid", "INV-000001", "--on", "yesterday").code == 2


def test_what_was_paid_by_card_is_paid(interplug: Command, drive: str) -> None:
    assert interplug("invoice", "list", "--json").json[0]["state"] == "paid"
    assert interplug("invoice", "list", "--open", "--json").json == []
    for word in ("paid", "unpaid"):
        assert interplug("invoice", word, "INV-000001").code == 1


def test_an_invoice_is_written_as_pdf(interplug: Command, drive: str, tmp_path: Path) -> None:
    assert interplug("invoice", "pdf", "INV-000001", "--json").json == {"number": "INV-000001", "file": "INV-000001.pdf"}
    assert interplug("invoice", "pdf", "INV-000001", "-o", "bill.pdf").code == 0
    assert "INV-000001" in PdfReader("bill.pdf").pages[0].extract_text()
    assert interplug("invoice", "pdf", "INV-000001", "-o", "no/such/folder.pdf").code == 1
    assert interplug("invoice", "pdf", "INV-000009").code == 1


def test_signed_webhooks_need_a_secret(interplug: Command) -> None:
    assert interplug("payment", "provider", "--webhook", "http://127.0.0.1:1/").code == 2
