"""A life of a provider's node with one drive, from the button to the refund: `python -m tests.drivers.killed FOLDER`.

It goes on where the life before it ended, which may have been anywhere: INTERPLUG_FAULTS kills it (SIGKILL) as it kills any node. The
bank keeps its books in a file of its own, as a company of its own would; what the operator was asked stands in `asked`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from interplug.drivers.drives import new_driver
from interplug.drivers.states import DRIVES, PAYING
from interplug.model.types import encode_json
from interplug.payments import states
from interplug.payments.bank import Bank
from interplug.payments.ledger import InStore
from interplug.protocol.http import Request, Response
from interplug.store.drivers import Drive, Driver
from interplug.store.store import Store
from tests.drivers.played import Cpo, World
from tests.drivers.shopping import SETTINGS, Shop
from tests.nodes import T0, Clock, Partner, Wire, close, database, make_node

ROUNDS = 60
STEP = 50
"""Seconds from round to round: more than a lost answer is waited for."""


class Lasting(Clock):
    """Goes on where it stood when the life before ended."""

    def __init__(self, file: Path) -> None:
        super().__init__(int(file.read_text()) if file.exists() else T0)
        self._file = file

    def move(self, seconds: float) -> None:
        super().move(seconds)
        self._file.write_text(str(self.now))


class Asked(Cpo):
    """What the operator was asked is not forgotten with the process."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    async def __call__(self, request: Request) -> Response:
        with self._file.open("a") as file:
            file.write(f"{request.url.rpartition('/')[2]}\n")
            file.flush()
            os.fsync(file.fileno())
        return await super().__call__(request)

    def words(self) -> list[str]:
        return self._file.read_text().split() if self._file.exists() else []


async def shop_at(folder: Path) -> tuple[Shop, Asked, Store]:
    """What `open_paid_world` has made, opened once more."""
    clock, wire, cpo = Lasting(folder / "clock"), Wire(), Asked(folder / "asked")
    node = await make_node(folder, parties=(), clock=clock, wire=wire, payments=SETTINGS)
    await node.directory.refresh()
    wire.places["https://partner.example"] = cpo
    (connection,) = node.directory.all(registered=True)
    shop = Shop(World(node, clock, cpo, Partner(node, connection, "token-of-partner-2.2.1", "2.2.1")))
    books = Store.open(database(folder, "bank"), clock=clock)
    shop.bank = shop.line.bank = Bank(InStore(books), clock, shop.bank.url)
    return shop, cpo, books


async def the_drive(shop: Shop) -> tuple[Driver, Drive]:
    """The one drive, which is begun where there is none yet."""
    every = sorted({*DRIVES.values(), PAYING})
    found = await shop.node.store.read(lambda tx: tx.drivers.in_states(every))
    if not found:
        driver = await new_driver(shop.node)
        return driver, await shop.press(driver)
    driver = await shop.node.store.read(lambda tx: tx.drivers.driver(found[0].driver))
    assert driver is not None
    return driver, found[0]


async def until_paid(shop: Shop, drive: Drive) -> Drive:
    for _ in range(ROUNDS):
        drive = await shop.world.now(drive)
        if drive.state != PAYING:
            return drive
        payment = await shop.payment(drive)
        if payment.state == states.ACTION:
            return await shop.pay(drive)
        await shop.later(STEP)
    raise AssertionError("nobody was ever asked for a card")


async def billed(shop: Shop, driver: Driver, drive: Drive, name: str, **more: Any) -> None:
    """The CDR, which the operator sends until it is taken, and which never changes."""
    if not await shop.node.store.read(lambda tx: tx.objects.find_id("cdrs", name)):
        await shop.billed(driver, drive, name, **more)
    await shop.world.biller.tick()


async def until(shop: Shop, drive: Drive, *ends: str) -> None:
    for _ in range(ROUNDS):
        if (await shop.payment(drive)).state in ends:
            return
        await shop.later(STEP)
    raise AssertionError(f"the payment is {await shop.payment(drive)}")


async def life(folder: Path) -> dict[str, Any]:
    shop, cpo, books = await shop_at(folder)
    driver, drive = await the_drive(shop)
    drive = await until_paid(shop, drive)
    await shop.tick()
    if "START_SESSION" in cpo.words():
        await shop.told(driver, drive, 10)
        await shop.told(driver, drive, 10, status="COMPLETED", end_date_time=shop.clock.text())
        await billed(shop, driver, drive, "C1")
        await until(shop, drive, states.CAPTURED, states.REFUNDED)
        await billed(shop, driver, drive, "C2", credit=True, credit_reference_id="C1")
        shop.clock.move(3600)
    else:
        shop.clock.move(3600)  # nothing was asked for, so nothing comes of it
    await until(shop, drive, states.REFUNDED, states.VOIDED)
    payment = await shop.payment(drive)
    account = await books.read(lambda tx: tx.payments.test_get(payment.reference))
    await books.close()
    await close(shop.node)
    assert account is not None
    return {"payment": payment.state, "captured": payment.captured, "refunded": payment.refunded, "account": account.decode()}


if __name__ == "__main__":
    sys.stdout.buffer.write(encode_json(asyncio.run(life(Path(sys.argv[1])))))
