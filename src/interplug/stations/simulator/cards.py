"""Who may charge, as far as the station knows it itself: the local list that its CSMS sends, and what it was told before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Standing:
    """What was said of a card."""

    status: str
    group: str = ""
    until: int | None = None

    @property
    def accepted(self) -> bool:
        return self.status == "Accepted"


@dataclass(slots=True)
class Cards:
    version: int = 0
    listed: dict[str, Standing] = field(default_factory=dict)
    remembered: dict[str, Standing] = field(default_factory=dict)

    def send(self, version: int, entries: Iterable[tuple[str, Standing | None]], *, full: bool) -> bool:
        """A whole list, or what has changed of it (None: that card is no longer there). False: older than what is here."""
        if not full and version <= self.version:
            return False
        if full:
            self.listed = {}
        for card, standing in entries:
            if standing is None:
                self.listed.pop(card.lower(), None)
            else:
                self.listed[card.lower()] = standing
        self.version = version
        return True

    def remember(self, id: str, standing: Standing) -> None:
        self.remembered[id.lower()] = standing

    def known(self, id: str, now: int, *, listed: bool, remembered: bool) -> Standing | None:
        """The list stands over what is remembered."""
        for allowed, kept in ((listed, self.listed), (remembered, self.remembered)):
            found = kept.get(id.lower()) if allowed else None
            if found is not None and (found.until is None or found.until > now):
                return found
        return None
