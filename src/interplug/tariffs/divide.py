"""`split=linear`: a period over a price change is cut into pieces, each with one price.

kWh and duration thresholds are exact; where energy meets the clock, it is taken to have flowed evenly. A piece is a period like any other,
so that nothing after this file knows of it. The last piece takes what is left, and the pieces sum to the period exactly.
"""

import itertools
from collections.abc import Sequence
from decimal import Decimal

from interplug.tariffs.compiled import ENERGY, Tariff
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import ZERO
from interplug.tariffs.restrictions import Moment
from interplug.tariffs.session import ChargingSession, Period, Volumes
from interplug.tariffs.spans import energy_cuts, time_cuts
from interplug.tariffs.zones import DAY, SECOND, Clock

_FINE = Decimal("1e-30")
_LONGEST = 400 * DAY * SECOND


def divide(session: ChargingSession, tariffs: Sequence[Tariff | None], clock: Clock | None) -> list[tuple[Period, Tariff | None]]:
    """The session's periods in pieces, each with one price, and the tariff of each; the volumes are divided with the time."""
    pieces: list[tuple[Period, Tariff | None]] = []
    kwh = ZERO
    began = next((period.start for period in session.periods if not period.is_reservation), None)
    for period, tariff in zip(session.periods, tariffs, strict=True):
        since = session.periods[0].start if began is None or period.start < began else began
        cut = [period] if tariff is None or not tariff.restricted else cut_period(period, tariff, kwh, period.start - since, clock)
        pieces += [(piece, tariff) for piece in cut]
        kwh += period.volumes[ENERGY] or ZERO
    return pieces


def cut_period(period: Period, tariff: Tariff, kwh: Decimal, elapsed: int, clock: Clock | None) -> list[Period]:
    """`kwh` and `elapsed` (microseconds): what the session has used and lasted before it. Raises TariffError where it is too long to be
    divided."""
    length = period.end - period.start
    if length <= 0:
        return [period]
    if length > _LONGEST and tariff.uses_clock:
        raise TariffError("out_of_range", f"{period.path} is longer than 400 days and cannot be divided", period.path)
    at = Moment(kwh=kwh, elapsed=elapsed)
    if tariff.uses_clock and clock is not None:
        at.day, at.second = clock.local(period.start)
    energy = period.volumes[ENERGY] or ZERO
    # Share of the period that has passed at each cut.
    shares = {Decimal(us - period.start) / length for us in time_cuts(period, tariff, at, clock, whole=True)}
    shares |= {(bound - kwh) / energy for bound in energy_cuts(period, tariff, at)}
    return _pieces(period, sorted(shares))


def _pieces(period: Period, shares: list[Decimal]) -> list[Period]:
    if not shares:
        return [period]
    length = period.end - period.start
    edges = [period.start, *(period.start + round(share * length) for share in shares), period.end]
    parts = [_part(volume, shares) for volume in period.volumes]
    pieces = []
    for index in range(len(shares) + 1):
        volumes: Volumes = [None if part is None else part[index] for part in parts]
        piece = Period(period.number, edges[index], edges[index + 1], period.tariff_id, volumes, period.ranges)
        piece.written = period.written if index == 0 else [None] * len(volumes)
        pieces.append(piece)
    return pieces


def _part(volume: Decimal | None, shares: list[Decimal]) -> list[Decimal] | None:
    if volume is None:
        return None
    passed = [(volume * share).quantize(_FINE) for share in shares]
    marks = [ZERO, *passed, volume]
    return [after - before for before, after in itertools.pairwise(marks)]
