"""What time it was at a station. Its own clock may be wrong by an hour, in another zone, or stand in 1970.

From messages that a station sends as things happen follows how far its clock is off; the middle of the newest of them counts, and
only what is more than a minute off is corrected. A time that cannot be read, that lies in a year before there were such stations, or
in the future, becomes the time at which the message came. Nothing is lost by that: the inbox has what was said.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

from interplug.model.types import parse_time

SECOND = 1_000_000
TOLERATED = 60 * SECOND
FIRST = parse_time("2015-01-01T00:00:00Z")


class StationClock:
    def __init__(self) -> None:
        self._off: deque[int] = deque(maxlen=9)

    @property
    def off(self) -> int:
        """What has to be added to the station's times."""
        middle = median_low(self._off) if self._off else 0
        return middle if abs(middle) > TOLERATED else 0

    def heard(self, text: object, now: int) -> None:
        """A time in a message that was sent at once."""
        said = _read(text)
        if said is not None:
            self._off.append(now - said)

    def time(self, text: object, now: int) -> int:
        """When it was, of a message that came at `now`."""
        said = _read(text)
        if said is None:
            return now
        at = said + self.off
        return now if at < FIRST or at > now + TOLERATED else at


def _read(text: object) -> int | None:
    try:
        return parse_time(str(text).strip().replace(" ", "T", 1))
    except ValueError:
        return None
