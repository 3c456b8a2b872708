"""Browsers in which somebody has signed in before: a cookie says so, signed and for that name alone.

Such a browser counts its tries by itself, so who guesses at a name from elsewhere keeps nobody out of the browser that is his. What is in
the cookie opens nothing; it is another one after each sign-in, and says neither the name nor whose the account is.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

YEAR = 365 * 86_400


class Known:
    def __init__(self, key: bytes, cookie: str, path: str, *, secure: bool) -> None:
        self._key, self._cookie, self._path, self._secure = key, f"{cookie}-known", path, secure

    def browser(self, header: str, name: str) -> str:
        """Of a Cookie header, as which browser it is known for this name; empty: for none."""
        try:
            morsel = SimpleCookie(header).get(self._cookie)
        except CookieError:
            morsel = None
        browser, _, proof = ("" if morsel is None else morsel.value).partition(".")
        return browser if browser and hmac.compare_digest(self._mac(name, browser).encode(), proof.encode("utf-8", "replace")) else ""

    def written(self, name: str) -> str:
        """The Set-Cookie header, once somebody has signed in by that name."""
        browser = secrets.token_urlsafe(18)
        value, rest = f"{browser}.{self._mac(name, browser)}", "; Secure" if self._secure else ""
        return f"{self._cookie}={value}; Path={self._path}; Max-Age={YEAR}; HttpOnly; SameSite=Strict{rest}"

    def _mac(self, name: str, browser: str) -> str:
        return hmac.digest(self._key, f"known:{browser}:{name.lower()}".encode("utf-8", "replace"), "sha256").hex()
