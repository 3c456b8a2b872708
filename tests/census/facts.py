"""The census tables: what the official OCPI text says about each object, field and enum, version by version.

The three JSON files beside this one were written from the official text alone, not from `interplug.model`, so that
model, translation and tables can be wrong only independently. Each row restates a fact in our own form: name, type,
length, cardinality (`1`, `?`, `*`, `+`), and where the text gives one a grammar or a range.

Readings of the text that are worth knowing:
- 2.1.1 `Hours` is "one of two": either `regular_hours` or `twentyfourseven`; its own example gives both, so the pair
  false/hours is right as well (see rules.py).
- `Location.address`/`state` are 255/45 in 2.2.1 and 2.3.0 (their errata call the older 45/20 a mistake); `CdrLocation` kept 45/20.
- 2.3.0 is the core document with what the payments document adds to it; that one has a role PTP which stands in no table of roles, and
  calls street, town and state of a Terminal CiStrings, which they cannot be where streets have umlauts: string here.
- ModuleID is headed "enum" up to 2.2.1, but the same chapter allows custom identifiers: open in all three tables.
- VersionNumber is closed up to 2.2.1. The versions list itself has no version: check it with the newest table.

This file knows nothing of Interplug.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
SCALARS = frozenset({"CiString", "string", "URL", "DateTime", "number", "int", "boolean"})
CARDINALITIES = frozenset({"1", "?", "*", "+"})


@dataclass(frozen=True)
class Field:
    """One row of an object's table."""

    name: str
    type: str
    card: str
    length: int | None = None
    grammar: str | None = None
    min: int | None = None
    max: int | None = None

    @property
    def required(self) -> bool:
        return self.card in "1+"

    @property
    def many(self) -> bool:
        return self.card in "*+"


@dataclass(frozen=True)
class Enum:
    """The listed values; an open enum allows others."""

    open: bool
    values: tuple[str, ...]
    session_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """All objects and enums of one version."""

    version: str
    objects: dict[str, dict[str, Field]]
    modules: dict[str, str]
    enums: dict[str, Enum]


@cache
def table(version: str) -> Table:
    raw = json.loads(Path(__file__).with_name(f"ocpi-{version}.json").read_text(encoding="utf-8"))
    return Table(
        version=raw["version"],
        objects={name: {row["name"]: Field(**row) for row in body["fields"]} for name, body in raw["objects"].items()},
        modules={name: body["module"] for name, body in raw["objects"].items()},
        enums={name: _enum(body) for name, body in raw["enums"].items()},
    )


def _enum(body: dict[str, Any]) -> Enum:
    return Enum(body["open"], tuple(body["values"]), tuple(body.get("session_only", ())))


def values(version: str, enum: str) -> tuple[str, ...]:
    """The values that the text of this version lists."""
    return table(version).enums[enum].values


def is_open(version: str, enum: str) -> bool:
    return table(version).enums[enum].open
