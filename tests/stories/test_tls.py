"""A node that speaks TLS itself, with a server certificate and without asking the client for one."""

import asyncio
import datetime
import ipaddress
import json
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interplug.cli.demo.processes import PROGRAM, quiet_environment


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return public, private


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """The versions URL of a node with TLS, and its certificate."""
    public, private = certificate(tmp_path)
    settings = {"SERVER__PORT": "0", "SERVER__TLS_CERTIFICATE": str(public), "SERVER__TLS_KEY": str(private)}
    environment = quiet_environment() | {f"INTERPLUG__{name}": value for name, value in settings.items()}
    environment["INTERPLUG__STORE__URL"] = f"sqlite:///{tmp_path / 'node.db'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, *PROGRAM[1:], "serve", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"partners" not in (line := await process.stdout.readline()):
            assert line, "the node ended"
    yield line.split()[-1].decode(), public
    process.terminate()
    await process.wait()


@pytest.mark.req("TRN-001", "TRN-007")
async def test_partners_are_served_over_tls_without_a_client_certificate(node: tuple[str, Path]) -> None:
    url, public = node
    assert url.startswith("https://127.0.0.1:")

    def ask() -> tuple[int, str]:
        trusted = ssl.create_default_context(cafile=str(public))
        try:
            with urllib.request.urlopen(url, context=trusted, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    status, body = await asyncio.to_thread(ask)
    assert status == 401 and json.loads(body)["status_code"] == 2001


async def test_what_is_not_tls_gets_nothing(node: tuple[str, Path]) -> None:
    url, _ = node
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
    writer.write(b"GET /ocpi/versions HTTP/1.1\r\nhost: x\r\n\r\n")
    assert b"status_code" not in await reader.read()
    writer.close()
