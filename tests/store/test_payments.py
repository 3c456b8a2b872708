"""Payments and invoices in both databases: rows as they were written, wakes that are counted, numbers without a gap."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from interplug.store.invoices import Invoice
from interplug.store.payments import NEVER, Payment
from interplug.store.store import Store

D = Decimal
PAYMENT = Payment(
    id="p1", drive="d1", contract="c", provider="test", state="created", currency="EUR", wanted=D("50.10"), created_at=1, changed_at=1
)


@pytest.fixture
async def store(database: str) -> Store:
    return Store.open(database)


async def test_a_payment_is_read_as_it_was_written(store: Store) -> None:
    await store.write(lambda tx: tx.payments.add(PAYMENT))
    assert await store.read(lambda tx: tx.payments.get("p1")) == PAYMENT
    PAYMENT.due, PAYMENT.reference, PAYMENT.look_at = D("12.3400000000000000000001"), "r1", NEVER
    await store.write(lambda tx: tx.payments.update(PAYMENT))
    assert await store.read(lambda tx: tx.payments.of_reference("test", "r1")) == PAYMENT
    assert await store.read(lambda tx: tx.payments.of_reference("test", "")) is None
    assert await store.read(lambda tx: tx.payments.to_look_at(10)) == []
    await store.write(lambda tx: tx.payments.look("d1"))
    (found,) = await store.read(lambda tx: tx.payments.to_look_at(10))
    assert (found.look_at, found.woken, found.due) == (0, 1, PAYMENT.due)
    await store.write(lambda tx: tx.payments.say("p1", 5, "asked: capture", key="k", amount=D("1.50")))
    (event,) = await store.read(lambda tx: tx.payments.events("p1"))
    assert (event.what, event.key, event.amount) == ("asked: capture", "k", "1.50")
    await store.close()


async def test_numbers_of_invoices_have_no_gap(store: Store) -> None:
    async def issue(fails: bool) -> None:
        async def work(tx: Any) -> None:
            no = await tx.invoices.take_number("A-")
            one = Invoice(series="A-", no=no, contract="c", drive="", issued_at=no, currency="EUR", net=D(1), gross=D(1), document=b"{}")
            await tx.invoices.add(one, {f"cdr:{no}": b"{}"})
            if fails:
                raise RuntimeError("the disk, say")

        await store.write(work)

    await asyncio.gather(*(issue(n % 3 == 0) for n in range(30)), return_exceptions=True)
    found = await store.read(lambda tx: tx.invoices.newest())
    assert [one.no for one in found] == list(range(20, 0, -1))
    assert await store.read(lambda tx: tx.invoices.of_subject("cdr:20", "c", "EUR")) == [("A-", 20, b"{}")]
    await store.close()
