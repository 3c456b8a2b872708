"""What a handler is handed: the node it runs in, and the call it answers.

`Node` names everything that lives as long as the process; `app.py` builds it. `Call` is one request of one partner,
authenticated and routed. What the modules need from stations or from the owner's back-end stands here as small
Protocols, so that the rooms to the right implement them and this room imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from interplug.config import Settings
from interplug.partners.client import PartnerClient
from interplug.partners.directory import Connection, Directory
from interplug.protocol.http import Request
from interplug.protocol.routes import Module, Place, Router
from interplug.store.store import Store
from interplug.versions.table import Version


@dataclass(slots=True, frozen=True)
class Outcome:
    """The result of a command at the station, in OCPI's words (CommandResultType), with a message for the driver."""

    result: str
    message: str | None = None
    session_id: str | None = None


class ChargingStations(Protocol):
    """Who carries out commands at our own stations: the simulator, OCPP, or the owner's back-end.

    Each call lasts until the station has answered; it raises nothing: a silent station is an Outcome TIMEOUT.
    `command` is the 2.3.0 document of the command, `connection` the partner that sent it.
    """

    async def start_session(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def stop_session(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def reserve_now(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def cancel_reservation(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def unlock_connector(self, command: dict[str, Any], connection: int) -> Outcome: ...


@dataclass(slots=True)
class Node:
    settings: Settings
    store: Store
    directory: Directory
    client: PartnerClient
    clock: Callable[[], int]
    """Microseconds UTC; the only clock that handlers read."""
    modules: tuple[Module, ...]
    router: Router
    secret: bytes
    """Seals paging cursors and callback URLs; derived from the node key."""
    stations: ChargingStations | None = None
    wake: list[Callable[[], None]] = field(default_factory=list)
    """Called when work was queued in the database for a loop of this process."""
    speed: float = 1.0
    """Seconds that pass on `clock` in a real one; above 1 only where everything is simulated."""

    def after(self, seconds: float) -> int:
        """The time of `clock` when so many real seconds have passed: how deadlines are stored."""
        return self.clock() + int(seconds * self.speed * 1_000_000)


@dataclass(slots=True)
class Call:
    node: Node
    request: Request
    connection: Connection
    version: Version
    place: Place
    now: int

    @property
    def params(self) -> dict[str, str]:
        return self.place.params
