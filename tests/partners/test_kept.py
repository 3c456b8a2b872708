"""Connections that are kept: used again, closed by the partner between two requests, and never by a wrong one. Over real sockets, on both
loops; the partner is a script that says for each connection what it does with each request."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from interplug.config import Network
from interplug.partners import line, transport
from interplug.partners.transport import PER_HOST, HttpTransport
from interplug.protocol.http import Request, Unreachable

LOOSE = Network(allow_private=True, allow_http=True, timeout=20)
Says = Callable[[int, int, asyncio.StreamWriter], Awaitable[None]]
"""What a partner does: the number of the connection, of the request on it, and where to write."""


class Partner:
    """Notes the requests of each connection; `ended` is set when one has come to its end."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.requests: list[list[str]] = []
        self.heads: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.ended = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.requests)
        self.requests.append([])
        self.writers.append(writer)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(one[15:]) for one in head.lower().split("\r\n") if one.startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                self.heads.append(head)
                self.requests[number].append(f"{head.partition(' HTTP')[0]} {body.decode()}".strip())
                await self.says(number, len(self.requests[number]), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.ended.set()

    def end(self) -> None:
        for writer in self.writers:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def partner(says: Says, tls: ssl.SSLContext | None = None) -> AsyncIterator[Partner]:
    one = Partner(says)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield one
        finally:
            one.end()


@pytest.fixture
async def out() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(LOOSE)
    yield made
    await made.close()


def answer(writer: asyncio.StreamWriter, text: bytes = b"fine") -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))


async def well(number: int, request: int, writer: asyncio.StreamWriter) -> None:
    answer(writer)


async def test_requests_follow_one_another_on_one_connection(out: HttpTransport) -> None:
    async with partner(well) as one:
        for method in ("GET", "PUT", "POST", "PATCH", "DELETE"):
            assert (await out(Request(method, f"{one.url}/x", {}, b"{}" if method != "GET" else b""))).body == b"fine"
        assert one.requests == [["GET /x", "PUT /x {}", "POST /x {}", "PATCH /x {}", "DELETE /x {}"]]


async def closes_at_the_second(number: int, request: int, writer: asyncio.StreamWriter) -> None:
    """As a server does whose patience with a silent connection ends in the moment in which we speak."""
    if number == 0 and request == 2:
        writer.close()
    else:
        answer(writer)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_what_may_be_said_twice_is_said_again_where_a_kept_connection_ended(out: HttpTransport, method: str) -> None:
    async with partner(closes_at_the_second) as one:
        await out(Request("GET", one.url))
        assert (await out(Request(method, f"{one.url}/x"))).body == b"fine"
        assert one.requests == [["GET /", f"{method} /x"], [f"{method} /x"]]


@pytest.mark.req("CDR-010")
async def test_a_post_is_never_said_twice(out: HttpTransport) -> None:
    async with partner(closes_at_the_second) as one:
        await out(Request("GET", one.url))
        with pytest.raises(Unreachable, match="closed before an answer came"):
            await out(Request("POST", f"{one.url}/cdrs", {}, b"{}"))
        assert one.requests == [["GET /", "POST /cdrs {}"]]


