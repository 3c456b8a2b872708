"""Who does not know a new party of ours yet: partners learn of our parties when credentials are exchanged, and not before (7.3).

Until then a partner refuses the party's objects. Whoever is shown all our parties learns of it with new tokens; a 2.1.1 connection shows
one party alone, so there the new one needs a connection of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from interplug.modules.node import Node
from interplug.store.parties import OurParty


def untold(node: Node, added: Iterable[str]) -> list[dict[str, Any]]:
    """What to do for each registered partner that may see one of the parties that were `added`, written `CPO NL-ABC`."""
    found, wanted = [], set(added)
    for one in node.directory.all(registered=True) if wanted else ():
        offered = wanted & {_spelled(party) for party in node.directory.offered(one)}
        shown = wanted & {_spelled(party) for party in node.directory.shown(one)}
        commands = [f"interplug partner rotate {one.id}"] if shown else []
        commands += [
            f"interplug partner invite NAME --party {party.split()[1]} --version {one.version}" for party in sorted(offered - shown)
        ]
        if commands:
            found.append({"id": one.id, "partner": one.partner, "version": one.version, "commands": commands})
    return found


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    if rows:
        yield "registered partners do not know the new party yet and take nothing of it; while the node runs, tell them of it:"
    for row in rows:
        for command in row["commands"]:
            alone = f": OCPI {row['version']} knows one party a connection; this makes another" if " invite " in command else ""
            yield f"  {command}   ({row['partner']}{alone})"


def _spelled(party: OurParty) -> str:
    return f"{party.role} {party.country_code}-{party.party_id}"
