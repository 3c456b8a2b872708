"""Which component prices what: one walk over the periods of a session.

Every period takes the components that are active when it starts (E1: its start rate). The walk keeps what restrictions ask about:
energy before the period, real time since the session began (without its reservation), the wall clock. Reserved time is a phase of its
own, priced only by elements that say so; FLAT is due once in each phase, when it first becomes active.

The outcome is a list of entries, (period, dimension, component, volume), and the problems met. No money here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Component, Tariff
from interplug.tariffs.options import Options
from interplug.tariffs.power import set_power
from interplug.tariffs.problems import Problem
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, Moment
from interplug.tariffs.session import RESERVED, ChargingSession, Period
from interplug.tariffs.spans import Span, find_spans
from interplug.tariffs.zones import Clock


class Entry:
    """A volume and the component that prices it; for FLAT the volume is one."""

    __slots__ = ("at", "component", "kind", "period", "phase", "volume")

    def __init__(self, period: Period, phase: int, kind: int, component: Component, volume: Decimal, at: Moment) -> None:
        self.period = period
        self.phase = phase
        self.kind = kind
        self.component = component
        self.volume = volume
        self.at = at


@dataclass(slots=True)
class Choice:
    entries: list[Entry] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


ONE = Decimal(1)
_SESSION_KINDS = (ENERGY, TIME, PARKING)


def choose(
    session: ChargingSession, periods: Sequence[Period], tariffs: Sequence[Tariff | None], clock: Clock | None, options: Options
) -> Choice:
    """The periods are those of the session or pieces of them, each with its tariff, None where none applies.

    The clock may be None if no tariff asks for it.
    """
    return _Walk(session, clock, options).run(periods, tariffs)


class _Walk:
    __slots__ = ("_began", "_chosen", "_clock", "_expired", "_flats", "_kwh", "_options", "_reserved_from")

    def __init__(self, session: ChargingSession, clock: Clock | None, options: Options) -> None:
        self._clock = clock
        self._options = options
        self._chosen = Choice()
        self._flats: dict[int, Component] = {}
        self._kwh = ZERO
        self._expired = expired(session, options)
        self._reserved_from = session.periods[0].start if session.periods else 0
        self._began = next((period.start for period in session.periods if not period.is_reservation), self._reserved_from)

    def run(self, periods: Sequence[Period], tariffs: Sequence[Tariff | None]) -> Choice:
        for period, tariff in zip(periods, tariffs, strict=True):
            if tariff is not None:
                self._price(period, tariff)
            self._kwh += period.volumes[ENERGY] or ZERO
        return self._chosen

    def _price(self, period: Period, tariff: Tariff) -> None:
        volumes = period.volumes
        if volumes[RESERVED] is not None:
            phase = EXPIRED if self._expired else RESERVATION
            at = self._moment(period, tariff, self._reserved_from)
            active = tariff.active(phase, at)
            self._take_flat(period, phase, active[FLAT], at)
            self._take(period, phase, RESERVED, active[TIME], at, TIME in tariff.prices[SESSION] or TIME in tariff.prices[phase])
            self._spans(period, tariff, phase, at)
        if not (period.is_reservation or self._expired):
            at = self._moment(period, tariff, self._began)
            active = tariff.active(SESSION, at)
            if active[FLAT] is not None:
                self._take_flat(period, SESSION, active[FLAT], at)
            for kind in _SESSION_KINDS:
                if volumes[kind] is not None:
                    self._take(period, SESSION, kind, active[kind], at, kind in tariff.prices[SESSION])
            self._spans(period, tariff, SESSION, at)

    def _moment(self, period: Period, tariff: Tariff, since: int) -> Moment:
        at = Moment()
        if tariff.restricted:
            at.kwh = self._kwh
            at.elapsed = period.start - since
            if tariff.uses_clock and self._clock is not None:
                at.day, at.second = self._clock.local(period.start)
            if tariff.uses_power or tariff.uses_current:
                set_power(at, period, tariff, self._chosen.problems.append)
        return at

    def _take(self, period: Period, phase: int, kind: int, component: Component | None, at: Moment, priced_elsewhere: bool) -> None:
        volume = period.volumes[kind]
        assert volume is not None
        if component is not None:
            self._chosen.entries.append(Entry(period, phase, kind, component, volume, at))
        elif volume and priced_elsewhere:
            self._chosen.problems.append(Problem("dimension_not_priced", period.path))

    def _take_flat(self, period: Period, phase: int, component: Component | None, at: Moment) -> None:
        if component is None:
            return
        charged = self._flats.get(phase)
        if charged is None or self._options.flat == "period":
            self._flats[phase] = component
            self._chosen.entries.append(Entry(period, phase, FLAT, component, ONE, at))
        elif charged is not component:
            self._chosen.problems.append(Problem("flat_suppressed", period.path))

    def _spans(self, period: Period, tariff: Tariff, phase: int, at: Moment) -> None:
        if tariff.restricted:
            spans = find_spans(period, tariff, phase, at, self._clock, phase in self._flats)
            if spans:
                self._chosen.spans += spans
                self._chosen.problems.append(Problem("period_spans_price_change", period.path))


def expired(session: ChargingSession, options: Options) -> bool:
    """A reservation ran out if nothing but reserved time was consumed; 2.2.1 has no better sign."""
    if options.expired is not None:
        return options.expired
    reserved = any(period.volumes[RESERVED] for period in session.periods)
    return reserved and not any(period.volumes[kind] for period in session.periods for kind in _SESSION_KINDS)
