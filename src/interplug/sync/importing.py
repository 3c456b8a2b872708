"""Files become our own objects: like a pull, but the partner is a file and the objects are ours.

Each object goes the same way: recognised, repaired by name, raised to the newest form, checked, saved; many in one transaction. One that
cannot be taken goes to quarantine as it came, with the reason, and costs itself alone. Parties that the node does not know become its
own; objects of a partner's parties are refused, for those come from the partner. Memory does not grow with the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from interplug.partners.directory import Directory
from interplug.protocol.headers import Party
from interplug.store.keys import Evidence, Key, Saved

from . import files

Document = dict[str, Any]
BATCH = 100
"""Objects in a transaction: a running node waits this long, at most, to write itself."""
ROLES = {"tokens": "EMSP"}
_PLACE = re.compile(r"\[\d+]")


@dataclass(slots=True, frozen=True)
class Wish:
    """What the operator said: the version of the objects, and the parties whose objects are wanted (none: all)."""

    version: str | None = None
    parties: tuple[Party, ...] = ()


@dataclass(slots=True, frozen=True)
class Refused:
    raw: bytes
    module: str
    id: str
    path: str
    reason: str


@dataclass(slots=True, frozen=True)
class Taken:
    """An object in its newest form, ready to be saved."""

    key: Key
    document: Document
    last_updated: int
    evidence: Evidence
    repairs: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What became of the objects of all files."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    repaired: int = 0
    refused: int = 0
    modules: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)
    parties: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.changed + self.unchanged

    def saved(self, taken: Taken, saved: Saved) -> None:
        if saved.created:
            self.created += 1
        elif saved.changed:
            self.changed += 1
        else:
            self.unchanged += 1
        self.modules[taken.key.module] += 1
        self.versions[taken.evidence.version] += 1
        self.repairs.update(taken.repairs)
        self.repaired += bool(taken.repairs)

    def refuse(self, refused: Refused) -> None:
        self.refused += 1
        reason = (refused.module, _PLACE.sub("[]", refused.path), refused.reason)
        self.reasons[reason] += 1
        self.examples.setdefault(reason, refused.id)

    def document(self) -> Document:
        """For people and programs; every refusal is in it, those with one reason as one row with the first id."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "repaired": self.repaired,
            "refused": self.refused,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "modules": dict(self.modules),
            "versions": dict(self.versions),
            "repairs": dict(self.repairs.most_common()),
            "reasons": [
                {"module": module, "path": path, "reason": reason, "count": count, "example": self.examples[module, path, reason]}
                for (module, path, reason), count in self.reasons.most_common()
            ],
            "parties": self.parties,
        }


async def bring_in(
    directory: Directory, file: IO[bytes], wish: Wish, report: Report, progress: Callable[[int], None] = lambda read: None
) -> None:
    """Saves the objects of `file` and tells `report`; raises `files.Unreadable` where the file cannot be read on.

    `progress` is told how many objects have been read.
    """
    intake = _Intake(directory, wish)
    async for batch in _batches(file):
        taken = [intake.take(raw) for raw in batch]
        report.read += len(batch)
        results = await directory.store.write(lambda tx, taken=taken: intake.save(tx, taken))
        for one, saved in zip(taken, results, strict=True):
            if isinstance(one, Refused):
                report.refuse(one)
            elif saved is not None:
                report.saved(one, saved)
        if intake.founded:
            report.parties += [str(party) for party in intake.founded]
            intake.founded = []
            await directory.refresh()
        progress(report.read)


async def _batches(file: IO[bytes]) -> AsyncIterator[list[bytes]]:
    """Those that were read are handed on before the end that cannot be read is."""
    batch: list[bytes] = []
    objects: Iterator[bytes] = files.objects(file)
    broken: files.Unreadable | None = None
    while broken is None:
        try:
            batch.append(next(objects))
        except StopIteration:
            break
        except files.Unreadable as error:
            broken = error
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
    if broken is not None:
        raise broken
