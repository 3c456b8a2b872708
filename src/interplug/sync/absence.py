"""What a partner's whole list lacks, though we hold it: noted first, ended when the list still lacks it after the time of grace.

Nothing is ended that came while the list was read, that stands in quarantine under its id, or because of a list that cannot be believed:
one that was cut short or that says it has more than it gave, or that lacks so much that it is rather the list that is wrong. A person
who knows better says so (`interplug pull --full --believe`). Ending keeps what Sessions and CDRs refer to: EVSEs are REMOVED, Tokens
not valid, Tariffs and payment terminals no longer shown.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from interplug.model.types import fold, parse_time
from interplug.modules.node import Node
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx

from .course import UnderWay
from .endings import ended

DOUBT = 0.2
"""A whole list that lacks more than this part of what we hold, and more than FEW objects, is not believed."""
FEW = 10
BATCH = 500
ENDED_BY_ABSENCE = ("locations", "tokens", "tariffs", "terminals")


class Absence:
    """For one list that was read to its end. `seen` and `aside` are the objects and ids that stood on it; `grace` in microseconds."""

    def __init__(
        self, node: Node, connection: int, module: str, way: UnderWay, seen: Collection[int], aside: Collection[str], grace: int
    ) -> None:
        self.node, self.connection, self.module, self.way = node, connection, module, way
        self.seen, self.aside, self.grace = seen, aside, grace

    async def settle(self, doubt: str | None, *, believe: bool) -> None:
        """`doubt`: why the list is not to be believed in this."""
        report = self.way.report
        missing, held = await self._missing()
        if doubt is None and len(missing) > FEW and len(missing) > held * DOUBT:
            doubt = f"it lacks {len(missing)} of the {held} objects that are held"
        if missing and doubt is not None and not believe:
            report.doubted = len(missing)
            report.notes.append(f"nothing ends because the list lacks it: {doubt}")
            return
        known = await self.node.store.read(lambda tx: tx.pulls.absent(self.connection, self.module))
        over = [one for one in missing if believe or self.way.began - known.get(one.pk, self.way.began) >= self.grace]
        wait = {one.pk for one in missing} - {one.pk for one in over}
        await self.node.store.write(lambda tx: self._note(tx, known, wait))
        for one in over:
            await self.node.store.write(partial(self._end, stored=one))
        report.ended, report.missing = len(over), len(wait)

    async def _note(self, tx: Tx, known: dict[int, int], wait: set[int]) -> None:
        await tx.pulls.found(self.connection, self.module, known.keys() - wait)
        await tx.pulls.miss(self.connection, self.module, wait, self.way.began)

    async def _missing(self) -> tuple[list[Stored], int]:
        missing: list[Stored] = []
        held = after = 0
        while True:
            keys, found = await self._batch(after)
            if not keys:
                return missing, held
            held, after = held + len(keys), keys[-1][0]
            missing += [one for one in found if one.received_at < self.way.began and _valid(one)]

    async def _batch(self, after: int) -> tuple[list[tuple[int, Key]], list[Stored]]:
        """The next keys, and the objects among them that the list did not have: those alone are read."""

        async def work(tx: Tx) -> tuple[list[tuple[int, Key]], list[Stored]]:
            keys = await tx.objects.keys(after, BATCH, source=self.connection, module=self.module)
            found = [await tx.objects.get_pk(pk) for pk, key in keys if pk not in self.seen and fold(key.id) not in self.aside]
            return keys, [one for one in found if one is not None]

        return await self.node.store.read(work)

    async def _end(self, tx: Tx, stored: Stored) -> None:
        document = ended(self.module, stored.document, max(self.way.began, stored.last_updated + 1_000_000))
        if document is None:
            await tx.objects.remove(stored.key)
        else:
            await tx.objects.save(stored.key, document, last_updated=parse_time(document["last_updated"]))


def _valid(stored: Stored) -> bool:
    """Whether there is still something to end."""
    if stored.key.module == "locations":
        return any(evse["status"] != "REMOVED" for evse in stored.document.get("evses") or ())
    return bool(stored.document.get("valid", True))
