"""A provider of payment terminals (PTP) and the operator (CPO) at whose stations they stand, joined by a real handshake."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.charges import charging
from interplug.config import Payments
from interplug.drivers.billing import Biller
from interplug.drivers.cashier import Cashier
from interplug.drivers.follow import Follower
from interplug.drivers.paying import desk_of
from interplug.drivers.terminals import cards
from interplug.modules.node import Node, Outcome
from interplug.partners.directory import Connection
from interplug.payments.bank import Bank
from interplug.payments.trial import TestProvider
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Key, Stored
from interplug.store.payments import Payment
from interplug.store.stations import Reading
from interplug.sync.push import Push
from tests.nodes import Clock, Wire, close, join, make_node
from tests.payments.standing import GOOD, Line
from tests.stories.level import Timer

CPO = ("CPO", "NL", "TNM")
PTP = ("PTP", "AT", "PAY")
Document = dict[str, Any]


class Plugs:
    """Stations that do what they are told, at once; a test says what their meters count."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.session = ""
        self.outcome = Outcome("ACCEPTED")

    async def start_session(self, command: Document, connection: int) -> Outcome:
        if self.outcome.result != "ACCEPTED":
            return self.outcome
        self.session = await charging.begin(
            self.node,
            location_id=command["location_id"],
            evse_uid=command["evse_uid"],
            connector_id=command.get("connector_id"),
            cdr_token=command["token"],
            auth_method="COMMAND",
            connection=connection,
            at=self.node.clock(),
            authorization_reference=command.get("authorization_reference"),
        )
        await self.count("0")
        return self.outcome

    async def count(self, kwh: str) -> None:
        await charging.meter(self.node, self.session, [Reading(self.node.clock(), Decimal(kwh))])

    async def stop_session(self, command: Document, connection: int) -> Outcome:
        await charging.end(self.node, command["session_id"], self.node.clock())
        return Outcome("ACCEPTED")


class Street:
    """Both nodes, and their loops that push. Time passes when it is told to."""

    def __init__(self, clock: Clock, wire: Wire, cpo: Node, ptp: Node, at_cpo: Connection, at_ptp: Connection) -> None:
        self.clock, self.wire, self.cpo, self.ptp = clock, wire, cpo, ptp
        self.at_cpo, self.at_ptp = at_cpo, at_ptp
        """The PTP as the CPO has it, and the CPO as the PTP has it."""
        self.plugs = Plugs(cpo)
        cpo.stations = self.plugs  # type: ignore[assignment]
        self.till()
        self.timer = Timer()
        self.pushes = [Push(node, timer=self.timer, chance=lambda: 0.5, rest=self.rest) for node in (cpo, ptp)]

    @classmethod
    async def join(cls, folder: Path, roles: tuple[tuple[str, str, str], ...] = (PTP,)) -> Street:
        clock, wire = Clock(), Wire()
        cpo = await make_node(folder, (CPO,), name="cpo", clock=clock, wire=wire)
        ptp = await make_node(folder, roles, name="ptp", clock=clock, wire=wire, payments=Payments(provider="test"))
        at_cpo, at_ptp = await join(cpo, ptp, "2.3.0", host_name="cpo", guest_name="ptp")
        street = cls(clock, wire, cpo, ptp, at_cpo, at_ptp)
        for push in street.pushes:
            await push.start()
        await street.settle()
        return street

    def till(self) -> None:
        """A process that takes the PTP's money, with nothing in its memory; `line` is that to the test provider."""
        desk = desk_of(self.ptp)
        assert desk is not None and isinstance(desk.till.provider, TestProvider)
        bank = desk.till.provider._send
        assert isinstance(bank, Bank)
        self.line = desk.till.provider._send = Line(bank)
        self.desk, self.cashier = desk, Cashier(desk)
        self.follower, self.biller = Follower(self.ptp), Biller(self.ptp)

    async def rest(self, seconds: float) -> None:
        self.clock.move(seconds)

    async def settle(self) -> None:
        """Everything that can be pushed has been, also after a pause, and the money follows."""
        for _ in range(4):
            while self.cpo.tasks:
                await asyncio.wait(set(self.cpo.tasks))
            self.timer.now += 1000
            for push in self.pushes:
                await push.idle()
            await self.follower.tick()
            await self.biller.tick()
            await self.cashier.tick()

    async def tap(self, evse: str = "E1", place: str = "L1", terminal: str = "TM-1", card: str = GOOD) -> Drive:
        """A card at the terminal, and what follows at once."""
        stored = await self.at(self.ptp, "terminals", terminal)
        assert stored is not None
        drive = await cards.tap(self.desk, stored, place, evse, "1", card)
        await self.settle()
        return await self.now(drive)

    async def now(self, drive: Drive) -> Drive:
        found = await self.ptp.store.read(lambda tx: tx.drivers.get(drive.id))
        assert found is not None
        return found

    async def paid(self, drive: Drive) -> Payment:
        found = await self.desk.of_drive(drive.id)
        assert found is not None
        return found

    async def stands(self, drive: Drive) -> tuple[str, Decimal]:
        """The state of the payment, and what the driver has paid."""
        payment = await self.paid(drive)
        return payment.state, payment.kept

    async def later(self, seconds: float) -> None:
        self.clock.move(seconds)
        await self.settle()

    async def charge(self, kwh: str, hours: float = 1) -> None:
        self.clock.move(hours * 3600)
        await self.plugs.count(kwh)
        await self.settle()

    async def unplug(self) -> None:
        await charging.end(self.cpo, self.plugs.session, self.clock.now)
        await self.settle()

    async def terminal(self, **more: Any) -> Key:
        """A terminal of the PTP that was shipped to the CPO."""
        self.clock.move(1)
        document = {"terminal_id": "TM-1", "reference": "SN-1", **more, "last_updated": self.clock.text()}
        key = Key("terminals", OWN, "AT", "PAY", document["terminal_id"])
        await self.ptp.store.write(lambda tx: tx.objects.save(key, document, last_updated=self.clock.now, audience=self.at_ptp.id))
        await self.settle()
        return key

    async def at(self, node: Node, module: str, name: str) -> Stored | None:
        found: list[Stored] = await node.store.read(lambda tx: tx.objects.find_id(module, name))
        return found[0] if found else None

    async def both(self, module: str, name: str) -> tuple[Document, Document]:
        """What the CPO and the PTP have of it."""
        ours, theirs = await self.at(self.cpo, module, name), await self.at(self.ptp, module, name)
        assert ours is not None and theirs is not None
        return ours.document, theirs.document

    async def close(self) -> None:
        for push in self.pushes:
            await push.stop()
        for node in (self.cpo, self.ptp):
            await close(node)
