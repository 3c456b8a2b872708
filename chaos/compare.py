"""Two nodes, object by object, over HTTP: what the owner's list says beside what the partner holds and tells the owner when asked.

Each side asks as it would in life, with its own token and in the version of the connection, but past the proxies: a look is no part of
what is looked at. And the owner's list is held against the owner's own record of what was safe.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from interplug.config import Settings
from interplug.modules.node import Node
from interplug.modules.opening import opened
from interplug.partners.directory import Connection
from interplug.partners.lists import pages
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Handler, Request, Response
from interplug.store.tx import Tx

from .city import OPERATOR, PROVIDER
from .journal import Journal

EVER = {"date_from": "2000-01-01T00:00:00Z", "limit": "500"}
AT_ONCE = 8
OF_OPERATOR = ("locations", "tariffs", "sessions", "cdrs")
NAMES = {"cpo": OPERATOR.name, "emsp": PROVIDER[2]}
PARTIES = {"cpo": (OPERATOR.country_code, OPERATOR.party_id), "emsp": PROVIDER[:2]}
Document = dict[str, Any]


@dataclass
class Findings:
    """What is wrong, by kind, and how much was compared."""

    different: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    """Rows that should be gone when everybody is level: objects refused, modules to bring level."""
    compared: int = 0

    @property
    def level(self) -> bool:
        return not (self.different or self.lost or self.doubled or self.left_over)


@dataclass
class Side:
    node: Node
    connection: Connection


@contextlib.asynccontextmanager
async def eyes(settings: Mapping[str, Settings], direct: Mapping[str, str]) -> AsyncIterator[Eyes]:
    """`direct`: the URL of each proxy → that of the node behind it."""
    async with contextlib.AsyncExitStack() as stack:
        sides = {}
        for name, one in settings.items():
            node = await stack.enter_async_context(opened(one))
            node.client.log = None
            out = HttpTransport(one.network)
            stack.push_async_callback(out.close)
            node.client.transport = _past(out, direct)
            partner = NAMES["emsp" if name == "cpo" else "cpo"]
            sides[name] = Side(node, next(one for one in node.directory.all(registered=True) if one.partner == partner))
        yield Eyes(sides)


def _past(transport: Handler, direct: Mapping[str, str]) -> Handler:
    async def ask(request: Request) -> Response:
        url = next((node + request.url.removeprefix(proxy) for proxy, node in direct.items() if request.url.startswith(proxy)), request.url)
        return await transport(Request(request.method, url, request.headers, request.body))

    return ask


class Eyes:
    def __init__(self, sides: dict[str, Side]) -> None:
        self._sides = sides

    async def look(self, journal: Journal) -> Findings:
        """`journal` is that of the owners; PageFailed when a list cannot be had."""
        findings = Findings()
        lists = {}
        for owner, reader, modules in (("cpo", "emsp", OF_OPERATOR), ("emsp", "cpo", ("tokens",))):
            for module in modules:
                offered = lists[module] = await self._offered(reader, module, findings)
                await self._compare(owner, module, offered, findings)
        _held_against(journal, lists, findings)
        for name, side in self._sides.items():
            findings.left_over += await side.node.store.read(lambda tx, name=name: _left_over(tx, name))  # type: ignore[misc]
        return findings

    async def _offered(self, reader: str, module: str, findings: Findings) -> list[Document]:
        """What the owner's list says, all pages."""
        side = self._sides[reader]
        items: list[Document] = []
        total = None
        async for page in pages(side.node.client, side.connection, module, EVER):
            items += page.items
            total = page.total
        if total != len(items):
            findings.different.append(f"{module}: the list of {len(items)} says that it has {total}")
        return items

    async def _compare(self, owner: str, module: str, offered: list[Document], findings: Findings) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(document: Document) -> None:
            async with gate:
                held = await self._held(owner, module, document)
            if _comparable(held) != _comparable(document):
                findings.different.append(f"{module}/{_name(document)}: {_difference(document, held)}")

        await asyncio.gather(*(one(document) for document in offered))
        findings.compared += len(offered)
        await self._extra(owner, module, offered, findings)

    async def _held(self, owner: str, module: str, document: Document) -> Any:
        side = self._sides[owner]
        query = {"type": document["type"]} if module == "tokens" and side.connection.speaks.token_type_param else None
        reply = await side.node.client.call(side.connection, "GET", module, "RECEIVER", *PARTIES[owner], _name(document), query=query)
        return reply.data if reply.ok else reply.why()

    async def _extra(self, owner: str, module: str, offered: list[Document], findings: Findings) -> None:
        """What the reader has beyond the list; of CDRs that would be money asked for twice."""
        reader = self._sides["emsp" if owner == "cpo" else "cpo"]
        keys = await reader.node.store.read(lambda tx: tx.objects.keys(0, 1_000_000, source=reader.connection.id, module=module))
        names = {_name(document) for document in offered}
        extra = [key.id for _, key in keys if key.id not in names]
        (findings.doubled if module == "cdrs" else findings.different).extend(f"{module}/{one}: nobody offers it" for one in extra)


