"""Invoices with VAT: what was paid is what is invoiced, numbers have no gap, and what changes afterwards makes another one."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interplug.drivers import invoicing
from interplug.drivers.billing import IMPOSSIBLE
from interplug.drivers.invoicing import earlier, month_before, monthly
from interplug.drivers.offers import read_offer
from interplug.drivers.rates import exact, rounded, table, without
from interplug.drivers.reconciling import reconcile
from interplug.model.types import decode_json, encode_json, parse_time
from interplug.store.drivers import Driver
from interplug.store.invoices import Invoice
from interplug.store.store import Store
from tests import nodes
from tests.drivers.played import RETAIL, World, cdr
from tests.drivers.shopping import HOUR, Shop, open_paid_world
from tests.modules import said
from tests.nodes import close, own

D = Decimal


@pytest.fixture
def world(paid: World) -> World:
    return paid


async def invoices(world: World) -> list[dict[str, Any]]:
    """The oldest first."""
    found = await world.node.store.read(lambda tx: tx.invoices.newest())
    return [decode_json(one.document) for one in sorted(found, key=lambda one: one.no)]


def figures(one: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    return one["net"], one["vat"], one["gross"]


# --- paid by card


async def test_what_was_paid_by_card_is_invoiced_once_with_its_taxes(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    assert await invoices(shop.world) == []
    await shop.billed(driver, drive)
    await shop.later(HOUR)
    (one,) = await invoices(shop.world)
    assert (one["number"], one["kind"], one["paid_by_card"]) == ("INV-000001", "invoice", True)
    assert figures(one) == (D("5.00"), D("1.05"), D("6.05")) and one["taxes"][0]["rate"] == 21


async def test_a_credit_cdr_makes_a_credit_note(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1")
    await shop.later(HOUR + 1)
    await shop.later(HOUR + 1)
    _, note = await invoices(shop.world)
    assert (note["kind"], figures(note)) == ("credit note", (D("-5.00"), D("-1.05"), D("-6.05")))
    assert note["lines"][0]["corrects"] == ["INV-000001"]


async def test_what_was_absorbed_is_not_invoiced(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.later(49 * HOUR)
    assert await invoices(shop.world) == [], "not before the CDR says what for"
    await shop.billed(driver, drive, kwh=20)
    (one,) = await invoices(shop.world)
    assert one["gross"] == D("6.05")
    (found,) = await reconcile(shop.desk.till, 0)
    assert (found.kind, found.amount) == ("absorbed", D("6.05"))


# --- by invoice


async def charged(world: World, name: str, kwh: int = 10, **more: Any) -> None:
    """With a card of ours, at a station of the operator."""
    token = {"country_code": "DE", "party_id": "ABC", "uid": "CARD-1", "type": "RFID", "contract_id": "DE-ABC-C1"}
    document = cdr(world, None, None, name, kwh=kwh, **{"cdr_token": token, **more})  # type: ignore[arg-type]
    await world.tell("cdrs", said.said("cdr", document, "2.2.1"))


@pytest.fixture
async def card(world: World) -> None:
    token = said.token("CARD-1", type="RFID", contract_id="DE-ABC-C1", country_code="DE", party_id="ABC")
    await own(world.node, "tokens", token)


async def run(world: World) -> list[Invoice]:
    world.clock.move(1)
    return await monthly(world.node, world.clock() + 10 * HOUR * 1_000_000)


@pytest.mark.parametrize("piece", [1, 2, 100])
async def test_a_contract_gets_one_invoice_for_all_that_is_on_none_yet(
    world: World, card: None, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bills are looked at in one reading."""
    monkeypatch.setattr(invoicing, "PIECE", piece)
    for n, kwh in enumerate((10, 20)):
        await charged(world, f"C{n}", kwh)
        world.clock.move(2 * HOUR)
    (one,) = await run(world)
    document = decode_json(one.document)
    assert (figures(document), len(document["lines"]), one.drive) == ((D("15.00"), D("3.15"), D("18.15")), 2, "")
    assert await run(world) == []
    await charged(world, "C9", 1)
    (two,) = await run(world)
    assert (two.number, two.gross) == ("INV-000002", D("0.61"))


async def test_a_credit_after_the_invoice_stands_on_the_next_one(world: World, card: None) -> None:
    await charged(world, "C1")
    await run(world)
    await charged(world, "C2", credit=True, credit_reference_id="C1")
    (note,) = await run(world)
    assert note.gross == D("-6.05") and decode_json(note.document)["kind"] == "credit note"


