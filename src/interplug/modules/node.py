"""What a handler is handed: the node it runs in, and the call it answers.

`Node` names everything that lives as long as the process; `opening.py` builds it. `Call` is one request of one partner,
authenticated and routed. What the modules need from stations or from the owner's back-end stands here as small
Protocols, so that the rooms to the right implement them and this room imports none of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from interplug.config import Settings
from interplug.partners.client import PartnerClient
from interplug.partners.directory import Connection, Directory
from interplug.protocol.headers import Party
from interplug.protocol.http import Request
from interplug.protocol.routes import Module, Place, Router
from interplug.store.messages import MessageLog
from interplug.store.pages import Pages
from interplug.store.store import Store
from interplug.telemetry.figures import Requests
from interplug.versions.table import Version

T = TypeVar("T")
STEERING = ("sessions", "chargingprofiles")
"""The modules in which who was let steer the Sessions of all sees and does more than others."""
log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class Outcome:
    """The result of a command at the station, in OCPI's words (CommandResultType), with a message for the driver."""

    result: str
    message: str | None = None
    session_id: str | None = None
    profile: dict[str, Any] | None = None
    """The ActiveChargingProfile that was asked for."""


class ChargingStations(Protocol):
    """Who carries out commands at our own stations: OCPP, or the owner's back-end.

    Each call lasts until the station has answered; it raises nothing: a silent station is an Outcome TIMEOUT.
    `command` is the 2.3.0 document of the command, `connection` the partner that sent it.
    """

    async def start_session(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def stop_session(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def reserve_now(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def cancel_reservation(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def unlock_connector(self, command: dict[str, Any], connection: int) -> Outcome: ...

    # What ChargingProfiles asks (15): `session_id`, and `charging_profile` or `duration`; ACCEPTED, REJECTED or UNKNOWN. Each partner has
    # one profile a Session, which its next one replaces; where several have one, the least limit holds. Connection 0 is ourselves.
    async def set_charging_profile(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def active_charging_profile(self, command: dict[str, Any], connection: int) -> Outcome: ...
    async def clear_charging_profile(self, command: dict[str, Any], connection: int) -> Outcome: ...

    # After either was noted: who asks at the same time knows nothing of it.
    async def level_charging_profiles(self, command: dict[str, Any], connection: int) -> None: ...


class Verdict(msgspec.Struct, frozen=True):
    """What the eMSP's business says to a charge. `evse_uids` narrows where; None: wherever it was asked for."""

    allowed: str = "ALLOWED"
    info: str | None = None
    evse_uids: tuple[str, ...] | None = None
    place_needed: bool = False
    """The decision depends on the Location, and none was named (2002)."""


class Drivers(Protocol):
    """The eMSP's own business, asked in real time: credit, blocked accounts, places. It raises nothing and is quick."""

    async def may_charge(self, token: dict[str, Any], place: dict[str, Any] | None) -> Verdict: ...


@dataclass(slots=True)
class Node:
    settings: Settings
    store: Store
    directory: Directory
    client: PartnerClient
    messages: MessageLog
    clock: Callable[[], int]
    """Microseconds UTC; the only clock that handlers read."""
    modules: tuple[Module, ...]
    router: Router
    secret: bytes
    """Seals paging cursors and callback URLs; derived from the node key."""
    stations: ChargingStations | None = None
    drivers: Drivers | None = None
    answered: Requests = field(default_factory=Requests)
    """The requests of partners, counted."""
    heard: set[int] = field(default_factory=set)
    """The connections that spoke to us since push last looked: a partner that was away is back."""
    reading: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    """When a connection began to read a whole list of ours that it has not finished, and the offset that it has reached."""
    has_read: dict[tuple[int, str], int] = field(default_factory=dict)
    """When the connections that have read a whole list since push last looked began with it."""
    pages: Pages = field(default_factory=Pages)
    """Of our lists, as they were read last."""
    speed: float = 1.0
    """Seconds that pass on `clock` in a real one; above 1 only where everything is simulated."""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    """What was begun for a request and goes on after its answer; the database knows of each."""

    def after(self, seconds: float) -> int:
        """The time of `clock` when so many real seconds have passed: how deadlines are stored."""
        return self.clock() + int(seconds * self.speed * 1_000_000)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Goes on with `work` after the answer; its failure is the log's business, not the partner's."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def begun(self, work: Coroutine[Any, Any, T], seconds: float) -> T | None:
        """What `work` comes to; None where that takes longer, and it goes on."""
        task = self.begin(work)
        await asyncio.wait({task}, timeout=seconds)
        return task.result() if task.done() else None

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work after an answer failed", exc_info=error)

    async def end(self) -> None:
        """Stops what goes on; the database says what was left undone."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Call(msgspec.Struct):
    node: Node
    request: Request
    connection: Connection
    version: Version
    place: Place
    now: int
    to: Party | None = None
    """The party of ours that the routing headers name."""
    sender: Party | None = None
    """The party that asks, as the routing headers name it; never a proof of anything."""

    @property
    def params(self) -> dict[str, str]:
        return self.place.params

    def for_sender(self, session: dict[str, Any]) -> bool:
        """Whether a Session or CDR is the sender's business: of the eMSPs behind a hub each has its own drivers' alone; who was let
        steer all sees and steers all Sessions, and has of CDRs and commands no more than others."""
        steers = bool(self.connection.steered) and self.place.module.id in STEERING
        whose = None if steers else self.connection.behind(self.sender)
        token = session["cdr_token"]
        return whose is None or whose.key == Party(token["country_code"], token["party_id"]).key
