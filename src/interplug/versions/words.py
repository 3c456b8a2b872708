"""How a path into a newest document is said in an older version, for messages to people of that version.

A document is checked in its newest form, so a complaint names the newest field; a partner that speaks 2.1.1 has never heard of
`contract_id` and needs `auth_id`. Only names are translated here, segment by segment; what has no older name stays as it is.
"""

import re

from .table import VERSIONS

# (kind, or "" for all; the name, with `$.` before it where only the top level is meant) -> the older name
_221 = {("", "before_taxes"): "excl_vat"}
_211 = {
    ("", "contract_id"): "auth_id",
    ("", "max_voltage"): "voltage",
    ("", "max_amperage"): "amperage",
    ("", "tariff_ids"): "tariff_id",
    ("location", "$.parking_type"): "type",
    ("session", "$.start_date_time"): "start_datetime",
    ("session", "$.end_date_time"): "end_datetime",
    ("session", "$.cdr_token"): "auth_id",
    ("session", "$.location_id"): "location.id",
    ("session", "$.evse_uid"): "location.evses[0].uid",
    ("session", "$.connector_id"): "location.evses[0].connectors[0].id",
    ("cdr", "$.end_date_time"): "stop_date_time",
    ("cdr", "$.cdr_token"): "auth_id",
    ("cdr", "$.cdr_location"): "location",
}
_OLDER = {"2.2.1": _221, "2.1.1": _211}
_NAME = re.compile(r"(?<=\.)\w+")


def said(path: str, kind: str, version: str) -> str:
    """`path` in the words of `version`."""
    for number in VERSIONS:
        words = _OLDER.get(number, {})
        path = _NAME.sub(lambda found, words=words: _word(found, words, kind), path)  # type: ignore[misc]
        if number == version:
            break
    return path


def _word(found: re.Match[str], words: dict[tuple[str, str], str], kind: str) -> str:
    name = found[0]
    top = words.get((kind, f"$.{name}")) if found.start() == 2 else None
    return top or words.get(("", name), name)
