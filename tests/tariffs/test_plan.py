"""A session that has not taken place: cut where the price changes, and priced as it will be."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.model.types import format_time, parse_time
from interplug.tariffs import Plan, TariffError, read_plan, simulate, verify
from tests.tariffs.build import START, component, element, tariff
from tests.tariffs.test_properties import ZONE, tariffs

NIGHT = tariff(element(component("ENERGY", "0.30"), start_time="22:00", end_time="06:00"), element(component("ENERGY", "0.50")))


def volumes(found: dict[str, Any], kind: str) -> list[Decimal]:
    return [d["volume"] for p in found["charging_periods"] for d in p["dimensions"] if d["type"] == kind]


def plan(**fields: Any) -> Plan:
    return read_plan({"start_date_time": START, **fields})


def test_a_session_over_a_change_of_price_by_the_clock() -> None:
    evening = plan(start_date_time="2024-01-15T20:00:00Z", kwh=20, kw=10)
    found = simulate(NIGHT, evening, version="2.2.1", timezone=ZONE)
    assert [p["start_date_time"] for p in found["charging_periods"]] == ["2024-01-15T20:00:00Z", "2024-01-15T21:00:00Z"]
    assert found["total_cost"]["excl_vat"] == 8 and found["total_energy"] == 20 and found["total_time"] == 2


def test_a_curve_of_power_is_cut_where_it_crosses_a_limit() -> None:
    fast = tariff(element(component("ENERGY", 1), min_power=50), element(component("ENERGY", "0.5")))
    falling = plan(power=[{"second": 0, "kw": 100}, {"second": 3600, "kw": 0}])
    found = simulate(fast, falling, version="2.2.1")
    assert [p["start_date_time"][11:16] for p in found["charging_periods"]] == ["09:00", "09:30"]
    # 37.5 kWh above 50 kW, 12.5 below.
    assert volumes(found, "ENERGY") == [Decimal("37.5"), Decimal("12.5")]
    assert found["total_cost"]["excl_vat"] == Decimal("43.75")


def test_time_is_reserved_before_and_parked_after() -> None:
    prices = tariff(element(component("TIME", 6), reservation="RESERVATION"), element(component("ENERGY", 1), component("PARKING_TIME", 3)))
    found = simulate(prices, plan(kwh=5, charging_s=1800, parked_s=3600, reserved_s=600), version="2.2.1")
    assert (volumes(found, "RESERVATION_TIME"), volumes(found, "PARKING_TIME")) == ([Decimal("0.1667")], [1])
    costs = [found[name]["excl_vat"] for name in ("total_reservation_cost", "total_energy_cost", "total_parking_cost")]
    assert costs == [1, 5, 3]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"start_date_time": None, "kwh": 1, "kw": 1}, "invalid_field"),
        ({"start_date_time": "soon", "kwh": 1, "kw": 1}, "invalid_field"),
        ({"kwh": 1}, "invalid_field"),
        ({"kwh": -1, "kw": 1}, "out_of_range"),
        ({}, "out_of_range"),
        ({"kwh": 1, "charging_s": 10**9}, "out_of_range"),
        ({"power": [{"second": 0, "kw": 1}]}, "invalid_field"),
        ({"power": [{"second": 5, "kw": 1}, {"second": 9, "kw": 1}]}, "invalid_field"),
        ({"power": [{"second": 0, "kw": 1}, {"second": 0, "kw": 1}]}, "invalid_field"),
        ({"power": 5}, "invalid_field"),
    ],
)
def test_what_is_no_session_is_named(fields: Any, code: str) -> None:
    with pytest.raises(TariffError) as raised:
        read_plan({"start_date_time": START, **fields})
    assert raised.value.code == code


def test_local_time_needs_a_zone() -> None:
    with pytest.raises(TariffError) as raised:
        simulate(NIGHT, plan(kwh=1, kw=1), version="2.2.1")
    assert raised.value.code == "timezone_required"


@settings(max_examples=40)
@given(
    document=tariffs(),
    minute=st.integers(0, 2000),
    kwh=st.decimals(0, 60, places=2),
    times=st.tuples(st.integers(1, 20_000), st.integers(0, 20_000), st.integers(0, 3000)),
    version=st.sampled_from(["2.1.1", "2.2.1", "2.3.0"]),
)
def test_what_is_simulated_verifies(document: Any, minute: int, kwh: Decimal, times: tuple[int, int, int], version: str) -> None:
    if version == "2.3.0":
        document = {**document, "tax_included": "NO"}
    charging, parked, reserved = (Decimal(time) for time in times)
    session = Plan(parse_time(START) + minute * 60_000_000, kwh, charging, parked, reserved)
    found = simulate(document, session, version=version, timezone=ZONE)
    verified = verify(found, [document], version=version, timezone=ZONE)
    assert verified.verdict in ("match", "unverifiable") and not verified.differences
    assert found["start_date_time"] == format_time(session.start)
