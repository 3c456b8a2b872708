"""A station asks for a certificate: signed where the operator has an authority and the request is its own, else refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from interplug.config import BadSettings, Stations
from interplug.modules.node import Node
from interplug.stations.csms.authority import Authority as Signing
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import DIALECTS, V16, Dialect
from tests.stations.csms.certificates import Authority, Files
from tests.stations.csms.stations import serving, station


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def settings(authority: Authority, tmp_path: Path) -> Stations:
    own, key = authority.issue("csms"), tmp_path / "ours.key"
    key.write_bytes(pem(authority.key))
    tls = {"tls_certificate": str(own.certificate), "tls_key": str(own.key), "client_ca": str(authority.certificate)}
    return Stations(enabled=True, port=0, tls_port=0, sign_certificate=str(authority.certificate), sign_key=str(key), **tls)


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def request(key: Any, *names: str, algorithm: Any = None) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, algorithm)
    return made.public_bytes(serialization.Encoding.PEM).decode()


STRONG = ec.generate_private_key(ec.SECP256R1())
SHA = hashes.SHA256()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda one: one.version)
async def test_a_station_of_profile_2_gets_a_certificate_and_comes_back_with_it(
    csms: Csms, node: Node, authority: Authority, tmp_path: Path, dialect: Dialect
) -> None:
    named = {"requestId": 7} if dialect.version == "2.1" else {}
    async with station(csms, dialect, tls=authority.trust()) as one:
        assert await one.say("SignCertificate", csr=request(STRONG, "CS1", algorithm=SHA), **named) == {"status": "Accepted"}
        told = await one.asked("CertificateSigned")
    assert told.get("requestId") == named.get("requestId")
    (tmp_path / "cs1.pem").write_text(told["certificateChain"])
    (tmp_path / "cs1.key").write_bytes(pem(STRONG))
    leaf, ca = x509.load_pem_x509_certificates(told["certificateChain"].encode())
    leaf.verify_directly_issued_by(ca)
    own = Files(tmp_path / "cs1.pem", tmp_path / "cs1.key")
    async with station(csms, dialect, tls=authority.trust(own), password=None) as one:
        await one.say("Heartbeat")
    row = await node.store.read(lambda tx: tx.charging_stations.get("CS1"))
    assert row is not None and row.profile == 3


REQUESTS = {
    "for another station": request(STRONG, "CS2", algorithm=SHA),
    "for two": request(STRONG, "CS1", "CS2", algorithm=SHA),
    "for nobody": request(STRONG, algorithm=SHA),
    "a weak key": request(rsa.generate_private_key(65537, 1024), "CS1", algorithm=SHA),
    "a weak curve": request(ec.generate_private_key(ec.SECP192R1()), "CS1", algorithm=SHA),
    "a kind of key that OCPP does not know": request(ed25519.Ed25519PrivateKey.generate(), "CS1"),
    "no request at all": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    "nothing": "",
}


def changed(csr: str) -> str:
    """Its signature is another's."""
    raw = bytearray(x509.load_pem_x509_csr(csr.encode()).public_bytes(serialization.Encoding.DER))
    raw[-1] ^= 1
    from base64 import encodebytes

    return f"-----BEGIN CERTIFICATE REQUEST-----\n{encodebytes(bytes(raw)).decode()}-----END CERTIFICATE REQUEST-----\n"


REQUESTS["signed with another key"] = changed(request(STRONG, "CS1", algorithm=SHA))


@pytest.mark.parametrize("csr", REQUESTS.values(), ids=REQUESTS)
async def test_what_is_not_signed(csms: Csms, csr: str) -> None:
    async with station(csms, V16) as one:
        assert await one.say("SignCertificate", csr=csr) == {"status": "Rejected"}
        await one.say("Heartbeat")


async def test_a_certificate_for_vehicles_is_none_of_ours(csms: Csms) -> None:
    async with station(csms, DIALECTS["ocpp2.0.1"]) as one:
        csr = request(STRONG, "CS1", algorithm=SHA)
        assert await one.say("SignCertificate", csr=csr, certificateType="V2GCertificate") == {"status": "Rejected"}


async def test_without_an_authority_nothing_is_signed_and_a_wrong_one_is_said_at_the_start(node: Node, settings: Stations) -> None:
    bare = msgspec.structs.replace(settings, sign_certificate="", sign_key="", tls_port=-1)
    node.settings = msgspec.structs.replace(node.settings, stations=bare)
    async with serving(node) as csms, station(csms, V16) as one:
        assert await one.say("SignCertificate", csr=request(STRONG, "CS1", algorithm=SHA)) == {"status": "Rejected"}
    for wrong in ({"sign_key": settings.tls_key}, {"sign_certificate": "/nowhere"}, {"sign_key": ""}):
        with pytest.raises(BadSettings, match=r"stations\.sign_"):
            Signing.read(msgspec.structs.replace(settings, **wrong))
