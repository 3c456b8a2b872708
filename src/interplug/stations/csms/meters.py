"""The keys of meters that sign, where a station tells them apart from what they sign: in 1.6 they stand in its configuration, one for each
connector (the Open Charge Alliance's note on signed meter values). They are kept with what a station says of itself.
"""

from __future__ import annotations

import logging

from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import Gone, Link, Refused, Silent
from interplug.store.charging_stations import StationRow

from .events import Told
from .speech import Speech, Want

log = logging.getLogger(__name__)
SETTING = "MeterPublicKey"
LONGEST = 1024
PATIENCE = 5.0
"""Seconds that a message waits for a key at the longest."""


def name(evse: int) -> str:
    """Of the key among what the station says of itself."""
    return f"{SETTING}{evse}"


def lacking(station: StationRow, told: Told) -> bool:
    """Something is signed, the key did not come with it, and is not known."""
    bare = told.signed and not any(one.public_key for one in told.signed)
    known = (name(outlet.evse) in station.about for outlet in station.outlets if told.evse in (0, outlet.evse))
    return bool(bare) and not all(known)


async def ask(station: StationRow, link: Link, speech: Speech) -> dict[str, str] | None:
    """The keys that the station tells. None: it did not answer."""
    want = speech.wants.get("meter_key")
    found = {}
    try:
        for evse in dict.fromkeys(outlet.evse for outlet in station.outlets) if want is not None else ():
            asked = want(Want(evse=evse))  # type: ignore[misc]
            answer = await link.call(asked.action, asked.payload, timeout=PATIENCE)
            if key := _told(answer):
                found[name(evse)] = key
    except (Refused, Silent, Gone) as error:
        log.info("station %s does not tell the keys of its meters: %s", station.id, error)
        return found if isinstance(error, Refused) else None
    return found


def _told(answer: Payload) -> str:
    listed = answer.get("configurationKey")
    found = [str(one.get("value") or "") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return next((value for value in found if 0 < len(value) <= LONGEST), "")
