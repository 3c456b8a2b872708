"""What a PATCH does to a stored document: pure functions on newest documents.

The specification says that fields that are absent stay as they are (4.1.4.3) and leaves nested content open. Here nested
objects and plain lists are replaced as a whole; EVSEs and Connectors are merged by their id and never dropped by silence;
charging periods are appended, and a period whose start is already known replaces that one (an append whose answer was lost
is sent again). `null` equals absent and so changes nothing; the mark REMOVE, which only a translation makes, takes a field
away. Nothing here checks: a patch was validated before, the merged document is validated after.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold, parse_time
from interplug.versions.facts import REMOVE

Document = dict[str, Any]

PARTS = {("location", "evses"): ("evse", "uid"), ("evse", "connectors"): ("connector", "id")}
"""The lists whose entries have an id of their own: what an entry is, and the field that names it."""


def merge(kind: str, stored: Document, patch: Document) -> Document:
    """`stored` as `patch` leaves it; neither is changed."""
    merged = dict(stored)
    for name, value in patch.items():
        if value is REMOVE:
            merged.pop(name, None)
        elif value is not None:
            merged[name] = _value(kind, name, stored.get(name), value)
    return merged


def _value(kind: str, name: str, old: Any, new: Any) -> Any:
    if not isinstance(old, list) or not isinstance(new, list):
        return new
    if (kind, name) in PARTS:
        return merge_parts(old, new, *PARTS[kind, name])
    if name == "charging_periods":
        return append_periods(old, new)
    return new


def merge_parts(old: list[Document], new: list[Document], kind: str, key: str) -> list[Document]:
    """Entries of `new` merged into those of `old` with the same id; unknown ones follow at the end."""
    parts = {fold(part[key]): part for part in old}
    for patch in new:
        name = fold(str(patch.get(key)))
        known = parts.get(name)
        parts[name] = patch if known is None else merge(kind, known, {**patch, key: known[key]})
    return list(parts.values())


def append_periods(old: list[Document], new: list[Document]) -> list[Document]:
    periods = {_start(period): period for period in old}
    periods.update((_start(period), period) for period in new)
    return list(periods.values())


def _start(period: Document) -> int:
    return parse_time(period["start_date_time"])


def without_nulls(value: Any) -> Any:
    """The same without keys whose value is null (17: null equals absent)."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def latest(*times: str) -> str:
    """The latest of several times, as it was spelled: a late message must not lower a parent's last_updated."""
    return max(times, key=parse_time)
