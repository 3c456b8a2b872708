"""A session that has not taken place: what one would charge, turned into the charging periods of a CDR.

A `Plan` says when, how much and how fast: kWh and a time, or kWh and a power, or a curve of power; time reserved before and parked after.
`simulate` cuts it where the price changes (see simulate.py) and prices what it has written, so that what comes out verifies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

from interplug.model.types import format_time
from interplug.tariffs.compiled import compile_tariff
from interplug.tariffs.documents import cost_documents, volume_documents
from interplug.tariffs.money import HOUR, WIDE
from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.pieces import Sample
from interplug.tariffs.price import price_session
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import ZERO, number, record, records, time
from interplug.tariffs.session import read_session
from interplug.tariffs.simulate import cut
from interplug.tariffs.zones import SECOND, clock

# Between two points of a curve power runs straight, so energy does not; it is followed in steps of this many seconds.
_STEP = 60
_MOST_STEPS = 10_000
_LONGEST = Decimal(31 * 86_400)
_KILO = Decimal(1000)
_WH = Decimal("1e-9")
# What the older version has no word for.
_NEWER = frozenset(("MIN_POWER", "MAX_POWER", "RESERVATION_TIME"))


@dataclass(frozen=True, slots=True)
class Plan:
    """`start` in microseconds UTC, times in seconds; `curve` has (seconds since charging began, kW)."""

    start: int
    kwh: Decimal = ZERO
    charging: Decimal = ZERO
    parked: Decimal = ZERO
    reserved: Decimal = ZERO
    curve: tuple[tuple[Decimal, Decimal], ...] = ()

    def samples(self) -> list[Sample]:
        """The readings of a meter that saw this session."""
        at = self.start
        samples: list[Sample] = []
        if self.reserved:
            samples.append(Sample(at, ZERO, "reserved"))
            at += _us(self.reserved)
        used = ZERO
        if self.curve:
            readings = list(_readings(self.curve))
            samples += [Sample(at + _us(second), kwh, "charging", kw * _KILO) for second, kwh, kw in readings]
            at, used = at + _us(readings[-1][0]), readings[-1][1]
        elif self.charging:
            samples.append(Sample(at, ZERO))
            at, used = at + _us(self.charging), self.kwh
        if self.parked:
            samples.append(Sample(at, used, "parked"))
            at += _us(self.parked)
        last = samples[-1].phase if samples else "charging"
        return [*samples, Sample(at, used, last)]


def read_plan(document: Mapping[str, Any]) -> Plan:
    """`{"start_date_time", "kwh", "charging_s" | "kw", "parked_s", "reserved_s", "power": [{"second", "kw"}]}`."""
    start = time(document.get("start_date_time"), "/session/start_date_time", lambda _: None)
    if start is None:
        raise TariffError("invalid_field", "/session/start_date_time is missing", "/session/start_date_time")
    with localcontext(WIDE):
        kwh, charging = _amount(document, "kwh"), _amount(document, "charging_s")
        curve = tuple(_curve(document))
        kw = _amount(document, "kw")
        if kw and kwh and not charging:
            charging = (kwh / kw * HOUR).quantize(Decimal(1))
        if kwh and not charging:
            raise TariffError("invalid_field", "/session says neither charging_s nor kw nor power", "/session/charging_s")
        plan = Plan(start, kwh, charging, _amount(document, "parked_s"), _amount(document, "reserved_s"), curve)
        length = plan.reserved + plan.parked + (curve[-1][0] if curve else charging)
    if not 0 < length <= _LONGEST:
        raise TariffError("out_of_range", "/session must last longer than nothing and at most 31 days", "/session")
    return plan


def simulate(
    tariff: Mapping[str, Any], plan: Plan, *, version: str = "2.3.0", timezone: str | None = None, options: Options = SPEC
) -> dict[str, Any]:
    """The part of a CDR on which its price depends: times, charging periods, volumes and costs, in the form of the version."""
    compiled = compile_tariff(record(tariff, "/tariff"), version)
    if compiled.uses_clock and (timezone is None or clock(timezone) is None):
        raise TariffError("timezone_required", "the tariff speaks of local time, and the zone of the Location is not known")
    with localcontext(WIDE):
        samples = plan.samples()
        periods = cut(compiled, samples, timezone)
        ending = "stop_date_time" if version == "2.1.1" else "end_date_time"
        document: dict[str, Any] = {
            "start_date_time": format_time(samples[0].us),
            ending: format_time(samples[-1].us),
            "currency": compiled.currency,
            "charging_periods": [_oldest(period) for period in periods] if version == "2.1.1" else periods,
        }
        session = read_session(document)
        priced = price_session(session, [compiled], timezone=timezone, options=options)
        return {**document, **volume_documents(session), **cost_documents(priced, version)}


def _oldest(period: dict[str, Any]) -> dict[str, Any]:
    dimensions = [dimension for dimension in period["dimensions"] if dimension["type"] not in _NEWER]
    return {"start_date_time": period["start_date_time"], "dimensions": dimensions}


def _amount(document: Mapping[str, Any], name: str) -> Decimal:
    found = number(document.get(name), f"/session/{name}", lambda _: None) or ZERO
    if found < 0:
        raise TariffError("out_of_range", f"/session/{name} is negative", f"/session/{name}")
    return found


def _curve(document: Mapping[str, Any]) -> Iterator[tuple[Decimal, Decimal]]:
    before = Decimal(-1)
    points = records(document.get("power"), "/session/power")
    for index, point in enumerate(points):
        path = f"/session/power/{index}"
        second, kw = (number(point.get(name), f"{path}/{name}", lambda _: None) for name in ("second", "kw"))
        if second is None or kw is None or second <= before or kw < 0 or (index == 0 and second != 0) or len(points) < 2:
            raise TariffError("invalid_field", f"{path}: a curve has two points or more, from second 0 on, in order", path)
        before = second
        yield second, kw


def _readings(curve: tuple[tuple[Decimal, Decimal], ...]) -> Iterator[tuple[Decimal, Decimal, Decimal]]:
    """(second, kWh so far, kW) along the curve."""
    used = ZERO
    step = max(Decimal(_STEP), (curve[-1][0] / _MOST_STEPS).to_integral_value())
    yield curve[0][0], used, curve[0][1]
    for (start, low), (end, high) in pairwise(curve):
        steps = 1 if low == high else max(1, int((end - start) / step))
        for place in range(1, steps + 1):
            second = start + (end - start) * place / steps
            kw = low + (high - low) * (second - start) / (end - start)
            yield second, (used + (low + kw) / 2 * (second - start) / HOUR).quantize(_WH), kw
        used += (low + high) / 2 * (end - start) / HOUR


def _us(seconds: Decimal) -> int:
    return int(seconds * SECOND)
