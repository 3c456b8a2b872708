"""A provider of payment terminals (PTP) and the operator (CPO) at whose stations they stand, joined by a real handshake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.store.keys import OWN, Key, Stored
from interplug.sync.push import Push
from tests.nodes import Clock, Wire, close, join, make_node
from tests.stories.level import Timer

CPO = ("CPO", "NL", "TNM")
PTP = ("PTP", "AT", "PAY")
Document = dict[str, Any]


class Street:
    """Both nodes, and their loops that push. Time passes when it is told to."""

    def __init__(self, clock: Clock, wire: Wire, cpo: Node, ptp: Node, at_cpo: Connection, at_ptp: Connection) -> None:
        self.clock, self.wire, self.cpo, self.ptp = clock, wire, cpo, ptp
        self.at_cpo, self.at_ptp = at_cpo, at_ptp
        """The PTP as the CPO has it, and the CPO as the PTP has it."""
        self.timer = Timer()
        self.pushes = [Push(node, timer=self.timer, chance=lambda: 0.5, rest=self.rest) for node in (cpo, ptp)]

    @classmethod
    async def join(cls, folder: Path, roles: tuple[tuple[str, str, str], ...] = (PTP,)) -> Street:
        clock, wire = Clock(), Wire()
        cpo = await make_node(folder, (CPO,), name="cpo", clock=clock, wire=wire)
        ptp = await make_node(folder, roles, name="ptp", clock=clock, wire=wire)
        at_cpo, at_ptp = await join(cpo, ptp, "2.3.0", host_name="cpo", guest_name="ptp")
        street = cls(clock, wire, cpo, ptp, at_cpo, at_ptp)
        for push in street.pushes:
            await push.start()
        await street.settle()
        return street

    async def rest(self, seconds: float) -> None:
        self.clock.move(seconds)

    async def settle(self) -> None:
        """Everything that can be pushed has been, also after a pause."""
        for _ in range(3):
            self.timer.now += 1000
            for push in self.pushes:
                await push.idle()

    async def terminal(self, **more: Any) -> Key:
        """A terminal of the PTP that was shipped to the CPO."""
        self.clock.move(1)
        document = {"terminal_id": "TM-1", "reference": "SN-1", **more, "last_updated": self.clock.text()}
        key = Key("terminals", OWN, "AT", "PAY", document["terminal_id"])
        await self.ptp.store.write(lambda tx: tx.objects.save(key, document, last_updated=self.clock.now, audience=self.at_ptp.id))
        await self.settle()
        return key

    async def at(self, node: Node, module: str, name: str) -> Stored | None:
        found = await node.store.read(lambda tx: tx.objects.find_id(module, name))
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