# --- taxes without a rate, and none


async def own_price_ends(world: World) -> None:
    """What operators ask passes through."""
    await world.node.store.write(lambda tx: tx.offers.end("OURS", world.clock()))
    world.clock.move(1)


def bare(net: str, vat: str) -> dict[str, Any]:
    """Of an operator that tells two sums, and neither a rate nor a tariff."""
    return {"price": None, "total_cost": {"before_taxes": D(net), "taxes": [{"name": "VAT", "amount": D(vat)}]}}


def rows(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["rate"], *figures(one)) for one in document["taxes"]]


async def test_a_charge_without_a_rate_keeps_its_own_taxes_beside_others(world: World, card: None) -> None:
    await charged(world, "C1")
    world.clock.move(2 * HOUR)
    await own_price_ends(world)
    await charged(world, "C2", **bare("10", "0.90"))
    world.clock.move(2 * HOUR)
    await charged(world, "C3", **bare("20", "5.00"))
    (one,) = await run(world)
    document = decode_json(one.document)
    assert rows(document) == [(21, D("5.00"), D("1.05"), D("6.05")), (None, D("30.00"), D("5.90"), D("35.90"))]
    assert figures(document) == (D("35.00"), D("6.95"), D("41.95"))
    await charged(world, "C4", credit=True, credit_reference_id="C3", **bare("-20", "-5.00"))
    (note,) = await run(world)
    assert rows(decode_json(note.document)) == [(None, D("-20.00"), D("-5.00"), D("-25.00"))]


@pytest.mark.parametrize(
    ("least", "rows_"),
    [
        ({"before_taxes": D(8)}, [(21, D("8.00"), D("1.68"), D("9.68"))]),
        ({"before_taxes": D(8), "after_taxes": D(9)}, [(21, D("5.00"), D("1.05"), D("6.05")), (None, D("3.00"), D("-0.05"), D("2.95"))]),
    ],
)
async def test_what_brings_a_charge_up_to_the_least_price_has_the_rate_of_the_rest_where_that_is_so(
    world: World, card: None, least: dict[str, Any], rows_: list[tuple[Any, ...]]
) -> None:
    offer = read_offer({"id": "OURS", "tariff": {**RETAIL, "min_price": least}})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock()))
    world.clock.move(1)
    await charged(world, "C1")
    (one,) = await run(world)
    assert rows(decode_json(one.document)) == rows_


async def test_a_credit_note_gives_back_the_taxes_of_a_card_payment_without_a_rate(shop: Shop, driver: Driver) -> None:
    await own_price_ends(shop.world)
    drive = await shop.ended(driver)
    await shop.billed(driver, drive, **bare("10", "0.90"))
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1", **bare("-10", "-0.90"))
    await shop.later(HOUR + 1)
    await shop.later(HOUR + 1)
    assert [figures(one) for one in await invoices(shop.world)] == [
        (D("10.00"), D("0.90"), D("10.90")),
        (D("-10.00"), D("-0.90"), D("-10.90")),
    ]


def test_what_an_earlier_release_counted_without_a_rate_is_taken_back_as_it_was() -> None:
    assert earlier(b'{"":"10.90","21":"1"}', {"10:10.9": D("10.90")}) == {"10:10.9": "10.90", "21": "1"}
    assert earlier(b'{"0":"5.00","":"1.21"}', {}) == {"0": "6.21"}
    assert table(without({"9": D("10.90")}, [{"10:10.9": "10.90"}]), "EUR") == [
        {"rate": 9, "net": 10, "vat": D("0.90"), "gross": D("10.90")},
        {"rate": None, "net": -10, "vat": D("-0.90"), "gross": D("-10.90")},
    ]


async def test_taxes_that_are_in_a_price_and_not_named_are_not_invoiced_and_the_others_are(world: World, card: None) -> None:
    """A price with its taxes and no rate (`tax_included` of 2.3.0 with no `vat`)."""
    await charged(world, "C1")
    world.clock.move(2 * HOUR)
    await charged(world, "C2")
    await sold_otherwise(world, "C1", sold_net=None)
    (one,) = await run(world)
    assert [line["cdrs"] for line in decode_json(one.document)["lines"]] == [["c2"]]


