"""Sheets as PDF: every letter can be read again, tables go on over pages, and the same sheet is the same file."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from interplug.drivers.drives import new_driver
from interplug.web.driver import rides
from interplug.web.driver.receipts import receipt
from interplug.web.paper import drawn
from interplug.web.printing import invoice, pdf
from interplug.web.sheets import Sheet, Table
from tests.drivers.played import World
from tests.drivers.shopping import HOUR, Shop, open_paid_world
from tests.nodes import close

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pages(file: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(file)).pages]


def words(file: bytes) -> str:
    return " ".join(" ".join(pages(file)).split())


def test_letters_of_europe_are_there_and_others_become_latin() -> None:
    said = words(drawn(Sheet("Quittung", "q", WHEN, [("Ort", "Łódź, Αθήνα, София, Århus, Győr"), ("Preis", "5,00 €"), ("Platz", "東京")])))
    for text in ("Łódź, Αθήνα, София, Århus, Győr", "5,00 €", "DongJing"):
        assert text in said, said


def test_a_long_table_goes_on_on_the_next_page_under_the_same_heads() -> None:
    rows = [[f"Charge {number}", f"€{number}.00"] for number in range(90)]
    found = pages(drawn(Sheet("Invoice", "i", WHEN, tables=[Table("Charging", ["What", "With taxes"], rows, [["Total", "€4005.00"]])])))
    assert len(found) > 1 and all("With taxes" in page for page in found)
    assert "Charge 0" in found[0] and "Total" in found[-1] and "€4005.00" in found[-1]


def test_a_long_word_stays_on_the_paper_and_the_same_sheet_is_the_same_file() -> None:
    sheet = Sheet("Receipt", "r", WHEN, [("Key", "A" * 400)], slips=[("Signed by the meter", "OCMF|" + "x" * 3000)])
    assert drawn(sheet) == drawn(sheet)
    assert words(drawn(sheet)).replace(" ", "").count("x") == 3000


def issued(**more: Any) -> dict[str, Any]:
    there = {"began_at": "2026-02-03T09:00:00Z", "place": "Dam 1, Amsterdam", "evse": "NL*ABC*E1", "time_zone": "Europe/Amsterdam"}
    line = {"cdrs": ["C1"], "ended_at": "2026-02-03T10:00:00Z", "kwh": Decimal("12.5"), "gross": Decimal("6.05"), "corrects": [], **there}
    taxes = [{"rate": 21, "net": Decimal("5.00"), "vat": Decimal("1.05"), "gross": Decimal("6.05")}]
    return {
        "number": "INV-000007", "kind": "invoice", "issued_at": "2026-03-05T08:00:00Z", "seller": ["Fahrstrom GmbH", "Ring 1, Wien"],
        "vat_number": "ATU1", "contract": "DEABCC1", "drive": None, "currency": "EUR", "lines": [line], "taxes": taxes,
        "net": Decimal("5.00"), "vat": Decimal("1.05"), "gross": Decimal("6.05"), "paid_by_card": False, **more,
    }  # fmt: skip


def test_an_invoice_says_who_what_when_and_how_much_of_it_is_tax() -> None:
    said = words(drawn(invoice(issued())))
    for text in (
        "Invoice",
        "Fahrstrom GmbH Ring 1, Wien",
        "ATU1",
        "INV-000007",
        "DEABCC1",
        "12.5 kWh",
        "10:00 CET",
        "11:00 CET",
        "Dam 1, Amsterdam",
        "EVSE NL*ABC*E1",
        "21 % €5.00 €1.05 €6.05",
        "in your contract",
    ):
        assert text in said, (text, said)


def test_a_credit_note_names_what_it_corrects() -> None:
    line = {**issued()["lines"][0], "gross": Decimal("-6.05"), "corrects": ["INV-000003"]}
    said = words(drawn(invoice(issued(kind="credit note", lines=[line], gross=Decimal("-6.05"), paid_by_card=True))))
    assert "Credit note" in said and "Corrects INV-000003" in said and "−€6.05" in said and "Went back to the card." in said


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await open_paid_world(tmp_path)
    yield made
    await close(made.node)


async def test_a_receipt_says_how_the_price_comes_about_what_was_paid_and_which_invoice_there_is(world: World) -> None:
    node, shop = world.node, Shop(world)
    driver = await new_driver(node)
    drive = await shop.ended(driver)
    assert receipt(await rides.ride(node, drive)) is None
    await shop.billed(driver, drive)
    await shop.later(HOUR)
    sheet = receipt(await rides.ride(node, await world.now(drive)))
    assert sheet is not None
    said = words(await pdf(sheet))
    for text in (
        "Receipt",
        "10.000 kWh",
        "€6.05 incl. €1.05 VAT",
        "€6.05. Paid by card.",
        "Sum €5.00 €6.05",
        "INV-000001",
        "Stationsplein 1",
    ):
        assert text in said, (text, said)
