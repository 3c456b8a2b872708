"""Charging profiles, carried to stations that speak OCPP and back: set, cleared, planned, and set again when a station is back.

What holds for a Session stands in the store, by who has set it (`modules.steering`); a station is told one sum of it. What it can take
(units, periods, stack levels) it is asked once a connection; one that does not say is believed able.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from interplug.charges.pinned import NoPlace, find_place
from interplug.model.types import decode_json
from interplug.modules import steering
from interplug.modules.node import Node, Outcome
from interplug.modules.schedules import Plug, plug_of
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import Gone, Refused, Silent
from interplug.store.charging_stations import StationRow
from interplug.store.keys import OWN
from interplug.store.ocpp import Transaction
from interplug.store.tx import Tx

from .lines import Lines
from .meant import outlet_at
from .schedules import Ability, Schedule, ids, made, plan
from .speech import Want, reason
from .versions import of_version

log = logging.getLogger(__name__)
Document = dict[str, Any]
JUST = 10.0
MOMENT = 1.0
"""Seconds until a station that has just begun a transaction is asked again."""
NO_CHARGE = Outcome("REJECTED", "nothing is charging there any more")
AWAY = Outcome("TIMEOUT", "the station cannot be reached")
TOO_MANY = Outcome("REJECTED", "these are more periods than the station can hold")


class Running(NamedTuple):
    """A charge at a station, with the profiles that hold for it, by who has set them."""

    station: StationRow
    row: Transaction
    plug: Plug
    held: dict[int, Document]


@dataclass(slots=True)
class Limits:
    node: Node
    lines: Lines
    shy: set[str]
    """Whom not to ask for its configuration."""
    _able: dict[str, tuple[int, Ability]] = field(default_factory=dict)
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _brought: dict[tuple[str, int], dict[int, Document]] = field(default_factory=dict)
    """By Session and by who has asked: what the station was told, until it is noted that it holds."""
    _unsure: dict[str, int] = field(default_factory=dict)
    """By Session: how many profiles a station may have taken that has not answered, for somebody who was told that it did not."""

    async def set(self, session: str, profile: Document, connection: int) -> Outcome:
        async with self._turn(session):
            running = await self._running(session)
            if isinstance(running, Outcome):
                return running
            return await self._bring(running, {**running.held, connection: profile}, (session, connection))

    async def clear(self, session: str, connection: int) -> Outcome:
        async with self._turn(session):
            running = await self._running(session)
            if isinstance(running, Outcome):
                return running
            if connection not in running.held:
                return Outcome("UNKNOWN", "there is no profile to clear")
            others = {of: profile for of, profile in running.held.items() if of != connection}
            return await self._bring(running, others, (session, connection))

    async def level(self, session: str, connection: int) -> None:
        """What they have asked for is noted now. Of several who ask at once, in whatever process, each has told the station what held
        without the others; the one that is noted last tells it what holds of all."""
        if (session, connection) not in self._brought:
            return
        async with self._turn(session):
            brought = self._brought.pop((session, connection), None)
            running = await self._running(session)
            if brought is None or isinstance(running, Outcome) or running.held == brought:
                return
            outcome = await self._bring(running._replace(held=brought), running.held)
        log.info("Session %s was limited by several at once; the station was told what holds now: %s", session, outcome.result)
        await steering.moved(self.node, session)

    async def plan(self, session: str, seconds: int) -> Outcome:
        running = await self._running(session)
        if isinstance(running, Outcome):
            return running
        units = {profile["charging_rate_unit"] for profile in running.held.values()}
        unit = units.pop() if len(units) == 1 else ""
        answer = await self._ask(running.station, "active_charging_profile", Want(evse=running.row.evse, number=seconds, unit=unit))
        if isinstance(answer, Outcome):
            return answer
        if answer.get("status") != "Accepted":
            return Outcome("REJECTED", "the station does not tell its plan")
        told = answer.get("chargingSchedule") or answer.get("schedule")
        start = answer.get("scheduleStart") or (told or {}).get("scheduleStart")
        return Outcome("ACCEPTED", profile=plan(told, start, running.plug, self.node.clock(), seconds))

    async def again(self, station: StationRow) -> None:
        """The station is back: it may have lost what it was told."""
        for row in await self.node.store.read(lambda tx: tx.ocpp.open(station.id), snapshot=False):
            if row.session in self._unsure:
                await self._sure(row.session)
            async with self._turn(row.session):
                running = await self._running(row.session) if row.session else NO_CHARGE
                if isinstance(running, Running) and running.held:
                    outcome = await self._bring(running, running.held)
                    self._told(row.session, running.held)
                    log.info("station %s: the limits of Session %s were told again: %s", station.id, row.session, outcome.result)

    async def _sure(self, session: str) -> None:
        """What a station was told that did not answer is taken back, as soon as it answers again."""
        async with self._turn(session):
            count, running = self._unsure.pop(session, 0), await self._running(session)
            if count and isinstance(running, Running):
                if not await self._take_back(running, count):
                    self._unsure[session] = count
                self._told(session, running.held)

    def _told(self, session: str, held: dict[int, Document]) -> None:
        """The station was told what was noted; what was asked for since, and is noted next, it has to be told again (`level`)."""
        for asked in self._brought:
            if asked[0] == session:
                self._brought[asked] = held

    async def moved(self, station: str, evse: int) -> None:
        """The station has other limits now; evse 0: at all of its EVSEs."""
        for row in await self.node.store.read(lambda tx: tx.ocpp.open(station), snapshot=False):
            if row.session and evse in (0, row.evse):
                await steering.moved(self.node, row.session)

    # --- what is meant

    async def _running(self, session: str) -> Running | Outcome:
        async def work(tx: Tx) -> Running | Outcome:
            row = await tx.ocpp.of_session(session)
            station = await tx.charging_stations.get(row.station) if row is not None else None
            outlet = outlet_at(station, row.evse, row.connector) if station is not None and row is not None else None
            if row is None or station is None or outlet is None or row.ended_at:
                return NO_CHARGE
            try:
                place = await find_place(tx, station.place, outlet.evse_uid, outlet.connector_id)
            except NoPlace as error:
                return Outcome("REJECTED", str(error))
            known = await tx.profiles.of(OWN, session)
            held = {one.connection: decode_json(one.document) for one in known if one.document}
            return Running(station, row, plug_of(place.connector), held)

        return await self.node.store.read(work, snapshot=False)

    async def _ability(self, station: StationRow) -> Ability:
        epoch, able = self._able.get(station.id, (-1, Ability()))
        if epoch == station.epoch or station.id in self.shy:
            return able
        answer = await self._ask(station, "ability", Want())
        if isinstance(answer, Outcome) and answer.result == "TIMEOUT":
            self.shy.add(station.id)
        able = of_version(station.version).able(answer) if not isinstance(answer, Outcome) else Ability()
        self._able[station.id] = station.epoch, able
        return able

    # --- saying it

    def _turn(self, session: str) -> asyncio.Lock:
        """One after the other: what a station is told in parts is told as a whole."""
        return self._turns.setdefault(session, asyncio.Lock())

    async def _bring(self, running: Running, profiles: dict[int, Document], asked: tuple[str, int] | None = None) -> Outcome:
        """The station, which has what holds so far, is told what holds from now on."""
        outcome = await (self._install(running, profiles) if profiles else self._clear_all(running))
        if asked is not None and outcome.result == "ACCEPTED":
            self._brought[asked] = profiles
        return outcome

    async def _clear_all(self, running: Running) -> Outcome:
        outcomes = [await self._clear(running, number) for number in ids(running.row.evse, await self._count(running))]
        return next((one for one in outcomes if one.result != "ACCEPTED"), Outcome("ACCEPTED"))

    async def _install(self, running: Running, profiles: dict[int, Document]) -> Outcome:
        station, row = running.station, running.row
        if not station.holder or not station.version:
            return AWAY
        able = await self._ability(station)
        stack = self.node.settings.stations.stack_level
        schedules = made(list(profiles.values()), running.plug, row.begun_at, self.node.clock(), able, evse=row.evse, stack=stack)
        if not schedules:
            return TOO_MANY
        before = await self._count(running)
        for place, schedule in enumerate(schedules):
            outcome = await self._say(running, schedule)
            if outcome is not None and outcome.result == "TIMEOUT":
                self._unsure[row.session] = place + 1
                self.node.begin(self._sure(row.session))
            elif outcome is not None and place:
                await self._take_back(running, place)
            if outcome is not None:
                return outcome
        for number in ids(row.evse, before)[len(schedules) :]:
            await self._clear(running, number)
        return Outcome("ACCEPTED")

    async def _say(self, running: Running, schedule: Schedule) -> Outcome | None:
        """None: the station has it."""
        station, row = running.station, running.row
        want = Want(evse=row.evse, transaction=row.number, schedule=schedule)
        answer = await self._ask(station, "set_charging_profile", want)
        if not isinstance(answer, Outcome) and answer.get("status") == "Rejected" and self._just_begun(row):
            await asyncio.sleep(MOMENT)
            answer = await self._ask(station, "set_charging_profile", want)
        if isinstance(answer, Outcome):
            return answer
        if answer.get("status") == "Accepted":
            return None
        return Outcome("REJECTED", ": ".join(filter(None, (f"the station says {answer.get('status')}", reason(answer)))))

    async def _take_back(self, running: Running, count: int) -> bool:
        """Of a profile the station has taken the first `count` parts, or may have: it goes back to what held before. False: it says
        nothing."""
        before = await self._schedules(running)
        outcomes = [await self._say(running, schedule) for schedule in before]
        outcomes += [await self._clear(running, number) for number in ids(running.row.evse, count)[len(before) :]]
        return all(one is None or one.result != "TIMEOUT" for one in outcomes)

    def _just_begun(self, row: Transaction) -> bool:
        """A partner that is quick knows the Session before a station of 1.6 has read the number of its transaction."""
        return row.begun_at > self.node.after(-JUST)

    async def _count(self, running: Running) -> int:
        """How many profiles at the station say what holds now."""
        return len(await self._schedules(running))

    async def _schedules(self, running: Running) -> list[Schedule]:
        if not running.held:
            return []
        able, row, stack = await self._ability(running.station), running.row, self.node.settings.stations.stack_level
        return made(list(running.held.values()), running.plug, row.begun_at, self.node.clock(), able, evse=row.evse, stack=stack)

    async def _clear(self, running: Running, id: int) -> Outcome:
        answer = await self._ask(running.station, "clear_charging_profile", Want(number=id))
        if isinstance(answer, Outcome):
            return answer
        return Outcome("ACCEPTED") if answer.get("status") == "Accepted" else Outcome("UNKNOWN", "the station has no such profile")

    async def _ask(self, station: StationRow, name: str, want: Want) -> Payload | Outcome:
        if not station.holder or not station.version:
            return AWAY
        asked = of_version(station.version).wants[name](want)
        try:
            return await self.lines.call(station.id, asked.action, asked.payload)
        except Refused as error:
            return Outcome("REJECTED", error.description or error.code)
        except (Silent, Gone) as error:
            return Outcome("TIMEOUT", str(error))