async def test_a_bill_of_more_than_there_is_stops_no_other_invoice(world: World, card: None) -> None:
    """Longer than the numbers that Decimal computes with where nobody says otherwise."""
    await own_price_ends(world)
    await charged(world, "C1", **bare("1e28", "3e27"))
    await own(world.node, "tokens", said.token("CARD-2", type="RFID", contract_id="X", country_code="DE", party_id="ABC"))
    world.clock.move(2 * HOUR)
    token = {"country_code": "DE", "party_id": "ABC", "uid": "CARD-2", "type": "RFID", "contract_id": "X"}
    await charged(world, "C2", cdr_token=token, **bare("10", "0.90"))
    absurd, other = await run(world)
    assert (absurd.contract, other.contract, other.gross) == ("DE-ABC-C1", "X", D("10.90"))


# --- what changes after the invoice


async def sold_otherwise(world: World, name: str, **columns: Any) -> None:
    """As when a CDR has changed, and was billed anew."""

    async def work(tx: Any) -> None:
        bill = await tx.bills.named(world.partner.connection.id, name.lower())
        without = [{**line, "excl": None, "percentage": None} for line in decode_json(bill.lines)]
        lines = {"lines": encode_json(without)} if columns.get("sold_net", 0) is None else {}
        await tx.bills.put(msgspec.structs.replace(bill, **columns, **lines))

    await world.node.store.write(work)


@pytest.mark.parametrize(
    ("columns", "then"),
    [
        ({"sold_currency": "SEK"}, [("DE-ABC-C1", "EUR", "-6.05"), ("DE-ABC-C1", "SEK", "6.05")]),
        ({"contract": "DE-ABC-C2"}, [("DE-ABC-C1", "EUR", "-6.05"), ("DE-ABC-C2", "EUR", "6.05")]),
        ({"reason": IMPOSSIBLE, "sold_currency": "", "lines": b"[]"}, [("DE-ABC-C1", "EUR", "-6.05")]),
        ({"reason": "no price", "sold_currency": "", "lines": b"[]"}, [("DE-ABC-C1", "EUR", "-6.05")]),
    ],
)
async def test_what_is_no_more_is_taken_back_where_it_stood(
    world: World, card: None, columns: dict[str, Any], then: list[tuple[str, str, str]]
) -> None:
    await charged(world, "C1")
    await run(world)
    await sold_otherwise(world, "C1", **columns)
    assert [(one.contract, one.currency, str(one.gross)) for one in await run(world)] == then
    assert await run(world) == []


async def test_what_is_paid_by_card_is_on_no_monthly_invoice(shop: Shop, driver: Driver) -> None:
    await shop.billed(driver, await shop.ended(driver))
    before = len(await invoices(shop.world))
    assert await run(shop.world) == [] and len(await invoices(shop.world)) == before


async def test_numbers_have_no_gap_whoever_fails_in_between(world: World) -> None:
    async def write(fails: bool) -> None:
        async def work(tx: Any) -> None:
            no = await tx.invoices.take_number("X-")
            one = Invoice(series="X-", no=no, contract="c", drive="", issued_at=no, currency="EUR", net=D(1), gross=D(1), document=b"{}")
            await tx.invoices.add(one, {})
            if fails:
                raise RuntimeError("the disk, say")

        await world.node.store.write(work)

    await asyncio.gather(*(write(n % 3 == 0) for n in range(30)), return_exceptions=True)
    found = await world.node.store.read(lambda tx: tx.invoices.newest())
    assert sorted(one.no for one in found) == list(range(1, 21))


async def test_two_that_write_the_invoices_of_a_month_at_once_write_each_once(engine: str, tmp_path: Path) -> None:
    """As the node and `interplug invoice run` beside it, or two processes of which one has just taken over."""
    world = await open_paid_world(tmp_path)
    for n in range(12):
        await own(world.node, "tokens", said.token(f"CARD-{n}", type="RFID", contract_id=f"C{n}", country_code="DE", party_id="ABC"))
        token = {"country_code": "DE", "party_id": "ABC", "uid": f"CARD-{n}", "type": "RFID", "contract_id": f"C{n}"}
        await charged(world, f"C{n}", cdr_token=token)
        world.clock.move(2 * HOUR)
    other = Store.open(nodes.database(tmp_path, "node"), clock=world.clock)
    await asyncio.gather(*(run(one) for one in (world, world, replace_store(world, other))))
    found = await world.node.store.read(lambda tx: tx.invoices.newest())
    assert sorted(one.no for one in found) == list(range(1, 13))
    assert {one.contract for one in found} == {f"C{n}" for n in range(12)}
    await other.close()
    await close(world.node)


