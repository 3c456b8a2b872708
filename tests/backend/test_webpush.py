"""Web push: what a browser could read, and what a push service would believe. `http_ece` is somebody else's implementation of RFC 8188."""

from __future__ import annotations

import base64
import os

import http_ece  # type: ignore[import-untyped]
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from interplug.backend.webpush import CURVE, LONGEST, BadKeys, Vapid, checked, point, read, sealed, spelled
from interplug.model.types import decode_json

PHONE = ec.generate_private_key(CURVE)
PUBLIC, SECRET = spelled(point(PHONE.public_key())), spelled(os.urandom(16))


@pytest.mark.parametrize("length", [0, 1, 100, LONGEST])
def test_only_the_browser_can_read_it(length: int) -> None:
    message = os.urandom(length)
    body = sealed(message, PUBLIC, SECRET)
    assert http_ece.decrypt(body, private_key=PHONE, auth_secret=read(SECRET), version="aes128gcm") == message
    assert sealed(message, PUBLIC, SECRET) != body


def test_nothing_is_cut_and_the_longest_is_one_record() -> None:
    assert len(sealed(bytes(LONGEST), PUBLIC, SECRET)) == 4096
    with pytest.raises(ValueError, match="3993 bytes"):
        sealed(bytes(LONGEST + 1), PUBLIC, SECRET)


def test_a_push_service_believes_who_we_are() -> None:
    vapid = Vapid(b"k" * 32, "mailto:me@example.org")
    kind, token, key = vapid.authorization("https://push.example:8443/a/b?c", 1_000_000).replace(",", "").split()
    assert kind == "vapid" and key == f"k={vapid.public_key}"
    said, _, signature = token.removeprefix("t=").rpartition(".")
    header, claims = (decode_json(read(part)) for part in said.split("."))
    assert header["alg"] == "ES256"
    assert claims == {"aud": "https://push.example:8443", "exp": 1_043_200, "sub": "mailto:me@example.org"}
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, read(vapid.public_key))
    r, s = int.from_bytes(read(signature)[:32]), int.from_bytes(read(signature)[32:])
    public.verify(encode_dss_signature(r, s), said.encode(), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(encode_dss_signature(r, s), said.encode() + b".", ec.ECDSA(SHA256()))


def test_a_node_is_the_same_to_its_browsers_after_a_restart() -> None:
    assert Vapid(b"k" * 32, "").public_key == Vapid(b"k" * 32, "").public_key != Vapid(b"j" * 32, "").public_key


@pytest.mark.parametrize(
    ("public_key", "secret"),
    [
        ("", SECRET),
        ("ä", SECRET),
        (PUBLIC[:-4], SECRET),
        (spelled(b"\x04" + bytes(64)), SECRET),
        (PUBLIC, ""),
        (PUBLIC, spelled(bytes(17))),
        (base64.b64encode(b"\x04" + b"\xff" * 64).decode(), SECRET),
    ],
    ids=["no key", "no letters", "cut off", "no point", "no secret", "secret too long", "beyond the curve"],
)
def test_keys_that_are_none_are_refused(public_key: str, secret: str) -> None:
    with pytest.raises(BadKeys):
        checked(public_key, secret)
