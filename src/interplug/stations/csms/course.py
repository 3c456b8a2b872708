"""What is remembered of a transaction between two messages about it. Pure; the store keeps it as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from interplug.model.types import decode_json, encode_json, format_time
from interplug.store.stations import Reading

from . import signed
from .clocks import TOLERATED
from .events import IdToken, Sample, Signed, Told
from .register import NOBODYS, Register
from .samples import BEGIN, FINAL, ZERO

SECOND = 1_000_000
MILLISECOND = 1000
DAY = 86_400 * SECOND
UNBEGUN = "its beginning was not reported"
LITTLE = 10
"""Wh that nobody argues about."""
WATTS = 400_000
"""Of a connector that does not say what it can deliver."""


class Course(msgspec.Struct, kw_only=True):
    register: Register
    phase: str = "charging"
    state: str = ""
    """What the station calls it; empty: it has not said."""
    moved_at: int = 0
    """When the meter was last seen to rise, or had no reason to do so."""
    charged: bool = False
    """Energy has flown at least once; a car that waits for its first is not parked."""
    watts: int = WATTS
    called: str = ""
    """The name that the station gave it first: ours in 1.6, unless it has one of its own."""
    said_at: str = ""
    """The time of the beginning as the station wrote it, and the register then: by them a repeated beginning is known."""
    waits: IdToken | None = None
    """Whose charge it will be as soon as the station says at which EVSE."""
    doubt: str = ""
    untimed: str = ""
    """Why it may have ended at another time; its energy is not doubted for that."""
    signed: list[Signed] = []
    meter_key: str = ""
    """Of the meter, as the station told it apart from the values."""
    begins_at: int = 0
    """Since when somebody pays for it, until the book of our charging knows."""
    over: int = 0
    """When it ended, where its beginning is told only now."""
    until: int = 0
    """The time of the newest reading."""
    told_at: int = 0
    """That of the newest reading when partners were last told; they do not hear of each of them."""

    @classmethod
    def begun(cls, told: Told) -> Course:
        course = cls(register=Register(at=told.at), said_at=told.said_at, moved_at=told.at)
        if told.kind != "begun":
            course.doubt = UNBEGUN
        course.register.begin(told.began_with)
        return course

    @classmethod
    def read(cls, raw: bytes) -> Course:
        return msgspec.convert(decode_json(raw), cls)

    def raw(self) -> bytes:
        return encode_json(msgspec.to_builtins(self, builtin_types=(Decimal,)))

    def same_beginning(self, told: Told) -> bool:
        return self.said_at == told.said_at and self.register.start == (
            told.began_with if told.began_with is None or told.began_with >= 0 else None
        )

    def paid(self, told: Told, begun_at: int) -> Decimal:
        """From now on somebody pays for it; who is known in its midst does so from there on. The kWh that it has taken before."""
        self.begins_at = begun_at
        if told.kind != "went on":
            return Decimal(0)
        self.begins_at = told.at
        self.register.assumed_at = NOBODYS
        then = Course.read(self.raw())
        then._readings(sample for sample in told.samples if sample.at <= told.at)
        return then.register.total / 1000

    def follow(self, told: Told, heard: int) -> list[Reading]:
        """The readings that this adds; `heard`: when it was told."""
        self.signed = signed.added(self.signed, told.signed)
        before, newest = self.register.total, self.register.at
        for sample in told.samples:
            if sample.context == BEGIN and sample.register is not None:
                self.register.began(sample.register, sample.at, self.watts)
        late = self.doubt == UNBEGUN and told.kind == "begun"
        readings = self._begin_late(told) if late else [self._at(self.begins_at)] if self.begins_at else []
        phase = told.phase if told.phase is not None and not late and (told.phase == "charging" or self.charged) else self.phase
        readings += self._readings(sample for sample in told.samples if sample.at < told.at)
        if phase != self.phase:
            self.phase = phase
            if not any(sample.at // SECOND == told.at // SECOND for sample in told.samples):
                readings.append(self._at(told.at))
        readings += self._readings(sample for sample in told.samples if sample.at >= told.at)
        if told.kind == "ended":
            self._last(told, newest, heard)
            if self.doubt:  # who looks at it needs a bill, be it of a second
                self.until = max(self.until, self.begins_at)
            readings.append(self._at(self.end(told.at)))
        elif self.over:
            readings.append(self._at(self.over))
        self.until = max([self.until, *(reading.at for reading in readings)])
        self.charged = self.charged or told.phase == "charging" or self.register.total > 0
        if self.register.total > before or told.state not in ("", self.state):
            self.moved_at = max(self.moved_at, told.at, self.register.at)
        self.state = self.state if late else told.state or self.state
        return _once(readings)

    def _begin_late(self, told: Told) -> list[Reading]:
        """Its beginning, told after what came later: it is no longer missing, where the meter fits."""
        if told.began_with is not None and self.register.start is None:
            self.register.begin(told.began_with)
        if self.register.start is not None and not self.register.assumed_at:
            self.doubt = ""
        return [Reading(self.begins_at, ZERO, self.phase), self._at(self.register.at)] if self.begins_at else []

    def _last(self, told: Told, newest: int, heard: int) -> None:
        """What the meter showed at the end, be it told with an earlier time than what came before it, the `newest` value."""
        shown = [sample for sample in told.samples if sample.register is not None and sample.context != BEGIN]
        for sample in ([one for one in shown if one.context == FINAL] or shown)[-1:]:
            self.register.end(sample.register or ZERO, sample.at, self.watts, heard)
        for sample in told.samples:
            if sample.register is None and sample.interval is not None and sample.context == FINAL and sample.at < newest:
                self.register.add_last(sample.interval, self.watts, heard)
        early = max(self.until, self.register.at) - told.at
        if early > TOLERATED:
            self.untimed = f"its end was told with a time {early // SECOND} s before what was told last, which counts instead"

    def late(self, told: Told) -> str:
        """What is told after the end and is not in the bill; empty where that says it all."""
        billed, known = self.register.total, len(self.signed)
        self._readings(told.samples)
        self.signed = signed.added(self.signed, told.signed)
        words = [*self._begun_late(told)]
        if self.register.total - billed > LITTLE:
            words.append(f"after the end its meter told {(self.register.total - billed) / 1000:f} kWh more than is billed")
        if len(self.signed) > known:
            words.append("what its meter signed came after the end and is not in the CDR")
        return "; ".join(words)

    def _begun_late(self, told: Told) -> Iterator[str]:
        """Its beginning, told when it has long been billed without one; whoever looks at it knows more."""
        if told.kind != "begun" or self.doubt != UNBEGUN or told.said_at == self.said_at:
            return
        self.said_at = told.said_at
        yield f"its beginning was told after the end: at {format_time(told.at)}"
        if told.began_with is not None and self.register.last is not None and self.register.last >= told.began_with:
            yield f"since then its meter has counted {(self.register.last - told.began_with) / 1000:f} kWh"

    def end(self, at: int) -> int:
        """When it ended: after everything that was told of it, for of two readings at one moment the first counts. A document has moments
        of a millisecond."""
        at = max(at, self.register.at)
        return at if at // MILLISECOND > self.until // MILLISECOND else (self.until // SECOND + 1) * SECOND

    def _readings(self, samples: Iterable[Sample]) -> list[Reading]:
        return [reading for sample in samples if (reading := self._reading(sample)) is not None]

    def _reading(self, sample: Sample) -> Reading | None:
        total = None
        if sample.register is not None:
            total = self.register.take(sample.register, sample.at, self.watts)
        elif sample.interval is not None:
            total = self.register.add(sample.interval, sample.at)
        elif sample.power is not None or sample.current is not None or sample.soc is not None:
            total = self.register.total if sample.at >= self.register.at else None
        if total is None:
            return None
        return Reading(sample.at, total / 1000, self.phase, sample.power, sample.current, sample.soc)

    def _at(self, at: int) -> Reading:
        return Reading(at, self.register.total / 1000, self.phase)

    def signed_data(self) -> dict[str, Any] | None:
        return signed.document(self.signed, self.meter_key)

    def doubts(self, begun_at: int, ended_at: int) -> str:
        """Why a person has to look at the CDR."""
        if self.doubt and self.register.start is None:
            return f"{self.doubt}, and nor was its energy"
        if self.doubt or self.register.doubt:
            return self.doubt or self.register.doubt
        return "it lasted longer than a day" if ended_at - begun_at > DAY else ""


def _once(readings: Iterable[Reading]) -> list[Reading]:
    """Of two at the same second the later one speaks, for the store keeps the first that it gets."""
    return list({reading.at // SECOND: reading for reading in sorted(readings, key=lambda one: one.at)}.values())
