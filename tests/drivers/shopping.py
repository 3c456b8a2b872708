"""A played operator, and drivers who pay by card at the test provider, over a line that may fail."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.config import Payments
from interplug.drivers.cashier import Cashier
from interplug.drivers.drives import start
from interplug.drivers.offers import read_offer
from interplug.drivers.paying import desk_of
from interplug.payments.bank import Bank
from interplug.payments.trial import TestProvider
from interplug.store.drivers import Drive, Driver
from interplug.store.payments import Payment
from tests.drivers.played import RETAIL, World, cdr, open_world, session
from tests.modules import said
from tests.payments.standing import GOOD, Line, browse

SETTINGS = Payments(provider="test")
HOUR = 3600


async def open_paid_world(folder: Path) -> World:
    """10 kWh cost 5.00 and 21 %: 6.05."""
    made = await open_world(folder, payments=SETTINGS)
    offer = read_offer({"id": "OURS", "tariff": RETAIL})
    await made.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), made.clock() - 1))
    return made


class Shop:
    """A played operator, and drivers who pay at the test provider, over a line that may fail."""

    def __init__(self, world: World) -> None:
        self.world, self.node, self.clock = world, world.node, world.clock
        desk = desk_of(world.node)
        assert desk is not None and isinstance(desk.till.provider, TestProvider)
        bank = desk.till.provider._send
        assert isinstance(bank, Bank)
        self.bank = bank
        self.line = Line(bank)
        desk.till.provider._send = self.line
        self.desk, self.cashier = desk, Cashier(desk)

    async def press(self, driver: Driver, method: str = "") -> Drive:
        return await start(self.node, driver, await self.world.plug(), "", self.desk, method=method)

    async def pay(self, drive: Drive, card: str = GOOD, proof: str = "yes", *, remember: bool = False) -> Drive:
        """Enters the card, or proves who pays, and comes back to the page."""
        found = await self.desk.look(drive.id)
        assert found is not None
        await browse(self.bank, found.url, card, proof, remember=remember)
        await self.desk.look(drive.id)
        return await self.world.now(drive)

    async def charging(self, driver: Driver, card: str = GOOD, kwh: int = 10) -> Drive:
        drive = await self.pay(await self.press(driver), card)
        await self.world.result(drive, "ACCEPTED")
        await self.told(driver, drive, kwh)
        return await self.world.now(drive)

    async def told(self, driver: Driver, drive: Drive, kwh: int, cost: Any = None, **more: Any) -> None:
        self.clock.move(1)
        period = {"start_date_time": self.clock.text(-1), "dimensions": [{"type": "ENERGY", "volume": kwh}]}
        said_now = session(self.world, driver, drive, kwh=kwh, currency="EUR", total_cost=cost, charging_periods=[period], **more)
        await self.world.tell("sessions", {name: value for name, value in said_now.items() if value is not None})
        await self.tick()

    async def ended(self, driver: Driver, kwh: int = 10, card: str = GOOD) -> Drive:
        drive = await self.charging(driver, card, kwh)
        await self.told(driver, drive, kwh, status="COMPLETED", end_date_time=self.clock.text())
        return await self.world.now(drive)

    async def billed(self, driver: Driver, drive: Drive, name: str = "C1", **more: Any) -> None:
        await self.world.tell("cdrs", said.said("cdr", cdr(self.world, driver, drive, name, **more), "2.2.1"))
        await self.tick()

    async def tick(self) -> None:
        for _ in range(4):
            await self.world.follower.tick()
            await self.cashier.tick()

    async def later(self, seconds: float) -> None:
        self.clock.move(seconds)
        await self.tick()

    async def payment(self, drive: Drive) -> Payment:
        found = await self.desk.of_drive(drive.id)
        assert found is not None
        return found

    async def stands(self, drive: Drive) -> tuple[str, Decimal]:
        payment = await self.payment(drive)
        return payment.state, payment.kept

    def commands(self) -> list[str]:
        return [one.url.rpartition("/")[2] for one in self.world.cpo.asked]
