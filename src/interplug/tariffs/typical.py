"""Sessions to show or compare prices by: a few that drivers know, and a grid of many.

They are told in local time. Whoever gives no zone is asked for none: on an ordinary day local time is all that a tariff looks at.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.plan import Plan, simulate
from interplug.tariffs.price import price
from interplug.tariffs.read import text, time
from interplug.tariffs.restrictions import read_day
from interplug.tariffs.result import Priced
from interplug.tariffs.zones import DAY, SECOND, UTC_CLOCK, Clock, clock, clock_of_country

_WEDNESDAY, _SATURDAY = 2, 5
_NO_DATE = "2025-01-01"
_HOUR = 3600


class Typical(NamedTuple):
    """Weekday (Monday is 0), local time and times in seconds."""

    kwh: Decimal
    charging: int
    parked: int
    weekday: int
    second: int


def _typical(kwh: int, minutes: int, parked_hours: int, weekday: int, hour: int) -> Typical:
    return Typical(Decimal(kwh), minutes * 60, parked_hours * _HOUR, weekday, hour * _HOUR)


KNOWN = (
    _typical(5, 30, 0, _WEDNESDAY, 12),
    _typical(20, 120, 0, _WEDNESDAY, 10),
    _typical(20, 120, 0, _SATURDAY, 14),
    _typical(20, 120, 4, _WEDNESDAY, 10),
    _typical(40, 240, 8, _WEDNESDAY, 20),
    _typical(40, 30, 0, _WEDNESDAY, 17),
)


def grid() -> Iterator[Typical]:
    """10, 25 and 50 kWh at 11, 50 and 150 kW, driven off or left for three hours, at four times of a week."""
    for kwh in (10, 25, 50):
        for kw in (11, 50, 150):
            for parked in (0, 3):
                for weekday, hour in ((_WEDNESDAY, 2), (_WEDNESDAY, 10), (_WEDNESDAY, 18), (_SATURDAY, 14)):
                    yield Typical(Decimal(kwh), round(kwh * _HOUR / kw), parked * _HOUR, weekday, hour * _HOUR)


class Bench:
    """Prices sessions by a tariff as if it were valid: in one week, at one place."""

    def __init__(self, tariff: Mapping[str, Any], version: str, *, timezone: str | None, day: str | None, options: Options = SPEC) -> None:
        self._tariff = {name: value for name, value in tariff.items() if name not in ("start_date_time", "end_date_time")}
        self._version = version
        self._options = options
        self._day = read_day(day, "/date") if day is not None else _first_day(tariff)
        self._clock = _clock(tariff, timezone)

    def same_week(self, other: "Bench") -> None:
        """Where two are compared, both are asked about one week at one place."""
        self._day, self._clock = other._day, other._clock

    def price(self, session: Typical) -> Priced:
        plan = Plan(self.start(session), session.kwh, Decimal(session.charging), Decimal(session.parked))
        zone = self._clock.name if self._clock is not UTC_CLOCK else "UTC"
        document = simulate(self._tariff, plan, version=self._version, timezone=zone)
        return price(document, [self._tariff], version=self._version, timezone=zone, options=self._options)

    def start(self, session: Typical) -> int:
        """The first such weekday from the day on."""
        day = self._day or 0
        ahead = (session.weekday - (day + 3)) % 7
        local = ((day + ahead) * DAY + session.second) * SECOND
        guess = local - self._clock.offset(local) * SECOND
        return local - self._clock.offset(guess) * SECOND


def _clock(tariff: Mapping[str, Any], timezone: str | None) -> Clock:
    country = text(tariff.get("country_code"), "/country_code")
    return (clock(timezone) if timezone else None) or (clock_of_country(country) if country else None) or UTC_CLOCK


def _first_day(tariff: Mapping[str, Any]) -> int | None:
    """A day on which the tariff is likely to be what it is for: where it starts, or was last changed."""
    for name in ("start_date_time", "last_updated"):
        at = time(tariff.get(name), f"/{name}", lambda _: None)
        if at is not None:
            return at // SECOND // DAY
    return read_day(_NO_DATE, "/date")
