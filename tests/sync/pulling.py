"""A node of ours that reads the lists of a partner that a test plays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.keys import Key, Stored
from interplug.sync.pull import Pulled, pull
from tests.modules import said
from tests.nodes import CPO, EMSP, Clock, Partner, Wire, befriend, make_node

THEIRS = (("CPO", "BE", "XYZ"), ("EMSP", "BE", "XYZ"))
MODULES = {"locations": "location", "tariffs": "tariff", "tokens": "token", "sessions": "session", "cdrs": "cdr"}


class Lists:
    """A partner's lists, two objects a page, that notes what was asked."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.lists: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.down = False
        self.fail_at_offset: int | None = None
        self.failure = Response(500, b"busy")
        self.total: int | None = None
        """What it says that it has; None: what is so."""
        self.links: dict[int, int] = {}
        """By offset, to which offset the next link leads, where not to the next page."""
        self.silent_at: int | None = None
        """At this offset it never answers."""

    def offer(self, module: str, *documents: Any) -> None:
        kind = MODULES[module]
        self.lists[module] = [
            said.said(kind, one, self.version) if isinstance(one, dict) and "last_updated" in one else one for one in documents
        ]

    async def __call__(self, request: Request) -> Response:
        if self.down:
            raise Unreachable("refused")
        parts = urlsplit(request.url)
        module, query = parts.path.rsplit("/", 1)[-1], dict(parse_qsl(parts.query))
        if request.method != "GET":
            return Response(200, encode_json({"status_code": 1000, "timestamp": said.T}))
        self.asked.append((module, query))
        offset = int(query.get("offset", 0))
        if offset == self.fail_at_offset:
            return self.failure
        if offset == self.silent_at:
            await asyncio.Event().wait()
        known = self.lists.get(module, [])
        body = {"status_code": 1000, "timestamp": said.T, "data": known[offset : offset + 2], "extra": {"nested": 1}}
        headers = {"x-total-count": str(len(known) if self.total is None else self.total), "x-limit": "2"}
        if offset + 2 < len(known) or offset in self.links:
            query = f"offset={self.links.get(offset, offset + 2)}"
            headers["link"] = f'<https://partner.example{parts.path}?{query}>; rel="next"'
        return Response(200, encode_json(body), headers)


class World:
    def __init__(self, node: Node, clock: Clock, lists: Lists, partner: Partner) -> None:
        self.node, self.clock, self.lists, self.partner = node, clock, lists, partner

    def offsets(self) -> list[int]:
        """Of the pages that were asked for since the last look."""
        asked, self.lists.asked = self.lists.asked, []
        return [int(query.get("offset", 0)) for _, query in asked]

    async def pull(self, module: str, *, full: bool = False) -> Pulled:
        self.clock.move(1)
        (report,) = await pull(self.node, self.partner.connection, (module,), full=full)
        return report

    async def lacking(self, module: str) -> Pulled:
        """The whole list twice, with the time of grace in between."""
        await self.pull(module, full=True)
        self.clock.move(3600)
        return await self.pull(module, full=True)

    async def held(self, module: str, name: str, *, party: tuple[str, str] = ("BE", "XYZ"), kind: str = "") -> Stored | None:
        key = Key(module, self.partner.connection.id, *party, name, kind)
        return await self.node.store.read(lambda tx: tx.objects.get(key))


async def world_of(folder: Path, version: str, **more: Any) -> World:
    clock, wire, lists = Clock(), Wire(), Lists(version)
    node = await make_node(folder, parties=(CPO, EMSP), clock=clock, wire=wire)
    wire.places["https://partner.example"] = lists
    more = {"parties": THEIRS, **more}
    return World(node, clock, lists, await befriend(node, version, **more))


def theirs(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [said.theirs(said.location(name, **more)) for name in names]
