"""Offers as they held over time, bills as they were made, and what becomes of drives that were begun before there were either."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from interplug.model.types import decode_json
from interplug.store import schema
from interplug.store.bills import Bill
from interplug.store.store import Store

BILL = Bill(
    cdr=1,
    cdr_no=1,
    source=2,
    cdr_id="c1",
    contract="DE-ABC-C1",
    kwh=Decimal("10.0000"),
    bought_currency="EUR",
    bought_net=Decimal("0.1000000000000000000000000001"),
    ended_at=10,
    billed_at=20,
)


@pytest.fixture
async def store(database: str) -> Store:
    return Store.open(database)


async def test_an_offer_is_found_as_it_was(store: Store) -> None:
    async def put(id: str, n: int, now: int) -> bool:
        return await store.write(lambda tx: tx.offers.put(id, {"id": id, "n": n}, now))

    assert await put("A", 1, 10) and await put("B", 1, 20)
    assert await put("a", 1, 30), "another spelling of the id replaces it"
    assert await put("B", 2, 40)
    assert await store.write(lambda tx: tx.offers.end("b", 50))
    assert not await store.write(lambda tx: tx.offers.end("b", 60))

    async def at(time: int) -> list[tuple[str, int]]:
        return [(one["id"], one["n"]) for one in await store.read(lambda tx: tx.offers.at(time))]

    assert await at(9) == []
    assert await at(39) == [("B", 1), ("a", 1)]
    assert await at(40) == [("a", 1), ("B", 2)]
    assert await at(50) == [("a", 1)] == [(one["id"], one["n"]) for one in await store.read(lambda tx: tx.offers.all())]
    await store.close()


async def test_the_same_offer_again_changes_nothing(store: Store) -> None:
    offer = {"id": "A", "percentage": Decimal("2.50")}
    assert await store.write(lambda tx: tx.offers.put("A", offer, 10))
    assert not await store.write(lambda tx: tx.offers.put("A", offer, 20))
    await store.close()


async def test_amounts_keep_every_digit_and_unknown_is_not_zero(store: Store) -> None:
    head = await store.look()
    await store.write(lambda tx: tx.bills.put(BILL))
    assert await store.read(lambda tx: tx.bills.of_cdr(1)) == BILL
    assert await store.look() > head, "a page that waits sees it"
    await store.close()


async def test_bills_are_found_by_what_one_knows_of_them(store: Store) -> None:
    await store.write(lambda tx: tx.bills.put(BILL))
    assert await store.read(lambda tx: tx.bills.named(2, "c1")) == BILL
    assert await store.read(lambda tx: tx.bills.named(3, "c1")) is None
    assert await store.read(lambda tx: tx.bills.ended(10, 11)) == [BILL]
    assert await store.read(lambda tx: tx.bills.ended(0, 10)) == await store.read(lambda tx: tx.bills.ended(11, 99)) == []
    await store.close()


async def test_bills_are_read_piece_by_piece_in_the_order_of_their_ends_and_none_twice(store: Store) -> None:
    ends = {1: 30, 2: 10, 3: 20, 4: 10, 5: 20, 6: 10, 7: 40}
    for one in [replace(BILL, cdr=cdr, cdr_id=f"c{cdr}", ended_at=ended_at) for cdr, ended_at in ends.items()]:
        await store.write(lambda tx, one=one: tx.bills.put(one))  # type: ignore[misc]
    after, seen = (10, 0), list[int]()
    while piece := await store.read(lambda tx, after=after: tx.bills.page(after, 40, 2)):  # type: ignore[misc]
        after = (piece[-1].ended_at, piece[-1].cdr)
        seen += [one.cdr for one in piece]
    assert seen == [2, 4, 6, 3, 5, 1]
    await store.close()


async def test_a_drive_of_before_was_started_at_the_operators_price(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(path, "0007_cdr_checks")
    connection = sqlite3.connect(path)
    connection.execute("insert into drive values ('d', 'r', 1, 'be', 'xyz', 'L1', 'E1', '1', 'BILLED', '', '', '', 0, 7, 5, 5, x'5b5d')")
    connection.commit()
    connection.close()
    store = Store.open(f"sqlite:///{path}")
    drive = await store.read(lambda tx: tx.drivers.get("d"))
    assert drive is not None and decode_json(drive.offer) is None and decode_json(drive.shown) == []
    await store.close()
