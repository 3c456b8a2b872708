"""Pull: a partner's lists into our copies of its objects.

A pull is a *delta* from the newest `last_updated` that the last one saw, less an overlap (objects show up late, clocks differ), or *full*:
an unfiltered list that was read to its end is the truth (LOC-013, TOK-020). What is missing, extra or different is found by it; see
`crawl` for the reading, `taking` for the objects, `absence` for what is missing.
"""

from __future__ import annotations

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.routes import Module

from .course import Pulled
from .crawl import CURSOR, Crawl, Progress
from .taking import CLIENTS

__all__ = ["CURSOR", "Progress", "Pulled", "listed", "pull", "pulled"]


async def pull(
    node: Node,
    connection: Connection,
    modules: tuple[str, ...] | None = None,
    *,
    full: bool = False,
    believe: bool = False,
    progress: Progress | None = None,
) -> list[Pulled]:
    """Brings our copies of this partner's objects level; a module whose list fails is reported and the others go on. `believe`: what a
    full list lacks ends at once, however much it is."""
    chosen = [module for module in pulled(node, connection) if modules is None or module.id in modules]
    reports = []
    for module in chosen:
        # A hub's first list says who is behind it, and so whose objects are taken from the others.
        now = node.directory.by_id(connection.id) or connection
        reports.append(await Crawl(node, now, module, full=full, believe=believe, progress=progress).run())
    return reports


def listed(module: Module) -> bool:
    """Whether partners list objects of this module that somebody receives."""
    return bool(module.receiver) and not module.call and (not module.configuration or module.id == CLIENTS)


def pulled(node: Node, connection: Connection) -> list[Module]:
    """The modules that this partner lists and that a role of ours receives: the parties behind a hub before all that is theirs, Tariffs
    before the Locations that name them."""
    ours = {party.role for party in node.directory.offered(connection)}
    wanted = [
        module
        for module in node.modules
        if listed(module)
        and (ours & set(module.receiver) if not module.configuration else connection.hub is not None)
        and connection.endpoint(module.id, "SENDER") is not None
    ]
    return sorted(wanted, key=lambda module: (module.id != CLIENTS, module.id not in ("tariffs", "tokens"), module.id == "cdrs"))
