"""What is unsent of one object to one partner: a key with numbers, never a document, for the newest state is read when it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from interplug.store.keys import Change, Key


@dataclass(slots=True)
class Item:
    """What is unsent of one object. `since` is the lowest number that is not delivered; `evses` by uid: only the status, or more."""

    pk: int
    key: Key
    since: int
    whole: bool = False
    evses: dict[str, bool] = field(default_factory=dict)
    """uid → True where more than the status changed."""
    left: bool = False
    """The object has left an audience of this partner since."""
    at: float = 0.0
    """When the lane heard of it, in seconds of the timer."""
    newest: int = 0
    """The highest number that is not delivered."""
    again: bool = False
    """The partner may have lost what it was given."""
    head: int = 0
    """When it was read to be sent, all changes up to this number were there."""
    alone: bool = False
    """It takes one request; of several the first is said before the last is read, so `head` stays what it was before all of them."""

    def add(self, change: Change, audiences: tuple[int, ...]) -> None:
        """One more change of the object; `audiences` are those of the partner."""
        self.since, self.newest = min(self.since, change.no), max(self.newest, change.no)
        if change.evse_uid is None:
            self.whole = True
            self.left |= any(audience in audiences for audience in change.was)
        else:
            self.evses[change.evse_uid] = self.evses.get(change.evse_uid, False) or change.what != "status"

    def merged(self, later: Item | None) -> Item:
        """This item, that was not delivered, and what came to the same object meanwhile."""
        if later is not None:
            self.whole |= later.whole
            self.left |= later.left
            self.again |= later.again
            self.newest = max(self.newest, later.newest)
            self.evses = {**self.evses, **{uid: more or self.evses.get(uid, False) for uid, more in later.evses.items()}}
        return self

    def copy(self) -> Item:
        return Item(self.pk, self.key, self.since, self.whole, dict(self.evses), self.left, self.at, self.newest, self.again, self.head)

    def covers(self, later: Item) -> bool:
        """Whether telling of this one says what `later` would, if both are told in the same form."""
        if later.left > self.left or later.again > self.again:
            return False
        parts = self.evses
        return self.whole or (not later.whole and all(uid in parts and parts[uid] >= more for uid, more in later.evses.items()))


def item_of(change: Change, audiences: tuple[int, ...]) -> Item:
    item = Item(change.pk, change.key, change.no)
    item.add(change, audiences)
    return item
