"""Passwords of people, operators and drivers: how they are kept (argon2), how they are compared, and what slows down who guesses.

Attempts are counted for an address and for a name, by all processes together. The database sees neither: it counts for a MAC of them.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets

import argon2

from interplug.modules.node import Node

SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
ATTEMPTS, OF_A_NAME = 10, 30
"""Sign-ins that one address may try in WITHIN seconds, and that may be tried for one name by all browsers that are not known for it."""
WITHIN = 600.0
AT_ONCE = 2
"""Hashes that are worked out at a time."""
_HASHER = argon2.PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex(16))
"""Compared with where there is nobody of that name, so that both take as long."""


class BadPassword(ValueError):
    """Why a password is not taken."""


class Busy(Exception):
    """Too many have tried."""


async def hashed(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    return await asyncio.to_thread(_HASHER.hash, password)


class Passwords:
    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """None or empty: there is nobody, or nobody with a password; which takes as long to say."""
        async with self._gate:
            return await asyncio.to_thread(_fits, hashed or _NOBODY, password) and bool(hashed)


class Attempts:
    """`kind` keeps apart what is counted apart."""

    def __init__(self, node: Node, kind: str) -> None:
        self._node, self._kind = node, kind
        self._key = node.directory.key.derive("attempts")

    async def allow(self, name: str, most: int, within: float = WITHIN) -> bool:
        """At most `most` in `within` seconds. Counts the attempt when it is allowed."""
        now = self._node.clock()
        since = now - int(within * self._node.speed * 1_000_000)
        hidden = hmac.digest(self._key, f"{self._kind}:{name}".encode("utf-8", "replace"), "sha256").hex()
        return await self._node.store.write(lambda tx: tx.attempts.allows(hidden, most, since, now))

    async def sign_in(self, address: str, name: str, most: int = ATTEMPTS, *, browser: str = "") -> None:
        """`most`: from one address. `browser`: one that is known for this name (`known`), which counts by itself. Raises Busy."""
        counted = f"browser {browser}" if browser else f"name {name.lower()[:LONGEST]}"
        if not await self.allow(f"address {address}", most) or not await self.allow(counted, OF_A_NAME):
            raise Busy


def _fits(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password[: LONGEST + 1].encode("utf-8", "replace"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
