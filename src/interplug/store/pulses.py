"""How each partner is, by what was said: the last contact, and how many requests of each hour went well.

Both are added up while messages are packed and written with them, a row or two a partner for each write of the log.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from interplug.store.database import Database

HEARD_ALL = "select connection, heard_at from contact"
CONTACT = "select heard_at, silent_since from contact where connection = ?"
HEARD = """
insert into contact (connection, heard_at, silent_since) values (?, ?, ?) on conflict (connection) do update set
  heard_at = case when excluded.heard_at > contact.heard_at then excluded.heard_at else contact.heard_at end,
  silent_since = case when excluded.heard_at = 0 and contact.silent_since > 0 then contact.silent_since else excluded.silent_since end"""
BEAT = """
insert into pulse (connection, hour, n_in, bad_in, ok_in_at, n_out, bad_out, ok_out_at) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (connection, hour) do update set
  n_in = pulse.n_in + excluded.n_in, bad_in = pulse.bad_in + excluded.bad_in,
  n_out = pulse.n_out + excluded.n_out, bad_out = pulse.bad_out + excluded.bad_out,
  ok_in_at = case when excluded.ok_in_at > pulse.ok_in_at then excluded.ok_in_at else pulse.ok_in_at end,
  ok_out_at = case when excluded.ok_out_at > pulse.ok_out_at then excluded.ok_out_at else pulse.ok_out_at end"""
PULSE = "select hour, n_in, bad_in, ok_in_at, n_out, bad_out, ok_out_at from pulse where connection = ? order by hour"
SUM_UP = BEAT.replace(
    "values (?, ?, ?, ?, ?, ?, ?, ?)",
    """select connection, 0, sum(n_in), sum(bad_in), max(ok_in_at), sum(n_out), sum(bad_out), max(ok_out_at)
from pulse where hour > 0 and hour < ? group by connection""",
)
SUMMED_UP = "delete from pulse where hour > 0 and hour < ?"
HOUR = 3_600_000_000
HOURS_KEPT = 48


class Contact(NamedTuple):
    """When a partner was last heard, and since when it has not answered us since then; 0: not known, or it has."""

    heard: int = 0
    silent: int = 0


NO_CONTACT = Contact()


class Tally(msgspec.Struct, gc=False):
    """Requests in one direction: how many, how many of them did not go well, and when the last one did (0: none)."""

    n: int = 0
    bad: int = 0
    ok_at: int = 0

    def add(self, other: "Tally") -> None:
        self.n += other.n
        self.bad += other.bad
        self.ok_at = max(self.ok_at, other.ok_at)


class Pulse(msgspec.Struct, gc=False):
    """The requests of an hour (of its number since 1970; 0: of all hours before those that are told apart)."""

    hour: int
    incoming: Tally
    outgoing: Tally


class Beat(msgspec.Struct, gc=False):
    """What some messages tell of one partner."""

    heard: int
    silent: int
    incoming: Tally
    outgoing: Tally


class Beats:
    """What the messages of a group tell of each partner; their hour is that of the newest of them."""

    __slots__ = ("hour", "of")

    def __init__(self) -> None:
        self.hour = 0
        self.of: dict[int, Beat] = {}

    def count(self, connection: int, at: int, incoming: bool, answers: bool, well: bool) -> None:
        """A message that began at that time. `answers`: the partner was heard."""
        beat = self.of.get(connection)
        if beat is None:
            beat = self.of[connection] = Beat(0, 0, Tally(), Tally())
        if answers:
            if at > beat.heard:
                beat.heard = at
            beat.silent = 0
        elif not beat.silent:
            beat.silent = at
        tally = beat.incoming if incoming else beat.outgoing
        tally.n += 1
        if not well:
            tally.bad += 1
        elif at > tally.ok_at:
            tally.ok_at = at


class Pulses:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, groups: Iterable[Beats]) -> None:
        """In the order in which they came."""
        contacts: dict[int, tuple[int, int]] = {}
        pulses: dict[tuple[int, int], Pulse] = {}
        for beats in groups:
            for connection, beat in beats.of.items():
                contacts[connection] = _then(contacts.get(connection, NO_CONTACT), beat)
                pulse = pulses.setdefault((connection, beats.hour), Pulse(beats.hour, Tally(), Tally()))
                pulse.incoming.add(beat.incoming)
                pulse.outgoing.add(beat.outgoing)
        await self._db.many(HEARD, [(of, *contact) for of, contact in contacts.items()])
        await self._db.many(BEAT, [(*of, *_columns(one.incoming), *_columns(one.outgoing)) for of, one in pulses.items()])

    async def heard(self) -> dict[int, int]:
        """When each partner was last heard."""
        return {row[0]: row[1] for row in await self._db.all(HEARD_ALL)}

    async def contact(self, connection: int) -> Contact:
        row = await self._db.one(CONTACT, connection)
        return NO_CONTACT if row is None else Contact(*row)

    async def of(self, connection: int) -> list[Pulse]:
        """The oldest first."""
        return [Pulse(row[0], Tally(*row[1:4]), Tally(*row[4:])) for row in await self._db.all(PULSE, connection)]

    async def sum_up(self, now: int) -> None:
        """Hours that are over for long are no longer told apart."""
        hour = now // HOUR - HOURS_KEPT
        await self._db.execute(SUM_UP, hour)
        await self._db.execute(SUMMED_UP, hour)


def _then(contact: tuple[int, int], beat: Beat) -> tuple[int, int]:
    """As HEARD does it."""
    heard, silent = contact
    return max(heard, beat.heard), silent if silent and not beat.heard else beat.silent


def _columns(tally: Tally) -> tuple[int, int, int]:
    return tally.n, tally.bad, tally.ok_at
