"""Where stations connect: the WebSocket listeners, and who is let in (OCPP-J 3, security white paper; 2.x part 4, part 2 A).

The last segment of the path is the station's identity. Nobody is let in with less than the security profile that the station has, or
has ever connected with: 1 a password, 2 a password over TLS, 3 a certificate of its own. An unknown one may wait for a person, where
that is configured. A station and a CSMS that have no version in common are told so by the missing subprotocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from cryptography import x509
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from interplug.config import BadSettings
from interplug.config import Stations as Settings
from interplug.store.charging_stations import StationRow
from interplug.store.tx import Tx

from . import keys
from .hall import Hall
from .tls import Tls
from .versions import SPEECHES

log = logging.getLogger(__name__)
LONGEST_IDENTITY = 48
PROTOCOL_ERROR = 1002
HANDSHAKE = 10.0
"""Seconds that anybody has to say who it is, with TLS and without."""
WAITS = 3600
"""Seconds that the place of a station is kept which waits to be adopted and is away, where there are not enough."""
WINDOW = ServerPerMessageDeflateFactory(
    server_max_window_bits=11, client_max_window_bits=11, compress_settings={"memLevel": 3}, require_client_max_window_bits=False
)
"""Small, for each connection has its own."""


class Door:
    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.node = hall.node
        self.settings: Settings = hall.node.settings.stations
        self.passwords = keys.Passwords()
        self._offering = asyncio.Lock()
        """One after the other: nobody's password is hashed who could not wait anyhow."""
        self._admitted: WeakKeyDictionary[ServerConnection, tuple[StationRow, int]] = WeakKeyDictionary()
        self.ports: dict[str, int] = {}
        """Where stations are awaited: ws, wss."""
        self.tls: Tls | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Stations are awaited while this is open."""
        settings = self.settings
        async with contextlib.AsyncExitStack() as stack:
            if settings.port >= 0:
                self.ports["ws"] = await self._listen(stack, settings.port, None)
            if settings.tls_port >= 0:
                self.tls = Tls(settings)
                self.ports["wss"] = await self._listen(stack, settings.tls_port, self.tls.context)
            for scheme, port in self.ports.items():
                log.info("stations are awaited at %s://%s:%d/IDENTITY", scheme, settings.host, port)
            yield

    def look(self) -> None:
        """Now and then."""
        if self.tls is not None:
            self.tls.renew()

    async def _listen(self, stack: contextlib.AsyncExitStack, port: int, tls: ssl.SSLContext | None) -> int:
        settings = self.settings
        try:
            server: Server = await stack.enter_async_context(
                serve(
                    self._meet,
                    settings.host,
                    port,
                    ssl=tls,
                    process_request=self._knock,
                    select_subprotocol=_select,
                    extensions=[WINDOW],
                    compression=None,
                    open_timeout=HANDSHAKE,
                    ping_interval=settings.ping,
                    ping_timeout=settings.ping,
                    max_size=settings.largest_frame,
                    server_header=None,
                    reuse_port=self.node.store.place.shared or None,
                )
            )
        except OSError as error:
            raise BadSettings(f"stations: cannot listen at {settings.host}:{port}: {error.strerror}") from None
        found: int = next(iter(server.sockets)).getsockname()[1]
        return found

    # --- who is let in

    async def _knock(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = _identity(request.path)
        if identity is None:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no such station\n")
        if "Sec-WebSocket-Extensions" in request.headers and not _compresses(request.headers):
            del request.headers["Sec-WebSocket-Extensions"]
        station, profile = await self._decide(connection, request, identity)
        if isinstance(station, http.HTTPStatus):
            if station == http.HTTPStatus.NOT_FOUND and _speaks(request.headers):  # not whoever looks for open ports
                wrong = "too many wait to be adopted" if self.settings.unknown == "offer" else "nobody has added it"
                log.warning("station %s is not let in: %s", identity, wrong)
            return _refusal(connection, station)
        self._admitted[connection] = (station, profile)
        return None

    async def _decide(self, connection: ServerConnection, request: Request, identity: str) -> tuple[StationRow | http.HTTPStatus, int]:
        """The station and the profile that it has shown, or why it is not let in."""
        station = await self.node.store.read(lambda tx: tx.charging_stations.get(identity), snapshot=False)
        shown = keys.credentials(request.headers.get("Authorization"))
        password = shown[1] if shown is not None and shown[0] == identity else None
        secure = connection.transport.get_extra_info("ssl_object")
        if station is None:
            offered = await self._unknown(identity, password, secure)
            return offered, offered.profile if isinstance(offered, StationRow) else 0
        profile = await self._profile(station, password, secure)
        if profile < station.profile or (station.password and profile < 1):
            wrong = "its password is wrong" if password is not None and not profile else _others(identity, shown, _owner(secure))
            log.warning("station %s is not let in: %s", identity, wrong or f"security profile {max(station.profile, 1)} is needed")
            return http.HTTPStatus.UNAUTHORIZED, 0
        return station, max(profile, station.profile)

    async def _profile(self, station: StationRow, password: bytes | None, secure: Any) -> int:
        """The highest that the station has proved."""
        if _owner(secure) == station.id:
            return 3
        if password is None or not station.password or not await self.passwords.fits(station.id, station.password, password):
            return 0
        return 2 if secure is not None else 1

    async def _unknown(self, identity: str, password: bytes | None, secure: Any) -> StationRow | http.HTTPStatus:
        """A station that nobody has added is offered for adoption, with the password or the certificate that it has come with."""
        most = self.settings.most_offered
        if self.settings.unknown != "offer" or await self._full():
            return http.HTTPStatus.NOT_FOUND
        async with self._offering:
            if await self._full():
                return http.HTTPStatus.NOT_FOUND
            row = StationRow(
                id=identity,
                state="offered",
                profile=3 if _owner(secure) == identity else 0 if password is None else 1 if secure is None else 2,
                password="" if password is None else await self.passwords.hashed(password),
                created_at=self.node.clock(),
            )

            async def work(tx: Tx) -> bool:
                if await tx.charging_stations.offered() >= most:
                    await tx.charging_stations.give_up(self.node.after(-WAITS))
                return await tx.charging_stations.offered() < most and await tx.charging_stations.add(row)

            return row if await self.node.store.write(work) else http.HTTPStatus.NOT_FOUND

    async def _full(self) -> bool:
        """Who has left long ago keeps nobody out."""
        since = self.node.after(-WAITS)
        return await self.node.store.read(lambda tx: tx.charging_stations.offered(since), snapshot=False) >= self.settings.most_offered

    # --- who is in

    async def _meet(self, connection: ServerConnection) -> None:
        station, profile = self._admitted[connection]
        speech = SPEECHES.get(connection.subprotocol or "")
        if speech is None:
            await connection.close(PROTOCOL_ERROR, "no version of OCPP in common")
            return
        with contextlib.suppress(ConnectionClosed):
            await self.hall.serve(station, profile, speech, connection)


def _select(connection: ServerConnection, offered: Any) -> Subprotocol | None:
    """The newest version that both speak; none is answered by none."""
    return next((Subprotocol(name) for name in SPEECHES if name in offered), None)


def _identity(path: str) -> str | None:
    text = unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])
    good = 0 < len(text) <= LONGEST_IDENTITY and text.isprintable() and ":" not in text and "/" not in text and "�" not in text
    return text if good else None


def _speaks(headers: Headers) -> bool:
    return any("ocpp" in one for one in headers.get_all("Sec-WebSocket-Protocol"))


def _compresses(headers: Headers) -> bool:
    """2.x has to be offered compression; of 1.6 nobody wants it."""
    offered = ",".join(headers.get_all("Sec-WebSocket-Protocol"))
    chosen = next((speech for name, speech in SPEECHES.items() if name in [one.strip() for one in offered.split(",")]), None)
    return chosen is not None and chosen.dialect.compresses


def _refusal(connection: ServerConnection, status: http.HTTPStatus) -> Response:
    response = connection.respond(status, f"{status.phrase}\n")
    if status == http.HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
    return response


def _others(identity: str, shown: tuple[str, bytes] | None, owner: str | None) -> str | None:
    """Who comes with what belongs to another one."""
    if shown is not None and shown[0] != identity:
        return f"its password is said to be that of {shown[0][:LONGEST_IDENTITY]!r}"
    return None if owner in (None, identity) else f"its certificate is that of {owner!r}"


def _owner(secure: Any) -> str | None:
    """The common name of the client certificate, where there is one; TLS has verified the certificate itself."""
    raw = secure.getpeercert(binary_form=True) if secure is not None else None
    if not raw:
        return None
    names = x509.load_der_x509_certificate(raw).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None
