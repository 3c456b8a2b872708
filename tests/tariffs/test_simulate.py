"""Meter samples become charging periods that a partner can price: cut exactly where the price changes, and nowhere else."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.model.types import decode_json, encode_json, format_time, parse_time
from interplug.tariffs import EXACT, Course, Cutter, Sample, compile_tariff, cut, price
from tests.tariffs.build import HOUR, MINUTE, cdr, codes, component, element, tariff

ZONE = "Europe/Amsterdam"
NINE = parse_time("2024-01-15T09:00:00Z")


def course(*readings: tuple[int, str, str], start: int = NINE) -> list[Sample]:
    return [Sample(start + minute * MINUTE, Decimal(kwh), phase) for minute, kwh, phase in readings]  # type: ignore[arg-type]


def shape(periods: list[dict[str, Any]]) -> list[tuple[str, dict[str, str]]]:
    return [(p["start_date_time"][11:19], {d["type"]: str(d["volume"]) for d in p["dimensions"]}) for p in periods]


@pytest.mark.req("CDR-030")
def test_a_period_begins_when_the_clock_brings_another_price() -> None:
    day_and_night = compile_tariff(
        tariff(element(component("ENERGY", "0.40"), start_time="07:00", end_time="11:00"), element(component("ENERGY", "0.30"))), "2.2.1"
    )
    periods = cut(day_and_night, course((0, "100", "charging"), (120, "112", "charging")), ZONE)
    assert shape(periods) == [("09:00:00", {"ENERGY": "6.0000", "TIME": "1.0000"}), ("10:00:00", {"ENERGY": "6.0000", "TIME": "1.0000"})]
    assert {p["tariff_id"] for p in periods} == {"T1"}


@pytest.mark.req("CDR-030", "TAR-050")
def test_a_period_ends_exactly_at_a_kwh_bound() -> None:
    tiers = compile_tariff(tariff(element(component("ENERGY", "0.50"), max_kwh=10), element(component("ENERGY", "0.30"))), "2.2.1")
    periods = cut(tiers, course((0, "7.77", "charging"), (7, "15.47", "charging"), (11, "20.01", "charging")), ZONE)
    assert [p["ENERGY"] for _, p in shape(periods)] == ["10.0000", "2.2400"]


@pytest.mark.req("CDR-031", "TAR-051", "TAR-052")
def test_power_that_crosses_a_limit_between_samples_starts_a_period_at_the_crossing() -> None:
    fast = compile_tariff(tariff(element(component("ENERGY", "0.60"), min_power=22), element(component("ENERGY", "0.30"))), "2.2.1")
    samples = [Sample(NINE, Decimal(0), power=Decimal(11000)), Sample(NINE + HOUR, Decimal(22), power=Decimal(33000))]
    slow_part, fast_part = cut(fast, samples, ZONE)
    assert fast_part["start_date_time"] == "2024-01-15T09:30:00Z"
    assert {d["type"]: d["volume"] for d in slow_part["dimensions"]}["MAX_POWER"] == Decimal("21.999")
    assert {d["type"]: d["volume"] for d in fast_part["dimensions"]}["MIN_POWER"] == 22
    priced = price(cdr(60, slow_part, fast_part), [fast], version="2.2.1")
    assert priced.total_cost.excl == Decimal("9.9000") and codes(priced) == set()


@pytest.mark.req("CDR-035", "CDR-036")
def test_charging_and_parking_are_periods_of_their_own() -> None:
    plain = compile_tariff(tariff(element(component("ENERGY", "0.30"), component("PARKING_TIME", 2))), "2.2.1")
    periods = cut(plain, course((0, "0", "charging"), (30, "5", "parked"), (50, "5", "charging"), (60, "7", "parked")), ZONE)
    assert shape(periods) == [
        ("09:00:00", {"ENERGY": "5.0000", "TIME": "0.5000"}),
        ("09:30:00", {"PARKING_TIME": "0.3333"}),
        ("09:50:00", {"ENERGY": "2.0000", "TIME": "0.1667"}),
    ]


@pytest.mark.req("CDR-037", "CDR-051")
def test_a_reservation_comes_first_and_does_not_count_as_duration() -> None:
    late_fee = compile_tariff(
        tariff(
            element(component("TIME", 2, 60), reservation="RESERVATION"),
            element(component("ENERGY", "0.90"), min_duration=3600),
            element(component("ENERGY", "0.30")),
        ),
        "2.2.1",
    )
    periods = cut(late_fee, course((0, "0", "reserved"), (30, "0", "charging"), (120, "9", "charging")), ZONE)
    assert shape(periods) == [
        ("09:00:00", {"RESERVATION_TIME": "0.5000"}),
        ("09:30:00", {"ENERGY": "6.0000", "TIME": "1.0000"}),
        ("10:30:00", {"ENERGY": "3.0000", "TIME": "0.5000"}),
    ]


def test_both_hours_of_the_autumn_night_lie_in_the_window() -> None:
    night = compile_tariff(
        tariff(element(component("TIME", 5), start_time="02:00", end_time="03:00"), element(component("TIME", 1))), "2.2.1"
    )
    start = parse_time("2024-10-26T23:30:00Z")
    periods = cut(night, course((0, "0", "charging"), (180, "0", "charging"), start=start), ZONE)
    assert [(at, p["TIME"]) for at, p in shape(periods)] == [("23:30:00", "0.5000"), ("00:00:00", "2.0000"), ("02:00:00", "0.5000")]


def test_many_samples_make_no_more_periods_than_two() -> None:
    plain = compile_tariff(tariff(element(component("ENERGY", "0.30"))), "2.2.1")
    often = course(*[(minute, str(minute / 7), "charging") for minute in range(121)])
    [only] = cut(plain, often, None)
    assert {d["type"]: str(d["volume"]) for d in only["dimensions"]} == {"ENERGY": "17.1429", "TIME": "2.0000"}


def test_a_course_survives_a_restart() -> None:
    tiers = compile_tariff(tariff(element(component("ENERGY", "0.50"), max_kwh=10), element(component("ENERGY", "0.30"))), "2.2.1")
    samples = course(*[(minute, str(minute), "charging" if minute % 9 else "parked") for minute in range(40)])
    whole = Cutter(tiers, ZONE)
    for sample in samples:
        whole.add(sample)
    interrupted = Cutter(tiers, ZONE)
    for sample in samples:
        kept = encode_json(interrupted.course)
        interrupted = Cutter(tiers, ZONE, course=msgspec.convert(decode_json(kept), Course))
        interrupted.add(sample)
    assert interrupted.documents() == whole.documents()


def test_samples_do_not_go_back_in_time() -> None:
    with pytest.raises(ValueError, match="back in time"):
        cut(None, course((5, "1", "charging"), (4, "1", "charging")), None)


def test_a_tariff_of_local_time_needs_a_zone() -> None:
    night = compile_tariff(tariff(element(component("TIME", 5), start_time="02:00")), "2.2.1")
    with pytest.raises(ValueError, match="time zone"):
        Cutter(night, None)


# --- against a pricer that looks at every second ------------------------------------------------------------------------------------------

_CLOCKS = st.sampled_from(["00:30", "01:30", "02:00", "02:30", "03:00", "06:00"])
_STARTS = [parse_time(night) for night in ("2024-10-26T22:00:00Z", "2024-03-30T23:00:00Z", "2024-01-15T23:00:00Z")]


@st.composite
def restrictions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found |= {"start_time": draw(_CLOCKS), "end_time": draw(_CLOCKS)}
    if draw(st.booleans()):
        found["day_of_week"] = draw(st.lists(st.sampled_from(["SATURDAY", "SUNDAY", "MONDAY", "TUESDAY"]), min_size=1, unique=True))
    if draw(st.booleans()):
        found[draw(st.sampled_from(["min_kwh", "max_kwh"]))] = draw(st.integers(1, 12))
    if draw(st.booleans()):
        found[draw(st.sampled_from(["min_duration", "max_duration"]))] = draw(st.integers(1, 300)) * 60
    return found


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME"]), min_size=1, unique=True))
        elements.append(element(*[component(kind, draw(st.integers(1, 9))) for kind in kinds], **draw(restrictions())))
    return tariff(*elements)


@st.composite
def courses(draw: st.DrawFn) -> list[Sample]:
    us, kwh = draw(st.sampled_from(_STARTS)), Decimal(0)
    samples = []
    for _ in range(draw(st.integers(2, 5))):
        phase = draw(st.sampled_from(["charging", "charging", "parked"]))
        samples.append(Sample(us, kwh, phase))
        us += draw(st.integers(10, 120)) * MINUTE
        kwh += draw(st.integers(0, 60)) * Decimal("0.1") if phase == "charging" else 0
    return samples


def by_second(document: dict[str, Any], samples: list[Sample]) -> Decimal:
    """Nothing clever: each second asks each element anew."""
    total, began = Decimal(0), samples[0].us
    for last, sample in pairwise(samples):
        seconds = (sample.us - last.us) // 1_000_000
        for second in range(seconds):
            at = last.us // 1_000_000 + second
            kwh = last.kwh + (sample.kwh - last.kwh) * second / seconds
            used = {"ENERGY": (sample.kwh - last.kwh) / seconds, "TIME" if last.phase == "charging" else "PARKING_TIME": Decimal(1) / 3600}
            local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(ZONE))
            for kind, volume in used.items():
                total += volume * _price_at(document, kind, local, kwh, at - began // 1_000_000)
    return total


def _price_at(document: dict[str, Any], kind: str, local: datetime, kwh: Decimal, elapsed: int) -> Decimal:
    for entry in document["elements"]:
        for listed in entry["price_components"]:
            if listed["type"] == kind and _holds(entry.get("restrictions", {}), local, kwh, elapsed):
                return Decimal(listed["price"])
    return Decimal(0)


def _holds(wanted: dict[str, Any], local: datetime, kwh: Decimal, elapsed: int) -> bool:
    clock = f"{local:%H:%M}"
    start, end = wanted.get("start_time", "00:00"), wanted.get("end_time", "00:00")
    inside = True if start == end else start <= clock < end if start < end else clock >= start or clock < end
    return (
        inside
        and (not wanted.get("day_of_week") or f"{local:%A}".upper() in wanted["day_of_week"])
        and wanted.get("min_kwh", 0) <= kwh < wanted.get("max_kwh", 10**9)
        and wanted.get("min_duration", 0) <= elapsed < wanted.get("max_duration", 10**9)
    )


@settings(max_examples=40)
@given(document=tariffs(), samples=courses())
def test_the_price_of_the_periods_is_the_price_of_every_second(document: dict[str, Any], samples: list[Sample]) -> None:
    periods = cut(compile_tariff(document, "2.2.1"), samples, ZONE)
    written = {"start_date_time": format_time(samples[0].us), "end_date_time": format_time(samples[-1].us), "charging_periods": periods}
    priced = price(written, [document], version="2.2.1", timezone=ZONE, options=EXACT)
    assert "period_spans_price_change" not in codes(priced)
    # A bound of kWh is passed within a second, in which up to 0.01 kWh flow at a price of up to 9.
    tolerance = Decimal("0.1") * len(periods)
    assert abs(priced.total_cost.excl - by_second(document, samples)) < tolerance
    energy = sum(d["volume"] for p in periods for d in p["dimensions"] if d["type"] == "ENERGY")
    assert energy == samples[-1].kwh
