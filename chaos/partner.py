"""A second operator whom the bench plays: it tells the provider over OCPI, and keeps a record of what was acknowledged.

It is a client alone, registered as a handshake would leave it. What it says of one object follows one another; it goes on after a fault as
a partner would, with the newest state, and posts a CDR until it is taken.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from base64 import b64encode
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp

from bench.nodes import token_of
from interplug.model.types import decode_json, encode_json, format_time
from interplug.stations import city

from .city import PLAYED, Document, card
from .journal import Journal

PARTY = PLAYED.country_code, PLAYED.party_id
TOKEN = token_of(PLAYED.name)
TIMEOUT = aiohttp.ClientTimeout(total=4)
LARGEST = 1_000_000
STATES = ("AVAILABLE", "CHARGING", "BLOCKED", "OUTOFORDER")
CDR_PERIOD = Decimal("1.5")


class Played:
    """`url` is where the provider is told, `look` where its copies are read back without faults."""

    def __init__(self, url: str, look: str, journal: Journal, seed: str) -> None:
        self.url, self.look, self.journal = url, look, journal
        self.chance = random.Random(seed)
        self.messages = 0
        self.ending = False
        (self.location,) = city.locations(PLAYED, _now(), seed=1, count=1)
        self._numbers = itertools.count(1)

    async def run(self) -> None:
        """Until `ending`."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as self._client:
            await self._describe()
            loops = [*(self._status(evse["uid"]) for evse in self.location["evses"]), *(self._charge for _ in range(3))]
            await asyncio.gather(*(self._repeat(one) for one in loops))

    async def _repeat(self, once: Callable[[], Awaitable[None]]) -> None:
        while not self.ending:
            await once()
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))

    # --- what it tells

    async def _describe(self) -> None:
        """The Location as each round begins; it says what the EVSEs do, and so it stands in the record like any other word of them."""
        keys = [f"status/{evse['uid']}" for evse in self.location["evses"]]
        for key, evse in zip(keys, self.location["evses"], strict=True):
            self.journal.tried(key, evse["status"])
        if await self._again_and_again("PUT", self._place("locations", self.location["id"]), self.location):
            for key in keys:
                self.journal.acked(key)

    def _status(self, uid: str) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            value = self.chance.choice(STATES)
            patch = {"status": value, "last_updated": format_time(_now())}
            await self._tell(f"status/{uid}", value, "PATCH", self._place("locations", self.location["id"], uid), patch)

        return once

    async def _charge(self) -> None:
        name, began = str(uuid.UUID(int=self.chance.getrandbits(128), version=4)), _now()
        session = self._session(name, began)
        for kwh in ("0", "0.5", "1.0", "1.5"):
            session |= {"kwh": Decimal(kwh), "last_updated": format_time(_now())}
            if kwh == "1.5":
                session |= {"status": "COMPLETED", "end_date_time": format_time(_now())}
            await self._tell(f"session/{name}", kwh, "PUT", self._place("sessions", name), session)
            await asyncio.sleep(self.chance.uniform(0.05, 0.3))
        self.journal.tried(f"cdr/{name}", name)
        if await self._again_and_again("POST", "cdrs", self._cdr(session, began)):
            self.journal.acked(f"cdr/{name}")

    def _session(self, id: str, began: int) -> Document:
        evse = self.location["evses"][0]
        token = card(0, began)
        return {
            "country_code": PARTY[0],
            "party_id": PARTY[1],
            "id": id,
            "start_date_time": format_time(began),
            "kwh": Decimal(0),
            "cdr_token": {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")},
            "auth_method": "WHITELIST",
            "location_id": self.location["id"],
            "evse_uid": evse["uid"],
            "connector_id": "1",
            "currency": "EUR",
            "status": "ACTIVE",
            "last_updated": format_time(began),
        }

    def _cdr(self, session: Document, began: int) -> Document:
        evse = self.location["evses"][0]
        connector = evse["connectors"][0]
        place = {name: self.location[name] for name in ("id", "address", "city", "country", "coordinates")}
        plug = {f"connector_{name}": connector[name] for name in ("standard", "format", "power_type")}
        kept = {name: session[name] for name in ("country_code", "party_id", "id", "cdr_token", "auth_method", "currency")}
        return kept | {
            "session_id": session["id"],
            "start_date_time": format_time(began),
            "end_date_time": session["end_date_time"],
            "cdr_location": {**place, "evse_uid": evse["uid"], "evse_id": evse["evse_id"], "connector_id": "1", **plug},
            "charging_periods": [{"start_date_time": format_time(began), "dimensions": [{"type": "ENERGY", "volume": CDR_PERIOD}]}],
            "total_cost": {"before_taxes": Decimal("0.45"), "taxes": []},
            "total_energy": CDR_PERIOD,
            "total_time": Decimal("0.1"),
            "last_updated": session["end_date_time"],
        }

    # --- how

    def _place(self, module: str, *rest: str) -> str:
        return "/".join((module, *PARTY, *rest))

    async def _tell(self, key: str, value: Any, method: str, path: str, document: Document) -> None:
        self.journal.tried(key, value)
        if await self._ask(method, path, document):
            self.journal.acked(key)

    async def _again_and_again(self, method: str, path: str, document: Document) -> bool:
        while not await self._ask(method, path, document):
            if self.ending:
                return False
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        return True

    async def _ask(self, method: str, path: str, document: Document) -> bool:
        """Whether the provider said that it has taken it."""
        self.messages += 1
        try:
            async with self._client.request(method, f"{self.url}/{path}", data=encode_json(document), headers=headers()) as answer:
                return 200 <= answer.status < 300 and decode_json(await _body(answer))["status_code"] == 1000
        except (aiohttp.ClientError, TimeoutError, ValueError, TypeError, KeyError):
            return False

    # --- what has become of it

    async def losses(self) -> tuple[list[str], int]:
        """What the provider holds otherwise than it has acknowledged, and how many objects were compared."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as client:

            async def read(path: str) -> Any:
                async with client.get(f"{self.look}/{path}", headers=headers()) as answer:
                    return decode_json(await answer.read()).get("data") if answer.status == 200 else None

            evses = {uid: await read(self._place("locations", self.location["id"], uid)) for uid in self._named("status/")}
            sessions = {name: await read(self._place("sessions", name)) for name in self._named("session/")}
            cdrs = {name: await read(self._place("cdrs", name)) for name in self._named("cdr/")}
        found = self.journal.lost("status/", lambda uid: (evses[uid] or {}).get("status"))
        found += self.journal.lost("session/", lambda name: _kwh(sessions[name]))
        found += self.journal.lost("cdr/", lambda name: (cdrs[name] or {}).get("session_id"))
        return [f"told to the provider: {one}" for one in found], len(evses) + len(sessions) + len(cdrs)

    def _named(self, prefix: str) -> list[str]:
        return [key.removeprefix(prefix) for key in self.journal.keys(prefix)]


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """As much as an answer may have; one without an end is none."""
    body = b""
    while (part := await answer.content.readany()) and len(body) < LARGEST:
        body += part
    return body


def _kwh(session: Document | None) -> str | None:
    return None if session is None else "0" if not session["kwh"] else f"{session['kwh']:.1f}"


def headers() -> dict[str, str]:
    spelled = b64encode(TOKEN.encode()).decode()
    return {
        "Authorization": f"Token {spelled}",
        "Content-Type": "application/json",
        "X-Request-ID": str(uuid.uuid4()),
        "X-Correlation-ID": str(uuid.uuid4()),
    }


def _now() -> int:
    return time.time_ns() // 1000
