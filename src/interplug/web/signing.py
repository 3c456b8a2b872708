"""Who looks after stations: accounts with a password, and the cookie of who is signed in.

The cookie is a random key that gets no meaning before a sign-in and another value with it; the database knows it by its MAC only, so that
sessions end when an operator signs out, is removed, or gets another password, in every process at once. The proof that a button was
pressed on our own page is a MAC of the key, too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

from interplug.modules.node import Node
from interplug.store.operators import Operator
from interplug.store.tx import Tx

from .known import Known
from .passwords import Attempts, Passwords, hashed

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


class Guest(NamedTuple):
    """`key` is the cookie; `name` the operator who is signed in, or empty."""

    key: str
    name: str = ""
    new: bool = False


async def put(node: Node, name: str, password: str) -> None:
    """An operator, or another password for one. Raises BadPassword."""
    operator = Operator(name, await hashed(password), node.clock())
    await node.store.write(lambda tx: tx.operators.put(operator))


class Signing:
    def __init__(self, node: Node, *, secure: bool) -> None:
        self._node, self._secure = node, secure
        self._key = node.directory.key.derive("console")
        # Browsers do not tell apart the ports of one host. With __Host- nobody else of the domain can set it.
        self.cookie = f"{'__Host-' if secure else ''}interplug-console-{hashlib.sha256(b'name' + self._key).hexdigest()[:8]}"
        self._passwords, self._attempts = Passwords(), Attempts(node, "operator")
        self.known = Known(self._key, self.cookie.removeprefix("__Host-"), "/console", secure=secure)

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

    async def sign_in(self, name: str, password: str, address: str, header: str = "") -> Guest | None:
        """None: there is no such operator with that password. `header`: of the cookies. Raises Busy."""
        await self._attempts.sign_in(address, name, browser=self.known.browser(header, name))
        found = await self._node.store.read(lambda tx: tx.operators.get(name), snapshot=False)
        kept = None if found is None else found.password
        if not await self._passwords.fits(kept, password) or found is None:
            return None
        key = secrets.token_urlsafe(32)
        until = self._node.after(self._node.settings.console.session_hours * 3600)

        async def work(tx: Tx) -> bool:
            now = await tx.operators.get(found.name)
            if now is None or now.password != kept:
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
