"""Certificates for stations: an operator that is its own authority signs what its stations ask for (SignCertificate; OCPP 1.6 security
whitepaper A02, 2.x use case A02). Without such an authority every request is refused, and nobody waits for a certificate in vain.

A request is signed where it is for that very station, proves that its key is there, and the key is strong enough. Certificates have the
time of the world, whatever clock the node has: those who check them have no other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from interplug.config import BadSettings, Stations

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LEAST_EC, LEAST_RSA = 224, 2048
"""Bits of a key (OCPP 2.x part 2, A00.FR.509)."""
LONGEST = 10_000
BEFORE = timedelta(hours=1)
"""A station's clock may be late."""


class NotSigned(Exception):
    """Why a station gets no certificate, in words for the operator."""


class Authority(NamedTuple):
    certificate: x509.Certificate
    key: Key

    @classmethod
    def read(cls, settings: Stations) -> Authority | None:
        """None: there is none. Raises BadSettings."""
        if not settings.sign_certificate and not settings.sign_key:
            return None
        try:
            certificate = x509.load_pem_x509_certificate(Path(settings.sign_certificate).read_bytes())
            key = serialization.load_pem_private_key(Path(settings.sign_key).read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadSettings(f"stations.sign_certificate and stations.sign_key: {error}") from None
        if not isinstance(key, Key) or key.public_key() != certificate.public_key():
            raise BadSettings("stations.sign_key is not the key of stations.sign_certificate")
        return cls(certificate, key)

    def issue(self, station: str, csr: str, days: float) -> str:
        """The certificate and ours, as PEM. Raises NotSigned."""
        request = _request(station, csr)
        now = datetime.now(UTC)
        until = min(now + timedelta(days=days), self.certificate.not_valid_after_utc)
        if until <= now:
            raise NotSigned("the certificate of our own authority has expired")
        made = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BEFORE)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (made, self.certificate)).decode()
        if len(chain) > LONGEST:
            raise NotSigned("the chain is longer than OCPP allows")
        return chain


def _request(station: str, csr: str) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        genuine, key = request.is_signature_valid, request.public_key()
        names = [str(one.value) for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise NotSigned(f"its request cannot be read: {error}") from None
    if not genuine:
        raise NotSigned("its request is not signed with the key in it")
    if names != [station]:
        raise NotSigned(f"its request is for {', '.join(names) or 'nobody'}")
    strong = (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= LEAST_EC) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA
    )
    if not strong:
        raise NotSigned("its key is too weak, or of a kind that OCPP does not know")
    return request
