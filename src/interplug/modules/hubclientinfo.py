"""HubClientInfo, as its receiver: which parties a hub reaches, and whether they are there (chapter 14; not in 2.1.1).

What a hub says here widens what its connection may write (`Directory.may_write`), so only a hub may say it. A party is known
by country, id and role, for it can have several; the URL names no role, so GET shows the one that changed last. It
is a configuration module: its messages carry no routing headers (4.1.9.2).
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import parse_time
from interplug.model.validate import validate
from interplug.partners.connection import CONNECTED
from interplug.protocol.envelope import Answer
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import not_found
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from . import lens, replica
from .node import Call

CLIENT = "{country_code}/{party_id}"
SPOKEN = tuple(number for number, version in VERSIONS.items() if "hubclientinfo" in version.modules)


def _from_hub(call: Call) -> tuple[str, str]:
    if call.connection.hub is None:
        raise not_found("only a hub has clients, and this connection is not registered as one")
    return call.params["country_code"], call.params["party_id"]


async def get(call: Call) -> Answer:
    country, party = _from_hub(call)

    async def work(tx: Tx) -> dict[str, Any] | None:
        known = await tx.partners.client(call.connection.id, country, party)
        if known is None:
            return None
        return await lens.show(tx, call.connection, call.version.number, "client_info", known, call.now, call.node.settings)

    view = await call.node.store.read(work)
    if view is None:
        raise not_found(f"{country[:2]}-{party[:3]} is no known client of this hub")
    return Answer(view)


async def put(call: Call) -> Answer:
    country, party = _from_hub(call)
    document = await lens.read(call, "client_info", lens.body(call))
    replica.same_ids(document, {"country_code": country, "party_id": party})
    validate("client_info", document)
    moment = parse_time(document["last_updated"])

    async def work(tx: Tx) -> bool:
        clients = (await tx.partners.clients()).get(call.connection.id, [])
        known = next((client for client in clients if _who(client) == _who(document)), None)
        if known is None or parse_time(known["last_updated"]) <= moment:
            await tx.partners.put_client(call.connection.id, document, moment)
            if document["status"] == CONNECTED:
                await tx.cursors.hasten(call.connection.id)
        return known is None

    return Answer(http=201 if await call.node.directory.write(work) else 200)


def _who(client: dict[str, Any]) -> tuple[str, str, str]:
    return client["role"], client["country_code"].upper(), client["party_id"].upper()


HUBCLIENTINFO = Module(
    id="hubclientinfo",
    kind="client_info",
    sender=("HUB",),
    receiver=("CPO", "EMSP"),
    key=("country_code", "party_id"),
    routes=(
        Route("RECEIVER", "GET", CLIENT, get, SPOKEN),
        Route("RECEIVER", "PUT", CLIENT, put, SPOKEN),
    ),
    configuration=True,
)
