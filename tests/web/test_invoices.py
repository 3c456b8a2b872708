"""The invoices of a driver on the pages: all of them, a page at a time, each with its lines; whose they are, and how one is paid."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader

from interplug.config import AccountSettings, Help, Invoices
from interplug.drivers.invoicing import monthly
from interplug.drivers.offers import read_offer
from interplug.store.invoices import Invoice
from interplug.web.driver.invoices import PAGE
from interplug.web.driver.pages import Pages
from tests.drivers.played import RETAIL, UID, World, cdr
from tests.modules import said
from tests.web.members import MAILS, account, carded
from tests.web.starting import words
from tests.web.visiting import Visit

D = Decimal
TO = Invoices(pay_to=["Fahrstrom GmbH", "DE00 1234 5678"], due_days=14)


@pytest.fixture
def settings() -> Invoices:
    return TO


@pytest.fixture
def sections(settings: Invoices) -> dict[str, Any]:
    return {"alerts": MAILS, "accounts": AccountSettings(cards=True), "invoices": settings, "help": Help(phone="+49 30 1234")}


@pytest.fixture
async def world(world: World) -> World:
    """Its price is our own."""
    offer = read_offer({"id": "OURS", "tariff": RETAIL})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    return world


async def charged(world: World, name: str, kwh: int = 10, **more: object) -> None:
    """With the driver's card, at a station of the operator."""
    driver = await world.node.store.read(lambda tx: tx.drivers.with_token(UID))
    assert driver is not None
    token = {"country_code": "DE", "party_id": "ABC", "uid": UID, "type": "RFID", "contract_id": driver.contract_id}
    world.clock.move(3600)
    told = {**cdr(world, driver, None, name, kwh=kwh), "cdr_token": token, **more}  # type: ignore[arg-type]
    await world.tell("cdrs", said.said("cdr", told, "2.2.1"))


async def invoiced(world: World) -> list[Invoice]:
    world.clock.move(1)
    return await monthly(world.node, world.clock() + 86_400 * 1_000_000)


async def test_a_month_of_charging_with_a_card_is_one_invoice_with_a_line_for_each(world: World, visit: Visit) -> None:
    await carded(world, visit)
    assert "None yet. What you charge with a card" in words(await visit.get("/account/invoices"))
    for n, kwh in enumerate((10, 20)):
        await charged(world, f"C{n}", kwh)
    (one,) = await invoiced(world)
    page = words(await visit.get("/account/invoices"))
    assert f"Invoice {one.number}" in page and "2 charges" in page and "Not paid yet" in page and "€18.15" in page
    shown = words(await visit.get(f"/account/invoices/{one.number}"))
    for part in ("€6.05", "€12.10", "€18.15", "of which taxes €3.15", "Bill (CDR) c0", "20 kWh", "21 %", "€15.00", "Not paid yet"):
        assert part in shown, part
    document = (await visit.get(f"/account/invoices/{one.number}", accept="application/json")).json
    assert (document["state"], document["gross"], document["vat"], len(document["lines"])) == ("open", D("18.15"), D("3.15"), 2)
    answer = await visit.get(f"/account/invoices/{one.number}.pdf")
    text = PdfReader(io.BytesIO(answer.body)).pages[0].extract_text()
    assert answer.status == 200 and "€18.15" in text and "DE00 1234 5678" in text and one.number in text


async def test_a_line_leads_to_its_charge(world: World, visit: Visit) -> None:
    await carded(world, visit)
    await charged(world, "C1")
    (one,) = await invoiced(world)
    (drive,) = (await visit.get("/drives.json")).json["drives"]
    assert f'href="/drives/{drive["id"]}"' in (await visit.get(f"/account/invoices/{one.number}")).text


