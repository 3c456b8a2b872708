"""Authorities and certificates of a test, made when they are needed."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text), x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "TNM")])


@dataclass
class Files:
    certificate: Path
    key: Path


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        made = self._builder(name, self.key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: str, key: ec.EllipticCurvePrivateKey, until: datetime.timedelta = DAY) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 2 * DAY)
            .not_valid_after(NOW + until)
        )

    def issue(self, name: str, *, until: datetime.timedelta = DAY) -> Files:
        key = ec.generate_private_key(ec.SECP256R1())
        local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = self._builder(name, key, until).add_extension(local, critical=False).sign(self.key, hashes.SHA256())
        files = Files(self.folder / f"{self.name}-{name}.pem", self.folder / f"{self.name}-{name}.key")
        files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return files

    def trust(self, own: Files | None = None) -> ssl.SSLContext:
        """How a station trusts this authority, and shows its own certificate where it has one."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return context
