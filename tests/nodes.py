"""Nodes for tests: a whole node over a database of its own, and partners that stand in memory.

`make_node` builds a node without a socket: what it would send goes to a `Wire`, which leads to other nodes of the test or to
a partner that a test plays. `befriend` writes a registered connection into the tables as a handshake would have left it, for
tests of modules that are not about the handshake. Time is a `Clock` that moves when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from interplug.config import Network, Settings
from interplug.model.types import decode_json, encode_json, format_time
from interplug.modules.node import Node
from interplug.modules.rows import MODULES
from interplug.modules.server import serve
from interplug.partners import states
from interplug.partners.client import PartnerClient
from interplug.partners.directory import Connection, Directory
from interplug.partners.invitations import invite
from interplug.partners.keys import NodeKey
from interplug.partners.registration import Wish, register
from interplug.protocol.headers import authorization
from interplug.protocol.http import Handler, Request, Response, Unreachable
from interplug.protocol.routes import Router
from interplug.store.keys import OWN, Key
from interplug.store.messages import MessageLog
from interplug.store.partners import ConnectionRow
from interplug.store.store import Store
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

T0 = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
SECOND = 1_000_000
CPO = ("CPO", "NL", "TNM")
EMSP = ("EMSP", "DE", "ABC")


class Clock:
    """Microseconds UTC that stand still until a test moves them."""

    def __init__(self, now: int = T0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def text(self, seconds: float = 0) -> str:
        """The time so many seconds from now, as OCPI writes it."""
        return format_time(self.now + int(seconds * SECOND))


@dataclass
class Wire:
    """A network in memory: the base URL of a place leads to its handler. What was sent is kept."""

    places: dict[str, Handler] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.sent.append(request)
        for base, handler in self.places.items():
            if request.url.startswith(base + "/"):
                inner = Request(request.method, request.url[len(base) :], dict(request.headers), request.body)
                return await handler(inner)
        raise Unreachable("nobody listens there")


def database(folder: Path, name: str) -> str:
    """Where a node of that name in that folder keeps what it holds. Tests may put another function here."""
    return f"sqlite:///{folder / name}.db"


async def make_node(
    folder: Path,
    parties: Iterable[tuple[str, str, str]] = (CPO, EMSP),
    *,
    name: str = "node",
    clock: Callable[[], int] | None = None,
    wire: Wire | None = None,
    key: bytes | None = None,
    **sections: Any,
) -> Node:
    """A node with these parties at `https://{name}.example`; `sections` replace sections of its settings."""
    clock, wire = clock or Clock(), wire or Wire()
    url = f"https://{name}.example"
    settings = Settings(**{"network": Network(allow_private=True), **sections})
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, public_url=url))
    store = Store.open(database(folder, name), clock=clock)
    node_key = NodeKey(key or name.encode().ljust(32, b"."))
    directory = Directory(store, node_key, settings, clock=clock)
    log = MessageLog(store.write)
    node = Node(
        settings=settings,
        store=store,
        directory=directory,
        client=PartnerClient(wire, directory, log, clock),
        messages=log,
        clock=clock,
        modules=MODULES,
        router=Router(MODULES),
        secret=node_key.derive("cursors"),
    )

    async def found(tx: Tx) -> None:
        for role, country, party in parties:
            await tx.parties.add(role, country, party)

    await directory.write(found)

    async def answer(request: Request) -> Response:
        return await serve(node, request)

    wire.places[url] = answer
    return node


async def close(node: Node) -> None:
    await node.end()
    await node.messages.close()
    await node.store.close()


@dataclass
class Partner:
    """A partner that a test plays: it asks the node with the token that it was given, in its version."""

    node: Node
    connection: Connection
    token: str
    version: str
    headers: dict[str, str] = field(default_factory=dict)

    def url(self, side: str, path: str, role: str) -> str:
        door = side if VERSIONS[self.version].endpoint_roles else role
        return f"/ocpi/{self.version}/{door}/{path}"

    async def ask(self, method: str, url: str, document: Any = None, **headers: str) -> Answer:
        body = document if isinstance(document, bytes) else b"" if document is None else encode_json(document)
        known = {name.replace("_", "-"): value for name, value in headers.items()}
        token = authorization(self.token, base64_token=VERSIONS[self.version].base64_token)
        request = Request(method, url, {"authorization": token, **self.headers, **known}, body)
        return Answer.of(await serve(self.node, request))

    async def send(self, method: str, path: str, document: Any = None, **headers: str) -> Answer:
        """To the node's Receiver side, or in 2.1.1 to the role that has it: what the owner of objects does."""
        return await self.ask(method, self.url("receiver", path, self._role(path, receiver=True)), document, **headers)

    async def fetch(self, path: str, method: str = "GET", document: Any = None, **headers: str) -> Answer:
        """From the node's Sender side: what the reader of objects does."""
        return await self.ask(method, self.url("sender", path, self._role(path, receiver=False)), document, **headers)

    def _role(self, path: str, *, receiver: bool) -> str:
        name = path.replace("?", "/").partition("/")[0]
        module = next((module for module in self.node.modules if module.id == name), None)
        roles = () if module is None else module.receiver if receiver else module.sender
        return (roles or ("cpo",))[0].lower()


