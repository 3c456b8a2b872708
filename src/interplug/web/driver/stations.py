"""What is said of every station: whether drivers may see it, and when who tells of it was last heard."""

from __future__ import annotations

from dataclasses import dataclass

from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx


@dataclass(slots=True, frozen=True)
class Contact:
    """When who tells of a station was last heard, and since when it does not answer; 0: not known, or it does."""

    partner: str
    heard: int
    silent: int


def public(stored: Stored) -> bool:
    return stored.key.module == "locations" and stored.key.source != OWN


async def contact_of(tx: Tx, node: Node, source: int, otherwise: int) -> Contact:
    """The last contact with a partner; `otherwise` is when it was heard at the latest, if the log does not tell."""
    connection = node.directory.by_id(source)
    heard, silent = await tx.pulses.contact(source)
    partner = "a former partner" if connection is None else connection.partner
    return Contact(partner, max(heard, otherwise), silent)
