"""Whatever Sessions and CDRs come, in whatever order: the driver's bank, our books and the invoices say the same, to the last coin, and
what is not so is told."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from decimal import ROUND_HALF_UP
from decimal import Decimal as D
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.drivers.drives import new_driver
from interplug.drivers.dues import NO_MATTER
from interplug.drivers.invoicing import monthly
from interplug.drivers.reconciling import reconcile
from interplug.model.types import decode_json
from interplug.payments import states
from interplug.store.bills import Bill
from interplug.store.drivers import Drive, Driver
from tests.drivers.played import World, cdr
from tests.drivers.shopping import HOUR, Shop, open_paid_world
from tests.modules import said
from tests.nodes import close, own
from tests.payments.standing import FIXED, GOOD

KWH, WHICH = st.integers(0, 40), st.integers(0, 9)
QUIETLY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
CENT = D("0.01")


def cents(value: D, coin: D = CENT) -> D:
    return value.quantize(coin, ROUND_HALF_UP)


async def in_a_world(story: Callable[[World], Awaitable[None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = await open_paid_world(Path(folder))
        try:
            await story(world)
        finally:
            await close(world.node)


async def changed(world: World, name: str, **fields: Any) -> None:
    """The operator's list has another content under the same id."""

    async def work(tx: Any) -> None:
        (stored,) = await tx.objects.find_id("cdrs", name, world.partner.connection.id)
        document = {**stored.document, **fields, "last_updated": world.clock.text()}
        await tx.objects.save(stored.key, document, last_updated=world.clock())

    world.clock.move(10)
    await world.node.store.write(work)
    await world.biller.tick()


def holds(document: dict[str, Any]) -> D:
    """The sum of an invoice, whose parts agree."""
    assert document["net"] + document["vat"] == document["gross"] == sum(one["gross"] for one in document["taxes"])
    assert document["gross"] == sum(one["gross"] for one in document["lines"])
    return D(document["gross"])


# --- by card

BY_CARD = st.one_of(
    st.tuples(st.just("session"), KWH),
    st.tuples(st.just("end"), KWH),
    st.tuples(st.just("cdr"), KWH),
    st.tuples(st.just("credit"), WHICH),
    st.tuples(st.just("change"), KWH),
    st.tuples(st.just("less than nothing"), KWH),
    st.tuples(st.just("line"), st.sampled_from(["ok", "lost", "silent"])),
    st.tuples(st.just("time"), st.sampled_from([60, HOUR, 10 * HOUR])),
)


class ByCard:
    def __init__(self, shop: Shop, driver: Driver, drive: Drive) -> None:
        self.shop, self.driver, self.drive = shop, driver, drive
        self.names, self.over = list[str](), False

    async def take(self, what: str, value: Any) -> None:
        shop, driver, drive = self.shop, self.driver, self.drive
        name = f"C{len(self.names)}"
        if what in ("session", "end") and not self.over:
            self.over = what == "end"
            more = {"status": "COMPLETED", "end_date_time": shop.clock.text()} if self.over else {}
            await shop.told(driver, drive, value, **more)
        elif what in ("cdr", "less than nothing", "credit"):
            back = {"credit": True, "credit_reference_id": f"C{value}"} if what == "credit" else {}
            await shop.billed(driver, drive, name, kwh=-5 if what == "less than nothing" else 10 if back else value, **back)
            self.names.append(name)
        elif what == "change" and self.names:
            period = {"start_date_time": shop.clock.text(), "dimensions": [{"type": "ENERGY", "volume": value}], "tariff_id": "T"}
            await changed(shop.world, self.names[-1], total_energy=value, charging_periods=[period])
        elif what == "line":
            shop.line.fate = lambda request: str(value)
        elif what == "time":
            await shop.later(value)

    async def law(self) -> None:
        shop, store = self.shop, self.shop.node.store
        payment = await shop.payment(self.drive)
        account = decode_json(await store.read(lambda tx: tx.payments.test_get(payment.reference)) or b"")
        assert (D(account["captured"]), D(account["refunded"])) == (payment.captured, payment.refunded)
        assert payment.state in (states.CAPTURED, states.REFUNDED, states.VOIDED) and payment.kept >= 0
        bills = [one for one in await store.read(lambda tx: tx.bills.of_drive(self.drive.id)) if one.reason not in NO_MATTER]
        owed = cents(max(sum((one.sold_gross or D(0) for one in bills), D(0)), D(0)))
        invoiced = sum([holds(decode_json(one.document)) for one in await store.read(lambda tx: tx.invoices.of_drive(self.drive.id))])
        assert invoiced == (payment.kept if bills else 0)
        assert payment.kept <= owed or not bills
        told = [one.kind for one in await reconcile(shop.desk.till, 0)]
        assert bool(told) == (payment.kept != owed), "what is absorbed, and what has no CDR, is told, and nothing else"