@dataclass
class Answer:
    """What came back, taken apart."""

    http: int
    code: int
    message: str | None
    data: Any
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Answer:
        envelope = decode_json(response.body)
        return cls(
            response.status, envelope["status_code"], envelope.get("status_message"), envelope.get("data"), response.headers, response.body
        )

    @property
    def ok(self) -> bool:
        return 200 <= self.http < 300 and self.code == 1000


async def befriend(
    node: Node,
    version: str,
    *,
    parties: Iterable[tuple[str, str, str]] = (CPO, EMSP),
    name: str = "partner",
    hub: str | None = None,
    classes: Iterable[str] = (),
    our_party: tuple[str, str] | None = None,
) -> Partner:
    """A registered connection in that version, with endpoints at `https://{name}.example`, as a handshake would leave it."""
    token = f"token-of-{name}-{version}"
    base = f"https://{name}.example/ocpi/{version}"
    modules = {(module.id, side) for module in node.modules for side in ("SENDER", "RECEIVER") if module.served(version, side)}
    roles = [
        {"role": role, "country_code": country, "party_id": party, "business_details": {"name": f"{country}-{party}"}}
        for role, country, party in parties
    ]

    async def work(tx: Tx) -> int:
        partner = await tx.partners.partner(name, node.clock())
        row = ConnectionRow(
            partner=partner,
            name=name,
            state=states.REGISTERED,
            version=version,
            versions_url=f"https://{name}.example/ocpi/versions",
            credentials={"roles": roles} | ({"hub_party_id": hub} if hub else {}),
            endpoints=[{"identifier": one, "role": side, "url": f"{base}/{side.lower()}/{one}"} for one, side in sorted(modules)],
            our_country=our_party[0] if our_party else None,
            our_party=our_party[1] if our_party else None,
            created_at=node.clock(),
            registered_at=node.clock(),
        )
        number = await tx.partners.add(row)
        await tx.partners.change(number, token_out=node.directory.key.seal("their-token", number))
        await tx.partners.issue(node.directory.key.hash_token(token), number, states.ACTIVE, node.clock())
        for one in classes:
            await tx.parties.join(await tx.parties.audience_class(one), number)
        return number

    connection = node.directory.by_id(await node.directory.write(work))
    assert connection is not None
    return Partner(node, connection, token, version)


async def own(node: Node, module: str, document: dict[str, Any], *, audience: int = 0) -> Key:
    """An object of the node's own, stored."""
    name = document["uid" if module == "tokens" else "id"]
    kind = document["type"] if module == "tokens" else ""
    key = Key(module, OWN, document["country_code"], document["party_id"], name, kind)
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=node.clock(), audience=audience))
    return key


async def join(
    host: Node, guest: Node, version: str, *, host_name: str = "host", guest_name: str = "guest"
) -> tuple[Connection, Connection]:
    """A real handshake in that version: `host` invites, `guest` registers. The two sides of the connection, host's first."""
    invitation = await invite(host.directory, guest_name, version=version)
    wish = Wish(name=host_name, version=version)
    theirs = await register(guest.directory, guest.client, invitation.versions_url, invitation.token, wish)
    await host.directory.refresh()
    ours = host.directory.by_id(invitation.connection)
    assert ours is not None and ours.registered
    return ours, theirs
