"""A plug at a partner's Location: whether a driver may start there, and what its price is made of.

What could not succeed is refused here, in plain words: a plug that does not exist, an EVSE that is not AVAILABLE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interplug.model.said import said
from interplug.model.types import fold
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from .offers import Offer, chosen, known
from .publish import may_see
from .situations import at_plug

Document = dict[str, Any]


class NotPossible(ValueError):
    """Why a drive cannot be started or stopped, in words for the driver."""


@dataclass(slots=True, frozen=True)
class Plug:
    """What a driver chose: a Connector of an EVSE at a partner's Location."""

    location: Stored
    evse: Document
    connector: Document

    @property
    def connection(self) -> int:
        return self.location.key.source

    def columns(self) -> Document:
        """Where it is, as a drive or a reservation names it (`store/at_plug.py`)."""
        key = self.location.key
        place = {"connection": key.source, "country": key.country, "party": key.party, "place": key.id}
        return {**place, "evse": self.evse["uid"], "connector": self.connector["id"]}


async def find_plug(
    node: Node, source: int, country: str, party: str, place: str, evse_uid: str, connector_id: str, *, token: Document | None = None
) -> Plug:
    """The Connector that these ids name, as it is known now; `NotPossible` where the driver with this Token may not see or use it."""
    key = Key("locations", source, country, party, place)
    location = await node.store.read(lambda tx: tx.objects.get(key))
    if location is None or source == OWN or not may_see(location.document, token):
        raise NotPossible(said("This station is not known here."))
    evse = next((one for one in location.document.get("evses") or () if fold(one["uid"]) == fold(evse_uid)), None)
    connector = next((one for one in (evse or {}).get("connectors") or () if fold(one["id"]) == fold(connector_id)), None)
    if evse is None or connector is None:
        raise NotPossible(said("This station has no such plug."))
    return Plug(location, evse, connector)


def startable(node: Node, plug: Plug, *, reserved: bool = False) -> Connection:
    """The connection over which this plug is started; `NotPossible` says why it cannot be. `reserved`: for the driver who asks."""
    status = plug.evse["status"]
    if status != "AVAILABLE" and not (reserved and status == "RESERVED"):
        raise NotPossible(_WHY_NOT.get(status, said("This station cannot be used now.")))
    capabilities = plug.evse.get("capabilities")
    if capabilities and "REMOTE_START_STOP_CAPABLE" not in capabilities:
        raise NotPossible(said("This station cannot be started from here; use a card at the station."))
    connection = node.directory.by_id(plug.connection)
    if connection is None or not connection.registered:
        raise NotPossible(said("There is no connection to this operator any more."))
    _behind(connection, plug)
    return connection


def _behind(connection: Connection, plug: Plug) -> None:
    """A hub may have lost one of its operators, for a while or for good, whose stations we still know."""
    operator = Party(plug.location.key.country, plug.location.key.party)
    if connection.hub is not None and operator.key not in connection.writable:
        raise NotPossible(said("There is no connection to this operator any more."))
    if connection.absent(operator, "CPO"):
        raise NotPossible(_WHY_NOT["UNKNOWN"])


_WHY_NOT = {
    "BLOCKED": said("Something blocks this station."),
    "CHARGING": said("Somebody is charging here."),
    "INOPERATIVE": said("This station is out of service."),
    "OUTOFORDER": said("This station is out of order."),
    "PLANNED": said("This station is not there yet."),
    "REMOVED": said("This station is not there any more."),
    "RESERVED": said("This station is reserved."),
    "UNKNOWN": said("Nobody knows whether this station works; its operator has no contact with it."),
}


async def priced(tx: Tx, node: Node, plug: Plug, token: Document | None) -> tuple[list[Document], Offer | None]:
    """What the price of this plug is made of now, for the driver with this Token: the operator's Tariffs and our offer."""
    now = node.clock()
    tariffs = await tariffs_of(tx, plug.location.key, plug.connector.get("tariff_ids") or ())
    here = at_plug(node, plug.location, plug.connector, tariffs, token, now)
    return tariffs, chosen(map(known, await tx.offers.all()), here)


async def tariffs_of(tx: Tx, place: Key, names: Iterable[str]) -> list[Document]:
    """The Tariffs that a Connector of this Location names, as far as its CPO has told them."""
    keys = [Key("tariffs", place.source, place.country, place.party, name) for name in names]
    return [stored.document for key in keys if (stored := await tx.objects.get(key)) is not None]