@QUIETLY
@given(st.sampled_from([GOOD, FIXED]), st.lists(BY_CARD, max_size=12))
def test_what_was_paid_by_card_is_what_is_owed_and_invoiced_or_it_is_told(card: str, steps: list[tuple[str, Any]]) -> None:
    async def story(world: World) -> None:
        shop, driver = Shop(world), await new_driver(world.node)
        told = ByCard(shop, driver, await shop.charging(driver, card, 1))
        for what, value in steps:
            await told.take(what, value)
        shop.line.fate = lambda request: "ok"
        for _ in range(20):  # never more than the margin in which a hold is looked at before it ends
            await shop.later(10 * HOUR)
        await told.law()

    asyncio.run(in_a_world(story))


# --- by invoice

RATES = st.sampled_from(["0.21", "0.09", "0", "0.173"])
COSTS = st.tuples(st.integers(0, 3000), RATES, st.sampled_from(["EUR", "EUR", "EUR", "SEK", "JPY"]), st.booleans())
BY_INVOICE = st.one_of(
    st.tuples(st.just("cdr"), COSTS),
    st.tuples(st.just("credit"), WHICH),
    st.tuples(st.just("change"), COSTS),
    st.tuples(st.just("invoices"), WHICH),
)


def document(world: World, name: str, net: int, rate: str, currency: str, first: bool) -> dict[str, Any]:
    """Of one of two cards, at an operator that tells two sums and no rate."""
    uid, contract = ("CARD-1", "K1") if first else ("CARD-2", "K2")
    token = {"country_code": "DE", "party_id": "ABC", "uid": uid, "type": "RFID", "contract_id": contract}
    cost = {"before_taxes": D(net) / 100, "taxes": [{"name": "VAT", "amount": D(net) / 100 * D(rate)}]}
    told: dict[str, Any] = cdr(world, None, None, name, None, cdr_token=token, total_cost=cost, currency=currency)  # type: ignore[arg-type]
    return told


async def invoices(world: World) -> list[Any]:
    return await monthly(world.node, world.clock() + 10 * HOUR * 1_000_000)


async def by_invoice(world: World, steps: list[tuple[str, Any]]) -> None:
    for uid, contract in (("CARD-1", "K1"), ("CARD-2", "K2")):
        await own(world.node, "tokens", said.token(uid, type="RFID", contract_id=contract, country_code="DE", party_id="ABC"))
    await world.node.store.write(lambda tx: tx.offers.end("OURS", world.clock()))
    every: dict[str, dict[str, Any]] = {}
    for n, (what, value) in enumerate(steps):
        world.clock.move(2 * HOUR)
        named = list(every)[value % len(every) if what == "credit" else -1] if every else ""
        if what == "cdr":
            every[f"C{n}"] = document(world, f"C{n}", *value)
            await world.tell("cdrs", said.said("cdr", every[f"C{n}"], "2.2.1"))
        elif what == "credit" and named:
            back = {**every[named], "id": f"C{n}", "credit": True, "credit_reference_id": named}
            await world.tell("cdrs", said.said("cdr", back, "2.2.1"))
        elif what == "change" and named:
            now = document(world, named, *value)
            await changed(world, named, **{field: now[field] for field in ("cdr_token", "total_cost", "currency")})
        elif what == "invoices":
            await invoices(world)


def coin(currency: str) -> D:
    return D(1) if currency == "JPY" else CENT


@QUIETLY
@given(st.lists(BY_INVOICE, max_size=14))
def test_the_invoices_of_a_contract_come_to_its_bills_with_their_taxes_and_have_no_gap(steps: list[tuple[str, Any]]) -> None:
    async def story(world: World) -> None:
        await by_invoice(world, steps)
        await invoices(world)
        assert await invoices(world) == []
        found = await world.node.store.read(lambda tx: tx.invoices.newest(0, 1000))
        assert sorted(one.no for one in found) == list(range(1, len(found) + 1))
        bills: list[Bill] = [one for one in await world.node.store.read(lambda tx: tx.bills.ended(0, 2**61)) if one.sold_currency]
        for place in {(one.contract, one.sold_currency) for one in bills} | {(one.contract, one.currency) for one in found}:
            here = [one for one in bills if (one.contract, one.sold_currency) == place]
            told = [decode_json(one.document) for one in found if (one.contract, one.currency) == place]
            assert sum(map(holds, told)) == sum(cents(one.sold_gross or D(0), coin(place[1])) for one in here)
            taxes = sum((one.sold_gross or D(0)) - (one.sold_net or D(0)) for one in here)
            assert abs(sum(one["vat"] for one in told) - taxes) <= coin(place[1]) * (len(here) + len(told))

    asyncio.run(in_a_world(story))
