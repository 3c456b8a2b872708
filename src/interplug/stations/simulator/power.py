"""Who divides the power of a station: the charging profiles that were sent to it, and what each EVSE may give because of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from . import limits
from .limits import SECOND, Period, Profile
from .plan import Connector
from .transaction import Transaction

MOST_PROFILES = 20


class Plug(Protocol):
    """What has to be known of an EVSE."""

    number: int
    cap: float
    tx: Transaction | None

    @property
    def connector(self) -> Connector: ...
    @property
    def authorised(self) -> bool: ...


class Power:
    def __init__(self) -> None:
        self.evses: list[Plug] = []
        self.profiles: list[Profile] = []
        self.place: Profile | None = None
        """The limit of what is around the station, which no CSMS has sent and none can clear."""

    @property
    def holding(self) -> list[Profile]:
        return self.profiles if self.place is None else [*self.profiles, self.place]

    # --- what holds now

    def recap(self, now: int) -> None:
        """The station's own limit is shared evenly by those who charge."""
        charging = sum(one.tx is not None and one.authorised for one in self.evses)
        for evse in self.evses:
            share = limits.shared(self.holding, now, evse.connector) / max(1, charging)
            evse.cap = limits.possible(min(self._own(evse, now), share), evse.connector)

    def _own(self, evse: Plug, at: int) -> float:
        tx = evse.tx
        return limits.allowed(
            self.profiles, at, evse.connector, evse=evse.number, transaction=tx.id if tx else None, since=tx.began if tx else None
        )

    def next(self, now: int) -> int | None:
        if not self.holding:
            return None
        begins = {one.tx.began if one.tx is not None else None for one in self.evses}
        return min((at for since in begins if (at := limits.next_change(self.holding, now, since)) is not None), default=None)

    # --- what was sent

    def install(self, profile: Profile) -> bool:
        """It takes the place of one with its id, and of one that holds in the same place. False: there are too many."""
        others = [one for one in self.profiles if one.id != profile.id and not _same_place(one, profile)]
        if len(others) >= MOST_PROFILES:
            return False
        self.profiles = [*others, profile]
        return True

    def rival(self, profile: Profile) -> bool:
        """Whether another profile holds in the same place, which 2.x refuses."""
        return any(one.id != profile.id and _same_place(one, profile) for one in self.profiles)

    def clear(self, matches: Callable[[Profile], bool]) -> int:
        left = [one for one in self.profiles if not matches(one)]
        gone, self.profiles = len(self.profiles) - len(left), left
        return gone

    def attach(self, profile: Profile, transaction: str) -> None:
        self.install(replace(profile, transaction=transaction))

    def detach(self, transaction: str) -> None:
        self.clear(lambda one: one.transaction == transaction)

    # --- what is to come

    def composite(self, number: int, now: int, duration: int, unit: str) -> list[Period]:
        """What an EVSE, or with 0 the station, may give in the seconds ahead."""
        end, at = now + duration * SECOND, now
        found: list[Period] = []
        while at < end:
            limit = self._ahead(number, at, unit)
            if not found or found[-1].limit != limit:
                found.append(Period((at - now) // SECOND, limit))
            changes = self._changes(number, at)
            if changes is None:
                break
            at = changes
        return found

    def _ahead(self, number: int, at: int, unit: str) -> float:
        plugs = [one for one in self.evses if number in (0, one.number)]
        most = [min(self._own(one, at), float(one.connector.watts)) for one in plugs]
        watts = min(sum(most), *(limits.shared(self.holding, at, one.connector) for one in plugs))
        if unit == "W":
            return round(watts, 1)
        plug = plugs[0].connector
        return round(watts / plug.volts / (1 if plug.dc else plug.phases), 1)

    def _changes(self, number: int, at: int) -> int | None:
        begins = {one.tx.began if one.tx is not None else None for one in self.evses if number in (0, one.number)}
        found = (limits.next_change(self.holding, at, since) for since in begins)
        return min((moment for moment in found if moment is not None), default=None)


def _same_place(one: Profile, other: Profile) -> bool:
    same = one.purpose == other.purpose and one.stack == other.stack and one.evse == other.evse
    return same and one.transaction == other.transaction
