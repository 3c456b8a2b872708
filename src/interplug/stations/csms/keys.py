"""Passwords of stations (security profiles 1 and 2): made, hashed with argon2, and compared without saying anything.

A password of 1.6 is up to 20 bytes that the operator writes in hexadecimal; some stations send the bytes and some the text, so both
are tried. A password that was right once is known again by a keyed digest in memory, so a thousand stations that come back at once
cost a thousand digests.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
AT_ONCE = 2
"""Hashes that are worked out at a time: guessing passwords may not take the machine."""


def new_password() -> str:
    """20 random bytes, as 1.6 wants them written; of 2.x it is a text of 40 characters."""
    return secrets.token_hex(20)


def hashed(password: str) -> str:
    return _HASHER.hash(password.encode())


def credentials(header: str | None) -> tuple[str, bytes] | None:
    """User and password of HTTP Basic; None where there are none."""
    kind, _, coded = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(coded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


class Passwords:
    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[tuple[str, str], bytes] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def fits(self, station: str, hash: str, password: bytes) -> bool:
        digest = hmac.digest(self._key, password, "sha256")
        if hmac.compare_digest(self._right.get((station, hash), b""), digest):
            return True
        async with self._gate:
            right = await asyncio.to_thread(_fits, hash, password)
        if right:
            self._right[station, hash] = digest
        return right

    async def hashed(self, password: bytes) -> str:
        """Of a password that a station has come with; one that is no text is kept as 1.6 writes it."""
        try:
            text = password.decode()
        except UnicodeDecodeError:
            text = password.hex()
        async with self._gate:
            return await asyncio.to_thread(hashed, text)


def _fits(hash: str, password: bytes) -> bool:
    return any(_verified(hash, spelled) for spelled in dict.fromkeys((password, password.hex().encode(), password.hex().upper().encode())))


def _verified(hash: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
