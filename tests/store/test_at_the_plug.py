"""Problems, reservations and the course of a drive in both databases: rows as they were written, and found by how they begin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interplug.store.bills import Bill
from interplug.store.commands import Command
from interplug.store.drivers import Drive, Reading
from interplug.store.invoices import Invoice
from interplug.store.payments import Payment
from interplug.store.problems import Problem
from interplug.store.reservations import Reservation
from interplug.store.store import Store
from interplug.store.tx import Tx

PLACE: dict[str, Any] = {"connection": 1, "country": "BE", "party": "XYZ", "place": "L1", "evse": "E1"}
ONE = Decimal(1)
OF_A: dict[str, Any] = {"drive": "a", "contract": "k"}


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    made = Store.open(database)
    yield made
    await made.close()


def drive(id: str) -> Drive:
    return Drive(id=id, driver="d", connector="1", state="CHARGING", created_at=1, deadline=2, unwanted=3, **PLACE)


def command(name: str, id: str) -> Command:
    asked = {"direction": "out", "connection": 1, "version": "2.3.0", "state": "sent", "document": b"{}", "response_url": ""}
    return Command(id=id, command=name, created_at=1, deadline=2, **asked)  # type: ignore[arg-type]


def reservation(id: str, state: str = "ASKED") -> Reservation:
    return Reservation(id=id, driver="d", connector="1", state=state, until=9, created_at=1, deadline=2, **PLACE)


def problem(id: str, at: int) -> Problem:
    return Problem(id=id, name="Harbour", kind="CABLE", said="stuck", alert=7, created_at=at, **PLACE)


async def test_problems_are_listed_the_open_ones_first_and_forgotten_once_closed(store: Store) -> None:
    for name, at in (("a", 1), ("b", 2)):
        await store.write(lambda tx, name=name, at=at: tx.problems.add(problem(name, at)))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.problems.get("a")) == problem("a", 1)
    assert [one.id for one in await store.read(lambda tx: tx.problems.list())] == ["b", "a"]
    assert await store.write(lambda tx: tx.problems.close("b", "ann", 5)) and not await store.write(
        lambda tx: tx.problems.close("b", "x", 6)
    )
    assert [one.id for one in await store.read(lambda tx: tx.problems.list())] == ["a"]
    assert [one.id for one in await store.read(lambda tx: tx.problems.list(closed=True))] == ["a", "b"]
    assert await store.read(lambda tx: tx.problems.left(7)) == 1
    await store.write(lambda tx: tx.problems.forget(100))
    assert [one.id for one in await store.read(lambda tx: tx.problems.list(closed=True))] == ["a"]


async def test_drives_that_changed_are_found_by_the_log_with_what_belongs_to_them(store: Store) -> None:
    bill = Bill(cdr=1, cdr_no=1, source=1, cdr_id="c", bought_currency="EUR", bought_net=None, ended_at=1, kwh=ONE, billed_at=1, **OF_A)
    invoice = Invoice(series="S", no=1, issued_at=1, currency="EUR", net=ONE, gross=ONE, document=b"{}", **OF_A)
    payment = Payment(id="p", provider="test", state="ASKED", currency="EUR", wanted=ONE, created_at=1, changed_at=1, **OF_A)
    ways: tuple[Callable[[Tx], Awaitable[None]], ...] = (
        lambda tx: tx.drivers.update(msgspec.structs.replace(drive("a"), command="start", stop_command="stop")),
        lambda tx: tx.payments.add(payment),
        lambda tx: tx.payments.update(payment),
        lambda tx: tx.bills.put(bill),
        lambda tx: tx.invoices.add(invoice, {}),
        lambda tx: tx.commands.update(command("START_SESSION", "start")),
        lambda tx: tx.commands.update(command("STOP_SESSION", "stop")),
    )
    await store.write(lambda tx: tx.drivers.add(drive("b")))
    await store.write(lambda tx: tx.drivers.add(drive("a")))
    for name in ("START_SESSION", "STOP_SESSION"):
        one = command(name, name.partition("_")[0].lower())
        await store.write(lambda tx, one=one: tx.commands.add(one))  # type: ignore[misc]
    for way in ways:
        before = await store.look()
        assert await store.read(lambda tx, before=before: tx.drivers.changed(before)) == []  # type: ignore[misc]
        await store.write(way)  # type: ignore[arg-type]
        assert await store.look() > before
        assert await store.read(lambda tx, before=before: tx.drivers.changed(before)) == [("a", "d")]  # type: ignore[misc]


async def test_a_reservation_is_read_as_it_was_written(store: Store) -> None:
    one = reservation("ab12")
    await store.write(lambda tx: tx.reservations.add(one))
    one.state, one.reason, one.command, one.cancel_command, one.drive, one.deadline = "RESERVED", "r", "c", "k", "d", 5
    await store.write(lambda tx: tx.reservations.update(one))
    assert await store.read(lambda tx: tx.reservations.get("ab12")) == one
    assert await store.read(lambda tx: tx.reservations.in_states(("RESERVED", "ASKED"))) == [one]
    assert await store.read(lambda tx: tx.reservations.of_driver("d")) == [one]


async def test_what_somebody_quotes_is_found_by_how_it_begins(store: Store) -> None:
    for name in ("ab12cd", "ab12ff", "ab13", "ab1"):
        await store.write(lambda tx, name=name: tx.drivers.add(drive(name)))  # type: ignore[misc]
        await store.write(lambda tx, name=name: tx.reservations.add(reservation(name)))  # type: ignore[misc]
    for found in (await store.read(lambda tx: tx.drivers.like("ab12")), await store.read(lambda tx: tx.reservations.like("ab12"))):
        assert [one.id for one in found] == ["ab12cd", "ab12ff"]
    assert (await store.read(lambda tx: tx.drivers.get("ab13"))) == drive("ab13")


async def test_the_course_of_a_drive_keeps_what_was_told_first_and_its_order(store: Store) -> None:
    readings = [Reading(2, Decimal("1.50"), None, Decimal(41)), Reading(1, Decimal("0.123456789"), Decimal("11.04"))]
    for one in (*readings, Reading(1, Decimal(9))):
        await store.write(lambda tx, one=one: tx.drivers.note("d1", one))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.drivers.course("d1")) == readings[::-1]
    assert await store.read(lambda tx: tx.drivers.last_reading("d1")) == readings[0]
    await store.write(lambda tx: tx.drivers.forget_readings(2))
    assert await store.read(lambda tx: tx.drivers.course("d1")) == readings[:1]
