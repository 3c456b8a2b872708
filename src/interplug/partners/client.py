"""Talking to a partner: which URL, which headers, which token, and what came back.

`call` is one request to one side of one module, `ask` the bare request beneath it, which the handshake uses with tokens that are no
connection's yet. Nothing here raises because of a partner: what it does wrong, or that it is not there, is a `Reply` with a fault.

Two things that partners do differently are tried and remembered: Base64 or not, where the answer is 401, and a final slash of a
list, where it is 404. Tokens go to registered hosts of the partner alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from interplug.model.types import encode_json
from interplug.protocol.envelope import JSON, Reply, read
from interplug.protocol.headers import CORRELATION_ID, REQUEST_ID, Party, authorization, routing_headers
from interplug.protocol.http import Handler, Request, Response, Unreachable, Unsent, join
from interplug.protocol.routes import Side
from interplug.store.masking import spoken
from interplug.store.messages import Message, MessageLog
from interplug.store.tx import Tx
from interplug.telemetry.figures import Requests
from interplug.versions.table import VERSIONS

from .directory import Connection, Directory
from .guard import check_url
from .keys import BadKey
from .roles import CONFIGURATION, role_at

ROUTES = 10_000
"""Routing headers that are kept."""
ONE, ALL, ANYBODY = "one", "all", "anybody"
"""Whom a request without a named receiver is for."""


@dataclass(slots=True)
class Access:
    """How to knock: a token, the places where it may be sent, and whether it is spelled in Base64, where a 401 has taught us that
    (None: nothing has; what a partner takes without a word is no sign that it wants it so)."""

    token: str = field(repr=False)
    hosts: frozenset[str]
    base64: bool | None = None
    connection: int = 0
    version: str = ""

    @property
    def first(self) -> bool:
        """Whether Base64 is tried first: as the version says, once one is agreed. Other letters than ASCII have no raw form."""
        if self.base64 is not None:
            return self.base64
        return not self.version or VERSIONS[self.version].base64_token or not self.token.isascii()


class PartnerClient:
    """`transport` leads out; `log` takes each request and answer (the log masks tokens)."""

    def __init__(
        self, transport: Handler, directory: Directory, log: MessageLog | None = None, clock: Callable[[], int] | None = None
    ) -> None:
        self.transport = transport
        self.directory = directory
        self.log = log
        self.clock = clock or directory.clock
        self.asked = Requests()
        self._opened: dict[int, tuple[int, tuple[str, int | None] | None]] = {}
        """Tokens that were opened, how they are spelled, and the generation of the directory in which that is so."""
        self._routes: dict[tuple[int, str, str, Party | None, Party | None, str], dict[str, str]] = {}
        self._generation = -1
        self._network = directory.settings.network

    async def call(
        self,
        connection: Connection,
        method: str,
        module_id: str,
        side: Side,
        *segments: str,
        query: Mapping[str, str] | None = None,
        document: Any = None,
        to: Party | None = None,
        sender: Party | None = None,
        url: str | None = None,
        correlation_id: str | None = None,
        anybody: bool = False,
    ) -> Reply:
        """One request to a side of a module, or to `url` (response_url, Link, Location) where that is given.

        `document` is a document in the partner's version, or its bytes. `to` and `sender` are chosen by role where absent; `anybody`: we do
        not know which of several parties this is for.
        """
        access = await self.access(connection)
        base = url or connection.endpoint(module_id, side)
        if isinstance(access, Reply) or base is None:
            return access if isinstance(access, Reply) else Reply(0, fault=f"{connection.partner} has no {side} endpoint for {module_id}")
        whole_list = method == "GET" and not segments
        headers = self._routing(connection, module_id, side, to, sender, ANYBODY if anybody else ALL if whole_list else ONE)
        target = join(base, *segments) if segments else _slashed(connection, module_id, base) if url is None else base
        before = access.base64
        reply = await self.ask(
            access, method, _with(target, query), document, headers=headers, correlation_id=correlation_id, module=module_id
        )
        if reply.http == 401 and (newer := await self._renewed(connection, access)) is not None:
            # Another process has changed the token meanwhile.
            access, before = newer, newer.base64
            reply = await self.ask(
                access, method, _with(target, query), document, headers=headers, correlation_id=correlation_id, module=module_id
            )
        if reply.http == 404 and method == "GET" and not segments and url is None:
            reply = await self._other_slash(connection, module_id, access, target, query, headers, reply)
        if access.base64 != before and access.base64 is not None:
            await self._remember(connection, base64_out=int(access.base64))
        return reply

    async def access(self, connection: Connection) -> Access | Reply:
        """How to knock at a registered partner; a Reply with the fault at any other."""
        if not connection.registered:
            return Reply(0, fault=f"{connection.partner} is {connection.state.lower()}")
        generation, known = self._opened.get(connection.id, (-1, None))
        if known is None or generation != self.directory.generation:
            generation = self.directory.generation
            row = await self.directory.store.read(lambda tx: tx.partners.get(connection.id), snapshot=False)
            if row is None or row.token_out is None:
                return Reply(0, fault=f"there is no token for {connection.partner}")
            try:
                known = self.directory.key.open(row.token_out, connection.id), row.base64_out
            except BadKey as error:
                return Reply(0, fault=str(error))
            self._opened[connection.id] = generation, known
        token, spelled = known
        return Access(token, connection.hosts, None if spelled is None else bool(spelled), connection.id, connection.version or "")

    async def _renewed(self, connection: Connection, access: Access) -> Access | None:
        await self.directory.refresh()
        now = await self.access(connection)
        return now if isinstance(now, Access) and now.token != access.token else None

    async def ask(
        self,
        access: Access,
        method: str,
        url: str,
        document: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        module: str = "handshake",
    ) -> Reply:
        """The bare request, to a checked URL; a 401 is asked again with the token spelled the other way."""
        body = document if isinstance(document, bytes) else b"" if document is None else encode_json(document)
        fixed = {CORRELATION_ID: correlation_id or _new_id(), **(headers or {})}
        if body:
            fixed["content-type"] = JSON
        spelling = access.first
        reply = await self._send(access, method, url, body, fixed, spelling, module)
        if reply.http == 401 and access.token.isascii():
            second = await self._send(access, method, url, body, fixed, not spelling, module)
            if second.http not in (0, 401):
                access.base64 = not spelling
                return second
        return reply

    # --- one request

    async def _send(self, access: Access, method: str, url: str, body: bytes, fixed: Mapping[str, str], base64: bool, module: str) -> Reply:
        headers = {"authorization": authorization(access.token, base64_token=base64), REQUEST_ID: _new_id(), **fixed}
        request = Request(method, url, headers, body)
        started = self.clock()
        response: Response | None = None
        try:
            check_url(url, self._network, access.hosts)
            response = await self.transport(request)
            reply = read(response)
        except Unreachable as error:
            reply = Reply(0, fault=str(error), silent=not isinstance(error, Unsent))
        if not reply.ok:  # partners like to repeat in words what they do not accept
            secret = spoken(headers)
            reply.message = reply.message and secret.blank(reply.message)
            reply.fault = reply.fault and secret.blank(reply.fault)
        took = self.clock() - started
        self.asked.add(access.connection, (module, method, access.version, reply.http, reply.code or 0), took / 1_000_000)
        if self.log is not None:
            self.log.add(self._message(access, request, response, reply, started, took))
        return reply

    def _message(self, access: Access, request: Request, response: Response | None, reply: Reply, started: int, took: int) -> Message:
        return Message(
            direction="out",
            connection=access.connection,
            method=request.method,
            url=request.url,
            http=reply.http,
            ocpi=reply.code or 0,
            request_id=request.headers[REQUEST_ID],
            correlation_id=request.headers[CORRELATION_ID],
            started_at=started,
            took_us=took,
            headers=request.headers,
            body=request.body,
            answer=response.body if response is not None else (reply.fault or "").encode(),
        )

    def _routing(
        self, connection: Connection, module_id: str, side: Side, to: Party | None, sender: Party | None, of: str
    ) -> dict[str, str]:
        """The same for every object of a party, so it is kept as long as the directory says nothing else."""
        if self._generation != self.directory.generation:
            self._generation = self.directory.generation
            self._routes.clear()
        asked = connection.id, module_id, side, to, sender, of
        known = self._routes.get(asked)
        if known is None:
            if len(self._routes) >= ROUTES:
                self._routes.clear()
            known = self._routes[asked] = self._routed(connection, module_id, side, to, sender, of)
        return known

    def _routed(
        self, connection: Connection, module_id: str, side: Side, to: Party | None, sender: Party | None, of: str
    ) -> dict[str, str]:
        """What any of several parties may be asked about names none in TO, which would cut it to one of them: a list of a platform that has
        several (TRN-084), and an Open Routing Request, for which a hub finds the party (4.1.9.4). A list of a hub is asked of the hub."""
        if module_id in CONFIGURATION or not connection.speaks.routing_headers:
            return {}
        theirs, ours = role_at(module_id, side), role_at(module_id, "RECEIVER" if side == "SENDER" else "SENDER")
        hub, those = connection.hub is not None, sum(party.role == theirs for party in connection.parties)
        several = of == ANYBODY if hub else of != ONE and those > 1
        return routing_headers(
            to or (None if several else self.directory.their_party(connection, theirs)),
            sender or self.directory.party_for(connection, ours),
        )

    # --- what is remembered

    async def _other_slash(
        self,
        connection: Connection,
        module_id: str,
        access: Access,
        target: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        first: Reply,
    ) -> Reply:
        other = target[:-1] if target.endswith("/") else f"{target}/"
        second = await self.ask(access, "GET", _with(other, query), headers=headers, module=module_id)
        if not second.ok:
            return first
        slashes = {**connection.flags.get("slash", {}), module_id: other.endswith("/")}
        await self._remember(connection, flags={**connection.flags, "slash": slashes})
        return second

    async def _remember(self, connection: Connection, **columns: object) -> None:
        async def work(tx: Tx) -> None:
            await tx.partners.change(connection.id, **columns)

        await self.directory.write(work)


def _new_id() -> str:
    """A random UUID (4.2), as `uuid.uuid4` would spell it, at a fifth of the cost."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"


def _slashed(connection: Connection, module_id: str, base: str) -> str:
    wanted = connection.flags.get("slash", {}).get(module_id)
    return base if wanted is None else base.rstrip("/") + ("/" if wanted else "")


def _with(url: str, query: Mapping[str, str] | None) -> str:
    if not query:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query, safe=':')}"
