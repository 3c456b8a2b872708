"""Who looks after stations: accounts with a password (argon2), and the cookie of who is signed in.

The cookie is a random key that gets no meaning before a sign-in and another value with it; the database knows it by its MAC only, so that
sessions end when an operator signs out, is removed, or gets another password, in every process at once. The proof that a button was
pressed on our own page is a MAC of the key, too. Guessing is slowed by the hash and by limits for an address and for a name.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

import argon2

from interplug.modules.node import Node
from interplug.store.operators import Operator
from interplug.store.tx import Tx

from .session import Limit

SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
ATTEMPTS, OF_A_NAME = 10, 30
"""Sign-ins that one address may try in WITHIN seconds, and that may be tried for one name."""
WITHIN = 600.0
AT_ONCE = 2
"""Hashes that are worked out at a time."""
_HASHER = argon2.PasswordHasher()
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_NOBODY = _HASHER.hash(secrets.token_hex(16))
"""Compared with where there is no such operator, so that both take as long."""


class BadPassword(ValueError):
    """Why a password is not taken."""


class Busy(Exception):
    """Too many have tried."""


class Guest(NamedTuple):
    """`key` is the cookie; `name` the operator who is signed in, or empty."""

    key: str
    name: str = ""
    new: bool = False


async def put(node: Node, name: str, password: str) -> None:
    """An operator, or another password for one."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadPassword(f"a password has {SHORTEST} to {LONGEST} characters")
    operator = Operator(name, await asyncio.to_thread(_HASHER.hash, password), node.clock())
    await node.store.write(lambda tx: tx.operators.put(operator))


class Signing:
    def __init__(self, node: Node, timer: Callable[[], float], *, secure: bool) -> None:
        self._node, self._secure = node, secure
        self._key = node.directory.key.derive("console")
        # Browsers do not tell apart the ports of one host. With __Host- nobody else of the domain can set it.
        self.cookie = f"{'__Host-' if secure else ''}interplug-console-{hashlib.sha256(b'name' + self._key).hexdigest()[:8]}"
        self._addresses = Limit(ATTEMPTS, WITHIN, timer)
        self._names = Limit(OF_A_NAME, WITHIN, timer)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def guest(self, header: str) -> Guest:
        """Of a Cookie header; a new one where there is none that could be ours."""
        try:
            morsel = SimpleCookie(header).get(self.cookie)
        except CookieError:
            morsel = None
        if morsel is None or not _KEY.fullmatch(morsel.value):
            return Guest(secrets.token_urlsafe(32), new=True)
        return Guest(morsel.value, await self.who(morsel.value))

    async def who(self, key: str) -> str:
        """Empty: nobody is signed in with it."""
        session, now = self._mac("session", key), self._node.clock()
        return await self._node.store.read(lambda tx: tx.operators.sessions.who(session, now), snapshot=False) or ""

    async def sign_in(self, name: str, password: str, address: str) -> Guest | None:
        """None: there is no such operator with that password. Raises Busy."""
        if not self._addresses.allows(address) or not self._names.allows(name.lower()[:LONGEST]):
            raise Busy
        found = await self._node.store.read(lambda tx: tx.operators.get(name), snapshot=False)
        hashed = _NOBODY if found is None else found.password
        async with self._gate:
            right = await asyncio.to_thread(_fits, hashed, password)
        if found is None or not right:
            return None
        key = secrets.token_urlsafe(32)
        until = self._node.after(self._node.settings.console.session_hours * 3600)

        async def work(tx: Tx) -> bool:
            now = await tx.operators.get(found.name)
            if now is None or now.password != hashed:
                return False
            await tx.operators.sessions.begin(self._mac("session", key), found.name, self._node.clock(), until)
            return True

        return Guest(key, found.name, new=True) if await self._node.store.write(work) else None

    async def sign_out(self, guest: Guest) -> None:
        await self._node.store.write(lambda tx: tx.operators.sessions.end(self._mac("session", guest.key)))

    # --- what the browser gets

    def written(self, guest: Guest | None) -> str:
        """The Set-Cookie header; None: the cookie goes."""
        value, age = (guest.key, "") if guest is not None else ("", "; Max-Age=0")
        return f"{self.cookie}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if self._secure else ''}{age}"

    def proof(self, guest: Guest) -> str:
        return self._mac("csrf", guest.key)

    def proved(self, guest: Guest, proof: str) -> bool:
        return not guest.new and hmac.compare_digest(self.proof(guest).encode(), proof.encode("utf-8", "replace"))

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.digest(self._key, f"{purpose}:{text}".encode(), "sha256").hex()


def _fits(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password[: LONGEST + 1].encode("utf-8", "replace"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
