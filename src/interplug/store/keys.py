"""The values that go in and out of the store: keys, what is stored under them, and what the change log says.

An object is known by module, source (0 is our own, else the connection it came over), country, party and id; tokens by their type
too (`kind`). Ids are compared folded (CiString) and kept as they were spelled. The same Location may come directly and through
two hubs: each copy is an object of its own, because `source` is part of the key.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from interplug.model.types import encode_json, fold

OWN = 0
"""The source of our own objects."""

GONE = -1
"""The audience of an object that was removed: nobody's, kept as evidence."""

What = Literal["new", "body", "status", "audience"]


class Key(msgspec.Struct, frozen=True, gc=False):
    module: str
    source: int
    country: str
    party: str
    id: str
    kind: str = ""

    def folded(self) -> tuple[str, str, int, str, str, str]:
        """In the order of the unique index."""
        return self.module, fold(self.id), self.source, fold(self.country), fold(self.party), self.kind


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What arrived, byte for byte, and over which connection."""

    raw: bytes
    connection: int
    version: str
    received_at: int


class Saved(msgspec.Struct, frozen=True, gc=False):
    created: bool = False
    changed: bool = False
    stale: bool = False
    pk: int = 0


class Stored:
    """An object as it stands; the document is put together when it is first asked for."""

    __slots__ = ("_document", "_make", "audience", "changed_no", "key", "last_updated", "pk", "received_at")

    def __init__(
        self, pk: int, key: Key, make: Callable[[], dict[str, Any]], last_updated: int, received_at: int, audience: int, changed_no: int
    ) -> None:
        self.pk = pk
        self.key = key
        self.last_updated = last_updated
        self.received_at = received_at
        self.audience = audience
        self.changed_no = changed_no
        self._make = make
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        if self._document is None:
            self._document = self._make()
        return self._document

    @property
    def raw(self) -> bytes:
        return encode_json(self.document)


class StoredEvse(msgspec.Struct, gc=False):
    pk: int
    location: int
    """The pk of the Location it stands in."""
    key: Key
    """The key of that Location."""
    uid: str
    status: str
    document: dict[str, Any]
    last_updated: int
    changed_no: int
    audience: int


class Change(msgspec.Struct, frozen=True, gc=False):
    """One entry of the log. `what` is as seen from the number that was asked from; a reader with a cursor of its own (a partner that
    is behind) decides by `created_no` and `body_no`. `was` names the audiences that the object has left since then."""

    no: int
    module: str
    pk: int
    key: Key
    evse_uid: str | None
    what: What
    audience: int
    source: int
    created_no: int
    body_no: int
    was: tuple[int, ...] = ()


class PageQuery(msgspec.Struct, frozen=True):
    """`party` is (country, party id). `after` is the `last_no` of the page before; `total` may be handed on with it, so that a crawl
    with date filters counts once. date_from is inclusive, date_to exclusive, both on last_updated."""

    module: str
    limit: int
    version: str
    audiences: tuple[int, ...] = (0,)
    party: tuple[str, str] | None = None
    date_from: int | None = None
    date_to: int | None = None
    after: int | None = None
    offset: int = 0
    total: int | None = None


class Page(msgspec.Struct, frozen=True, gc=False):
    """`bodies` stand in the order of `pks`. None: nothing is kept for that version, make it from `whole(pk)` and hand it back with
    `keep`. Empty: withheld."""

    pks: list[int]
    bodies: list[bytes | None]
    last_no: int
    total: int
    more: bool
    joined: bytes | None = None
    """The bodies, those that are withheld left out, with commas between; then `bodies` is empty."""
