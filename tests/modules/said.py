"""Small documents that a partner (BE-XYZ) or we (NL-TNM, DE-ABC) may send, in the newest form and in any version."""

from typing import Any

from interplug.model.types import format_time
from interplug.versions import chain
from interplug.versions.table import NEWEST
from tests.model import documents
from tests.nodes import T0

Document = dict[str, Any]
THEIR_PARTY = {"country_code": "BE", "party_id": "XYZ"}
T = format_time(T0)


def evse(uid: str = "E1", **more: Any) -> Document:
    return {**documents.EVSE, "uid": uid, "connectors": [connector()], "last_updated": T, **more}


def connector(name: str = "1", **more: Any) -> Document:
    return {**documents.CONNECTOR, "id": name, "last_updated": T, **more}


def location(name: str = "L1", **more: Any) -> Document:
    return {**documents.LOCATION, "id": name, "evses": [evse()], "postal_code": "1000", "last_updated": T, **more}


def tariff(name: str = "T1", **more: Any) -> Document:
    return {**documents.TARIFF, "id": name, "last_updated": T, **more}


def token(uid: str = "012345", **more: Any) -> Document:
    return {**documents.TOKEN, "uid": uid, "last_updated": T, **more}


def session(name: str = "S1", **more: Any) -> Document:
    return {**documents.SESSION, "id": name, "start_date_time": T, "last_updated": T, **more}


def cdr(name: str = "C1", **more: Any) -> Document:
    return {**documents.CDR, "id": name, "last_updated": T, **more}


def theirs(document: Document) -> Document:
    return {**document, **THEIR_PARTY}


def said(kind: str, document: Document, version: str, **facts: Any) -> Document:
    """As it is said in that version."""
    if version == NEWEST:
        return document
    view = chain.down(kind, document, version, chain.Facts(**facts))
    assert view is not None
    return view
