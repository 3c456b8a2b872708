"""Web push without IO: who we are to a push service (VAPID, RFC 8292), and a message that only the browser can read (RFC 8291)."""

from __future__ import annotations

import base64
import binascii
import os
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interplug.model.types import encode_json

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RECORD = 4096
LONGEST = 3993
"""Bytes of a message, so that all of the body is one record of 4096 (RFC 8291, section 4)."""
HOURS = 12
"""For which what we say of ourselves is good; a day is the most that is allowed."""
POINT, SECRET = 65, 16


class BadKeys(ValueError):
    """These are no keys of a browser."""


def spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadKeys("not base64url") from None


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def checked(public_key: str, secret: str) -> None:
    """Raises BadKeys."""
    _their_key(read(public_key))
    if len(read(secret)) != SECRET:
        raise BadKeys(f"the secret has to have {SECRET} bytes")


class Vapid:
    """Made of 32 secret bytes, so that the same node is always the same to browsers and to push services."""

    def __init__(self, secret: bytes, contact: str) -> None:
        self._key = ec.derive_private_key(int.from_bytes(secret) % (ORDER - 1) + 1, CURVE)
        self._contact = contact

    @property
    def public_key(self) -> str:
        """What a browser subscribes for."""
        return spelled(point(self._key.public_key()))

    def authorization(self, endpoint: str, seconds: int) -> str:
        """`seconds` since 1970 are now."""
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": seconds + HOURS * 3600, "sub": self._contact}
        said = ".".join(spelled(encode_json(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
        r, s = decode_dss_signature(self._key.sign(said.encode(), ec.ECDSA(SHA256())))
        return f"vapid t={said}.{spelled(r.to_bytes(32) + s.to_bytes(32))}, k={self.public_key}"


def sealed(message: bytes, public_key: str, secret: str) -> bytes:
    """The body of a message, content-encoding aes128gcm. One that is too long is no message: half of one says nothing to a browser."""
    if len(message) > LONGEST:
        raise ValueError(f"a message has {LONGEST} bytes at most")
    theirs, ours, salt = read(public_key), ec.generate_private_key(CURVE), os.urandom(16)
    sender = point(ours.public_key())
    shared = ours.exchange(ec.ECDH(), _their_key(theirs))
    material = _derived(shared, read(secret), b"WebPush: info\0" + theirs + sender, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4) + bytes([len(sender)]) + sender
    return header + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def _derived(material: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(material)


def _their_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    try:
        if len(raw) != POINT:
            raise ValueError
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw)
    except ValueError:
        raise BadKeys("this is no point of P-256") from None
