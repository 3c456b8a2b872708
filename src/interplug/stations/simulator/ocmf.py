"""A meter that signs what it shows, as a calibration authority wants it: OCMF (Open Charge Metering Format 1.0), ECDSA on secp256r1.

The key follows from the seed, and the signature from the key and the text, so that the same run signs the same. It is a simulated
meter's key: it proves that nothing was changed on the way, not that anything was measured.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .readings import Reading
from .transaction import SECOND, Token

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
METHOD = "ECDSA-secp256r1-SHA256"
IDENTIFIERS = {
    "ISO14443": "ISO14443",
    "ISO15693": "ISO15693",
    "eMAID": "EMAID",
    "Central": "CENTRAL",
    "Local": "LOCAL",
    "KeyCode": "KEY_CODE",
}


class Signer:
    def __init__(self, serial: str, seed: str) -> None:
        self.serial = serial
        self._secret = int.from_bytes(hashlib.sha512(f"meter/{seed}/{serial}".encode()).digest()) % (ORDER - 1) + 1
        self._page = 0

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._secret, ec.SECP256R1())

    @cached_property
    def public_key(self) -> str:
        """DER, in hexadecimal digits, as OCMF's readers want it."""
        key = self._key.public_key()
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()

    def sign(self, reading: Reading, token: Token | None, mark: str) -> Reading:
        """`mark`: B for the beginning of a transaction, E for its end."""
        self._page += 1
        payload = msgspec.json.encode(self._said(reading, token, mark))
        signature = self._key.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        signed = msgspec.json.encode({"SA": METHOD, "SE": "hex", "SD": signature.hex()})
        return replace(reading, signed=f"OCMF|{payload.decode()}|{signed.decode()}")

    def _said(self, reading: Reading, token: Token | None, mark: str) -> dict[str, object]:
        card: dict[str, object] = {"IS": False, "IT": "NONE"}
        if token is not None:
            card = {"IS": True, "IF": ["RFID_RELATED"], "IT": IDENTIFIERS.get(token.type, "UNDEFINED"), "ID": token.id}
        value = {
            "TM": _time(reading.at),
            "TX": mark,
            "RV": msgspec.Raw(f"{reading.register / 1000:.3f}".encode()),
            "RI": "1-b:1.8.0",
            "RU": "kWh",
            "RT": "AC",
            "ST": "G",
        }
        return {
            "FV": "1.0", "GI": "Interplug simulated", "GS": self.serial, "GV": "1.0", "PG": f"T{self._page}",
            "MV": "Interplug", "MM": "Simulated", "MS": self.serial, "MF": "1.0", **card, "RD": [value],
        }  # fmt: skip


def _time(at: int) -> str:
    """OCMF's own spelling; S: the clock was set by the CSMS."""
    moment = datetime.fromtimestamp(at / SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S},{moment.microsecond // 1000:03}+0000 S"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
