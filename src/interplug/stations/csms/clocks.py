"""What time it was at a station. Its own clock may be wrong by an hour, in another zone, or stand in 1970.

From statuses, which a station sends as things happen, follows how far its clock is off; the middle of the newest of them counts, and
only what is more than a minute off is corrected. One that is right ends that, for the clock was set; what is right as it is said is not
corrected either. What it tells of transactions is no evidence: that may have waited for a line. A time that cannot be read, that lies in
a year before there were such stations, or in the future, becomes the time at which the message came. Nothing is lost by that: the inbox
has what was said.

Some stations say the time of the wall beside them as if it were UTC. That is off by another hour after a night in which clocks are
changed, so what they say is read as the local time of their Location. Of the hour that there is twice in autumn, the later one is
meant that is not in the future: stations tell most of what happens at once.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

from interplug.model.types import parse_time
from interplug.tariffs.zones import DAY, Clock

SECOND = 1_000_000
TOLERATED = 60 * SECOND
FIRST = parse_time("2015-01-01T00:00:00Z")


class StationClock:
    def __init__(self, zone: Clock | None = None) -> None:
        """`zone`: that of the Location."""
        self._zone = zone
        self._says_local = False
        self._heard: deque[int] = deque(maxlen=9)
        self.off = 0
        """What has to be added to the station's times."""

    def heard(self, text: object, now: int) -> None:
        """A time in a message that was sent at once."""
        said = _read(text)
        if said is not None:
            if abs(now - said) <= TOLERATED:
                self._heard.clear()
                self._says_local = False
            elif any(abs(now - at) <= TOLERATED for at in self._local(said)):
                self._says_local = True
            self._heard.append(now - said)
            middle = median_low(self._heard)
            self.off = middle if abs(middle) > TOLERATED else 0

    def time(self, text: object, now: int) -> int:
        """When it was, of a message that came at `now`."""
        said = _read(text)
        if said is None:
            return now
        right = abs(now - said) <= TOLERATED
        possible = self._local(said) if self._says_local and not right else [said if right else said + self.off]
        return max((at for at in possible if FIRST <= at <= now + TOLERATED), default=now)

    def _local(self, said: int) -> list[int]:
        """The moments at which the wall said so: two in autumn, none in an hour of spring."""
        if self._zone is None:
            return []
        moments = {said - self._zone.offset(said + day) * SECOND for day in (-DAY * SECOND, DAY * SECOND)}
        return [at for at in moments if at + self._zone.offset(at) * SECOND == said]


def _read(text: object) -> int | None:
    try:
        return parse_time(str(text).strip().replace(" ", "T", 1))
    except ValueError:
        return None
