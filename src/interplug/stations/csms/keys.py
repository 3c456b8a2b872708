"""Passwords of stations (security profiles 1 and 2): made, hashed, and compared without saying anything.

What was made here is random enough that nobody finds it by trying: a salted SHA-256 keeps it, which costs a station that connects
nothing. What a person or a stranger has chosen may be guessed, and is hashed slowly, with argon2.

A password of 1.6 is up to 20 bytes that the operator writes in hexadecimal; some stations send the bytes and some the text, so both
are tried. A chosen password that was right once is known again by a keyed digest in memory, so a thousand stations that come back at
once cost a thousand digests.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
QUICK = "sha256$"
"""How the hashes of passwords begin that were made here; then follow salt and digest."""
AT_ONCE = 2
"""Hashes that are worked out at a time: guessing passwords may not take the machine."""


def new_password() -> str:
    """20 random bytes, as 1.6 wants them written; of 2.x it is a text of 40 characters."""
    return secrets.token_hex(20)


def hashed(password: str) -> str:
    """Of one that somebody has chosen."""
    return _HASHER.hash(password.encode())


def hashed_quickly(password: str) -> str:
    """Of one that `new_password` has made."""
    salt = secrets.token_hex(16)
    return f"{QUICK}{salt}${_digest(salt, password.encode())}"


def _digest(salt: str, password: bytes) -> str:
    return hashlib.sha256(salt.encode() + password).hexdigest()


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
        if hash.startswith(QUICK):
            return _fits(hash, password)
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
    if hash.startswith(QUICK):
        salt, _, digest = hash.removeprefix(QUICK).partition("$")
        return hmac.compare_digest(digest, _digest(salt, password))
    try:
        return _HASHER.verify(hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