async def test_a_connection_that_ends_in_the_middle_of_an_answer_is_no_reason_to_ask_again(out: HttpTransport) -> None:
    async def breaks_off(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        if request == 2:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            writer.close()
        else:
            answer(writer)

    async with partner(breaks_off) as one:
        await out(Request("GET", one.url))
        with pytest.raises(Unreachable, match="ended early"):
            await out(Request("GET", one.url))
        assert len(one.requests) == 1


async def test_a_partner_that_closes_every_connection_is_asked_twice_at_most(out: HttpTransport) -> None:
    async def closes(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        if number or request == 2:
            writer.close()
        else:
            answer(writer)

    async with partner(closes) as one:
        await out(Request("GET", one.url))
        for connections in (2, 3):
            with pytest.raises(Unreachable, match="closed before an answer came"):
                await out(Request("GET", one.url))
            assert len(one.requests) == connections


async def test_the_answer_to_one_request_is_not_taken_for_that_to_another(out: HttpTransport) -> None:
    async def says_more(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        answer(writer, b"first" if number == 0 else b"second")
        if number == 0:
            answer(writer, b"planted")

    async with partner(says_more) as one:
        assert (await out(Request("GET", one.url))).body == b"first"
        await one.ended.wait()
        assert (await out(Request("GET", one.url))).body == b"second"


async def test_a_call_that_is_given_up_leaves_no_answer_behind(out: HttpTransport) -> None:
    asked = asyncio.Event()

    async def slow(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        if number == 0:
            asked.set()
        else:
            answer(writer)

    async with partner(slow) as one:
        call = asyncio.ensure_future(out(Request("GET", one.url)))  # type: ignore[arg-type]
        await asked.wait()
        call.cancel()
        await one.ended.wait()
        assert (await out(Request("GET", one.url))).body == b"fine"
        assert len(one.requests) == 2


@pytest.mark.parametrize("kept", [False, True])
async def test_a_silent_partner_costs_the_time_that_was_set_on_a_kept_connection_too(kept: bool) -> None:
    async def silent(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        if kept and request == 1:
            answer(writer)

    out = HttpTransport(msgspec.structs.replace(LOOSE, timeout=0.2))
    async with partner(silent) as one:
        if kept:
            await out(Request("GET", one.url))
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            await out(Request("GET", one.url))
        await one.ended.wait()
        assert len(one.requests) == 1
    await out.close()


async def test_a_connection_that_nobody_uses_ends(out: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "KEPT", 0.05)
    async with partner(well) as one:
        await out(Request("GET", one.url))
        await one.ended.wait()
        assert out._places == {}, "a partner who is gone is remembered"


async def test_of_a_partner_so_many_at_a_time_and_the_rest_wait_their_turn(out: HttpTransport) -> None:
    full, begun = asyncio.Event(), 0

    async def together(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        if begun == PER_HOST:
            full.set()
        await full.wait()
        answer(writer)

    async with partner(together) as one:
        answers = await asyncio.gather(*(out(Request("GET", one.url)) for _ in range(PER_HOST * 2)))
        assert (len(answers), len(one.requests)) == (PER_HOST * 2, PER_HOST)


async def test_who_waits_for_his_turn_waits_no_longer_than_a_call_may_take() -> None:
    async def silent(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        return

    out = HttpTransport(msgspec.structs.replace(LOOSE, timeout=0.3))
    async with partner(silent) as one:
        answers = await asyncio.gather(*(out(Request("GET", one.url)) for _ in range(PER_HOST + 5)), return_exceptions=True)
        assert {str(answer) for answer in answers} == {"no answer within 0.3 s"}
    await out.close()


@pytest.mark.parametrize("headers", [{"x": "a\r\nhost: evil"}, {"x": "a\nb"}, {"x\r\ny": "a"}, {"x": "\0"}])
async def test_a_line_within_a_line_is_not_sent(out: HttpTransport, headers: dict[str, str]) -> None:
    async with partner(well) as one:
        for request in (Request("GET", one.url, headers), Request("GET", f"{one.url}/\r\nhost: evil")):
            with pytest.raises(Unreachable, match="not a request that can be sent"):
                await out(request)
        assert one.requests == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "http://:80/", "http://127.0.0.1:0/", "http://127.0.0.1:x/", "", "/path"])
async def test_what_names_no_place_is_unreachable(out: HttpTransport, url: str) -> None:
    with pytest.raises(Unreachable, match="not a request that can be sent"):
        await out(Request("GET", url))


async def test_what_goes_out_is_what_a_server_expects(out: HttpTransport) -> None:
    async with partner(well) as one:
        own = one.url.replace("127", "me:a%20word@127")
        for request in (
            Request("GET", one.url, {"accept": "image/png"}),
            Request("DELETE", f"{one.url}?x=1#part"),
            Request("PUT", f"{own}/ü b/%2F", {}, b"{}"),
        ):
            await out(request)
        host = f"Host: 127.0.0.1:{one.port}"
        usual = [host, "Accept-Encoding: gzip, deflate", "User-Agent: Interplug"]
        user = "Authorization: Basic bWU6YSB3b3Jk"
        assert [head.strip().split("\r\n") for head in one.heads] == [
            ["GET / HTTP/1.1", *usual, "accept: image/png"],
            ["DELETE /?x=1 HTTP/1.1", *usual, "Accept: application/json", "Content-Length: 0"],
            ["PUT /%C3%BC%20b/%2F HTTP/1.1", *usual, user, "Accept: application/json", "Content-Length: 2"],
        ]


async def test_no_proxy_of_the_environment_is_asked(out: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with partner(well) as one:
        assert (await out(Request("GET", one.url))).body == b"fine"


# --- names and addresses


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    def lead(*answers: list[str]) -> list[str]:
        asked: list[str] = []

        async def resolve(place: transport.Place) -> list[Any]:
            found = answers[min(len(asked), len(answers) - 1)]
            asked.append(place.host)
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, place.port)) for address in found]

        monkeypatch.setattr(transport.Place, "addresses", resolve)
        return asked

    return lead


async def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed_there(resolving: Any) -> None:
    async def once(number: int, request: int, writer: asyncio.StreamWriter) -> None:
        answer(writer)
        writer.close()

    out = HttpTransport(LOOSE)
    async with partner(once) as one:
        asked = resolving(["127.0.0.1"], ["169.254.169.254"])
        url = f"http://partner.example:{one.port}/"
        assert (await out(Request("GET", url))).body == b"fine"
        await one.ended.wait()
        with pytest.raises(Unreachable, match=r"169\.254\.169\.254 is never called"):
            await out(Request("GET", url))
        assert asked == ["partner.example", "partner.example"]
    await out.close()


async def test_of_several_addresses_each_is_checked_and_the_next_one_tried(resolving: Any, out: HttpTransport) -> None:
    async with partner(well) as one:
        resolving(["169.254.169.254", "127.0.0.1"])
        assert (await out(Request("GET", f"http://partner.example:{one.port}/"))).body == b"fine"
        assert one.heads[0].split("\r\n")[1] == f"Host: partner.example:{one.port}"


async def test_a_name_that_nobody_knows_is_unreachable(out: HttpTransport) -> None:
    with pytest.raises(Unreachable, match="cannot connect: "):
        await out(Request("GET", "http://nobody.invalid/"))


# --- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost and 127.0.0.1 that vouches for itself, and a server that shows it."""
    folder, key, now = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    places = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    signed = made.add_extension(places, False).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    certificate = signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(certificate)
    (folder / "both.pem").write_bytes(secret + certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "both.pem")
    return folder / "cert.pem", context


async def test_a_server_whose_certificate_is_trusted_is_talked_to_on_a_kept_connection(
    out: HttpTransport, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    async with partner(well, authority[1]) as one:
        for name in ("127.0.0.1", "localhost"):
            for _ in range(2):
                assert (await out(Request("PUT", f"https://{name}:{one.port}/x", {}, b"{}"))).body == b"fine"
        assert one.requests == [["PUT /x {}"] * 2] * 2


async def test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(
    authority: Any, resolving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with partner(well, authority[1]) as one:
        out = HttpTransport(LOOSE)
        with pytest.raises(Unreachable, match="certificate is not trusted: self-signed certificate"):
            await out(Request("GET", f"https://127.0.0.1:{one.port}/"))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
        resolving(["127.0.0.1"])
        out = HttpTransport(LOOSE)
        with pytest.raises(Unreachable, match=r"certificate is not trusted: Hostname mismatch"):
            await out(Request("GET", f"https://partner.example:{one.port}/"))
        assert one.heads == []
