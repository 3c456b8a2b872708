"""The row of an EVSE, and the document of a Location that is put together from such rows: columns, statements, and how both are read.

What is written when, and which number it takes, is not known here (`locations.py`).
"""

from typing import Any, NamedTuple

from msgspec import Raw

from interplug.model.types import encode_json, fold, format_time, parse_time
from interplug.store.bodies import read_document
from interplug.store.database import Look
from interplug.store.heads import COLUMNS, WHERE_KEY
from interplug.store.keys import Key, StoredEvse

EVSE = "e.pk, e.uid, e.spelling, e.position, e.status, e.created_no, e.changed_no, e.body_no, e.status_no, e.last_updated, e.doc"
FIND_EVSE = f"select {COLUMNS}, {EVSE} from object o left join evse e on e.object = o.pk and e.uid = ? where {WHERE_KEY}"
FIND_UID = f"""
select {EVSE}, o.pk, o.audience, o.source, o.spelling from evse e join object o on o.pk = e.object
where e.uid = ? and o.audience >= 0 order by o.source, o.pk"""
ALL_OF = f"select {EVSE} from evse e where e.object = ? order by e.position, e.pk"
INSERT = """
insert into evse (object, country, party, uid, spelling, position, status, created_no, changed_no, body_no, status_no, last_updated, doc)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"""
UPDATE = "update evse set status = ?, changed_no = ?, body_no = ?, status_no = ?, last_updated = ?, doc = ? where pk = ?"
PLACE = "update evse set position = ? where pk = ?"


class EvseRow(NamedTuple):
    pk: int
    uid: str
    spelling: str
    position: int
    status: str
    created_no: int
    changed_no: int
    body_no: int
    status_no: int
    last_updated: int
    doc: bytes


class Sent(NamedTuple):
    """An EVSE of a Location that is to be stored; `document` is None where `raw` stands here already."""

    document: dict[str, Any] | None
    raw: bytes
    moment: int


def evse_of(key: Key, uid: str) -> Look:
    """What `get_evse` will ask, for `Store.write`."""
    return FIND_EVSE, (fold(uid), *key.folded())


def evses_called(uid: str) -> Look:
    """What `find_evse` will ask."""
    return FIND_UID, (fold(uid),)


def by_uid(document: dict[str, Any], last_updated: int, before: list[EvseRow]) -> dict[str, Sent]:
    """In their order; of two with one uid, the later counts. One that is `Raw` stands here at the same place."""
    found: dict[str, Sent] = {}
    for place, evse in enumerate(document.get("evses") or ()):
        if type(evse) is Raw:
            row = before[place]
            found[row.uid] = Sent(None, row.doc, row.last_updated)
        else:
            found[fold(str(evse["uid"]))] = Sent(evse, encode_json(evse), told_time(evse, last_updated))
    return found


def told_time(document: dict[str, Any], otherwise: int) -> int:
    """Its last_updated, in microseconds."""
    try:
        return parse_time(document["last_updated"])
    except (KeyError, ValueError):
        return otherwise


def assemble(body: bytes, last_updated: int, rows: list[EvseRow]) -> dict[str, Any]:
    """The whole document; a last_updated that was raised by its EVSEs stands in the small row alone, and enters here."""
    document: dict[str, Any] = read_document(body)
    if told_time(document, last_updated) < last_updated:
        document["last_updated"] = format_time(last_updated)
    if rows:
        document["evses"] = [read_document(row.doc) for row in rows]
    return document


def seen(row: EvseRow, pk: int, key: Key, audience: int) -> StoredEvse:
    return StoredEvse(row.pk, pk, key, row.spelling, row.status, read_document(row.doc), row.last_updated, row.changed_no, audience)
