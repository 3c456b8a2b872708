"""Two nodes that live: a CPO with simulated stations that speak OCPP with it, and an eMSP with its driver's pages.

Each has its own database and port. They run in one process and one loop, but know of each other only through their sockets, and are
joined by a real handshake.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from interplug import app
from interplug.config import AlertSettings, Network, Payments, Server, Settings, Stations, StoreSettings, Surfaces
from interplug.modules.node import Node
from interplug.modules.opening import opened
from interplug.partners.invitations import invite
from interplug.partners.presentation import root
from interplug.partners.registration import Wish, register
from interplug.stations import city
from interplug.stations.csms.service import Csms
from interplug.stations.simulator.crowd import Crowd
from interplug.store.keys import OWN, Key
from interplug.store.tx import Tx
from interplug.web.door import Door
from interplug.web.driver.pages import Pages
from interplug.web.server import bound
from interplug.web.wire import Wire
from tests.stations.crowded import crowded, stand

AD_HOC = "AD-HOC"
NO_PAYMENTS = Payments()
OPERATOR = city.Operator("NL", "TNM", "Voltstroom", "Utrecht", Decimal("52.09"), Decimal("5.12"))


@dataclass
class Living:
    cpo: Node
    emsp: Node
    pages: Pages
    crowd: Crowd

    @property
    def url(self) -> str:
        return root(self.emsp.settings)


def _settings(folder: Path, name: str, surfaces: Surfaces, stations: Stations, payments: Payments = NO_PAYMENTS) -> Settings:
    return Settings(
        server=Server(port=0),
        store=StoreSettings(url=f"sqlite:///{folder / name}.db"),
        network=Network(allow_private=True, allow_http=True),
        surfaces=surfaces,
        stations=stations,
        payments=payments,
    )


async def _ready() -> dict[str, str]:
    return {}


@asynccontextmanager
async def _living(settings: Settings) -> AsyncIterator[tuple[Node, Pages | None, Csms | None]]:
    """As `app.serve` does it, without the signals, which a test has for itself."""
    listener, settings = bound(settings)
    async with opened(settings) as node:
        shown, csms = app.shown_of(node), app.csms_of(node)
        loops, _ = app.loops_of(node, shown, csms)
        door = Door(node, _ready, shown.pages)
        door.console, door.terminals = shown.console, shown.terminals
        server = uvicorn.Server(uvicorn.Config(door, http=partial(Wire, door), lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server._serve([listener]))
        loops.start()
        try:
            async with AsyncExitStack() as stack:
                if csms is not None:
                    await stack.enter_async_context(csms.open())
                yield node, shown.pages, csms
        finally:
            for one in shown.surfaces().values():
                one.end()
            server.should_exit = True
            await serving
            await loops.stop()
            if shown.desk is not None:
                await shown.desk.till.provider.close()
            listener.close()


@asynccontextmanager
async def two_nodes(folder: Path, version: str, payments: Payments = NO_PAYMENTS, **sections: Any) -> AsyncIterator[Living]:
    """`sections`: of the eMSP's settings, instead of what stands here."""
    async with AsyncExitStack() as open_nodes:
        awaited = Stations(enabled=True, port=0, session_every=1.0)
        cpo, _, csms = await open_nodes.enter_async_context(_living(_settings(folder, "cpo", Surfaces(), awaited)))
        provider = msgspec.structs.replace(_settings(folder, "emsp", Surfaces(driver=True), Stations(), payments), **sections)
        emsp, pages, _ = await open_nodes.enter_async_context(_living(provider))
        assert pages is not None and csms is not None
        places = city.locations(OPERATOR, cpo.clock(), seed=1, count=3)
        await cpo.directory.write(lambda tx: _found_cpo(tx, cpo.clock(), places))
        plans = await stand(cpo, places, "2.0.1", MeterValueSampleInterval="2")
        crowd = await open_nodes.enter_async_context(crowded(csms, plans, arrives=2.0, leaves=2.0))
        await emsp.directory.write(lambda tx: tx.parties.add("EMSP", "DE", "ABC", {"name": "Fahrstrom"}))
        invitation = await invite(cpo.directory, "Fahrstrom", version=version)
        await register(emsp.directory, emsp.client, invitation.versions_url, invitation.token, Wish(name="Voltstroom", version=version))
        yield Living(cpo, emsp, pages, crowd)


