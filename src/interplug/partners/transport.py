"""The `Handler` that leads out: one aiohttp session and one TLS context for the whole process.

It adds nothing to a request and follows nothing in an answer. Limits are here because only here bytes are counted: the time of the
whole call, the size of the answer (unpacked), the address at the moment of connecting. Whatever goes wrong is `Unreachable`.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

import aiohttp

from interplug.config import Network
from interplug.protocol.http import Request, Response, Unreachable

from .guard import Forbidden, check_address

CHUNK = 65_536
CONNECT = 10.0
"""Seconds for the connection alone: a silent address must not use up the time of the whole call."""
PER_HOST = 32


class HttpTransport:
    """`async (Request) -> Response`; made outside the event loop, opened by the first call, closed once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, request: Request) -> Response:
        session = self._session or self._open()
        try:
            async with session.request(
                request.method, request.url, headers=request.headers, data=request.body or None, allow_redirects=False
            ) as answer:
                body = await self._read(answer)
                return Response(answer.status, body, _headers(answer))
        except TimeoutError:
            raise Unreachable(f"no answer within {self._network.timeout:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise Unreachable(_reason(error)) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        network = self._network
        connector = aiohttp.TCPConnector(
            ssl=ssl.create_default_context(), limit=0, limit_per_host=PER_HOST, ttl_dns_cache=30, socket_factory=self._socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=network.timeout, sock_connect=min(CONNECT, network.timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": "Interplug", "Accept": "application/json"},
            skip_auto_headers=("Content-Type",),
        )
        return self._session

    def _socket(self, info: Any) -> socket.socket:
        """Called for every address that is about to be connected to, resolved or literal."""
        family, kind, protocol, _, address = info
        try:
            check_address(str(address[0]), self._network)
        except Forbidden as error:
            raise PermissionError(str(error)) from None
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._network.largest_answer
        if answer.content_length is not None and answer.content_length > limit:
            raise Unreachable(f"the answer is larger than {limit} bytes")
        if answer.content_length is not None and "content-encoding" not in answer.headers:
            return await answer.read()
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_chunked(CHUNK):
            size += len(part)
            if size > limit:
                raise Unreachable(f"the answer is larger than {limit} bytes")
            parts.append(part)
        return b"".join(parts)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Names in lower case; a repeated one (Link) is joined as RFC 9110 joins it."""
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _reason(error: Exception) -> str:
    """What happened, in words without a URL's query and without a header."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error is not None:
        return f"cannot connect: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer came"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer ended early"
    return f"{type(error).__name__}"
