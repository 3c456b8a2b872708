"""Who charges where, as far as offers ask: read off a plug before the start, or off a CDR that came without a drive of ours."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interplug.model.power import watts_of
from interplug.model.types import fold, parse_time
from interplug.modules.node import Node
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from .deals import valid
from .offers import Situation, country

Document = dict[str, Any]


def at_plug(node: Node, location: Stored, connector: Document, tariffs: Iterable[Document], token: Document | None, now: int) -> Situation:
    """`tariffs`: those that the operator names for this Connector; `token`: of the driver, where there is one already."""
    operators = valid(tariffs, now)
    return Situation(
        operator=str(Party(location.key.country, location.key.party)),
        partner=_partner(node, location.key.source),
        country=country(location.document.get("country")),
        kw=Decimal(watts_of(connector)) / 1000,
        power_type=connector["power_type"],
        contract=(token or {}).get("contract_id"),
        group=(token or {}).get("group_id"),
        currency=None if operators is None else operators["currency"],
        at=now,
    )


async def of_cdr(tx: Tx, node: Node, stored: Stored) -> Situation:
    """As it was when the session started."""
    return await _of(tx, node, stored, stored.document["cdr_location"])


async def of_session(tx: Tx, node: Node, stored: Stored) -> Situation:
    """As it was when the session started."""
    session, key = stored.document, stored.key
    place = {"id": session["location_id"], "evse_uid": session["evse_uid"], "connector_id": session["connector_id"]}
    location = await tx.objects.get(Key("locations", key.source, key.country, key.party, place["id"]), whole=False)
    return await _of(tx, node, stored, {**place, "country": None if location is None else location.document.get("country")})


async def _of(tx: Tx, node: Node, stored: Stored, place: Document) -> Situation:
    document, key = stored.document, stored.key
    token = document["cdr_token"]
    evse = await tx.objects.get_evse(Key("locations", key.source, key.country, key.party, place["id"]), place["evse_uid"])
    connectors = evse.document["connectors"] if evse is not None else ()
    plug = next((one for one in connectors if fold(one["id"]) == fold(place["connector_id"])), None)
    own = await tx.objects.get(Key("tokens", OWN, token["country_code"], token["party_id"], token["uid"], token["type"]))
    return Situation(
        operator=str(Party(key.country, key.party)),
        partner=_partner(node, key.source),
        country=country(place.get("country")),
        kw=None if plug is None else Decimal(watts_of(plug)) / 1000,
        power_type=place.get("connector_power_type") or (plug or {}).get("power_type"),
        contract=token["contract_id"],
        group=None if own is None else own.document.get("group_id"),
        currency=document["currency"],
        at=parse_time(document["start_date_time"]),
    )


def _partner(node: Node, source: int) -> str:
    connection = node.directory.by_id(source)
    return "" if connection is None else connection.partner
