"""Who looks at the pages: a signed cookie, and the proof that a button was pressed on our own page.

The cookie holds a random name of the visitor and, once there is one, the id of the guest driver; both are signed with a key that is derived
from the node's. A driver is made at the first start, never by looking: a driver is a Token that every CPO is told of. Of who is signed in
to an account the cookie says just that: whose it is, the database knows by a MAC of the name, so that a session can be ended. With signing
in and out the name becomes another. The CSRF proof is a MAC of the visitor's random name, so nothing is stored for it. The cookie's name
differs from node to node, because browsers do not tell apart the ports of one host.

A second cookie holds drives that somebody was lent by a link in an e-mail: each by its id and the time until which it is good, signed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie

from interplug.store.drivers import Drive

YEAR = 365 * 86_400
SIGNED_IN = "@"
"""In the place of the driver: the database knows who it is."""
LENT = 8
"""Drives that one browser may be lent at a time."""


@dataclass(slots=True, frozen=True)
class Visitor:
    name: str
    driver: str = ""
    new: bool = False
    """The browser does not have this cookie yet."""
    account: bool = False
    """Signed in to the account of this driver; before the database was asked: the cookie says so."""
    lent: frozenset[str] = frozenset()
    """The drives of others that this browser may follow."""

    def became(self, driver: str) -> Visitor:
        return replace(self, driver=driver, new=True)

    def sees(self, drive: Drive) -> bool:
        return (bool(self.driver) and drive.driver == self.driver) or drive.id in self.lent


def stranger() -> Visitor:
    return Visitor(secrets.token_urlsafe(18), new=True)


class Cookies:
    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key, self._secure = key, secure
        self.name = f"interplug-driver-{hashlib.sha256(b'name' + key).hexdigest()[:8]}"
        self.lent_name = f"{self.name}-lent"

    def read(self, header: str) -> Visitor:
        """The visitor of a Cookie header; a new one where it holds none that we signed."""
        try:
            morsel = SimpleCookie(header).get(self.name)
        except CookieError:
            morsel = None
        parts = morsel.value.split(".") if morsel is not None else []
        if len(parts) == 3 and hmac.compare_digest(self._mac("visitor", f"{parts[0]}.{parts[1]}").encode(), parts[2].encode()):
            return Visitor(parts[0], account=True) if parts[1] == SIGNED_IN else Visitor(parts[0], parts[1])
        return stranger()

    def written(self, visitor: Visitor) -> str:
        """The Set-Cookie header."""
        text = f"{visitor.name}.{SIGNED_IN if visitor.account else visitor.driver}"
        return self._cookie(self.name, f"{text}.{self._mac('visitor', text)}")

    def _cookie(self, name: str, value: str) -> str:
        return f"{name}={value}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{'; Secure' if self._secure else ''}"

    def session(self, visitor: Visitor) -> str:
        """What the database knows the session of who is signed in by."""
        return self._mac("session", visitor.name)

    def newcomer(self, visitor: Visitor) -> str:
        """The id of the driver that a visitor becomes."""
        return self._mac("newcomer", visitor.name)[:32]

    # --- drives that are lent

    def lending(self, drive: str, until: int) -> str:
        """What a link holds; and of several, the second cookie."""
        text = f"{drive}.{until}"
        return f"{text}.{self._mac('drive', text)}"

    def lent(self, header: str, now: int) -> dict[str, str]:
        """The drives that a Cookie header proves were lent, and how it does."""
        try:
            morsel = SimpleCookie(header).get(self.lent_name)
        except CookieError:
            morsel = None
        texts = morsel.value.split("~")[:LENT] if morsel is not None else []
        return {drive: text for text in texts if (drive := self.lends(text, now))}

    def lends(self, text: str, now: int) -> str:
        """The drive that a link lends now; empty: none."""
        drive, _, rest = text.partition(".")
        until = rest.partition(".")[0]
        good = until.isascii() and until.isdecimal() and len(until) < 20 and int(until) > now
        return drive if good and hmac.compare_digest(self.lending(drive, int(until)).encode(), text.encode("utf-8", "replace")) else ""

    def lent_written(self, texts: Iterable[str]) -> str:
        return self._cookie(self.lent_name, "~".join(texts))

    # --- proofs

    def proof(self, visitor: Visitor) -> str:
        return self._mac("csrf", visitor.name)

    def proved(self, visitor: Visitor, proof: str) -> bool:
        return not visitor.new and hmac.compare_digest(self.proof(visitor).encode(), proof.encode())

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.digest(self._key, f"{purpose}:{text}".encode(), "sha256").hex()


class Limit:
    """At most `most` events of one kind in `within` seconds for each name; what is remembered is bounded, too."""

    NAMES = 10_000

    def __init__(self, most: int, within: float, timer: Callable[[], float]) -> None:
        self._most, self._within, self._timer = most, within, timer
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, name: str) -> bool:
        """Counts the event when it is allowed."""
        now = self._timer()
        times = self._seen.setdefault(name, deque())
        self._seen.move_to_end(name)
        if len(self._seen) > self.NAMES:
            self._seen.popitem(last=False)
        while times and times[0] <= now - self._within:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


def neighbourhood(address: str) -> str:
    """Whom one address counts as: an IPv6 customer has a whole /64."""
    return ":".join(address.split(":")[:4]) if ":" in address else address
