"""What a driver asks for at a plug of a partner, as a row: what a drive and a reservation have in common."""

from __future__ import annotations

import msgspec

COLUMNS = "id, driver, connection, country, party, place, evse, connector, state, reason, command, created_at, deadline, shown, offer"


class AtPlug(msgspec.Struct, kw_only=True):
    """`reason` is plain words for the driver; `command` that which was asked of the operator first; `deadline` when an answer is late;
    `shown` and `offer` are what the price was made of that the driver saw."""

    id: str
    driver: str
    connection: int
    country: str
    party: str
    place: str
    evse: str
    connector: str
    state: str
    reason: str = ""
    command: str = ""
    created_at: int
    deadline: int
    shown: bytes = b"[]"
    offer: bytes = b"null"
