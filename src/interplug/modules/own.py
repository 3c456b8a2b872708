"""What our own objects must hold to before a partner sees them: the rules for senders that no type can say.

`settle` mends what has only one meaning, by a named repair, and refuses the rest with the path. It is for objects that come from an
operator (a file, later the owner's API), which are ours to correct; what partners send is judged by `model.validate` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from interplug.model.types import fold, parse_time
from interplug.model.validate import Invalid

Document = dict[str, Any]


class Mended(NamedTuple):
    """What was done to an own object."""

    name: str
    path: str


def settle(kind: str, document: Document) -> tuple[Document, list[Mended]]:
    """The document as it may be shown, in the newest form; the same one where nothing had to be done. Raises `Invalid`."""
    if kind != "location":
        return document, []
    for check in _CHECKS:
        check(document)
    out, done = document, list[Mended]()
    for mend in _MENDS:
        out, mended = mend(out)
        done += mended
    return out, done


# --- refused


def _country(document: Document) -> None:
    """ISO 3166-1 alpha-3 for the place, alpha-2 for the owner (8.3.1)."""
    if len(document["country"]) != 3 or not document["country"].isalpha():
        raise Invalid("$.country", "an ISO 3166-1 alpha-3 code is needed")
    if len(document["country_code"]) != 2 or not document["country_code"].isalpha():
        raise Invalid("$.country_code", "an ISO 3166-1 alpha-2 code is needed")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(document: Document) -> None:
    if document["time_zone"] not in _zones():
        raise Invalid("$.time_zone", f"{document['time_zone'][:40]!r} is no IANA time zone")


def _parking(document: Document) -> None:
    """Parking ids are unique in the Location, and EVSEs refer to nothing else (8.3.4, 8.4.12)."""
    ids = [fold(parking["id"]) for parking in document.get("parking_places") or ()]
    if len(set(ids)) < len(ids):
        raise Invalid("$.parking_places", "two have the same id")
    for path, reference in _parking_references(document):
        if fold(reference) not in ids:
            raise Invalid(path, f"{reference!r} is none of the parking_places")


def _parking_references(document: Document) -> Iterator[tuple[str, str]]:
    for place, evse in enumerate(document.get("evses") or ()):
        for number, parking in enumerate(evse.get("parking") or ()):
            yield f"$.evses[{place}].parking[{number}].parking_id", parking["parking_id"]


def _publish_tokens(document: Document) -> None:
    """A PublishToken says something, and says of what type a uid and of which issuer a visual number is (8.4.24)."""
    for place, token in enumerate(document.get("publish_allowed_to") or ()):
        path = f"$.publish_allowed_to[{place}]"
        if not any(token.get(name) for name in ("uid", "visual_number", "group_id")):
            raise Invalid(path, "uid, visual_number or group_id is needed")
        for name, other in (("uid", "type"), ("visual_number", "issuer")):
            if token.get(name) and not token.get(other):
                raise Invalid(f"{path}.{other}", f"is needed beside {name}")


_CHECKS: tuple[Callable[[Document], None], ...] = (_country, _time_zone, _parking, _publish_tokens)

# --- mended


def _allowed_to(document: Document) -> tuple[Document, list[Mended]]:
    """publish_allowed_to has a meaning only where publish is false (8.3.1)."""
    if not document.get("publish_allowed_to") or not document["publish"]:
        return document, []
    return _without(document, "publish_allowed_to"), [Mended("publish_allowed_to of a published Location", "$.publish_allowed_to")]


def _hours(document: Document) -> tuple[Document, list[Mended]]:
    """Round the clock has no regular hours, and anything else has some; hours that say nothing are left out (8.4.17)."""
    hours = document.get("opening_times")
    if hours is None or hours["twentyfourseven"] is not bool(hours.get("regular_hours")):
        return document, []
    path = "$.opening_times"
    if hours["twentyfourseven"]:
        return {**document, "opening_times": _without(hours, "regular_hours")}, [Mended("regular_hours beside twentyfourseven", path)]
    return _without(document, "opening_times"), [Mended("opening_times without hours", path)]


def _last_updated(document: Document) -> tuple[Document, list[Mended]]:
    """A Location is at least as new as its newest EVSE (8.2.1.1)."""
    newest = max((evse["last_updated"] for evse in document.get("evses") or ()), key=parse_time, default=document["last_updated"])
    if parse_time(newest) <= parse_time(document["last_updated"]):
        return document, []
    return {**document, "last_updated": newest}, [Mended("last_updated older than an EVSE's", "$.last_updated")]


def _without(document: Document, name: str) -> Document:
    return {key: value for key, value in document.items() if key != name}


_MENDS: tuple[Callable[[Document], tuple[Document, list[Mended]]], ...] = (_allowed_to, _hours, _last_updated)
