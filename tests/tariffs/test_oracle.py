"""The engine against a second answer, written from the rules alone (oracle.py): random tariffs and sessions of all three versions."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.model.types import format_time, parse_time
from interplug.tariffs import Options, compile_tariff, cut, price
from interplug.tariffs.pieces import Sample
from tests.tariffs import oracle
from tests.tariffs.build import MINUTE, cdr, component, element, period, tariff

ZONE = "Europe/Amsterdam"
# A plain Monday, the eve of a date bound, the nights of both changes of the clock, a leap day.
STARTS = [
    "2024-01-15T08:30:00Z",
    "2024-06-30T20:15:00Z",
    "2024-03-30T22:30:00Z",
    "2024-03-31T00:15:00Z",
    "2024-10-26T22:30:00Z",
    "2024-10-27T00:15:00Z",
    "2024-02-28T22:00:00Z",
]
CLOCKS = ["00:00", "01:30", "02:00", "02:30", "03:00", "06:00", "09:45", "10:00", "22:00", "23:15"]
DATES = ["2024-01-15", "2024-02-29", "2024-03-31", "2024-07-01", "2024-10-27", "2025-01-01"]
WEEK = list(oracle.DAYS)
RATES = st.sampled_from([None, None, Decimal(0), Decimal(9), Decimal(21)])
PRICES = st.decimals(0, 3, places=3)
STEPS = st.sampled_from([0, 1, 60, 250, 900, 1800])
KINDS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")


@st.composite
def restrictions(draw: st.DrawFn, *, power: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found |= draw(st.fixed_dictionaries({}, optional={"start_time": st.sampled_from(CLOCKS), "end_time": st.sampled_from(CLOCKS)}))
    if draw(st.integers(0, 3)) == 0:
        found["day_of_week"] = draw(st.lists(st.sampled_from(WEEK), max_size=5, unique=True))
    if draw(st.integers(0, 3)) == 0:
        found[draw(st.sampled_from(["start_date", "end_date"]))] = draw(st.sampled_from(DATES))
    if draw(st.integers(0, 2)) == 0:
        found[draw(st.sampled_from(["min_kwh", "max_kwh"]))] = Decimal(draw(st.integers(0, 12)))
    if draw(st.integers(0, 2)) == 0:
        found[draw(st.sampled_from(["min_duration", "max_duration"]))] = draw(st.integers(0, 16)) * 900
    if power and draw(st.integers(0, 3)) == 0:
        found[draw(st.sampled_from(["min_power", "max_power"]))] = draw(st.integers(0, 30))
    return found


@st.composite
def elements(draw: st.DrawFn, *, power: bool = True, reservations: bool = True) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    listed = [component(kind, draw(PRICES), draw(STEPS), draw(RATES)) for kind in kinds]
    said = draw(restrictions(power=power))
    if reservations and draw(st.integers(0, 3)) == 0:
        said["reservation"] = draw(st.sampled_from(["RESERVATION", "RESERVATION_EXPIRES"]))
    return element(*listed, **said)


@st.composite
def limits(draw: st.DrawFn, version: str) -> dict[str, Any]:
    names = ("before_taxes", "after_taxes") if version == "2.3.0" else ("excl_vat", "incl_vat")
    found = {}
    for name in ("min_price", "max_price"):
        if draw(st.integers(0, 3)) == 0:
            bounds = {names[0]: draw(PRICES)}
            found[name] = bounds if draw(st.booleans()) else {**bounds, names[1]: draw(PRICES)}
    return found


@st.composite
def sessions(draw: st.DrawFn, ids: tuple[str, ...]) -> dict[str, Any]:
    start = draw(st.sampled_from(STARTS))
    minute, periods, tiers = 0, [], draw(st.booleans())
    for index in range(draw(st.integers(1, 6))):
        # 3 minutes are 0.05 h exactly; other lengths are written with four decimals.
        length = draw(st.sampled_from([3, 15, 30, 45, 60, 90, 10, 20, 25, 7]))
        hours = (Decimal(length) / 60).quantize(Decimal("0.0001"))
        kind = draw(st.sampled_from(["charging", "charging", "parked", "both", "idle"] + (["reserved"] if index < 2 else [])))
        volumes: dict[str, Any] = {"reserved": {"RESERVATION_TIME": hours}, "parked": {"PARKING_TIME": hours}, "idle": {"ENERGY": 0}}.get(
            kind, {}
        )
        if kind in ("charging", "both"):
            volumes = {"ENERGY": draw(st.decimals(0, 6, places=draw(st.integers(0, 3)))), "TIME": hours}
        if kind == "both":
            volumes["PARKING_TIME"] = Decimal("0.05")
        if draw(st.integers(0, 2)) == 0:
            low = draw(st.integers(0, 25))
            volumes |= {"MIN_POWER": low, "MAX_POWER": low + draw(st.sampled_from([0, 0, 10]))}
        periods.append(period(minute, draw(st.sampled_from([*ids, None])) if tiers else None, start, **volumes))
        minute += length
    return cdr(minute, *draw(st.permutations(periods)), start=start)


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    version = draw(st.sampled_from(["2.1.1", "2.2.1", "2.3.0"]))
    ids = ("A", "B")[: draw(st.integers(1, 2))]
    taxes = {"tax_included": draw(st.sampled_from(["YES", "NO", "N/A"]))} if version == "2.3.0" else {}
    tariffs = [tariff(*draw(st.lists(elements(), min_size=1, max_size=4)), id=name, **draw(limits(version)), **taxes) for name in ids]
    return version, draw(sessions(ids)), tariffs


def spelled(money: oracle.Sides) -> dict[str, str | None]:
    return {"excl": oracle.rounded(money[0]), "incl": oracle.rounded(money[1])}


@settings(max_examples=300)
@given(asked=questions(), preset=st.sampled_from(["spec", "exact"]))
def test_the_engine_and_the_rules_agree(asked: Any, preset: str) -> None:
    version, session, tariffs = asked
    found = price(session, tariffs, version=version, timezone=ZONE, options=Options(preset=preset)).to_document()
    expected = oracle.price(session, tariffs, version, ZONE, exact=preset == "exact")
    assert found["total_cost"] == spelled(expected["total"])
    for name in ("energy", "time", "parking", "fixed", "reservation"):
        assert found[f"total_{name}_cost"] == spelled(expected["parts"].get(name, (Fraction(0), Fraction(0))))
    billed = {"energy_kwh": "ENERGY", "time_s": "TIME", "parking_s": "PARKING_TIME", "reservation_s": "RESERVATION_TIME"}
    assert {name: Fraction(found["billed"][name]) for name in billed} == {name: expected["billed"][kind] for name, kind in billed.items()}


LEGS = st.lists(
    st.tuples(st.sampled_from([15, 30, 45, 90, 150, 300]), st.sampled_from(["0", "0.2", "0.5", "1"]), st.booleans()), min_size=1, max_size=3
)


def course(start: str, legs: list[tuple[int, Fraction, bool]]) -> dict[str, Any]:
    """One period a leg, however many prices it passes."""
    minute, periods = 0, []
    for minutes, pace, parked in legs:
        hours = Decimal(minutes) / 60
        volumes = {"PARKING_TIME": hours} if parked else {"TIME": hours, "ENERGY": Decimal(str(float(pace))) * minutes}
        periods.append(period(minute, start=start, **volumes))
        minute += minutes
    return cdr(minute, *periods, start=start)


@settings(max_examples=80, deadline=None)
@given(listed=st.lists(elements(power=False, reservations=False), min_size=1, max_size=4), start=st.sampled_from(STARTS), legs=LEGS)
def test_a_divided_period_costs_what_its_minutes_cost(listed: Any, start: str, legs: Any) -> None:
    paced = [(minutes, Fraction(0) if parked else Fraction(pace), parked) for minutes, pace, parked in legs]
    whole = tariff(*listed)
    expected = oracle.by_minute(whole, start, paced, ZONE)
    exact = Options(preset="exact", split="linear", decimals=8)
    found = price(course(start, paced), [whole], version="2.2.1", timezone=ZONE, options=exact).total_cost.excl
    assert abs(Fraction(found) - expected) <= Fraction(1, 10**8)


@settings(max_examples=80, deadline=None)
@given(listed=st.lists(elements(power=False, reservations=False), min_size=1, max_size=4), start=st.sampled_from(STARTS), legs=LEGS)
def test_simulated_periods_cost_what_their_minutes_cost(listed: Any, start: str, legs: Any) -> None:
    paced = [(minutes, Fraction(0) if parked else Fraction(pace), parked) for minutes, pace, parked in legs]
    whole = tariff(*listed)
    at, kwh, samples = parse_time(start), Fraction(0), []
    for minutes, pace, parked in paced:
        samples.append(Sample(at, Decimal(str(float(kwh))), "parked" if parked else "charging"))
        at, kwh = at + minutes * MINUTE, kwh + pace * minutes
    samples.append(Sample(at, Decimal(str(float(kwh))), samples[-1].phase))
    periods = cut(compile_tariff(whole, "2.2.1"), samples, ZONE)
    session = {**cdr(0, *periods, start=start), "end_date_time": format_time(at)}
    found = price(session, [whole], version="2.2.1", timezone=ZONE, options=Options(preset="exact", decimals=8))
    assert "period_spans_price_change" not in {problem.code for problem in found.warnings}
    # Hours are written with four decimals.
    assert abs(Fraction(found.total_cost.excl) - oracle.by_minute(whole, start, paced, ZONE)) <= Fraction(3 * len(periods) * 3, 10_000)


@settings(max_examples=80, deadline=None)
@given(
    listed=st.lists(elements(power=False, reservations=False), min_size=1, max_size=4),
    start=st.sampled_from(STARTS),
    quarters=st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=16),
    preset=st.sampled_from(["spec", "exact"]),
)
def test_however_the_energy_fell_the_total_lies_within_the_bounds(listed: Any, start: str, quarters: Any, preset: str) -> None:
    """A quarter takes 0 to 3 kWh or is parked; the CDR has one period until the car is parked, and one for each change.

    The first that charges takes a little more, so that no threshold is reached just when a period ends: that is a period well divided.
    """
    whole = tariff(*listed)
    fine, coarse = [], []
    for index, (kwh, parked) in enumerate(quarters):
        more = 0 if any(not before for _, before in quarters[:index]) else Decimal("0.3")
        volumes = {"PARKING_TIME": Decimal("0.25")} if parked else {"TIME": Decimal("0.25"), "ENERGY": kwh + more}
        fine.append(period(15 * index, start=start, **volumes))
        if index and quarters[index - 1][1] == parked:
            for entry in coarse[-1]["dimensions"]:
                entry["volume"] += volumes[entry["type"]]
        else:
            coarse.append(period(15 * index, start=start, **volumes))
    said = Options(preset=preset, decimals=8)
    undivided = price(cdr(15 * len(quarters), *coarse, start=start), [whole], version="2.2.1", timezone=ZONE, options=said)
    lowest, highest = undivided.bounds or (undivided.total_cost, undivided.total_cost)
    divided = Options(preset=preset, split="linear", decimals=8)
    found = price(cdr(15 * len(quarters), *fine, start=start), [whole], version="2.2.1", timezone=ZONE, options=divided).total_cost
    for side in (0, 1):
        assert lowest[side] - Decimal("1e-7") <= found[side] <= highest[side] + Decimal("1e-7")


@pytest.mark.parametrize("start", ["2024-03-31T00:10:00Z", "2024-10-26T23:40:00Z"])
def test_the_nights_of_the_changed_clock_second_by_second(start: str) -> None:
    whole = tariff(
        element(component("TIME", 5), component("ENERGY", "0.50"), start_time="02:15", end_time="02:45"),
        element(component("TIME", 2), component("ENERGY", "0.40"), start_time="23:30", end_time="03:10", day_of_week=["SUNDAY"]),
        element(component("TIME", 1), component("ENERGY", "0.30"), min_duration=5400),
        element(component("TIME", "0.5"), component("ENERGY", "0.20")),
    )
    legs = [(240, Fraction("0.1"), False)]
    exact = Options(preset="exact", split="linear", decimals=6)
    found = price(course(start, legs), [whole], version="2.2.1", timezone=ZONE, options=exact).total_cost.excl
    assert abs(Fraction(found) - oracle.by_minute(whole, start, legs, ZONE, seconds=1)) <= Fraction(1, 10**6)
