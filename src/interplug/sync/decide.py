"""What a partner's answer to a push means: a value, decided without clock, network or chance.

Success is HTTP 2xx *and* OCPI 1xxx. An object that the partner does not know is sent whole; an object that it will not have is
listed as refused and gets out of the way; a partner that is down or overloaded is left alone for a while, and the change log
keeps its place. Nothing is queued to be repeated: what is sent later is the state of then (4.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interplug.protocol.envelope import Reply
from interplug.protocol.status import UNKNOWN_LOCATION, UNKNOWN_TOKEN

Verdict = Literal["sent", "unknown", "refused", "wait"]
GIVE_UP_AFTER = 3
"""Failures of one object, while others of the partner pass, after which the object is refused and not the partner blamed."""


@dataclass(slots=True, frozen=True)
class Decision:
    """`sent`; `unknown`: send the whole object instead; `refused`: list it; `wait`: leave the partner alone for `pause` seconds
    (None: as long as its failures call for)."""

    verdict: Verdict
    why: str = ""
    pause: float | None = None


SENT = Decision("sent")


def decide(reply: Reply, verb: str) -> Decision:
    """The meaning of `reply` to a request with method `verb`."""
    if reply.ok:
        return SENT
    why = reply.why()
    if reply.http == 0:
        return Decision("wait", why)
    if reply.http == 429 or reply.http == 503:
        return Decision("wait", why, _retry_after(reply))
    if reply.http == 401 or reply.http == 403:
        return Decision("wait", why)
    if verb != "POST" and (reply.http == 404 or reply.code in (UNKNOWN_LOCATION, UNKNOWN_TOKEN)):
        return Decision("unknown", why)
    if reply.http >= 500 or reply.code is None or reply.code >= 3000:
        return Decision("wait", why)
    if verb == "PATCH":
        return Decision("unknown", why)
    return Decision("refused", why)


def _retry_after(reply: Reply) -> float | None:
    """Seconds that the partner asks for; a date is not read, and nothing above an hour is believed."""
    text = reply.headers.get("retry-after", "").strip()
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() and len(text) < 9 else None


def pause(attempts: int, first: float, longest: float, chance: float) -> float:
    """Seconds to leave a partner alone after `attempts` failures in a row; `chance` (0 to 1) spreads partners over time."""
    whole = min(first * 2.0 ** min(attempts - 1, 30), longest)
    return whole * (0.5 + chance / 2)


def needs_full_pull(lag: float, after: float) -> bool:
    """Whether a partner has been behind for so many seconds that it should read our whole lists when it is back."""
    return lag > after


def retry_refused(attempts: int) -> float:
    """Seconds until a refused object that did not change is tried again: an hour, doubling up to a day."""
    return min(3600.0 * 2.0 ** min(attempts, 10), 86_400.0)
