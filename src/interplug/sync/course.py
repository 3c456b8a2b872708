"""Where the reading of a partner's list stands: what the last one brought, and what the one under way has reached.

Both are kept, so that a person can see what was found, and a reading that was cut off goes on with the page that it had come to.
"""

from __future__ import annotations

import msgspec

from interplug.model.types import encode_json
from interplug.store.tx import Tx


class Pulled(msgspec.Struct):
    """What became of one module's list."""

    module: str
    full: bool
    read: int = 0
    changed: int = 0
    repairs: dict[str, int] = {}
    quarantined: int = 0
    ended: int = 0
    missing: int = 0
    """Objects that the list lacked and that end here if it still lacks them when the time of grace is over."""
    doubted: int = 0
    """Objects that the list lacked and that were kept because the list cannot be believed."""
    older: int = 0
    """Objects that were taken back to the older state that the list says."""
    repeated: int = 0
    """Objects that stood on the list more than once."""
    notes: list[str] = []
    """What was wrong with the list, in words."""
    fault: str | None = None
    """Why it could not be read to its end."""
    retry_after: float | None = None
    """Seconds for which the partner wants to be left alone."""


class UnderWay(msgspec.Struct):
    began: int
    query: dict[str, str]
    newest: int
    report: Pulled
    url: str | None = None
    """Where the next page is; None: at the beginning."""
    pages: int = 0
    total: int | None = None
    """How many objects the partner says there are."""
    read: bool = False
    """There is no further page."""
    failed: int = 0
    """How often in a row the next page could not be had."""
    parties: list[tuple[str, str]] | None = None
    """Whose objects it takes: the partner's parties when it began."""


class Seen(msgspec.Struct):
    """What one page brought: its address, the objects, and the ids of what could not be taken (empty: it had none)."""

    url: str
    pks: list[int]
    aside: list[str]


class Course(msgspec.Struct):
    at: int = 0
    """When the list was last read to its end, and when the whole of it was."""
    full_at: int = 0
    tried_at: int = 0
    report: Pulled | None = None
    under_way: UnderWay | None = None
    parties: list[tuple[str, str]] | None = None
    """Whose objects the last whole reading took; None: that was not noted."""


async def read(tx: Tx, connection: int, module: str) -> Course:
    doc = await tx.pulls.get(connection, module)
    return Course() if doc is None else decoded(doc)


async def write(tx: Tx, connection: int, module: str, course: Course) -> None:
    await tx.pulls.put(connection, module, encode_json(course))


def decoded(doc: bytes) -> Course:
    return _DECODER.decode(doc)


_DECODER = msgspec.json.Decoder(Course)
SEEN = msgspec.json.Decoder(Seen)
