"""What the reading of a partner's lists found, as `pull`, `partner show` and `doctor` tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.modules.rows import MODULES
from interplug.partners.directory import Connection
from interplug.sync import course
from interplug.sync.pull import listed

from .ending import USAGE, columns, end

LISTS = tuple(module.id for module in MODULES if listed(module))
COUNTS = ("read", "changed", "quarantined", "ended", "missing", "doubted", "older", "repeated")


def check_list(names: Iterable[str]) -> None:
    """Of an option: modules that partners list."""
    if unknown := [name for name in names if name not in LISTS]:
        end(f"{unknown[0]!r} is no list of objects; there are {', '.join(LISTS)}", USAGE)


async def described(node: Node, connection: Connection) -> list[dict[str, Any]]:
    """The last reading of each list of a partner, and how far the one under way is."""
    docs = await node.store.read(lambda tx: tx.pulls.all())
    stands = [course.decoded(doc) for (of, _), doc in docs.items() if of == connection.id]
    return [
        {
            **msgspec.structs.asdict(one.report),
            "at": format_time(one.at) if one.at else None,
            "full_at": format_time(one.full_at) if one.full_at else None,
            "under_way": one.under_way.report.read if one.under_way is not None else None,
        }
        for one in stands
        if one.report is not None
    ]


def lines(reports: list[dict[str, Any]]) -> Iterator[str]:
    rows = [(one["module"], "full" if one["full"] else "changes", *(one[name] for name in COUNTS), one.get("at") or "") for one in reports]
    yield from columns(("list", "what", *COUNTS, "read to its end"), rows)
    for one in reports:
        yield from (f"{one['module']}: {text}" for text in wrong(one))


def wrong(report: dict[str, Any]) -> Iterator[str]:
    """What a person should know of a list."""
    yield from report["notes"]
    if report["repairs"]:
        yield "repaired " + ", ".join(f"{name} {n}" for name, n in report["repairs"].items())
    if report["fault"]:
        yield f"could not be read to its end: {report['fault']}"
