"""Files become our own objects: like a pull, but the partner is a file and the objects are ours.

Each object goes the same way: recognised, repaired by name, raised to the newest form, checked, saved; many in one transaction. One that
cannot be taken goes to quarantine as it came, with the reason, and costs itself alone. Parties that the node does not know become its
own; objects of a partner's parties are refused, for those come from the partner. Memory does not grow with the file.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from interplug.partners.directory import Directory

from . import files
from .intake import Intake, Kept, Load, Refused, Taken, Wish, save

BATCH = 100
"""Objects in a transaction: a running node waits this long, at most, to write itself."""
_PLACE = re.compile(r"\[\d+]")


@dataclass(slots=True)
class Report:
    """What became of the objects of all files."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    repaired: int = 0
    dated: int = 0
    """New or changed, and told as of now."""
    refused: int = 0
    modules: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)
    parties: list[str] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    """CDRs that do not leave, by what was found; `withheld` is the first of each."""
    withheld: dict[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return self.created + self.changed + self.unchanged

    def saved(self, taken: Taken, kept: Kept) -> None:
        if kept.saved.created:
            self.created += 1
        elif kept.saved.changed:
            self.changed += 1
        else:
            self.unchanged += 1
        self.modules[taken.key.module] += 1
        self.versions[taken.evidence.version] += 1
        self.repairs.update(taken.repairs)
        self.repaired += bool(taken.repairs)
        self.dated += kept.dated and kept.saved.changed
        if kept.held is not None:
            self.held[kept.held.code] += 1
            self.withheld.setdefault(kept.held.code, taken.key.id)

    def refuse(self, refused: Refused) -> None:
        self.refused += 1
        reason = (refused.module, _PLACE.sub("[]", refused.path), refused.reason)
        self.reasons[reason] += 1
        self.examples.setdefault(reason, refused.id)

    def document(self) -> dict[str, Any]:
        """For people and programs; every refusal is in it, those with one reason as one row with the first id."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "repaired": self.repaired,
            "refused": self.refused,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "dated": self.dated,
            "modules": dict(self.modules),
            "versions": dict(self.versions),
            "repairs": dict(self.repairs.most_common()),
            "reasons": [
                {"module": module, "path": path, "reason": reason, "count": count, "example": self.examples[module, path, reason]}
                for (module, path, reason), count in self.reasons.most_common()
            ],
            "held": [{"code": code, "count": count, "example": self.withheld[code]} for code, count in self.held.most_common()],
            "parties": self.parties,
        }


async def bring_in(
    directory: Directory, file: files.Bytes, wish: Wish, report: Report, progress: Callable[[int], None] = lambda read: None
) -> None:
    """Saves the objects of `file` and tells `report`; raises `files.Unreadable` where the file cannot be read on.

    `progress` is told how many objects have been read.
    """
    intake = Intake(directory, wish)
    under_way: asyncio.Task[None] | None = None
    try:
        for batch in _batches(file):
            # The next objects are read while the last ones are written.
            load = intake.load(batch)
            if under_way is not None:
                await under_way
            under_way = asyncio.create_task(_write(directory, load, report))
            await asyncio.sleep(0)
            progress(report.read)
    finally:
        if under_way is not None:
            await under_way
    progress(report.read)


async def _write(directory: Directory, load: Load, report: Report) -> None:
    results = await directory.store.write(lambda tx: save(tx, directory, load))
    report.read += len(load.objects)
    for one, kept in zip(load.objects, results, strict=True):
        if kept.refused is not None:
            report.refuse(kept.refused)
        elif isinstance(one, Taken):
            report.saved(one, kept)
    if load.founded:
        report.parties += [f"{role} {party}" for role, party, _ in load.founded]
        await directory.refresh()


def _batches(file: files.Bytes) -> Iterator[list[bytes]]:
    """What was read before a place that cannot be read is handed on first."""
    objects, batch = files.objects(file), list[bytes]()
    try:
        for raw in objects:
            batch.append(raw)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except files.Unreadable:
        yield batch
        raise
    yield batch