@pytest.mark.parametrize(
    ("settings", "words_"),
    [
        (TO, ["To be paid until", "Fahrstrom GmbH", "DE00 1234 5678", "Name the number INV-000001"]),
        (Invoices(), ["To be paid as agreed in your contract.", "cannot be paid by card here", "+49 30 1234"]),
    ],
)
async def test_how_an_open_one_is_paid_is_said_plainly(world: World, visit: Visit, words_: list[str]) -> None:
    await carded(world, visit)
    await charged(world, "C1")
    await invoiced(world)
    page = words(await visit.get("/account/invoices/INV-000001"))
    assert [part for part in words_ if part not in page] == []


async def test_one_that_the_accounts_know_as_paid_is_paid_and_nothing_is_to_pay(world: World, visit: Visit) -> None:
    await carded(world, visit)
    await charged(world, "C1")
    (one,) = await invoiced(world)
    await world.node.store.write(lambda tx: tx.invoices.paid(one, world.clock(), "bank"))
    page = words(await visit.get(f"/account/invoices/{one.number}"))
    assert "Paid" in page and "How it is paid" not in page and "bank" not in page
    await world.node.store.write(lambda tx: tx.invoices.not_paid(one))
    assert "How it is paid" in words(await visit.get(f"/account/invoices/{one.number}"))


async def test_a_credit_goes_back_and_names_what_it_corrects(world: World, visit: Visit) -> None:
    await carded(world, visit)
    await charged(world, "C1")
    await invoiced(world)
    await charged(world, "C2", credit=True, credit_reference_id="C1")
    (note,) = await invoiced(world)
    assert note.gross == D("-6.05")
    page = words(await visit.get(f"/account/invoices/{note.number}"))
    assert f"Credit note {note.number}" in page and "Goes back to you" in page and "How it is paid" not in page


async def test_an_invoice_is_its_drivers_alone(world: World, pages: Pages, visit: Visit) -> None:
    await carded(world, visit)
    await charged(world, "C1")
    (one,) = await invoiced(world)
    stranger = Visit(pages)
    for path in (f"/account/invoices/{one.number}", f"/account/invoices/{one.number}.pdf", "/account/invoices"):
        assert (await Visit(pages).get(path)).status == 303
    await account(world, stranger, "bob@example.org")
    for path in (
        f"/account/invoices/{one.number}",
        f"/account/invoices/{one.number}.pdf",
        "/account/invoices/INV-1",
        "/account/invoices/x",
    ):
        assert (await stranger.get(path)).status == 404
    assert (await stranger.get("/account/invoices", accept="application/json")).json["total"] == 0


async def test_who_says_another_contract_puts_nothing_on_its_invoice(world: World, pages: Pages, visit: Visit) -> None:
    await carded(world, visit)
    other = Visit(pages)
    await account(world, other, "bob@example.org")
    contract = (await other.get("/account/data.json")).json["contract"]
    token = {"country_code": "DE", "party_id": "ABC", "uid": UID, "type": "RFID", "contract_id": contract}
    await charged(world, "C1", cdr_token=token)
    (one,) = await invoiced(world)
    assert one.contract != contract and (await visit.get(f"/account/invoices/{one.number}")).status == 200
    assert (await other.get(f"/account/invoices/{one.number}")).status == 404


async def test_many_are_shown_a_page_at_a_time_the_newest_first(world: World, visit: Visit) -> None:
    await carded(world, visit)
    for n in range(PAGE + 1):
        await charged(world, f"C{n}")
        await invoiced(world)
    first = (await visit.get("/account/invoices", accept="application/json")).json
    last = (await visit.get("/account/invoices?page=2", accept="application/json")).json
    assert (first["total"], len(first["invoices"]), first["invoices"][0]["number"]) == (PAGE + 1, PAGE, f"INV-{PAGE + 1:06d}")
    assert [one["number"] for one in last["invoices"]] == ["INV-000001"]
    assert 'rel="next"' in (await visit.get("/account/invoices")).text
    assert len((await visit.get("/account/data.json")).json["invoices"]) == PAGE + 1
