"""Who may see a Location (8.3.1, 8.4.24): everybody where it is published, else the owner of a Token that it names."""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold

Document = dict[str, Any]
FIELDS = ("uid", "type", "visual_number", "issuer", "group_id")
FOLDED = ("uid", "group_id")


def may_see(location: Document, token: Document | None) -> bool:
    """Whether a driver with this Token (None: nobody in particular) may be shown the Location."""
    if location.get("publish", True):
        return True
    return token is not None and any(_matches(entry, token) for entry in location.get("publish_allowed_to") or ())


def _matches(entry: Document, token: Document) -> bool:
    """All that the entry says holds for the Token; an entry that says nothing holds for none."""
    said = [name for name in FIELDS if entry.get(name)]
    return bool(said) and all(_same(name, entry[name], token.get(name)) for name in said)


def _same(name: str, one: str, other: str | None) -> bool:
    return other is not None and (fold(one) == fold(other) if name in FOLDED else one == other)
