"""What a partner's answer to a push means: a value, decided without clock, network or chance.

Success is HTTP 2xx *and* OCPI 1xxx. An object that the partner does not know is sent whole; an object that it will not have is
listed as refused and gets out of the way; a partner that is down or overloaded is left alone for a while, and the change log
keeps its place. Nothing is queued to be repeated: what is sent later is the state of then (4.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from interplug.protocol.envelope import Reply
from interplug.protocol.status import RECEIVER_PROBLEM, RECEIVER_TIMEOUT, UNKNOWN_LOCATION, UNKNOWN_RECEIVER, UNKNOWN_TOKEN

Verdict = Literal["sent", "unknown", "refused", "wait"]
GIVE_UP_AFTER = 3
"""Failures of one object, while others of the partner pass, after which the object is refused and not the partner blamed."""


LONGEST_ASKED = 3600.0
"""Seconds beyond which no wish of a partner to be left alone is believed."""
OVERLOADED = (429, 503)
SHUT = (401, 403)
"""The partner knows us no longer; whatever the object, it would be the same."""
THE_OBJECT = (400, 405, 406, 409, 410, 411, 413, 414, 415, 422, 501)
"""Statuses that are about this request, even from something in front of the partner that speaks no OCPI."""


NOT_TO_BE_HAD = (UNKNOWN_RECEIVER, RECEIVER_TIMEOUT, RECEIVER_PROBLEM)
"""What a hub says of the party that a request is for; the hub itself is well, and others behind it may be."""


@dataclass(slots=True, frozen=True)
class Decision:
    """`sent`; `unknown`: send the whole object instead; `refused`: list it; `wait`: leave the partner alone for `pause` seconds
    (None: as long as its failures call for). `object`: it may be the object that fails, not the partner. `status` is OCPI's or HTTP's."""

    verdict: Verdict
    why: str = ""
    pause: float | None = None
    object: bool = False
    status: int = 0


SENT = Decision("sent")


def decide(reply: Reply, verb: str, now: float = 0.0, *, behind: bool = False) -> Decision:
    """The meaning of `reply` to a request with method `verb`; `now` in seconds since 1970. `behind`: it was for one of the parties behind a
    hub, of which the hub may say that it is not to be had (5.4)."""
    if reply.ok:
        return SENT
    why, status, ocpi = reply.why(), reply.code or reply.http, reply.code is not None
    if reply.http in OVERLOADED:
        return Decision("wait", why, retry_after(reply, now), status=status)
    if reply.http in SHUT:
        return Decision("wait", why, status=status)
    if verb != "POST" and (reply.code in (UNKNOWN_LOCATION, UNKNOWN_TOKEN) or (reply.http == 404 and (ocpi or verb == "PATCH"))):
        return Decision("unknown", why, status=status)
    if behind and reply.code in NOT_TO_BE_HAD:
        return Decision("refused", why, status=status)
    theirs = reply.http in THE_OBJECT or (ocpi and reply.http < 500 and (reply.code or 0) < 3000)
    if not theirs:
        return Decision("wait", why, object=True, status=status)
    return Decision("unknown" if verb == "PATCH" else "refused", why, status=status)


def retry_after(reply: Reply, now: float) -> float | None:
    """Seconds that the partner asks for, as a number or as a date, which is read by its own clock where it tells that."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_ASKED)
    until = _date(text)
    return None if until is None else min(max(0.0, until - (_date(reply.headers.get("date", "")) or now)), LONGEST_ASKED)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def pause(attempts: int, first: float, longest: float, chance: float) -> float:
    """Seconds to leave a partner alone after `attempts` failures in a row; `chance` (0 to 1) spreads partners over time."""
    whole = min(first * 2.0 ** min(attempts - 1, 30), longest)
    return whole * (0.5 + chance / 2)


def needs_full_pull(lag: float, after: float) -> bool:
    """Whether a partner has been behind for so many seconds that it should read our whole lists when it is back."""
    return lag > after


def retry_refused(status: int, attempts: int) -> float:
    """Seconds until an object that was put aside with `status` (OCPI's or HTTP's) and did not change is tried again. What the partner will
    not have: an hour, doubling up to a day. What only failed may have met three faults of the network by chance: ten seconds, doubling
    up to an hour."""
    if status in THE_OBJECT or 1000 <= status < 3000:
        return min(3600.0 * 2.0 ** min(attempts, 5), 86_400.0)
    return min(10.0 * 2.0 ** min(attempts, 9), 3600.0)
