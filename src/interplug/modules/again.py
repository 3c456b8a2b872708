"""A Location that comes again: most of it is what we hold already, byte for byte.

Partners send whole Locations to say one thing. What is spelled as it stands in the store was read and checked when it came first, so
only the rest is read and checked now, by the same rules. This is a shorter way to the same end: whatever is unusual is left to
the way that every document can take (`replica.received`), which also finds the words for what is wrong.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import msgspec

from interplug.model.types import BadJson, decode_json, encode_json
from interplug.model.validate import Invalid, validate, validate_patch
from interplug.store.bodies import fields_of
from interplug.store.locations import Held

Document = dict[str, Any]
IDS = frozenset({"country_code", "party_id", "id"})
READ = frozenset({"uid", "status", "last_updated"})
"""What the store looks at in any case."""
UNUSUAL = (msgspec.DecodeError, BadJson, Invalid, KeyError, RecursionError)

_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Unusual(Exception):
    """Something that only the longer way can judge."""


def news(raw: bytes, held: Held) -> Document | None:
    """The Location, with `Raw` for what stands there already, and so each EVSE; None where the longer way has to be taken."""
    try:
        fields = fields_of(raw)
        evses = _LIST.decode(fields.pop("evses"))
        if not held.fields.keys() <= fields.keys():
            return None
        document = _changed("location", fields, held.fields)
        document["evses"] = [_evse(evse, known) for evse, known in zip_longest(evses, held.evses[: len(evses)])]
    except (Unusual, *UNUSUAL):
        return None
    return document


def _evse(raw: msgspec.Raw, known: msgspec.Raw | None) -> Document | msgspec.Raw:
    """`known` is what stands at the same place."""
    if raw == known:
        return raw
    if known is not None:
        fields, held = fields_of(raw), fields_of(known)
        if held.keys() <= fields.keys() and fields["uid"] == held["uid"] and fields.get("connectors") == held.get("connectors"):
            return _changed("evse", fields, held)
    evse = _read(bytes(raw))
    validate("evse", evse, bytes(raw))
    return evse


def _changed(kind: str, fields: dict[str, msgspec.Raw], held: dict[str, msgspec.Raw]) -> Document:
    """The fields, those that are spelled otherwise read and checked."""
    other = {name: value for name, value in fields.items() if name in READ or held.get(name) != value}
    if not IDS.isdisjoint(other):
        raise Unusual
    spelled = encode_json(other)
    changed = _read(spelled)
    validate_patch(kind, changed, raw=spelled)
    return {**fields, **changed}


def _read(raw: bytes) -> Document:
    document = decode_json(raw)
    if not isinstance(document, dict) or b"null" in raw:  # which equals absent
        raise Unusual
    return document
