"""A Location that comes again: most of it is what we hold already, byte for byte.

Partners send whole Locations to say one thing. What is spelled as it stands in the store was read and checked when it came first, so
only the rest is read and checked now, by the same rules. This is a shorter way to the same end: whatever is unusual is left to
the way that every document can take (`replica.received`), which also finds the words for what is wrong.
"""

from __future__ import annotations

from typing import Any

import msgspec

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.model.validate import Invalid, validate, validate_patch
from interplug.store.bodies import fields_of
from interplug.store.locations import Held

Document = dict[str, Any]
IDS = frozenset({"country_code", "party_id", "id"})
TIME = "last_updated"
UNUSUAL = (msgspec.DecodeError, BadJson, Invalid, KeyError, RecursionError)

_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Unusual(Exception):
    """Something that only the longer way can judge."""


def news(raw: bytes, held: Held) -> Document | None:
    """The Location, with `Raw` for what stands there already, but for its time; None where the longer way has to be taken."""
    try:
        fields = fields_of(raw)
        evses = [_evse(evse, held) for evse in _LIST.decode(fields.pop("evses"))]
        if not held.fields.keys() <= fields.keys():
            return None
        changed = _read(encode_json({name: value for name, value in fields.items() if name == TIME or held.fields.get(name) != value}))
        if not IDS.isdisjoint(changed):
            return None
        validate_patch("location", changed, raw=raw)
    except (Unusual, *UNUSUAL):
        return None
    return {**fields, **changed, "evses": evses}


def _evse(raw: msgspec.Raw, held: Held) -> Document | msgspec.Raw:
    if bytes(raw) in held.evses:
        return raw
    evse = _read(bytes(raw))
    validate("evse", evse, bytes(raw))
    return evse


def _read(raw: bytes) -> Document:
    document = decode_json(raw)
    if not isinstance(document, dict) or b"null" in raw:  # which equals absent
        raise Unusual
    return document
