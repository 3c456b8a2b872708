"""Two nodes and the wire between them, with short ways to say what happens in a registration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interplug.config import Network
from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.modules.server import serve
from interplug.partners import registration
from interplug.partners.directory import Connection
from interplug.partners.invitations import Invitation, invite
from interplug.partners.registration import Wish
from interplug.protocol.headers import authorization
from interplug.protocol.http import Handler, Request, Response
from tests.nodes import Answer, Clock, Wire, close, make_node

Step = Callable[[Request], Awaitable[Response | None]]


async def open_node(
    folder: Path, name: str, parties: Iterable[tuple[str, str, str]], clock: Clock, wire: Wire, network: Network | None = None
) -> Node:
    return await make_node(folder, parties, name=name, clock=clock, wire=wire, network=network or Network())


@dataclass
class Pair:
    cpo: Node
    emsp: Node
    clock: Clock
    wire: Wire
    folder: Path

    async def close(self) -> None:
        await close(self.cpo)
        await close(self.emsp)

    async def invited(self, version: str | None = None, **more: Any) -> Invitation:
        """The CPO invites the eMSP."""
        return await invite(self.cpo.directory, "emsp", version=version, **more)

    async def register(self, version: str | None = None, invitation: Invitation | None = None) -> Connection:
        """The eMSP registers with the CPO; its side of the connection."""
        invitation = invitation or await self.invited()
        wish = Wish(name="cpo", version=version)
        return await registration.register(self.emsp.directory, self.emsp.client, invitation.versions_url, invitation.token, wish)

    def at_cpo(self) -> Connection:
        """The CPO's side of the one connection."""
        (connection,) = (one for one in self.cpo.directory.all() if one.partner == "emsp")
        return connection

    def at_emsp(self) -> Connection:
        (connection,) = self.emsp.directory.all()
        return connection

    async def works(self, *, both: bool = True) -> bool:
        """Each side can read something of the other's with the tokens that it holds."""
        await self.cpo.directory.refresh()
        await self.emsp.directory.refresh()
        there = await self.emsp.client.call(self.at_emsp(), "GET", "locations", "SENDER")
        back = await self.cpo.client.call(self.at_cpo(), "GET", "tokens", "SENDER")
        return there.ok and (back.ok or not both)

    def between(self, name: str, step: Step) -> None:
        """Puts `step` before the door of a node: what it answers is the answer, None lets the request through."""
        place = f"https://{name}.example"
        door = self.wire.places[place]

        async def guarded(request: Request) -> Response:
            return await step(request) or await door(request)

        self.wire.places[place] = guarded

    def restore(self, name: str, door: Handler) -> None:
        self.wire.places[f"https://{name}.example"] = door


async def ask(node: Node, token: str | None, method: str, url: str, document: Any = None, *, base64: bool = True, **headers: str) -> Answer:
    """A request of somebody with that token; `url` is a path or absolute."""
    path = "/" + url.split("/", 3)[3] if url.startswith("http") else url
    known = {} if token is None else {"authorization": authorization(token, base64_token=base64)}
    body = b"" if document is None else document if isinstance(document, bytes) else encode_json(document)
    return Answer.of(await serve(node, Request(method, path, {**known, **headers}, body)))


def envelope(data: Any, *, status: int = 200, code: int = 1000) -> Response:
    return Response(status, encode_json({"data": data, "status_code": code, "timestamp": "2026-01-01T00:00:00Z"}))


@dataclass
class Stranger:
    """A platform that a test plays by hand: it answers versions and details at `https://{name}.example`."""

    wire: Wire
    name: str = "stranger"
    version: str = "2.2.1"
    token: str = "the-token-that-the-stranger-gave"

    def __post_init__(self) -> None:
        self.base = f"https://{self.name}.example"
        self.versions: Any = [{"version": self.version, "url": f"{self.base}/{self.version}"}]
        self.endpoints: list[Any] = [
            self.endpoint("credentials", "SENDER"),
            self.endpoint("tokens", "SENDER"),
            self.endpoint("cdrs", "RECEIVER"),
        ]
        self.answers: dict[str, Response] = {}
        self.asked: list[Request] = []
        self.wire.places[self.base] = self.answer

    def endpoint(self, identifier: str, role: str) -> dict[str, str]:
        plain = {"identifier": identifier, "url": f"{self.base}/{self.version}/{identifier}"}
        return plain if self.version == "2.1.1" else {**plain, "role": role}

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == "/versions":
            return envelope(self.versions)
        if request.path == f"/{self.version}":
            return envelope({"version": self.version, "endpoints": self.endpoints})
        return envelope(None, status=404, code=2000)

    def credentials(self, **other: Any) -> dict[str, Any]:
        party = {"country_code": "FR", "party_id": "STR", "business_details": {"name": "Stranger"}}
        known: dict[str, Any] = {"token": self.token, "url": f"{self.base}/versions"}
        return known | (party if self.version == "2.1.1" else {"roles": [{"role": "EMSP", **party}]}) | other