@asynccontextmanager
async def two_sides_of_a_terminal(folder: Path) -> AsyncIterator[tuple[Node, Node]]:
    """An operator with stations, and a provider of payment terminals."""
    async with AsyncExitStack() as open_nodes:
        awaited = Stations(enabled=True, port=0, session_every=1.0)
        cpo, _, csms = await open_nodes.enter_async_context(_living(_settings(folder, "cpo", Surfaces(), awaited)))
        ptp, _, _ = await open_nodes.enter_async_context(
            _living(_settings(folder, "ptp", Surfaces(terminals=True), Stations(), Payments(provider="test")))
        )
        assert csms is not None
        places = [_with_ad_hoc_price(place) for place in city.locations(OPERATOR, cpo.clock(), seed=1, count=1)]
        await cpo.directory.write(lambda tx: _found_cpo(tx, cpo.clock(), places))
        fee = {"price_components": [{"type": "FLAT", "price": 1, "vat": 21, "step_size": 1}]}
        like, kind = city.tariffs(OPERATOR, cpo.clock())[0], {"type": "AD_HOC_PAYMENT", "preauthorize_amount": 40}
        ad_hoc = {**like, **kind, "id": AD_HOC, "elements": [fee, *like["elements"]]}
        await cpo.store.write(lambda tx: tx.objects.save(_key("tariffs", AD_HOC), ad_hoc, last_updated=cpo.clock()))
        plans = await stand(cpo, places, "2.0.1", MeterValueSampleInterval="2")
        await open_nodes.enter_async_context(crowded(csms, plans, arrives=2.0, leaves=2.0))
        await ptp.directory.write(lambda tx: tx.parties.add("PTP", "AT", "PAY", {"name": "Zahlfix"}))
        invitation = await invite(cpo.directory, "Zahlfix", version="2.3.0")
        await register(ptp.directory, ptp.client, invitation.versions_url, invitation.token, Wish(name="Voltstroom", version="2.3.0"))
        await cpo.directory.refresh()
        yield cpo, ptp


@asynccontextmanager
async def operator(folder: Path) -> AsyncIterator[tuple[Node, Crowd, str]]:
    """An operator with the operators' page, and a station of 1.6 and its name."""
    stations, alerts = Stations(enabled=True, port=0), AlertSettings(settle=0)
    settings = msgspec.structs.replace(_settings(folder, "cpo", Surfaces(console=True), stations), alerts=alerts)
    async with _living(settings) as (node, _, csms):
        assert csms is not None
        places = city.locations(OPERATOR, node.clock(), seed=1, count=1)
        await node.directory.write(lambda tx: _found_cpo(tx, node.clock(), places))
        [plan] = await stand(node, places, "1.6")
        async with crowded(csms, [plan]) as crowd:
            yield node, crowd, plan.id


def _with_ad_hoc_price(place: dict[str, Any]) -> dict[str, Any]:
    """Every plug has a Tariff for who pays at a terminal besides."""
    evses = [
        {**evse, "connectors": [{**plug, "tariff_ids": [*plug["tariff_ids"], AD_HOC]} for plug in evse["connectors"]]}
        for evse in place["evses"]
    ]
    return {**place, "evses": evses}


async def _found_cpo(tx: Tx, now: int, places: list[dict[str, Any]]) -> None:
    await tx.parties.add("CPO", OPERATOR.country_code, OPERATOR.party_id, {"name": OPERATOR.name})
    for tariff in city.tariffs(OPERATOR, now):
        await tx.objects.save(_key("tariffs", tariff["id"]), tariff, last_updated=now)
    for location in places:
        await tx.objects.save(_key("locations", location["id"]), location, last_updated=now)


def _key(module: str, name: str) -> Key:
    return Key(module, OWN, OPERATOR.country_code, OPERATOR.party_id, name)
