"""Who looks at the pages: a signed cookie of a guest, and the proof that a button was pressed on our own page.

The cookie holds a random name of the visitor and, once there is one, the id of the driver; both are signed with a key that is derived from
the node's. A driver is made at the first start, never by looking: a driver is a Token that every CPO is told of. The CSRF proof is a MAC of
the visitor's random name, so nothing is stored for it. The name of the cookie differs from node to node, because browsers do not tell
apart the ports of one host.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie

YEAR = 365 * 86_400


@dataclass(slots=True, frozen=True)
class Visitor:
    name: str
    driver: str = ""
    new: bool = False
    """The browser does not have this cookie yet."""

    def became(self, driver: str) -> Visitor:
        return replace(self, driver=driver, new=True)


class Cookies:
    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key, self._secure = key, secure
        self.name = f"interplug-driver-{hashlib.sha256(b'name' + key).hexdigest()[:8]}"

    def read(self, header: str) -> Visitor:
        """The visitor of a Cookie header; a new one where it holds none that we signed."""
        try:
            morsel = SimpleCookie(header).get(self.name)
        except CookieError:
            morsel = None
        parts = morsel.value.split(".") if morsel is not None else []
        if len(parts) == 3 and hmac.compare_digest(self._mac("visitor", f"{parts[0]}.{parts[1]}").encode(), parts[2].encode()):
            return Visitor(parts[0], parts[1])
        return Visitor(secrets.token_urlsafe(18), new=True)

    def written(self, visitor: Visitor) -> str:
        """The Set-Cookie header."""
        text = f"{visitor.name}.{visitor.driver}"
        value = f"{self.name}={text}.{self._mac('visitor', text)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax"
        return value + ("; Secure" if self._secure else "")

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
