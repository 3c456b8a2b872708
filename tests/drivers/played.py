"""An eMSP node with drivers, and a CPO that a test plays: it answers commands with a word, and pushes."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.drivers.billing import Biller
from interplug.drivers.follow import Follower
from interplug.drivers.plugs import Plug, find_plug
from interplug.model.types import encode_json
from interplug.modules import asking
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unreachable, Unsent
from interplug.store.drivers import Drive, Driver
from tests.modules import said
from tests.nodes import EMSP, Clock, Partner, Wire, befriend, make_node

CPO = (("CPO", "BE", "XYZ"),)
RETAIL = {
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.50"), "vat": 21, "step_size": 1}]}],
}
"""What a driver pays: 0.50 for a kWh, before taxes."""
UID = "04A1B2C3"
"""Of a card."""


class Cpo:
    """Answers commands with a word; None: nobody is there; an empty one: nobody answers, though the request has arrived."""

    def __init__(self) -> None:
        self.word: str | None = "ACCEPTED"
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.word is None:
            raise Unsent("refused")
        if not self.word:
            raise Unreachable("no answer")
        data = {"result": self.word, "timeout": 30}
        return Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", "data": data}))


class World:
    def __init__(self, node: Node, clock: Clock, cpo: Cpo, partner: Partner) -> None:
        self.node, self.clock, self.cpo, self.partner = node, clock, cpo, partner
        self.follower, self.biller = Follower(node), Biller(node)

    async def plug(self, evse: str = "E1") -> Plug:
        return await find_plug(self.node, self.partner.connection.id, "BE", "XYZ", "L1", evse, "1")

    async def tell(self, module: str, document: dict[str, Any]) -> None:
        """The CPO pushes."""
        if module == "cdrs":
            answer = await self.partner.send("POST", "cdrs", document)
        else:
            answer = await self.partner.send("PUT", f"{module}/BE/XYZ/{document['id']}", document)
        assert answer.ok, answer.message
        await self.follower.tick()
        await self.biller.tick()

    async def result(self, drive: Drive, word: str, of: str = "command") -> None:
        """Of its start, or of its `stop_command`."""
        row = await asking.status(self.node, getattr(drive, of))
        assert row is not None
        answer = await self.partner.ask("POST", row.response_url.removeprefix("https://node.example"), {"result": word})
        assert answer.ok, answer.message
        await self.follower.tick()

    async def now(self, drive: Drive) -> Drive:
        found = await self.node.store.read(lambda tx: tx.drivers.get(drive.id))
        assert found is not None
        return found


async def open_world(folder: Path, **sections: Any) -> World:
    """One Location: E1 is free, at E2 somebody charges."""
    clock, wire, cpo = Clock(), Wire(), Cpo()
    node = await make_node(folder, parties=(EMSP,), clock=clock, wire=wire, **sections)
    wire.places["https://partner.example"] = cpo
    made = World(node, clock, cpo, await befriend(node, "2.2.1", parties=CPO))
    location = said.theirs(said.location(evses=[said.evse(status="AVAILABLE"), said.evse("E2", status="CHARGING")]))
    await made.tell("locations", said.said("location", location, "2.2.1"))
    return made


def session(world: World, driver: Driver, drive: Drive, **more: Any) -> dict[str, Any]:
    token = {"country_code": "DE", "party_id": "ABC", "uid": driver.token_uid, "type": "APP_USER", "contract_id": driver.contract_id}
    document = said.theirs(said.session(location_id="L1", evse_uid="E1", connector_id="1", cdr_token=token, status="ACTIVE"))
    document |= {"authorization_reference": drive.id, "last_updated": world.clock.text(), **more}
    return said.said("session", document, "2.2.1")


def energy(price: str, **more: Any) -> dict[str, Any]:
    return {"price_components": [{"type": "ENERGY", "price": Decimal(price), "vat": 21, "step_size": 1, **more}]}


async def told_price(world: World, price: str, **more: Any) -> None:
    """The operator tells a tariff and puts it on the plug."""
    world.clock.move(1)
    now = world.clock.text()
    tariff = said.theirs(said.tariff("T", **{"elements": [energy(price)], "last_updated": now, **more}))
    await world.tell("tariffs", said.said("tariff", tariff, "2.2.1"))
    evse = said.evse(status="AVAILABLE", connectors=[said.connector(tariff_ids=["T"], last_updated=now)], last_updated=now)
    await world.tell("locations", said.said("location", said.theirs(said.location(evses=[evse], last_updated=now)), "2.2.1"))


def cdr(world: World, driver: Driver, drive: Drive | None, name: str = "C1", price: str | None = "0.30", kwh: int = 10, **more: Any) -> Any:
    """The operator's bill; at `price` with its tariff in it, or with a bare total."""
    now = world.clock.text()
    net = Decimal(price or "0.30") * kwh
    period = {"start_date_time": now, "dimensions": [{"type": "ENERGY", "volume": kwh}]}
    document = {
        **said.theirs(said.cdr(name)),
        "cdr_token": session(world, driver, drive)["cdr_token"] if drive else None,
        "start_date_time": now,
        "end_date_time": world.clock.text(3600),
        "currency": "EUR",
        "charging_periods": [period],
        "total_energy": kwh,
        "total_time": 1,
        "total_cost": {"before_taxes": net, "taxes": [{"name": "VAT", "amount": net * Decimal("0.21")}]},
        "last_updated": now,
    }
    for field in ("session_id", "total_energy_cost", "total_fixed_cost", "total_time_cost", "total_parking_time", "tariffs"):
        document.pop(field, None)
    if drive is not None:
        document["authorization_reference"] = drive.id
    if price is not None:
        period["tariff_id"] = "T"
        document["tariffs"] = [said.theirs(said.tariff("T", elements=[energy(price)], last_updated=now))]
    return {name: value for name, value in {**document, **more}.items() if value is not None}
