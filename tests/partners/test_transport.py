"""The way out, over real sockets on loopback: limits of size and time, no redirects, and the address checked when it is connected to.

On both loops, for a node runs on uvloop and commands on the other one.
"""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from interplug.config import Network
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Request, Unreachable

LOOSE = Network(allow_private=True, allow_http=True, timeout=5, largest_answer=100_000)
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
Calls = Callable[..., Awaitable[Any]]


@pytest.fixture
async def server() -> AsyncIterator[Callable[[Answering], Awaitable[str]]]:
    """Starts a server with this handler; its base URL."""
    runners: list[web.AppRunner] = []

    async def start(handler: Answering) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def call() -> AsyncIterator[Calls]:
    made: list[HttpTransport] = []

    async def send(url: str, network: Network = LOOSE, **request: Any) -> Any:
        transport = HttpTransport(network)
        made.append(transport)
        return await transport(Request(request.pop("method", "GET"), url, **request))

    yield send
    for transport in made:
        await transport.close()


@pytest.mark.req("TRN-015", "TRN-016", "TRN-011")
async def test_a_request_goes_out_as_it_is_and_the_answer_comes_back(server: Any, call: Calls) -> None:
    seen: list[web.Request] = []

    async def echo(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=201, body=await request.read(), headers=[("Link", "<a>"), ("LINK", "<b>"), ("X-Total-Count", "3")])

    base = await server(echo)
    answer = await call(f"{base}/a%20b?x=1%2B1", method="PUT", headers={"content-type": "application/json"}, body=b"{}")
    assert (answer.status, answer.body, answer.headers["link"], answer.headers["x-total-count"]) == (201, b"{}", "<a>, <b>", "3")
    assert (seen[0].raw_path, seen[0].headers["Content-Type"]) == ("/a%20b?x=1%2B1", "application/json")
    await call(base)
    assert "Content-Type" not in seen[1].headers and "Cookie" not in seen[1].headers


async def test_redirects_are_not_followed(server: Any, call: Calls) -> None:
    reached: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    answer = await call(f"{await server(redirect)}/start")
    assert (answer.status, reached) == (302, ["/start"])


@pytest.mark.parametrize("how", ["declared", "streamed", "packed"])
async def test_an_answer_that_is_too_large_is_not_read(server: Any, call: Calls, how: str) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        if how == "packed":
            return web.Response(body=gzip.compress(b"0" * 200_000), headers={"Content-Encoding": "gzip"})
        if how == "declared":
            return web.Response(body=b"0" * 200_000)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(20):
            await answer.write(b"0" * 10_000)
        return answer

    with pytest.raises(Unreachable, match="larger than 100000 bytes"):
        await call(await server(large))


async def test_a_silent_partner_costs_the_time_that_was_set(server: Any, call: Calls) -> None:
    released = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    base = await server(silent)
    with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
        await call(base, msgspec.structs.replace(LOOSE, timeout=0.1))
    released.set()


@pytest.mark.parametrize("where", ["head", "body"])
async def test_a_partner_that_says_a_byte_at_a_time_costs_no_more(call: Calls, where: str) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n" + (b"\r\n" if where == "body" else b"x: "))
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.005)

    server = await asyncio.start_server(dripping, "127.0.0.1", 0)
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
        await call(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", msgspec.structs.replace(LOOSE, timeout=0.3))
    server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_the_address_is_checked_when_it_is_connected_to_however_it_is_written(server: Any, call: Calls, host: str) -> None:
    reached: list[str] = []

    async def inside(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    port = (await server(inside)).rpartition(":")[2]
    with pytest.raises(Unreachable):
        await call(f"http://{host}:{port}/", Network(allow_http=True))
    assert reached == []


async def test_nobody_there_and_an_answer_that_breaks_off_are_unreachable(call: Calls) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="cannot connect"):
            await call(f"http://127.0.0.1:{bound.getsockname()[1]}/")

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        writer.close()

    listener = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with listener:
        with pytest.raises(Unreachable, match="ended early"):
            await call(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/")


@pytest.mark.parametrize("raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"])
async def test_what_is_not_http_is_unreachable(call: Calls, raw: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    listener = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with listener:
        with pytest.raises(Unreachable):
            await call(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/")


async def test_a_server_without_a_trusted_certificate_is_not_talked_to(server: Any, call: Calls) -> None:
    async def plain(request: web.Request) -> web.Response:
        return web.Response()

    base = await server(plain)
    with pytest.raises(Unreachable):
        await call(base.replace("http://", "https://"))
