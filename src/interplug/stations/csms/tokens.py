"""Tokens of OCPI and idTokens of OCPP: how one is called in the other, and who may charge.

An RFID is its uid on both sides. Whatever else a Token is, or is too long for an idTag, gets a short name that is remembered. What a
provider granted at the reader also holds for the transaction that follows within minutes: nobody is asked twice for one charge.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from interplug.model.types import fold
from interplug.modules.authorise import Authorisation, Place, authorise, commanded
from interplug.modules.node import Node
from interplug.store.charging_stations import Outlet, StationRow
from interplug.store.keys import OWN
from interplug.store.tx import Tx

from .events import Admission, IdToken

Document = dict[str, Any]

HOLDS = 5 * 60 * 1_000_000
"""How long a granted authorisation waits for its transaction."""
READ_AS = {"": "RFID", "ISO14443": "RFID", "ISO15693": "RFID", "eMAID": "EMAID", "NoAuthorization": ""}
"""OCPI's type of a token by that of OCPP; what is not here is OTHER, none is nobody's."""
SAID_AS = {"RFID": "ISO14443", "EMAID": "eMAID"}
STATUS = {"ALLOWED": "Accepted", "BLOCKED": "Blocked", "EXPIRED": "Expired", "NO_CREDIT": "NoCredit"}


@dataclass(slots=True)
class Admissions:
    node: Node
    _granted: dict[tuple[str, str], tuple[int, Authorisation]] = field(default_factory=dict)

    async def ask(
        self, station: StationRow, token: IdToken, outlet: Outlet | None, *, offline: bool = False, reversed_uid: bool = False
    ) -> tuple[Admission, Authorisation | None]:
        """What the station hears, and what is to be billed where it hears Accepted. `offline`: the charge has begun already."""
        uid, kind = await self._known_as(token)
        if not kind or not uid:
            return Admission("Invalid"), None
        found = self._waiting(station, token) or await self._decide(station, uid, kind, outlet)
        if not found.granted and reversed_uid and (turned := _turned(uid)) is not None:
            again = await self._decide(station, turned, kind, outlet)
            found = again if again.granted else found
        if not found.granted and offline and found.token is not None:
            # The station let its driver charge while it could not ask, and the driver is somebody's.
            found = Authorisation("ALLOWED", "WHITELIST", found.token, found.connection)
        if not found.granted or _elsewhere(found, outlet):
            return Admission(_refusal(found, outlet)), None
        self._granted[station.id, fold(token.text)] = (self.node.clock() + HOLDS, found)
        group = (found.token or {}).get("group_id")
        lasting = (found.token or {}).get("whitelist") != "NEVER"
        return Admission("Accepted", IdToken(group, "Central") if group else None, lasting=lasting), found

    def used(self, station: StationRow, token: IdToken) -> None:
        """A transaction has begun with it; the next one is asked about again."""
        self._granted.pop((station.id, fold(token.text)), None)

    def _waiting(self, station: StationRow, token: IdToken) -> Authorisation | None:
        now = self.node.clock()
        self._granted = {key: granted for key, granted in self._granted.items() if granted[0] > now}
        until, found = self._granted.get((station.id, fold(token.text)), (0, None))
        return found if until > now else None

    async def _known_as(self, token: IdToken) -> tuple[str, str]:
        aliased = await self.node.store.read(lambda tx: tx.charging_stations.aliased(token.text), snapshot=False)
        return aliased or (token.text, READ_AS.get(token.type, "OTHER"))

    async def _decide(self, station: StationRow, uid: str, kind: str, outlet: Outlet | None) -> Authorisation:
        if outlet is None and (found := await self._commanded_somewhere(station, uid, kind)) is not None:
            return found
        patience = self.node.settings.stations.authorise_timeout
        found = await authorise(self.node, uid, kind, station.place, outlet.evse_uid if outlet else None, patience=patience)
        if not found.granted and found.token is None and (own := await self._own(uid, kind)) is not None:
            return own
        return found

    async def _commanded_somewhere(self, station: StationRow, uid: str, kind: str) -> Authorisation | None:
        """An Authorize says no place; the command whose driver it is named one of this station's."""

        async def work(tx: Tx) -> Authorisation | None:
            for stored in await tx.objects.find_id("locations", station.place, OWN):
                for evse_uid in dict.fromkeys(outlet.evse_uid for outlet in station.outlets):
                    found = await commanded(tx, self.node, uid, kind, Place(stored.key, evse_uid))
                    if found is not None:
                        return found
            return None

        return await self.node.store.read(work)

    async def _own(self, uid: str, kind: str) -> Authorisation | None:
        """A driver of our own, whom no partner pays for."""
        found = await self.node.store.read(lambda tx: tx.objects.find_id("tokens", uid, OWN), snapshot=False)
        stored = next((one for one in found if one.key.kind == kind), None)
        if stored is None:
            return None
        return Authorisation("ALLOWED" if stored.document["valid"] else "BLOCKED", "WHITELIST", stored.document, 0)

    async def said(self, token: Document, longest: int) -> IdToken:
        """What a Token is called at a station that takes names of this length."""
        uid, kind = token["uid"], token["type"]
        if kind == "RFID" and len(uid) <= longest:
            return IdToken(uid, SAID_AS["RFID"])
        name = uid if len(uid) <= longest else _short(uid, kind)
        await self.node.store.write(lambda tx: tx.charging_stations.alias(name, uid, kind))
        return IdToken(name, SAID_AS.get(kind, "Central"))


def _short(uid: str, kind: str) -> str:
    return "IP" + base64.b32encode(hashlib.sha256(f"{kind}/{fold(uid)}".encode()).digest())[:18].decode()


def _turned(uid: str) -> str | None:
    """The bytes of a uid the other way round, as some readers give them."""
    try:
        return bytes.fromhex(uid)[::-1].hex().upper()
    except ValueError:
        return None


def _elsewhere(found: Authorisation, outlet: Outlet | None) -> bool:
    """The provider allows it at certain EVSEs only."""
    uids = (found.location or {}).get("evse_uids") or ()
    return bool(uids) and outlet is not None and fold(outlet.evse_uid) not in {fold(uid) for uid in uids}


def _refusal(found: Authorisation, outlet: Outlet | None) -> str:
    if found.granted:
        return "NotAtThisLocation"
    return STATUS.get(found.allowed) or ("NotAtThisLocation" if found.token is not None else "Unknown")