async def _left_over(tx: Tx, name: str) -> list[str]:
    refused = [f"{name}: {one.module} {one.pk} is refused: {one.reason}" for one in await tx.cursors.refused()]
    return refused + [f"{name}: {one.module} is still to be brought level" for one in await tx.cursors.resyncs()]


def _name(document: Document) -> str:
    return str(document["id"] if "id" in document else document["uid"])


def _comparable(document: Any) -> Any:
    """A Session or CDR of 2.1.1 holds a whole Location, which each side shows as it is when it is asked: of that, which one it is."""
    if isinstance(document, dict) and isinstance(document.get("location"), dict) and "auth_id" in document:
        return {**document, "location": document["location"].get("id")}
    return document


def _difference(offered: Document, held: Any) -> str:
    if not isinstance(held, dict):
        return f"not there ({held})"
    names = [name for name in {*offered, *held} if offered.get(name) != held.get(name)]
    return ", ".join(f"{name} is {str(held.get(name))[-120:]}, should be {str(offered.get(name))[-120:]}" for name in sorted(names))


def _held_against(journal: Journal, lists: Mapping[str, list[Document]], findings: Findings) -> None:
    """The owners' lists beside their own record of what was safe."""
    statuses = {f"{location['id']}/{evse['uid']}": evse["status"] for location in lists["locations"] for evse in location["evses"]}
    names = {location["id"]: location["name"] for location in lists["locations"]}
    texts = {tariff["id"]: tariff["tariff_alt_text"][0]["text"] for tariff in lists["tariffs"]}
    sessions = {session["id"]: _decimal(session["kwh"]) for session in lists["sessions"]}
    cdrs = Counter(str(cdr.get("session_id", cdr["id"])) for cdr in lists["cdrs"])
    tokens = {token["uid"]: token.get("visual_number") for token in lists["tokens"]}
    for prefix, found in (("status/", statuses), ("name/", names), ("tariff/", texts), ("token/", tokens)):
        findings.lost += journal.lost(prefix, found.get)
    findings.lost += _too_little(journal, sessions)
    findings.lost += [key for key in journal.keys("cdr/") if key.removeprefix("cdr/") not in cdrs]
    findings.doubled += [f"cdrs of Session {session}: {count}" for session, count in cdrs.items() if count > 1]
    findings.compared += sum(1 for _ in journal.keys(""))


def _too_little(journal: Journal, sessions: Mapping[str, Decimal]) -> list[str]:
    """A meter only counts up: less than was acknowledged is lost."""
    found = []
    for key in journal.keys("session/"):
        session, least = key.removeprefix("session/"), Decimal(journal.allowed(key)[0])
        if session not in sessions or sessions[session] < least:
            found.append(f"{key}: {sessions.get(session)} kWh, acknowledged were {least}")
    return found


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