def replace_store(world: World, store: Store) -> World:
    return World(dataclasses.replace(world.node, store=store), world.clock, world.cpo, world.partner)


def test_the_parts_sum_to_what_was_paid() -> None:
    for whole, paid in (
        ({"21": D("6.05"), "9": D("1.09")}, "7.14"),
        ({"21": D("10"), "9": D("10"), "0": D("10")}, "10"),
        ({"21": D(3)}, "9"),
    ):
        found = rounded(whole, "EUR", D(paid))
        assert sum(found.values()) == min(D(paid), sum(whole.values()))
    assert rounded({}, "EUR", D(0)) == rounded({"21": D(5)}, "EUR", D(0)) == exact([]) == {}


def test_a_month_begins_at_midnight_of_its_first_day() -> None:
    assert month_before(parse_time("2026-03-05T07:00:00Z")) == parse_time("2026-03-01T00:00:00Z")


# --- money beside CDRs


async def test_differences_are_told(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    assert await reconcile(shop.desk.till, 0) == []
    payment = await shop.payment(drive)
    await shop.desk.till.provider.refund(payment.reference, D(2), "EUR", "by hand")
    found = await reconcile(shop.desk.till, 0)
    assert [(one.kind, one.amount) for one in found] == [("provider", D(-2)), ("absorbed", D(2))]


async def test_what_comes_after_all_went_back_is_told(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1")
    await shop.later(HOUR + 1)
    await shop.later(HOUR)
    await shop.billed(driver, drive, "C3", kwh=8)
    await shop.later(HOUR)
    assert await shop.stands(drive) == ("refunded", 0)
    assert [(one.kind, one.amount) for one in await reconcile(shop.desk.till, 0)] == [("absorbed", D("4.84"))]
    assert sum(one["gross"] for one in await invoices(shop.world)) == 0, "nothing is invoiced of what nobody paid"


async def test_a_refund_that_fails_after_it_was_made_is_told(shop: Shop, driver: Driver) -> None:
    """As when the bank of a closed account sends it back."""
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1")
    await shop.later(HOUR + 1)
    reference = (await shop.payment(drive)).reference

    async def fails(tx: Any) -> None:
        hold = decode_json(await tx.payments.test_get(reference))
        await tx.payments.test_put(reference, encode_json({**hold, "status": "captured", "refunded": "0"}))

    await shop.node.store.write(fails)
    (found,) = await reconcile(shop.desk.till, 0)
    assert (found.kind, found.amount) == ("failed", D("6.05"))


async def test_a_session_without_a_cdr_is_told(shop: Shop, driver: Driver) -> None:
    await shop.ended(driver)
    await shop.later(49 * HOUR)
    assert [one.kind for one in await reconcile(shop.desk.till, 0)] == ["no CDR"]


async def test_a_cdr_in_another_currency_takes_nothing_and_is_invoiced_as_nothing_else(shop: Shop, driver: Driver) -> None:
    await own_price_ends(shop.world)
    drive = await shop.charging(driver)
    total = {"before_taxes": 5, "taxes": [{"name": "VAT", "amount": D("1.05")}]}
    await shop.told(driver, drive, 10, status="COMPLETED", end_date_time=shop.clock.text(), cost=total)
    await shop.billed(driver, drive, currency="SEK", **bare("50", "12.50"))
    assert (await shop.payment(drive)).state == "held"
    await shop.later(49 * HOUR)
    assert await shop.stands(drive) == ("captured", D("6.05")) and (await shop.payment(drive)).basis == "Session"
    assert [one.kind for one in await reconcile(shop.desk.till, 0)] == ["no bill"]
    assert await invoices(shop.world) == []


async def test_a_payment_of_a_provider_that_is_gone_is_told(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    payment = msgspec.structs.replace(await shop.payment(drive), provider="stripe")
    await shop.node.store.write(lambda tx: tx.payments.update(payment))
    await shop.billed(driver, drive)
    assert "no provider" in [one.kind for one in await reconcile(shop.desk.till, 0)]
    assert (await shop.payment(drive)).state == "held"
