"""A device with passkeys, without a browser: it answers challenges as one does, and in every wrong way that a test asks for."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as b64

SURE, PRESENT, MADE = 0x04, 0x01, 0x40
Document = dict[str, Any]


@dataclass
class Device:
    """`origin` is the site that it believes to be at, `sure` whether it knows who holds it, `uses` its counter."""

    origin: str
    site: str
    sure: bool = True
    uses: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _told(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        flags |= PRESENT | (SURE if self.sure else 0)
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4, "big")

    def make(self, challenge: str) -> Document:
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = self._data(MADE) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"clientDataJSON": b64(self._told("webauthn.create", challenge)), "attestationObject": b64(attested)}
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}

    def prove(self, challenge: str) -> Document:
        told, data = self._told("webauthn.get", challenge), self._data(0)
        signed = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": b64(told), "authenticatorData": b64(data), "signature": b64(signed), "userHandle": None}
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}
