"""A CDR or a Session, read for pricing: its periods in order, each with what was used in it.

Both documents and all three versions are read alike: they differ here in the names of two times only. A charging period lasts until the
next one starts, the last until the session ends (CDRs, ChargingPeriod class); a Session that still runs has no end, so its last period
lasts as long as the time that it states. Dimensions for Sessions only (POWER, CURRENT …) are passed over; they never price anything.
"""

import itertools
from copy import copy
from decimal import Decimal
from typing import Any

from interplug.model.types import fold
from interplug.tariffs.problems import Note, Problem, TariffError
from interplug.tariffs.read import ZERO, number, record, records, text, time
from interplug.tariffs.zones import SECOND

# Places of the volumes of a period; 3 is FLAT among the components and never a volume.
ENERGY, TIME, PARKING, RESERVED = 0, 1, 2, 4
_VOLUMES = {"ENERGY": ENERGY, "TIME": TIME, "PARKING_TIME": PARKING, "RESERVATION_TIME": RESERVED}
_RANGES = ("MIN_POWER", "MAX_POWER", "MIN_CURRENT", "MAX_CURRENT")
_PASSED_OVER = frozenset(
    ["FLAT", "CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "POWER", "STATE_OF_CHARGE", "RESERVATION_EXPIRES", "RESERVATION_OVERTIME"]
)
HOUR = 3600 * SECOND
Volumes = list[Decimal | None]


class Period:
    """A charging period as written; `number` is its place in the document."""

    __slots__ = ("end", "is_reservation", "number", "ranges", "start", "tariff_id", "volumes", "written")

    def __init__(
        self, number: int, start: int, end: int, tariff_id: str | None, volumes: Volumes, ranges: dict[str, Decimal] | None
    ) -> None:
        self.number = number
        self.start = start
        self.end = end
        self.tariff_id = tariff_id
        self.volumes = volumes
        # As spelled in the document; differs from `volumes` in the pieces of a divided period only.
        self.written = volumes
        self.ranges = ranges
        energy, charged, parked, _, reserved = volumes
        # Reserved time and nothing else.
        self.is_reservation = reserved is not None and not energy and not charged and not parked

    @property
    def path(self) -> str:
        return f"/cdr/charging_periods/{self.number}"

    def hours(self) -> Decimal:
        """The time that the period states."""
        return sum((volume for volume in self.volumes[1:] if volume), ZERO)


class ChargingSession:
    """See the head of this file."""

    __slots__ = ("country", "currency", "end", "periods", "problems", "start", "zone")

    def __init__(self, document: dict[str, Any]) -> None:
        problems: list[Problem] = []
        note = problems.append
        # A start or an end of 1970 says that it is not known (CDR object, note).
        self.start = time(_first(document, "start_date_time", "start_datetime"), "/cdr/start_date_time", note) or None
        self.end = time(_first(document, "end_date_time", "stop_date_time", "end_datetime"), "/cdr/end_date_time", note) or None
        self.currency = (text(document.get("currency"), "/cdr/currency") or "").upper()
        location = record(_first(document, "cdr_location", "location") or {}, "/cdr/cdr_location")
        self.country = text(location.get("country"), "/cdr/cdr_location/country")
        self.zone = text(location.get("time_zone"), "/cdr/cdr_location/time_zone")
        self.periods = self._periods(records(document.get("charging_periods"), "/cdr/charging_periods"), problems)
        if self.start is None:
            self.start = self.periods[0].start if self.periods else None
        self._check_times(note)
        self.problems = problems

    def _periods(self, listed: list[dict[str, Any]], problems: list[Problem]) -> list[Period]:
        periods = [_period(index, entry, problems.append) for index, entry in enumerate(listed)]
        for earlier, later in itertools.pairwise(periods):
            if later.start < earlier.start:
                problems.append(Problem("periods_out_of_order", "/cdr/charging_periods"))
                periods.sort(key=lambda period: period.start)
                break
        for earlier, later in itertools.pairwise(periods):
            earlier.end = later.start
        if periods:
            last = periods[-1]
            stated = last.start + int(last.hours() * HOUR)
            last.end = stated if self.end is None else max(self.end, last.start)
        return periods

    def without_tariff_ids(self) -> "ChargingSession":
        """The same session, of which no period names a tariff."""
        bare = copy(self)
        bare.periods = [copy(period) for period in self.periods]
        for period in bare.periods:
            period.tariff_id = None
        return bare

    def _check_times(self, note: Note) -> None:
        for period in self.periods:
            if (self.start is not None and period.start < self.start) or (self.end is not None and period.start > self.end):
                note(Problem("periods_outside_session", period.path))


def read_session(document: dict[str, Any]) -> ChargingSession:
    return ChargingSession(record(document, "/cdr"))


def _first(document: dict[str, Any], *names: str) -> Any:
    return next((document[name] for name in names if document.get(name) is not None), None)


def _period(index: int, entry: dict[str, Any], note: Note) -> Period:
    path = f"/cdr/charging_periods/{index}"
    start = time(entry.get("start_date_time"), f"{path}/start_date_time", note)
    if start is None:
        raise TariffError("invalid_field", f"{path}/start_date_time is missing", f"{path}/start_date_time")
    tariff_id = text(entry.get("tariff_id"), f"{path}/tariff_id")
    volumes: Volumes = [None, None, None, None, None]
    ranges: dict[str, Decimal] | None = None
    for place, dimension in enumerate(records(entry.get("dimensions"), f"{path}/dimensions")):
        where = f"{path}/dimensions/{place}"
        name = (text(dimension.get("type"), f"{where}/type") or "").upper()
        code = _VOLUMES.get(name)
        if code is not None:
            _add_volume(volumes, code, number(dimension.get("volume"), f"{where}/volume", note), where, note)
        elif name in _RANGES:
            value = number(dimension.get("volume"), f"{where}/volume", note)
            if value is not None:
                ranges = {**(ranges or {}), name: value}
        elif name not in _PASSED_OVER:
            note(Problem("unknown_dimension", f"{where}/type"))
    return Period(index, start, start, fold(tariff_id) if tariff_id else None, volumes, ranges)


def _add_volume(volumes: Volumes, code: int, volume: Decimal | None, where: str, note: Note) -> None:
    if volume is None:
        note(Problem("missing_required_field", f"{where}/volume"))
        return
    if volume < 0:
        note(Problem("negative_volume", where))
    known = volumes[code]
    if known is not None:
        note(Problem("duplicate_cdr_dimension", where))
        volume += known
    volumes[code] = volume
