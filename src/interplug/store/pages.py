"""Pages that were read a while ago, joined, for whoever asks for the same one next: many partners read the same list.

A page is taken from here only where the database says, in the snapshot of the reader, that nothing in it is another since: which objects
it holds is fixed by its feeds, their `moved_no` and where it begins, but for new ones at its end; so the same number of objects and the
same newest change number among them are the same page. Its bytes are then not read again, which is most of what a page costs.
What is asked for once, or is another each time, is only noted: to keep it costs more than to read it.
"""

from collections import OrderedDict
from typing import NamedTuple

MOST = 64 * 1024 * 1024
"""Bytes in one process. What was not asked for longest goes first."""

NOTED = 256
"""Bytes of the note alone, or nearly."""

Place = tuple[tuple[int, ...], int, int, int, str]
"""The feeds, their moved_no, the key before the first object, the limit, the version."""
State = tuple[int, int]
"""How many objects, the next page's first among them, and the newest change number."""


class Known(NamedTuple):
    """A page that was asked for: its state, where one was looked for, and what is kept of it."""

    state: State | None = None
    pks: list[int] = []  # noqa: RUF012 (nobody changes it)
    last_no: int = 0
    joined: bytes | None = None


class Pages:
    def __init__(self, most: int = MOST) -> None:
        self._known: OrderedDict[Place, Known] = OrderedDict()
        self._most = most
        self._size = 0

    def get(self, place: Place) -> Known | None:
        known = self._known.get(place)
        if known is not None:
            self._known.move_to_end(place)
        return known

    def keep(self, place: Place, known: Known) -> None:
        before = self._known.pop(place, None)
        self._known[place] = known
        self._size += _size(known) - (0 if before is None else _size(before))
        while self._size > self._most:
            self._size -= _size(self._known.popitem(last=False)[1])


def _size(known: Known) -> int:
    return NOTED + 64 * len(known.pks) + len(known.joined or b"")
