"""A CDR and what belongs to it: its Session, the charge or the drive behind it, the partner; and what is shown of them or is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.store.checks import About
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Stored
from interplug.store.stations import Charge
from interplug.store.tx import Tx

from . import facts
from .archive import Exhibit, Missing, readable


@dataclass
class Matter:
    """A CDR with what belongs to it; `exhibits` and `missing` grow in one order, always the same."""

    node: Node
    tx: Tx
    cdr: Stored
    about: About
    session: Stored | None
    charge: Charge | None
    drive: Drive | None
    connection: Connection | None
    exhibits: list[Exhibit] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def own(self) -> bool:
        return self.cdr.key.source == OWN

    @property
    def began(self) -> int:
        """When the first of it can have been said: a driver asks before a session begins."""
        times = [self.about.start_at]
        times += [self.charge.begun_at] if self.charge is not None else []
        times += [self.drive.created_at] if self.drive is not None else []
        return min(times) - facts.GRACE

    @property
    def session_id(self) -> str | None:
        named: str | None = self.cdr.document.get("session_id")
        return self.session.key.id if self.session is not None else named

    @property
    def reference(self) -> str | None:
        """How driver and operator name the authorisation."""
        named: str | None = self.cdr.document.get("authorization_reference")
        return named or (self.drive.id if self.drive is not None else None)

    def show(self, name: str, what: str, value: Any) -> None:
        self.exhibits.append(Exhibit(name, what, value if isinstance(value, bytes) else readable(value)))

    def lack(self, what: str, why: str) -> None:
        self.missing.append(Missing(what, why))

    def kept(self, setting: str) -> str:
        days = getattr(self.node.settings.store, setting)
        return f"it was never here, or is older than {days:g} days (store.{setting})"


async def gather(tx: Tx, node: Node, cdr: Stored) -> Matter:
    """Everything in the store that belongs to one CDR, ours or a partner's."""
    about: About | None = await tx.checks.get(cdr.pk)
    if about is None:
        about = facts.about(cdr.pk, cdr.key, cdr.document, await facts.session_of(tx, cdr.key, cdr.document, None))
    session = await tx.objects.get_pk(about.session_object) if about.session_object else None
    named = session.key.id if session is not None else cdr.document.get("session_id")
    own = cdr.key.source == OWN
    charge = await tx.stations.get(named) if own and named else None
    held = await tx.holds.get(cdr.pk)
    source = cdr.key.source
    if own:
        source = charge.connection if charge is not None else held.audience if held is not None else cdr.audience
    drive = None if own else await tx.drivers.of_cdr(cdr.pk, cdr.document.get("authorization_reference") or "")
    return Matter(node, tx, cdr, about, session, charge, drive, node.directory.by_id(source))
